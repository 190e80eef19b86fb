//! What an editor says of code: that a suggestion was taken, changed or turned down, or that a person typed.

use serde_json::{Value, json};

use crate::truth::{File, Line};

/// A word of an editor's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    event: &'static str,
    /// The emission that it is about.
    pub(crate) emission: Option<usize>,
    path: String,
    /// The first line, from 1.
    line: usize,
    /// The lines as they stand in the editor.
    text: Option<String>,
}

impl Word {
    /// The emission went into the file as it is, or stands there as the person has changed it since: the stretch from its
    /// first line to its last, whoever wrote those between.
    pub(crate) fn taken(file: &File, path: &str, emission: usize, is_edited: bool) -> Option<Self> {
        let of = |line: &&Line| line.truth.origin().is_some_and(|origin| origin.emission == emission);
        let lines: Vec<&Line> = file.lines().collect();
        let first = lines.iter().position(&of)?;
        let last = lines.iter().rposition(&of)?;
        let stretch = &lines[first..=last];
        // An editor follows one place; what went to several it does not tell of.
        let others = stretch.iter().filter(|line| !of(line)).count();
        if others * 2 > stretch.len() {
            return None;
        }
        let text: Vec<&str> = stretch.iter().map(|line| line.text.as_str()).collect();
        let event = if is_edited { "edited" } else { "accepted" };
        let (path, text) = (path.to_owned(), Some(text.join("\n")));
        Some(Self { event, emission: Some(emission), path, line: first + 1, text })
    }

    /// The emission was turned down.
    pub(crate) fn rejected(path: &str, emission: usize) -> Self {
        Self { event: "rejected", emission: Some(emission), path: path.to_owned(), line: 1, text: None }
    }

    /// A person typed these lines.
    pub(crate) fn typed(path: &str, line: usize, lines: &[String]) -> Self {
        let (path, text) = (path.to_owned(), Some(lines.join("\n")));
        Self { event: "typed", emission: None, path, line: line + 1, text }
    }

    /// As it is sent.
    pub(crate) fn body(&self, record: Option<&str>, repository: &str) -> Value {
        let mut body =
            json!({"event": self.event, "path": self.path, "line": self.line, "repository": repository});
        if let Some(record) = record {
            body["record"] = record.into();
        }
        if let Some(text) = &self.text {
            body["text"] = text.as_str().into();
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::{Entry, Place};

    #[test]
    fn an_editor_tells_of_the_stretch_that_stands_there() {
        let mut file = File::typed("one\ntwo\n", 0);
        let emitted = |text: &str| Entry::Live(Line::emitted(text, 4, 1, Place::New(1..2)));
        file.entries
            .splice(1..1, [emitted("a"), Entry::Live(Line::typed("b", 1, Place::New(2..2))), emitted("c")]);
        let word = Word::taken(&file, "src/a.rs", 4, false).unwrap();
        let body = word.body(Some("r"), "library");
        assert_eq!(
            (&body["text"], &body["line"], &body["event"]),
            (&json!("a\nb\nc"), &json!(2), &json!("accepted"))
        );
        assert_eq!(Word::taken(&file, "src/a.rs", 5, false), None);
        assert!(Word::rejected("a", 4).body(Some("r"), "library").get("text").is_none());
        assert_eq!(Word::typed("a", 0, &["x".to_owned()]).body(None, "l")["line"], 1);
    }
}
