//! Which model wrote a line: what answers put out is kept as keyed fingerprints, and lines that git holds are matched
//! with them.
//!
//! What a model puts out ([`Written`]) is read from its answer ([`extract`]) and fingerprinted under the ledger's [`Key`].
//! [`attribute()`] matches the lines that a commit added with it. [`formats`] are those of others who say the same.

mod attribute;
mod class;
pub mod extract;
mod fingerprint;
pub mod formats;
pub mod git;
mod written;

pub use attribute::{
    Attributed, Beside, Candidate, Evidence, EvidenceKind, File, FileLine, Place, Removed, Times, attribute,
};
pub use class::Class;
pub use fingerprint::{Key, code};
pub use written::{Form, Line, Role, Written};
