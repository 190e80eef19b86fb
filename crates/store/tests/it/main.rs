//! The store's promises, over a real database file.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken rig must fail the test that uses it, loudly"
)]

mod ledger;
mod samples;
mod tamper;
