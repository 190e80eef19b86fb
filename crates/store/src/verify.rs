//! Verification of a stored ledger: every leaf, what is beside it, the tree, the checkpoints, and that there is no more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use futures_util::future;
use waymark_ledger::emission::MarkSum;
use waymark_ledger::tiles::HEIGHT as TILE_HEIGHT;
use waymark_ledger::tree::{Coordinate, Node};
use waymark_ledger::{
    Absences, Broken, Fault, History, Kind, Listing, Saved, Seen, Verified, Verifier, Week, note,
};
use waymark_types::RecordId;

use crate::read::{BESIDE, Row, WeekTables};
use crate::sql::Value;
use crate::{LedgerStore, StoreError};

/// Leaves read at a time.
const BATCH: u64 = 4_096;
/// The same where texts are kept, each of which may be large.
const BATCH_WITH_TEXTS: u64 = 256;

/// Marks read at a time.
const MARKS: usize = 16_384;

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
/// since each of them. `progress` hears the number of leaves done. The store must have been opened to be read, so that
/// everything is of one moment.
pub async fn verify(
    store: &LedgerStore,
    key: &note::Verifier,
    saved: &[Saved],
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Verdict, StoreError> {
    // The database's own check takes its time beside the walk; what the walk finds says more, and goes first.
    let integrity = async { Ok(store.integrity().await) };
    match future::try_join(walk(store, key, saved, progress), integrity).await {
        Ok((verified, integrity)) => Ok(match integrity? {
            Some(problem) => Verdict::Bad(Fault::Table { name: "of any kind".to_owned(), problem }),
            None => Verdict::Clean(verified),
        }),
        Err(Stop::Fault(fault)) => Ok(Verdict::Bad(fault)),
        Err(Stop::Store(error)) => Err(error),
    }
}

async fn walk(
    store: &LedgerStore,
    key: &note::Verifier,
    saved: &[Saved],
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Verified, Stop> {
    let mut history = History::new(saved.to_vec());
    if let Some(origin) = store.origin().await?.filter(|origin| origin != key.name()) {
        let problem = format!("it says that this is the ledger {origin}");
        return Err(Fault::Table { name: "ledger".to_owned(), problem }.into());
    }
    let size = store.size().await?;
    let absences = absences(store).await?;
    let mut verifier = Verifier::new(key.clone(), absences.clone(), store.subjects().await?);
    meet_saved(&verifier, &mut history);
    let tables = tables_to_read(store).await?;
    let has_texts = tables.values().any(|tables| tables.there.contains("texts"));
    let at_once = if has_texts { BATCH_WITH_TEXTS } else { BATCH };
    let mut batch = Batch::read(store, &tables, 0..at_once.min(size)).await?;
    while verifier.size() < size {
        let start = batch.range.end;
        // The next stretch is read while this one is checked, on a thread of its own.
        let next = Batch::read(store, &tables, start..(start + at_once).min(size));
        let check = tokio::task::spawn_blocking(move || {
            let checked = batch.check(&mut verifier, &mut history);
            (verifier, history, checked)
        });
        let (next, checking) = future::join(next, check).await;
        let checked;
        (verifier, history, checked) = checking.map_err(|error| Stop::Store(stopped(&error)))?;
        checked.map_err(|fault| rewritten(fault, verifier.signed(), &history))?;
        progress(verifier.size());
        batch = next?;
    }
    let (seen, open) = (verifier.seen().clone(), open_listings(&verifier));
    let signed = verifier.signed();
    let mut verified = verifier.finish().map_err(|fault| rewritten(fault, signed, &history))?;
    // Its own newest checkpoint covers every leaf, or it would not have come this far.
    history.judge(size, size).map_err(|broken| changed(&broken))?;
    match store.check_cosignatures().await? {
        Ok(count) => verified.cosignatures = count,
        Err(problem) => return surplus("cosignatures", problem),
    }
    let queue = settle(store, &verified, &seen, open).await?;
    if let Some(problem) = store.check_keys(&absences).await? {
        return surplus("keys", problem);
    }
    // What waits is durable, and counts.
    verified.completed += queue.completed.len() as u64;
    verified.open = queue.open.into_keys().collect();
    verified.pending = queue.waiting;
    Ok(verified)
}

/// The weeks' tables, but those for texts that hold none.
async fn tables_to_read(store: &LedgerStore) -> Result<BTreeMap<Week, WeekTables>, StoreError> {
    let mut weeks = store.weeks().await?;
    for (week, tables) in &mut weeks {
        if tables.there.contains("texts") && store.is_empty(&format!("texts_{}", week.0)).await? {
            tables.there.remove("texts");
        }
    }
    Ok(weeks)
}

/// A thread that checked did not come back.
fn stopped(error: &tokio::task::JoinError) -> StoreError {
    StoreError::Damaged(format!("a check did not end: {error}"))
}

/// What the ledger's own entries say may be missing. They are not believed yet: the walk comes by them as by all others.
async fn absences(store: &LedgerStore) -> Result<Absences, Stop> {
    let mut absences = Absences::default();
    for row in store.notices().await? {
        // One that cannot be read excuses nothing, and the walk names it.
        if let Ok(Some(entry)) = row.leaf.entry() {
            absences.note(&entry);
        }
    }
    Ok(absences)
}

/// A checkpoint that does not hold, or none, where what was saved of fewer leaves does not hold either: the leaves were
/// rewritten, and the checkpoint only shows that the key has not signed it.
fn rewritten(fault: Fault, signed: u64, history: &History) -> Fault {
    match (fault, history.changed(signed)) {
        (Fault::Checkpoint { .. } | Fault::Node { .. }, Some(broken)) => changed(&broken),
        (fault, _) => fault,
    }
}

fn changed(broken: &Broken) -> Fault {
    Fault::Checkpoint { size: broken.saved().checkpoint.size, problem: broken.to_string() }
}

/// Meets what was saved of the present size with the root.
fn meet_saved(verifier: &Verifier, history: &mut History) {
    if history.next_size() == Some(verifier.size()) {
        history.meet(&verifier.root());
    }
}

fn open_listings(verifier: &Verifier) -> Vec<(RecordId, Option<Listing>)> {
    verifier.open().map(|(record, listing)| (*record, listing.cloned())).collect()
}

fn surplus<T>(name: &str, problem: String) -> Result<T, Stop> {
    Err(Stop::Fault(Fault::Table { name: name.to_owned(), problem }))
}

/// What the tables must hold beyond the leaves, no more and no less. Returns what waits.
async fn settle(
    store: &LedgerStore,
    verified: &Verified,
    seen: &BTreeMap<Option<Week>, Seen>,
    open: Vec<(RecordId, Option<Listing>)>,
) -> Result<Queue, Stop> {
    let counted = store.count("leaves").await?;
    if counted != verified.size {
        return surplus("leaves", format!("it has {counted} rows, {} of them in order", verified.size));
    }
    let expected: u64 = (1..u64::BITS / u32::from(TILE_HEIGHT))
        .map(|level| verified.size >> (level * u32::from(TILE_HEIGHT)))
        .sum();
    let nodes = store.count("nodes").await?;
    if nodes != expected {
        return surplus("nodes", format!("it has {nodes} rows where the leaves give {expected}"));
    }
    let checkpoints = store.count("checkpoints").await?;
    if checkpoints != verified.checkpoints {
        let beyond = store.checkpoints(verified.size + 1..u64::MAX).await?;
        if let Some(stray) = beyond.first() {
            let problem = format!("the ledger has only {} leaves", verified.size);
            return Err(Fault::Checkpoint { size: stray.size, problem }.into());
        }
        return surplus("checkpoints", format!("{checkpoints} rows, {} read", verified.checkpoints));
    }
    let mut queue = Queue::of(store, open).await?;
    queue.settle(store).await?;
    beside(store, seen, &queue).await?;
    Ok(queue)
}

/// Records that are open once the entries that wait are counted in.
struct Queue {
    waiting: u64,
    /// What waits, by week.
    seen: BTreeMap<Option<Week>, Seen>,
    open: BTreeMap<RecordId, Option<Listing>>,
    /// Completed by an entry that waits.
    completed: HashSet<RecordId>,
}

impl Queue {
    async fn of(store: &LedgerStore, open: Vec<(RecordId, Option<Listing>)>) -> Result<Self, Stop> {
        let mut queue = Self {
            waiting: 0,
            seen: BTreeMap::new(),
            open: open.into_iter().collect(),
            completed: HashSet::new(),
        };
        for pending in store.pending(u64::MAX).await? {
            let bad = |problem: &str| {
                surplus("pending", format!("entry {} that waits: {problem}", pending.sequence))
            };
            let Some(statement) = pending.statement else { return bad("it cannot be read") };
            let rows = store.record(statement.record).await?;
            let row = rows
                .iter()
                .find(|row| row.leaf_index.is_none() && row.leaf.part == i64::from(statement.part));
            match row.map(|row| row.leaf.entry()) {
                Some(Ok(Some(_))) => {}
                Some(Err(problem)) => return bad(&problem),
                _ => return bad("what it says is missing"),
            }
            queue.waiting += 1;
            let week = statement.kind.ages().then(|| Week::of(&statement.record));
            let seen = queue.seen.entry(week).or_default();
            seen.bodies += 1;
            match statement.kind {
                Kind::Intent => {
                    (seen.records, seen.salts) = (seen.records + 1, seen.salts + 1);
                    queue.open.insert(statement.record, None);
                }
                Kind::Completion => {
                    queue.open.remove(&statement.record);
                    queue.completed.insert(statement.record);
                }
                Kind::Snapshot | Kind::Erasure | Kind::Retention | Kind::Key | Kind::Feedback => {}
            }
        }
        Ok(queue)
    }

    /// The list of open records must be what is open, and each listed under what it says.
    async fn settle(&mut self, store: &LedgerStore) -> Result<(), Stop> {
        let listed = store.open_records().await?;
        let expected = self.open.keys().map(|record| record.as_bytes().to_vec());
        if !listed.iter().map(|(record, _)| record.clone()).eq(expected) {
            return surplus("open_records", "it does not list the records without a completion".to_owned());
        }
        for (record, listing) in &self.open {
            let Some(listing) = listing else { continue };
            let found = store.listing(record).await?;
            if found.as_ref() != Some(listing) {
                let problem = format!("open record {record} is not listed under what it says");
                return surplus(&format!("records_{}", Week::of(record).0), problem);
            }
        }
        Ok(())
    }
}

/// The tables beside the tree must have as many rows as were seen.
async fn beside(store: &LedgerStore, seen: &BTreeMap<Option<Week>, Seen>, queue: &Queue) -> Result<(), Stop> {
    let expected = |week: Option<Week>| {
        let (sealed, waiting) = (seen.get(&week).copied(), queue.seen.get(&week).copied());
        (sealed.unwrap_or_default(), waiting.unwrap_or_default())
    };
    let mut tables = vec![("bodies".to_owned(), None, "bodies".to_owned())];
    for (week, tables_of) in store.weeks().await? {
        let named = |table: String| (format!("{table}_{}", week.0), Some(week), table);
        tables.extend(tables_of.there.into_iter().map(named));
    }
    for (name, week, kind) in tables {
        let (sealed, waiting) = expected(week);
        let rows = match kind.as_str() {
            "bodies" => sealed.bodies + waiting.bodies,
            "records" => sealed.records + waiting.records,
            "salts" => sealed.salts + waiting.salts,
            // Whether what waits has texts or emissions is not counted.
            _ if queue.waiting > 0 => continue,
            "marks" => {
                if store.sum_of_marks(&name).await? != sealed.marks {
                    return surplus(&name, "it does not have the marks of the emissions".to_owned());
                }
                continue;
            }
            "emissions" => sealed.emissions,
            _ => sealed.texts,
        };
        let counted = store.count(&name).await?;
        if counted != rows {
            return surplus(&name, format!("it has {counted} rows where the leaves give {rows}"));
        }
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
    async fn read(
        store: &LedgerStore,
        tables: &BTreeMap<Week, WeekTables>,
        range: Range<u64>,
    ) -> Result<Self, StoreError> {
        let mut nodes = HashMap::new();
        for level in (1..u64::BITS as u8 / TILE_HEIGHT).map(|level| level * TILE_HEIGHT) {
            // The nodes that these leaves complete.
            let positions = range.start >> level..range.end >> level;
            if positions.end == 0 {
                break;
            }
            nodes.extend(store.level(level, positions).await?);
        }
        let checkpoints = store.checkpoints(range.start + 1..range.end + 1).await?;
        let rows = match range.is_empty() {
            true => Vec::new(),
            false => store.rows_in(range.clone(), tables, &BESIDE).await?,
        };
        Ok(Self {
            rows,
            range,
            nodes,
            checkpoints: checkpoints.into_iter().map(|stored| (stored.size, stored.note)).collect(),
        })
    }

    /// Checks every leaf in order.
    fn check(&self, verifier: &mut Verifier, history: &mut History) -> Result<(), Fault> {
        let mut rows = self.rows.iter();
        for leaf_index in self.range.clone() {
            let leaf = match rows.next() {
                Some(Row { leaf_index: Some(found), leaf }) if *found == leaf_index => leaf,
                _ => return Err(missing(leaf_index)),
            };
            let mut wrong = None;
            verifier.leaf(leaf, |node| {
                if self.nodes.get(&node.at).is_none_or(|stored| stored[..] != node.hash) {
                    wrong.get_or_insert(node);
                }
            })?;
            if let Some(note) = self.checkpoints.get(&verifier.size()) {
                verifier.checkpoint(note)?;
            }
            meet_saved(verifier, history);
            if let Some(node) = wrong {
                return Err(self.blame(node));
            }
        }
        Ok(())
    }

    /// A node does not fit its leaves. Where a checkpoint of the same leaves held, it is the node that was changed.
    fn blame(&self, computed: Node) -> Fault {
        let problem = match self.nodes.get(&computed.at) {
            None => "missing",
            Some(_) => "its hash is not that of the leaves under it",
        };
        Fault::Node { at: computed.at, problem: problem.to_owned() }
    }
}

fn missing(leaf_index: u64) -> Fault {
    Fault::Record { leaf_index, record: None, problem: "the leaf is missing".to_owned() }
}

impl LedgerStore {
    /// All stored nodes of one level at these positions, as they are.
    async fn level(
        &self,
        level: u8,
        positions: Range<u64>,
    ) -> Result<Vec<(Coordinate, Vec<u8>)>, StoreError> {
        let sql = "SELECT position, hash FROM nodes WHERE level = ? AND position >= ? AND position < ?";
        let values =
            vec![Value::from(u32::from(level)), Value::from(positions.start), Value::from(positions.end)];
        let found = self.database.fetch("read tree nodes", sql, values).await?;
        let node =
            |mut row: crate::sql::Fields| Ok((Coordinate { level, index: row.position(0)? }, row.bytes(1)?));
        found.into_iter().map(node).collect()
    }

    /// The sum of a table of marks.
    async fn sum_of_marks(&self, table: &str) -> Result<MarkSum, StoreError> {
        let sql = format!(
            "SELECT mark, record FROM {table} WHERE (mark, record) > (?, ?) ORDER BY mark, record LIMIT {MARKS}"
        );
        let (mut sum, mut last) = (MarkSum::default(), (i64::MIN, Vec::new()));
        loop {
            let values = vec![Value::from(last.0), Value::from(&last.1[..])];
            let found = self.database.fetch("read marks", &sql, values).await?;
            let is_end = found.len() < MARKS;
            for mut row in found {
                last = (row.int(0)?, row.bytes(1)?);
                sum.add(last.0.cast_unsigned(), &last.1);
            }
            if is_end {
                return Ok(sum);
            }
        }
    }

    /// What a record is listed under.
    pub(crate) async fn listing(&self, record: &RecordId) -> Result<Option<Listing>, StoreError> {
        let week = Week::of(record);
        if !self.weeks().await?.get(&week).is_some_and(|tables| tables.there.contains("records")) {
            return Ok(None);
        }
        let sql = format!(
            "SELECT principal, client, session, repository, route, model, outcome FROM records_{} WHERE record = ?",
            week.0
        );
        let found =
            self.database.fetch("look up a record", &sql, vec![Value::from(&record.as_bytes()[..])]).await?;
        found.into_iter().next().map(|mut row| crate::read::listing(&mut row, 0)).transpose()
    }
}
