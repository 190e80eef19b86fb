//! The formats before somebody else's implementations of them, above all Go's golang.org/x/mod/sumdb.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sigsum;
mod theirs;
mod written;
