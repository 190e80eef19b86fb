//! What a batch writes beside the tree, gathered by table: a statement a row would cost a way to the database each.

use std::collections::{BTreeMap, HashMap, HashSet};

use waymark_ledger::{Completion, Entry, Leaf, Listing, Week};
use waymark_types::RecordId;

use crate::Effect;
use crate::spend::Settled;
use crate::sql::{Outcome, Script, Value};

/// Records completed by one statement at most.
const AT_ONCE: usize = 1_000;

/// Rows by the table, with its columns, that they go into; and records that are completed.
#[derive(Default)]
pub(crate) struct Rows {
    inserted: BTreeMap<String, Vec<Vec<Value>>>,
    /// Of each week, records begun in earlier batches, with the model and outcome they are listed under from now on.
    completed: BTreeMap<Week, Vec<(RecordId, [Value; 2])>>,
    settled: Settled,
}

impl Rows {
    /// The rows of entries that `gateway` makes.
    pub(crate) fn of(leaves: &[Leaf], gateway: &str) -> Self {
        let mut rows = Self::default();
        let completions: HashMap<RecordId, &Completion> = leaves.iter().filter_map(completion).collect();
        let begun: HashSet<RecordId> = leaves.iter().filter_map(intent).collect();
        for leaf in leaves {
            rows.insert(
                format!("{} (record, part, salt, body)", bodies(leaf)),
                vec![
                    id(&leaf.statement.record),
                    Value::from(leaf.statement.part),
                    Value::from(&leaf.salt[..]),
                    Value::from(&leaf.body[..]),
                ],
            );
            let Some(week) = leaf.week() else { continue };
            match &leaf.entry {
                Entry::Intent(intent) => {
                    let mut listing = Listing::of(intent);
                    match completions.get(&intent.record) {
                        Some(completion) => listing.complete(completion),
                        None => rows.insert(
                            "open_records (record, gateway)".to_owned(),
                            vec![id(&intent.record), Value::from(gateway)],
                        ),
                    }
                    rows.list(week, &intent.record, &listing);
                }
                Entry::Completion(completion) if !begun.contains(&completion.record) => {
                    let listed = [
                        Value::from(Listing::model(completion).as_ref()),
                        Value::from(completion.outcome.as_str()),
                    ];
                    rows.completed.entry(week).or_default().push((completion.record, listed));
                }
                _ => {}
            }
        }
        rows
    }

    /// Adds what goes beside an entry.
    pub(crate) fn beside(&mut self, effect: &Effect) {
        match effect {
            Effect::Salt { record, salt } => {
                let into = format!("salts_{} (record, salt)", Week::of(record).0);
                self.insert(into, vec![id(record), Value::from(&salt[..])]);
            }
            Effect::Text { record, text, sealed } => {
                let into = format!("texts_{} (record, part, text)", Week::of(record).0);
                self.insert(into, vec![id(record), Value::from(text.part()), Value::from(&sealed[..])]);
            }
            Effect::Emissions { record, bytes, marks } => {
                let week = Week::of(record).0;
                self.insert(
                    format!("emissions_{week} (record, emissions)"),
                    vec![id(record), Value::from(&bytes[..])],
                );
                for mark in marks {
                    let into = format!("marks_{week} (mark, record)");
                    self.insert(into, vec![Value::from(mark.cast_signed()), id(record)]);
                }
            }
            Effect::Settle(settlement) => self.settled.add(settlement),
            Effect::EraseRecord(_)
            | Effect::EraseSubject(_)
            | Effect::Drop(..)
            | Effect::CreateKey(_)
            | Effect::RevokeKey(..) => {}
        }
    }

    fn insert(&mut self, into: String, row: Vec<Value>) {
        self.inserted.entry(into).or_default().push(row);
    }

    fn list(&mut self, week: Week, record: &RecordId, listing: &Listing) {
        let into = format!(
            "records_{} (record, principal, client, session, repository, route, model, outcome)",
            week.0
        );
        self.insert(
            into,
            vec![
                id(record),
                Value::from(listing.principal.as_str()),
                Value::from(listing.client.as_ref()),
                Value::from(listing.session.as_ref()),
                Value::from(listing.repository.as_ref()),
                Value::from(listing.route.as_ref()),
                Value::from(listing.model.as_ref()),
                Value::from(listing.outcome.as_ref()),
            ],
        );
    }

    /// Adds the statements. Returns what was settled, which is written last: it may wait for other gateways.
    pub(crate) fn write(self, script: &mut Script) -> Settled {
        for (into, rows) in self.inserted {
            script.insert(&into, rows, "");
        }
        for (week, completed) in self.completed {
            for completed in completed.chunks(AT_ONCE) {
                complete(script, week, completed);
            }
        }
        self.settled
    }
}

/// Takes records off the list of open ones, all of which must be on it, and lists each under what it came to.
fn complete(script: &mut Script, week: Week, completed: &[(RecordId, [Value; 2])]) {
    let problem = match completed {
        [(record, _)] => format!("record {record} has no intent to complete"),
        _ => format!("one of {} records has no intent to complete", completed.len()),
    };
    let places = vec!["?"; completed.len()].join(", ");
    script.add(
        format!("DELETE FROM open_records WHERE record IN ({places})"),
        completed.iter().map(|(record, _)| id(record)).collect(),
        Outcome::Changed(completed.len() as u64, problem),
    );
    let rows = vec!["(?, ?, ?)"; completed.len()].join(", ");
    script.add(
        format!(
            "UPDATE records_{week} SET model = came.column2, outcome = came.column3 \
             FROM (VALUES {rows}) AS came WHERE records_{week}.record = came.column1",
            week = week.0
        ),
        completed
            .iter()
            .flat_map(|(record, [model, outcome])| [id(record), model.clone(), outcome.clone()])
            .collect(),
        Outcome::Any,
    );
}

fn completion(leaf: &Leaf) -> Option<(RecordId, &Completion)> {
    match &leaf.entry {
        Entry::Completion(completion) => Some((completion.record, completion)),
        _ => None,
    }
}

fn intent(leaf: &Leaf) -> Option<RecordId> {
    match &leaf.entry {
        Entry::Intent(intent) => Some(intent.record),
        _ => None,
    }
}

fn id(record: &RecordId) -> Value {
    Value::from(&record.as_bytes()[..])
}

/// The table an entry's body lives in.
pub(crate) fn bodies(leaf: &Leaf) -> String {
    leaf.week().map_or_else(|| "bodies".to_owned(), |week| format!("bodies_{}", week.0))
}
