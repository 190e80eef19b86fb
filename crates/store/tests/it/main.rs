//! The store's promises, over a real database file.

mod ledger;
mod samples;
mod tamper;
