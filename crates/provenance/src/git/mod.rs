//! Everything attribution asks of git.
pub mod content;
pub mod diff;
