//! A tolerant scanner of JSON as editors write it: comments, trailing commas, a byte order mark.
//!
//! It builds no values, only a tree of where things are.

use super::{EditError, syntax};

/// Deeper nesting than any settings have; it keeps hostile input off the stack.
const DEEPEST: usize = 100;

/// Where a value is, and what is in it. Offsets are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Object(Vec<Entry>),
    Array(Vec<Entry>),
    String(String),
    /// A number, `true`, `false` or `null`.
    Plain,
}

/// A member of an object or an item of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// None in arrays.
    pub(super) key: Option<String>,
    /// Where it starts, its key included.
    pub(super) start: usize,
    pub(super) value: Node,
    /// The comma behind it.
    pub(super) comma: Option<usize>,
}

impl Node {
    /// What is in it; nothing when it is no object and no array.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Object(entries) | Kind::Array(entries) => entries,
            Kind::String(_) | Kind::Plain => &[],
        }
    }
}

/// Scans a whole text; `None` when it holds no value, only blanks and comments.
pub(super) fn scan(text: &str) -> Result<Option<Node>, EditError> {
    let mut scanner = Scanner { text, at: if text.starts_with('\u{feff}') { 3 } else { 0 } };
    scanner.skip()?;
    if scanner.at == text.len() {
        return Ok(None);
    }
    let root = scanner.value(0)?;
    scanner.skip()?;
    if scanner.at < text.len() {
        return Err(scanner.fault("expected the end of the file"));
    }
    Ok(Some(root))
}

/// The end of the last comment in `text[from..to]`, which holds only blanks, comments and commas; else `from`.
pub(super) fn comments_end(text: &str, from: usize, to: usize) -> usize {
    let mut scanner = Scanner { text, at: from };
    let mut end = from;
    while scanner.at < to {
        let before = scanner.at;
        match scanner.comment() {
            Ok(true) => end = scanner.at,
            _ => scanner.at = before + 1,
        }
    }
    end
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn fault(&self, what: &str) -> EditError {
        syntax(self.text, self.at, what)
    }

    /// Skips blanks and comments.
    fn skip(&mut self) -> Result<(), EditError> {
        loop {
            while self.byte().is_some_and(|byte| byte.is_ascii_whitespace()) {
                self.at += 1;
            }
            if !self.comment()? {
                return Ok(());
            }
        }
    }

    /// Skips one comment, up to the line end that closes it.
    fn comment(&mut self) -> Result<bool, EditError> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if rest.starts_with(b"//") {
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let length = if length > 0 && rest.get(length - 1) == Some(&b'\r') { length - 1 } else { length };
            self.at += length;
            Ok(true)
        } else if rest.starts_with(b"/*") {
            match rest.windows(2).skip(2).position(|pair| pair == b"*/") {
                Some(length) => self.at += length + 4,
                None => return Err(self.fault("the comment that starts here has no end")),
            }
            Ok(true)
        } else {
            Ok(false)
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, EditError> {
        if depth > DEEPEST {
            return Err(self.fault("nested too deeply"));
        }
        let start = self.at;
        let kind = match self.byte() {
            Some(b'{') => Kind::Object(self.container(depth, b'}')?),
            Some(b'[') => Kind::Array(self.container(depth, b']')?),
            Some(b'"') => Kind::String(self.string()?),
            Some(_) => self.plain()?,
            None => return Err(self.fault("expected a value, and the file ends")),
        };
        Ok(Node { start, end: self.at, kind })
    }

    fn container(&mut self, depth: usize, close: u8) -> Result<Vec<Entry>, EditError> {
        let open = self.at;
        let mut entries: Vec<Entry> = Vec::new();
        self.at += 1;
        loop {
            self.skip()?;
            match self.byte() {
                None => return Err(syntax(self.text, open, "this bracket is never closed")),
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(entries);
                }
                Some(_) if entries.last().is_some_and(|entry| entry.comma.is_none()) => {
                    return Err(self.fault("expected a comma or a closing bracket"));
                }
                Some(_) => entries.push(self.entry(depth, close)?),
            }
            self.skip()?;
            if self.byte() == Some(b',')
                && let Some(entry) = entries.last_mut()
            {
                entry.comma = Some(self.at);
                self.at += 1;
            }
        }
    }

    fn entry(&mut self, depth: usize, close: u8) -> Result<Entry, EditError> {
        let start = self.at;
        let mut key = None;
        if close == b'}' {
            if self.byte() != Some(b'"') {
                return Err(self.fault("expected a key in double quotes"));
            }
            key = Some(self.string()?);
            self.skip()?;
            if self.byte() != Some(b':') {
                return Err(self.fault("expected a colon after the key"));
            }
            self.at += 1;
            self.skip()?;
        }
        Ok(Entry { key, start, value: self.value(depth + 1)?, comma: None })
    }

    fn string(&mut self) -> Result<String, EditError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(b'\n') | None => {
                    return Err(syntax(self.text, start, "this string has no end on its line"));
                }
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let written = self.text.get(start..self.at).unwrap_or_default();
        serde_json::from_str(written).map_err(|_| syntax(self.text, start, "this is no valid string"))
    }

    fn plain(&mut self) -> Result<Kind, EditError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length =
            rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
        let word = rest.get(..length).unwrap_or_default();
        if serde_json::from_str::<serde_json::Value>(word).is_err() {
            return Err(self.fault("expected a value"));
        }
        self.at += length;
        Ok(Kind::Plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_write_is_read() {
        let text = "\u{feff}// head\n{\n  \"a\": [1, 2,], /* b */ \"ü\": {\"x\": \"\\\"//\"},\n}\n// tail";
        let root = scan(text).unwrap().unwrap();
        let keys: Vec<_> = root.entries().iter().map(|entry| entry.key.as_deref().unwrap()).collect();
        assert_eq!(keys, ["a", "ü"]);
        assert_eq!(root.entries()[0].value.entries().len(), 2);
        assert_eq!(scan(" // nothing\n"), Ok(None));
    }

    #[test]
    fn faults_have_a_place() {
        for (text, line, column) in [
            ("{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3),
            ("{\"a\": tru}", 1, 7),
            ("{\"ü\": \"x\n}", 1, 7),
            ("{\"a\": 1", 1, 1),
            ("{a: 1}", 1, 2),
            ("{} x", 1, 4),
            ("{,}", 1, 2),
            ("{\"a\" 1}", 1, 6),
            ("/* no end", 1, 1),
            ("{\"a\":\"\\", 1, 6),
            ("[1 2]", 1, 4),
        ] {
            match scan(text) {
                Err(EditError::Syntax { line: l, column: c, .. }) => {
                    assert_eq!((l, c), (line, column), "{text:?}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
        assert!(scan(&"[".repeat(100_000)).is_err());
    }
}
