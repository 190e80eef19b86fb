//! Tool calls written as tags into an answer's text, as Cline and Roo have them, and the tags that Zed has edits in.
//!
//! ```text
//! <write_to_file>
//! <path>src/a.rs</path>
//! <content>
//! fn a() {}
//! </content>
//! </write_to_file>
//! ```
//!
//! Nothing in the values is escaped, so a value ends at the last of its closing tags.

use super::json::Value;
use super::piece::Piece;
use super::tools;
use crate::Form;

/// Tools that are called by tags.
const TOOLS: [&str; 11] = [
    "write_to_file",
    "replace_in_file",
    "apply_diff",
    "insert_content",
    "search_and_replace",
    "edit_file",
    "search_replace",
    "apply_patch",
    "write_file",
    "create_file",
    "execute_command",
];
/// Their arguments that hold no code.
const PLAIN: [&str; 5] = ["path", "file_path", "target_file", "line", "cwd"];
/// Those that hold code, in which any tag may stand.
const CODE: [&str; 10] = [
    "content",
    "diff",
    "search",
    "replace",
    "old_string",
    "new_string",
    "code_edit",
    "input",
    "file_text",
    "command",
];

/// The call or the edit whose tag opens the text, and where its closing tag ends.
pub(super) fn read(text: &str) -> Option<(Vec<Piece>, usize)> {
    if begins_swap(text) {
        return swap(text);
    }
    let tool = opened(text, &TOOLS)?;
    let start = tool.len() + 2;
    let close = format!("</{tool}>");
    let end = text[start..].find(&close).map(|more| start + more);
    let body = &text[start..end.unwrap_or(text.len())];
    // Roo's edits of several files at once.
    let files: Vec<&str> =
        if body.trim_start().starts_with("<args>") { body.split("</file>").collect() } else { vec![body] };
    let pieces = files.into_iter().flat_map(|file| tools::read_fields(tool, arguments(file))).collect();
    Some((pieces, end.map_or(text.len(), |end| end + close.len())))
}

/// Whether an edit's tag opens the text.
pub(super) fn begins_swap(text: &str) -> bool {
    text.starts_with("<old_text")
}

/// Which of the names the tag has that opens the text.
fn opened<'n>(text: &str, names: &[&'n str]) -> Option<&'n str> {
    let tag = text.strip_prefix('<')?;
    let is_it = |name: &&str| tag.strip_prefix(name).is_some_and(|rest| rest.starts_with('>'));
    names.iter().copied().find(is_it)
}

fn arguments(body: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let code = opened(rest, &CODE);
        let Some(name) = code.or_else(|| opened(rest, &PLAIN)) else {
            rest = &rest[1..];
            continue;
        };
        let value = &rest[name.len() + 2..];
        let close = format!("</{name}>");
        let end = if code.is_some() { value.rfind(&close) } else { value.find(&close) };
        let text = inner(&value[..end.unwrap_or(value.len())]);
        let text = text.to_owned();
        found.push((name.to_owned(), if end.is_some() { Value::Text(text) } else { Value::Cut(text) }));
        rest = end.map_or("", |end| &value[end + close.len()..]);
    }
    found
}

/// A value without the line breaks next to its tags.
fn inner(value: &str) -> &str {
    let value = value.strip_prefix("\r\n").or(value.strip_prefix('\n')).unwrap_or(value);
    value.strip_suffix('\n').map_or(value, |value| value.strip_suffix('\r').unwrap_or(value))
}

/// An edit of Zed's: `<old_text line=3>…</old_text>`, then `<new_text>…</new_text>`.
fn swap(text: &str) -> Option<(Vec<Piece>, usize)> {
    let element = |from: usize, name: &str| -> Option<(&str, usize)> {
        let rest = text.get(from..)?;
        let open = rest.find(&format!("<{name}"))?;
        let start = open + rest[open..].find('>')? + 1;
        let close = format!("</{name}>");
        let end = start + rest[start..].find(&close)?;
        Some((inner(&rest[start..end]), from + end + close.len()))
    };
    let (old, end) = element(0, "old_text")?;
    let (new, end) = element(end, "new_text")?;
    let (old, new) = (old.to_owned(), new.to_owned());
    let piece = Piece::Swap { path: None, form: Form::EditBlock, old, new, everywhere: false };
    Some((vec![piece], end))
}
