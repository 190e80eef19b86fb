//! How long a request lets its answer be.

use serde::Deserialize;
use serde_json::Value;
use waymark_types::Dialect;

/// Where dialects say it.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    max_completion_tokens: Option<Value>,
    max_output_tokens: Option<Value>,
    max_tokens: Option<Value>,
    n_predict: Option<Value>,
    n: Option<Value>,
    #[serde(alias = "generation_config", rename = "generationConfig")]
    generation_config: Option<Generation>,
    options: Option<Options>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Generation {
    #[serde(alias = "max_output_tokens", rename = "maxOutputTokens")]
    max_output_tokens: Option<Value>,
    #[serde(alias = "candidate_count", rename = "candidateCount")]
    candidate_count: Option<Value>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Options {
    num_predict: Option<Value>,
}

/// How many tokens a request lets all of its answers have together; `None` where it does not say.
pub fn most_output(dialect: Dialect, raw: &[u8]) -> Option<u64> {
    let wanted: Wanted = serde_json::from_slice(raw).ok()?;
    let number = |value: Option<Value>| value.and_then(|value| value.as_u64());
    let (most, answers) = match dialect {
        Dialect::Gemini => {
            let generation = wanted.generation_config.unwrap_or_default();
            (number(generation.max_output_tokens), number(generation.candidate_count))
        }
        Dialect::OllamaChat | Dialect::OllamaGenerate => {
            (number(wanted.options.unwrap_or_default().num_predict), None)
        }
        Dialect::LlamaInfill => (number(wanted.n_predict).or(number(wanted.max_tokens)), None),
        Dialect::OpenAiResponses => (number(wanted.max_output_tokens), None),
        _ => (number(wanted.max_completion_tokens).or(number(wanted.max_tokens)), number(wanted.n)),
    };
    most.map(|most| most.saturating_mul(answers.unwrap_or(1).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_says_it_in_its_place() {
        for (dialect, body, most) in [
            (Dialect::OpenAiChat, r#"{"max_tokens": 5}"#, Some(5)),
            (Dialect::OpenAiChat, r#"{"max_completion_tokens": 7, "max_tokens": 5, "n": 3}"#, Some(21)),
            (Dialect::OpenAiChat, r#"{"max_tokens": -1}"#, None),
            (Dialect::OpenAiChat, r#"{"max_tokens": null, "messages": []}"#, None),
            (Dialect::OpenAiResponses, r#"{"max_output_tokens": 9}"#, Some(9)),
            (Dialect::AnthropicMessages, r#"{"max_tokens": 32000}"#, Some(32_000)),
            (
                Dialect::Gemini,
                r#"{"generationConfig": {"maxOutputTokens": 4, "candidateCount": 2}}"#,
                Some(8),
            ),
            (Dialect::Gemini, r#"{"generation_config": {"max_output_tokens": 4}}"#, Some(4)),
            (Dialect::OllamaChat, r#"{"options": {"num_predict": 6}}"#, Some(6)),
            (Dialect::OllamaChat, r#"{"options": {"num_predict": -1}}"#, None),
            (Dialect::LlamaInfill, r#"{"n_predict": 3}"#, Some(3)),
            (Dialect::OpenAiImages, "--form", None),
        ] {
            assert_eq!(most_output(dialect, body.as_bytes()), most, "{dialect} {body}");
        }
    }
}
