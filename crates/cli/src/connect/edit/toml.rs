//! Setting and taking back single keys of TOML, by splicing at the places a parser names.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Change, EditError, Step, Trace, dotted, line_end, syntax};

/// Sets a key to a string; `None` when it has that value already.
pub(super) fn set(text: &str, change: &Change) -> Result<Option<(String, Trace)>, EditError> {
    let keys = keys(&change.path)?;
    let wanted: String = serde_json::from_str(&change.value)
        .map_err(|_| EditError::NotSafe(format!("`{}` is no text", dotted(&change.path))))?;
    let parsed = parse(text)?;
    let (applied, previous, made) = match leaf(parsed.get_ref(), &keys)? {
        Some(value) if value.get_ref().as_str() == Some(&wanted) => return Ok(None),
        Some(value) => {
            let previous = text.get(value.span()).unwrap_or_default().to_owned();
            (spliced(text, value.span(), &change.value), Some(previous), 0)
        }
        None => {
            let (at, inserted, made) = placed(text, parsed.get_ref(), &keys, &change.value);
            (spliced(text, at..at, &inserted), None, made)
        }
    };
    let checked = parse(&applied).ok();
    let found = checked.as_ref().and_then(|parsed| leaf(parsed.get_ref(), &keys).ok()?);
    if found.and_then(|value| value.get_ref().as_str()) != Some(&wanted) {
        return Err(EditError::NotSafe(format!("`{}` has no place of its own", dotted(&change.path))));
    }
    let trace = Trace::Key { path: change.path.clone(), set: change.value.clone(), previous, made };
    Ok(Some((applied, trace)))
}

/// Takes a key back; `None` when it no longer has the value it was given.
pub(super) fn unset(
    text: &str,
    path: &[Step],
    set: &str,
    previous: Option<&str>,
    made: usize,
) -> Result<Option<String>, EditError> {
    let keys = keys(path)?;
    let parsed = parse(text)?;
    let Ok(Some(value)) = leaf(parsed.get_ref(), &keys) else { return Ok(Some(text.to_owned())) };
    if serde_json::from_str::<String>(set).ok().as_deref() != value.get_ref().as_str() {
        return Ok(None);
    }
    if let Some(previous) = previous {
        return Ok(Some(spliced(text, value.span(), previous)));
    }
    let line = line_start(text, value.span().start);
    let before = text.get(line..value.span().start).unwrap_or_default();
    // A key that somebody moved into an inline table shares its line with others.
    if before.contains(['{', '[']) {
        return Ok(None);
    }
    let mut text = spliced(text, line..next_line(text, value.span().end), "");
    let table = keys.split_last().map(|(_, table)| table).unwrap_or_default();
    if table.is_empty() {
        text = without_lone_break(text, line);
    } else if made > 1 {
        text = without_empty_table(text, table)?;
    }
    Ok(Some(text))
}

/// The string at a path.
pub(super) fn string_at(text: &str, path: &[Step]) -> Option<String> {
    let parsed = parse(text).ok()?;
    let value = leaf(parsed.get_ref(), &keys(path).ok()?).ok()??;
    value.get_ref().as_str().map(str::to_owned)
}

fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, EditError> {
    DeTable::parse(text)
        .map_err(|error| syntax(text, error.span().map_or(0, |span| span.start), error.message()))
}

fn keys(path: &[Step]) -> Result<Vec<&str>, EditError> {
    path.iter()
        .map(|step| match step {
            Step::Key(key) => Ok(key.as_str()),
            Step::Item { .. } => Err(EditError::NotSafe("items of TOML arrays are not edited".to_owned())),
        })
        .collect()
}

fn leaf<'a, 'i>(
    table: &'a DeTable<'i>,
    keys: &[&str],
) -> Result<Option<&'a Spanned<DeValue<'i>>>, EditError> {
    let Some((last, parents)) = keys.split_last() else { return Ok(None) };
    match inner(table, parents)? {
        Some(table) => Ok(table.get(*last)),
        None => Ok(None),
    }
}

fn inner<'a, 'i>(table: &'a DeTable<'i>, keys: &[&str]) -> Result<Option<&'a DeTable<'i>>, EditError> {
    let mut table = table;
    for key in keys {
        match table.get(*key).map(|value| value.get_ref()) {
            Some(DeValue::Table(next)) => table = next,
            Some(_) => return Err(EditError::Shape { key: (*key).to_owned(), expected: "table" }),
            None => return Ok(None),
        }
    }
    Ok(Some(table))
}

/// Where a new key goes, the bytes to put there, and how many steps they make.
fn placed(text: &str, root: &DeTable<'_>, keys: &[&str], value: &str) -> (usize, String, usize) {
    let end = line_end(text);
    let (name, parents) = keys.split_last().map_or(("", keys), |(name, parents)| (*name, parents));
    let line = format!("{name} = {value}{end}");
    let lead = |at: usize| if at > 0 && !text[..at].ends_with('\n') { end } else { "" };
    let table = inner(root, parents).ok().flatten();
    if parents.is_empty() {
        let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
        return match last_of(text, root) {
            Some(last) => {
                let at = next_line(text, last);
                (at, format!("{}{line}", lead(at)), 1)
            }
            None if text.len() > start => (start, format!("{line}{end}"), 1),
            None => (start, line, 1),
        };
    }
    let header = format!("[{}]", parents.join("."));
    let at = table.and_then(|table| last_of(text, table)).map(|last| next_line(text, last));
    let at = at.or_else(|| header_line(text, &header).map(|line| line.end));
    match at {
        Some(at) => (at, format!("{}{line}", lead(at)), 1),
        None => {
            let gap = if text.is_empty() { "" } else { end };
            (text.len(), format!("{}{gap}{header}{end}{line}", lead(text.len())), 2)
        }
    }
}

/// Where the last value ends that stands in this table itself, not under a header further down.
fn last_of(text: &str, table: &DeTable<'_>) -> Option<usize> {
    let own = table.iter().filter(|(key, _)| {
        let start = key.span().start;
        !text[line_start(text, start)..start].trim_start().starts_with('[')
    });
    own.map(|(_, value)| deep_end(value)).max()
}

fn deep_end(value: &Spanned<DeValue<'_>>) -> usize {
    let inside = match value.get_ref() {
        DeValue::Table(table) => table.iter().map(|(_, value)| deep_end(value)).max(),
        _ => None,
    };
    value.span().end.max(inside.unwrap_or(0))
}

/// Takes the line break away that set our keys at the top apart, once none of them is left there.
fn without_lone_break(text: String, at: usize) -> String {
    let starts = text.trim_start_matches('\u{feff}');
    let is_top = at == text.len() - starts.len();
    let has_keys = parse(&text).is_ok_and(|parsed| last_of(&text, parsed.get_ref()).is_some());
    let rest = starts.strip_prefix("\r\n").or_else(|| starts.strip_prefix('\n'));
    match rest {
        Some(rest) if is_top && !has_keys => format!("{}{rest}", &text[..at]),
        _ => text,
    }
}

/// Takes a header away that has nothing under it, with the empty line before it.
fn without_empty_table(text: String, table: &[&str]) -> Result<String, EditError> {
    let parsed = parse(&text)?;
    let empty = inner(parsed.get_ref(), table)?.is_some_and(DeTable::is_empty);
    let Some(line) = header_line(&text, &format!("[{}]", table.join("."))).filter(|_| empty) else {
        return Ok(text);
    };
    let before = &text[..line.start];
    let gap = before.strip_suffix("\r\n").or_else(|| before.strip_suffix('\n'));
    let from = gap.filter(|before| before.ends_with('\n') || before.is_empty()).map_or(line.start, str::len);
    Ok(spliced(&text, from..line.end, ""))
}

fn header_line(text: &str, header: &str) -> Option<Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == header {
            return Some(at..at + line.len());
        }
        at += line.len();
    }
    None
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Behind the end of the line that `at` is in.
fn next_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

fn spliced(text: &str, range: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

#[cfg(test)]
mod tests {
    use super::super::{Applied, Edit, Format, apply, take_back};
    use super::*;

    fn changes() -> Edit {
        let change = |path: &[&str], value: &str| Change {
            path: path.iter().map(|key| Step::Key((*key).to_owned())).collect(),
            value: format!("\"{value}\""),
        };
        Edit::Toml(vec![
            change(&["model"], "auto"),
            change(&["model_provider"], "waymark"),
            change(&["model_providers", "waymark", "base_url"], "http://127.0.0.1:4114/v1"),
            change(&["model_providers", "waymark", "wire_api"], "responses"),
        ])
    }

    const REAL: &str = "# mine\nmodel = \"gpt-5\" # best\napproval_policy = 'never'\nnotify = [\n  \"a\",\n]\n\n\
                        [model_providers.other]\nname = \"Ü\"\nbase_url = \"https://x.example/v1\"\n\n\
                        [projects.\"/a b\"]\ntrust_level = \"trusted\"\n";

    #[test]
    fn keys_go_where_they_belong_and_come_out_again() {
        for text in [
            REAL.to_owned(),
            REAL.replace('\n', "\r\n"),
            String::new(),
            "# only\n[projects.x]\na = 1\n".to_owned(),
            "model_provider = \"x\"\n".to_owned(),
            "a.b = 1\n[c]\n".to_owned(),
            "[model_providers.other]\nname = \"x\"\n".to_owned(),
        ] {
            let Applied { text: applied, traces } = apply(&text, &changes()).unwrap();
            let parsed: toml::Table = toml::from_str(&applied).unwrap();
            assert_eq!(parsed["model"].as_str(), Some("auto"), "{applied}");
            assert_eq!(parsed["model_provider"].as_str(), Some("waymark"));
            assert_eq!(parsed["model_providers"]["waymark"]["wire_api"].as_str(), Some("responses"));
            assert_eq!(
                text.contains("\r\n"),
                !applied.replace("\r\n", "").contains('\n') && !text.is_empty()
            );
            assert_eq!(apply(&applied, &changes()).unwrap().traces, [], "twice is once");
            assert_eq!(take_back(&applied, Format::Toml, &traces).unwrap().text, text);
        }
        let applied = apply(REAL, &changes()).unwrap().text;
        assert!(applied.starts_with("# mine\nmodel = \"auto\" # best\n"), "{applied}");
        assert!(applied.contains("]\nmodel_provider = \"waymark\"\n\n[model_providers.other]"), "{applied}");
    }

    #[test]
    fn foreign_edits_stay() {
        let Applied { text, traces } = apply(REAL, &changes()).unwrap();
        let edited = text.replace("\"auto\"", "\"mine\"").replace("trusted", "untrusted");
        let edited =
            edited.replace("wire_api = \"responses\"\n", "wire_api = \"responses\"\nquery = \"q\"\n");
        let taken = take_back(&edited, Format::Toml, &traces).unwrap();
        assert_eq!(taken.kept, ["model"]);
        let wanted = REAL.replace("\"gpt-5\"", "\"mine\"").replace("trusted", "untrusted");
        assert_eq!(taken.text, format!("{wanted}\n[model_providers.waymark]\nquery = \"q\"\n"));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        assert_eq!(
            apply("model = \n", &changes())
                .map_err(|error| matches!(error, EditError::Syntax { line: 1, .. })),
            Err(true)
        );
        assert!(matches!(apply("model_providers = 1\n", &changes()), Err(EditError::Shape { .. })));
        assert!(matches!(apply("model_providers = { a = {} }\n", &changes()), Err(EditError::NotSafe(_))));
    }
}
