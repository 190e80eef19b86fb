//! Notes over rewrites of history: lines that stay keep who wrote them, whatever commit and place they come to.
//!
//! Only lines that git's own comparison of two trees leaves unchanged are carried; nothing is guessed from likeness.
//! What a note says of the rest is dropped, which makes it unknown.

use std::collections::{BTreeMap, BTreeSet};

use super::{Attested, Note, SCHEMA, session_of};
use crate::formats::lines::{Claims, LineSet, Lines};

/// Where unchanged lines have gone, from one tree to another.
///
/// It holds runs of lines and not single ones, since a note may claim more lines than a file has.
#[derive(Debug, Clone, Default)]
pub struct Moves(BTreeMap<String, Vec<Move>>);

#[derive(Debug, Clone)]
struct Move {
    from: Lines,
    path: String,
    to: u32,
}

impl Moves {
    /// Nothing stays.
    pub fn new() -> Self {
        Self::default()
    }

    /// `lines` of `path` are now in `new_path`, from line `first` on. A line goes to one place: the one said first.
    pub fn keep(&mut self, path: &str, lines: Lines, new_path: &str, first: u32) {
        if !self.0.contains_key(path) {
            self.0.insert(path.to_owned(), Vec::new());
        }
        let Some(moves) = self.0.get_mut(path) else { return };
        let whole = Move { from: lines, path: new_path.to_owned(), to: first };
        let gone: LineSet = within(moves, lines).map(|kept| kept.from).collect();
        for &from in LineSet::from_iter([lines]).minus(&gone).runs() {
            let Some(to) = whole.shifted(from) else { continue };
            let at = moves.partition_point(|kept| kept.from < from);
            moves.insert(at, Move { from, path: new_path.to_owned(), to: to.first() });
        }
    }
}

/// Those of a path's moves that some of `lines` are in. They are in order, and apart.
fn within(moves: &[Move], lines: Lines) -> impl Iterator<Item = &Move> {
    let from = moves.partition_point(|kept| kept.from.last() < lines.first());
    moves[from..].iter().take_while(move |kept| kept.from.first() <= lines.last())
}

impl Move {
    /// Where a part of the run has gone; nothing beyond the last line there can be.
    fn shifted(&self, part: Lines) -> Option<Lines> {
        let shift = |line: u32| self.to.checked_add(line - self.from.first());
        Lines::new(shift(part.first())?, shift(part.last())?)
    }
}

impl Note {
    /// The same for another tree, of the lines that are kept there. Sessions and people stay whole, as the standard
    /// asks.
    pub fn carried(&self, moves: &Moves) -> Self {
        let mut files: BTreeMap<String, Vec<Attested>> = BTreeMap::new();
        for (path, entries) in &self.files {
            let Some(moves) = moves.0.get(path) else { continue };
            for entry in settled(entries) {
                let mut arrived: BTreeMap<&str, Vec<Lines>> = BTreeMap::new();
                for &run in entry.lines.runs() {
                    for kept in within(moves, run) {
                        let part = run.overlap(kept.from).and_then(|part| kept.shifted(part));
                        arrived.entry(&kept.path).or_default().extend(part);
                    }
                }
                for (path, runs) in arrived.into_iter().filter(|(_, runs)| !runs.is_empty()) {
                    let entry = Attested { key: entry.key.clone(), lines: runs.into_iter().collect() };
                    files.entry(path.to_owned()).or_default().push(entry);
                }
            }
        }
        Self { files, metadata: self.metadata.clone() }
    }

    /// This note with what `ours` says of lines that this one says nothing of. Nothing that this one says is lost.
    pub fn merge(&self, ours: &Self) -> Self {
        let mut merged = self.clone();
        let mut used = BTreeSet::new();
        for (path, entries) in &ours.files {
            let told: LineSet = self.files.get(path).map(|entries| told(entries)).unwrap_or_default();
            for entry in settled(entries) {
                let lines = entry.lines.minus(&told);
                if lines.is_empty() || !self.agrees(ours, &entry.key) {
                    continue;
                }
                used.insert(entry.key.clone());
                merged.files.entry(path.clone()).or_default().push(Attested { key: entry.key, lines });
            }
        }
        for key in &used {
            merged.adopt(ours, key);
        }
        if !used.is_empty() {
            merged.metadata.schema_version = SCHEMA.to_owned();
        }
        merged
    }

    /// Whether a key stands for the same in both, or for nothing yet in this.
    fn agrees(&self, other: &Self, key: &str) -> bool {
        let (mine, others) = (&self.metadata, &other.metadata);
        if key.starts_with("h_") {
            return same(mine.humans.get(key), others.humans.get(key), |person| &person.author);
        }
        same(mine.session(key), others.session(key), |session| &session.agent_id)
    }

    /// Takes what a key stands for from another note that agrees with this one about it.
    fn adopt(&mut self, other: &Self, key: &str) {
        let (mine, others) = (&mut self.metadata, &other.metadata);
        if key.starts_with("h_") {
            if let Some(person) = others.humans.get(key) {
                mine.humans.entry(key.to_owned()).or_insert_with(|| person.clone());
            }
            return;
        }
        if let Some(found) = others.session(key) {
            let mine = mine.table(key).entry(session_of(key).to_owned());
            mine.or_insert_with(|| found.clone()).add_records(found.records());
        }
    }
}

fn same<'a, T, U: PartialEq + 'a>(
    mine: Option<&'a T>,
    other: Option<&'a T>,
    of: impl Fn(&'a T) -> &'a U,
) -> bool {
    mine.is_none_or(|mine| other.is_some_and(|other| of(mine) == of(other)))
}

/// The entries of a file, each with the lines that no later one has.
fn settled(entries: &[Attested]) -> impl Iterator<Item = Attested> {
    let mut claims = Claims::default();
    let mut settled: Vec<Attested> = Vec::new();
    for entry in entries.iter().rev() {
        let lines: LineSet = entry.lines.runs().iter().flat_map(|run| claims.lay(*run)).collect();
        if !lines.is_empty() {
            settled.push(Attested { key: entry.key.clone(), lines });
        }
    }
    settled.into_iter().rev()
}

/// All lines that entries tell something of.
fn told(entries: &[Attested]) -> LineSet {
    entries.iter().flat_map(|entry| entry.lines.runs()).copied().collect()
}
