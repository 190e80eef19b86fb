//! Token counts, as the provider states them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tokens of one answer. `None` means that nobody said, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// All input tokens, cached ones included.
    pub input: Option<u64>,
    /// The part of `input` that the provider read from its cache.
    pub cached_input: Option<u64>,
    /// The part of `input` that the provider wrote to its cache.
    pub cache_write: Option<u64>,
    /// All output tokens, reasoning included.
    pub output: Option<u64>,
    /// The part of `output` spent on reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Takes over every count that `newer` knows; streams state usage more than once.
    pub fn update(&mut self, newer: &Self) {
        let fields = [
            (&mut self.input, newer.input),
            (&mut self.cached_input, newer.cached_input),
            (&mut self.cache_write, newer.cache_write),
            (&mut self.output, newer.output),
            (&mut self.reasoning, newer.reasoning),
        ];
        for (old, new) in fields {
            *old = new.or(*old);
        }
    }

    /// These counts without those that no record can carry: above 2^53 − 1 they are taken for nonsense.
    pub fn bounded(self) -> Self {
        const MOST: u64 = (1 << 53) - 1;
        let sane = |count: Option<u64>| count.filter(|&count| count <= MOST);
        Self {
            input: sane(self.input),
            cached_input: sane(self.cached_input),
            cache_write: sane(self.cache_write),
            output: sane(self.output),
            reasoning: sane(self.reasoning),
        }
    }
}
