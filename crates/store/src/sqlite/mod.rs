//! SQLite: the embedded store. One writer connection, a few readers, WAL, `synchronous = FULL`.

mod read;
mod write;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::Mutex;

use crate::StoreError;

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;

/// A ledger in a SQLite file.
pub struct SqliteStore {
    /// How the writer connects; `None` when the store was opened to be read.
    connect: Option<SqliteConnectOptions>,
    /// The writer. A connection that failed once is dropped: SQLite has rolled back by itself, and the next batch
    /// connects anew rather than trust what is left of it.
    writer: Mutex<Option<SqliteConnection>>,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the database for writing, making it and bringing its tables up to date where needed.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = options(path).create_if_missing(true);
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let mut writer = options.connect().await.map_err(open)?;
        sqlx::migrate!("migrations/sqlite").run(&mut writer).await.map_err(StoreError::Migrate)?;
        let connect = options.create_if_missing(false);
        let readers = pool(connect.clone().pragma("query_only", "ON"));
        Ok(Self { connect: Some(connect), writer: Mutex::new(Some(writer)), readers })
    }

    /// Opens an existing database for reading, as it is at this moment, whether or not a server is writing to it.
    pub async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        // Reading a WAL database needs its shared-memory file, so a plain connection comes first; a folder
        // that cannot be written has no writer either and may be read as it is.
        let plain = options(path).pragma("query_only", "ON");
        let still = SqliteConnectOptions::new().filename(path).immutable(true).read_only(true);
        let readers = still_pool(plain);
        if probe(&readers).await.is_ok() {
            return Ok(Self { connect: None, writer: Mutex::new(None), readers });
        }
        let unmerged = path.with_extension("db-wal").metadata().is_ok_and(|wal| wal.len() > 0);
        if unmerged {
            let problem =
                "its folder cannot be written, and a -wal file beside it holds what is not merged yet";
            return Err(StoreError::Damaged(format!("{}: {problem}", path.display())));
        }
        let readers = still_pool(still);
        probe(&readers).await.map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Ok(Self { connect: None, writer: Mutex::new(None), readers })
    }

    async fn shut(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        match self.writer.lock().await.take() {
            Some(writer) => writer.close().await.map_err(failed("close the database")),
            None => Ok(()),
        }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        // Where plain fsync does not reach the disk (macOS), ask for the one that does.
        .pragma("fullfsync", "ON")
}

fn pool(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options)
}

/// One connection within one transaction, so that every read sees the same moment.
fn still_pool(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| Box::pin(async move { connection.execute("BEGIN").await.map(|_| ()) }))
        .connect_lazy_with(options)
}

async fn probe(readers: &SqlitePool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT leaf_index FROM entries LIMIT 1").fetch_optional(readers).await.map(|_| ())
}

/// Turns a failed statement into an error that names what was being done.
fn failed(operation: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { operation, source }
}

/// SQLite's integers are signed; positions in a log fit.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged(format!("a position is {value}")))
}
