//! Notes over rewrites of history: lines that stay keep who wrote them, whatever commit and place they come to.
//!
//! Only lines that git's own comparison of two trees leaves unchanged are carried; nothing is guessed from likeness.
//! What a note says of the rest is dropped, which makes it unknown.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Attested, Note, Person, RECORD, SCHEMA, Session};
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

    /// Both notes as one, of the same files: what commits made into one say together. Where both have a line, `later`
    /// counts. The commit and the version are `later`'s.
    pub fn union(&self, later: &Self) -> Self {
        let mut files: BTreeMap<String, Vec<Attested>> = BTreeMap::new();
        for (path, entries) in &self.files {
            let told: LineSet = later.files.get(path).map(|entries| told(entries)).unwrap_or_default();
            let left = settled(entries).map(|entry| Attested { lines: entry.lines.minus(&told), ..entry });
            let left: Vec<Attested> = left.filter(|entry| !entry.lines.is_empty()).collect();
            if !left.is_empty() {
                files.insert(path.clone(), left);
            }
        }
        for (path, entries) in &later.files {
            files.entry(path.clone()).or_default().extend(entries.iter().cloned());
        }
        let mut metadata = later.metadata.clone();
        metadata.schema_version = SCHEMA.to_owned();
        join(&mut metadata.sessions, &self.metadata.sessions, Session::join);
        join(&mut metadata.prompts, &self.metadata.prompts, Session::join);
        join(&mut metadata.humans, &self.metadata.humans, Person::join);
        for (name, value) in &self.metadata.rest {
            metadata.rest.entry(name).or_insert_with(|| value.clone());
        }
        Self { files, metadata }
    }

    /// Whether a key stands for the same in both, or for nothing yet in this.
    fn agrees(&self, other: &Self, key: &str) -> bool {
        let (mine, others) = (&self.metadata, &other.metadata);
        if key.starts_with("h_") {
            return same(mine.humans.get(key), others.humans.get(key), |person| &person.author);
        }
        let session = session_of(key);
        if key.starts_with("s_") {
            same(mine.sessions.get(session), others.sessions.get(session), |session| &session.agent_id)
        } else {
            same(mine.prompts.get(session), others.prompts.get(session), |session| &session.agent_id)
        }
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
        let session = session_of(key);
        let (mine, others) = if key.starts_with("s_") {
            (&mut mine.sessions, &others.sessions)
        } else {
            (&mut mine.prompts, &others.prompts)
        };
        if let Some(found) = others.get(session) {
            mine.entry(session.to_owned()).or_insert_with(|| found.clone()).add_records(found.records());
        }
    }
}

impl Session {
    /// Takes in what an earlier note says under the same key. Where they disagree neither is believed.
    fn join(&mut self, earlier: &Self) {
        if self.agent_id.model != earlier.agent_id.model {
            // A conversation went on with another model, and the standard has room for one.
            "unknown".clone_into(&mut self.agent_id.model);
        }
        if self.human_author != earlier.human_author {
            self.human_author = None;
        }
        let records: Vec<_> = earlier.records().collect();
        let earlier_attributes = earlier.custom_attributes.as_ref();
        for (name, value) in earlier_attributes.into_iter().flatten().filter(|(name, _)| *name != RECORD) {
            let attributes = self.custom_attributes.get_or_insert_default();
            let is_other = attributes.get(name).is_some_and(|own| own != value);
            if is_other {
                attributes.remove(name);
            } else {
                attributes.insert(name.clone(), value.clone());
            }
        }
        self.add_records(records);
        for (name, value) in &earlier.rest {
            let counts = self.rest.get(name).and_then(Value::as_u64).zip(value.as_u64());
            let sum = counts.and_then(|(own, earlier)| own.checked_add(earlier));
            // An older note's counts are of its commit.
            if let Some(sum) = sum.filter(|_| COUNTS.contains(&name.as_str())) {
                self.rest.insert(name.clone(), sum.into());
            } else {
                self.rest.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}

/// What an older note counts of a session; `overriden` is how the standard spells it.
const COUNTS: [&str; 4] = ["total_additions", "total_deletions", "accepted_lines", "overriden_lines"];

impl Person {
    /// A key is made from what it stands for: whoever disagrees is not the person.
    fn join(&mut self, earlier: &Self) {
        if self.author != earlier.author {
            self.author.clear();
        }
    }
}

fn join<T: Clone>(into: &mut BTreeMap<String, T>, from: &BTreeMap<String, T>, fold: impl Fn(&mut T, &T)) {
    for (key, earlier) in from {
        match into.get_mut(key) {
            Some(own) => fold(own, earlier),
            None => _ = into.insert(key.clone(), earlier.clone()),
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

fn session_of(key: &str) -> &str {
    key.split_once("::").map_or(key, |(session, _)| session)
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
