//! A place where a ledger is kept: leaves, tree, checkpoints, and beside the tree what entries say, salts and texts.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tokio::sync::Mutex;
use waymark_ledger::commitment::Salt;
use waymark_ledger::subject::Text;
use waymark_ledger::tree::Frontier;
use waymark_ledger::{Dropped, Week};
use waymark_types::{RecordId, Secret, Timestamp};

use crate::postgres::Postgres;
use crate::sql::Database;
use crate::sqlite::Sqlite;
use crate::{Settlement, StoreError, StoredKey};

/// Where a ledger is kept.
#[derive(Clone)]
pub enum Address {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres {
        /// Its URL, which may hold a password.
        url: Secret,
        /// The password, where the URL holds none.
        password: Option<Secret>,
    },
}

impl FromStr for Address {
    type Err = StoreError;

    /// Reads `sqlite:FILE` or `postgres://…`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
        match scheme {
            "postgres" | "postgresql" => {
                Ok(Self::Postgres { url: Secret::new(text.to_owned()), password: None })
            }
            "sqlite" => {
                let path = text.trim_start_matches("sqlite:").trim_start_matches("//");
                if path.is_empty() {
                    Err(StoreError::Address(text.to_owned()))
                } else {
                    Ok(Self::Sqlite(path.into()))
                }
            }
            // A password must not get into an error.
            _ => Err(StoreError::Address(without_password(text))),
        }
    }
}

/// A place without whatever of it may be a password: who, and the settings after the question mark.
pub(crate) fn without_password(url: &str) -> String {
    let place = url.split('@').next_back().unwrap_or_default();
    place.split('?').next().unwrap_or_default().to_owned()
}

/// A ledger's storage.
pub struct LedgerStore {
    pub(crate) database: Box<dyn Database>,
    /// The tree's right edge as this process last left it; none when it must be read again.
    pub(crate) edge: Mutex<Option<Frontier>>,
    /// Weeks whose tables are known to be there.
    pub(crate) weeks: Mutex<HashSet<Week>>,
    /// What this process is called among those that write to the same ledger.
    pub(crate) gateway: String,
}

impl LedgerStore {
    /// Opens a ledger for writing, making its tables or bringing them up to date where needed. `gateway` is what this
    /// process is called among those that write to it.
    pub async fn open(address: &Address, gateway: &str) -> Result<Self, StoreError> {
        Ok(match address {
            Address::Sqlite(path) => Self::of(Box::new(Sqlite::open(path).await?), gateway),
            Address::Postgres { url, password } => {
                Self::of(Box::new(Postgres::open(url, password.as_ref()).await?), gateway)
            }
        })
    }

    /// Opens an existing ledger for reading, as it is at this moment, whether or not others write to it.
    pub async fn open_to_read(address: &Address) -> Result<Self, StoreError> {
        Ok(match address {
            Address::Sqlite(path) => Self::sqlite_to_read(path).await?,
            Address::Postgres { url, password } => {
                Self::of(Box::new(Postgres::open_to_read(url, password.as_ref()).await?), "")
            }
        })
    }

    /// [`LedgerStore::open_to_read`] for a SQLite file.
    pub async fn sqlite_to_read(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::of(Box::new(Sqlite::open_to_read(path).await?), ""))
    }

    fn of(database: Box<dyn Database>, gateway: &str) -> Self {
        Self {
            database,
            edge: Mutex::new(None),
            weeks: Mutex::new(HashSet::new()),
            gateway: gateway.to_owned(),
        }
    }

    /// What the database itself finds wrong with its files, beyond what is stored in them.
    pub async fn integrity(&self) -> Result<Option<String>, StoreError> {
        self.database.integrity().await
    }

    /// Makes what was erased unreadable in the database's files too: free pages, logs of changes. Returns what it could
    /// not reach, in words.
    pub async fn wipe(&self) -> Result<Vec<String>, StoreError> {
        self.database.wipe().await
    }

    /// Writes everything back to where it is kept for good, and lets go of it. Every later call fails.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.database.close().await
    }
}

/// What goes beside the leaves of a batch, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// With an intent: the salt of the record's commitments to texts.
    Salt {
        /// The record.
        record: RecordId,
        /// The salt.
        salt: Salt,
    },
    /// A text to be kept, encrypted.
    Text {
        /// The record.
        record: RecordId,
        /// Which of its texts.
        text: Text,
        /// The text, encrypted under the subject's key and the record's salt.
        sealed: Vec<u8>,
    },
    /// With a completion or an editor's word: emissions, and what they are looked up by.
    Emissions {
        /// The record.
        record: RecordId,
        /// The emissions, as they are sealed.
        bytes: Vec<u8>,
        /// Their marks.
        marks: Vec<u64>,
    },
    /// With an erasure: a record's salt, texts and emissions go.
    EraseRecord(RecordId),
    /// With a key's entry: the key is kept.
    CreateKey(Box<StoredKey>),
    /// With a key's entry: it holds no more from this moment on.
    RevokeKey(String, Timestamp),
    /// With a completion: what the call came to is counted.
    Settle(Settlement),
    /// With an erasure: a subject goes, name and key.
    EraseSubject(String),
    /// With a retention: a week's tables go.
    Drop(Week, Dropped),
}

/// A checkpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The size it is filed under.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// An entry that is durable and not under the tree yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Its place in the queue.
    pub sequence: i64,
    /// What its leaf will state; `None` when that cannot be read.
    pub statement: Option<waymark_ledger::Statement>,
    /// The seal of whoever put it there.
    pub mac: Vec<u8>,
}
