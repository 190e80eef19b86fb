//! Gateways' writers and sealers, as in the server, under callers that never rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;
use waymark_ledger::{Leaf, Log};
use waymark_store::{Address, Effect, LedgerStore, StoreError};
use waymark_types::RecordId;

use crate::ledger::{BLOCK, open};
use crate::sealed::Records;
use crate::sides::millis;

/// Callers served by one batch at most, as in the server.
const BATCH: usize = 256;
/// Entries that may wait for the writer, as in the server.
const QUEUE: usize = 1_024;
/// How soon the sealer tries again while another gateway seals, as in the server.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How often the one record in flight that is followed is looked at.
const PROBE: Duration = Duration::from_millis(2);

/// One gateway's share of a ledger.
pub(crate) struct Gateway {
    store: LedgerStore,
    log: Log,
}

impl Gateway {
    /// Opens it, making the ledger where there is none.
    pub(crate) async fn open(address: &Address, name: &str) -> Result<Self> {
        let (store, log) = open(address, name).await?;
        Ok(Self { store, log })
    }

    /// The server's writer: whatever has queued up is one commit.
    async fn keep_committing(&self, mut queue: mpsc::Receiver<Job>, written: &Notify) -> Result<()> {
        let mut waiting = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut waiting, BATCH).await > 0 {
            let (mut leaves, mut effects, mut callers) = (Vec::new(), Vec::new(), Vec::new());
            for job in waiting.drain(..) {
                leaves.push(job.leaf);
                effects.extend(job.effect);
                callers.push(job.done);
            }
            self.store.append(&leaves, &effects, &self.log).await?;
            written.notify_one();
            for caller in callers {
                let _ = caller.send(());
            }
        }
        Ok(())
    }

    /// The server's sealer, until nothing more will come.
    async fn keep_sealing(&self, written: &Notify, done: &AtomicBool) -> Result<()> {
        while !done.load(Ordering::Acquire) {
            written.notified().await;
            self.seal().await?;
        }
        Ok(())
    }

    /// Until nothing waits.
    async fn seal(&self) -> Result<()> {
        loop {
            match self.store.seal(&self.log).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Busy) => sleep(LOOK_AGAIN).await,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// An entry and who waits for it.
struct Job {
    leaf: Leaf,
    effect: Option<Effect>,
    done: oneshot::Sender<()>,
}

/// Records a second that these gateways take in from so many writers, and how long it took from acknowledged to sealed
/// where that is not the same moment: of one record after another, looked for at `database`.
pub(crate) async fn write(
    gateways: &[Arc<Gateway>],
    writers: usize,
    database: Option<&str>,
) -> Result<(f64, Vec<f64>)> {
    let started = Instant::now();
    let (acknowledged, followed) = mpsc::channel(1);
    let mut sealers = JoinSet::new();
    let mut probe = JoinSet::new();
    let mut tasks = JoinSet::new();
    let mut committing = JoinSet::new();
    let (done, mut wakers) = (Arc::new(AtomicBool::new(false)), Vec::new());
    if let Some(url) = database {
        let options: PgConnectOptions = url.parse()?;
        probe.spawn(follow(options.connect().await?, followed));
    }
    for gateway in gateways {
        let (jobs, queue) = mpsc::channel(QUEUE);
        for _ in 0..writers / gateways.len() {
            tasks.spawn(keep_writing(jobs.clone(), acknowledged.clone(), started));
        }
        let written = Arc::new(Notify::new());
        let (own, notify) = (Arc::clone(gateway), Arc::clone(&written));
        committing.spawn(async move { own.keep_committing(queue, &notify).await });
        if database.is_some() {
            let (own, done) = (Arc::clone(gateway), Arc::clone(&done));
            wakers.push(Arc::clone(&written));
            sealers.spawn(async move { own.keep_sealing(&written, &done).await });
        }
    }
    drop(acknowledged);
    let written = tasks.join_all().await.into_iter().collect::<Result<Vec<_>>>()?;
    let elapsed = started.elapsed().as_secs_f64();
    committing.join_all().await.into_iter().collect::<Result<()>>()?;
    let sealed = probe.join_all().await.into_iter().collect::<Result<Vec<_>>>()?.concat();
    done.store(true, Ordering::Release);
    wakers.iter().for_each(|waker| waker.notify_one());
    sealers.join_all().await.into_iter().collect::<Result<()>>()?;
    Ok((written.iter().sum::<usize>() as f64 / elapsed, sealed))
}

async fn keep_writing(
    jobs: mpsc::Sender<Job>,
    acknowledged: mpsc::Sender<(RecordId, Instant)>,
    started: Instant,
) -> Result<usize> {
    let (mut records, mut done) = (Records::new(), 0);
    while started.elapsed() < BLOCK {
        let made = records.make()?;
        let record = made.record();
        for (leaf, effect) in [(made.intent, Some(made.salt)), (made.completion, None)] {
            let (told, durable) = oneshot::channel();
            jobs.send(Job { leaf, effect, done: told }).await.ok().context("the writer stopped")?;
            durable.await.context("the writer stopped")?;
        }
        // Only when the last one was found sealed.
        let _ = acknowledged.try_send((record, Instant::now()));
        done += 1;
    }
    Ok(done)
}

/// Follows one acknowledged record after another until it is under the tree.
async fn follow(
    mut connection: PgConnection,
    mut followed: mpsc::Receiver<(RecordId, Instant)>,
) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    while let Some((record, since)) = followed.recv().await {
        let sql = "SELECT leaf_index FROM leaves WHERE record = $1 AND part = 1";
        while sqlx::query(sql).bind(&record.as_bytes()[..]).fetch_optional(&mut connection).await?.is_none() {
            sleep(PROBE).await;
        }
        times.push(millis(since.elapsed()));
        // What was acknowledged meanwhile waits since then, and would be found later than it was sealed.
        while followed.try_recv().is_ok() {}
    }
    Ok(times)
}
