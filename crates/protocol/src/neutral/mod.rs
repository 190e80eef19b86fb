//! The neutral form: what a conversation, its answer and its stream say, in no dialect's words.
//!
//! It exists for conversions only. Between two ends of the same dialect nothing is ever rewritten; between
//! different ones, one side's [`Dialogue`](crate::Dialogue) reads into these types and the other's writes from
//! them. What a target cannot say is a [`Loss`] with a stable code, which the record carries.

mod event;
mod prompt;
mod reply;

pub use event::Event;
pub use prompt::{
    Block, CacheMark, Effort, Flavour, Media, Namespace, OutputFormat, Prompt, Reasoning, Role, Sampling,
    Tool, ToolChoice, ToolForm, ToolKind, Turn,
};
pub use reply::{Reply, Stop};

use serde::{Deserialize, Serialize};

/// Something a target dialect cannot say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Loss {
    /// What it is, a stable code: `top_k`, `thinking_signature`, `server_tool:web_search_20250305`.
    pub code: String,
}

impl Loss {
    /// A loss by its code.
    pub fn new(code: impl Into<String>) -> Self {
        Self { code: code.into() }
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
