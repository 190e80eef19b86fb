//! The bare disk: what one durable write costs where the ledger is kept.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::Result;

use crate::sides::{Side, timed};

/// What is written at a time.
const BYTES: usize = 1024;
/// The size of the file that is written over and over, as SQLite does with its log.
const ROUND: u64 = 4 << 20;

/// Writes 1 KB and waits until it is on disk, at the end of a file that grows.
pub(crate) fn append(folder: &Path) -> Result<Side<'static>> {
    let mut file = open(folder, "appended")?;
    Ok(Side::new("1 KB appended + fdatasync", move || timed(|| sync(&mut file))))
}

/// The same inside a file that already has its size, which spares the file system's own log.
pub(crate) fn overwrite(folder: &Path) -> Result<Side<'static>> {
    let mut file = open(folder, "overwritten")?;
    file.write_all(&vec![0; ROUND as usize])?;
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Side::new("1 KB overwritten + fdatasync", move || {
        if file.stream_position()? >= ROUND {
            file.seek(SeekFrom::Start(0))?;
        }
        timed(|| sync(&mut file))
    }))
}

fn open(folder: &Path, name: &str) -> Result<File> {
    Ok(OpenOptions::new().create(true).truncate(true).write(true).open(folder.join(name))?)
}

fn sync(file: &mut File) -> Result<()> {
    file.write_all(&[0x5a; BYTES])?;
    Ok(file.sync_data()?)
}
