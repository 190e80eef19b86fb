//! What OpenAI's dialects share: usage, errors, the end of a stream, and [`words`].

pub(crate) mod words;

use serde::Deserialize;
use serde_json::json;
use waymark_types::Usage;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::llama_infill::Timings;
use crate::sse::Frame;

#[derive(Deserialize)]
struct Reply {
    model: Option<String>,
    usage: Option<Tokens>,
    timings: Option<serde_json::Value>,
    choices: Option<Vec<Choice>>,
    error: Option<serde_json::Value>,
    object: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct Choice {
    finish_reason: Option<String>,
}

/// Token counts, as OpenAI and its imitators state them.
#[derive(Deserialize)]
pub(crate) struct Tokens {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    /// DeepSeek's word for cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
    prompt_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let (cached, written) = tokens
            .prompt_tokens_details
            .map_or((None, None), |details| (details.cached_tokens, details.cache_write_tokens));
        Self {
            input: tokens.prompt_tokens,
            cached_input: cached.or(tokens.prompt_cache_hit_tokens),
            cache_write: written,
            output: tokens.completion_tokens,
            reasoning: tokens.completion_tokens_details.and_then(|details| details.reasoning_tokens),
        }
    }
}

/// Reads an answer or one chunk of it; what cannot be read stays unknown, but for an error, which shows in any shape.
pub(crate) fn read(bytes: &[u8], answer: &mut Answer) {
    let Ok(reply) = serde_json::from_slice::<Reply>(bytes) else {
        let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        answer.error =
            value.get("error").filter(|error| !error.is_null()).map(error_text).or(answer.error.take());
        return;
    };
    answer.served_model = reply.model.filter(|model| !model.is_empty()).or(answer.served_model.take());
    // llama.cpp counts in its own words, too, asked or not.
    let timed = || Some(Timings::deserialize(reply.timings?).ok()?.usage());
    let counted = reply.usage.map(Usage::from).or_else(timed);
    answer.usage.update(&counted.unwrap_or_default());
    let choices = reply.choices.unwrap_or_default();
    answer.finish = choices.into_iter().find_map(|choice| choice.finish_reason).or(answer.finish.take());
    let error = reply.error.filter(|error| !error.is_null()).map(|error| error_text(&error));
    // Some servers send the error object itself.
    let bare = (reply.object.as_deref() == Some("error")).then(|| reply.message.unwrap_or_default());
    answer.error = error.or(bare).or(answer.error.take());
}

/// The message of an error object, or its whole text when it has none.
pub(crate) fn error_text(error: &serde_json::Value) -> String {
    match error.get("message").unwrap_or(error) {
        serde_json::Value::String(message) => message.clone(),
        other => other.to_string(),
    }
}

/// Reads one event of a stream, which ends with `data: [DONE]`.
pub(crate) fn read_event(frame: &Frame<'_>, answer: &mut Answer) -> Progress {
    if frame.data.trim_ascii() == b"[DONE]" {
        return Progress::Last;
    }
    read(&frame.data, answer);
    if frame.event == Some("error") && answer.error.is_none() {
        answer.error = Some("unspecified".to_owned());
    }
    if answer.error.is_some() { Progress::Failed } else { Progress::Ongoing }
}

/// `{"error":{...}}`
pub(crate) fn error_body(fault: &Fault) -> Vec<u8> {
    json!({"error": {
        "message": fault.message, "type": fault.kind.openai(), "param": null, "code": fault.code,
    }})
    .to_string()
    .into_bytes()
}

/// `data: {"error":{...}}`
pub(crate) fn error_event(fault: &Fault) -> Vec<u8> {
    [b"data: ", &error_body(fault)[..], b"\n\n"].concat()
}
