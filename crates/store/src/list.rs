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
    /// Where the next page begins, when there may be more: the last record looked at, or the beginning of its week. A
    /// page of a rare combination may be short and still have one: a look-up looks at so many records and no more.
    pub next: Option<RecordId>,
}

/// Records looked at for one page when several fields narrow it, at most.
const LOOKED_AT: usize = 20_000;
/// Of them, at a time.
const CHUNK: usize = 5_000;
/// A field that fewer records of a week have than this is counted to the end, to begin with the rarest.
const FEW: usize = 1_000;

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
            let bounds = Bounds { week: *week, since };
            let Some(fields) = self.rarest_first(&bounds, before.as_ref(), &fields).await? else { continue };
            let few = fields.first().map_or(0, |(_, count)| *count);
            loop {
                let wanted = query.limit as usize - page.records.len();
                let looked = self.look(&bounds, before.as_ref(), &fields, wanted).await?;
                page.records.extend(self.join(*week, &looked.found).await?);
                if fields.len() > 1 {
                    budget = budget.saturating_sub(if looked.last.is_some() { CHUNK } else { few });
                }
                let full = page.records.len() >= query.limit as usize;
                if budget == 0 || full && looked.last.is_some() {
                    let rest = || Some(RecordId::new(week.start(), [0; 10]));
                    page.next = looked.last.map_or_else(rest, RecordId::from_bytes);
                    return Ok(page);
                }
                let Some(last) = looked.last else { break };
                before = Some(last);
            }
        }
        Ok(page)
    }

    /// The columns that narrow, the most telling first; `None` when nothing can be found.
    async fn narrowing(&self, query: &Query) -> Result<Option<Vec<Field>>, StoreError> {
        let mut fields = Vec::new();
        let mut add = |column, value: &Option<String>| {
            if let Some(value) = value {
                fields.push((column, value.clone()));
            }
        };
        add("session", &query.session);
        add("client", &query.client);
        add("repository", &query.repository);
        add("model", &query.model);
        add("route", &query.route);
        if let Some(name) = &query.principal {
            let Some(subject) = self.known(name).await? else { return Ok(None) };
            fields.push(("principal", subject.id().to_owned()));
        }
        // Last: success is no way to find anything.
        fields.extend(query.outcome.clone().map(|outcome| ("outcome", outcome)));
        Ok(Some(fields))
    }

    /// Fields with the number of the week's records that have each, counted where there are several and up to
    /// [`FEW`]; the rarest first. `None` where there is one that none has.
    async fn rarest_first(
        &self,
        bounds: &Bounds,
        before: Option<&[u8; 16]>,
        fields: &[Field],
    ) -> Result<Option<Vec<(Field, usize)>>, StoreError> {
        if fields.len() < 2 {
            return Ok(Some(fields.iter().map(|field| (field.clone(), FEW)).collect()));
        }
        let (mut counts, mut values) = (Vec::new(), Vec::new());
        for field in fields {
            let (conditions, bound) = bounds.conditions(before, Some(field));
            counts.push(format!(
                "(SELECT count(*) FROM (SELECT record FROM records_{} {conditions} LIMIT {FEW}) AS c)",
                bounds.week.0
            ));
            values.extend(bound);
        }
        let sql = format!("SELECT {}", counts.join(", "));
        let found = self.database.fetch("count records", &sql, values).await?;
        let Some(row) = found.first() else { return Ok(None) };
        let mut counted = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            counted.push((field.clone(), row.position(at)? as usize));
        }
        counted.sort_by_key(|(_, count)| *count);
        Ok(counted.first().is_some_and(|(_, count)| *count > 0).then_some(counted))
    }

    /// Looks through a chunk of a week's records.
    async fn look(
        &self,
        bounds: &Bounds,
        before: Option<&[u8; 16]>,
        fields: &[(Field, usize)],
        wanted: usize,
    ) -> Result<Looked, StoreError> {
        let (conditions, mut values) = bounds.conditions(before, fields.first().map(|(field, _)| field));
        let table = format!("records_{}", bounds.week.0);
        let rest = fields.get(1..).unwrap_or_default();
        let limit = if rest.is_empty() { wanted } else { CHUNK };
        let within = format!("FROM {table} {conditions} ORDER BY record DESC LIMIT");
        let at_the_end =
            (format!("SELECT record {within} 1 OFFSET {}", limit.saturating_sub(1)), values.clone());
        let (mut columns, mut same) = (String::new(), Vec::new());
        for (field, count) in rest {
            if *count < FEW {
                // Those few lie together in the field's index; the records themselves lie anywhere.
                let (conditions, bound) = bounds.conditions(before, Some(field));
                same.push(format!("record IN (SELECT record FROM {table} {conditions})"));
                values.extend(bound);
            } else {
                columns.push_str(&format!(", {}", field.0));
                same.push(format!("{} = ?", field.0));
                values.push(Value::from(field.1.as_str()));
            }
        }
        let narrowed = if rest.is_empty() { String::new() } else { format!("WHERE {}", same.join(" AND ")) };
        let sql = format!(
            "SELECT record FROM (SELECT record{columns} {within} {limit}) AS looked \
             {narrowed} ORDER BY record DESC LIMIT {wanted}"
        );
        let mut found = Vec::new();
        for mut row in self.database.fetch("list records", &sql, values).await? {
            found.push(row.bytes(0)?);
        }
        let last = if found.len() == wanted || rest.is_empty() {
            found.last().filter(|_| found.len() == wanted).cloned()
        } else {
            let (sql, values) = at_the_end;
            let last = self.database.fetch("list records", &sql, values).await?.into_iter().next();
            last.map(|mut row| row.bytes(0)).transpose()?
        };
        Ok(Looked { last: last.and_then(|last| last.try_into().ok()), found })
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
                Entry::Snapshot(_)
                | Entry::Erasure(_)
                | Entry::Retention(_)
                | Entry::Key(_)
                | Entry::Feedback(_) => {}
            }
        }
        Ok(joined)
    }
}

/// A column that narrows, and to what.
type Field = (&'static str, String);

/// Where records are looked for.
struct Bounds {
    week: Week,
    since: Option<[u8; 16]>,
}

impl Bounds {
    /// The conditions on records within, and on one of their fields; and the values of these conditions.
    fn conditions(&self, before: Option<&[u8; 16]>, field: Option<&Field>) -> (String, Vec<Value>) {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        if let Some((column, value)) = field {
            conditions.push(format!("{column} = ?"));
            // Only what did not succeed is indexed: success is no way to find anything.
            if *column == "outcome" && value != "succeeded" {
                conditions.push("outcome <> 'succeeded'".to_owned());
            }
            values.push(Value::from(value.as_str()));
        }
        for (bound, sign) in [(self.since.as_ref(), ">="), (before, "<")] {
            if let Some(bound) = bound {
                conditions.push(format!("record {sign} ?"));
                values.push(Value::from(&bound[..]));
            }
        }
        let all = conditions.join(" AND ");
        (if all.is_empty() { all } else { format!("WHERE {all}") }, values)
    }
}

/// What looking through a chunk came to.
struct Looked {
    found: Vec<Vec<u8>>,
    /// The last record looked at, when the chunk did not reach the end.
    last: Option<[u8; 16]>,
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
