//! `waymark verify` over a ledger of 100,000 records, beside merely reading and hashing it; what a record takes on
//! disk; how long a proof takes.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use waymark_ledger::tree::{Frontier, leaf_hash};
use waymark_store::{Address, LedgerStore, explain};
use waymark_testkit::{Postgres, Random};
use waymark_types::{RecordId, Secret};

use crate::filling::{fill, write_key};
use crate::ledger::runtime;
use crate::machine::Load;
use crate::report::{Cell, Report, Table};
use crate::samples::{Blocks, interleave};
use crate::sealed::signer;
use crate::sides::timed;
use crate::{Setting, machine};

const RECORDS: usize = 100_000;
const DATABASE: &str = "ledger.db";
/// Proofs asked for in one round.
const PROOFS: usize = 200;

/// Measures verification, proofs, and what a record takes on disk.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let folder = TempDir::new()?;
    write_key(folder.path())?;
    let records = setting.rounds(RECORDS);
    let file = folder.path().join(DATABASE);
    let ids = fill(&Address::Sqlite(file.clone()), records)?;
    let place = Place { address: Address::Sqlite(file.clone()), folder: folder.path(), url: None };
    let bytes = std::fs::metadata(&file)?.len();
    report.add(on(setting, "SQLite", &place, &ids, bytes)?);
    let server = Postgres::start();
    let url = server.create_database("ledger");
    let address = Address::Postgres { url: Secret::new(url.clone()), password: None };
    let ids = fill(&address, records)?;
    let bytes = server.sql("ledger", "SELECT pg_database_size('ledger')").trim().parse()?;
    let place = Place { address, folder: folder.path(), url: Some(url) };
    report.add(on(setting, "PostgreSQL", &place, &ids, bytes)?);
    Ok(())
}

/// Where a filled ledger is.
pub(crate) struct Place<'a> {
    pub(crate) address: Address,
    /// The folder with the key.
    pub(crate) folder: &'a Path,
    /// The PostgreSQL database's, which has no password.
    pub(crate) url: Option<String>,
}

impl Place<'_> {
    /// The binary on this ledger.
    pub(crate) fn command(&self, binary: &Path, command: &str) -> Command {
        let mut run = Command::new(binary);
        run.arg(command).arg("--json").arg("--data-dir").arg(self.folder);
        run.envs(self.url.as_ref().map(|url| ("WAYMARK_STORE_URL", url)));
        run
    }
}

/// What takes turns.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Command,
    ReadAndHash,
}

fn on(setting: &Setting, database: &str, place: &Place<'_>, ids: &[RecordId], bytes: u64) -> Result<Table> {
    let mut turns = [Turn::Command, Turn::ReadAndHash].map(|turn| (turn, Blocks::default()));
    let load = Load::read();
    interleave(setting.rounds(3), &mut turns, |(turn, seconds), counts| {
        let [millis, _] = timed(|| match turn {
            Turn::Command => command(setting, place),
            Turn::ReadAndHash => read_and_hash(&place.address),
        })?;
        if counts {
            seconds.push(vec![millis / 1e3]);
        }
        Ok(())
    })?;
    let proofs = proofs(&place.address, ids)?;
    let mut table = tabulate(database, &turns, ids.len());
    table.note(format!(
        "a record told and its proofs checked, {} random ones: p50 {:.2} ms, p99 {:.2} ms",
        proofs.count(),
        proofs.median(),
        proofs.p99()
    ));
    let each = bytes as f64 / ids.len() as f64;
    table.note(format!(
        "a record takes {each:.0} bytes on disk, indexes included ({:.1} MiB in all, on {}, read from the cache)",
        bytes as f64 / 1024.0 / 1024.0,
        machine::file_system(place.folder)
    ));
    table.note(load.disturbance(&[]));
    Ok(table)
}

fn command(setting: &Setting, place: &Place<'_>) -> Result<()> {
    let output = place.command(&setting.binary, "verify").output()?;
    ensure!(output.status.success(), "verify: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The least that any verifier does: every leaf and what it says is read and hashed; nothing is compared.
fn read_and_hash(address: &Address) -> Result<()> {
    runtime()?.block_on(async {
        let store = LedgerStore::open_to_read(address).await?;
        let mut frontier = Frontier::default();
        loop {
            let rows = store.entries(frontier.size()..frontier.size() + 4_096).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                let (_, body) =
                    row.leaf.body.as_ref().map_or((&[][..], &[][..]), |(salt, body)| (salt, body));
                frontier.append(leaf_hash(body), |_| ());
            }
        }
        std::hint::black_box(frontier.root());
        Ok(())
    })
}

/// Milliseconds to tell a random record and check its proofs.
fn proofs(address: &Address, ids: &[RecordId]) -> Result<Blocks> {
    let (runtime, key) = (runtime()?, signer()?.verifier());
    let store = runtime.block_on(LedgerStore::open(address, "bench"))?;
    let mut random = Random::seeded(Random::seed());
    let mut blocks = Blocks::default();
    for _ in 0..PROOFS {
        let record = ids[random.below(ids.len())];
        let [millis, _] = timed(|| {
            let told = runtime.block_on(explain(&store, &key, record))?;
            let proof = told.and_then(|told| told.proof);
            ensure!(proof.is_some_and(|proof| proof.verified), "record {record} is not proven");
            Ok(())
        })?;
        blocks.push(vec![millis]);
    }
    runtime.block_on(store.close())?;
    Ok(blocks)
}

fn tabulate(database: &str, turns: &[(Turn, Blocks)], records: usize) -> Table {
    let title = format!("{database}: verification of {records} records ({} leaves)", 2 * records);
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
                Cell::Figure(records as f64 / taken, 0),
                Cell::Figure(2.0 * records as f64 / taken, 0),
                Cell::Figure(taken / floor, 2),
            ],
        );
    }
    table
}
