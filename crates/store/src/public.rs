//! What of the ledger is public: checkpoints with what witnesses signed under them, tiles, entry bundles and proofs, as
//! C2SP tlog-tiles has them. All of it is commitments.

use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::cosignature;
use waymark_ledger::note::{self, Note};
use waymark_ledger::proof_file::Proof;
use waymark_ledger::tiles::{Resource, encode_entries, encode_hashes};
use waymark_ledger::tree::{self, Hash};

use crate::sql::{Outcome, Script, Value};
use crate::{LedgerStore, StoreError, StoredCheckpoint};

impl LedgerStore {
    /// A tile or an entry bundle; `None` where the tree does not have all of it yet.
    pub async fn resource(&self, resource: &Resource) -> Result<Option<Vec<u8>>, StoreError> {
        let sealed = self.newest_checkpoint().await?.map_or(0, |newest| newest.size);
        match resource {
            Resource::Tile(tile) if tile.is_in_tree(sealed) => {
                let hashes = self.tile(tile.level, tile.positions()).await?;
                let is_whole = hashes.len() == usize::from(tile.width);
                if is_whole { Ok(Some(encode_hashes(&hashes))) } else { Err(cut(&tile.path())) }
            }
            Resource::Bundle(bundle) if bundle.is_in_tree(sealed) => {
                let range = bundle.positions();
                let values = vec![Value::from(range.start), Value::from(range.end)];
                let rows = self.leaves("leaf_index >= ? AND leaf_index < ?", values).await?;
                let leaves = rows.iter().map(|row| row.leaf.statement().map(|statement| statement.to_leaf()));
                let leaves: Option<Vec<Vec<u8>>> = leaves.collect();
                let leaves = leaves.filter(|leaves| leaves.len() == usize::from(bundle.width));
                let leaves = leaves.ok_or_else(|| cut(&bundle.path()))?;
                let bytes = encode_entries(leaves.iter().map(Vec::as_slice));
                bytes.map(Some).map_err(|error| StoreError::Damaged(error.to_string()))
            }
            Resource::Tile(_) | Resource::Bundle(_) => Ok(None),
        }
    }

    /// The proof that the tree of `new` leaves is that of `old` leaves, grown; `None` when a node it needs is missing.
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        self.folded(&tree::consistency_steps(old, new)).await
    }

    /// The offline proof of a leaf under a checkpoint (c2sp.org/tlog-proof).
    pub async fn proof(
        &self,
        leaf_index: u64,
        checkpoint: &StoredCheckpoint,
    ) -> Result<Option<Proof>, StoreError> {
        let Some(hashes) = self.inclusion(leaf_index, checkpoint.size).await? else { return Ok(None) };
        let note = self.cosigned(checkpoint).await?;
        Ok(Some(Proof { extra: None, index: leaf_index, hashes, checkpoint: note }))
    }

    /// Keeps what a witness signed under the checkpoint of this size. A newer signature of the same witness takes the
    /// place of an older one.
    pub async fn cosign(
        &self,
        size: u64,
        witness: &cosignature::Verifier,
        line: &str,
    ) -> Result<(), StoreError> {
        let mut script = Script::default();
        script.add(
            "SELECT size FROM checkpoints WHERE size = ?",
            vec![Value::from(size)],
            Outcome::Known(format!("checkpoint of {size} leaves")),
        );
        let row = vec![Value::from(size), Value::from(witness.to_text().as_str()), Value::from(line)];
        script.insert(
            "cosignatures (size, witness, line)",
            vec![row],
            " ON CONFLICT (size, witness) DO UPDATE SET line = excluded.line",
        );
        self.database.transact(script).await
    }

    /// Puts a checkpoint back that a newer one took the place of, so that it can be cosigned.
    pub async fn keep_checkpoint(&self, checkpoint: &StoredCheckpoint) -> Result<(), StoreError> {
        let mut script = Script::default();
        let row = vec![Value::from(checkpoint.size), Value::from(checkpoint.note.as_str())];
        script.insert("checkpoints (size, note)", vec![row], " ON CONFLICT (size) DO NOTHING");
        self.database.transact(script).await
    }

    /// A checkpoint with the lines of all witnesses that signed it.
    pub async fn cosigned(&self, checkpoint: &StoredCheckpoint) -> Result<String, StoreError> {
        let mut cosigned = checkpoint.note.clone();
        for (_, line) in self.cosignatures(checkpoint.size).await? {
            let appended = note::append(&cosigned, &line);
            cosigned = appended.map_err(|error| StoreError::Damaged(format!("a cosignature: {error}")))?;
        }
        Ok(cosigned)
    }

    /// Keys and lines of the witnesses that signed the checkpoint of this size.
    async fn cosignatures(&self, size: u64) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT witness, line FROM cosignatures WHERE size = ? ORDER BY witness";
        let found = self.database.fetch("read cosignatures", sql, vec![Value::from(size)]).await?;
        found.into_iter().map(|mut row| Ok((row.text(0)?, row.text(1)?))).collect()
    }

    /// The newest checkpoint that a witness signed.
    pub async fn newest_cosigned(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let sql = "SELECT max(size) FROM cosignatures HAVING max(size) IS NOT NULL";
        let found = self.database.fetch("read cosignatures", sql, Vec::new()).await?;
        let Some(size) = found.first().map(|row| row.position(0)).transpose()? else { return Ok(None) };
        Ok(self.checkpoints(size..size + 1).await?.into_iter().next())
    }

    /// The newest size that this witness signed, 0 where there is none.
    pub async fn cosigned_by(&self, witness: &cosignature::Verifier) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(size), 0) FROM cosignatures WHERE witness = ?";
        let values = vec![Value::from(witness.to_text().as_str())];
        let found = self.database.fetch("read cosignatures", sql, values).await?;
        found.first().map_or(Ok(0), |row| row.position(0))
    }

    /// Checks every cosignature that is kept against its checkpoint; says how many there are, or what is wrong.
    pub(crate) async fn check_cosignatures(&self) -> Result<Result<u64, String>, StoreError> {
        let sql = "SELECT c.size, c.witness, c.line, p.note FROM cosignatures c \
                   LEFT JOIN checkpoints p ON p.size = c.size ORDER BY c.size, c.witness";
        let found = self.database.fetch("read cosignatures", sql, Vec::new()).await?;
        let count = found.len() as u64;
        for mut row in found {
            let (size, witness, line) = (row.position(0)?, row.text(1)?, row.text(2)?);
            if let Err(problem) = check(&witness, &line, row.maybe_text(3).as_deref(), size) {
                return Ok(Err(format!("the cosignature under {size} leaves: {problem}")));
            }
        }
        Ok(Ok(count))
    }
}

fn check(witness: &str, line: &str, checkpoint: Option<&str>, size: u64) -> Result<(), String> {
    let checkpoint = checkpoint.ok_or("its checkpoint is missing")?;
    let key = cosignature::Verifier::from_text(witness).map_err(|error| error.to_string())?;
    let note = note::append(checkpoint, line).map_err(|error| error.to_string())?;
    let note = Note::parse(&note).map_err(|error| error.to_string())?;
    key.check(&note).map_err(|error| error.to_string())?;
    let stated = Checkpoint::parse(note.text()).map_err(|error| error.to_string())?.size;
    if stated == size { Ok(()) } else { Err(format!("it is of {stated} leaves")) }
}

fn cut(path: &str) -> StoreError {
    StoreError::Damaged(format!("leaves of {path} are missing"))
}
