//! What can be said of a line of code: who put it there.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who put a line there. Nobody is told from the absence of somebody else: a line that no model is known to have
/// written is unknown until somebody is known to have typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A model, and the line is still as it put it out.
    Ai,
    /// A model, and the line was changed since.
    AiModified,
    /// A person, who was seen to type it.
    Human,
    /// Nothing on record says who.
    Unknown,
}

impl Class {
    /// Every class, in order.
    pub const ALL: [Self; 4] = [Self::Ai, Self::AiModified, Self::Human, Self::Unknown];

    /// Its stable code.
    pub const fn as_str(self) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_one_in_json() {
        for class in Class::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
    }
}
