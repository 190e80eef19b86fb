//! What was used and what calls under way may come to, counted by account and period. The sum of both never goes over a
//! budget: a call is let through by one statement that looks and takes at once.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use waymark_types::RecordId;

use crate::append::record_id;
use crate::sql::{Fields, Outcome, Script, Value};
use crate::{LedgerStore, StoreError};

/// Amounts are held to what a record can carry, so that sums of many fit.
const MOST: u64 = (1 << 53) - 1;

/// What follows rows that are added to what is there.
const ADDED: &str = " ON CONFLICT (account, period) DO UPDATE SET cost = spend.cost + excluded.cost, \
     assumed_cost = spend.assumed_cost + excluded.assumed_cost, tokens = spend.tokens + excluded.tokens, \
     assumed_tokens = spend.assumed_tokens + excluded.assumed_tokens, requests = spend.requests + excluded.requests";
const SPEND: &str = "spend (account, period, cost, assumed_cost, tokens, assumed_tokens, requests)";

/// What is counted together: all that an account used in a period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// A key, an owner, or everybody.
    pub account: String,
    /// A day or a month.
    pub period: String,
}

/// Money and tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Micro-USD.
    pub cost: u64,
    /// Tokens, input and output together.
    pub tokens: u64,
}

impl Amount {
    /// Both sums.
    pub fn plus(self, other: Self) -> Self {
        Self { cost: self.cost.saturating_add(other.cost), tokens: self.tokens.saturating_add(other.tokens) }
    }
}

/// A counter and what it may come to; `None` is without limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// The counter.
    pub counter: Counter,
    /// Micro-USD at most.
    pub cost: Option<u64>,
    /// Tokens at most.
    pub tokens: Option<u64>,
}

impl Budget {
    /// Whether `wanted` fits beside what was used.
    pub fn has_room(&self, spent: &Spent, wanted: Amount) -> bool {
        let total = spent.total().plus(wanted);
        self.cost.is_none_or(|most| total.cost <= most) && self.tokens.is_none_or(|most| total.tokens <= most)
    }
}

/// What a call may come to, under every budget that it is counted in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The call's record.
    pub record: RecordId,
    /// The budgets, at least one.
    pub budgets: Vec<Budget>,
    /// The most it is expected to come to.
    pub amount: Amount,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The call's record.
    pub record: RecordId,
    /// Where it is counted.
    pub counters: Vec<Counter>,
    /// What the record says.
    pub counted: Amount,
    /// What is assumed where the record does not know.
    pub assumed: Amount,
    /// Whether something was reserved for it.
    pub reserved: bool,
}

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// By the records.
    pub counted: Amount,
    /// By estimate, for calls of which nobody knows what they came to.
    pub assumed: Amount,
    /// What calls under way may come to.
    pub reserved: Amount,
    /// Calls that ended.
    pub requests: u64,
}

impl Spent {
    /// Everything that counts against a budget.
    pub fn total(&self) -> Amount {
        self.counted.plus(self.assumed).plus(self.reserved)
    }
}

impl LedgerStore {
    /// Reserves what calls may come to, each in all of its budgets or in none: those it could be done for.
    pub async fn reserve(&self, wanted: &[Reservation]) -> Result<HashSet<RecordId>, StoreError> {
        let mut script = Script::default();
        self.lock_spend(&mut script);
        for reservation in wanted.iter().filter(|wanted| !wanted.budgets.is_empty()) {
            let (sql, values) = reserving(reservation, &self.gateway);
            script.add(sql, values, Outcome::Any);
        }
        self.database.transact(script).await?;
        let records: Vec<Value> = wanted.iter().map(|wanted| id(&wanted.record)).collect();
        let places = vec!["?"; records.len()].join(", ");
        let sql = format!("SELECT DISTINCT record FROM reservations WHERE record IN ({places})");
        let found = self.database.fetch("look for reservations", &sql, records).await?;
        found.into_iter().map(|mut row| record_id(&row.bytes(0)?)).collect()
    }

    /// What was used, by counter; nothing where a counter is missing.
    pub async fn spent(&self, counters: &[Counter]) -> Result<HashMap<Counter, Spent>, StoreError> {
        let mut spent: HashMap<Counter, Spent> = HashMap::new();
        if counters.is_empty() || !self.has_table("spend").await? {
            return Ok(spent);
        }
        for counters in counters.chunks(1_000) {
            let places = vec!["(?, ?)"; counters.len()].join(", ");
            let values = || -> Vec<Value> {
                let both = |counter: &Counter| [text(&counter.account), text(&counter.period)];
                counters.iter().flat_map(both).collect()
            };
            let sql = format!(
                "SELECT account, period, cost, assumed_cost, tokens, assumed_tokens, requests FROM spend \
                 WHERE (account, period) IN (VALUES {places})"
            );
            for mut row in self.database.fetch("read what was used", &sql, values()).await? {
                let entry = spent.entry(counter(&mut row)?).or_default();
                entry.counted = Amount { cost: row.position(2)?, tokens: row.position(4)? };
                entry.assumed = Amount { cost: row.position(3)?, tokens: row.position(5)? };
                entry.requests = row.position(6)?;
            }
            let sql = format!(
                "SELECT account, period, CAST(sum(cost) AS BIGINT), CAST(sum(tokens) AS BIGINT) FROM reservations \
                 WHERE (account, period) IN (VALUES {places}) GROUP BY account, period"
            );
            for mut row in self.database.fetch("read what is reserved", &sql, values()).await? {
                let entry = spent.entry(counter(&mut row)?).or_default();
                entry.reserved = Amount { cost: row.position(2)?, tokens: row.position(3)? };
            }
        }
        Ok(spent)
    }

    /// Of these records, lets go of what is still reserved, and takes it for used: nobody will know better.
    pub async fn assume(&self, records: &[RecordId]) -> Result<(), StoreError> {
        for records in records.chunks(1_000) {
            let mut script = Script::default();
            self.lock_spend(&mut script);
            let places = vec!["?"; records.len()].join(", ");
            let values: Vec<Value> = records.iter().map(id).collect();
            let bytewise = self.database.dialect().bytewise;
            let sql = format!(
                "INSERT INTO {SPEND} SELECT account, period, 0, sum(cost), 0, sum(tokens), count(*) FROM reservations \
                 WHERE record IN ({places}) GROUP BY account, period \
                 ORDER BY account{bytewise}, period{bytewise}{ADDED}"
            );
            script.add(sql, values.clone(), Outcome::Any);
            let sql = format!("DELETE FROM reservations WHERE record IN ({places})");
            script.add(sql, values, Outcome::Any);
            self.database.transact(script).await?;
        }
        Ok(())
    }

    /// Records that something is reserved for by a gateway that is gone, as [`LedgerStore::abandoned`] has it.
    pub async fn abandoned_reservations(&self, lease: Option<Duration>) -> Result<Vec<RecordId>, StoreError> {
        let (gone, values) = self.gone("o", lease);
        let sql = format!("SELECT DISTINCT o.record FROM reservations o WHERE {gone}");
        let found = self.database.fetch("look for abandoned reservations", &sql, values).await?;
        found.into_iter().map(|mut row| record_id(&row.bytes(0)?)).collect()
    }

    /// Takes `take` out of a bucket that holds `most` and fills with as much in a minute, if that much is in it.
    pub async fn take(&self, bucket: &str, most: u64, take: u64) -> Result<bool, StoreError> {
        let now = self.database.dialect().now;
        // In sixtieths, so that a second's worth is a whole number.
        let (most, take) = (most.min(MOST / 60), take.min(MOST / 60));
        let (full, taken) = (Value::from(most * 60), Value::from(take * 60));
        let mut script = Script::default();
        let sql = format!(
            "INSERT INTO rates (bucket, level, filled) VALUES (?, ?, {now}) ON CONFLICT (bucket) DO NOTHING"
        );
        script.add(sql, vec![text(bucket), full.clone()], Outcome::Any);
        // A clock that went back fills nothing.
        let level = format!("level + CASE WHEN {now} > filled THEN ({now} - filled) * ? ELSE 0 END");
        let level = format!("CASE WHEN {level} > ? THEN ? ELSE {level} END");
        let sql =
            format!("UPDATE rates SET level = {level} - ?, filled = {now} WHERE bucket = ? AND {level} >= ?");
        let filled = [Value::from(most), full.clone(), full, Value::from(most)];
        let mut values = filled.to_vec();
        values.extend([taken.clone(), text(bucket)]);
        values.extend(filled);
        values.push(taken);
        script.add(sql, values, Outcome::Changed(1, EMPTY.to_owned()));
        match self.database.transact(script).await {
            Ok(()) => Ok(true),
            Err(StoreError::Refused(problem)) if problem == EMPTY => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Keeps other gateways from reserving until the transaction's end.
    pub(crate) fn lock_spend(&self, script: &mut Script) {
        if let Some(lock) = self.database.dialect().lock_spend {
            script.add(lock, Vec::new(), Outcome::Any);
        }
    }
}

/// What a bucket's refusal is called.
const EMPTY: &str = "the bucket has too little in it";

/// The statement that reserves under all budgets or none.
fn reserving(reservation: &Reservation, gateway: &str) -> (String, Vec<Value>) {
    let places = vec!["(?, ?, ?, ?)"; reservation.budgets.len()].join(", ");
    let used = |what: &str| {
        format!(
            "b.{what} < ? + coalesce((SELECT s.{what} + s.assumed_{what} FROM spend s \
             WHERE s.account = b.account AND s.period = b.period), 0) + coalesce((SELECT sum(r.{what}) \
             FROM reservations r WHERE r.account = b.account AND r.period = b.period), 0)"
        )
    };
    let sql = format!(
        "WITH b (account, period, cost, tokens) AS (VALUES {places}) \
         INSERT INTO reservations (record, account, period, gateway, cost, tokens) \
         SELECT ?, b.account, b.period, ?, ?, ? FROM b WHERE NOT EXISTS (SELECT 1 FROM b WHERE {} OR {})",
        used("cost"),
        used("tokens")
    );
    let most = |most: Option<u64>| most.map_or(Value::from(i64::MAX), Value::from);
    let budget = |budget: &Budget| {
        let Counter { account, period } = &budget.counter;
        [text(account), text(period), most(budget.cost), most(budget.tokens)]
    };
    let mut values: Vec<Value> = reservation.budgets.iter().flat_map(budget).collect();
    let [cost, tokens] = bounded(reservation.amount);
    values.extend([id(&reservation.record), text(gateway), cost.clone(), tokens.clone(), cost, tokens]);
    (sql, values)
}

fn bounded(amount: Amount) -> [Value; 2] {
    [Value::from(amount.cost.min(MOST)), Value::from(amount.tokens.min(MOST))]
}

/// What a batch's calls came to, gathered by counter.
#[derive(Default)]
pub(crate) struct Settled {
    counted: std::collections::BTreeMap<Counter, (Amount, Amount, u64)>,
    released: Vec<RecordId>,
}

impl Settled {
    /// Adds a call.
    pub(crate) fn add(&mut self, settlement: &Settlement) {
        for counter in &settlement.counters {
            let (counted, assumed, requests) = self.counted.entry(counter.clone()).or_default();
            *counted = counted.plus(settlement.counted);
            *assumed = assumed.plus(settlement.assumed);
            *requests += 1;
        }
        self.released.extend(settlement.reserved.then_some(settlement.record));
    }

    /// Adds the statements. No lock is needed: what was reserved and what it came to change places at once, and rows are
    /// taken in one order by everybody, so that no two gateways wait for each other.
    pub(crate) fn write(self, script: &mut Script) {
        let rows = self.counted.into_iter().map(|(counter, (counted, assumed, requests))| {
            let ([cost, tokens], [assumed_cost, assumed_tokens]) = (bounded(counted), bounded(assumed));
            let (account, period) = (text(&counter.account), text(&counter.period));
            vec![account, period, cost, assumed_cost, tokens, assumed_tokens, Value::from(requests)]
        });
        script.insert(SPEND, rows.collect(), ADDED);
        if !self.released.is_empty() {
            let places = vec!["?"; self.released.len()].join(", ");
            let sql = format!("DELETE FROM reservations WHERE record IN ({places})");
            script.add(sql, self.released.iter().map(id).collect(), Outcome::Any);
        }
    }
}

fn counter(row: &mut Fields) -> Result<Counter, StoreError> {
    Ok(Counter { account: row.text(0)?, period: row.text(1)? })
}

fn id(record: &RecordId) -> Value {
    Value::from(&record.as_bytes()[..])
}

fn text(text: &str) -> Value {
    Value::from(text)
}
