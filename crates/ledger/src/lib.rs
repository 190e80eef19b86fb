//! The ledger's formats and proofs, without any IO.
//!
//! An [`Entry`] becomes canonical bytes ([`canonical`]), its body; its [`Leaf`] commits to the body under a salt; leaves
//! stand under an RFC 6962 tree ([`tree`]) whose root is signed in a C2SP checkpoint ([`checkpoint`]). [`Log`] does the
//! last two together and [`Verifier`] checks all of it. What an entry says never enters the tree, so that it can be
//! dropped or erased ([`subject`]) while the tree stays whole. What leaves the ledger for other programs is a
//! [`Record`], or a signed [`attestation`].

pub mod anchors;
pub mod attestation;
pub mod canonical;
pub mod checkpoint;
pub mod commitment;
pub mod cosignature;
pub mod dsse;
pub mod emission;
mod entry;
mod history;
mod key;
mod leaf;
mod listing;
mod log;
pub mod note;
pub mod proof_file;
mod record;
#[cfg(test)]
mod samples;
mod selection;
pub mod static_log;
pub mod subject;
pub mod tiles;
pub mod tree;
mod verify;
pub mod witness;

pub use entry::{
    Attempt, Commitment, Completion, Decision, Discarded, Dropped, Entry, EntryError, Erased, Erasure,
    Evidence, Feedback, Intent, Ladder, MAX_ENTRY, PlannedAttempt, Retention, Shadow, Snapshot, Source,
    Switch,
};
pub use history::{Broken, History, NotOurs, Saved};
pub use key::{KeyChange, KeyEvent, KeyTerms};
pub use leaf::{Kind, Leaf, Statement, Week};
pub use listing::Listing;
pub use log::{Batch, Log};
pub use record::{Join, Place, Places, RECORD_SCHEMA, Record};
pub use selection::Selection;
pub use verify::{Absences, Fault, Seen, StoredLeaf, Verified, Verifier};
