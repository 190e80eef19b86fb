//! Choices that the same seed makes again.

/// A generator of pseudo-random numbers (xorshift).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u32) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`, which is above zero.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end
    }

    /// One of several.
    pub fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }
}

/// Cuts bytes into pieces of any lengths.
pub fn pieces(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    let (mut random, mut rest, mut pieces) = (Random::new(seed.into()), bytes, Vec::new());
    // Some cuts are fine, others coarse.
    let longest = [1, 2, 5, 40, 400][usize::from(seed) % 5];
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at((1 + random.below(longest)).min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}
