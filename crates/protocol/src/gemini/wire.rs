//! The shapes that are written, and those that answers and their streams share.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use waymark_types::Usage;

use crate::neutral::Stop;

/// One turn.
#[derive(Serialize)]
pub(super) struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<&'static str>,
    pub(super) parts: Vec<Part>,
}

/// A piece of a turn; exactly one of its fields but the thought's two is there.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<Blob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<File>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<CallResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<String>,
}

/// Bytes in the request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    pub(super) mime_type: String,
    pub(super) data: String,
}

/// Bytes elsewhere.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    pub(super) mime_type: &'static str,
    pub(super) file_uri: String,
}

/// The model calls a tool.
#[derive(Serialize)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) args: Box<RawValue>,
}

/// What a tool gave back.
#[derive(Serialize)]
pub(super) struct CallResult {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) response: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<Part>,
}

/// A whole answer or a chunk of one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Response<'a> {
    pub(super) candidates: [Candidate; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage_metadata: Option<Tokens>,
    pub(super) model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_id: Option<&'a str>,
}

/// The one answer among those that could be asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) finish_reason: Option<String>,
    pub(super) index: u32,
}

/// Why a prompt was not answered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub(super) block_reason: Option<String>,
    pub(super) block_reason_message: Option<String>,
}

/// Token counts.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Tokens {
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_use_prompt_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts_token_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_token_count: Option<u64>,
}

impl Tokens {
    /// Gemini counts thoughts, and what its own tools put into the prompt, apart; the neutral counts include them.
    pub(super) fn usage(&self) -> Usage {
        let plus = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (None, None) => None,
            _ => Some(one.unwrap_or(0).saturating_add(other.unwrap_or(0))),
        };
        let input = plus(self.prompt_token_count, self.tool_use_prompt_token_count);
        // Counts of zero are left out; the total then tells that they are zero.
        let left = || Some(self.total_token_count?.saturating_sub(input?));
        Usage {
            input,
            cached_input: self.cached_content_token_count,
            cache_write: None,
            output: plus(self.candidates_token_count, self.thoughts_token_count).or_else(left),
            reasoning: self.thoughts_token_count,
        }
    }

    /// The counts as Gemini states them; `None` when nothing is known.
    pub(super) fn of(usage: &Usage) -> Option<Self> {
        let tokens = Self {
            prompt_token_count: usage.input,
            cached_content_token_count: usage.cached_input,
            tool_use_prompt_token_count: None,
            candidates_token_count: usage
                .output
                .map(|output| output.saturating_sub(usage.reasoning.unwrap_or(0))),
            thoughts_token_count: usage.reasoning,
            total_token_count: usage
                .input
                .zip(usage.output)
                .map(|(input, output)| input.saturating_add(output)),
        };
        (*usage != Usage::default()).then_some(tokens)
    }
}

/// Reads a finish reason or a block reason.
pub(super) fn stop(reason: &str) -> Option<Stop> {
    Some(match reason {
        "FINISH_REASON_UNSPECIFIED" | "" => return None,
        "STOP" => Stop::End,
        "MAX_TOKENS" => Stop::MaxTokens,
        "SAFETY"
        | "RECITATION"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR"
        | "JAILBREAK" => Stop::Refusal,
        other => Stop::Other(other.to_owned()),
    })
}

/// Writes a finish reason.
pub(super) fn finish_reason(stop: Option<&Stop>) -> String {
    match stop {
        None => "FINISH_REASON_UNSPECIFIED",
        Some(Stop::End | Stop::Sequence(_) | Stop::ToolCalls) => "STOP",
        Some(Stop::MaxTokens) => "MAX_TOKENS",
        Some(Stop::Refusal) => "SAFETY",
        Some(Stop::Other(word)) if is_reason(word) => word,
        // Clients know a closed set of reasons.
        Some(Stop::Pause | Stop::Other(_)) => "OTHER",
    }
    .to_owned()
}

fn is_reason(word: &str) -> bool {
    [
        "LANGUAGE",
        "OTHER",
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "NO_IMAGE",
    ]
    .contains(&word)
}

/// Google's name for an HTTP status.
pub(super) fn status(code: u16) -> &'static str {
    match code {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        405 | 501 => "UNIMPLEMENTED",
        409 => "ABORTED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        400..=498 => "INVALID_ARGUMENT",
        502 | 503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

/// The HTTP status for a kind of error in any dialect's word.
pub(super) fn code_of(word: &str) -> u16 {
    let codes = [400, 401, 403, 404, 429, 499, 501, 503, 504];
    if let Some(code) = codes.into_iter().find(|&code| status(code) == word) {
        return code;
    }
    match word {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "permission_error" => 403,
        "not_found_error" => 404,
        "rate_limit_error" | "rate_limit_exceeded" | "insufficient_quota" => 429,
        "overloaded_error" | "service_unavailable_error" => 503,
        "timeout_error" => 504,
        _ => 500,
    }
}

/// An error in the middle of a stream, its body given: as an event for clients that read events, and once more as
/// Google sends it, outside of any event, which alone makes Google's own clients see an error.
pub(super) fn error_event(body: &[u8]) -> Vec<u8> {
    [b"data: ", body, b"\n\n", body, b"\n"].concat()
}

/// The JSON of one of the shapes here.
pub(super) fn bytes<T: Serialize>(shape: &T) -> Vec<u8> {
    // Shapes here have text keys and finite numbers only, so that writing cannot fail.
    serde_json::to_vec(shape).unwrap_or_default()
}
