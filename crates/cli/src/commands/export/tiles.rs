//! `waymark export --format tiles`: the public log as static files, which any web server can serve.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use waymark_ledger::static_log::CHECKPOINT;
use waymark_ledger::tiles::{Bundle, Resource, Tile, WIDTH};

use super::super::{Ledger, Outcome, block_on, unreadable};
use crate::args::{Common, Export};
use crate::failure::{CHECK_FAILED, Failure, USAGE, talk, unwritten};
use crate::terminal::{grouped, progress};

/// Writes tiles and bundles first and the checkpoint last: what a checkpoint states is there. Whole files that are there
/// already stay, so that a folder is brought up to date by what is new.
pub(super) fn run(common: &Common, asked: &Export) -> Outcome {
    let Some(folder) = &asked.output else {
        return Err(Failure::new(USAGE, "tiles are files: there is no folder to write them into")
            .hint("name one with --output DIR"));
    };
    block_on(async {
        let ledger = Ledger::open(common).await?;
        let newest = ledger.store.newest_checkpoint().await.map_err(|error| unreadable(&error))?;
        let newest = newest.ok_or_else(|| Failure::new(CHECK_FAILED, "the ledger is empty"))?;
        let bar = progress(newest.size, "exporting {bar:30} {human_pos}/{human_len} leaves ({per_sec})");
        for tile in Tile::of_tree(newest.size) {
            write(&ledger, folder, &Resource::Tile(tile), tile.width).await?;
        }
        for bundle in Bundle::of_tree(newest.size) {
            write(&ledger, folder, &Resource::Bundle(bundle), bundle.width).await?;
            bar.set_position(bundle.positions().end);
        }
        bar.finish_and_clear();
        let note = ledger.store.cosigned(&newest).await.map_err(|error| unreadable(&error))?;
        put(&folder.join("vkey"), format!("{}\n", ledger.key.to_text()).as_bytes())?;
        put(&folder.join(CHECKPOINT), note.as_bytes())?;
        talk(format_args!("{} leaves under {}", grouped(newest.size), folder.display()));
        Ok(ExitCode::SUCCESS)
    })
}

async fn write(ledger: &Ledger, folder: &Path, resource: &Resource, width: u16) -> Result<(), Failure> {
    let path = folder.join(resource.path());
    if width == WIDTH && path.exists() {
        return Ok(());
    }
    let bytes = ledger.store.resource(resource).await.map_err(|error| unreadable(&error))?;
    let bytes = bytes.ok_or_else(|| Failure::new(CHECK_FAILED, format!("{} is missing", resource.path())))?;
    put(&path, &bytes)
}

/// A file that is there is whole.
fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritten(folder))?;
    }
    let unfinished = path.with_added_extension("new");
    fs::write(&unfinished, bytes).map_err(unwritten(&unfinished))?;
    fs::rename(&unfinished, path).map_err(unwritten(path))
}
