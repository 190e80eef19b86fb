//! `waymark complete`

use std::io::{self, Write as _};
use std::process::ExitCode;

use waymark_flash::{Completion, CompletionRequest, DEFAULT_THRESHOLD};

use super::{Outcome, index};
use crate::args::{Common, Cursor};
use crate::failure::{Failure, USAGE};
use crate::terminal::{DIM, short};

pub(crate) fn run(common: &Common, cursor: &Cursor) -> Outcome {
    let usage = |problem: String| Failure::new(USAGE, problem);
    let file = cursor.file.canonicalize();
    let file = file.map_err(|error| usage(format!("could not find {}: {error}", cursor.file.display())))?;
    let text = std::fs::read_to_string(&file)
        .map_err(|error| usage(format!("could not read {}: {error}", cursor.file.display())))?;
    let (prefix, suffix) = split(&text, cursor.line, cursor.column).map_err(usage)?;
    let flash = index::open(file.parent().unwrap_or(&file))?;
    let completion = flash.complete(&CompletionRequest {
        prefix,
        suffix,
        path: file.to_str(),
        threshold: cursor.threshold,
        max_tokens: None,
    });
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &completion).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else {
        tell(&completion, cursor.threshold.unwrap_or(DEFAULT_THRESHOLD))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The suggestion is data; everything about it is talk.
fn tell(completion: &Completion, threshold: f64) -> io::Result<()> {
    let mut talk = anstream::stderr().lock();
    let Some(suggestion) = &completion.suggestion else {
        return writeln!(
            talk,
            "declined: the best guess has confidence {:.2}, below {threshold:.2} ({})",
            completion.confidence, completion.version
        );
    };
    writeln!(io::stdout(), "{}", suggestion.text)?;
    writeln!(talk, "{DIM}confidence {:.2}, {}{DIM:#}", suggestion.confidence, completion.version)?;
    for citation in &suggestion.citations {
        let commit = citation.commit.as_deref().map_or("not committed", short);
        let licence = citation.licence.as_deref().unwrap_or("licence unknown");
        writeln!(talk, "{DIM}from {}:{} ({commit}, {licence}){DIM:#}", citation.path, citation.line)?;
    }
    Ok(())
}

/// The text before and after a cursor, both counted from 1; the column in characters.
fn split(text: &str, line: usize, column: usize) -> Result<(&str, &str), String> {
    let lines = text.split_inclusive('\n').count() + usize::from(text.is_empty() || text.ends_with('\n'));
    if line == 0 || line > lines {
        return Err(format!("there is no line {line}; the file has {lines}"));
    }
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let content = text[start..].split(['\n', '\r']).next().unwrap_or_default();
    let width = content.chars().count();
    if column == 0 || column > width + 1 {
        return Err(format!("line {line} has no column {column}; its columns are 1 to {}", width + 1));
    }
    let offset = content.char_indices().nth(column - 1).map_or(content.len(), |(offset, _)| offset);
    Ok(text.split_at(start + offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_found_by_line_and_character() {
        let text = "aß\r\nsecond\n";
        assert_eq!(split(text, 1, 1), Ok(("", text)));
        assert_eq!(split(text, 1, 3), Ok(("aß", "\r\nsecond\n")));
        assert_eq!(split(text, 2, 4), Ok(("aß\r\nsec", "ond\n")));
        assert_eq!(split(text, 3, 1), Ok((text, "")));
        assert_eq!(split("", 1, 1), Ok(("", "")));
    }

    #[test]
    fn a_cursor_outside_the_file_is_refused_with_its_bounds() {
        assert_eq!(split("ab\n", 4, 1).unwrap_err(), "there is no line 4; the file has 2");
        assert_eq!(split("ab\n", 1, 4).unwrap_err(), "line 1 has no column 4; its columns are 1 to 3");
        assert_eq!(split("ab\n", 0, 1).unwrap_err(), "there is no line 0; the file has 2");
    }
}
