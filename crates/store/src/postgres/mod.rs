//! PostgreSQL: the shared store. Several gateways write to one database; each makes its entries durable by itself, and
//! whoever holds the lock puts them under the tree.

mod rows;
mod script;

use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Executor as _};
use waymark_types::Secret;

use crate::StoreError;
use crate::error::failed;
use crate::sql::{Database, Dialect, Fields, Reply, Script, Value};

/// Connections that write: entries of different batches become durable beside each other.
const WRITERS: u32 = 4;
const READERS: u32 = 4;

/// How long a connection is waited for.
const ACQUIRE: Duration = Duration::from_secs(5);

/// What every connection asks of the server. A gateway that is cut off must not hold up the others: its transaction ends
/// and its locks go. Nothing is durable before the server says so.
const SETTINGS: [(&str, &str); 6] = [
    ("synchronous_commit", "on"),
    ("statement_timeout", "30s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "10s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_user_timeout", "15s"),
];

static DIALECT: Dialect = Dialect {
    week: &[
        // Two gateways may come to a new week at once.
        "SELECT pg_advisory_xact_lock(5719, 1)",
        "CREATE TABLE IF NOT EXISTS bodies_{week} (record BYTEA NOT NULL, part BIGINT NOT NULL, salt BYTEA NOT NULL, \
         body BYTEA NOT NULL, PRIMARY KEY (record, part))",
        "CREATE TABLE IF NOT EXISTS records_{week} (record BYTEA PRIMARY KEY, principal TEXT NOT NULL, client TEXT, \
         session TEXT, repository TEXT, route TEXT, model TEXT, outcome TEXT)",
        "CREATE INDEX IF NOT EXISTS records_{week}_principal ON records_{week} (principal, record)",
        "CREATE INDEX IF NOT EXISTS records_{week}_client ON records_{week} (client, record) WHERE client IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_session ON records_{week} (session, record) WHERE session IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_repository ON records_{week} (repository, record) \
         WHERE repository IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_route ON records_{week} (route, record) WHERE route IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_model ON records_{week} (model, record) WHERE model IS NOT NULL",
        "CREATE INDEX IF NOT EXISTS records_{week}_outcome ON records_{week} (outcome, record) \
         WHERE outcome IS NOT NULL AND outcome <> 'succeeded'",
        "CREATE TABLE IF NOT EXISTS salts_{week} (record BYTEA PRIMARY KEY, salt BYTEA NOT NULL)",
        "CREATE TABLE IF NOT EXISTS emissions_{week} (record BYTEA PRIMARY KEY, emissions BYTEA NOT NULL)",
        "CREATE TABLE IF NOT EXISTS marks_{week} (mark BIGINT NOT NULL, record BYTEA NOT NULL, \
         PRIMARY KEY (mark, record))",
        "CREATE TABLE IF NOT EXISTS texts_{week} (record BYTEA NOT NULL, part BIGINT NOT NULL, text BYTEA NOT NULL, \
         PRIMARY KEY (record, part))",
    ],
    tables: "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()",
    now: "extract(epoch FROM clock_timestamp())::bigint",
    keep: " FOR KEY SHARE",
    bytewise: " COLLATE \"C\"",
    lock: Some("SELECT pg_try_advisory_xact_lock(5719, 0)::int::bigint"),
    lock_spend: Some("SELECT pg_advisory_xact_lock(5719, 2)"),
    around_drop: ["SELECT 1", "SELECT 1"],
};

/// A PostgreSQL database.
pub(crate) struct Postgres {
    /// Connections that write; `None` when the database was opened to be read.
    writers: Option<PgPool>,
    readers: PgPool,
}

impl Postgres {
    /// Opens the database for writing, making its tables or bringing them up to date where needed.
    pub(crate) async fn open(url: &Secret, password: Option<&Secret>) -> Result<Self, StoreError> {
        let (options, place) = options(url, password)?;
        let writers = pool(options.clone(), WRITERS);
        let open = |source| StoreError::Open { place: place.clone(), source };
        writers.acquire().await.map_err(open)?;
        sqlx::migrate!("migrations/postgres").run(&writers).await.map_err(StoreError::Migrate)?;
        Ok(Self { writers: Some(writers), readers: pool(options, READERS) })
    }

    /// Opens an existing database for reading, as it is at this moment, whether or not gateways write to it.
    pub(crate) async fn open_to_read(url: &Secret, password: Option<&Secret>) -> Result<Self, StoreError> {
        let (options, place) = options(url, password)?;
        // One connection within one transaction, so that every read sees the same moment.
        let still = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let options =
            options.options([("statement_timeout", "0"), ("idle_in_transaction_session_timeout", "0")]);
        let readers = PgPoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .acquire_timeout(ACQUIRE)
            .after_connect(move |connection, _| {
                Box::pin(async move { connection.execute(still).await.map(|_| ()) })
            })
            .connect_lazy_with(options);
        let store = Self { writers: None, readers };
        let open = |source| StoreError::Open { place: place.clone(), source };
        store.readers.acquire().await.map_err(open)?;
        let sql =
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'leaves'";
        let found = store.fetch("look for a ledger", sql, Vec::new()).await?;
        let is_there = found.first().is_some_and(|row| row.int(0).is_ok_and(|count| count == 1));
        if is_there { Ok(store) } else { Err(StoreError::Missing { place }) }
    }

    async fn write(&self, script: Script) -> Result<(), StoreError> {
        let writers = self.writers.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut connection = writers.acquire().await.map_err(failed("connect to the database"))?;
        let done = script::run(script, &mut connection).await;
        if done.is_err() {
            // What is left of its transaction goes with the connection.
            drop(connection.detach());
        }
        done
    }

    /// Deleted rows stay in a table's pages until they are rewritten, and in the log of changes until its segments are
    /// removed or reused.
    async fn purge(&self) -> Result<Vec<String>, StoreError> {
        let writers = self.writers.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut connection = writers.acquire().await.map_err(failed("connect to the database"))?.detach();
        // A large table takes its time.
        connection.execute("SET statement_timeout = 0").await.map_err(failed("prepare to rewrite tables"))?;
        let mut left = Vec::new();
        let mut tables = vec!["subjects".to_owned(), "keys".to_owned()];
        for mut row in self.fetch("list the tables", DIALECT.tables, Vec::new()).await? {
            tables.extend(
                Some(row.text(0)?).filter(|name| name.starts_with("salts_") || name.starts_with("texts_")),
            );
        }
        for table in tables {
            let sql = format!("VACUUM FULL {table}");
            let done = connection.execute(sqlx::AssertSqlSafe(sql)).await;
            left.extend(done.err().map(|error| format!("table {table}: {error}")));
        }
        for (sql, what) in [
            ("SELECT pg_switch_wal()", "the write-ahead log could not be switched to a new segment"),
            ("CHECKPOINT", "no checkpoint could be made, after which old segments of the write-ahead log go"),
        ] {
            left.extend(connection.execute(sql).await.err().map(|error| format!("{what}: {error}")));
        }
        let kept = "SELECT setting FROM pg_settings WHERE name = 'wal_recycle' AND setting = 'on'";
        if !self.fetch("read a setting", kept, Vec::new()).await?.is_empty() {
            let recycled = "segments of the write-ahead log that were written before: the server reuses them \
                            (wal_recycle), archives and replicas keep them; what they hold is encrypted texts, and \
                            keys that were in use";
            left.push(recycled.to_owned());
        }
        Ok(left)
    }
}

impl Database for Postgres {
    fn fetch<'a>(
        &'a self,
        operation: &'static str,
        sql: &'a str,
        values: Vec<Value>,
    ) -> Reply<'a, Vec<Fields>> {
        Box::pin(async move {
            let query =
                sqlx::query_with(sqlx::AssertSqlSafe(script::numbered(sql)), script::arguments(values)?);
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
        // Whatever must not be overtaken is under a lock of its own.
        Box::pin(async { Ok(()) })
    }

    fn let_in(&self) -> Reply<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn seals_at_once(&self) -> bool {
        false
    }

    fn dialect(&self) -> &'static Dialect {
        &DIALECT
    }

    fn integrity(&self) -> Reply<'_, Option<String>> {
        // The server checks its own pages as it reads them, where its administrator has asked for that.
        Box::pin(async { Ok(None) })
    }

    fn wipe(&self) -> Reply<'_, Vec<String>> {
        Box::pin(self.purge())
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async {
            self.readers.close().await;
            if let Some(writers) = &self.writers {
                writers.close().await;
            }
            Ok(())
        })
    }
}

/// How to connect, and how to name the place without its password.
fn options(url: &Secret, password: Option<&Secret>) -> Result<(PgConnectOptions, String), StoreError> {
    let shown = crate::ledger::without_password(url.expose());
    let options: PgConnectOptions =
        url.expose().parse().map_err(|source| StoreError::Open { place: shown.clone(), source })?;
    let options = match password {
        Some(password) => options.password(password.expose()),
        None => options,
    };
    let options = options.application_name("waymark").disable_statement_logging().options(SETTINGS);
    Ok((options, shown))
}

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE).connect_lazy_with(options)
}
