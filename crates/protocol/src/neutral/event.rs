//! A streamed answer, piece by piece.

use serde::{Deserialize, Serialize};
use waymark_types::Usage;

use super::reply::Stop;

/// One thing that a streamed answer says.
///
/// Readers keep to this order, and writers may rely on it: `Start` first; blocks one after another, numbered from 0
/// without gaps, each opened by its `…Start` event, filled by deltas of its own number and closed by `BlockEnd` before
/// the next opens — a dialect that interleaves parallel tool calls has its reader buffer the later call's deltas; then
/// `Usage` (as often as stated, the last holds), `Stop`, and `End` last. `Error` may come at any point and is then the
/// last event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The answer begins.
    Start {
        /// The provider's id of it.
        id: Option<String>,
        /// The provider's word for the model.
        model: Option<String>,
    },
    /// A text block opens.
    TextStart {
        /// The block's number.
        index: usize,
    },
    /// More text.
    TextDelta {
        /// The block's number.
        index: usize,
        /// The text.
        text: String,
    },
    /// A block of reasoning opens.
    ThinkingStart {
        /// The block's number.
        index: usize,
        /// The provider's id of it.
        id: Option<String>,
    },
    /// More reasoning.
    ThinkingDelta {
        /// The block's number.
        index: usize,
        /// The text.
        text: String,
    },
    /// The provider's proof that the reasoning is its own.
    ThinkingSignature {
        /// The block's number.
        index: usize,
        /// The signature.
        signature: String,
    },
    /// Reasoning shown to nobody: the whole block.
    RedactedThinking {
        /// The block's number.
        index: usize,
        /// The opaque data.
        data: String,
    },
    /// A tool call opens.
    ToolCallStart {
        /// The block's number.
        index: usize,
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// An opaque token the provider wants back with the call.
        signature: Option<String>,
    },
    /// More of a tool call's arguments: a piece of JSON text.
    ToolCallDelta {
        /// The block's number.
        index: usize,
        /// The piece.
        arguments: String,
    },
    /// A refusal opens.
    RefusalStart {
        /// The block's number.
        index: usize,
    },
    /// More of the refusal.
    RefusalDelta {
        /// The block's number.
        index: usize,
        /// The text.
        text: String,
    },
    /// A block closes.
    BlockEnd {
        /// The block's number.
        index: usize,
    },
    /// Tokens, as known so far.
    Usage {
        /// The counts.
        usage: Usage,
    },
    /// Why the model stopped.
    Stop {
        /// The reason.
        stop: Stop,
    },
    /// The answer is whole.
    End,
    /// The answer failed.
    Error {
        /// The provider's word for the kind, when it has one.
        code: Option<String>,
        /// What it says.
        message: String,
    },
    /// Nothing, to keep the connection open.
    Ping,
}
