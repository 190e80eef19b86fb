//! A ledger copied whole from one store to another, of whatever kinds: table after table, both read in the order of their
//! keys and met row by row, so that a copy that was cut off goes on, and an older one is brought up to date. What is gone
//! at the source goes at the target too: an erasure must reach what it can.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use thiserror::Error;
use waymark_ledger::tree::Hash;
use waymark_ledger::{Dropped, Fault, Week, note};

use crate::sql::{Fields, Outcome, Script, Value};
use crate::{Address, LedgerStore, StoreError, Verdict, WeekTables, verify};

/// Why a ledger was not copied.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The source cannot be read.
    #[error("the source: {0}")]
    Source(#[source] StoreError),
    /// The target cannot be read or written.
    #[error("the target: {0}")]
    Target(#[source] StoreError),
    /// The source does not verify, so nothing is done to a copy that may be better.
    #[error("the source does not verify: {0}")]
    BadSource(Fault),
    /// What was copied does not verify.
    #[error("the copy does not verify: {0}")]
    BadCopy(Fault),
    /// The target is not the source's beginning.
    #[error("the target is no beginning of this ledger: {0}")]
    Differs(String),
    /// Entries wait that only a gateway can put under the tree, and the target has no place for such.
    #[error("{0} entries wait to be put under the tree")]
    Waiting(u64),
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Leaves that the target now has.
    pub size: u64,
    /// Leaves that it did not have before.
    pub added: u64,
    /// What was erased or dropped at the source and went at the target too: people, salts, texts, tables.
    pub removed: u64,
    /// Root of the tree, of both.
    pub root: Hash,
    /// The newest checkpoint.
    pub checkpoint: Option<String>,
    /// Entries that wait to be put under the tree, copied as well.
    pub pending: u64,
    /// Where what went may still be read in the target's files, in words.
    pub left: Vec<String>,
}

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The source is being verified, a copy being there that might be better. Leaves done, and all of them.
    Source(u64, u64),
    /// Rows are being copied. Rows done, and all of them.
    Rows(u64, u64),
    /// The copy is being verified. Leaves done, and all of them.
    Copy(u64, u64),
}

/// A table: its key comes first among its columns.
struct Table {
    name: String,
    columns: &'static [&'static str],
    key: usize,
    /// Rows read at a time, and changes written in one transaction.
    page: usize,
    /// Whether rows go, and whether they change.
    goes: bool,
    changes: bool,
}

impl Table {
    /// A table whose rows come and stay.
    fn new(name: &str, columns: &'static [&'static str], key: usize) -> Self {
        Self { name: name.to_owned(), columns, key, page: 4_096, goes: false, changes: false }
    }

    fn of_week(self, week: Week) -> Self {
        Self { name: format!("{}_{}", self.name, week.0), ..self }
    }

    fn paged(self, page: usize) -> Self {
        Self { page, ..self }
    }

    fn going(self) -> Self {
        Self { goes: true, ..self }
    }

    fn changing(self) -> Self {
        Self { changes: true, ..self }
    }

    /// Whether rows come and go without anything having been erased.
    fn is_bookkeeping(&self) -> bool {
        ["open_records", "cosignatures", "checkpoints", "spend", "reservations"].contains(&self.name.as_str())
    }
}

const SPEND: &[&str] = &["account", "period", "cost", "assumed_cost", "tokens", "assumed_tokens", "requests"];
const BODY: &[&str] = &["record", "part", "salt", "body"];
/// What verification cannot tell, since texts need not be kept.
const UNERASED: &str = "it has texts that are gone at the source, and nothing there erased them";
const LISTING: &[&str] =
    &["record", "principal", "client", "session", "repository", "route", "model", "outcome"];

/// Tables in the order in which they are copied. Checkpoints come last: a tree that no checkpoint covers keeps every
/// gateway from writing to it, and so does one that has outgrown its newest.
fn tables(weeks: impl Iterator<Item = (Week, WeekTables)>) -> Vec<Table> {
    let mut tables = vec![
        Table::new("leaves", &["leaf_index", "record", "part", "kind", "commitment", "hash"], 1),
        Table::new("nodes", &["level", "position", "hash"], 2),
        // Names are unique, so that a person who went must be gone before another of that name comes: all at once.
        Table::new("subjects", &["id", "name", "key"], 1).going().paged(usize::MAX >> 1),
        Table::new("bodies", BODY, 2).paged(1_024),
        Table::new("keys", &["id", "owner", "label", "terms", "created", "revoked"], 1).changing(),
        Table::new("spend", SPEND, 2).changing(),
        Table::new("reservations", &["record", "account", "period", "gateway", "cost", "tokens"], 3)
            .going()
            .changing(),
    ];
    for (week, there) in weeks {
        for table in there.there {
            tables.push(match table.as_str() {
                "bodies" => Table::new("bodies", BODY, 2).paged(1_024).of_week(week),
                "records" => Table::new("records", LISTING, 1).paged(1_024).changing().of_week(week),
                "salts" => Table::new("salts", &["record", "salt"], 1).going().of_week(week),
                "emissions" => {
                    Table::new("emissions", &["record", "emissions"], 1).going().paged(256).of_week(week)
                }
                "marks" => Table::new("marks", &["mark", "record"], 2).going().of_week(week),
                // A text may be large.
                _ => Table::new("texts", &["record", "part", "text"], 2).going().paged(64).of_week(week),
            });
        }
    }
    tables.extend([
        Table::new("open_records", &["record", "gateway"], 1).going().changing(),
        Table::new("cosignatures", &["size", "witness", "line"], 2).going().changing(),
        Table::new("checkpoints", &["size", "note"], 1).going(),
    ]);
    tables
}

/// Copies the ledger that `key` signs into `to`, which is empty, or holds a beginning of it: an older copy, or one that
/// was cut off. The source must have been opened to be read, so that everything is of one moment. The copy is verified
/// whole before it is called one.
pub async fn copy(
    source: &LedgerStore,
    to: &Address,
    key: &note::Verifier,
    progress: &mut (dyn FnMut(Stage) + Send),
) -> Result<Copied, CopyError> {
    let found = source.origin().await.map_err(CopyError::Source)?.unwrap_or_default();
    if found != key.name() {
        return Err(CopyError::Source(StoreError::OtherLedger { expected: key.name().to_owned(), found }));
    }
    let waiting = source.count("pending").await.map_err(CopyError::Source)?;
    if waiting > 0 && matches!(to, Address::Sqlite(_)) {
        return Err(CopyError::Waiting(waiting));
    }
    let size = source.size().await.map_err(CopyError::Source)?;
    let target = LedgerStore::open(to, "").await.map_err(CopyError::Target)?;
    let copied = async {
        let before = target.size().await.map_err(CopyError::Target)?;
        if meet(&target, key, before, size).await? {
            verified(source, key, CopyError::Source, CopyError::BadSource, &mut |done| {
                progress(Stage::Source(done, size));
            })
            .await?;
        }
        let removed = Copying { source, target: &target, done: 0, total: 0, removed: 0, progress }
            .run(key.name())
            .await?;
        let left = if removed > 0 { target.wipe().await.map_err(CopyError::Target)? } else { Vec::new() };
        Ok((before, removed, left))
    };
    let copied = copied.await;
    let closed = target.close().await.map_err(CopyError::Target);
    let (before, removed, left) = copied?;
    closed?;

    let copy = LedgerStore::open_to_read(to).await.map_err(CopyError::Target)?;
    let verified = verified(&copy, key, CopyError::Target, CopyError::BadCopy, &mut |done| {
        progress(Stage::Copy(done, size));
    })
    .await?;
    let root = source.frontier(size).await.map_err(CopyError::Source)?.root();
    if (verified.size, verified.root) != (size, root) {
        return Err(CopyError::Differs("its root is not the source's".to_owned()));
    }
    let checkpoint = copy.newest_checkpoint().await.map_err(CopyError::Target)?;
    copy.close().await.map_err(CopyError::Target)?;
    let checkpoint = checkpoint.map(|checkpoint| checkpoint.note);
    Ok(Copied { size, added: size - before, removed, root, checkpoint, pending: verified.pending, left })
}

/// Whether the target holds something already, which must be this ledger's and no more of it.
async fn meet(target: &LedgerStore, key: &note::Verifier, before: u64, size: u64) -> Result<bool, CopyError> {
    match target.origin().await.map_err(CopyError::Target)? {
        Some(found) if found != key.name() => {
            let expected = key.name().to_owned();
            Err(CopyError::Target(StoreError::OtherLedger { expected, found }))
        }
        None if before > 0 => Err(CopyError::Differs("it does not say whose it is".to_owned())),
        _ if before > size => {
            Err(CopyError::Differs(format!("it has {before} leaves, and the source has {size}")))
        }
        found => Ok(found.is_some()),
    }
}

async fn verified(
    store: &LedgerStore,
    key: &note::Verifier,
    unread: fn(StoreError) -> CopyError,
    bad: fn(Fault) -> CopyError,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<waymark_ledger::Verified, CopyError> {
    match verify(store, key, &[], progress).await.map_err(unread)? {
        Verdict::Clean(verified) => Ok(verified),
        Verdict::Bad(fault) => Err(bad(fault)),
    }
}

/// A copy under way.
struct Copying<'a> {
    source: &'a LedgerStore,
    target: &'a LedgerStore,
    done: u64,
    total: u64,
    removed: u64,
    progress: &'a mut (dyn FnMut(Stage) + Send),
}

impl Copying<'_> {
    /// Returns how much went.
    async fn run(mut self, origin: &str) -> Result<u64, CopyError> {
        let mut script = Script::default();
        let sql = "INSERT INTO ledger (origin) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM ledger)";
        script.add(sql, vec![Value::from(origin)], Outcome::Any);
        self.target.database.transact(script).await.map_err(CopyError::Target)?;
        let weeks = self.source.weeks().await.map_err(CopyError::Source)?;
        let mut tables = tables(weeks.clone().into_iter());
        if !self.source.has_table("keys").await.map_err(CopyError::Source)? {
            // The source is older than what it lacks.
            tables.retain(|table| !["keys", "spend", "reservations"].contains(&table.name.as_str()));
        }
        for table in &tables {
            self.total += self.source.count(&table.name).await.map_err(CopyError::Source)?;
        }
        for table in &tables {
            self.table(table).await?;
            if table.name == "leaves" {
                // Not before the leaves were found to be those of the source.
                self.drop_weeks(&weeks).await?;
                for (week, tables) in &weeks {
                    self.make_week(*week, tables).await?;
                }
            }
        }
        self.queue().await?;
        Ok(self.removed)
    }

    /// Makes those tables of a week that the source has.
    async fn make_week(&self, week: Week, tables: &WeekTables) -> Result<(), CopyError> {
        let mut script = Script::default();
        for statement in self.target.database.dialect().week {
            let wanted = tables.there.iter().any(|table| statement.contains(&format!("{table}_{{week}}")));
            if wanted || !statement.contains("{week}") {
                script.add(statement.replace("{week}", &week.0.to_string()), Vec::new(), Outcome::Any);
            }
        }
        self.target.database.transact(script).await.map_err(CopyError::Target)
    }

    /// Lets go of the weeks that the source has let go of.
    async fn drop_weeks(&mut self, kept: &BTreeMap<Week, WeekTables>) -> Result<(), CopyError> {
        for (week, tables) in self.target.weeks().await.map_err(CopyError::Target)? {
            let kept = kept.get(&week).cloned().unwrap_or_default();
            let gone = tables.there.difference(&kept.there).count() as u64;
            if gone == 0 {
                continue;
            }
            if kept.there.contains("salts") {
                return Err(CopyError::Differs(UNERASED.to_owned()));
            }
            let dropped = if kept.there.contains("bodies") { Dropped::Payloads } else { Dropped::Records };
            let mut script = Script::default();
            self.target.drop_week(&mut script, week, dropped);
            self.target.database.transact(script).await.map_err(CopyError::Target)?;
            self.removed += gone;
        }
        Ok(())
    }

    /// Makes a table what the source's is.
    async fn table(&mut self, table: &Table) -> Result<(), CopyError> {
        let mut ours = Cursor::new(self.source, table);
        let mut theirs = Cursor::new(self.target, table);
        let mut changes = Changes::default();
        loop {
            let (new, old) = (
                ours.peek().await.map_err(CopyError::Source)?.cloned(),
                theirs.peek().await.map_err(CopyError::Target)?.cloned(),
            );
            let order = match (&new, &old) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(new), Some(old)) => new[..table.key].cmp(&old[..table.key]),
            };
            match (order, new, old) {
                (Ordering::Less, Some(new), _) => changes.added.push(new),
                (Ordering::Greater, _, Some(old)) if table.goes => changes.gone.push(old),
                (Ordering::Equal, Some(new), Some(old)) if new == old => {}
                (Ordering::Equal, Some(new), Some(old)) if table.changes => {
                    changes.gone.push(old);
                    changes.added.push(new);
                    changes.replaced += 1;
                }
                (_, _, old) => return Err(differs(table, old.as_ref())),
            }
            if order != Ordering::Greater {
                ours.advance();
                self.done += 1;
            }
            if order != Ordering::Less {
                theirs.advance();
            }
            if changes.gone.len() + changes.added.len() >= table.page {
                self.write(table, std::mem::take(&mut changes)).await?;
            }
            if self.done.is_multiple_of(1_024) {
                (self.progress)(Stage::Rows(self.done, self.total));
            }
        }
        self.write(table, changes).await
    }

    async fn write(&mut self, table: &Table, changes: Changes) -> Result<(), CopyError> {
        if changes.gone.is_empty() && changes.added.is_empty() {
            return Ok(());
        }
        if !table.is_bookkeeping() {
            self.removed += changes.gone.len() as u64 - changes.replaced;
        }
        let mut script = Script::default();
        if let Some(Value::Int(Some(first))) =
            changes.added.first().and_then(|row| row.first()).filter(|_| table.name == "leaves")
        {
            // Nobody else may write to the copy meanwhile.
            let size = u64::try_from(*first).unwrap_or_default();
            let sql = "SELECT coalesce(max(leaf_index) + 1, 0) FROM leaves";
            script.add(sql, Vec::new(), Outcome::Size(size));
        }
        let named: Vec<String> = table.columns[..table.key].iter().map(|key| format!("{key} = ?")).collect();
        for mut row in changes.gone {
            row.truncate(table.key);
            let sql = format!("DELETE FROM {} WHERE {}", table.name, named.join(" AND "));
            let Some(week) = table.name.strip_prefix("texts_") else {
                script.add(sql, row, Outcome::Any);
                continue;
            };
            // Whatever erases a text takes its salt, which was met before; no text goes by itself.
            let sql = format!(
                "{sql} AND NOT EXISTS (SELECT 1 FROM salts_{week} s WHERE s.record = texts_{week}.record)"
            );
            script.add(sql, row, Outcome::Changed(1, UNERASED.to_owned()));
        }
        script.insert(&format!("{} ({})", table.name, table.columns.join(", ")), changes.added, "");
        self.target.database.transact(script).await.map_err(CopyError::Target)
    }

    /// Makes the queue of entries that wait what the source's is; their places in it are the target's own.
    async fn queue(&mut self) -> Result<(), CopyError> {
        const COLUMNS: &str = "record, part, kind, commitment, mac";
        let sql = format!("SELECT {COLUMNS} FROM pending ORDER BY sequence");
        let read = async |store: &LedgerStore| {
            let rows = store.database.fetch("read entries that wait", &sql, Vec::new()).await?;
            Ok(rows.into_iter().map(|row| row.0).collect::<Vec<Vec<Value>>>())
        };
        let ours = read(self.source).await.map_err(CopyError::Source)?;
        let theirs = read(self.target).await.map_err(CopyError::Target)?;
        if ours == theirs {
            return Ok(());
        }
        let mut script = Script::default();
        script.add("DELETE FROM pending", Vec::new(), Outcome::Any);
        script.insert(&format!("pending ({COLUMNS})"), ours, "");
        self.target.database.transact(script).await.map_err(CopyError::Target)
    }
}

/// What becomes of a table's rows in one transaction.
#[derive(Default)]
struct Changes {
    gone: Vec<Vec<Value>>,
    added: Vec<Vec<Value>>,
    /// Of those gone, how many come back changed.
    replaced: u64,
}

fn differs(table: &Table, row: Option<&Vec<Value>>) -> CopyError {
    let shown = |value: &Value| match value {
        Value::Int(value) => value.unwrap_or_default().to_string(),
        Value::Text(text) => text.clone().unwrap_or_default(),
        Value::Bytes(bytes) => waymark_ledger::commitment::hex(bytes.as_deref().unwrap_or_default()),
    };
    let key = table.columns.iter().zip(row.into_iter().flatten()).take(table.key);
    let key: Vec<String> = key.map(|(column, value)| format!("{column} {}", shown(value))).collect();
    CopyError::Differs(format!("table {}, row of {}", table.name, key.join(", ")))
}

/// A table's rows in the order of their keys, some at a time.
struct Cursor<'a> {
    store: &'a LedgerStore,
    table: &'a Table,
    rows: VecDeque<Vec<Value>>,
    /// The key of the last row that was read; none before the first.
    last: Option<Vec<Value>>,
    ended: bool,
}

impl<'a> Cursor<'a> {
    fn new(store: &'a LedgerStore, table: &'a Table) -> Self {
        Self { store, table, rows: VecDeque::new(), last: None, ended: false }
    }

    async fn peek(&mut self) -> Result<Option<&Vec<Value>>, StoreError> {
        if self.rows.is_empty() && !self.ended {
            self.read().await?;
        }
        Ok(self.rows.front())
    }

    fn advance(&mut self) {
        self.rows.pop_front();
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let page = self.table.page.min(4_096);
        // Both databases must have the same order, byte by byte.
        let bytewise = self.store.database.dialect().bytewise;
        let ordered = |column: &&str| match *column {
            "id" | "witness" | "account" | "period" => format!("{column}{bytewise}"),
            column => column.to_owned(),
        };
        let key: Vec<String> = self.table.columns[..self.table.key].iter().map(ordered).collect();
        let key = key.join(", ");
        let mut values = self.last.clone().unwrap_or_default();
        let after = match values.len() {
            0 => String::new(),
            keys => format!("WHERE ({key}) > ({})", vec!["?"; keys].join(", ")),
        };
        values.push(Value::from(page as u64));
        let sql = format!(
            "SELECT {} FROM {} {after} ORDER BY {key} LIMIT ?",
            self.table.columns.join(", "),
            self.table.name
        );
        let found = self.store.database.fetch("read a table to copy it", &sql, values).await?;
        self.ended = found.len() < page;
        self.rows = found.into_iter().map(plain).collect();
        self.last = self.rows.back().map(|row| row[..self.table.key].to_vec());
        Ok(())
    }
}

/// A row to be written as it was read. Only texts may be missing.
fn plain(row: Fields) -> Vec<Value> {
    let value = |value| if value == Value::Bytes(None) { Value::Text(None) } else { value };
    row.0.into_iter().map(value).collect()
}
