//! Ledgers to test on.

use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use waymark_ledger::commitment::{self, Salt};
use waymark_ledger::emission::{
    EditorEvent, EditorWord, Emission, Emissions, EmittedLine, Fingerprint, Form, Role, Word,
};
use waymark_ledger::note::Signer;
use waymark_ledger::subject::{Subject, Text};
use waymark_ledger::{Completion, Decision, Entry, Feedback, Intent, Leaf, Log, Saved, Snapshot};
use waymark_store::{Address, Effect, LedgerStore, Verdict, verify};
use waymark_testkit::Postgres;
use waymark_types::{Dialect, MicroUsd, Outcome, RecordId, Secret, Task, Timestamp, Usage};

pub(crate) const REQUEST: &[u8] = b"{\"model\":\"auto\"}";
pub(crate) const RESPONSE: &[u8] = b"{\"choices\":[]}";

pub(crate) fn signer() -> Signer {
    Signer::new("waymark/test", &[4; 32]).unwrap()
}

/// When records are asked for: six hours apart, so that not many take several weeks.
pub(crate) fn time(n: u8) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + i64::from(n) * 21_600_000_000)
}

pub(crate) fn record(n: u8) -> RecordId {
    RecordId::new(time(n), [n; 10])
}

pub(crate) fn salt(n: u8) -> Salt {
    [n; 32]
}

/// Two people ask in turn.
pub(crate) fn subject(n: u8) -> Subject {
    if n.is_multiple_of(2) { Subject::new("ann", [11; 32]) } else { Subject::new("bob", [12; 32]) }
}

pub(crate) fn intent(n: u8) -> Entry {
    Entry::Intent(Intent {
        record: record(n),
        started: Timestamp::from_micros(1_700_000_000_000_000),
        dialect: Dialect::OpenAiChat,
        task: Some(Task::Chat),
        stream: true,
        client: Some("test/1".into()),
        session: Some(format!("session-{}", n / 4)),
        repository: Some("shop".into()),
        principal: subject(n).id().to_owned(),
        key: None,
        requested_model: Some("auto".into()),
        decision: Decision {
            route: Some("auto".into()),
            policy: "ladder-1".into(),
            reason: "first_rung".into(),
            reasons: vec!["route:auto".into()],
            snapshot: "00".into(),
            ladder: None,
            shadow: None,
        },
        plan: vec![],
        request: commitment::commit(&salt(n), REQUEST),
        redacted: None,
        salt_sha256: commitment::salt_digest(&salt(n)),
    })
}

pub(crate) fn completion(n: u8) -> Entry {
    Entry::Completion(Completion {
        record: record(n),
        ended: Some(Timestamp::from_micros(1_700_000_001_000_000)),
        outcome: Outcome::Succeeded,
        reason: "first_rung".into(),
        provider: Some("acme".into()),
        resolved_model: Some("small-1".into()),
        served_model: Some("small-1-2026".into()),
        rung: None,
        attempts: Some(vec![]),
        usage: Usage { input: Some(10), output: Some(2), ..Usage::default() },
        cost_micro_usd: Some(MicroUsd(3)),
        response: Some(commitment::commit(&salt(n), RESPONSE)),
        sources: vec![],
        emitted: Some(emissions(n).seal().0),
        error: None,
    })
}

pub(crate) fn snapshot() -> Entry {
    Entry::Snapshot(Snapshot {
        record: record(255),
        recorded: Timestamp::from_micros(0),
        snapshot: "00".into(),
        part: 0,
        parts: 1,
        policy: "{}".into(),
    })
}

pub(crate) fn request(n: u8) -> Vec<Effect> {
    vec![Effect::Salt { record: record(n), salt: salt(n) }, text(n, Text::Request, REQUEST)]
}

pub(crate) fn response(n: u8) -> Vec<Effect> {
    vec![text(n, Text::Response, RESPONSE), code(record(n), &emissions(n))]
}

/// The code that an answer put out: three lines, one of which all answers have.
pub(crate) fn emissions(n: u8) -> Emissions {
    let line = |line: u64| EmittedLine {
        role: Role::Added,
        after_blank: false,
        apart: false,
        shown: 0,
        fingerprint: Fingerprint {
            line,
            exact: 1,
            words: vec![Word { mark: 2, length: 6 }, Word { mark: 3, length: 6 }],
        },
    };
    let emission = Emission {
        form: Form::Write,
        everywhere: false,
        seen: false,
        absolute: false,
        path: vec![1, u64::MAX],
        lines: vec![line(7), line(1_000 + u64::from(n)), line(u64::MAX - u64::from(n))],
    };
    let ended = Timestamp::from_micros(1_700_000_001_000_000);
    Emissions { ended, repository: Some("shop".into()), word: None, emissions: vec![emission] }
}

fn code(record: RecordId, emissions: &Emissions) -> Effect {
    let (_, bytes, marks) = emissions.seal();
    Effect::Emissions { record, bytes, marks }
}

/// An editor's word on the record, six hours later by its own id.
pub(crate) fn feedback(n: u8) -> (Entry, Effect) {
    let word = EditorWord { event: EditorEvent::Accepted, about: Some(record(n)), line: None };
    let emissions = Emissions { word: Some(word), ..emissions(n) };
    let id = RecordId::new(time(n + 1), [200 + n % 50; 10]);
    let entry = Entry::Feedback(Feedback {
        record: id,
        recorded: time(n + 1),
        event: word.event,
        about: word.about,
        principal: subject(n).id().to_owned(),
        repository: Some("shop".into()),
        path: Some("src/a.rs".into()),
        line: Some(3),
        emitted: emissions.seal().0,
    });
    (entry, code(id, &emissions))
}

fn text(n: u8, text: Text, plain: &[u8]) -> Effect {
    let sealed = subject(n).encrypt(&record(n), text, &salt(n), plain).unwrap();
    Effect::Text { record: record(n), text, sealed }
}

pub(crate) fn leaf(entry: Entry) -> Leaf {
    let mut salt = [0; 32];
    salt[..16].copy_from_slice(entry.record().as_bytes());
    salt[31] = entry.part() as u8;
    Leaf::new(entry, salt).unwrap()
}

/// A database under test.
pub(crate) enum Home {
    Sqlite(TempDir),
    Postgres(&'static Postgres, String),
}

impl Home {
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Sqlite(dir) => Address::Sqlite(dir.path().join("ledger.db")),
            Self::Postgres(server, database) => {
                Address::Postgres { url: Secret::new(server.url(database)), password: None }
            }
        }
    }

    /// Runs SQL from outside, as someone does who may write to the database.
    pub(crate) fn sql(&self, text: &str) -> Result<String, String> {
        match self {
            Self::Sqlite(dir) => sqlite(&dir.path().join("ledger.db"), text),
            Self::Postgres(server, database) => server.try_sql(database, text),
        }
    }
}

/// A name that no other database of this run has.
fn new_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("ledger_{}", MADE.fetch_add(1, Ordering::Relaxed))
}

/// SQLite by the Python that is on every machine the tests run on.
fn sqlite(path: &std::path::Path, text: &str) -> Result<String, String> {
    let script = "import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1])\nfor r in db.execute(sys.argv[2]): print('|'.join('' if v is None else v.hex() if isinstance(v,bytes) else str(v) for v in r))\ndb.commit()";
    let output =
        std::process::Command::new("python3").arg("-c").arg(script).arg(path).arg(text).output().unwrap();
    let said = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    if output.status.success() { Ok(said(output.stdout)) } else { Err(said(output.stderr)) }
}

/// A ledger under test and the log that writes to it.
pub(crate) struct Bench {
    pub(crate) store: LedgerStore,
    pub(crate) log: Log,
    pub(crate) home: Home,
}

impl Bench {
    pub(crate) async fn sqlite() -> Self {
        Self::at(Home::Sqlite(tempfile::tempdir().unwrap())).await
    }

    pub(crate) async fn postgres() -> Self {
        let (server, name) = (Postgres::shared(), new_name());
        server.create_database(&name);
        Self::at(Home::Postgres(server, name)).await
    }

    async fn at(home: Home) -> Self {
        let store = LedgerStore::open(&home.address(), "here").await.unwrap();
        let log = Log::new(signer());
        store.claim(&log).await.unwrap();
        for n in 0..2 {
            let subject = subject(n);
            store.subject(subject.name(), *subject.key()).await.unwrap();
        }
        Self { store, log, home }
    }

    /// An empty one of the same kind.
    pub(crate) async fn another(&self) -> Self {
        match self.home {
            Home::Sqlite(_) => Self::sqlite().await,
            Home::Postgres(..) => Self::postgres().await,
        }
    }

    /// A copy of the database as it is. This one's store must be closed.
    pub(crate) async fn copy(&self) -> Self {
        let home = match &self.home {
            Home::Sqlite(dir) => {
                let copy = tempfile::tempdir().unwrap();
                std::fs::copy(dir.path().join("ledger.db"), copy.path().join("ledger.db")).unwrap();
                Home::Sqlite(copy)
            }
            Home::Postgres(server, name) => {
                let copy = new_name();
                server.sql("postgres", &format!("CREATE DATABASE {copy} TEMPLATE {name}"));
                Home::Postgres(server, copy)
            }
        };
        Self::at(home).await
    }

    /// Makes entries durable and puts them under the tree.
    pub(crate) async fn append(&self, entries: Vec<Entry>, effects: Vec<Effect>) {
        self.wait(entries, effects).await;
        self.store.seal(&self.log).await.unwrap();
    }

    /// Makes entries durable.
    pub(crate) async fn wait(&self, entries: Vec<Entry>, effects: Vec<Effect>) {
        let leaves: Vec<Leaf> = entries.into_iter().map(leaf).collect();
        self.store.append(&leaves, &effects, &self.log).await.unwrap();
    }

    /// A snapshot, whole records in batches of growing size, and one record left open.
    pub(crate) async fn fill(&self, records: u8) {
        self.append(vec![snapshot()], vec![]).await;
        for n in 0..records {
            let (entries, effects) = (vec![intent(n), completion(n)], [request(n), response(n)]);
            if n.is_multiple_of(3) {
                self.append(vec![entries[0].clone()], effects[0].clone()).await;
                self.append(vec![entries[1].clone()], effects[1].clone()).await;
            } else {
                self.append(entries, effects.concat()).await;
            }
        }
        self.append(vec![intent(records)], request(records)).await;
    }

    /// Another process that writes to the same ledger.
    pub(crate) async fn beside(&self, name: &str) -> LedgerStore {
        LedgerStore::open(&self.home.address(), name).await.unwrap()
    }

    /// What verification says, by whoever opens the ledger at this moment.
    pub(crate) async fn verdict(&self, saved: &[Saved]) -> Result<Verdict, waymark_store::StoreError> {
        let reader = LedgerStore::open_to_read(&self.home.address()).await?;
        let verdict = verify(&reader, &signer().verifier(), saved, &mut |_| ()).await;
        reader.close().await.unwrap();
        verdict
    }

    pub(crate) async fn clean(&self) -> waymark_ledger::Verified {
        match self.verdict(&[]).await.unwrap() {
            Verdict::Clean(verified) => verified,
            Verdict::Bad(fault) => panic!("not clean: {fault}"),
        }
    }
}
