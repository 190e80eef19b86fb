//! Leaves: what stands in the tree for an entry. A leaf says which record it belongs to and commits to what the entry
//! says; the entry's own bytes, its body, live beside the tree and may be dropped without breaking it.

use std::fmt;

use serde::{Deserialize, Serialize};
use waymark_types::{RecordId, Timestamp};

use crate::commitment::{self, Salt, hex};
use crate::entry::{Entry, EntryError};
use crate::tree::{Hash, leaf_hash};

/// What kind of entry a leaf stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The first half of a record.
    Intent,
    /// The second half of a record.
    Completion,
    /// A routing snapshot, or a part of one.
    Snapshot,
    /// Something was destroyed on demand.
    Erasure,
    /// A week was dropped for its age.
    Retention,
    /// A virtual key was made or revoked.
    Key,
    /// An editor said what became of a suggestion.
    Feedback,
}

impl Kind {
    /// Every kind, at the place its number in a store says.
    pub const ALL: [Self; 7] = [
        Self::Intent,
        Self::Completion,
        Self::Snapshot,
        Self::Erasure,
        Self::Retention,
        Self::Key,
        Self::Feedback,
    ];

    /// Its number in a store.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The kind of this number.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|at| Self::ALL.get(at).copied())
    }

    /// Whether its entries are filed under a week and go with it, as records do; all others stay.
    pub fn ages(self) -> bool {
        matches!(self, Self::Intent | Self::Completion | Self::Feedback)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intent => "intent",
            Self::Completion => "completion",
            Self::Snapshot => "snapshot",
            Self::Erasure => "erasure",
            Self::Retention => "retention",
            Self::Key => "key",
            Self::Feedback => "feedback",
        })
    }
}

/// The week a record belongs to: whole weeks since 1970-01-01T00:00Z, by the time in its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week(pub u64);

impl Week {
    const MILLIS: u64 = 7 * 24 * 60 * 60 * 1_000;

    /// The week of a record.
    pub fn of(record: &RecordId) -> Self {
        Self(record.millis() / Self::MILLIS)
    }

    /// The week of a time.
    pub fn at(time: Timestamp) -> Self {
        Self(u64::try_from(time.as_micros() / 1_000).unwrap_or_default() / Self::MILLIS)
    }

    /// When it begins.
    pub fn start(self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.0.saturating_mul(Self::MILLIS * 1_000)).unwrap_or(i64::MAX))
    }

    /// When it ends, which is when the next one begins.
    pub fn end(self) -> Timestamp {
        Self(self.0 + 1).start()
    }
}

/// What a leaf states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    /// The record it belongs to.
    pub record: RecordId,
    /// Its place among the record's entries.
    pub part: u32,
    /// What kind of entry it stands for.
    pub kind: Kind,
    /// HMAC-SHA-256 of the entry's body under the entry's salt.
    pub commitment: Hash,
}

impl Statement {
    /// The leaf: `{"hmac_sha256":"…","kind":"intent","part":0,"record":"…"}`, which is its own canonical form.
    pub fn to_leaf(&self) -> Vec<u8> {
        format!(
            r#"{{"hmac_sha256":"{}","kind":"{}","part":{},"record":"{}"}}"#,
            hex(&self.commitment),
            self.kind,
            self.part,
            self.record
        )
        .into_bytes()
    }

    /// The leaf's hash in the tree.
    pub fn hash(&self) -> Hash {
        leaf_hash(&self.to_leaf())
    }
}

/// An entry ready for the ledger: what its leaf will state, and what goes beside the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// What the leaf states.
    pub statement: Statement,
    /// The salt of its commitment.
    pub salt: Salt,
    /// The entry's canonical bytes.
    pub body: Vec<u8>,
    /// The entry.
    pub entry: Entry,
}

impl Leaf {
    /// Makes an entry's leaf under 32 random bytes of its own, so that one bad entry is refused before it joins a batch.
    pub fn new(entry: Entry, salt: Salt) -> Result<Self, EntryError> {
        let body = entry.to_body()?;
        let commitment = commitment::mac(&salt, &body);
        let statement =
            Statement { record: entry.record(), part: entry.part(), kind: entry.kind(), commitment };
        Ok(Self { statement, salt, body, entry })
    }

    /// The week it is filed under; `None` for what stays.
    pub fn week(&self) -> Option<Week> {
        self.statement.kind.ages().then(|| Week::of(&self.statement.record))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::canonical;

    /// The leaf by the general rules.
    fn canonical_leaf(statement: &Statement) -> Vec<u8> {
        #[derive(Serialize)]
        struct Form {
            record: RecordId,
            kind: Kind,
            part: u32,
            hmac_sha256: String,
        }
        let Statement { record, part, kind, commitment } = *statement;
        canonical::to_bytes(&Form { record, kind, part, hmac_sha256: hex(&commitment) }).unwrap()
    }

    proptest! {
        #[test]
        fn a_leaf_is_its_canonical_form(millis in 0_i64..(1 << 47), random: [u8; 10], part: u32, kind in 0_i64..7, commitment: [u8; 32]) {
            let record = RecordId::new(Timestamp::from_micros(millis * 1_000), random);
            let statement = Statement { record, part, kind: Kind::from_number(kind).unwrap(), commitment };
            prop_assert_eq!(statement.to_leaf(), canonical_leaf(&statement));
            prop_assert_eq!(i64::from(statement.kind.number()), kind);
            let week = Week::of(&record);
            prop_assert_eq!(week, Week::at(Timestamp::from_micros(millis * 1_000)));
            prop_assert!(week.start().as_micros() <= millis * 1_000 && millis * 1_000 < week.end().as_micros());
        }
    }
}
