//! Which model wrote a line: what answers put out is kept as keyed fingerprints, and lines that git holds are matched
//! with them.
//!
//! What a model puts out ([`Written`]) is read from its answer ([`extract`]). What is known of a line ([`Class`]) is told
//! to other programs in their own formats ([`formats`]).

mod class;
pub mod extract;
pub mod formats;
mod written;

pub use class::Class;
pub use written::{Form, Line, Role, Written};
