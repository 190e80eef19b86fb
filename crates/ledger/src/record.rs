//! Records whole: the two halves joined, with their places in the log. This is what is exported, a line each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use waymark_types::RecordId;

use crate::commitment::hex;
use crate::entry::{Completion, Entry, Intent};
use crate::tree::Hash;

/// The version of [`Record`]'s form. It changes when a reader of the old form would misread the new one; a new field
/// is no such change.
pub const RECORD_SCHEMA: &str = "waymark.record/1";

/// One record, whole: what was asked and decided, what came of it, and where in the log it says so.
///
/// The halves are as they were written: the canonical bytes of each, with its `kind`, are what its leaf stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Waymark record")]
pub struct Record {
    /// The form's name and version.
    #[schemars(extend("const" = RECORD_SCHEMA))]
    pub schema: String,
    /// The record's id.
    pub record: RecordId,
    /// The log's name, which is its key's name too.
    pub origin: String,
    /// What was asked and decided.
    pub intent: Intent,
    /// What came of it; `null` while the answer is under way.
    pub completion: Option<Completion>,
    /// Where in the log the halves are.
    pub leaves: Places,
}

/// Where in the log a record's halves are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Places {
    /// The intent's leaf.
    pub intent: Place,
    /// The completion's leaf.
    pub completion: Option<Place>,
}

/// One leaf of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Position in the log, from 0.
    pub index: u64,
    /// The leaf's hash (RFC 6962: SHA-256 of a zero byte and the leaf), in hexadecimal.
    pub sha256: String,
}

impl Place {
    /// The leaf with this hash at `index`.
    pub fn new(index: u64, hash: &Hash) -> Self {
        Self { index, sha256: hex(hash) }
    }

    /// The leaf's hash; `None` when the text is none.
    pub fn hash(&self) -> Option<Hash> {
        let (pairs, rest) = self.sha256.as_bytes().as_chunks::<2>();
        let digit = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes = pairs.iter().map(digit).collect::<Option<Vec<u8>>>()?;
        bytes.try_into().ok().filter(|_| rest.is_empty())
    }
}

impl Record {
    /// Joins the halves of a record of the log named `origin`.
    pub fn new(origin: &str, intent: (Intent, Place), completion: Option<(Completion, Place)>) -> Self {
        let (intent, intent_place) = intent;
        let (completion, completion_place) = completion.unzip();
        Self {
            schema: RECORD_SCHEMA.to_owned(),
            record: intent.record,
            origin: origin.to_owned(),
            intent,
            completion,
            leaves: Places { intent: intent_place, completion: completion_place },
        }
    }
}

/// Joins a log's halves as its leaves go by, in order. It holds the records that are open at that point and no others.
#[derive(Debug)]
pub struct Join {
    origin: String,
    open: BTreeMap<RecordId, (Intent, Place)>,
}

impl Join {
    /// Begins with nothing open in the log named `origin`.
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), open: BTreeMap::new() }
    }

    /// Takes the next leaf, and returns the record it makes whole. A completion whose intent did not go by, and an entry
    /// that is no half of a record, make none.
    pub fn push(&mut self, entry: Entry, place: Place) -> Option<Record> {
        match entry {
            Entry::Intent(intent) => {
                self.open.insert(intent.record, (intent, place));
                None
            }
            Entry::Completion(completion) => {
                let intent = self.open.remove(&completion.record)?;
                Some(Record::new(&self.origin, intent, Some((completion, place))))
            }
            _ => None,
        }
    }

    /// The records still open at the end, oldest first.
    pub fn finish(self) -> impl Iterator<Item = Record> {
        let origin = self.origin;
        self.open.into_values().map(move |intent| Record::new(&origin, intent, None))
    }
}

#[cfg(test)]
mod tests;
