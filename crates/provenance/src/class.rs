//! Whose work a line is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose work a line is. What is not known is no person's: `unknown` is never read as `human`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A model's, as it put it out.
    Ai,
    /// A model's, edited by hand or by a formatter before it was committed.
    AiModified,
    /// A person's: there is evidence that it was typed.
    Human,
    /// Nobody knows.
    Unknown,
}

impl Class {
    /// Its stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ai => "ai",
            Self::AiModified => "ai_modified",
            Self::Human => "human",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
