//! What requests, answers and events have in common on the wire.

use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::Usage;

pub(super) use crate::crossing::lose;

/// The text in the field `key`.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// The same, but for empty text.
pub(super) fn word<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    text(value, key).filter(|text| !text.is_empty())
}

/// The `type` of an item, a part, a tool or an event.
pub(super) fn kind(value: &Value) -> &str {
    text(value, "type").unwrap_or_default()
}

/// The elements of the field `key`.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A name out of a request, fit to be part of a code.
pub(super) fn plain(name: &str) -> &str {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !name.is_empty() && name.len() <= 40 && name.bytes().all(is_word) { name } else { "unknown" }
}

/// Token counts.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Tokens {
    input_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Default, Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let input = tokens.input_tokens_details.unwrap_or_default();
        Self {
            input: tokens.input_tokens,
            cached_input: input.cached_tokens,
            cache_write: input.cache_write_tokens,
            output: tokens.output_tokens,
            reasoning: tokens.output_tokens_details.and_then(|details| details.reasoning_tokens),
        }
    }
}

/// Reads a response's `usage`; what cannot be read stays unknown.
pub(super) fn read_usage(response: &Value) -> Option<Usage> {
    let usage = response.get("usage").filter(|usage| usage.is_object())?;
    Tokens::deserialize(usage).ok().map(Usage::from)
}

/// Writes a response's `usage`. Clients take it whole or not at all (Codex reads every count as a number), so one
/// count that is known brings the others as zero.
pub(super) fn write_usage(usage: &Usage) -> Value {
    if usage.input.is_none() && usage.output.is_none() {
        return Value::Null;
    }
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input.unwrap_or(0),
            "cache_write_tokens": usage.cache_write.unwrap_or(0),
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning.unwrap_or(0)},
        "total_tokens": input.saturating_add(output),
    })
}
