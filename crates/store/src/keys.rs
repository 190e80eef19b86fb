//! Virtual keys: kept beside the ledger so that they are found by their secret's hash, on the terms that its entries say.

use std::collections::BTreeMap;

use waymark_ledger::{Absences, Entry, Erased, KeyEvent, KeyTerms, Kind, canonical};
use waymark_types::Timestamp;

use crate::sql::{Fields, Outcome, Script, Value};
use crate::{LedgerStore, StoreError};

/// A virtual key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its id, which records carry.
    pub id: String,
    /// Whose it is, by name; `None` once the owner was erased, and then it holds no more.
    pub owner: Option<String>,
    /// What it is for, in its maker's words; empty where nobody said.
    pub label: String,
    /// What it allows.
    pub terms: KeyTerms,
    /// When it was made.
    pub created: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// How many keys there are, and how many of them are revoked: since keys are only ever made and revoked, as long as this
/// stays the same so do they.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyCount {
    /// All of them.
    pub made: u64,
    /// Those that hold no more.
    pub revoked: u64,
}

impl LedgerStore {
    /// How many keys there are.
    pub async fn key_count(&self) -> Result<KeyCount, StoreError> {
        let sql = "SELECT count(*), count(*) FILTER (WHERE revoked > 0) FROM keys";
        let found = self.database.fetch("count the keys", sql, Vec::new()).await?;
        let Some(row) = found.first() else { return Ok(KeyCount::default()) };
        Ok(KeyCount { made: row.position(0)?, revoked: row.position(1)? })
    }

    /// Every key, the oldest first; none where the ledger is older than keys are.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, StoreError> {
        if !self.has_table("keys").await? {
            return Ok(Vec::new());
        }
        let sql = "SELECT k.id, s.name, k.label, k.terms, k.created, k.revoked FROM keys k \
                   LEFT JOIN subjects s ON s.id = k.owner ORDER BY k.created, k.id";
        let found = self.database.fetch("read the keys", sql, Vec::new()).await?;
        found.into_iter().map(key).collect()
    }

    /// Whether there is a table of this name: a ledger that is only read may be older than it.
    pub(crate) async fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        let tables = self.database.dialect().tables;
        for mut row in self.database.fetch("list the tables", tables, Vec::new()).await? {
            if row.text(0)? == name {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What is wrong with the keys beside what the ledger's entries say of them; `None` when nothing is.
    pub(crate) async fn check_keys(&self, absences: &Absences) -> Result<Option<String>, StoreError> {
        let mut said = self.said_of_keys().await?;
        for key in self.keys().await? {
            let Some((terms, created, revoked)) = said.remove(&key.id) else {
                return Ok(Some(format!("no entry made the key {}", key.id)));
            };
            let gone = revoked || absences.is_erased(&Erased::Subject(terms.owner.clone()));
            if key.terms != terms || key.created != created {
                return Ok(Some(format!("the key {} is not what its entry says", key.id)));
            }
            if key.revoked.is_some() != gone {
                let problem = if gone { "was revoked and holds" } else { "is revoked, and no entry says so" };
                return Ok(Some(format!("the key {} {problem}", key.id)));
            }
        }
        Ok(said.into_keys().next().map(|id| format!("the key {id} is missing")))
    }

    /// What the entries say of each key: its terms, when it was made, and whether it was revoked.
    async fn said_of_keys(&self) -> Result<BTreeMap<String, (KeyTerms, Timestamp, bool)>, StoreError> {
        let of = Kind::Key.number();
        // What waits to be put under the tree counts.
        let sql = format!(
            "SELECT b.body FROM bodies b JOIN leaves l ON l.record = b.record AND l.part = b.part \
             WHERE l.kind > 1 AND l.kind = {of} UNION ALL \
             SELECT b.body FROM bodies b JOIN pending p ON p.record = b.record AND p.part = b.part WHERE p.kind = {of}"
        );
        let (mut said, mut revoked) = (BTreeMap::new(), Vec::new());
        for mut row in self.database.fetch("read what was done to keys", &sql, Vec::new()).await? {
            let Entry::Key(change) = Entry::from_body(&row.bytes(0)?)? else { continue };
            match change.change {
                KeyEvent::Created(terms) => {
                    said.insert(change.key, (*terms, change.recorded, false));
                }
                KeyEvent::Revoked => revoked.push(change.key),
            }
        }
        for key in revoked {
            if let Some((_, _, revoked)) = said.get_mut(&key) {
                *revoked = true;
            }
        }
        Ok(said)
    }

    /// Keeps a new key.
    pub(crate) fn keep_key(script: &mut Script, key: &StoredKey) -> Result<(), StoreError> {
        let terms = canonical::to_bytes(&key.terms).map_err(waymark_ledger::EntryError::from)?;
        let row = vec![
            Value::from(key.id.as_str()),
            Value::from(key.terms.owner.as_str()),
            Value::from(key.label.as_str()),
            Value::from(&*String::from_utf8_lossy(&terms)),
            Value::from(key.created.as_micros()),
            Value::from(0_i64),
        ];
        script.insert("keys (id, owner, label, terms, created, revoked)", vec![row], "");
        Ok(())
    }

    /// Lets a key hold no more.
    pub(crate) fn revoke_key(script: &mut Script, id: &str, at: Timestamp) {
        script.add(
            "UPDATE keys SET revoked = ? WHERE id = ? AND revoked = 0",
            vec![Value::from(at.as_micros()), Value::from(id)],
            Outcome::Changed(1, format!("there is no key {id} that holds")),
        );
    }

    /// An owner is erased: their keys hold no more, and what was noted on them goes.
    pub(crate) fn revoke_keys_of(&self, script: &mut Script, owner: &str) {
        let now = self.database.dialect().now;
        let sql = format!(
            "UPDATE keys SET label = '', revoked = CASE WHEN revoked = 0 THEN {now} * 1000000 ELSE revoked END \
             WHERE owner = ?"
        );
        script.add(sql, vec![Value::from(owner)], Outcome::Any);
    }
}

fn key(mut row: Fields) -> Result<StoredKey, StoreError> {
    let id = row.text(0)?;
    let terms = serde_json::from_str(&row.text(3)?)
        .map_err(|error| StoreError::Damaged(format!("the key {id} cannot be read: {error}")))?;
    let revoked = row.int(5)?;
    Ok(StoredKey {
        owner: row.maybe_text(1),
        label: row.text(2)?,
        terms,
        created: Timestamp::from_micros(row.int(4)?),
        revoked: (revoked > 0).then(|| Timestamp::from_micros(revoked)),
        id,
    })
}
