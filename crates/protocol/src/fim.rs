//! Fill in the middle: the code around a cursor, and answers written by the embedded model.

use serde::Serialize;
use serde_json::json;
use waymark_types::{RecordId, Timestamp, Usage};

/// The code around the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fim {
    /// Before the cursor.
    pub prefix: String,
    /// After it.
    pub suffix: String,
    /// The most tokens to suggest.
    pub max_tokens: Option<u32>,
    /// The file's path in the repository, when the client says it.
    pub path: Option<String>,
}

/// Marker sets that clients without a `suffix` field put into the prompt: prefix, suffix, middle. The models
/// they belong to are Qwen and CodeGemma, StarCoder, CodeLlama and GLM.
const MARKERS: [[&str; 3]; 4] = [
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<PRE>", "<SUF>", "<MID>"],
    ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
];

impl Fim {
    /// Takes the fields of a completion request. A prompt that hides both sides between markers is split.
    pub fn new(prompt: String, suffix: String, max_tokens: Option<u32>, path: Option<String>) -> Self {
        if suffix.is_empty()
            && let Some((prefix, suffix)) = MARKERS.iter().find_map(|markers| split(&prompt, markers))
        {
            return Self { prefix: prefix.to_owned(), suffix: suffix.to_owned(), max_tokens, path };
        }
        Self { prefix: prompt, suffix, max_tokens, path }
    }
}

fn split<'a>(prompt: &'a str, [prefix, suffix, middle]: &[&str; 3]) -> Option<(&'a str, &'a str)> {
    let body = prompt.trim_end().strip_suffix(middle)?;
    let (_, body) = body.split_once(prefix)?;
    body.split_once(suffix)
}

/// One suggestion of the embedded model, ready to be sent.
#[derive(Debug, Clone)]
pub struct Suggestion<C> {
    /// The record's id.
    pub record: RecordId,
    /// When it was made.
    pub created: Timestamp,
    /// The model's full version.
    pub model: String,
    /// The text to insert; `None` when the model declined.
    pub text: Option<String>,
    /// The probability that it is exactly right.
    pub confidence: f64,
    /// Where it was taken from.
    pub citations: C,
    /// Tokens read and written.
    pub usage: Usage,
}

/// The suggestion as a whole `/v1/completions` answer.
pub fn completion_body<C: Serialize>(suggestion: &Suggestion<C>) -> Vec<u8> {
    let (input, output) = (suggestion.usage.input.unwrap_or(0), suggestion.usage.output.unwrap_or(0));
    let text = suggestion.text.as_deref().unwrap_or("");
    json!({
        "id": format!("cmpl-{}", suggestion.record),
        "object": "text_completion",
        "created": suggestion.created.as_micros() / 1_000_000,
        "model": suggestion.model,
        "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output},
        // What the standard fields cannot say: how sure, and from where.
        "waymark": {
            "record": suggestion.record,
            "declined": suggestion.text.is_none(),
            "confidence": suggestion.confidence,
            "citations": suggestion.citations,
        },
    })
    .to_string()
    .into_bytes()
}

/// The suggestion as a whole streamed `/v1/completions` answer.
pub fn completion_events<C: Serialize>(suggestion: &Suggestion<C>) -> Vec<u8> {
    [b"data: ", &completion_body(suggestion)[..], b"\n\ndata: [DONE]\n\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_in_the_prompt_are_split() {
        for [prefix, suffix, middle] in MARKERS {
            let prompt = format!("{prefix}fn main() {{{suffix}}}\n{middle}");
            let fim = Fim::new(prompt, String::new(), None, None);
            assert_eq!((fim.prefix.as_str(), fim.suffix.as_str()), ("fn main() {", "}\n"));
        }
    }

    #[test]
    fn a_prompt_that_only_mentions_a_marker_stays_whole() {
        let prompt = "let marker = \"<fim_prefix>\";";
        assert_eq!(Fim::new(prompt.into(), String::new(), None, None).prefix, prompt);
    }
}
