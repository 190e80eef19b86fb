//! The neutral form: what a conversation, its answer and its stream say, in no dialect's words.
//!
//! It exists for conversions only. Between two ends of the same dialect nothing is ever rewritten; between
//! different ones, one side's [`Dialogue`](crate::Dialogue) reads into these types and the other's writes from
//! them. What a target cannot say is a [`Loss`] with a stable code, which the record carries.

mod event;
mod prompt;
mod reply;
mod said;

pub use event::Event;
pub use prompt::{
    Block, CacheMark, Effort, Flavour, Media, Namespace, OutputFormat, Prompt, Reasoning, Role, Sampling,
    Tool, ToolChoice, ToolForm, ToolKind, Turn,
};
pub use reply::{Reply, Stop};
pub use said::Said;

use serde::{Deserialize, Serialize};

/// The longest code of a loss, in bytes.
const LONGEST_CODE: usize = 80;

/// Something a target dialect cannot say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Loss {
    /// What it is, a stable code: `top_k`, `thinking_signature`, `server_tool:web_search_20250305`.
    pub code: String,
}

impl Loss {
    /// A loss by its code. What stands behind a colon is often the client's word, and records hold no text of requests:
    /// one that is no plain word becomes `other`.
    pub fn new(code: impl Into<String>) -> Self {
        let code = code.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
        if code.len() <= LONGEST_CODE && code.bytes().all(is_plain) {
            return Self { code };
        }
        let kind = code.split(':').next().unwrap_or_default();
        Self { code: format!("{kind}:other") }
    }
}

/// The request cannot be said in the target dialect without changing its meaning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be said in {dialect}")]
pub struct Unsayable {
    /// What it is, in the client's terms.
    pub what: String,
    /// The target.
    pub dialect: waymark_types::Dialect,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_of_a_request_becomes_a_code() {
        for code in ["server_tool:my secret", "server_tool:ü", &format!("server_tool:{}", "a".repeat(80))] {
            assert_eq!(Loss::new(code).code, "server_tool:other");
        }
        for code in ["top_k", "server_tool:web_search_20250305", "content_part:image/png", "schema:oneOf"] {
            assert_eq!(Loss::new(code).code, code);
        }
    }
}
