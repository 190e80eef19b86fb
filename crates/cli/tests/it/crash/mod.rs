//! Promise 1 while things break: whoever got a byte of an answer finds its record, whoever got its end finds that on
//! record too, nothing is there twice, and no partial answer passes for whole.
//!
//! `cargo xtask crash` runs these for as long as one likes.

mod alone;
mod asks;
mod books;
mod house;
mod shared;
mod start;

/// How many moments at which something breaks, in each test, where a run is to be longer or shorter than usual.
const ROUNDS_VARIABLE: &str = "WAYMARK_CRASH_ROUNDS";

/// Moments at which something breaks.
fn rounds(usual: usize) -> usize {
    std::env::var(ROUNDS_VARIABLE).map_or(usual, |rounds| rounds.parse().unwrap())
}
