//! Which model wrote a line: what answers put out is kept as keyed fingerprints, and lines that git holds are matched
//! with them.
//!
//! What a model puts out ([`Written`]) is read from its answer ([`extract`]) and fingerprinted under the ledger's [`Key`].

pub mod extract;
mod fingerprint;
mod written;

pub use fingerprint::Key;
pub use written::{Form, Line, Role, Written};
