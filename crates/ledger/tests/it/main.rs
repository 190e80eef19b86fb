//! The formats before somebody else's implementation of them: Go's golang.org/x/mod/sumdb.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod theirs;
mod written;
