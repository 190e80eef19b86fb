//! Randomness that can be repeated.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A small seeded generator (SplitMix64): the same seed gives the same numbers on every machine.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The variable that repeats a run: the seed a failed test printed.
    pub const SEED_VARIABLE: &'static str = "WAYMARK_TEST_SEED";

    /// Starts from this seed.
    pub fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A seed for this run: [`Self::SEED_VARIABLE`] when set, else a new one. Print it.
    pub fn seed() -> u64 {
        match std::env::var(Self::SEED_VARIABLE) {
            Ok(text) => text.parse().expect("the seed is a whole number"),
            Err(_) => Self::anew(),
        }
    }

    /// A seed that nobody asked for.
    pub(crate) fn anew() -> u64 {
        RandomState::new().build_hasher().finish() >> 16
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.bits() % limit as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        let draw = |seed| {
            let mut random = Random::seeded(seed);
            (0..8).map(|_| random.below(1_000)).collect::<Vec<_>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
