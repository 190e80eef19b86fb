//! Lists of records, newest first, by what they are found by.

use waymark_ledger::{Completion, Entry, Intent, Week};
use waymark_types::{RecordId, Timestamp};

use crate::sql::Value;
use crate::{LedgerStore, StoreError};

/// Which records are wanted. Every field narrows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// The served model, else the one that was sent upstream.
    pub model: Option<String>,
    /// The route that decided.
    pub route: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// The repository.
    pub repository: Option<String>,
    /// The client's program and version.
    pub client: Option<String>,
    /// Who asked, by name.
    pub principal: Option<String>,
    /// How it ended.
    pub outcome: Option<String>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// Older than this record: where the last page ended.
    pub before: Option<RecordId>,
    /// How many at most.
    pub limit: u32,
}

/// Records of a page, newest first, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records, each with its completion where there is one.
    pub records: Vec<(Intent, Option<Completion>)>,
    /// The last record looked at, when there may be more after it. A page of a rare combination may be short and still
    /// have one: a look-up looks at so many records and no more.
    pub next: Option<RecordId>,
}

/// Records looked at for one page when several fields narrow it, at most.
const LOOKED_AT: usize = 20_000;
/// Of them, at a time.
const CHUNK: usize = 1_000;

impl LedgerStore {
    /// Lists records.
    pub async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        let Some(fields) = self.narrowing(query).await? else {
            return Ok(Page { records: Vec::new(), next: None });
        };
        let mut page = Page { records: Vec::new(), next: None };
        let (since, mut before) = (query.since.map(first_of), upper(query));
        let mut budget = LOOKED_AT;
        for (week, tables) in self.weeks().await?.iter().rev() {
            let is_there = tables.there.contains("records") && tables.there.contains("bodies");
            let above = before.as_ref().is_some_and(|before| first_of(week.start()) >= *before);
            let below = query.since.is_some_and(|since| week.end() <= since);
            if !is_there || above || below {
                continue;
            }
            loop {
                let wanted = query.limit as usize - page.records.len();
                let looked = self.look(*week, &fields, since.as_ref(), before.as_ref(), wanted).await?;
                page.records.extend(self.join(*week, &looked.found).await?);
                let Some(last) = looked.last else { break };
                budget = budget.saturating_sub(looked.count);
                let full = page.records.len() >= query.limit as usize;
                if full || budget == 0 {
                    page.next = RecordId::from_bytes(last);
                    return Ok(page);
                }
                before = Some(last);
            }
        }
        Ok(page)
    }

    /// The columns that narrow, the most telling first; `None` when nothing can be found.
    async fn narrowing(&self, query: &Query) -> Result<Option<Vec<(&'static str, String)>>, StoreError> {
        let mut fields = Vec::new();
        let mut add = |column, value: &Option<String>| {
            if let Some(value) = value {
                fields.push((column, value.clone()));
            }
        };
        add("session", &query.session);
        add("outcome", &query.outcome);
        add("client", &query.client);
        add("repository", &query.repository);
        add("model", &query.model);
        add("route", &query.route);
        if let Some(name) = &query.principal {
            let Some(subject) = self.known(name).await? else { return Ok(None) };
            fields.push(("principal", subject.id().to_owned()));
        }
        Ok(Some(fields))
    }

    /// Looks through a chunk of a week's records.
    async fn look(
        &self,
        week: Week,
        fields: &[(&'static str, String)],
        since: Option<&[u8; 16]>,
        before: Option<&[u8; 16]>,
        wanted: usize,
    ) -> Result<Looked, StoreError> {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        if let Some((column, value)) = fields.first() {
            conditions.push(format!("{column} = ?"));
            // Only what did not succeed is indexed: success is no way to find anything.
            if *column == "outcome" && value != "succeeded" {
                conditions.push("outcome <> 'succeeded'".to_owned());
            }
            values.push(Value::from(value.as_str()));
        }
        for (bound, sign) in [(since, ">="), (before, "<")] {
            if let Some(bound) = bound {
                conditions.push(format!("record {sign} ?"));
                values.push(Value::from(&bound[..]));
            }
        }
        let rest = fields.get(1..).unwrap_or_default();
        let limit = if rest.is_empty() { wanted } else { CHUNK };
        values.push(Value::from(limit as u64));
        let columns: String = rest.iter().map(|(column, _)| format!(", {column}")).collect();
        let conditions =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        let sql = format!(
            "SELECT record{columns} FROM records_{} {conditions} ORDER BY record DESC LIMIT ?",
            week.0
        );
        let mut looked = Looked { found: Vec::new(), last: None, count: 0 };
        let rows = self.database.fetch("list records", &sql, values).await?;
        let is_cut = rows.len() == limit;
        for mut row in rows {
            let record = row.bytes(0)?;
            let matches = rest
                .iter()
                .enumerate()
                .all(|(at, (_, value))| row.maybe_text(at + 1).as_deref() == Some(value.as_str()));
            looked.count += 1;
            looked.last = record.as_slice().try_into().ok();
            if matches {
                looked.found.push(record);
            }
            if looked.found.len() == wanted {
                return Ok(looked);
            }
        }
        if !is_cut {
            looked.last = None;
        }
        Ok(looked)
    }

    async fn join(
        &self,
        week: Week,
        records: &[Vec<u8>],
    ) -> Result<Vec<(Intent, Option<Completion>)>, StoreError> {
        let mut joined: Vec<(Intent, Option<Completion>)> = Vec::with_capacity(records.len());
        for body in self.said(week, records).await? {
            match Entry::from_body(&body)? {
                Entry::Intent(intent) => joined.push((intent, None)),
                Entry::Completion(completion) => {
                    if let Some(last) = joined.last_mut().filter(|last| last.0.record == completion.record) {
                        last.1 = Some(completion);
                    }
                }
                Entry::Snapshot(_) | Entry::Erasure(_) | Entry::Retention(_) => {}
            }
        }
        Ok(joined)
    }
}

/// What looking through a chunk came to.
struct Looked {
    found: Vec<Vec<u8>>,
    /// The last record looked at, when the chunk did not reach the end.
    last: Option<[u8; 16]>,
    count: usize,
}

/// The lowest id a record of this time can have.
fn first_of(time: Timestamp) -> [u8; 16] {
    let mut id = *RecordId::new(time, [0; 10]).as_bytes();
    id[6..].fill(0);
    id
}

/// The id below which records are wanted.
fn upper(query: &Query) -> Option<[u8; 16]> {
    let before = query.before.map(|record| *record.as_bytes());
    let until = query.until.map(first_of);
    match (before, until) {
        (Some(before), Some(until)) => Some(before.min(until)),
        (before, until) => before.or(until),
    }
}
