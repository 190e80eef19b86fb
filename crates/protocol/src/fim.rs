//! Fill in the middle: the code around a cursor, and answers written by the embedded model.

use serde::Serialize;
use serde_json::json;
use waymark_types::{RecordId, Timestamp, Usage};

mod answer;
pub(crate) mod choices;
mod dialogue;
mod prompt;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Ending, Head, Piece, Said, Shape, object, warmed_up};
pub(crate) use dialogue::Completions;
pub use dialogue::{FimDialogue, fim_dialogue};
pub(crate) use prompt::limit;
pub use prompt::{ExtraFile, FimPrompt, ReplyForm};
pub(crate) use text::Text;

/// The code around the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
/// they belong to are Qwen and CodeGemma, StarCoder, CodeLlama, GLM and DeepSeek.
const MARKERS: [[&str; 3]; 5] = [
    ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"],
    ["<PRE>", "<SUF>", "<MID>"],
    ["<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"],
    ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
];

/// Codestral's markers, which stand before what they name: the suffix, then the prefix.
const SUFFIX_FIRST: [&str; 2] = ["[SUFFIX]", "[PREFIX]"];

impl Fim {
    /// Takes the fields of a completion request. A prompt that hides both sides between markers is split.
    pub fn new(prompt: String, suffix: String, max_tokens: Option<u32>, path: Option<String>) -> Self {
        if suffix.is_empty()
            && let Some(Marked { prefix, suffix, .. }) = marked(&prompt)
        {
            return Self { prefix: prefix.to_owned(), suffix: suffix.to_owned(), max_tokens, path };
        }
        Self { prefix: prompt, suffix, max_tokens, path }
    }
}

/// A prompt cut at its markers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marked<'a> {
    /// What stands before the first marker, such as other files.
    pub(crate) before: &'a str,
    /// The code before the cursor.
    pub(crate) prefix: &'a str,
    /// The code behind it.
    pub(crate) suffix: &'a str,
}

/// Cuts a prompt at its markers, if it has any.
pub(crate) fn marked(prompt: &str) -> Option<Marked<'_>> {
    MARKERS.iter().find_map(|markers| split(prompt, markers)).or_else(|| {
        let (suffix, prefix) = prompt.strip_prefix(SUFFIX_FIRST[0])?.rsplit_once(SUFFIX_FIRST[1])?;
        Some(Marked { before: "", prefix, suffix })
    })
}

/// Whether a text is one of the markers.
pub(crate) fn is_marker(text: &str) -> bool {
    MARKERS.iter().flatten().chain(&SUFFIX_FIRST).any(|marker| *marker == text)
}

fn split<'a>(prompt: &'a str, markers: &[&str; 3]) -> Option<Marked<'a>> {
    let [prefix, suffix, middle] = markers;
    let body = prompt.trim_end().strip_suffix(middle)?;
    let (before, body) = body.split_once(prefix)?;
    let (prefix, suffix) = body.split_once(suffix)?;
    if markers[0] == "<PRE>" {
        // CodeLlama's format has spaces of its own.
        let prefix = prefix.strip_prefix(' ').unwrap_or(prefix);
        let prefix = prefix.strip_suffix(' ').unwrap_or(prefix);
        return Some(Marked { before, prefix, suffix: suffix.strip_suffix(' ').unwrap_or(suffix) });
    }
    Some(Marked { before, prefix, suffix })
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

impl<C: Serialize> Suggestion<C> {
    /// The same with its citations as JSON.
    pub fn into_json(self) -> Suggestion<serde_json::Value> {
        let Self { record, created, model, text, confidence, citations, usage } = self;
        // Citations that cannot be written are as good as none.
        let citations = serde_json::to_value(citations).unwrap_or_default();
        Suggestion { record, created, model, text, confidence, citations, usage }
    }

    /// What the standard fields cannot say: how sure, and from where.
    pub(crate) fn waymark(&self) -> serde_json::Value {
        json!({
            "record": self.record,
            "declined": self.text.is_none(),
            "confidence": self.confidence,
            "citations": self.citations,
        })
    }
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
        "waymark": suggestion.waymark(),
    })
    .to_string()
    .into_bytes()
}

/// The suggestion as a whole streamed `/v1/completions` answer.
pub fn completion_events<C: Serialize>(suggestion: &Suggestion<C>) -> Vec<u8> {
    [b"data: ", &completion_body(suggestion)[..], b"\n\ndata: [DONE]\n\n"].concat()
}

#[cfg(test)]
mod marker_tests {
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
    fn spaces_and_orders_of_their_own_are_known() {
        for prompt in ["<PRE> fn main() { <SUF>}\n <MID>", "[SUFFIX]}\n[PREFIX]fn main() {"] {
            let fim = Fim::new(prompt.into(), String::new(), None, None);
            assert_eq!((fim.prefix.as_str(), fim.suffix.as_str()), ("fn main() {", "}\n"));
        }
    }

    #[test]
    fn a_prompt_that_only_mentions_a_marker_stays_whole() {
        let prompt = "let marker = \"<fim_prefix>\";";
        assert_eq!(Fim::new(prompt.into(), String::new(), None, None).prefix, prompt);
    }
}
