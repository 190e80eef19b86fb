//! What can go wrong with a store.

use std::path::PathBuf;

use thiserror::Error;

/// A store operation that failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error("could not open the database {path}")]
    Open {
        /// The database file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// There is no database there.
    #[error("there is no ledger at {path}")]
    Missing {
        /// The database file.
        path: PathBuf,
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
    /// The store was closed, or was opened to be read.
    #[error("the store is not open for writing")]
    ReadOnly,
    /// What is stored cannot be what was written.
    #[error("the ledger is damaged: {0}; run `waymark verify`")]
    Damaged(String),
}
