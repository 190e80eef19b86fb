//! What is asked of others' programs, asked of the programs themselves.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod git;
