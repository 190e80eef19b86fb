//! Messages, and the answers that hold them: the shapes that are written.

use serde::Serialize;
use serde_json::value::RawValue;
use waymark_types::{Timestamp, Usage};

use crate::json::arguments;
use crate::neutral::Stop;

/// A message of a conversation or of an answer.
#[derive(Serialize, Default)]
pub(super) struct Message {
    pub(super) role: &'static str,
    pub(super) content: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) thinking: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tool_calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_call_id: Option<String>,
}

/// The model calls a tool.
#[derive(Serialize)]
pub(super) struct Call {
    id: String,
    function: Function,
}

#[derive(Serialize)]
struct Function {
    index: usize,
    name: String,
    arguments: Box<RawValue>,
}

impl Call {
    /// The call at `index` among those of its answer.
    pub(super) fn new(id: &str, index: usize, name: &str, args: &str) -> Self {
        let function = Function { index, name: name.to_owned(), arguments: arguments(args) };
        Self { id: id.to_owned(), function }
    }
}

/// An answer, or a line of one.
#[derive(Serialize)]
pub(super) struct Response<'a> {
    pub(super) model: &'a str,
    pub(super) created_at: &'a str,
    pub(super) message: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) done_reason: Option<&'a str>,
    pub(super) done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) prompt_eval_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) eval_count: Option<u64>,
}

impl<'a> Response<'a> {
    /// The end of an answer.
    pub(super) fn last(
        model: &'a str,
        created_at: &'a str,
        message: Message,
        stop: Option<&'a Stop>,
        usage: &Usage,
    ) -> Self {
        let (prompt_eval_count, eval_count) = (usage.input, usage.output);
        let done_reason = stop.map(done_reason);
        Self { model, created_at, message, done_reason, done: true, prompt_eval_count, eval_count }
    }

    /// The JSON of it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        // Text keys and whole numbers only, so that writing cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Seconds since 1970 as Ollama writes times.
pub(super) fn time(seconds: i64) -> String {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000)).to_string()
}

/// Ollama itself says `stop` and `length`; the field is free text, so that what others say can be kept.
fn done_reason(stop: &Stop) -> &str {
    match stop {
        Stop::End | Stop::Sequence(_) | Stop::ToolCalls => "stop",
        Stop::MaxTokens => "length",
        Stop::Refusal => "refusal",
        Stop::Pause => "pause",
        Stop::Other(word) => word,
    }
}

/// Reads why an answer ended. Older servers do not say.
pub(super) fn stop(reason: Option<&str>, calls: bool) -> Stop {
    match reason {
        None | Some("stop" | "") if calls => Stop::ToolCalls,
        None | Some("stop" | "") => Stop::End,
        Some("length") => Stop::MaxTokens,
        Some("refusal") => Stop::Refusal,
        Some("pause") => Stop::Pause,
        Some(other) => Stop::Other(other.to_owned()),
    }
}
