//! Records written a second, on both databases, beside plain inserts with the same durability.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Executor as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use waymark_ledger::{Leaf, Log};
use waymark_store::{Address, Effect, LedgerStore};
use waymark_testkit::Postgres;
use waymark_types::Secret;

use crate::machine::Load;
use crate::report::{Cell, Report, Table};
use crate::samples::{Blocks, interleave};
use crate::sealed::{Records, introduce, signer};
use crate::writers::{Gateway, write};
use crate::{Setting, machine};

/// How long one block writes.
pub(crate) const BLOCK: Duration = Duration::from_millis(1_000);

/// A ledger in a SQLite file that is written from this thread.
pub(crate) struct Ledger {
    runtime: Runtime,
    store: LedgerStore,
    log: Log,
    records: Records,
}

impl Ledger {
    /// Opens a new one.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let runtime = runtime()?;
        let (store, log) = runtime.block_on(open(&Address::Sqlite(path.to_owned()), "bench"))?;
        Ok(Self { runtime, store, log, records: Records::new() })
    }

    /// The next record, both halves of it.
    pub(crate) fn record(&mut self) -> Result<(Vec<Leaf>, Vec<Effect>)> {
        let made = self.records.make()?;
        Ok((vec![made.intent, made.completion], vec![made.salt]))
    }

    /// Makes leaves durable.
    pub(crate) fn commit(&self, leaves: &[Leaf], effects: &[Effect]) -> Result<()> {
        self.runtime.block_on(self.store.append(leaves, effects, &self.log))?;
        Ok(())
    }
}

/// A ledger of this bench's key, in which everybody who asks is known.
pub(crate) async fn open(address: &Address, gateway: &str) -> Result<(LedgerStore, Log)> {
    let (store, log) = (LedgerStore::open(address, gateway).await?, Log::new(signer()?));
    store.claim(&log).await?;
    introduce(&store).await?;
    Ok((store, log))
}

/// What takes turns.
enum Turn {
    PlainSqlite(SqliteConnection),
    PlainPostgres(Vec<PgConnection>),
    /// Gateways and how many writers they have together; where their database is, if it seals later.
    Ledger(Vec<Arc<Gateway>>, usize, Option<String>),
}

/// One row of the table.
struct Row {
    name: String,
    turn: Turn,
    rates: Blocks,
    /// From acknowledged to sealed, in milliseconds.
    sealed: Blocks,
}

impl Row {
    fn new(name: impl Into<String>, turn: Turn) -> Self {
        Self { name: name.into(), turn, rates: Blocks::default(), sealed: Blocks::default() }
    }
}

/// Measures records a second.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let (runtime, folder) = (runtime()?, TempDir::new()?);
    let mut rows = runtime.block_on(on_sqlite(folder.path()))?;
    let note = "WAL, synchronous = FULL: a record is sealed when it is acknowledged";
    report.add(take_turns(setting, &runtime, "SQLite", &mut rows, folder.path(), note)?);
    let server = Postgres::start();
    server.sql("postgres", "ALTER SYSTEM SET max_connections = 300");
    server.restart();
    let mut rows = runtime.block_on(on_postgres(&server))?;
    let note = "synchronous_commit = on, fsync = on, the server on the same machine, its buffers 16 MB";
    report.add(take_turns(setting, &runtime, "PostgreSQL", &mut rows, &server.data_dir(), note)?);
    Ok(())
}

async fn on_sqlite(folder: &Path) -> Result<Vec<Row>> {
    let mut rows = vec![Row::new(
        "plain inserts, one a commit, 1 writer",
        Turn::PlainSqlite(plain_sqlite(&folder.join("plain.db")).await?),
    )];
    for writers in [1, 8, 64] {
        let address = Address::Sqlite(folder.join(format!("ledger-{writers}.db")));
        let gateways = vec![Arc::new(Gateway::open(&address, "bench").await?)];
        rows.push(Row::new(format!("the ledger, {writers} writers"), Turn::Ledger(gateways, writers, None)));
    }
    Ok(rows)
}

async fn on_postgres(server: &Postgres) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (writers, name) in [(1, "plain_1"), (16, "plain_16")] {
        let turn = Turn::PlainPostgres(plain_postgres(&server.create_database(name), writers).await?);
        rows.push(Row::new(format!("plain inserts, one a commit, {writers} writers"), turn));
    }
    for (gateways, writers) in [(1, 1), (1, 8), (1, 64), (3, 3), (3, 24), (3, 192)] {
        let url = server.create_database(&format!("ledger_{gateways}_{writers}"));
        let mut opened = Vec::new();
        for n in 0..gateways {
            let address = Address::Postgres { url: Secret::new(url.clone()), password: None };
            opened.push(Arc::new(Gateway::open(&address, &format!("bench-{n}")).await?));
        }
        let name = format!("the ledger, {gateways} gateways, {writers} writers in all");
        rows.push(Row::new(name, Turn::Ledger(opened, writers, Some(url))));
    }
    Ok(rows)
}

fn take_turns(
    setting: &Setting,
    runtime: &Runtime,
    database: &str,
    rows: &mut [Row],
    folder: &Path,
    note: &str,
) -> Result<Table> {
    let load = Load::read();
    interleave(setting.rounds(5), rows, |row, counts| {
        let (rate, sealed) = runtime.block_on(turn(&mut row.turn))?;
        if counts {
            row.rates.push(vec![rate]);
            row.sealed.push(sealed);
        }
        Ok(())
    })?;
    let mut table = tabulate(database, rows);
    table.note(format!("{note}; on {}", machine::file_system(folder)));
    table.note("plain inserts get the same bytes, half by half, and nothing else");
    table.note(load.disturbance(&[]));
    Ok(table)
}

async fn turn(turn: &mut Turn) -> Result<(f64, Vec<f64>)> {
    Ok(match turn {
        Turn::PlainSqlite(connection) => (insert_into_sqlite(connection).await?, Vec::new()),
        Turn::PlainPostgres(connections) => (insert_into_postgres(connections).await?, Vec::new()),
        Turn::Ledger(gateways, writers, sealed_at) => write(gateways, *writers, sealed_at.as_deref()).await?,
    })
}

fn tabulate(database: &str, rows: &[Row]) -> Table {
    let title = format!("{database}: records a second, each half durable before its writer goes on");
    let columns = [
        "written by",
        "rounds",
        "records/s",
        "of plain, 1 writer",
        "ms from acknowledged to sealed p50",
        "p99",
    ];
    let mut table = Table::new(&title, &columns);
    let plain = rows[0].rates.median();
    for row in rows {
        let rate = row.rates.median();
        let sealed = [row.sealed.median(), row.sealed.p99()].map(|millis| Cell::Figure(millis, 1));
        let figures = [Cell::count(row.rates.count()), Cell::Figure(rate, 0), Cell::Figure(rate / plain, 2)];
        table.row(&row.name, figures.into_iter().chain(sealed));
    }
    table
}

/// The server's own kind of runtime.
pub(crate) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn plain_sqlite(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await?;
    connection.execute("CREATE TABLE plain (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT").await?;
    Ok(connection)
}

async fn plain_postgres(url: &str, writers: usize) -> Result<Vec<PgConnection>> {
    let options: PgConnectOptions = url.parse()?;
    let options = options.options([("synchronous_commit", "on")]);
    let mut connections = Vec::new();
    for _ in 0..writers {
        connections.push(options.connect().await?);
    }
    let table = "CREATE TABLE plain (id BIGSERIAL PRIMARY KEY, body BYTEA NOT NULL)";
    connections[0].execute(table).await?;
    Ok(connections)
}

/// Records a second that plain inserts take in, one commit a half.
async fn insert_into_sqlite(connection: &mut SqliteConnection) -> Result<f64> {
    let (mut records, mut done) = (Records::new(), 0);
    let started = Instant::now();
    while started.elapsed() < BLOCK {
        let made = records.make()?;
        for leaf in [made.intent, made.completion] {
            sqlx::query("INSERT INTO plain (body) VALUES (?)")
                .bind(leaf.body)
                .execute(&mut *connection)
                .await?;
        }
        done += 1;
    }
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}

/// The same on PostgreSQL, over each connection beside the others.
async fn insert_into_postgres(connections: &mut Vec<PgConnection>) -> Result<f64> {
    let started = Instant::now();
    let mut writers = JoinSet::new();
    for mut connection in connections.drain(..) {
        writers.spawn(async move {
            let (mut records, mut done) = (Records::new(), 0);
            while started.elapsed() < BLOCK {
                let made = records.make()?;
                for leaf in [made.intent, made.completion] {
                    let insert = sqlx::query("INSERT INTO plain (body) VALUES ($1)").bind(leaf.body);
                    insert.execute(&mut connection).await?;
                }
                done += 1;
            }
            anyhow::Ok((connection, done))
        });
    }
    let done = writers.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let elapsed = started.elapsed().as_secs_f64();
    let written: u32 = done.iter().map(|(_, done)| done).sum();
    connections.extend(done.into_iter().map(|(connection, _)| connection));
    Ok(f64::from(written) / elapsed)
}
