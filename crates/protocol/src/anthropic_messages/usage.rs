//! Tokens, as the dialect counts them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use waymark_types::Usage;

/// Token counts of a message or of one event. A later event's counts are totals, not additions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tokens {
    #[serde(deserialize_with = "lenient")]
    input_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    output_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    cache_read_input_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    cache_creation: Option<Creation>,
    #[serde(deserialize_with = "lenient")]
    output_tokens_details: Option<Details>,
    #[serde(deserialize_with = "lenient")]
    iterations: Option<Vec<Iteration>>,
}

/// Tokens written to the cache, by how long they live there.
#[derive(Debug, Deserialize)]
struct Creation {
    #[serde(default)]
    ephemeral_5m_input_tokens: u64,
    #[serde(default)]
    ephemeral_1h_input_tokens: u64,
}

#[derive(Debug, Deserialize, Serialize)]
struct Details {
    thinking_tokens: u64,
}

/// One of the model runs behind an answer.
#[derive(Debug, Deserialize)]
struct Iteration {
    #[serde(rename = "type")]
    kind: Option<String>,
    model: Option<String>,
}

/// What has another type than expected is taken for absent: counts must not cost the rest of an answer.
pub(super) fn lenient<'de, T: serde::de::DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

impl Tokens {
    /// Takes these counts over into `usage`. Anthropic counts cached input apart; the neutral count includes it, so
    /// that an event which states only a part is completed from what is known.
    pub(super) fn update(&self, usage: &mut Usage) {
        let (old_read, old_written) = (usage.cached_input.unwrap_or(0), usage.cache_write.unwrap_or(0));
        let old_fresh = usage.input.map(|input| input.saturating_sub(old_read).saturating_sub(old_written));
        let by_lifetime = self
            .cache_creation
            .as_ref()
            .map(|by| by.ephemeral_5m_input_tokens.saturating_add(by.ephemeral_1h_input_tokens));
        usage.cached_input = self.cache_read_input_tokens.or(usage.cached_input);
        usage.cache_write = self.cache_creation_input_tokens.or(by_lifetime).or(usage.cache_write);
        let cached = usage.cached_input.unwrap_or(0).saturating_add(usage.cache_write.unwrap_or(0));
        usage.input = self.input_tokens.or(old_fresh).map(|fresh| fresh.saturating_add(cached));
        usage.output = self.output_tokens.or(usage.output);
        let reasoning = self.output_tokens_details.as_ref().map(|details| details.thinking_tokens);
        usage.reasoning = reasoning.or(usage.reasoning);
    }

    /// The model that a fallback within the provider ended at. It is there even when the conversation sticks to an
    /// earlier fallback and no block marks it.
    pub(super) fn fallback_model(&self) -> Option<&str> {
        let runs = self.iterations.iter().flatten();
        runs.filter(|run| run.kind.as_deref() == Some("fallback_message"))
            .filter_map(|run| run.model.as_deref())
            .rfind(|model| !model.is_empty())
    }
}

/// Counts as they are written. The dialect has no word for an unknown count of input or output: both are 0 then.
#[derive(Serialize)]
pub(super) struct Written {
    input_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_creation_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read_input_tokens: Option<u64>,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Details>,
}

impl From<&Usage> for Written {
    fn from(usage: &Usage) -> Self {
        let cached = usage.cached_input.unwrap_or(0).saturating_add(usage.cache_write.unwrap_or(0));
        Self {
            input_tokens: usage.input.unwrap_or(0).saturating_sub(cached),
            cache_creation_input_tokens: usage.cache_write,
            cache_read_input_tokens: usage.cached_input,
            output_tokens: usage.output.unwrap_or(0),
            output_tokens_details: usage.reasoning.map(|thinking_tokens| Details { thinking_tokens }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(usage: &mut Usage, value: Value) {
        serde_json::from_value::<Tokens>(value).unwrap().update(usage);
    }

    #[test]
    fn a_later_event_completes_and_never_adds() {
        let mut usage = Usage::default();
        let start = json!({"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1}});
        read(&mut usage, start);
        assert_eq!((usage.input, usage.cached_input, usage.cache_write), (Some(18), Some(5), Some(3)));
        read(&mut usage, json!({"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 30}}));
        assert_eq!((usage.input, usage.output, usage.reasoning), (Some(18), Some(40), Some(30)));
        read(&mut usage, json!({"input_tokens": 12, "output_tokens": "many"}));
        assert_eq!((usage.input, usage.output), (Some(20), Some(40)));
    }

    #[test]
    fn huge_counts_do_no_harm() {
        let mut usage = Usage::default();
        read(&mut usage, json!({"input_tokens": u64::MAX, "cache_read_input_tokens": u64::MAX}));
        assert_eq!(usage.input, Some(u64::MAX));
    }

    #[test]
    fn what_is_written_reads_as_it_was() {
        let usage = Usage {
            input: Some(100),
            cached_input: Some(60),
            cache_write: Some(0),
            output: Some(7),
            reasoning: Some(3),
        };
        let mut again = Usage::default();
        read(&mut again, serde_json::to_value(Written::from(&usage)).unwrap());
        assert_eq!(again, usage);
    }

    #[test]
    fn the_last_fallback_is_the_one_that_served() {
        let tokens = json!({"iterations": [
            {"type": "message", "model": "a"}, {"type": "fallback_message", "model": "b"},
        ]});
        let tokens: Tokens = serde_json::from_value(tokens).unwrap();
        assert_eq!(tokens.fallback_model(), Some("b"));
    }
}
