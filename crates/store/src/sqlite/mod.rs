//! SQLite: the embedded store. One writer connection, a few readers, WAL, `synchronous = FULL`.

mod rows;
mod script;

use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::sync::Mutex;

use crate::StoreError;
use crate::error::failed;
use crate::sql::{Database, Dialect, Fields, Reply, Script, Value};

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 4;
/// Rows that a reading connection is ahead of whoever takes them, at most.
const AHEAD: usize = 1_024;

static DIALECT: Dialect = Dialect {
    week: &[
        "CREATE TABLE IF NOT EXISTS bodies_{week} (record BLOB NOT NULL, part INTEGER NOT NULL, salt BLOB NOT NULL, \
         body BLOB NOT NULL, PRIMARY KEY (record, part)) STRICT",
        "CREATE TABLE IF NOT EXISTS records_{week} (record BLOB PRIMARY KEY, principal TEXT NOT NULL, client TEXT, \
         session TEXT, repository TEXT, route TEXT, model TEXT, outcome TEXT) STRICT, WITHOUT ROWID",
        "CREATE INDEX IF NOT EXISTS records_{week}_principal ON records_{week} (principal, record)",
        "CREATE INDEX IF NOT EXISTS records_{week}_client ON records_{week} (client, record) WHERE client IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_session ON records_{week} (session, record) WHERE session IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_repository ON records_{week} (repository, record) \
         WHERE repository IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_route ON records_{week} (route, record) WHERE route IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_model ON records_{week} (model, record) WHERE model IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_outcome ON records_{week} (outcome, record) \
         WHERE outcome IS NOT NULL AND outcome <> 'succeeded'",
        "CREATE TABLE IF NOT EXISTS salts_{week} (record BLOB PRIMARY KEY, salt BLOB NOT NULL) STRICT, WITHOUT ROWID",
        "CREATE TABLE IF NOT EXISTS emissions_{week} (record BLOB PRIMARY KEY, emissions BLOB NOT NULL) STRICT",
        "CREATE TABLE IF NOT EXISTS marks_{week} (mark INTEGER NOT NULL, record BLOB NOT NULL, \
         PRIMARY KEY (mark, record)) STRICT, WITHOUT ROWID",
        "CREATE TABLE IF NOT EXISTS texts_{week} (record BLOB NOT NULL, part INTEGER NOT NULL, text BLOB NOT NULL, \
         PRIMARY KEY (record, part)) STRICT",
    ],
    tables: "SELECT name FROM sqlite_master WHERE type = 'table'",
    now: "unixepoch()",
    keep: "",
    bytewise: "",
    lock: None,
    lock_spend: None,
    // Zeros over all of a large table would be written twice before the file shrinks; its texts are encrypted under
    // salts that were dropped with zeros.
    around_drop: ["PRAGMA secure_delete = FAST", "PRAGMA secure_delete = ON"],
};

/// A SQLite file.
pub(crate) struct Sqlite {
    /// How the writer connects; `None` when the file was opened to be read.
    connect: Option<SqliteConnectOptions>,
    /// The writer. A connection that failed once is dropped: SQLite has rolled back by itself, and the next batch
    /// connects anew rather than trust what is left of it.
    writer: Mutex<Option<Writer>>,
    readers: SqlitePool,
    /// A connection of its own to check the files, beside whatever is read.
    checker: SqlitePool,
}

/// The connection that writes, and whether it has begun to already, so that others are kept out.
struct Writer {
    connection: SqliteConnection,
    has_begun: bool,
}

impl Sqlite {
    /// Opens the database for writing, making it and bringing its tables up to date where needed.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = options(path).create_if_missing(true);
        let open = |source| StoreError::Open { place: path.display().to_string(), source };
        let mut writer = options.connect().await.map_err(open)?;
        sqlx::migrate!("migrations/sqlite").run(&mut writer).await.map_err(StoreError::Migrate)?;
        let connect = options.create_if_missing(false);
        let to_read = connect.clone().pragma("query_only", "ON");
        let (readers, checker) = (pool(to_read.clone()), still_pool(to_check(to_read)));
        let writer = Writer { connection: writer, has_begun: false };
        Ok(Self { connect: Some(connect), writer: Mutex::new(Some(writer)), readers, checker })
    }

    /// Opens an existing database for reading, as it is at this moment, whether or not a server is writing to it.
    pub(crate) async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        if !path.is_file() {
            return Err(StoreError::Missing { place: path.display().to_string() });
        }
        // Reading a WAL database needs its shared-memory file, so a plain connection comes first; a folder
        // that cannot be written has no writer either and may be read as it is.
        let plain = options(path).pragma("query_only", "ON");
        let still = SqliteConnectOptions::new()
            .filename(path)
            .immutable(true)
            .read_only(true)
            .disable_statement_logging();
        let (readers, checker) = (still_pool(plain.clone()), still_pool(to_check(plain)));
        let Err(error) = probe(&readers).await else {
            return Ok(Self { connect: None, writer: Mutex::new(None), readers, checker });
        };
        let unmerged = path.with_extension("db-wal").metadata().is_ok_and(|wal| wal.len() > 0);
        if unmerged {
            // As it stands the file lacks what is not merged yet, so that it is not read without its log.
            let problem = "it cannot be read together with the -wal file beside it";
            return Err(StoreError::Damaged(format!("{}: {problem}: {error}", path.display())));
        }
        let (readers, checker) = (still_pool(still.clone()), still_pool(to_check(still)));
        let open = |source| StoreError::Open { place: path.display().to_string(), source };
        probe(&readers).await.map_err(open)?;
        Ok(Self { connect: None, writer: Mutex::new(None), readers, checker })
    }

    async fn write(&self, script: Script) -> Result<(), StoreError> {
        let mut held = self.writer.lock().await;
        let Writer { mut connection, has_begun } = self.taken(&mut held).await?;
        script::run(script, &mut connection, has_begun).await?;
        // A connection that failed is dropped instead, and what it had begun with it.
        *held = Some(Writer { connection, has_begun: false });
        Ok(())
    }

    /// The writer, taken out of its place, or a new one.
    async fn taken(&self, held: &mut Option<Writer>) -> Result<Writer, StoreError> {
        let connect = self.connect.as_ref().ok_or(StoreError::ReadOnly)?;
        match held.take() {
            Some(writer) => Ok(writer),
            None => {
                let connection = connect.connect().await.map_err(failed("connect to the database again"))?;
                Ok(Writer { connection, has_begun: false })
            }
        }
    }

    async fn begin(&self) -> Result<(), StoreError> {
        let mut held = self.writer.lock().await;
        let Writer { mut connection, has_begun } = self.taken(&mut held).await?;
        if !has_begun {
            connection.execute("BEGIN IMMEDIATE").await.map_err(failed("begin a batch"))?;
        }
        *held = Some(Writer { connection, has_begun: true });
        Ok(())
    }

    async fn shut(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        self.checker.close().await;
        match self.writer.lock().await.take() {
            Some(writer) => writer.connection.close().await.map_err(failed("close the database")),
            None => Ok(()),
        }
    }

    /// What was deleted was overwritten with zeros in its pages (`secure_delete`); the log of changes may still hold
    /// older versions of them, until everything in it is written back and it is cut to nothing.
    async fn purge(&self) -> Result<Vec<String>, StoreError> {
        let mut held = self.writer.lock().await;
        let writer = &mut held.as_mut().ok_or(StoreError::ReadOnly)?.connection;
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(writer)
            .await
            .map_err(failed("empty the write-ahead log"))?;
        let busy = rows::fields(&row)?.int(0)? != 0;
        let left =
            "the write-ahead log: another process reads the database; run the command again when it is done";
        Ok(if busy { vec![left.to_owned()] } else { Vec::new() })
    }
}

impl Database for Sqlite {
    fn fetch<'a>(
        &'a self,
        operation: &'static str,
        sql: &'a str,
        values: Vec<Value>,
    ) -> Reply<'a, Vec<Fields>> {
        Box::pin(async move {
            let query = sqlx::query_with(sqlx::AssertSqlSafe(sql.to_owned()), script::arguments(values)?);
            let mut results = query.fetch(&self.readers);
            let mut found = Vec::new();
            while let Some(row) = results.try_next().await.map_err(failed(operation))? {
                found.push(rows::fields(&row)?);
            }
            Ok(found)
        })
    }

    fn transact(&self, script: Script) -> Reply<'_, ()> {
        Box::pin(self.write(script))
    }

    fn keep_out(&self) -> Reply<'_, ()> {
        Box::pin(self.begin())
    }

    fn let_in(&self) -> Reply<'_, ()> {
        Box::pin(async {
            // What was begun goes with its connection.
            drop(self.writer.lock().await.take_if(|writer| writer.has_begun));
            Ok(())
        })
    }

    fn seals_at_once(&self) -> bool {
        true
    }

    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn integrity(&self) -> Reply<'_, Option<String>> {
        Box::pin(async {
            let check = sqlx::query("PRAGMA integrity_check(1)");
            let row = check.fetch_one(&self.checker).await.map_err(failed("check the database's files"))?;
            let said = rows::fields(&row)?.text(0)?;
            Ok(Some(said).filter(|said| said != "ok"))
        })
    }

    fn wipe(&self) -> Reply<'_, Vec<String>> {
        Box::pin(self.purge())
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(self.shut())
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(AHEAD)
        .disable_statement_logging()
        // What is deleted must not stay readable in the file.
        .pragma("secure_delete", "ON")
        // Where plain fsync does not reach the disk (macOS), ask for the one that does.
        .pragma("fullfsync", "ON")
}

/// The check looks every row up in every index of its table: what it comes back to must stay at hand, 32 MiB of it.
fn to_check(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.pragma("cache_size", "-32768")
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
    sqlx::query("SELECT leaf_index FROM leaves LIMIT 1").fetch_optional(readers).await.map(|_| ())
}
