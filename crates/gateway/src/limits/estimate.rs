//! What a call may come to, before anybody has answered it: more rather than less.

use waymark_protocol::{Request, most_output};
use waymark_routing::{Plan, Policy};
use waymark_store::Amount;
use waymark_types::{Dialect, Price, ProviderKind};

/// Bytes of a request that make a token, at the fewest: a token of code or JSON has three or four.
const BYTES_PER_TOKEN: u64 = 3;
/// From this many bytes without a break on, what stands in a request is a picture or a file.
const ENCODED: usize = 2_048;
/// Tokens that a picture or a file is taken for, at most: the largest pictures have some 5,000.
const ATTACHMENT: u64 = 8_192;

/// What a call may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Estimate {
    /// Input tokens.
    pub(super) input: u64,
    /// Output tokens.
    pub(super) output: u64,
    /// The dearest prices on the way; `None` where none is known.
    pub(super) price: Option<Price>,
    /// Whether a price on the way is not known.
    pub(super) unpriced: bool,
    /// Whether anybody outside may be asked.
    pub(super) leaves: bool,
}

impl Estimate {
    /// Of a request that goes down `plan`. Where it does not say how long its answer may be, it is `output` tokens. Unless
    /// something depends on it, the request is not looked into.
    pub(super) fn of(request: &Request, plan: &Plan, policy: &Policy, output: u64, look: bool) -> Self {
        let models = plan.steps.iter().filter_map(|step| policy.models.get(&step.name));
        let outside: Vec<_> = models.filter(|model| model.kind != ProviderKind::Embedded).collect();
        let most = if look { most_output(request.dialect, request.raw()) } else { None };
        let prices = outside.iter().filter_map(|model| model.price);
        Self {
            input: if look {
                input_tokens(request.raw())
            } else {
                request.raw().len() as u64 / BYTES_PER_TOKEN
            },
            output: if writes_nothing(request) { 0 } else { most.unwrap_or(output) },
            price: prices.reduce(dearer),
            unpriced: outside.iter().any(|model| model.price.is_none()),
            leaves: !outside.is_empty(),
        }
    }

    /// All of it.
    pub(super) fn amount(&self) -> Amount {
        self.of_tokens(self.input, self.output)
    }

    /// What so many tokens may come to.
    pub(super) fn of_tokens(&self, input: u64, output: u64) -> Amount {
        let cost = |price: Price| {
            // Input may be written to a cache, for more than it costs afresh.
            let dearest = price.input.max(price.cache_write).max(price.cached_input);
            let total =
                u128::from(input) * u128::from(dearest.0) + u128::from(output) * u128::from(price.output.0);
            u64::try_from(total.div_ceil(1_000_000)).unwrap_or(u64::MAX)
        };
        Amount { cost: self.price.map_or(0, cost), tokens: input.saturating_add(output) }
    }
}

fn dearer(one: Price, other: Price) -> Price {
    Price {
        input: one.input.max(other.input),
        cached_input: one.cached_input.max(other.cached_input),
        cache_write: one.cache_write.max(other.cache_write),
        output: one.output.max(other.output),
    }
}

fn writes_nothing(request: &Request) -> bool {
    request.warm_up
        || request.dialect.is_embedding()
        || matches!(request.dialect, Dialect::OpenAiTranscriptions | Dialect::OpenAiSpeech)
}

/// Input tokens by the size of a request. What is encoded in it, and counts otherwise, counts for so much and no more.
fn input_tokens(body: &[u8]) -> u64 {
    let is_encoded =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_');
    let (mut text, mut attached) = (0_u64, 0_u64);
    for piece in body.split_inclusive(|byte| !is_encoded(byte)) {
        if piece.len() < ENCODED {
            text += piece.len() as u64;
        } else {
            attached += (piece.len() as u64 / BYTES_PER_TOKEN).min(ATTACHMENT);
        }
    }
    text.div_ceil(BYTES_PER_TOKEN) + attached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_counts_by_its_size_and_a_picture_for_so_much() {
        assert_eq!(input_tokens(&[b' '; 3_000]), 1_000);
        assert_eq!(input_tokens(b"let x = 1;"), 4);
        let picture = format!("\"{}\"", "QUJD".repeat(500_000));
        assert_eq!(input_tokens(picture.as_bytes()), ATTACHMENT + 1);
    }

    #[test]
    fn money_is_rounded_up_at_the_dearest_price() {
        use waymark_types::MicroUsd;
        let price = Price {
            input: MicroUsd(3_000_000),
            cached_input: MicroUsd(300_000),
            cache_write: MicroUsd(3_750_000),
            output: MicroUsd(15_000_000),
        };
        let estimate = Estimate { input: 1, output: 1, price: Some(price), ..Estimate::default() };
        assert_eq!(estimate.amount(), Amount { cost: 19, tokens: 2 });
        assert_eq!(Estimate { price: None, ..estimate }.amount(), Amount { cost: 0, tokens: 2 });
    }
}
