//! Ledgers to test on.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use waymark_ledger::commitment::{self, Salt};
use waymark_ledger::note::Signer;
use waymark_ledger::{Completion, Decision, Entry, Intent, Log, Snapshot};
use waymark_store::sqlite::SqliteStore;
use waymark_store::{LedgerStore, Payload};
use waymark_types::{Dialect, MicroUsd, Outcome, RecordId, Task, Timestamp, Usage};

pub(crate) const REQUEST: &[u8] = b"{\"model\":\"auto\"}";
pub(crate) const RESPONSE: &[u8] = b"{\"choices\":[]}";

pub(crate) fn signer() -> Signer {
    Signer::new("waymark/test", &[4; 32]).unwrap()
}

pub(crate) fn record(n: u8) -> RecordId {
    RecordId::new(Timestamp::from_micros(1_700_000_000_000_000 + i64::from(n) * 1_000), [n; 10])
}

pub(crate) fn salt(n: u8) -> Salt {
    [n; 32]
}

pub(crate) fn intent(n: u8) -> Entry {
    Entry::Intent(Intent {
        record: record(n),
        started: Timestamp::from_micros(1_700_000_000_000_000),
        dialect: Dialect::OpenAiChat,
        task: Some(Task::Chat),
        stream: true,
        client: Some("test/1".into()),
        session: None,
        principal: "local".into(),
        requested_model: Some("auto".into()),
        decision: Decision {
            route: Some("auto".into()),
            policy: "ladder-1".into(),
            reason: "first_rung".into(),
            reasons: vec!["route:auto".into()],
            snapshot: "00".into(),
        },
        plan: vec![],
        request: commitment::commit(&salt(n), REQUEST),
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
        attempts: Some(vec![]),
        usage: Usage { input: Some(10), output: Some(2), ..Usage::default() },
        cost_micro_usd: Some(MicroUsd(3)),
        response: Some(commitment::commit(&salt(n), RESPONSE)),
        sources: vec![],
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

pub(crate) fn request(n: u8) -> Payload {
    Payload::Request { record: record(n), salt: salt(n), body: Some(REQUEST.into()) }
}

pub(crate) fn response(n: u8) -> Payload {
    Payload::Response { record: record(n), body: RESPONSE.into() }
}

/// A database under test and the log that writes to it.
pub(crate) struct Bench {
    pub(crate) store: SqliteStore,
    pub(crate) log: Log,
    pub(crate) path: PathBuf,
    _dir: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ledger.db");
        let store = SqliteStore::open(&path).await.unwrap();
        let log = Log::new(signer(), store.frontier().await.unwrap());
        Self { store, log, path, _dir: dir }
    }

    pub(crate) async fn append(&mut self, entries: Vec<Entry>, payloads: &[Payload]) {
        let leaves = entries.into_iter().map(|entry| Log::leaf(entry).unwrap()).collect();
        let batch = self.log.stage(leaves);
        self.store.commit(&batch, payloads).await.unwrap();
        self.log.advance(batch.frontier);
    }

    /// A snapshot, whole records in batches of growing size, and one record left open.
    pub(crate) async fn fill(&mut self, records: u8) {
        self.append(vec![snapshot()], &[]).await;
        for n in 0..records {
            let (entries, payloads) = (vec![intent(n), completion(n)], [request(n), response(n)]);
            if n % 3 == 0 {
                self.append(vec![entries[0].clone()], &payloads[..1]).await;
                self.append(vec![entries[1].clone()], &payloads[1..]).await;
            } else {
                self.append(entries, &payloads).await;
            }
        }
        self.append(vec![intent(records)], &[request(records)]).await;
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
