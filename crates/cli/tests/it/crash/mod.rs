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

/// Moments at which something breaks, in each test, unless [`ROUNDS_VARIABLE`] says otherwise.
const ROUNDS: usize = 60;
const ROUNDS_VARIABLE: &str = "WAYMARK_CRASH_ROUNDS";

fn rounds() -> usize {
    std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}
