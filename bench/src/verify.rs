//! `waymark verify` over a ledger of 100,000 records, beside merely reading and hashing it.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use waymark_ledger::Log;
use waymark_ledger::tree::{Frontier, leaf_hash};
use waymark_store::LedgerStore as _;
use waymark_store::sqlite::SqliteStore;

use crate::ledger::{Ledger, runtime};
use crate::machine::Load;
use crate::report::{Cell, Report, Table};
use crate::samples::{Blocks, interleave};
use crate::sealed::{Records, signer};
use crate::sides::timed;
use crate::{Setting, machine};

const RECORDS: usize = 100_000;
/// Records in one commit: two leaves each, and so a checkpoint every 256 leaves, as many as a server's ledger keeps.
const BATCH: usize = 128;
const DATABASE: &str = "ledger.db";

/// Measures verification, and what a record takes on disk.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let folder = TempDir::new()?;
    let database = folder.path().join(DATABASE);
    fill(&database)?;
    std::fs::write(folder.path().join("ledger.vkey"), format!("{}\n", signer()?.verifier().to_text()))?;
    let bytes = std::fs::metadata(&database)?.len();
    let mut turns = [Turn::Command, Turn::ReadAndHash].map(|turn| (turn, Blocks::default()));
    let load = Load::read();
    interleave(setting.rounds(5), &mut turns, |(turn, seconds), counts| {
        let [millis, _] = timed(|| match turn {
            Turn::Command => command(&setting.binary, folder.path()),
            Turn::ReadAndHash => read_and_hash(&database),
        })?;
        if counts {
            seconds.push(vec![millis / 1e3]);
        }
        Ok(())
    })?;
    let mut table = tabulate(&turns, bytes, folder.path());
    table.note(load.disturbance(&[]));
    report.add(table);
    Ok(())
}

/// What takes turns.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Command,
    ReadAndHash,
}

/// Writes the ledger to be verified.
fn fill(database: &Path) -> Result<()> {
    let mut ledger = Ledger::open(database)?;
    let mut records = Records::new();
    let started = Instant::now();
    for start in (0..RECORDS).step_by(BATCH) {
        let (mut leaves, mut payloads) = (Vec::new(), Vec::new());
        for _ in start..(start + BATCH).min(RECORDS) {
            let (intent, completion, salt) = records.make();
            leaves.extend([Log::leaf(intent)?, Log::leaf(completion)?]);
            payloads.push(salt);
        }
        ledger.commit(leaves, &payloads)?;
    }
    eprintln!("  wrote {RECORDS} records in {:.1} s", started.elapsed().as_secs_f64());
    ledger.close()
}

fn command(binary: &Path, folder: &Path) -> Result<()> {
    let output = Command::new(binary).arg("verify").arg("--json").arg("--data-dir").arg(folder).output()?;
    ensure!(output.status.success(), "verify: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The least that any verifier does: every leaf is read and hashed into the tree; nothing is compared.
fn read_and_hash(database: &Path) -> Result<()> {
    runtime()?.block_on(async {
        let store = SqliteStore::open_to_read(database).await?;
        let mut frontier = Frontier::default();
        loop {
            let rows = store.rows(frontier.size()..frontier.size() + 4_096).await?;
            if rows.is_empty() {
                break;
            }
            rows.iter().for_each(|row| frontier.append(leaf_hash(&row.body), |_| ()));
        }
        std::hint::black_box(frontier.root());
        Ok(())
    })
}

fn tabulate(turns: &[(Turn, Blocks)], bytes: u64, folder: &Path) -> Table {
    let title = format!("verification of {RECORDS} records ({} leaves)", 2 * RECORDS);
    let mut table =
        Table::new(&title, &["how", "runs", "seconds", "records/s", "leaves/s", "of read and hash"]);
    let floor = turns[1].1.median();
    for (turn, seconds) in turns {
        let name = match turn {
            Turn::Command => "waymark verify, from start to exit",
            Turn::ReadAndHash => "read and hash only",
        };
        let taken = seconds.median();
        table.row(
            name,
            [
                Cell::count(seconds.count()),
                Cell::Figure(taken, 3),
                Cell::Figure(RECORDS as f64 / taken, 0),
                Cell::Figure(2.0 * RECORDS as f64 / taken, 0),
                Cell::Figure(taken / floor, 2),
            ],
        );
    }
    let each = bytes as f64 / RECORDS as f64;
    table.note(format!(
        "a record takes {each:.0} bytes on disk ({:.1} MiB in all, on {}, read from the cache)",
        bytes as f64 / 1024.0 / 1024.0,
        machine::file_system(folder)
    ));
    table
}
