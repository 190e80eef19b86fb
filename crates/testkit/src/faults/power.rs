//! What a disk is left with when the power goes: what was synced, and of the rest whatever had got there by chance.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Random;

const WRITE: i64 = 1;
const TRUNCATE: i64 = 2;
const SYNC: i64 = 3;
/// Numbers at an entry's start, and the bytes of the path behind them.
const NUMBERS: usize = 5;
const PATH: usize = 216;
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// One entry of the journal.
#[derive(Debug)]
struct Entry {
    kind: i64,
    offset: usize,
    /// The file's size before.
    size: usize,
    new: Vec<u8>,
    old: Vec<u8>,
}

/// Leaves every file that the journal knows with what was synced and a random part of what was not; says of how many
/// writes some or all was lost.
pub(super) fn cut(journal: &Path, random: &mut Random) -> usize {
    let files = read(&fs::read(journal).expect("the journal"));
    let mut lost = 0;
    for (path, entries) in files {
        // A file that was removed is gone.
        let Ok(mut content) = fs::read(&path) else { continue };
        entries.iter().rev().for_each(|entry| entry.undo(&mut content));
        let mut unsynced: Vec<&Entry> = Vec::new();
        for entry in &entries {
            match entry.kind {
                WRITE | TRUNCATE => unsynced.push(entry),
                SYNC => unsynced.drain(..).for_each(|entry| entry.redo(&mut content)),
                // What a failed sync did not write is never written: the system takes it for clean.
                _ => lost += survivors(std::mem::take(&mut unsynced), &mut content, random),
            }
        }
        lost += survivors(unsynced, &mut content, random);
        fs::write(&path, content).expect("the file as the disk has it");
    }
    fs::write(journal, "").expect("the journal begins anew");
    lost
}

/// Does of these what chance wants: all, nothing, or some sectors of some.
fn survivors(entries: Vec<&Entry>, content: &mut Vec<u8>, random: &mut Random) -> usize {
    let chance = [0, 2, 5, 8, 10][random.below(5)];
    let mut lost = 0;
    for entry in entries {
        if entry.kind == TRUNCATE {
            if random.below(10) < chance {
                entry.redo(content);
            }
            continue;
        }
        let mut is_whole = true;
        let mut at = 0;
        while at < entry.new.len() {
            let end = entry.new.len().min(at + SECTOR - (entry.offset + at) % SECTOR);
            if random.below(10) < chance {
                put(content, entry.offset + at, &entry.new[at..end]);
            } else {
                is_whole = false;
            }
            at = end;
        }
        lost += usize::from(!is_whole);
    }
    lost
}

impl Entry {
    fn undo(&self, content: &mut Vec<u8>) {
        if matches!(self.kind, WRITE | TRUNCATE) {
            put(content, self.offset, &self.old);
            content.resize(self.size, 0);
        }
    }

    fn redo(&self, content: &mut Vec<u8>) {
        match self.kind {
            WRITE => put(content, self.offset, &self.new),
            _ => content.resize(self.offset, 0),
        }
    }
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// The journal's entries by file. The last may be torn: the process was killed while it wrote it, before the write.
fn read(mut bytes: &[u8]) -> BTreeMap<PathBuf, Vec<Entry>> {
    let mut files = BTreeMap::<PathBuf, Vec<Entry>>::new();
    while let Some((head, rest)) = bytes.split_at_checked(NUMBERS * 8 + PATH) {
        let (numbers, path) = head.split_at(NUMBERS * 8);
        let number = |at: usize| i64::from_ne_bytes(numbers[at * 8..][..8].try_into().expect("8 bytes"));
        let count = |at: usize| usize::try_from(number(at)).expect("a count");
        let Some((new, rest)) = rest.split_at_checked(count(3)) else { break };
        let Some((old, rest)) = rest.split_at_checked(count(4)) else { break };
        let path = String::from_utf8_lossy(path).trim_end_matches('\0').to_owned();
        let entry = Entry {
            kind: number(0),
            offset: count(1),
            size: count(2),
            new: new.to_owned(),
            old: old.to_owned(),
        };
        files.entry(path.into()).or_default().push(entry);
        bytes = rest;
    }
    files
}
