//! Which model wrote a line: what answers put out is kept as keyed fingerprints, and lines that git holds are matched
//! with them.
//!
//! What a model puts out ([`Written`]) is read from its answer ([`extract`]).

pub mod extract;
pub mod git;
mod written;

pub use written::{Form, Line, Role, Written};
