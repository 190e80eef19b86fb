//! Writing: entries become durable, and go under the tree, at once or soon.

use std::collections::BTreeSet;
use std::time::Duration;

use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::tree::Frontier;
use waymark_ledger::{Batch, Dropped, Entry, Leaf, Log, Statement, Week, note};
use waymark_types::RecordId;

use crate::batch::{self, Rows};
use crate::sql::{Outcome, Script, Value};
use crate::{Effect, LedgerStore, StoreError};

/// Of the older checkpoints, those that a multiple of this many leaves lies between stay.
const CHECKPOINT_EVERY: u64 = 256;

/// Entries put under the tree in one transaction at most, so that each stays short.
const SEALED_AT_ONCE: u64 = 4_096;

/// Tables of a week that an erasure reaches.
const ERASED: [&str; 4] = ["salts", "texts", "emissions", "marks"];

/// How often a write is tried when others got there first, or when it is not known whether it took effect.
const TRIES: usize = 4;

/// After this long a gateway that was never heard of again is taken off the list.
const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl LedgerStore {
    /// Makes entries and what goes beside them durable, whole or not at all. Where the database seals at once the tree
    /// and its signed checkpoint are part of it; elsewhere [`LedgerStore::seal`] comes after. Returns the newest
    /// checkpoint where there is a new one. Without entries, whether writing is possible is shown all the same.
    ///
    /// When a write fails it is not known whether it took effect; then what is stored decides, so that nothing is there
    /// twice and nothing that is there is called lost.
    pub async fn append(
        &self,
        leaves: &[Leaf],
        effects: &[Effect],
        log: &Log,
    ) -> Result<Option<String>, StoreError> {
        self.make_weeks(leaves).await?;
        let mut tried = 0;
        loop {
            tried += 1;
            let error = match self.try_append(leaves, effects, log).await {
                Ok(checkpoint) => return Ok(checkpoint),
                Err(error) => error,
            };
            self.database.let_in().await?;
            *self.edge.lock().await = None;
            // Another gateway may have dropped a week that this one takes to be there; and where not even its tables can
            // be made, the first error says more than what follows from it.
            self.weeks.lock().await.clear();
            if self.make_weeks(leaves).await.is_err() {
                return Err(error);
            }
            if self.is_there(leaves).await? {
                let newest = self.newest_checkpoint().await?;
                return Ok(newest
                    .map(|checkpoint| checkpoint.note)
                    .filter(|_| self.database.seals_at_once()));
            }
            let again = matches!(error, StoreError::Conflict { .. } | StoreError::Database { .. });
            if !again || tried == TRIES {
                return Err(error);
            }
            if matches!(error, StoreError::Conflict { .. }) {
                // A process that writes without a pause would get there first again. Where it cannot be kept out, the next
                // try says what is wrong.
                let _ = self.database.keep_out().await;
            }
        }
    }

    async fn try_append(
        &self,
        leaves: &[Leaf],
        effects: &[Effect],
        log: &Log,
    ) -> Result<Option<String>, StoreError> {
        let mut script = Script::default();
        if !self.database.seals_at_once() {
            self.write_entries(&mut script, leaves, effects)?;
            if leaves.is_empty() {
                script.add("DELETE FROM pending WHERE sequence < 0", Vec::new(), Outcome::Any);
            }
            script.insert(
                "pending (record, part, kind, commitment, mac)",
                leaves.iter().map(|leaf| waiting(&leaf.statement, log)).collect(),
                "",
            );
            self.database.transact(script).await?;
            return Ok(None);
        }
        let mut edge = self.edge.lock().await;
        let frontier = match edge.take() {
            Some(frontier) => frontier,
            None => self.taken_up(&log.signer().verifier()).await?,
        };
        let statements = leaves.iter().map(|leaf| leaf.statement).collect();
        let batch = log.stage(&frontier, statements);
        grow(&mut script, &batch);
        self.write_entries(&mut script, leaves, effects)?;
        self.database.transact(script).await?;
        *edge = Some(batch.frontier);
        Ok(Some(batch.checkpoint))
    }

    /// Puts what waits under the tree, as much as there is. Returns the newest checkpoint where it is a new one; another
    /// process at the same work is no error, and then nothing was done ([`StoreError::Busy`]).
    pub async fn seal(&self, log: &Log) -> Result<Option<String>, StoreError> {
        let mut newest = None;
        let mut edge = self.edge.lock().await;
        loop {
            let waiting = self.pending(SEALED_AT_ONCE).await?;
            if waiting.is_empty() {
                return Ok(newest);
            }
            let frontier = match edge.take() {
                Some(frontier) => frontier,
                None => self.taken_up(&log.signer().verifier()).await?,
            };
            let mut statements = Vec::with_capacity(waiting.len());
            for entry in &waiting {
                let statement = entry.statement.filter(|statement| entry.mac == log.pending_mac(statement));
                statements.push(statement.ok_or_else(|| {
                    StoreError::Damaged(format!(
                        "entry {} that waits was not put there by us",
                        entry.sequence
                    ))
                })?);
            }
            let batch = log.stage(&frontier, statements);
            let mut script = Script::default();
            if let Some(lock) = self.database.dialect().lock {
                script.add(lock, Vec::new(), Outcome::Free);
            }
            let places = vec!["?"; waiting.len()].join(", ");
            script.add(
                format!("DELETE FROM pending WHERE sequence IN ({places})"),
                waiting.iter().map(|entry| Value::from(entry.sequence)).collect(),
                Outcome::Changed(waiting.len() as u64, "entries that waited are gone".to_owned()),
            );
            grow(&mut script, &batch);
            match self.database.transact(script).await {
                Ok(()) => *edge = Some(batch.frontier),
                // Another process sealed, or does so at this moment.
                Err(StoreError::Conflict { .. } | StoreError::Refused(_)) => return Err(StoreError::Busy),
                Err(error) => return Err(error),
            }
            newest = Some(batch.checkpoint);
        }
    }

    /// Makes the ledger this key's, where it is nobody's yet.
    pub async fn claim(&self, log: &Log) -> Result<(), StoreError> {
        let origin = log.signer().name();
        if self.origin().await?.is_none() {
            let mut script = Script::default();
            let sql = "INSERT INTO ledger (origin) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM ledger)";
            script.add(sql, vec![Value::from(origin)], Outcome::Any);
            self.database.transact(script).await?;
        }
        match self.origin().await? {
            Some(found) if found == origin => Ok(()),
            found => Err(StoreError::OtherLedger {
                expected: origin.to_owned(),
                found: found.unwrap_or_else(|| "of nobody".to_owned()),
            }),
        }
    }

    /// Says that this gateway is alive, to those that share the ledger.
    pub async fn heartbeat(&self) -> Result<(), StoreError> {
        let now = self.database.dialect().now;
        let sql = format!(
            "INSERT INTO gateways (id, seen) VALUES (?, {now}) ON CONFLICT (id) DO UPDATE SET seen = excluded.seen"
        );
        let mut script = Script::default();
        script.add(sql, vec![Value::from(self.gateway.as_str())], Outcome::Any);
        script.add(
            format!("DELETE FROM gateways WHERE seen < {now} - ?"),
            vec![Value::from(FORGOTTEN.as_secs())],
            Outcome::Any,
        );
        self.database.transact(script).await
    }

    /// Open records whose gateway is gone: it has not been heard of for `lease`. Without a lease, nobody else may be
    /// writing, and every gateway but this one is gone.
    pub async fn abandoned(&self, lease: Option<Duration>) -> Result<Vec<RecordId>, StoreError> {
        let (gone, values) = self.gone("o", lease);
        let sql = format!("SELECT o.record FROM open_records o WHERE {gone} ORDER BY o.record");
        let found = self.database.fetch("look for abandoned records", &sql, values).await?;
        found.into_iter().map(|mut row| record_id(&row.bytes(0)?)).collect()
    }

    /// The condition on rows of `table` that their gateway is gone, and its values.
    pub(crate) fn gone(&self, table: &str, lease: Option<Duration>) -> (String, Vec<Value>) {
        let now = self.database.dialect().now;
        let mut values = vec![Value::from(self.gateway.as_str())];
        let mut gone = format!("{table}.gateway <> ?");
        if let Some(lease) = lease {
            values.push(Value::from(lease.as_secs()));
            gone.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM gateways g WHERE g.id = {table}.gateway AND g.seen >= {now} - ?)"
            ));
        }
        (gone, values)
    }

    /// Of these records, those that are open.
    pub async fn still_open(&self, records: &[RecordId]) -> Result<Vec<RecordId>, StoreError> {
        let mut open = Vec::new();
        for record in records {
            let values = vec![Value::from(&record.as_bytes()[..])];
            let sql = "SELECT record FROM open_records WHERE record = ?";
            if !self.database.fetch("look for an open record", sql, values).await?.is_empty() {
                open.push(*record);
            }
        }
        Ok(open)
    }

    /// Whether a record has a salt, and with it whatever texts are kept of it.
    pub async fn has_payload(&self, record: RecordId) -> Result<bool, StoreError> {
        let week = Week::of(&record);
        if !self.weeks().await?.get(&week).is_some_and(|tables| tables.there.contains("salts")) {
            return Ok(false);
        }
        let sql = format!("SELECT record FROM salts_{} WHERE record = ?", week.0);
        let values = vec![Value::from(&record.as_bytes()[..])];
        Ok(!self.database.fetch("look for a salt", &sql, values).await?.is_empty())
    }

    /// After a subject was erased: their records' salts, texts and emissions go too. The texts cannot be read any more already; this
    /// may take a while and may be repeated.
    pub async fn erase_payloads_of(&self, subject: &str) -> Result<(), StoreError> {
        for (week, tables) in self.weeks().await? {
            let mut script = Script::default();
            for table in ERASED.into_iter().filter(|table| tables.there.contains(*table)) {
                let sql = format!(
                    "DELETE FROM {table}_{week} WHERE record IN (SELECT record FROM records_{week} WHERE principal = ?)",
                    week = week.0
                );
                script.add(sql, vec![Value::from(subject)], Outcome::Any);
            }
            if tables.there.contains("records") {
                self.database.transact(script).await?;
            }
        }
        Ok(())
    }

    /// The tree that the newest checkpoint states, which must be what is stored: nothing is ever signed on top of anything
    /// else.
    pub async fn taken_up(&self, key: &note::Verifier) -> Result<Frontier, StoreError> {
        let diverged = |problem: String| StoreError::Diverged(problem);
        let Some(newest) = self.newest_checkpoint().await? else { return Ok(Frontier::default()) };
        let checkpoint = Checkpoint::open(&newest.note, key).map_err(|error| diverged(error.to_string()))?;
        let frontier = self.frontier(checkpoint.size).await?;
        if newest.size != checkpoint.size || frontier.root() != checkpoint.root {
            return Err(diverged(format!("the {} leaves it is of are not those stored", checkpoint.size)));
        }
        Ok(frontier)
    }

    /// Whether a batch took effect: transactions are whole, so that one of its entries stands for all.
    async fn is_there(&self, leaves: &[Leaf]) -> Result<bool, StoreError> {
        let Some(leaf) = leaves.first() else { return Ok(false) };
        let sql = format!("SELECT salt FROM {} WHERE record = ? AND part = ?", batch::bodies(leaf));
        let values =
            vec![Value::from(&leaf.statement.record.as_bytes()[..]), Value::from(leaf.statement.part)];
        let mut found = self.database.fetch("look for an entry", &sql, values).await?;
        // The same entry by another process, such as a completion for a record it took to be cut off, has another salt.
        found.first_mut().map_or(Ok(false), |row| Ok(row.bytes(0)? == leaf.salt))
    }

    /// Makes the tables of the weeks that entries belong to.
    async fn make_weeks(&self, leaves: &[Leaf]) -> Result<(), StoreError> {
        let wanted: BTreeSet<Week> = leaves.iter().filter_map(Leaf::week).collect();
        let mut known = self.weeks.lock().await;
        for week in wanted {
            if known.contains(&week) {
                continue;
            }
            let mut script = Script::default();
            for statement in self.database.dialect().week {
                script.add(statement.replace("{week}", &week.0.to_string()), Vec::new(), Outcome::Any);
            }
            self.database.transact(script).await?;
            known.insert(week);
        }
        Ok(())
    }

    /// Everything of a batch but the tree: what goes into one table goes in one statement.
    fn write_entries(
        &self,
        script: &mut Script,
        leaves: &[Leaf],
        effects: &[Effect],
    ) -> Result<(), StoreError> {
        self.keep_subjects(script, leaves);
        let mut rows = Rows::of(leaves, &self.gateway);
        for effect in effects {
            rows.beside(effect);
        }
        let settled = rows.write(script);
        self.effects(script, effects)?;
        settled.write(script);
        Ok(())
    }

    /// Whoever asked must still be known when the record of it becomes durable.
    fn keep_subjects(&self, script: &mut Script, leaves: &[Leaf]) {
        let asked = leaves.iter().filter_map(|leaf| match &leaf.entry {
            Entry::Intent(intent) => Some(intent.principal.as_str()),
            Entry::Feedback(feedback) => Some(feedback.principal.as_str()),
            _ => None,
        });
        for subject in asked.collect::<BTreeSet<_>>() {
            let sql = format!("SELECT 1 FROM subjects WHERE id = ?{}", self.database.dialect().keep);
            script.add(sql, vec![Value::from(subject)], Outcome::Known(subject.to_owned()));
        }
    }

    fn effects(&self, script: &mut Script, effects: &[Effect]) -> Result<(), StoreError> {
        for effect in effects {
            match effect {
                Effect::Salt { .. } | Effect::Text { .. } | Effect::Emissions { .. } | Effect::Settle(_) => {}
                Effect::CreateKey(key) => Self::keep_key(script, key)?,
                Effect::RevokeKey(id, at) => Self::revoke_key(script, id, *at),
                Effect::EraseRecord(record) => {
                    for table in ERASED {
                        script.add(
                            format!("DELETE FROM {table}_{} WHERE record = ?", Week::of(record).0),
                            vec![Value::from(&record.as_bytes()[..])],
                            Outcome::Any,
                        );
                    }
                }
                Effect::EraseSubject(id) => {
                    let problem = format!("there is no subject {id} to erase");
                    self.revoke_keys_of(script, id);
                    script.add(
                        "DELETE FROM subjects WHERE id = ?",
                        vec![Value::from(id.as_str())],
                        Outcome::Changed(1, problem),
                    );
                }
                Effect::Drop(week, dropped) => self.drop_week(script, *week, *dropped),
            }
        }
        Ok(())
    }

    /// Lets go of a week's tables.
    pub(crate) fn drop_week(&self, script: &mut Script, week: Week, dropped: Dropped) {
        let mut drop = |table: &str| {
            script.add(format!("DROP TABLE IF EXISTS {table}_{}", week.0), Vec::new(), Outcome::Any);
        };
        drop("salts");
        if dropped == Dropped::Records {
            drop("records");
            drop("bodies");
            drop("emissions");
            drop("marks");
        }
        let [before, after] = self.database.dialect().around_drop;
        script.add(before, Vec::new(), Outcome::Any);
        script.add(format!("DROP TABLE IF EXISTS texts_{}", week.0), Vec::new(), Outcome::Any);
        script.add(after, Vec::new(), Outcome::Any);
    }
}

pub(crate) fn record_id(bytes: &[u8]) -> Result<RecordId, StoreError> {
    let id = bytes.try_into().ok().and_then(RecordId::from_bytes);
    id.ok_or_else(|| StoreError::Damaged("a record has an unreadable id".to_owned()))
}

fn waiting(statement: &Statement, log: &Log) -> Vec<Value> {
    vec![
        Value::from(&statement.record.as_bytes()[..]),
        Value::from(statement.part),
        Value::from(u32::from(statement.kind.number())),
        Value::from(&statement.commitment[..]),
        Value::from(&log.pending_mac(statement)[..]),
    ]
}

/// Puts a batch under the tree.
fn grow(script: &mut Script, batch: &Batch) {
    let size = batch.frontier.size();
    script.add(
        "SELECT coalesce(max(leaf_index) + 1, 0) FROM leaves",
        Vec::new(),
        Outcome::Size(batch.previous_size),
    );
    let rows = batch.leaves.iter().zip(batch.previous_size..).map(|((statement, hash), index)| {
        vec![
            Value::from(index),
            Value::from(&statement.record.as_bytes()[..]),
            Value::from(statement.part),
            Value::from(u32::from(statement.kind.number())),
            Value::from(&statement.commitment[..]),
            Value::from(&hash[..]),
        ]
    });
    script.insert("leaves (leaf_index, record, part, kind, commitment, hash)", rows.collect(), "");
    let rows = batch.nodes.iter().map(|node| {
        vec![Value::from(u32::from(node.at.level)), Value::from(node.at.index), Value::from(&node.hash[..])]
    });
    script.insert("nodes (level, position, hash)", rows.collect(), "");
    if batch.previous_size < size && batch.previous_size / CHECKPOINT_EVERY == size / CHECKPOINT_EVERY {
        let replaced = vec![Value::from(batch.previous_size)];
        script.add(
            "DELETE FROM checkpoints WHERE size = ? AND NOT EXISTS \
             (SELECT 1 FROM cosignatures c WHERE c.size = checkpoints.size)",
            replaced,
            Outcome::Any,
        );
    }
    script.insert(
        "checkpoints (size, note)",
        vec![vec![Value::from(size), Value::from(batch.checkpoint.as_str())]],
        " ON CONFLICT (size) DO UPDATE SET note = excluded.note",
    );
}
