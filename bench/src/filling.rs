//! Ledgers of many records, a year of them, filled by the store's own way of writing, a great many to a commit.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use waymark_ledger::Leaf;
use waymark_store::{Address, Effect};
use waymark_types::RecordId;

use crate::ledger::{open, runtime};
use crate::sealed::{Records, signer};

/// Records in one commit.
const BATCH: usize = 1_024;
/// Records whose ids are kept to ask for, at most.
const KEPT: usize = 100_000;
/// Records between lines of progress.
const TOLD: usize = 500_000;

/// Entries of one commit.
type Batch = (Vec<Leaf>, Vec<Effect>, Vec<RecordId>);

/// Writes the key that verifies these ledgers where the binary looks for it.
pub(crate) fn write_key(folder: &Path) -> Result<()> {
    let key = format!("{}\n", signer()?.verifier().to_text());
    std::fs::write(folder.join("ledger.vkey"), key).context("write the key")
}

/// Fills a new ledger; returns some of the records' ids, evenly spread.
pub(crate) fn fill(address: &Address, records: usize) -> Result<Vec<RecordId>> {
    let (runtime, started) = (runtime()?, Instant::now());
    let (batches, mut made) = mpsc::channel(2);
    let maker = std::thread::spawn(move || make(records, &batches));
    let mut ids = Vec::with_capacity(records.min(KEPT));
    let every = records.div_ceil(KEPT);
    runtime.block_on(async {
        let (store, log) = open(address, "bench").await?;
        let mut done = 0;
        while let Some((leaves, effects, records)) = made.recv().await {
            store.append(&leaves, &effects, &log).await?;
            store.seal(&log).await?;
            for record in records {
                if done % every == 0 {
                    ids.push(record);
                }
                done += 1;
                if done % TOLD == 0 {
                    eprintln!("  {done} records in {:.0} s", started.elapsed().as_secs_f64());
                }
            }
        }
        store.close().await?;
        anyhow::Ok(())
    })?;
    maker.join().ok().context("no records were made")??;
    eprintln!("  wrote {records} records in {:.1} s", started.elapsed().as_secs_f64());
    Ok(ids)
}

fn make(records: usize, batches: &mpsc::Sender<Batch>) -> Result<()> {
    let mut maker = Records::over_a_year(records);
    for start in (0..records).step_by(BATCH) {
        let (mut leaves, mut effects, mut ids) = (Vec::new(), Vec::new(), Vec::new());
        for _ in start..(start + BATCH).min(records) {
            let made = maker.make()?;
            ids.push(made.record());
            leaves.extend([made.intent, made.completion]);
            effects.push(made.salt);
        }
        if batches.blocking_send((leaves, effects, ids)).is_err() {
            break;
        }
    }
    Ok(())
}
