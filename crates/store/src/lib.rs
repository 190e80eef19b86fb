//! Storage: one trait per aggregate, one module per database behind it.
//!
//! The traits speak in ledger types and know nothing of HTTP. What can be said of any store (verification,
//! explanations) is written once, over the traits.

mod error;
mod explain;
mod ledger;
pub mod sqlite;
mod verify;

pub use error::StoreError;
pub use explain::{Evidence, Explanation, Proof, explain};
pub use ledger::{LedgerStore, Payload, Reply, Row, StoredCheckpoint, StoredNode, StoredPayload};
pub use verify::{Verdict, verify};
