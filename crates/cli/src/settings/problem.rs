//! What can be wrong with a configuration, and how it is told.

use std::fmt;
use std::io;

use thiserror::Error;

use super::origin::Origin;

/// The settings could not be loaded. Its text is meant for a terminal and holds no secret.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    /// The file could not be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// The file, as it was named.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{place}: {message}\n{excerpt}")]
    Syntax {
        /// File, line and column.
        place: String,
        /// What the parser says.
        message: String,
        /// The line's text and a caret under the fault.
        excerpt: String,
    },
    /// Values are wrong or do not fit each other.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where.
    pub(super) origin: Origin,
    /// What, naming the key.
    pub(super) message: String,
    /// What to do about it.
    pub(super) hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin.place(), self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// What is wrong with a value, as the rest of a sentence that begins with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    /// A fault without advice.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same with advice.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

fn listed(problems: &[Problem]) -> String {
    let told = problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n");
    match problems.len() {
        1 => told,
        count => format!("the configuration has {count} problems\n{told}"),
    }
}

/// What to say when `wanted` is none of `known`: the likeliest meant, else all there is.
pub(super) fn suggestion<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match closest(wanted, &known) {
        Some(meant) => Some(format!("did you mean `{meant}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", known.join(", "))),
    }
}

/// The likeliest meant of `known`, when one is near enough.
pub(super) fn closest<'a>(wanted: &str, known: &[&'a str]) -> Option<&'a str> {
    /// Below this, a suggestion reads like a joke.
    const NEAR_ENOUGH: f64 = 0.75;
    let scored = known.iter().map(|name| (strsim::jaro_winkler(wanted, name), *name));
    scored.filter(|(score, _)| *score > NEAR_ENOUGH).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// A value as it is repeated in a message: on one line, not too long, nothing a terminal would obey.
pub(super) fn echo(text: &str) -> String {
    const ENOUGH: usize = 60;
    let printable = |c: char| {
        if c.is_control() { c.escape_default().collect::<String>() } else { c.to_string() }
    };
    let shown: String = text.chars().take(ENOUGH).map(printable).collect();
    let cut = if text.chars().count() > ENOUGH { "..." } else { "" };
    format!("`{shown}{cut}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_name_is_suggested_else_all_are_listed() {
        let known = ["listen", "data_dir"];
        assert_eq!(suggestion("listn", known), Some("did you mean `listen`?".into()));
        assert_eq!(suggestion("datadir", known), Some("did you mean `data_dir`?".into()));
        assert_eq!(suggestion("port", known), Some("known here: listen, data_dir".into()));
        assert_eq!(suggestion("port", []), None);
        assert_eq!(
            suggestion("key_env", ["kind", "base_url", "api_key_env"]),
            Some("did you mean `api_key_env`?".into())
        );
    }

    #[test]
    fn repeated_values_stay_on_one_line_and_short() {
        assert_eq!(echo("a\u{1b}[31m\nb"), "`a\\u{1b}[31m\\nb`");
        assert_eq!(echo(&"x".repeat(70)), format!("`{}...`", "x".repeat(60)));
    }
}
