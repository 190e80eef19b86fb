//! A whole answer.

use serde::{Deserialize, Serialize};
use waymark_types::Usage;

use super::prompt::Block;

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Reply {
    /// The provider's id of it.
    pub id: Option<String>,
    /// The provider's word for the model.
    pub model: Option<String>,
    /// What is said: text, tool calls, thinking, refusals.
    pub blocks: Vec<Block>,
    /// Why the model stopped.
    pub stop: Option<Stop>,
    /// Tokens.
    pub usage: Usage,
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It had said what it had to say.
    End,
    /// It ran into the most tokens allowed, or out of context.
    MaxTokens,
    /// It said one of the texts that end the answer, which one when the provider tells.
    Sequence(Option<String>),
    /// It calls tools and waits for their results.
    ToolCalls,
    /// It declines, or a filter cut it off.
    Refusal,
    /// It paused a long turn and wants to be asked to go on (Anthropic `pause_turn`).
    Pause,
    /// Something else, in the provider's word.
    Other(String),
}
