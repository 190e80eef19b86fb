//! A ledger of very many records: how soon each question that people ask is answered, and what verification takes.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use waymark_store::{Address, LedgerStore, Query, explain};
use waymark_testkit::{Postgres, Random};
use waymark_types::{Outcome, RecordId, Secret, Timestamp};

use crate::filling::{fill, write_key};
use crate::ledger::runtime;
use crate::machine::Load;
use crate::report::{Cell, Report, Table};
use crate::samples::{median, quantile};
use crate::sealed::{self, few, signer};
use crate::sides::timed;
use crate::verify::Place;
use crate::{Setting, Store, machine};

/// Questions of each kind.
const ASKED: usize = 200;
/// The same through the binary, which is a process each time.
const PROCESSES: usize = 50;
/// Records on a page of the list.
const PAGE: u32 = 50;
const DATABASE: &str = "ledger.db";
/// How often a running verification's memory is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Fills one database after the other and asks.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    for store in &setting.stores {
        match store {
            Store::Sqlite => on_sqlite(setting, report).context("SQLite")?,
            Store::Postgres => on_postgres(setting, report).context("PostgreSQL")?,
        }
    }
    Ok(())
}

fn on_sqlite(setting: &Setting, report: &mut Report) -> Result<()> {
    let folder = TempDir::new()?;
    write_key(folder.path())?;
    let file = folder.path().join(DATABASE);
    let address = Address::Sqlite(file.clone());
    let started = Instant::now();
    let ids = fill(&address, setting.records)?;
    let seconds = started.elapsed().as_secs_f64();
    let place = Place { address, folder: folder.path(), url: None };
    let bytes = std::fs::metadata(&file)?.len() as f64;
    let filled = Filled { setting, database: "SQLite", place, ids, seconds, bytes };
    filled.report(report, &|| evict(std::slice::from_ref(&file)))
}

fn on_postgres(setting: &Setting, report: &mut Report) -> Result<()> {
    let folder = TempDir::new()?;
    write_key(folder.path())?;
    let server = Postgres::start();
    let url = server.create_database("ledger");
    for set in ["shared_buffers = '1GB'", "max_wal_size = '4GB'", "work_mem = '16MB'", "fsync = off"] {
        server.sql("postgres", &format!("ALTER SYSTEM SET {set}"));
    }
    server.restart();
    let address = Address::Postgres { url: Secret::new(url.clone()), password: None };
    let started = Instant::now();
    let ids = fill(&address, setting.records)?;
    let seconds = started.elapsed().as_secs_f64();
    server.sql("ledger", "VACUUM ANALYZE");
    server.sql("postgres", "ALTER SYSTEM SET fsync = on");
    let bytes = server.sql("ledger", "SELECT pg_database_size('ledger')").trim().parse()?;
    let place = Place { address, folder: folder.path(), url: Some(url) };
    let cool = || {
        server.stop();
        evict(&files_in(&server.data_dir())?)?;
        server.restart();
        Ok(())
    };
    let filled = Filled { setting, database: "PostgreSQL", place, ids, seconds, bytes };
    filled.report(report, &cool)
}

/// What a question is about, a new one each time.
type Question<'a> = Box<dyn FnMut(&mut Random) -> Query + 'a>;

/// A filled ledger.
struct Filled<'a> {
    setting: &'a Setting,
    database: &'static str,
    place: Place<'a>,
    /// Some of its records.
    ids: Vec<RecordId>,
    /// How long the filling took.
    seconds: f64,
    bytes: f64,
}

impl Filled<'_> {
    fn report(&self, report: &mut Report, cool: &dyn Fn() -> Result<()>) -> Result<()> {
        let load = Load::read();
        let records = self.setting.records;
        let title = format!("{}: {records} records over a year, {PAGE} on a page (ms)", self.database);
        let columns = ["question", "asked", "cold p50", "cold p99", "warm p50", "warm p99", "found"];
        let mut table = Table::new(&title, &columns);
        let runtime = runtime()?;
        let sessions = runtime.block_on(self.sessions())?;
        for (name, mut question) in by_one(&sessions, &self.ids).into_iter().chain(by_two(&self.ids)) {
            cool()?;
            let (passes, found) = self.ask(&runtime, &mut question)?;
            table.row(name, row(&passes, found));
        }
        cool()?;
        table.row("why RECORD, as a call", row(&self.why(&runtime)?, 1.0));
        cool()?;
        table.row("why RECORD, as a process", row(&self.why_as_process()?, 1.0));
        table.note(
            "cold: the first time since the files were evicted from the system's cache; warm: the same again",
        );
        table.note(format!(
            "filled at {:.0} records/s; {:.0} bytes a record, {:.1} GiB, on {}",
            records as f64 / self.seconds,
            self.bytes / records as f64,
            self.bytes / f64::from(1 << 30),
            machine::file_system(self.place.folder)
        ));
        table.note(load.disturbance(&[]));
        report.add(table);
        report.add(self.verify()?);
        Ok(())
    }

    /// Asks, and the same once more; also how many records were found each time.
    fn ask(&self, runtime: &Runtime, question: &mut Question<'_>) -> Result<(Vec<Vec<f64>>, f64)> {
        let store = runtime.block_on(LedgerStore::open(&self.place.address, "bench"))?;
        let (seed, mut found) = (Random::seed(), 0);
        let passes = twice(ASKED, seed, |random| {
            let query = question(random);
            found += runtime.block_on(store.list(&query))?.records.len();
            Ok(())
        })?;
        runtime.block_on(store.close())?;
        Ok((passes, found as f64 / (2 * ASKED) as f64))
    }

    /// Conversations there are.
    async fn sessions(&self) -> Result<Vec<String>> {
        let store = LedgerStore::open_to_read(&self.place.address).await?;
        let mut sessions = Vec::new();
        for id in self.ids.iter().step_by((self.ids.len() / (2 * ASKED)).max(1)) {
            let told = explain(&store, &signer()?.verifier(), *id).await?;
            sessions.extend(told.and_then(|told| told.session));
        }
        Ok(sessions)
    }

    /// Tells random records.
    fn why(&self, runtime: &Runtime) -> Result<Vec<Vec<f64>>> {
        let key = signer()?.verifier();
        let store = runtime.block_on(LedgerStore::open(&self.place.address, "bench"))?;
        let passes = twice(ASKED, Random::seed(), |random| {
            let record = *pick(random, &self.ids);
            let proof = runtime.block_on(explain(&store, &key, record))?.and_then(|told| told.proof);
            ensure!(proof.is_some_and(|proof| proof.verified), "record {record} is not proven");
            Ok(())
        })?;
        runtime.block_on(store.close())?;
        Ok(passes)
    }

    fn why_as_process(&self) -> Result<Vec<Vec<f64>>> {
        twice(PROCESSES, Random::seed(), |random| {
            let record = pick(random, &self.ids).to_string();
            let output = self.place.command(&self.setting.binary, "why").arg(record).output()?;
            ensure!(output.status.success(), "why: {}", String::from_utf8_lossy(&output.stderr));
            Ok(())
        })
    }

    /// `waymark verify`, how long and in how much memory.
    fn verify(&self) -> Result<Table> {
        let (load, started) = (Load::read(), Instant::now());
        let mut verify = self.place.command(&self.setting.binary, "verify");
        let mut child = verify.stdout(Stdio::null()).spawn()?;
        let mut peak: f64 = 0.0;
        let status = loop {
            peak = machine::peak(child.id()).map_or(peak, |now| now.max(peak));
            match child.try_wait()? {
                Some(status) => break status,
                None => std::thread::sleep(LOOK),
            }
        };
        let taken = started.elapsed().as_secs_f64();
        ensure!(status.success(), "verify says no");
        let records = self.setting.records;
        let title = format!("{}: `waymark verify` of {records} records, start to exit", self.database);
        let mut table = Table::new(&title, &["", "seconds", "records/s", "peak memory MiB"]);
        let rate = records as f64 / taken;
        table.row("verify", [Cell::Figure(taken, 1), Cell::Figure(rate, 0), Cell::Figure(peak, 1)]);
        table.note(load.disturbance(&[]));
        Ok(table)
    }
}

/// Milliseconds that each of `count` pieces of work takes, and the same ones once more.
fn twice(count: usize, seed: u64, mut work: impl FnMut(&mut Random) -> Result<()>) -> Result<Vec<Vec<f64>>> {
    let mut pass = || {
        let mut random = Random::seeded(seed);
        (0..count).map(|_| timed(|| work(&mut random)).map(|[_, millis]| millis)).collect::<Result<Vec<_>>>()
    };
    Ok(vec![pass()?, pass()?])
}

fn row(passes: &[Vec<f64>], found: f64) -> Vec<Cell> {
    let figures = passes.iter().flat_map(|pass| [median(pass), quantile(pass, 0.99)]);
    let count = passes.first().map_or(0, Vec::len);
    std::iter::once(Cell::count(count))
        .chain(figures.map(|figure| Cell::Figure(figure, 1)))
        .chain([Cell::Figure(found, 1)])
        .collect()
}

/// A name and what is asked.
type Named<'a> = (&'static str, Question<'a>);

fn asking<'a>(name: &'static str, question: impl FnMut(&mut Random) -> Query + 'a) -> Named<'a> {
    (name, Box::new(question))
}

fn any() -> Query {
    Query { limit: PAGE, ..Query::default() }
}

fn some_model(random: &mut Random) -> Option<String> {
    Some(sealed::model(few(random, sealed::MODELS)))
}

fn some_repository(random: &mut Random) -> Option<String> {
    Some(sealed::repository(few(random, sealed::REPOSITORIES)))
}

fn some_client(random: &mut Random) -> Option<String> {
    Some(sealed::client(few(random, sealed::CLIENTS)))
}

fn some_person(random: &mut Random) -> Option<String> {
    Some(sealed::person(few(random, sealed::PEOPLE)))
}

/// Questions that one field narrows, or none.
fn by_one<'a>(sessions: &'a [String], ids: &'a [RecordId]) -> Vec<Named<'a>> {
    let none = || Some("none".to_owned());
    let rare = || Some(sealed::model(sealed::MODELS - 1));
    let outcome =
        |outcome: Outcome| move |_: &mut Random| Query { outcome: Some(outcome.to_string()), ..any() };
    vec![
        asking("the newest", |_| any()),
        asking("older than a record", |random| Query { before: Some(*pick(random, ids)), ..any() }),
        asking("model", |random| Query { model: some_model(random), ..any() }),
        asking("model, the rarest", move |_| Query { model: rare(), ..any() }),
        asking("model, one that there is not", move |_| Query { model: none(), ..any() }),
        asking("route", |random| Query {
            route: Some(sealed::ROUTES[few(random, sealed::ROUTES.len())].to_owned()),
            ..any()
        }),
        asking("session", |random| Query { session: Some(pick(random, sessions).clone()), ..any() }),
        asking("session, one that there is not", move |_| Query { session: none(), ..any() }),
        asking("repository", |random| Query { repository: some_repository(random), ..any() }),
        asking("client", |random| Query { client: some_client(random), ..any() }),
        asking("principal", |random| Query { principal: some_person(random), ..any() }),
        asking("outcome: failed", outcome(Outcome::Failed)),
        asking("outcome: succeeded", outcome(Outcome::Succeeded)),
        asking("outcome: timed out, none", outcome(Outcome::TimedOut)),
        asking("a day", |random| within(time_of(pick(random, ids)), 1)),
        asking("a day before there was anything", |random| {
            within(later(time_of(pick(random, ids)), -400), 1)
        }),
    ]
}

/// Questions that two fields narrow.
fn by_two(ids: &[RecordId]) -> Vec<Named<'_>> {
    vec![
        asking("repository, 30 days", |random| Query {
            repository: some_repository(random),
            ..within(time_of(pick(random, ids)), 30)
        }),
        asking("repository and model", |random| Query {
            repository: some_repository(random),
            model: some_model(random),
            ..any()
        }),
        asking("client and principal", |random| Query {
            client: some_client(random),
            principal: some_person(random),
            ..any()
        }),
        asking("the commonest repository and no model", |_| Query {
            repository: Some(sealed::repository(0)),
            model: Some("none".to_owned()),
            ..any()
        }),
        asking("the commonest route, the rarest principal", |_| Query {
            route: Some(sealed::ROUTES[0].to_owned()),
            principal: Some(sealed::person(sealed::PEOPLE - 1)),
            ..any()
        }),
    ]
}

fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    &from[random.below(from.len())]
}

fn within(since: Timestamp, days: i64) -> Query {
    Query { since: Some(since), until: Some(later(since, days)), ..any() }
}

fn later(time: Timestamp, days: i64) -> Timestamp {
    Timestamp::from_micros(time.as_micros() + days * 24 * 60 * 60 * 1_000_000)
}

/// The time in a record's id.
fn time_of(record: &RecordId) -> Timestamp {
    let millis = record.as_bytes()[..6].iter().fold(0, |millis, byte| millis << 8 | i64::from(*byte));
    Timestamp::from_micros(millis * 1_000)
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_in(&path)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// Evicts files from the system's cache (GNU dd writes them back and says that they are not needed).
fn evict(files: &[PathBuf]) -> Result<()> {
    for file in files {
        let status = Command::new("dd")
            .arg(format!("of={}", file.display()))
            .args(["oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none"])
            .status()?;
        ensure!(status.success(), "{} is not evicted", file.display());
    }
    Ok(())
}
