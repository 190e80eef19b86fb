//! The first half of a note: paths at the margin, below each the keys and their lines.

use std::collections::BTreeMap;

use super::{Attested, NoteError};
use crate::formats::lines::LineSet;

/// How many lines a path may go over. A name with a line end in it is a freak; one with more of them is an attack.
const LONGEST_PATH: usize = 8;

type Files = BTreeMap<String, Vec<Attested>>;

/// Reads the first half, and returns the second as text.
pub(super) fn read(text: &str) -> Result<(Files, &str), NoteError> {
    let mut files = Files::new();
    let mut entries: Option<&mut Vec<Attested>> = None;
    let mut lines = Reader { rest: text, number: 0 };
    loop {
        let line = lines.next().ok_or(NoteError::NotParted)?;
        let fault = |fault| NoteError::Line { number: lines.number, fault };
        if line == "---" {
            break;
        }
        if line.trim_end().is_empty() {
            continue;
        }
        if let Some(entry) = line.strip_prefix("  ") {
            let entries = entries.as_mut().ok_or_else(|| fault("belongs to no file"))?;
            entries.push(attested(entry).ok_or_else(|| fault("is no key with line numbers"))?);
        } else if line.starts_with([' ', '\t']) {
            return Err(fault("is neither a path nor a key"));
        } else {
            let path = lines.path(line);
            entries = Some(files.entry(path).or_default());
        }
    }
    files.retain(|path, entries| !path.is_empty() && !entries.is_empty());
    Ok((files, lines.rest))
}

/// Writes the first half and the line that ends it.
pub(super) fn write(files: &Files) -> String {
    let mut text = String::new();
    for (path, entries) in files {
        let Some(path) = written(path).filter(|_| entries.iter().any(|entry| !entry.lines.is_empty())) else {
            continue;
        };
        text.push_str(&path);
        text.push('\n');
        for entry in entries.iter().filter(|entry| !entry.lines.is_empty()) {
            text.push_str(&format!("  {} {}\n", entry.key, entry.lines));
        }
    }
    text.push_str("---\n");
    text
}

fn attested(entry: &str) -> Option<Attested> {
    let (key, lines) = entry.trim_end().split_once(' ')?;
    let lines = LineSet::parse(lines)?;
    (!key.is_empty()).then(|| Attested { key: key.to_owned(), lines })
}

/// A path as a note has it; nothing when it would not be read back, or read as something else.
fn written(path: &str) -> Option<String> {
    let is_plain = !path.is_empty()
        && path != "---"
        && !path.starts_with('"')
        && !path.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_plain {
        return Some(path.to_owned());
    }
    let quoted = format!("\"{path}\"");
    let mut lines = Reader { rest: &quoted, number: 0 };
    let read = lines.next().map(|line| lines.path(line));
    (!path.is_empty() && read.as_deref() == Some(path) && lines.rest.is_empty()).then_some(quoted)
}

/// A text's lines, one after another.
#[derive(Clone)]
struct Reader<'a> {
    rest: &'a str,
    /// Of the line read last, from 1.
    number: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        (self.rest, self.number) = (rest, self.number + 1);
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// The path that a line is or begins.
    fn path(&mut self, line: &str) -> String {
        let trimmed = line.trim_end();
        if let Some(path) = unquoted(trimmed) {
            return path.to_owned();
        }
        if line.starts_with('"') {
            let (mut further, mut whole) = (self.clone(), line.to_owned());
            for _ in 1..LONGEST_PATH {
                let Some(next) = further.next().filter(|next| *next != "---" && !next.starts_with("  "))
                else {
                    break;
                };
                whole.push('\n');
                whole.push_str(next);
                if let Some(path) = unquoted(&whole) {
                    *self = further;
                    return path.to_owned();
                }
            }
        }
        // Names that have a quote at their beginning only are written as they are.
        trimmed.to_owned()
    }
}

fn unquoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}
