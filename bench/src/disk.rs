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
    let work = move || timed(|| write(&mut file).and_then(|file| Ok(file.sync_data()?)));
    Ok(Side::new("1 KB appended + fdatasync", work))
}

/// The same inside a file that already has its size, which spares the file system's own log.
pub(crate) fn overwrite(folder: &Path) -> Result<Side<'static>> {
    let mut file = sized(folder, "overwritten")?;
    let work = move || timed(|| write(&mut file).and_then(|file| Ok(file.sync_data()?)));
    Ok(Side::new("1 KB overwritten + fdatasync", work))
}

/// The same, file times included.
pub(crate) fn overwrite_all(folder: &Path) -> Result<Side<'static>> {
    let mut file = sized(folder, "overwritten-all")?;
    let work = move || timed(|| write(&mut file).and_then(|file| Ok(file.sync_all()?)));
    Ok(Side::new("1 KB overwritten + fsync", work))
}

fn sized(folder: &Path, name: &str) -> Result<File> {
    let mut file = open(folder, name)?;
    file.write_all(&vec![0; ROUND as usize])?;
    file.sync_all()?;
    Ok(file)
}

/// Writes the next 1 KB, from the beginning again once a sized file is full.
fn write(file: &mut File) -> Result<&mut File> {
    if file.stream_position()? == ROUND {
        file.seek(SeekFrom::Start(0))?;
    }
    file.write_all(&[0x5a; BYTES])?;
    Ok(file)
}

fn open(folder: &Path, name: &str) -> Result<File> {
    Ok(OpenOptions::new().create(true).truncate(true).write(true).open(folder.join(name))?)
}
