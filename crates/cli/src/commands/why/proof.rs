//! A record's proof as files, for tools that are not ours: docs/ledger.md says what to do with them.

use std::fs;
use std::path::Path;

use waymark_ledger::commitment::hex;
use waymark_types::RecordId;

use super::super::{Ledger, unreadable};
use crate::failure::{CHECK_FAILED, Failure, unwritten};

/// Writes the files of the record's newest leaf.
pub(super) async fn write(ledger: &Ledger, record: RecordId, folder: &Path) -> Result<(), Failure> {
    let rows = ledger.store.record(record).await.map_err(|error| unreadable(&error))?;
    let newest = ledger.store.newest_checkpoint().await.map_err(|error| unreadable(&error))?;
    let waits = || Failure::new(CHECK_FAILED, format!("record {record} waits to be put under the tree"));
    let row = rows.last().ok_or_else(waits)?;
    let (Some(newest), Some(leaf_index)) = (newest, row.leaf_index) else {
        return Err(waits().hint("ask again in a moment"));
    };
    let proof = ledger.store.proof(leaf_index, &newest).await.map_err(|error| unreadable(&error))?;
    let (Some(proof), Some(statement), Some((salt, body))) = (proof, row.leaf.statement(), &row.leaf.body)
    else {
        return Err(Failure::new(CHECK_FAILED, format!("record {record} cannot be proven"))
            .hint("see what `waymark verify` says"));
    };
    fs::create_dir_all(folder).map_err(unwritten(folder))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(unwritten(&path))
    };
    write("leaf", &statement.to_leaf())?;
    write("body.json", body)?;
    write("salt", format!("{}\n", hex(salt)).as_bytes())?;
    write("proof.tlog-proof", proof.to_text().as_bytes())?;
    write("checkpoint", proof.checkpoint.as_bytes())?;
    write("vkey", format!("{}\n", ledger.key.to_text()).as_bytes())
}
