//! Reading: nothing here believes what it reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use waymark_ledger::subject::Subject;
use waymark_ledger::{Entry, Kind, Listing, Statement, StoredLeaf, Week};
use waymark_types::RecordId;

use crate::ledger::Pending;
use crate::sql::{Fields, Value};
use crate::{LedgerStore, StoreError, StoredCheckpoint};

/// A leaf as stored, and where it stands; nowhere yet while it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Position in the log.
    pub leaf_index: Option<u64>,
    /// The leaf and what is beside it.
    pub leaf: StoredLeaf,
}

/// Which tables a week has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WeekTables {
    /// Of [`WEEKLY`], those that are there.
    pub there: BTreeSet<String>,
}

/// The tables that each week has.
pub(crate) const WEEKLY: [&str; 6] = ["bodies", "records", "salts", "texts", "emissions", "marks"];
/// Those with what belongs to a leaf.
pub(crate) const BESIDE: [&str; 5] = ["bodies", "records", "salts", "texts", "emissions"];

const LEAVES: &str = "leaf_index, record, part, kind, commitment, hash";

impl LedgerStore {
    /// Leaves in order, with everything beside them.
    pub async fn rows(&self, range: Range<u64>) -> Result<Vec<Row>, StoreError> {
        self.rows_in(range, &self.weeks().await?, &BESIDE).await
    }

    /// Leaves in order, with what they say and nothing else.
    pub async fn entries(&self, range: Range<u64>) -> Result<Vec<Row>, StoreError> {
        self.rows_in(range, &self.weeks().await?, &["bodies"]).await
    }

    /// Leaves in order, with what the wanted tables hold of them, of those that are there.
    pub(crate) async fn rows_in(
        &self,
        range: Range<u64>,
        tables: &BTreeMap<Week, WeekTables>,
        wanted: &[&str],
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.leaves("leaf_index >= ? AND leaf_index < ?", bounds(&range)).await?;
        let mut weeks: BTreeMap<Week, Vec<Vec<u8>>> = BTreeMap::new();
        let mut others = false;
        for row in &rows {
            match week(&row.leaf) {
                Some(week) => weeks.entry(week).or_default().push(row.leaf.record.clone()),
                None => others = true,
            }
        }
        let mut beside = Beside::default();
        if others {
            self.look_up(&mut beside, "bodies", &range).await?;
        }
        for (week, records) in weeks {
            let there = tables.get(&week).into_iter().flat_map(|tables| &tables.there);
            let records = Spread::of(records);
            for table in there.filter(|table| wanted.contains(&table.as_str())) {
                self.collect(&mut beside, &format!("{table}_{}", week.0), &records, &range).await?;
            }
        }
        for row in &mut rows {
            beside.hand_over(&mut row.leaf);
        }
        Ok(rows)
    }

    /// Leaves without what is beside them.
    pub(crate) async fn leaves(&self, condition: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = format!("SELECT {LEAVES} FROM leaves WHERE {condition} ORDER BY leaf_index");
        let found = self.database.fetch("read leaves", &sql, values).await?;
        found.into_iter().map(leaf).collect()
    }

    /// Adds what a week's table holds of these records. They are read as they lie in it, from the first to the last,
    /// which takes a fraction of looking each of them up; where too many others lie between them, they are looked up.
    async fn collect(
        &self,
        beside: &mut Beside,
        table: &str,
        records: &Spread,
        range: &Range<u64>,
    ) -> Result<(), StoreError> {
        let Some([first, last]) = records.ends() else { return Ok(()) };
        let columns = Columns::of(table);
        if matches!(columns, Columns::Texts | Columns::Emissions) {
            // They may be large: none is read that is not asked for.
            return self.look_up(beside, table, range).await;
        }
        let most = records.together.len() as u64 * BETWEEN;
        let sql = format!(
            "SELECT record, {} FROM {table} WHERE record >= ? AND record <= ? ORDER BY record LIMIT ?",
            columns.names()
        );
        let values = vec![Value::from(&first[..]), Value::from(&last[..]), Value::from(most)];
        let found = self.database.fetch("read what is beside leaves", &sql, values).await?;
        if found.len() as u64 == most {
            return self.look_up(beside, table, range).await;
        }
        found.into_iter().try_for_each(|row| beside.add(columns, row))?;
        if records.apart.is_empty() {
            return Ok(());
        }
        let places = vec!["?"; records.apart.len()].join(", ");
        let sql = format!("SELECT record, {} FROM {table} WHERE record IN ({places})", columns.names());
        let values = records.apart.iter().map(|record| Value::from(&record[..])).collect();
        let found = self.database.fetch("read what is beside leaves", &sql, values).await?;
        found.into_iter().try_for_each(|row| beside.add(columns, row))
    }

    /// Adds what a table holds of these leaves, each looked up by itself.
    async fn look_up(&self, beside: &mut Beside, table: &str, range: &Range<u64>) -> Result<(), StoreError> {
        let columns = Columns::of(table);
        let feedback = Kind::Feedback.number();
        let halves = match table {
            "bodies" => format!("l.kind > 1 AND l.kind < {feedback}"),
            _ => format!("(l.kind <= 1 OR l.kind = {feedback})"),
        };
        let on = match columns {
            Columns::Bodies | Columns::Texts => format!("AND b.part = l.part AND {halves}"),
            Columns::Salts => "AND l.kind = 0".to_owned(),
            Columns::Listings => "AND l.kind = 1".to_owned(),
            Columns::Emissions => format!("AND (l.kind = 1 OR l.kind = {feedback})"),
        };
        let sql = format!(
            "SELECT b.record, b.{} FROM leaves l JOIN {table} b ON b.record = l.record {on} \
             WHERE l.leaf_index >= ? AND l.leaf_index < ?",
            columns.names().replace(", ", ", b.")
        );
        let found = self.database.fetch("read what is beside leaves", &sql, bounds(range)).await?;
        found.into_iter().try_for_each(|row| beside.add(columns, row))
    }

    /// The leaves of a record, in order, with what they say; those that wait to be put under the tree included.
    pub async fn record(&self, record: RecordId) -> Result<Vec<Row>, StoreError> {
        let id = Value::from(&record.as_bytes()[..]);
        let mut rows = self.leaves("record = ?", vec![id.clone()]).await?;
        let waits = "SELECT sequence, record, part, kind, commitment, mac FROM pending WHERE record = ? ORDER BY part";
        for mut row in self.database.fetch("read entries that wait", waits, vec![id.clone()]).await? {
            rows.push(Row { leaf_index: None, leaf: stated(&mut row)? });
        }
        let mut home = "bodies".to_owned();
        if rows.first().is_some_and(|row| week(&row.leaf).is_some()) {
            let week = Week::of(&record);
            if !self.weeks().await?.get(&week).is_some_and(|tables| tables.there.contains("bodies")) {
                return Ok(rows);
            }
            home = format!("bodies_{}", week.0);
        }
        let sql = format!("SELECT part, salt, body FROM {home} WHERE record = ?");
        let mut bodies = HashMap::new();
        for mut row in self.database.fetch("read a record", &sql, vec![id]).await? {
            bodies.insert(row.int(0)?, (row.bytes(1)?, row.bytes(2)?));
        }
        for row in &mut rows {
            row.leaf.body = bodies.remove(&row.leaf.part);
        }
        Ok(rows)
    }

    /// What records say, newest first; those that are not there are left out. Halves come intent first.
    pub(crate) async fn said(&self, week: Week, records: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, StoreError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let places = vec!["?"; records.len()].join(", ");
        let sql = format!(
            "SELECT body FROM bodies_{} WHERE record IN ({places}) ORDER BY record DESC, part",
            week.0
        );
        let values = records.iter().map(|record| Value::from(&record[..])).collect();
        let found = self.database.fetch("read records", &sql, values).await?;
        found.into_iter().map(|mut row| row.bytes(0)).collect()
    }

    /// The newest snapshot entry, of those under the tree or waiting.
    pub async fn newest_snapshot(&self) -> Result<Option<Entry>, StoreError> {
        let kind = Kind::Snapshot.number();
        let sql = format!(
            "SELECT b.body FROM bodies b JOIN \
             (SELECT record, part, 0 AS waits, leaf_index AS place FROM leaves \
              WHERE kind > 1 AND kind = {kind} \
              UNION ALL SELECT record, part, 1, sequence FROM pending WHERE kind = {kind}) l \
             ON l.record = b.record AND l.part = b.part ORDER BY l.waits DESC, l.place DESC LIMIT 1"
        );
        let found = self.database.fetch("read the newest snapshot", &sql, Vec::new()).await?;
        let Some(mut row) = found.into_iter().next() else { return Ok(None) };
        Ok(Some(Entry::from_body(&row.bytes(0)?)?))
    }

    /// Every erasure and retention, in order.
    pub async fn notices(&self) -> Result<Vec<Row>, StoreError> {
        let of = format!("kind IN ({}, {})", Kind::Erasure.number(), Kind::Retention.number());
        // In the order of the index on kinds: in any other, all leaves would be gone through.
        let sql = format!("SELECT {LEAVES} FROM leaves WHERE kind > 1 AND {of} ORDER BY kind, leaf_index");
        let found = self.database.fetch("read erasures and retentions", &sql, Vec::new()).await?;
        let mut rows = found.into_iter().map(leaf).collect::<Result<Vec<Row>, StoreError>>()?;
        rows.sort_by_key(|row| row.leaf_index);
        let sql = format!(
            "SELECT b.record, b.part, b.salt, b.body FROM leaves l \
             JOIN bodies b ON b.record = l.record AND b.part = l.part WHERE l.kind > 1 AND l.{of}"
        );
        let mut beside = Beside::default();
        for row in self.database.fetch("read erasures and retentions", &sql, Vec::new()).await? {
            beside.add(Columns::Bodies, row)?;
        }
        for row in &mut rows {
            beside.hand_over(&mut row.leaf);
        }
        Ok(rows)
    }

    /// Checkpoints filed under sizes in the range, in order.
    pub async fn checkpoints(&self, sizes: Range<u64>) -> Result<Vec<StoredCheckpoint>, StoreError> {
        let sql = "SELECT size, note FROM checkpoints WHERE size >= ? AND size < ? ORDER BY size";
        let found = self.database.fetch("read checkpoints", sql, bounds(&sizes)).await?;
        found.into_iter().map(checkpoint).collect()
    }

    /// The checkpoint of the largest size.
    pub async fn newest_checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let sql = "SELECT size, note FROM checkpoints ORDER BY size DESC LIMIT 1";
        let found = self.database.fetch("read the newest checkpoint", sql, Vec::new()).await?;
        found.into_iter().next().map(checkpoint).transpose()
    }

    /// Records without a completion: their ids and the gateways that answer them.
    pub async fn open_records(&self) -> Result<Vec<(Vec<u8>, String)>, StoreError> {
        let sql = "SELECT record, gateway FROM open_records ORDER BY record";
        let found = self.database.fetch("read open records", sql, Vec::new()).await?;
        found.into_iter().map(|mut row| Ok((row.bytes(0)?, row.text(1)?))).collect()
    }

    /// Entries that wait to be put under the tree, the oldest first.
    pub async fn pending(&self, limit: u64) -> Result<Vec<Pending>, StoreError> {
        let sql =
            "SELECT sequence, record, part, kind, commitment, mac FROM pending ORDER BY sequence LIMIT ?";
        let found = self.database.fetch("read entries that wait", sql, vec![Value::from(limit)]).await?;
        let pending = found.into_iter().map(|mut row| {
            let statement = stated(&mut row)?.statement();
            Ok(Pending { sequence: row.int(0)?, statement, mac: row.bytes(5)? })
        });
        pending.collect()
    }

    /// The weeks that have tables, and which.
    pub async fn weeks(&self) -> Result<BTreeMap<Week, WeekTables>, StoreError> {
        let mut weeks: BTreeMap<Week, WeekTables> = BTreeMap::new();
        let tables = self.database.dialect().tables;
        for mut row in self.database.fetch("list the tables", tables, Vec::new()).await? {
            let name = row.text(0)?;
            let Some((table, week)) = name.rsplit_once('_') else { continue };
            let Ok(week) = week.parse() else { continue };
            if WEEKLY.contains(&table) {
                weeks.entry(Week(week)).or_default().there.insert(table.to_owned());
            }
        }
        Ok(weeks)
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {table}");
        let found = self.database.fetch("count rows", &sql, Vec::new()).await?;
        found.first().map_or(Ok(0), |row| row.position(0))
    }

    /// Whether a table has no rows.
    pub(crate) async fn is_empty(&self, table: &str) -> Result<bool, StoreError> {
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        Ok(self.database.fetch("look for rows", &sql, Vec::new()).await?.is_empty())
    }

    /// Whose ledger it is: the name of the key that signs it.
    pub async fn origin(&self) -> Result<Option<String>, StoreError> {
        let found =
            self.database.fetch("read whose ledger it is", "SELECT origin FROM ledger", Vec::new()).await?;
        found.into_iter().next().map(|mut row| row.text(0)).transpose()
    }

    /// Everybody who is known.
    pub async fn subjects(&self) -> Result<Vec<Subject>, StoreError> {
        let sql = "SELECT id, name, key FROM subjects ORDER BY id";
        let found = self.database.fetch("read subjects", sql, Vec::new()).await?;
        found.into_iter().map(subject).collect()
    }

    /// The subject of this name, made with `key` where there is none.
    pub async fn subject(&self, name: &str, key: [u8; 32]) -> Result<Subject, StoreError> {
        if let Some(known) = self.known(name).await? {
            return Ok(known);
        }
        let new = Subject::new(name, key);
        let row = vec![Value::from(new.id()), Value::from(new.name()), Value::from(&new.key()[..])];
        let mut script = crate::sql::Script::default();
        script.insert("subjects (id, name, key)", vec![row], " ON CONFLICT (name) DO NOTHING");
        self.database.transact(script).await?;
        // Another process may have made it at the same time, with another key.
        let known = self.known(name).await?;
        known.ok_or_else(|| StoreError::Forgotten(name.to_owned()))
    }

    /// The subject of this name, if there is one.
    pub async fn known(&self, name: &str) -> Result<Option<Subject>, StoreError> {
        let sql = "SELECT id, name, key FROM subjects WHERE name = ?";
        let found = self.database.fetch("look up a subject", sql, vec![Value::from(name)]).await?;
        found.into_iter().next().map(subject).transpose()
    }

    /// The name that a pseudonym stands for, as long as it is known.
    pub async fn name_of(&self, id: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT name FROM subjects WHERE id = ?";
        let found = self.database.fetch("look up a name", sql, vec![Value::from(id)]).await?;
        Ok(found.into_iter().next().and_then(|mut row| row.maybe_text(0)))
    }
}

/// What a table beside the tree holds, apart from the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    Bodies,
    Listings,
    Salts,
    Texts,
    Emissions,
}

impl Columns {
    /// Those of a table, by its name.
    fn of(table: &str) -> Self {
        match table.split('_').next().unwrap_or_default() {
            "bodies" => Self::Bodies,
            "salts" => Self::Salts,
            "texts" => Self::Texts,
            "emissions" => Self::Emissions,
            _ => Self::Listings,
        }
    }

    fn names(self) -> &'static str {
        match self {
            Self::Bodies => "part, salt, body",
            Self::Listings => "principal, client, session, repository, route, model, outcome",
            Self::Salts => "salt",
            Self::Texts => "part, text",
            Self::Emissions => "emissions",
        }
    }
}

/// Of the rows that lie between the first and the last record wanted, so many a record are read at most.
const BETWEEN: u64 = 8;

/// Records wanted of a week: most of them began at about the same time, and some long before, which ended only now.
struct Spread {
    apart: Vec<Vec<u8>>,
    together: Vec<Vec<u8>>,
}

impl Spread {
    fn of(mut records: Vec<Vec<u8>>) -> Self {
        records.sort_unstable();
        records.dedup();
        let time = |at: usize| {
            let bytes =
                records.get(at).and_then(|record| record.first_chunk::<6>()).copied().unwrap_or_default();
            bytes.iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte))
        };
        let (few, last) = (records.len() / 16, records.len().saturating_sub(1));
        let [all, most] = [0, few].map(|first| time(last).saturating_sub(time(first)));
        let together = if all / 2 > most { records.split_off(few) } else { std::mem::take(&mut records) };
        Self { apart: records, together }
    }

    fn ends(&self) -> Option<[&Vec<u8>; 2]> {
        Some([self.together.first()?, self.together.last()?])
    }
}

/// A salt and the body committed to under it.
type Salted = (Vec<u8>, Vec<u8>);

/// What is beside leaves, by the record it belongs to.
#[derive(Default)]
struct Beside {
    records: HashMap<Vec<u8>, Held>,
}

/// What is there of a record.
#[derive(Default)]
struct Held {
    /// Bodies and texts by their parts: an intent's is 0, its completion's 1, and only snapshots have more.
    bodies: Vec<(i64, Salted)>,
    texts: Vec<(i64, Vec<u8>)>,
    salt: Option<Vec<u8>>,
    listing: Option<Listing>,
    emissions: Option<Vec<u8>>,
}

impl Beside {
    fn add(&mut self, columns: Columns, mut row: Fields) -> Result<(), StoreError> {
        let held = self.records.entry(row.bytes(0)?).or_default();
        match columns {
            Columns::Bodies => held.bodies.push((row.int(1)?, (row.bytes(2)?, row.bytes(3)?))),
            Columns::Salts => held.salt = Some(row.bytes(1)?),
            Columns::Texts => held.texts.push((row.int(1)?, row.bytes(2)?)),
            Columns::Listings => held.listing = Some(listing(&mut row, 1)?),
            Columns::Emissions => held.emissions = Some(row.bytes(1)?),
        }
        Ok(())
    }

    fn hand_over(&mut self, leaf: &mut StoredLeaf) {
        let Some(held) = self.records.get_mut(&leaf.record) else { return };
        leaf.body = taken(&mut held.bodies, leaf.part);
        leaf.text = taken(&mut held.texts, leaf.part);
        if leaf.kind == i64::from(Kind::Intent.number()) {
            leaf.salt = held.salt.take();
        }
        if leaf.kind == i64::from(Kind::Completion.number()) {
            leaf.listing = held.listing.take();
        }
        if leaf.kind != i64::from(Kind::Intent.number()) {
            leaf.emissions = held.emissions.take();
        }
    }
}

/// Takes out what belongs to a part.
fn taken<T>(parts: &mut Vec<(i64, T)>, part: i64) -> Option<T> {
    let at = parts.iter().position(|(found, _)| *found == part)?;
    Some(parts.swap_remove(at).1)
}

fn bounds(range: &Range<u64>) -> Vec<Value> {
    vec![Value::from(range.start), Value::from(range.end)]
}

fn week(leaf: &StoredLeaf) -> Option<Week> {
    let Statement { record, kind, .. } = leaf.statement()?;
    kind.ages().then(|| Week::of(&record))
}

fn leaf(mut row: Fields) -> Result<Row, StoreError> {
    let leaf = StoredLeaf { hash: row.bytes(5)?, ..stated(&mut row)? };
    Ok(Row { leaf_index: Some(row.position(0)?), leaf })
}

/// What a leaf states, from the row's second column on.
fn stated(row: &mut Fields) -> Result<StoredLeaf, StoreError> {
    Ok(StoredLeaf {
        record: row.bytes(1)?,
        part: row.int(2)?,
        kind: row.int(3)?,
        commitment: row.bytes(4)?,
        ..StoredLeaf::default()
    })
}

/// The columns of a listing, from `at` on.
pub(crate) fn listing(row: &mut Fields, at: usize) -> Result<Listing, StoreError> {
    Ok(Listing {
        principal: row.text(at)?,
        client: row.maybe_text(at + 1),
        session: row.maybe_text(at + 2),
        repository: row.maybe_text(at + 3),
        route: row.maybe_text(at + 4),
        model: row.maybe_text(at + 5),
        outcome: row.maybe_text(at + 6),
    })
}

fn checkpoint(mut row: Fields) -> Result<StoredCheckpoint, StoreError> {
    Ok(StoredCheckpoint { size: row.position(0)?, note: row.text(1)? })
}

fn subject(mut row: Fields) -> Result<Subject, StoreError> {
    let (id, name, key) = (row.text(0)?, row.text(1)?, row.bytes(2)?);
    let key = key.try_into().ok();
    let subject = key.map(|key| Subject::new(&name, key)).filter(|subject| subject.id() == id);
    subject.ok_or_else(|| {
        StoreError::Damaged(format!("the subject {id} is not the one that records were made for"))
    })
}
