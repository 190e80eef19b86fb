//! What can go wrong with a store.

use thiserror::Error;

/// A store operation that failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("could not open the database {place}")]
    Open {
        /// The database's file, or its address without its password.
        place: String,
        /// Why.
        source: sqlx::Error,
    },
    /// There is no database there.
    #[error("there is no ledger at {place}")]
    Missing {
        /// The database's file, or its address without its password.
        place: String,
    },
    /// The address is none of a database known here.
    #[error(
        "`{0}` is no store: use `sqlite`, `sqlite:FILE` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"
    )]
    Address(String),
    /// The database belongs to another ledger than the key at hand.
    #[error("the database holds the ledger {found}, and the key here is that of {expected}")]
    OtherLedger {
        /// Whose key is here.
        expected: String,
        /// Whose ledger is there.
        found: String,
    },
    /// The database's tables cannot be brought up to date.
    #[error("could not bring the database's tables up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("could not {operation}")]
    Database {
        /// What was being done.
        operation: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
    /// The ledger has grown, or shrunk, under this process.
    #[error(
        "the ledger has {found} leaves where {expected} were expected; is another process writing to it?"
    )]
    Conflict {
        /// How many this process had committed.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// Another process is putting entries under the tree.
    #[error("another process is sealing the ledger")]
    Busy,
    /// Somebody was erased while a record of theirs was on its way.
    #[error("the subject {0} was erased just now")]
    Forgotten(String),
    /// An entry does not fit those before it.
    #[error("{0}")]
    Refused(String),
    /// What a record said was dropped for its age.
    #[error(
        "record {record} is older than records are kept: what it said was dropped; its leaf {leaf_index} still stands in the tree"
    )]
    Dropped {
        /// The record.
        record: String,
        /// Where its newest leaf stands.
        leaf_index: u64,
    },
    /// The ledger's newest checkpoint does not hold, so nothing is put on top of it.
    #[error("the ledger is not what its newest checkpoint states: {0}; run `waymark verify`")]
    Diverged(String),
    /// An entry cannot be made or read.
    #[error(transparent)]
    Entry(#[from] waymark_ledger::EntryError),
    /// The system has no randomness to give.
    #[error("the system gives no randomness for a salt")]
    NoRandomness,
    /// The store was closed, or was opened to be read.
    #[error("the store is not open for writing")]
    ReadOnly,
    /// What is stored cannot be what was written.
    #[error("the ledger is damaged: {0}; run `waymark verify`")]
    Damaged(String),
}

/// Turns a failed statement into an error that names what was being done.
pub(crate) fn failed(operation: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { operation, source }
}
