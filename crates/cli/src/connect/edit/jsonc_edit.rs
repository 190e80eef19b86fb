//! Setting and taking back single keys of JSON with comments, by splicing.

use super::jsonc::{Entry, Kind, Node, comments_end, scan};
use super::{Change, EditError, Step, Trace, dotted, line_end};

/// Sets a key; `None` when it has that value already.
pub(super) fn set(text: &str, change: &Change) -> Result<Option<(String, Trace)>, EditError> {
    let Some(root) = scan(text)? else {
        let break_ = if text.is_empty() || text.ends_with('\n') { "" } else { line_end(text) };
        let brackets = if matches!(change.path.first(), Some(Step::Item { .. })) { "[]" } else { "{}" };
        return set(&format!("{text}{break_}{brackets}{}", line_end(text)), change);
    };
    let (node, depth) = walk(&root, &change.path)?;
    let style = Style::of(text, &root);
    let path = change.path.clone();
    let trace = |previous, made| Trace::Key { path, set: change.value.clone(), previous, made };
    if depth == change.path.len() {
        let previous = slice(text, node.start, node.end);
        if compact(previous) == compact(&change.value) {
            return Ok(None);
        }
        let value = style.render(&change.value, &indent_of(text, node.start), style.inline)?;
        let text = splice(text, &[(node.start, node.end, &value)]);
        return Ok(Some((text, trace(Some(previous.to_owned()), 0))));
    }
    let entry = written_out(&change.path[depth..], &change.value);
    let text = insert(text, node, &entry, &style)?;
    Ok(Some((text, trace(None, change.path.len() - depth))))
}

/// Takes a key back; `None` when it no longer has the value it was given.
pub(super) fn unset(
    text: &str,
    path: &[Step],
    set: &str,
    previous: Option<&str>,
    made: usize,
) -> Result<Option<String>, EditError> {
    let Some(root) = scan(text)? else { return Ok(Some(text.to_owned())) };
    let Ok((node, depth)) = walk(&root, path) else { return Ok(None) };
    if depth < path.len() {
        return Ok(Some(text.to_owned()));
    }
    if compact(slice(text, node.start, node.end)) != compact(set) {
        return Ok(None);
    }
    if let Some(previous) = previous {
        return Ok(Some(splice(text, &[(node.start, node.end, previous)])));
    }
    let mut text = remove(text, &root, path)?;
    // What was made on the way goes too, unless somebody has put something into it.
    for length in (path.len().saturating_sub(made.saturating_sub(1))..path.len()).rev() {
        let Some(root) = scan(&text)? else { break };
        let (node, depth) = walk(&root, &path[..length])?;
        if depth < length || !is_bare(&text, node, path.get(length - 1)) {
            break;
        }
        text = remove(&text, &root, &path[..length])?;
    }
    Ok(Some(text))
}

/// The string at a path.
pub(super) fn string_at(text: &str, path: &[Step]) -> Option<String> {
    let root = scan(text).ok()??;
    let (node, depth) = walk(&root, path).ok()?;
    match &node.kind {
        Kind::String(string) if depth == path.len() => Some(string.clone()),
        _ => None,
    }
}

/// A value on one line without blanks or comments; `None` when it is no JSON.
pub(super) fn compact(text: &str) -> Option<String> {
    let root = scan(text).ok()??;
    let mut out = String::new();
    write_compact(text, &root, ("", ""), &mut out);
    Some(out)
}

/// The deepest node on the path that is there, and how many steps lead to it.
fn walk<'a>(root: &'a Node, path: &[Step]) -> Result<(&'a Node, usize), EditError> {
    let mut node = root;
    for (depth, step) in path.iter().enumerate() {
        let expected = match (step, &node.kind) {
            (Step::Key(_), Kind::Object(_)) | (Step::Item { .. }, Kind::Array(_)) => None,
            (Step::Key(_), _) => Some("object"),
            (Step::Item { .. }, _) => Some("array"),
        };
        if let Some(expected) = expected {
            let key = if depth == 0 { "the file".to_owned() } else { dotted(&path[..depth]) };
            return Err(EditError::Shape { key, expected });
        }
        match find(node, step) {
            Some(index) => node = &node.entries()[index].value,
            None => return Ok((node, depth)),
        }
    }
    Ok((node, path.len()))
}

/// The entry a step leads to. Of members with one name the last counts, as for those who read the file.
fn find(node: &Node, step: &Step) -> Option<usize> {
    node.entries().iter().rposition(|entry| match step {
        Step::Key(key) => entry.key.as_ref() == Some(key),
        Step::Item { field, value } => entry.value.entries().iter().any(|member| {
            member.key.as_ref() == Some(field) && member.value.kind == Kind::String(value.clone())
        }),
    })
}

/// The entry that makes all of `steps`, in JSON.
fn written_out(steps: &[Step], value: &str) -> String {
    let Some((first, rest)) = steps.split_first() else { return value.to_owned() };
    let inner = written_out(rest, value);
    let inner = match rest.first() {
        Some(Step::Key(_)) if matches!(first, Step::Key(_)) => format!("{{{inner}}}"),
        Some(Step::Item { .. }) => format!("[{inner}]"),
        _ => inner,
    };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match first {
        Step::Key(key) => format!("{}:{inner}", quoted(key)),
        Step::Item { field, value } => format!("{{{}:{},{inner}}}", quoted(field), quoted(value)),
    }
}

/// Puts `entry`, written in JSON, behind the last one in `node`.
fn insert(text: &str, node: &Node, entry: &str, style: &Style) -> Result<String, EditError> {
    let base = indent_of(text, node.start);
    let inner = format!("{base}{}", style.unit);
    let Some(last) = node.entries().last() else {
        let open = comments_end(text, node.start + 1, node.end - 1);
        if style.inline {
            let entry = style.render(entry, "", true)?;
            return Ok(splice(text, &[(node.start + 1, node.end - 1, &entry)]));
        }
        let entry = style.render(entry, &inner, false)?;
        let lines = format!("{0}{inner}{entry}{0}{base}", style.line_end);
        return Ok(splice(text, &[(open, node.end - 1, &lines)]));
    };
    let after = last.comma.map_or(last.value.end, |comma| comma + 1);
    let at = comments_end(text, after, node.end - 1);
    let own_line = starts_its_line(text, last.start);
    let apart = own_line || slice(text, after, at).contains("//");
    let indent = if own_line { indent_of(text, last.start) } else { inner };
    let entry = style.render(entry, &indent, !apart)?;
    let lead = if apart { format!("{}{indent}", style.line_end) } else { " ".to_owned() };
    let lead = if style.dense && !apart { String::new() } else { lead };
    Ok(match last.comma {
        Some(_) => splice(text, &[(at, at, &format!("{lead}{entry},"))]),
        None => splice(text, &[(after, after, ","), (at, at, &format!("{lead}{entry}"))]),
    })
}

/// Takes the entry at `path` out, with the comma and the line that were its own.
fn remove(text: &str, root: &Node, path: &[Step]) -> Result<String, EditError> {
    let Some((step, parents)) = path.split_last() else { return Ok(text.to_owned()) };
    let (node, _) = walk(root, parents)?;
    let Some(index) = find(node, step) else { return Ok(text.to_owned()) };
    let entries = node.entries();
    let entry = &entries[index];
    let to = entry.comma.map_or(entry.value.end, |comma| comma + 1);
    if entries.len() == 1 {
        let from = comments_end(text, node.start + 1, entry.start);
        let plain = from == node.start + 1 && comments_end(text, to, node.end - 1) == to;
        return Ok(splice(text, &[(from, if plain { node.end - 1 } else { to }, "")]));
    }
    let before = index.checked_sub(1).map(|index| &entries[index]);
    let start = before.and_then(|entry: &Entry| entry.comma).map_or(node.start + 1, |comma| comma + 1);
    let from = comments_end(text, start, entry.start);
    let is_last = index + 1 == entries.len();
    match before.and_then(|entry| entry.comma) {
        Some(comma) if is_last && entry.comma.is_none() => {
            Ok(splice(text, &[(comma, comma + 1, ""), (from, to, "")]))
        }
        _ => Ok(splice(text, &[(from, to, "")])),
    }
}

/// Whether nothing is left in a container but what names it.
fn is_bare(text: &str, node: &Node, step: Option<&Step>) -> bool {
    let named =
        |entry: &Entry| matches!(step, Some(Step::Item { field, .. }) if entry.key.as_ref() == Some(field));
    let commented = match node.entries() {
        [] => comments_end(text, node.start + 1, node.end - 1) > node.start + 1,
        _ => slice(text, node.start, node.end).contains("//"),
    };
    node.entries().iter().all(named) && !commented
}

/// How a file is written.
struct Style {
    line_end: &'static str,
    unit: String,
    /// Everything on one line.
    inline: bool,
    /// On one line without blanks.
    dense: bool,
}

impl Style {
    fn of(text: &str, root: &Node) -> Self {
        let first = root.entries().first().filter(|entry| starts_its_line(text, entry.start));
        let unit = first.map(|entry| indent_of(text, entry.start)).filter(|unit| !unit.is_empty());
        let whole = slice(text, root.start, root.end);
        let inline = !whole.contains('\n') && !root.entries().is_empty();
        Self {
            line_end: line_end(text),
            unit: unit.unwrap_or_else(|| "  ".to_owned()),
            inline,
            dense: inline && !whole.contains("\": ") && !whole.contains(", "),
        }
    }

    /// A value or a member written in JSON, laid out as this file is.
    fn render(&self, written: &str, indent: &str, inline: bool) -> Result<String, EditError> {
        let (key, value) = member(written)?;
        let mut out =
            key.map_or(String::new(), |key| format!("{key}{}", if self.dense { ":" } else { ": " }));
        let Some(root) = scan(value)? else { return Ok(out) };
        if inline {
            write_compact(value, &root, if self.dense { ("", "") } else { (" ", " ") }, &mut out);
        } else {
            self.write_lines(value, &root, indent, &mut out);
        }
        Ok(out)
    }

    fn write_lines(&self, text: &str, node: &Node, indent: &str, out: &mut String) {
        let (open, close) = match &node.kind {
            Kind::Object(entries) if !entries.is_empty() => ('{', '}'),
            Kind::Array(entries) if !entries.is_empty() => ('[', ']'),
            _ => return out.push_str(slice(text, node.start, node.end)),
        };
        let inner = format!("{indent}{}", self.unit);
        out.push(open);
        for (index, entry) in node.entries().iter().enumerate() {
            out.push_str(&format!("{}{}{inner}", if index > 0 { "," } else { "" }, self.line_end));
            if let Some(key) = &entry.key {
                out.push_str(&format!("{}: ", serde_json::Value::from(key.as_str())));
            }
            self.write_lines(text, &entry.value, &inner, out);
        }
        out.push_str(&format!("{}{indent}{close}", self.line_end));
    }
}

/// A member's key as written, and the value; a value alone has no key.
fn member(written: &str) -> Result<(Option<&str>, &str), EditError> {
    if !written.starts_with('"') {
        return Ok((None, written));
    }
    let object = format!("{{{written}}}");
    match scan(&object) {
        // The value starts one byte earlier here, for the bracket that was put before it.
        Ok(Some(node)) => {
            let start = node.entries().first().map_or(0, |entry| entry.value.start.saturating_sub(1));
            let key = written.get(..start).unwrap_or_default().trim_end_matches(':');
            Ok((Some(key), written.get(start..).unwrap_or_default()))
        }
        _ => Ok((None, written)),
    }
}

fn write_compact(text: &str, node: &Node, (colon, comma): (&str, &str), out: &mut String) {
    let (open, close) = match &node.kind {
        Kind::Object(_) => ('{', '}'),
        Kind::Array(_) => ('[', ']'),
        Kind::String(string) => return out.push_str(&serde_json::Value::from(string.as_str()).to_string()),
        Kind::Plain => return out.push_str(slice(text, node.start, node.end)),
    };
    out.push(open);
    for (index, entry) in node.entries().iter().enumerate() {
        if index > 0 {
            out.push(',');
            out.push_str(comma);
        }
        if let Some(key) = &entry.key {
            out.push_str(&format!("{}:{colon}", serde_json::Value::from(key.as_str())));
        }
        write_compact(text, &entry.value, (colon, comma), out);
    }
    out.push(close);
}

/// The blanks a line starts with.
fn indent_of(text: &str, at: usize) -> String {
    let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|character| [' ', '\t'].contains(character)).collect()
}

fn starts_its_line(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit_once('\n').is_some_and(|(_, line)| line.chars().all(|c| [' ', '\t'].contains(&c)))
}

fn slice(text: &str, from: usize, to: usize) -> &str {
    text.get(from..to).unwrap_or_default()
}

/// Replaces ranges, given in order.
fn splice(text: &str, ranges: &[(usize, usize, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut at = 0;
    for (from, to, with) in ranges {
        out.push_str(slice(text, at, *from));
        out.push_str(with);
        at = *to;
    }
    out.push_str(slice(text, at, text.len()));
    out
}

#[cfg(test)]
mod tests;
