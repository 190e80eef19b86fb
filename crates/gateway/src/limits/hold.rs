//! What is held for a call under way, and what becomes of it when the call ends.

use std::sync::Arc;

use waymark_ledger::{Attempt, Completion};
use waymark_store::{Amount, Counter, Settlement};
use waymark_types::{Dialect, Limits, Outcome, RecordId, Usage};

use super::estimate::Estimate;
use crate::config::ProviderConfig;
use crate::state::State;

/// Bytes that a client was sent for each token of an answer, roughly and at the fewest. A stream's events have more
/// around each piece of text than the text itself, and OpenAI's chunks, of a token or a few each, have most.
pub(super) fn bytes_per_token(dialect: Dialect, is_stream: bool) -> u64 {
    match (is_stream, dialect) {
        (false, _) => 4,
        (true, Dialect::OpenAiChat | Dialect::OpenAiCompletions) => 48,
        (true, _) => 16,
    }
}

/// What is held for a call. Dropped before it is settled, what was reserved counts as used: nobody will know better.
pub(crate) struct Hold {
    pub(super) state: Arc<State>,
    pub(super) record: RecordId,
    /// Where the call is counted.
    pub(super) counters: Vec<Counter>,
    /// Accounts whose tokens by the minute it counts in.
    pub(super) rated: Vec<(String, Limits)>,
    pub(super) estimate: Estimate,
    /// Bytes that the client is sent for each token.
    pub(super) bytes_per_token: u64,
    /// Whether its estimate is reserved in the store.
    pub(super) reserved: bool,
    pub(super) settled: bool,
}

impl Hold {
    /// What the call came to; `None` where nobody counts it. `sent` is how many bytes the client was sent.
    pub(crate) fn settlement(&self, completion: &Completion, sent: u64) -> Option<Settlement> {
        let free = |provider: &str| {
            self.state.config.providers.get(provider).is_some_and(ProviderConfig::is_embedded)
        };
        let (counted, assumed) =
            came_to(&self.estimate, completion, sent.div_ceil(self.bytes_per_token), free);
        let used = counted.plus(assumed).tokens;
        for (account, limits) in &self.rated {
            self.state.limits.rates.settle(account, limits, self.estimate.input, used);
        }
        let (record, counters, reserved) = (self.record, self.counters.clone(), self.reserved);
        (reserved || !counters.is_empty()).then_some(Settlement {
            record,
            counters,
            counted,
            assumed,
            reserved,
        })
    }

    /// The settlement is durable.
    pub(crate) fn settled(mut self) {
        self.settled = true;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.reserved && !self.settled {
            self.state.limits.purse.assume(self.record);
        }
    }
}

/// What a call came to by its record, and what is assumed where the record does not know. What the embedded model says
/// is free.
fn came_to(
    estimate: &Estimate,
    completion: &Completion,
    sent_tokens: u64,
    free: impl Fn(&str) -> bool,
) -> (Amount, Amount) {
    if completion.provider.as_deref().is_some_and(&free) {
        return (Amount::default(), Amount::default());
    }
    let usage = completion.usage;
    let tokens =
        |usage: &Usage| usage.input.unwrap_or_default().saturating_add(usage.output.unwrap_or_default());
    let thrown_away = completion.attempts.iter().flatten().filter_map(|attempt| attempt.discarded.as_ref());
    let known =
        thrown_away.fold(tokens(&usage), |sum, discarded| sum.saturating_add(tokens(&discarded.usage)));
    let cost = completion.cost_micro_usd.map_or(0, |cost| cost.0);
    let counted = Amount { cost, tokens: known };
    if usage.input.is_some() && usage.output.is_some() {
        return (counted, Amount::default());
    }
    let attempts = completion.attempts.iter().flatten();
    if !attempts.filter(|attempt| !free(&attempt.provider)).any(was_worked_on) {
        return (counted, Amount::default());
    }
    let input = usage.input.unwrap_or(estimate.input);
    let output = usage.output.unwrap_or_else(|| estimate.output.min(sent_tokens));
    let all = estimate.of_tokens(input, output);
    (counted, Amount { cost: all.cost.saturating_sub(cost), tokens: all.tokens.saturating_sub(known) })
}

/// Whether a provider is likely to bill for an attempt: it answered, or was at it when the call was given up.
fn was_worked_on(attempt: &Attempt) -> bool {
    let given_up = matches!(attempt.outcome, Outcome::Cancelled | Outcome::TimedOut);
    attempt.served || given_up || attempt.status.is_some_and(|status| (200..300).contains(&status))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waymark_types::{MicroUsd, Price, Timestamp, Usage};

    use super::*;

    const PRICE: Price = Price {
        input: MicroUsd(1_000_000),
        cached_input: MicroUsd(1_000_000),
        cache_write: MicroUsd(1_000_000),
        output: MicroUsd(10_000_000),
    };

    fn estimate() -> Estimate {
        Estimate { input: 100, output: 1_000, price: Some(PRICE), unpriced: false, leaves: true }
    }

    fn ended(outcome: Outcome, status: Option<u16>, usage: Usage) -> Completion {
        let served = outcome == Outcome::Succeeded;
        let at = Timestamp::from_micros(0);
        let attempt = serde_json::json!({"provider": "p", "model": "m", "served_model": null, "started": at,
            "ended": at, "status": status, "outcome": outcome, "error": null, "next": "done", "served": served});
        Completion {
            record: RecordId::new(at, [0; 10]),
            ended: Some(at),
            outcome,
            reason: "r".to_owned(),
            provider: served.then(|| "p".to_owned()),
            rung: None,
            resolved_model: None,
            served_model: None,
            attempts: Some(vec![serde_json::from_value(attempt).unwrap()]),
            usage,
            cost_micro_usd: PRICE.cost(&usage),
            response: None,
            sources: Vec::new(),
            emitted: None,
            error: None,
        }
    }

    fn usage(input: Option<u64>, output: Option<u64>) -> Usage {
        Usage { input, output, ..Usage::default() }
    }

    fn outside(_: &str) -> bool {
        false
    }

    fn amounts(completion: &Completion, sent_tokens: u64) -> [(u64, u64); 2] {
        let (counted, assumed) = came_to(&estimate(), completion, sent_tokens, outside);
        [(counted.cost, counted.tokens), (assumed.cost, assumed.tokens)]
    }

    #[test]
    fn what_the_record_knows_counts_and_the_rest_is_assumed() {
        let known = ended(Outcome::Succeeded, Some(200), usage(Some(21), Some(5)));
        assert_eq!(amounts(&known, 9_999), [(71, 26), (0, 0)]);
        let unknown = ended(Outcome::Succeeded, Some(200), Usage::default());
        assert_eq!(amounts(&unknown, 100), [(0, 0), (1_100, 200)], "100 tokens in and 100 out");
        let half = ended(Outcome::Cancelled, Some(200), usage(Some(21), None));
        assert_eq!(amounts(&half, 10), [(0, 21), (121, 10)]);
        assert_eq!(amounts(&unknown, u64::MAX), [(0, 0), (10_100, 1_100)], "no more than was asked for");
    }

    #[test]
    fn what_no_provider_worked_on_costs_nothing() {
        let refused = ended(Outcome::Failed, Some(429), Usage::default());
        assert_eq!(amounts(&refused, 100), [(0, 0), (0, 0)]);
        let unreached = ended(Outcome::Failed, None, Usage::default());
        assert_eq!(amounts(&unreached, 100), [(0, 0), (0, 0)]);
        let cancelled = ended(Outcome::Cancelled, None, Usage::default());
        assert_eq!(amounts(&cancelled, 0), [(0, 0), (100, 100)]);
        let (counted, assumed) = came_to(&estimate(), &cancelled, 0, |provider| provider == "p");
        assert_eq!((counted, assumed), (Amount::default(), Amount::default()), "the embedded model is free");
    }

    proptest! {
        #[test]
        fn what_is_assumed_is_never_more_than_was_reserved(
            input in proptest::option::of(0_u64..200), output in proptest::option::of(0_u64..2_000), sent: u32,
        ) {
            let completion = ended(Outcome::Cancelled, Some(200), usage(input, output));
            let (counted, assumed) = came_to(&estimate(), &completion, u64::from(sent), outside);
            prop_assert_eq!(counted.cost, completion.cost_micro_usd.map_or(0, |cost| cost.0));
            if input.is_none_or(|input| input <= 100) && output.is_none_or(|output| output <= 1_000) {
                prop_assert!(counted.plus(assumed).cost <= estimate().amount().cost);
                prop_assert!(counted.plus(assumed).tokens <= estimate().amount().tokens);
            }
        }
    }
}
