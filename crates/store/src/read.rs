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
    /// Of `bodies`, `records`, `salts` and `texts`, those that are there.
    pub there: BTreeSet<String>,
}

const LEAVES: &str = "leaf_index, record, part, kind, commitment, hash";

impl LedgerStore {
    /// Leaves in order, with everything beside them.
    pub async fn rows(&self, range: Range<u64>) -> Result<Vec<Row>, StoreError> {
        self.with_tables(range, &["bodies", "records", "salts", "texts"]).await
    }

    /// Leaves in order, with what they say and nothing else.
    pub async fn entries(&self, range: Range<u64>) -> Result<Vec<Row>, StoreError> {
        self.with_tables(range, &["bodies"]).await
    }

    async fn with_tables(&self, range: Range<u64>, wanted: &[&str]) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.leaves("leaf_index >= ? AND leaf_index < ?", bounds(&range)).await?;
        let weeks: BTreeSet<Week> = rows.iter().filter_map(|row| week(&row.leaf)).collect();
        let mut beside = Beside::default();
        self.add(&mut beside, "bodies", &range).await?;
        let tables = self.weeks().await?;
        for week in weeks {
            let there = tables.get(&week).into_iter().flat_map(|tables| &tables.there);
            for table in there.filter(|table| wanted.contains(&table.as_str())) {
                self.add(&mut beside, &format!("{table}_{}", week.0), &range).await?;
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

    /// Adds what a table holds of these leaves.
    async fn add(&self, beside: &mut Beside, table: &str, range: &Range<u64>) -> Result<(), StoreError> {
        let kind = table.split('_').next().unwrap_or_default();
        let (columns, on, of) = match kind {
            "bodies" if table == "bodies" => ("b.part, b.salt, b.body", "AND b.part = l.part", "l.kind > 1"),
            "bodies" => ("b.part, b.salt, b.body", "AND b.part = l.part", "l.kind <= 1"),
            "salts" => ("b.salt", "", "l.kind = 0"),
            "texts" => ("b.part, b.text", "AND b.part = l.part", "l.kind <= 1"),
            _ => (
                "b.principal, b.client, b.session, b.repository, b.route, b.model, b.outcome",
                "",
                "l.kind = 1",
            ),
        };
        let sql = format!(
            "SELECT b.record, {columns} FROM leaves l JOIN {table} b ON b.record = l.record {on} \
             WHERE l.leaf_index >= ? AND l.leaf_index < ? AND {of}"
        );
        for mut row in self.database.fetch("read what is beside leaves", &sql, bounds(range)).await? {
            let record = row.bytes(0)?;
            match kind {
                "bodies" => {
                    let body = (row.bytes(2)?, row.bytes(3)?);
                    beside.bodies.insert((record, row.int(1)?), body);
                }
                "salts" => {
                    beside.salts.insert(record, row.bytes(1)?);
                }
                "texts" => {
                    beside.texts.insert((record, row.int(1)?), row.bytes(2)?);
                }
                _ => {
                    beside.listings.insert(record, listing(&mut row, 1)?);
                }
            }
        }
        Ok(())
    }

    /// The leaves of a record, in order, with what they say; those that wait to be put under the tree included.
    pub async fn record(&self, record: RecordId) -> Result<Vec<Row>, StoreError> {
        let id = Value::from(&record.as_bytes()[..]);
        let mut rows = self.leaves("record = ?", vec![id.clone()]).await?;
        let waits = "SELECT sequence, record, part, kind, commitment, mac FROM pending WHERE record = ? ORDER BY part";
        for mut row in self.database.fetch("read entries that wait", waits, vec![id.clone()]).await? {
            let leaf = StoredLeaf {
                record: row.bytes(1)?,
                part: row.int(2)?,
                kind: row.int(3)?,
                commitment: row.bytes(4)?,
                ..StoredLeaf::default()
            };
            rows.push(Row { leaf_index: None, leaf });
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
             (SELECT record, part, 0 AS waits, leaf_index AS place FROM leaves WHERE kind = {kind} \
              UNION ALL SELECT record, part, 1, sequence FROM pending WHERE kind = {kind}) l \
             ON l.record = b.record AND l.part = b.part ORDER BY l.waits DESC, l.place DESC LIMIT 1"
        );
        let found = self.database.fetch("read the newest snapshot", &sql, Vec::new()).await?;
        let Some(mut row) = found.into_iter().next() else { return Ok(None) };
        Ok(Some(Entry::from_body(&row.bytes(0)?)?))
    }

    /// Every erasure and retention, in order.
    pub async fn notices(&self) -> Result<Vec<Row>, StoreError> {
        let of = format!("kind >= {}", Kind::Erasure.number());
        let mut rows = self.leaves(&format!("kind > 1 AND {of}"), Vec::new()).await?;
        let sql = format!(
            "SELECT b.record, b.part, b.salt, b.body FROM leaves l \
             JOIN bodies b ON b.record = l.record AND b.part = l.part WHERE l.kind > 1 AND l.{of}"
        );
        let mut beside = Beside::default();
        for mut row in self.database.fetch("read erasures and retentions", &sql, Vec::new()).await? {
            let key = (row.bytes(0)?, row.int(1)?);
            beside.bodies.insert(key, (row.bytes(2)?, row.bytes(3)?));
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
            let leaf = StoredLeaf {
                record: row.bytes(1)?,
                part: row.int(2)?,
                kind: row.int(3)?,
                commitment: row.bytes(4)?,
                ..StoredLeaf::default()
            };
            Ok(Pending { sequence: row.int(0)?, statement: leaf.statement(), mac: row.bytes(5)? })
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
            if ["bodies", "records", "salts", "texts"].contains(&table) {
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

/// A salt and the body committed to under it.
type Salted = (Vec<u8>, Vec<u8>);

/// What is beside leaves, by what it belongs to.
#[derive(Default)]
struct Beside {
    bodies: HashMap<(Vec<u8>, i64), Salted>,
    salts: HashMap<Vec<u8>, Vec<u8>>,
    texts: HashMap<(Vec<u8>, i64), Vec<u8>>,
    listings: HashMap<Vec<u8>, Listing>,
}

impl Beside {
    fn hand_over(&mut self, leaf: &mut StoredLeaf) {
        let key = (leaf.record.clone(), leaf.part);
        leaf.body = self.bodies.remove(&key);
        leaf.text = self.texts.remove(&key);
        if leaf.kind == i64::from(Kind::Intent.number()) {
            leaf.salt = self.salts.remove(&key.0);
        }
        if leaf.kind == i64::from(Kind::Completion.number()) {
            leaf.listing = self.listings.remove(&key.0);
        }
    }
}

fn bounds(range: &Range<u64>) -> Vec<Value> {
    vec![Value::from(range.start), Value::from(range.end)]
}

fn week(leaf: &StoredLeaf) -> Option<Week> {
    let Statement { record, kind, .. } = leaf.statement()?;
    kind.is_half().then(|| Week::of(&record))
}

fn leaf(mut row: Fields) -> Result<Row, StoreError> {
    let leaf = StoredLeaf {
        record: row.bytes(1)?,
        part: row.int(2)?,
        kind: row.int(3)?,
        commitment: row.bytes(4)?,
        hash: row.bytes(5)?,
        ..StoredLeaf::default()
    };
    Ok(Row { leaf_index: Some(row.position(0)?), leaf })
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
