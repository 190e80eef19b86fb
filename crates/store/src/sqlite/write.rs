//! Writing: one transaction a batch, handed over as one script, because every hand-over to the database's thread costs
//! about as much as a durable write.

use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Either, Encode, Executor as _, Row as _, Sqlite, Type,
};
use waymark_ledger::{Batch, Entry, Leaf};

use super::{SqliteStore, failed, signed, unsigned};
use crate::{Payload, StoreError};

/// Bound values a statement may have, with room to spare below SQLite's limit of 32,766.
const MAX_BOUND: usize = 8_000;

/// Batches of at most this many leaves are of few shapes, whose prepared statements are worth keeping.
const COMMON: usize = 8;

/// Of the older checkpoints, those that a multiple of this many leaves lies between stay.
const CHECKPOINT_EVERY: u64 = 256;

impl SqliteStore {
    pub(super) async fn write(&self, batch: &Batch, payloads: &[Payload]) -> Result<(), StoreError> {
        let connect = self.connect.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut held = self.writer.lock().await;
        let mut writer = match held.take() {
            Some(writer) => writer,
            None => connect.connect().await.map_err(failed("connect to the database again"))?,
        };
        let script = Script::of(batch, payloads)?;
        script.run(&mut writer, batch.leaves.len() <= COMMON).await?;
        writer.execute("COMMIT").await.map_err(failed("commit a batch"))?;
        // A connection that failed is dropped instead, and what it had begun with it.
        *held = Some(writer);
        Ok(())
    }
}

/// The statements of a batch up to its commit, and what each must come to.
struct Script {
    sql: String,
    arguments: SqliteArguments,
    outcomes: Vec<Outcome>,
}

/// What a statement must come to.
enum Outcome {
    /// Whatever it comes to.
    Any,
    /// The ledger has this many leaves.
    Size(u64),
    /// One row is changed, which belongs to this record.
    One(String),
}

impl Script {
    fn of(batch: &Batch, payloads: &[Payload]) -> Result<Self, StoreError> {
        let mut script =
            Self { sql: String::new(), arguments: SqliteArguments::default(), outcomes: Vec::new() };
        script.add("BEGIN IMMEDIATE", Outcome::Any);
        script
            .add("SELECT coalesce(max(leaf_index) + 1, 0) FROM entries", Outcome::Size(batch.previous_size));
        script.leaves(&batch.leaves)?;
        script.nodes(batch)?;
        script.open_records(&batch.leaves)?;
        script.payloads(payloads)?;
        script.checkpoint(batch)?;
        Ok(script)
    }

    fn add(&mut self, statement: &str, outcome: Outcome) {
        self.sql.push_str(statement);
        self.sql.push_str(";\n");
        self.outcomes.push(outcome);
    }

    /// An insertion of so many rows.
    fn insert(&mut self, into: &str, row: &str, rows: usize) {
        let rows = vec![row; rows].join(", ");
        self.add(&format!("INSERT INTO {into} VALUES {rows}"), Outcome::Any);
    }

    fn bind<'q, T: Encode<'q, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> Result<(), StoreError> {
        self.arguments.add(value).map_err(|source| failed("write a batch")(sqlx::Error::Encode(source)))
    }

    fn leaves(&mut self, leaves: &[Leaf]) -> Result<(), StoreError> {
        for leaves in leaves.chunks(MAX_BOUND / 4) {
            self.insert("entries (leaf_index, record, kind, body)", "(?, ?, ?, ?)", leaves.len());
            for leaf in leaves {
                self.bind(signed(leaf.index))?;
                self.bind(&leaf.record.as_bytes()[..])?;
                self.bind(leaf.entry.kind())?;
                self.bind(&leaf.body[..])?;
            }
        }
        Ok(())
    }

    fn nodes(&mut self, batch: &Batch) -> Result<(), StoreError> {
        for nodes in batch.nodes.chunks(MAX_BOUND / 3) {
            self.insert("nodes (level, position, hash)", "(?, ?, ?)", nodes.len());
            for node in nodes {
                self.bind(i64::from(node.at.level))?;
                self.bind(signed(node.at.index))?;
                self.bind(&node.hash[..])?;
            }
        }
        Ok(())
    }

    /// Lists intents as open and takes completed records off the list, in the leaves' order.
    fn open_records(&mut self, leaves: &[Leaf]) -> Result<(), StoreError> {
        for leaf in leaves {
            let outcome = Outcome::One(leaf.record.to_string());
            match leaf.entry {
                Entry::Intent(_) => {
                    self.add("INSERT INTO open_records (record, leaf_index) VALUES (?, ?)", outcome);
                    self.bind(&leaf.record.as_bytes()[..])?;
                    self.bind(signed(leaf.index))?;
                }
                Entry::Completion(_) => {
                    self.add("DELETE FROM open_records WHERE record = ?", outcome);
                    self.bind(&leaf.record.as_bytes()[..])?;
                }
                Entry::Snapshot(_) => {}
            }
        }
        Ok(())
    }

    fn payloads(&mut self, payloads: &[Payload]) -> Result<(), StoreError> {
        for payload in payloads {
            match payload {
                Payload::Request { record, salt, body } => {
                    self.add("INSERT INTO payloads (record, salt, request) VALUES (?, ?, ?)", Outcome::Any);
                    self.bind(&record.as_bytes()[..])?;
                    self.bind(&salt[..])?;
                    self.bind(body.as_deref())?;
                }
                Payload::Response { record, body } => {
                    self.add("UPDATE payloads SET response = ? WHERE record = ?", Outcome::Any);
                    self.bind(&body[..])?;
                    self.bind(&record.as_bytes()[..])?;
                }
            }
        }
        Ok(())
    }

    fn checkpoint(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let size = batch.frontier.size();
        if batch.previous_size < size && batch.previous_size / CHECKPOINT_EVERY == size / CHECKPOINT_EVERY {
            self.add("DELETE FROM checkpoints WHERE size = ?", Outcome::Any);
            self.bind(signed(batch.previous_size))?;
        }
        self.add("INSERT OR REPLACE INTO checkpoints (size, note) VALUES (?, ?)", Outcome::Any);
        self.bind(signed(size))?;
        self.bind(batch.checkpoint.as_str())
    }

    /// Runs every statement, and says no as soon as one does not come to what it must.
    async fn run(self, writer: &mut SqliteConnection, keep: bool) -> Result<(), StoreError> {
        let query = sqlx::query_with(AssertSqlSafe(self.sql), self.arguments).persistent(keep);
        let mut results = writer.fetch_many(query);
        let mut outcomes = self.outcomes.into_iter();
        let mut outcome = outcomes.next();
        while let Some(result) = results.try_next().await.map_err(failed("write a batch"))? {
            match (&result, &outcome) {
                (Either::Right(row), Some(Outcome::Size(expected))) => {
                    let found = unsigned(row.try_get(0).map_err(failed("read the ledger's size"))?)?;
                    if found != *expected {
                        return Err(StoreError::Conflict { expected: *expected, found });
                    }
                }
                (Either::Left(done), Some(Outcome::One(record))) if done.rows_affected() != 1 => {
                    return Err(StoreError::Damaged(format!("record {record} has no intent to complete")));
                }
                _ => {}
            }
            if result.is_left() {
                outcome = outcomes.next();
            }
        }
        Ok(())
    }
}
