//! The ledger's formats and proofs, without any IO.
//!
//! An [`Entry`] becomes canonical bytes ([`canonical`]); the bytes are a leaf of an RFC 6962 tree ([`tree`]);
//! the tree's root is signed in a C2SP checkpoint ([`checkpoint`]). [`Log`] does the three together and
//! [`Verifier`] undoes them. Payload text never enters a leaf: only a salted commitment does ([`commitment`]). What
//! leaves the ledger for other programs is a [`Record`], or a signed [`attestation`].

pub mod attestation;
pub mod canonical;
pub mod checkpoint;
pub mod commitment;
pub mod dsse;
mod entry;
mod log;
pub mod note;
mod record;
#[cfg(test)]
mod samples;
mod selection;
pub mod tree;
mod verify;

pub use entry::{
    Attempt, Commitment, Completion, Decision, Entry, EntryError, Intent, MAX_LEAF, PlannedAttempt, Snapshot,
    Source,
};
pub use log::{Batch, Leaf, Log, LogError};
pub use record::{Join, Place, Places, RECORD_SCHEMA, Record};
pub use selection::Selection;
pub use verify::{Fault, Verified, Verifier};
