//! Money as integer micro-USD, and prices per million tokens.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Usage;

/// An amount of money: 1,000,000 is one US dollar.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct MicroUsd(pub u64);

impl fmt::Display for MicroUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// A model's price, in micro-USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Price {
    /// Input tokens read afresh.
    pub input: MicroUsd,
    /// Input tokens read from the provider's cache.
    pub cached_input: MicroUsd,
    /// Input tokens written to the provider's cache.
    pub cache_write: MicroUsd,
    /// Output tokens, reasoning included.
    pub output: MicroUsd,
}

impl Price {
    /// What `usage` costs, rounded half up; `None` while input or output is unknown.
    pub fn cost(&self, usage: &Usage) -> Option<MicroUsd> {
        let (input, output) = (usage.input?, usage.output?);
        let cached = usage.cached_input.unwrap_or(0).min(input);
        let written = usage.cache_write.unwrap_or(0).min(input - cached);
        let fresh = input - cached - written;
        let parts = [
            (fresh, self.input),
            (cached, self.cached_input),
            (written, self.cache_write),
            (output, self.output),
        ];
        let total: u128 = parts.iter().map(|&(tokens, price)| u128::from(tokens) * u128::from(price.0)).sum();
        Some(MicroUsd(u64::try_from((total + 500_000) / 1_000_000).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price {
        input: MicroUsd(3_000_000),
        cached_input: MicroUsd(300_000),
        cache_write: MicroUsd(3_750_000),
        output: MicroUsd(15_000_000),
    };

    #[test]
    fn cached_and_fresh_tokens_are_priced_apart() {
        let usage = Usage {
            input: Some(1_000),
            cached_input: Some(600),
            cache_write: Some(100),
            output: Some(10),
            reasoning: None,
        };
        // 300 fresh at 3, 600 cached at 0.3, 100 written at 3.75, 10 out at 15, in micro-USD per token.
        assert_eq!(PRICE.cost(&usage), Some(MicroUsd(900 + 180 + 375 + 150)));
    }

    #[test]
    fn unknown_usage_is_an_unknown_cost() {
        assert_eq!(PRICE.cost(&Usage { input: Some(5), ..Usage::default() }), None);
    }

    #[test]
    fn a_cache_larger_than_the_input_costs_no_more_than_the_input() {
        let usage =
            Usage { input: Some(1), cached_input: Some(u64::MAX), output: Some(0), ..Usage::default() };
        assert_eq!(PRICE.cost(&usage), Some(MicroUsd(0)));
    }
}
