//! Anchors in a file: each checkpoint appended, in the form that [`waymark_ledger::anchors`] reads.
//!
//! The file is only ever appended to, so that it may lie where nothing else is possible.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use waymark_ledger::anchors;

use super::{AnchorError, Signed, Standing};

/// How much of the file's end is read to find its newest note.
const TAIL: u64 = 1 << 16;

/// Appends a checkpoint to the file at `path`, and returns once it is durable.
pub(super) fn anchor(path: &Path, signed: &Signed) -> Result<(), AnchorError> {
    let failed = |operation| move |source| AnchorError::File { operation, path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).append(true).read(true).open(path);
    let mut file = file.map_err(failed("open"))?;
    // Of several gateways that share the file, one at a time looks at its end and appends. A file system without locks
    // is no reason to go without an anchor: a torn end reads back all the same.
    let _ = file.lock();
    let tail = tail(&mut file).map_err(failed("read"))?;
    let held = anchors::notes(&String::from_utf8_lossy(&tail)).whole;
    let ours = held.iter().rev().find(|note| note.lines().next() == Some(signed.checkpoint.origin.as_str()));
    if signed.after(ours.map(String::as_str))? == Standing::Behind {
        let text = anchors::appended(&tail, &signed.note);
        file.write_all(text.as_bytes()).map_err(failed("append to"))?;
    }
    file.sync_all().map_err(failed("append to"))
}

fn tail(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(tail)
}
