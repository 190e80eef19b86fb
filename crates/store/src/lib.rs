//! Storage: one aggregate after another over a narrow waist ([`sql`]), and one module a database below it.
//!
//! What is above the waist is written once, for every database; it speaks in ledger types and knows nothing of HTTP.

mod append;
mod batch;
mod copy;
mod emissions;
mod error;
mod explain;
mod keys;
mod ledger;
mod list;
mod postgres;
mod public;
mod read;
mod spend;
mod sql;
mod sqlite;
mod tree;
mod verify;

pub use copy::{Copied, CopyError, Stage, copy};
pub use emissions::StoredEmissions;
pub use error::StoreError;
pub use explain::{Evidence, Explanation, Proof, explain};
pub use keys::{KeyCount, StoredKey};
pub use ledger::{Address, Effect, LedgerStore, Pending, StoredCheckpoint};
pub use list::{Page, Query};
pub use read::{Row, WeekTables};
pub use spend::{Amount, Budget, Counter, Reservation, Settlement, Spent};
pub use verify::{Verdict, verify};
