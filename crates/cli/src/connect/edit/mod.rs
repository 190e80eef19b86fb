//! Changing a few keys of a file that belongs to somebody else, byte for byte around them.
//!
//! Nothing here knows a client or touches a disk: text goes in, text and what is needed to take it back come out.

mod block;
mod jsonc;
mod jsonc_edit;
mod toml;
mod yaml;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use block::{Block, Place, Style};

/// Why a text was left alone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EditError {
    /// It is not what its name says it is.
    #[error("line {line}, column {column}: {what}")]
    Syntax {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What was expected there.
        what: String,
    },
    /// A key on the way holds something else than the client documents.
    #[error("`{key}` is no {expected}")]
    Shape {
        /// The key, dotted.
        key: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The change could alter what is not ours.
    #[error("it cannot be edited safely: {0}")]
    NotSafe(String),
}

/// One step down into a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The member of an object.
    Key(String),
    /// The object in an array whose member `field` is `value`.
    Item {
        /// The member that tells items apart.
        field: String,
        /// What it is in ours.
        value: String,
    },
}

/// A key to set: where, and to which value, written in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: Vec<Step>,
    pub(crate) value: String,
}

/// What was done to a text, as needed to take it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trace {
    /// A key was set.
    Key {
        /// Where.
        path: Vec<Step>,
        /// The value it was given, as in [`Change`].
        set: String,
        /// What stood there, as it was written; none when the key is new.
        previous: Option<String>,
        /// How many steps at the path's end were made for it.
        made: usize,
    },
    /// A marked block was put in.
    Block {
        /// The bytes put in.
        inserted: String,
    },
}

/// What is to be done to one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Keys of JSON, which may have comments and trailing commas.
    Json(Vec<Change>),
    /// Keys of TOML.
    Toml(Vec<Change>),
    /// A marked block of lines.
    Block(Block),
}

/// The kind of an edited text, as remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    /// JSON with comments.
    Json,
    /// TOML.
    Toml,
    /// Lines between two marks.
    Block,
}

/// A text after [`apply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) text: String,
    /// In the order in which it was done; empty when all was there already.
    pub(crate) traces: Vec<Trace>,
}

/// A text after [`take_back`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TakenBack {
    pub(crate) text: String,
    /// Keys that somebody changed since, which stay as they are.
    pub(crate) kept: Vec<String>,
}

impl Edit {
    /// The kind of text it is for.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Json(_) => Format::Json,
            Self::Toml(_) => Format::Toml,
            Self::Block(_) => Format::Block,
        }
    }

    /// What to write by hand where it cannot be done.
    pub(crate) fn by_hand(&self) -> String {
        let keys = |changes: &[Change]| {
            let lines = changes.iter().map(|change| format!("{} = {}\n", dotted(&change.path), change.value));
            lines.collect::<String>()
        };
        match self {
            Self::Json(changes) | Self::Toml(changes) => keys(changes),
            Self::Block(block) => block.lines.iter().map(|line| format!("{line}\n")).collect(),
        }
    }
}

/// Makes the change.
pub(crate) fn apply(text: &str, edit: &Edit) -> Result<Applied, EditError> {
    let (set, changes): (fn(&str, &Change) -> _, _) = match edit {
        Edit::Json(changes) => (jsonc_edit::set, changes),
        Edit::Toml(changes) => (toml::set, changes),
        Edit::Block(block) => return block.apply(text),
    };
    let mut applied = Applied { text: text.to_owned(), traces: Vec::new() };
    for change in changes {
        if let Some((text, trace)) = set(&applied.text, change)? {
            applied.text = text;
            applied.traces.push(trace);
        }
    }
    Ok(applied)
}

/// Takes back what the traces say, the newest first, and nothing that somebody changed since.
pub(crate) fn take_back(text: &str, format: Format, traces: &[Trace]) -> Result<TakenBack, EditError> {
    let mut taken = TakenBack { text: text.to_owned(), kept: Vec::new() };
    for trace in traces.iter().rev() {
        let result = match trace {
            Trace::Block { inserted } => Some(block::remove(&taken.text, inserted)?),
            Trace::Key { path, set, previous, made } => {
                let unset = if format == Format::Toml { toml::unset } else { jsonc_edit::unset };
                let result = unset(&taken.text, path, set, previous.as_deref(), *made)?;
                if result.is_none() {
                    taken.kept.push(dotted(path));
                }
                result
            }
        };
        taken.text = result.unwrap_or(taken.text);
    }
    Ok(taken)
}

/// The text at a path when it is a string.
pub(crate) fn string_at(text: &str, format: Format, path: &[Step]) -> Option<String> {
    match format {
        Format::Json => jsonc_edit::string_at(text, path),
        Format::Toml => toml::string_at(text, path),
        Format::Block => None,
    }
}

/// Whether two values written in JSON are the same but for blanks and comments.
pub(crate) fn same_value(one: &str, other: &str) -> bool {
    one == other
        || matches!((jsonc_edit::compact(one), jsonc_edit::compact(other)), (Some(a), Some(b)) if a == b)
}

/// A path as people write it.
pub(crate) fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            Step::Item { field, value } => text.push_str(&format!("[{field}={value}]")),
        }
    }
    text
}

/// The line end a text uses.
fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// A syntax error at a byte.
fn syntax(text: &str, at: usize, what: impl Into<String>) -> EditError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    EditError::Syntax { line, column, what: what.into() }
}
