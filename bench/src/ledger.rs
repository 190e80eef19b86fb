//! Records written a second, beside plain SQLite with the same durability.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Executor as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use waymark_ledger::{Leaf, Log};
use waymark_store::sqlite::SqliteStore;
use waymark_store::{LedgerStore as _, Payload};

use crate::machine::Load;
use crate::report::{Cell, Report, Table};
use crate::samples::{Blocks, interleave};
use crate::sealed::{Records, signer};
use crate::{Setting, machine};

/// How long one block writes.
const BLOCK: Duration = Duration::from_millis(1_000);
/// Entries in one commit at most, as in the server.
const BATCH: usize = 512;
/// Entries that may wait for the writer, as in the server.
const QUEUE: usize = 1_024;

/// A ledger that is written from this thread.
pub(crate) struct Ledger {
    runtime: Runtime,
    store: SqliteStore,
    log: Log,
    records: Records,
}

impl Ledger {
    /// Opens a new one.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let runtime = runtime()?;
        let store = runtime.block_on(SqliteStore::open(path))?;
        let frontier = runtime.block_on(store.frontier())?;
        Ok(Self { runtime, store, log: Log::new(signer()?, frontier), records: Records::new() })
    }

    /// The next record, both halves of it.
    pub(crate) fn record(&mut self) -> Result<(Vec<Leaf>, Vec<Payload>)> {
        let (intent, completion, salt) = self.records.make();
        Ok((vec![Log::leaf(intent)?, Log::leaf(completion)?], vec![salt]))
    }

    /// Makes leaves durable.
    pub(crate) fn commit(&mut self, leaves: Vec<Leaf>, payloads: &[Payload]) -> Result<()> {
        let batch = self.log.stage(leaves);
        self.runtime.block_on(self.store.commit(&batch, payloads))?;
        self.log.advance(batch.frontier);
        Ok(())
    }

    /// Writes everything back and closes it.
    pub(crate) fn close(self) -> Result<()> {
        Ok(self.runtime.block_on(self.store.close())?)
    }
}

/// What takes turns: plain SQLite, or the ledger under this many writers.
enum Turn {
    Plain(SqliteConnection),
    Ledger(usize, Arc<SqliteStore>),
}

/// Measures records a second.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let (runtime, folder) = (runtime()?, TempDir::new()?);
    let mut turns =
        vec![(Turn::Plain(runtime.block_on(plain(&folder.path().join("plain.db")))?), Blocks::default())];
    for writers in [1, 8, 64] {
        let path = folder.path().join(format!("ledger-{writers}.db"));
        let store = Arc::new(runtime.block_on(SqliteStore::open(&path))?);
        turns.push((Turn::Ledger(writers, store), Blocks::default()));
    }
    let load = Load::read();
    interleave(setting.rounds(7), &mut turns, |(turn, rates), counts| {
        let rate = match turn {
            Turn::Plain(connection) => runtime.block_on(insert(connection))?,
            Turn::Ledger(writers, store) => runtime.block_on(write(*writers, Arc::clone(store)))?,
        };
        if counts {
            rates.push(vec![rate]);
        }
        Ok(())
    })?;
    let mut table = tabulate(&turns, folder.path());
    table.note(load.disturbance(&[]));
    report.add(table);
    Ok(())
}

fn tabulate(turns: &[(Turn, Blocks)], folder: &Path) -> Table {
    let title = "records a second, intent and completion each durable before the writer goes on";
    let mut table = Table::new(title, &["written by", "rounds", "records/s", "of plain SQLite"]);
    let plain = turns[0].1.median();
    for (turn, rates) in turns {
        let name = match turn {
            Turn::Plain(_) => "plain SQLite, one insert a commit, 1 writer".to_owned(),
            Turn::Ledger(writers, _) => format!("the ledger, {writers} writers"),
        };
        let rate = rates.median();
        let figures = [Cell::count(rates.count()), Cell::Figure(rate, 0), Cell::Figure(rate / plain, 2)];
        table.row(&name, figures);
    }
    table.note(format!(
        "both: WAL, synchronous = FULL, on {}; plain SQLite gets the same bytes and nothing else",
        machine::file_system(folder)
    ));
    table
}

/// The server's own kind of runtime.
pub(crate) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

async fn plain(path: &Path) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await?;
    connection.execute("CREATE TABLE plain (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT").await?;
    Ok(connection)
}

/// Records a second that plain inserts take in, one commit an entry.
async fn insert(connection: &mut SqliteConnection) -> Result<f64> {
    let (mut records, mut done) = (Records::new(), 0);
    let started = Instant::now();
    while started.elapsed() < BLOCK {
        let (intent, completion, _) = records.make();
        for entry in [intent, completion] {
            let body = entry.to_leaf()?;
            sqlx::query("INSERT INTO plain (body) VALUES (?)").bind(body).execute(&mut *connection).await?;
        }
        done += 1;
    }
    Ok(f64::from(done) / started.elapsed().as_secs_f64())
}

/// An entry and who waits for it.
struct Job {
    leaf: Leaf,
    payload: Option<Payload>,
    done: oneshot::Sender<()>,
}

/// Records a second that the ledger takes in from this many writers.
async fn write(writers: usize, store: Arc<SqliteStore>) -> Result<f64> {
    let (jobs, queue) = mpsc::channel(QUEUE);
    let log = Log::new(signer()?, store.frontier().await?);
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for _ in 0..writers {
        tasks.spawn(keep_writing(jobs.clone(), started));
    }
    drop(jobs);
    commit_what_queues_up(log, &store, queue).await?;
    let done = tasks.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    Ok(done.iter().sum::<usize>() as f64 / started.elapsed().as_secs_f64())
}

async fn keep_writing(jobs: mpsc::Sender<Job>, started: Instant) -> Result<usize> {
    let (mut records, mut done) = (Records::new(), 0);
    while started.elapsed() < BLOCK {
        let (intent, completion, salt) = records.make();
        for (entry, payload) in [(intent, Some(salt)), (completion, None)] {
            let (told, durable) = oneshot::channel();
            let job = Job { leaf: Log::leaf(entry)?, payload, done: told };
            jobs.send(job).await.ok().context("the writer stopped")?;
            durable.await.context("the writer stopped")?;
        }
        done += 1;
    }
    Ok(done)
}

/// The server's writer: whatever has queued up is one commit.
async fn commit_what_queues_up(
    mut log: Log,
    store: &SqliteStore,
    mut queue: mpsc::Receiver<Job>,
) -> Result<()> {
    let mut waiting = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut waiting, BATCH).await > 0 {
        let (mut leaves, mut payloads, mut callers) = (Vec::new(), Vec::new(), Vec::new());
        for job in waiting.drain(..) {
            leaves.push(job.leaf);
            payloads.extend(job.payload);
            callers.push(job.done);
        }
        let batch = log.stage(leaves);
        store.commit(&batch, &payloads).await?;
        log.advance(batch.frontier);
        for caller in callers {
            let _ = caller.send(());
        }
    }
    Ok(())
}
