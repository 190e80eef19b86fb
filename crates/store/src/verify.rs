//! Verification of a stored ledger: every leaf, node, checkpoint, salt and kept text.

use std::collections::HashMap;
use std::ops::Range;

use waymark_ledger::checkpoint::root_text;
use waymark_ledger::commitment::{self, Salt};
use waymark_ledger::tree::{self, Coordinate, Hash, Node};
use waymark_ledger::{Broken, Commitment, Entry, Fault, History, Saved, Verified, Verifier, note};
use waymark_types::RecordId;

use crate::ledger::StoredPayload;
use crate::{LedgerStore, Row, StoreError};

/// Leaves read at a time.
const BATCH: u64 = 4_096;

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Everything holds.
    Clean(Verified),
    /// The first thing that does not.
    Bad(Fault),
}

/// Why the walk stopped early.
enum Stop {
    Fault(Fault),
    Store(StoreError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Verifies the whole ledger against `key`, and against checkpoints saved earlier: its history was only appended to
/// since each of them. `progress` hears the number of leaves done.
pub async fn verify(
    store: &dyn LedgerStore,
    key: &note::Verifier,
    saved: &[Saved],
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Verdict, StoreError> {
    match walk(store, key, saved, progress).await {
        Ok(verified) => Ok(Verdict::Clean(verified)),
        Err(Stop::Fault(fault)) => Ok(Verdict::Bad(fault)),
        Err(Stop::Store(error)) => Err(error),
    }
}

async fn walk(
    store: &dyn LedgerStore,
    key: &note::Verifier,
    saved: &[Saved],
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Verified, Stop> {
    let mut history = History::new(saved.to_vec());
    // The counts come first: a server may append while this runs, and what it adds is left to the next run.
    let [entries, nodes, checkpoints, payloads] = store.counts().await?;
    let open_records = store.open_records().await?;
    let mut verifier = Verifier::new(key.clone());
    meet_saved(&verifier, &mut history);
    let mut intents = 0;
    while verifier.size() < entries {
        let start = verifier.size();
        let batch = Batch::read(store, start..(start + BATCH).min(entries)).await?;
        intents += batch.check(store, &mut verifier, &mut history).await?;
        progress(verifier.size());
    }
    let held = verifier.size();
    let verified = verifier.finish()?;
    // Its own newest checkpoint covers every leaf, or it would not have come this far.
    history.judge(held, held).map_err(|broken| changed(&broken))?;
    if let Some(problem) = store.integrity().await? {
        return Err(Fault::Table { name: "of any kind", problem }.into());
    }
    settle(store, &verified, [nodes, checkpoints, payloads], intents, &open_records).await?;
    Ok(verified)
}

fn changed(broken: &Broken) -> Fault {
    Fault::Checkpoint { size: broken.saved().checkpoint.size, problem: broken.to_string() }
}

/// Compares the root at the present size with what was saved at this size.
fn meet_saved(verifier: &Verifier, history: &mut History) {
    if history.next_size() == Some(verifier.size()) {
        history.meet(&verifier.root());
    }
}

/// What the tables must hold beyond the leaves, no more and no less.
async fn settle(
    store: &dyn LedgerStore,
    verified: &Verified,
    [nodes, checkpoints, payloads]: [u64; 3],
    intents: u64,
    open_records: &[(Vec<u8>, u64)],
) -> Result<(), Stop> {
    let surplus = |name, problem: String| Err(Stop::Fault(Fault::Table { name, problem }));
    let expected: u64 = (0..u64::BITS).map(|level| verified.size >> level).sum();
    if nodes != expected {
        return surplus("nodes", format!("it has {nodes} rows where the leaves give {expected}"));
    }
    if checkpoints != verified.checkpoints {
        let beyond = store.checkpoints(verified.size + 1..u64::MAX).await?;
        if let Some(stray) = beyond.first() {
            let problem = format!("the ledger has only {} leaves", verified.size);
            return Err(Fault::Checkpoint { size: stray.size, problem }.into());
        }
        return surplus("checkpoints", format!("{} rows, {} read", checkpoints, verified.checkpoints));
    }
    if payloads != intents {
        return surplus("payloads", format!("it has {payloads} rows for {intents} records"));
    }
    let expected = verified.open.iter().map(|(record, &leaf)| (record.as_bytes().to_vec(), leaf));
    let mut expected: Vec<_> = expected.collect();
    expected.sort_by_key(|(_, leaf)| *leaf);
    if open_records != expected {
        return surplus("open_records", "it does not list the records without a completion".to_owned());
    }
    Ok(())
}

/// A stretch of leaves with everything stored about it.
struct Batch {
    range: Range<u64>,
    rows: Vec<Row>,
    nodes: HashMap<Coordinate, Vec<u8>>,
    checkpoints: HashMap<u64, String>,
}

impl Batch {
    async fn read(store: &dyn LedgerStore, range: Range<u64>) -> Result<Self, StoreError> {
        let mut nodes = HashMap::new();
        for level in 0..64_u8 {
            // The nodes that these leaves complete.
            let positions = range.start >> level..range.end >> level;
            if positions.end == 0 {
                break;
            }
            for (index, hash) in store.level(level, positions).await? {
                nodes.insert(Coordinate { level, index }, hash);
            }
        }
        let checkpoints = store.checkpoints(range.start + 1..range.end + 1).await?;
        Ok(Self {
            rows: store.rows(range.clone()).await?,
            range,
            nodes,
            checkpoints: checkpoints.into_iter().map(|stored| (stored.size, stored.note)).collect(),
        })
    }

    /// Checks every leaf in order and returns how many intents there were.
    async fn check(
        &self,
        store: &dyn LedgerStore,
        verifier: &mut Verifier,
        history: &mut History,
    ) -> Result<u64, Stop> {
        let mut rows = self.rows.iter();
        let mut intents = 0;
        for leaf_index in self.range.clone() {
            let fault = |row: Option<&Row>, problem: &str| Fault::Record {
                leaf_index,
                record: row.and_then(|row| record_id(&row.record)),
                problem: problem.to_owned(),
            };
            let row = match rows.next() {
                Some(row) if row.leaf_index == leaf_index => row,
                _ => return Err(fault(None, "the leaf is missing").into()),
            };
            let mut wrong = None;
            let entry = verifier.leaf(&row.record, &row.body, |node| {
                if self.nodes.get(&node.at).is_none_or(|stored| stored[..] != node.hash) {
                    wrong.get_or_insert(node);
                }
            });
            if let Some(node) = wrong {
                return Err(self.blame(store, node, row).await?.into());
            }
            let entry = entry?;
            if row.kind != entry.kind() {
                return Err(fault(Some(row), "filed under another kind").into());
            }
            intents += u64::from(matches!(entry, Entry::Intent(_)));
            check_payload(&entry, row.payload.as_ref()).map_err(|problem| fault(Some(row), problem))?;
            if let Some(note) = self.checkpoints.get(&verifier.size()) {
                verifier.checkpoint(note)?;
            }
            meet_saved(verifier, history);
        }
        Ok(intents)
    }

    /// A node does not fit its leaves: says which of the two was changed.
    async fn blame(&self, store: &dyn LedgerStore, computed: Node, row: &Row) -> Result<Fault, StoreError> {
        let Some(stored) = self.nodes.get(&computed.at) else {
            return Ok(Fault::Node { at: computed.at, problem: "missing".to_owned() });
        };
        let stored: Option<Hash> = stored.as_slice().try_into().ok();
        let proven = match stored {
            Some(hash) if computed.at.level == 0 => is_proven(store, hash, row.leaf_index).await?,
            _ => false,
        };
        Ok(if proven {
            Fault::Record {
                leaf_index: row.leaf_index,
                record: record_id(&row.record),
                problem: "its bytes are not those that were sealed".to_owned(),
            }
        } else {
            Fault::Node { at: computed.at, problem: "its hash is not that of what lies under it".to_owned() }
        })
    }
}

/// Whether a leaf hash leads to the newest checkpoint's root: then it is the one that was sealed.
async fn is_proven(store: &dyn LedgerStore, leaf: Hash, leaf_index: u64) -> Result<bool, StoreError> {
    let Some(newest) = store.newest_checkpoint().await? else { return Ok(false) };
    let size = newest.size;
    let Some(proof) = crate::explain::proof(store, leaf_index, size).await? else { return Ok(false) };
    let Some(root) = tree::root_from_inclusion(leaf, leaf_index, size, &proof) else { return Ok(false) };
    Ok(newest.note.lines().nth(2) == Some(root_text(&root).as_str()))
}

fn check_payload(entry: &Entry, payload: Option<&StoredPayload>) -> Result<(), &'static str> {
    let missing = "its salt is missing";
    match entry {
        Entry::Snapshot(_) => Ok(()),
        Entry::Intent(intent) => {
            let payload = payload.ok_or(missing)?;
            let salt: Salt =
                payload.salt.as_slice().try_into().map_err(|_| "its salt has the wrong length")?;
            if commitment::salt_digest(&salt) != intent.salt_sha256 {
                return Err("its salt is not the one that was sealed");
            }
            matches(&salt, payload.request.as_deref(), Some(&intent.request))
                .then_some(())
                .ok_or("the kept request is not the one that was sealed")
        }
        Entry::Completion(completion) => {
            let payload = payload.ok_or(missing)?;
            // The intent has already settled whether the salt is right.
            let Ok(salt) = payload.salt.as_slice().try_into() else { return Ok(()) };
            matches(&salt, payload.response.as_deref(), completion.response.as_ref())
                .then_some(())
                .ok_or("the kept answer is not the one that was sealed")
        }
    }
}

fn matches(salt: &Salt, kept: Option<&[u8]>, sealed: Option<&Commitment>) -> bool {
    kept.is_none_or(|bytes| sealed == Some(&commitment::commit(salt, bytes)))
}

fn record_id(bytes: &[u8]) -> Option<RecordId> {
    bytes.try_into().ok().and_then(RecordId::from_bytes)
}
