//! Attribution: the lines that a commit adds to a file, matched with what models had put out before it.
//!
//! An emission is laid against the whole file as the commit left it, kept lines included: what it had put there earlier
//! takes up its lines, and a copy typed later finds none left ([`runs`]). Lines that are equal and in order count
//! together. What an emission has left over is then sought between the lines that it did find: broken otherwise by a
//! formatter, or edited by hand ([`gaps`]). Lines that say nothing follow their block ([`follow`]).
//!
//! Nothing is matched with what came after the commit, with another repository's work, or with what a model only read.
//! Where two records fit a line alike, both are named.

mod align;
mod claim;
mod fit;
mod follow;
mod gaps;
mod landed;
mod likeness;
mod runs;
#[cfg(test)]
mod tests;
mod word;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;
use waymark_ledger::emission::{EditorEvent, EditorWord, Emission, Emissions, Fingerprint, Form, Role};
use waymark_types::{RecordId, Timestamp};

use crate::{Class, Key};
use claim::Claims;
use fit::{Fit, Fits};
use landed::Landed;

/// A commit's time is told in whole seconds.
const SECOND: i64 = 1_000_000;

/// Fingerprints of lines that a commit took away, and which lines of the file, from 0, stand there instead, in order: none
/// where the range is empty.
pub type Removed = FxHashMap<u64, Vec<Range<usize>>>;

/// A file as a commit left it.
#[derive(Debug, Clone)]
pub struct File<'a> {
    /// Its path from the repository's root.
    pub path: &'a str,
    /// Its lines, in order.
    pub lines: &'a [FileLine],
    /// What the commit took away.
    pub removed: &'a Removed,
    /// When it was committed and written, and when its newest parent was written.
    pub times: Times,
}

/// When a commit was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// When it was committed: nothing later is in it.
    pub committed: Timestamp,
    /// When it was written, which a rewrite of history leaves as it is.
    pub authored: Timestamp,
    /// When its newest parent was written; none for a first commit.
    pub parent: Option<Timestamp>,
}

impl Times {
    /// The end of the second it was committed in: what came within it may be in it.
    pub fn end(&self) -> Timestamp {
        after(self.committed)
    }
}

/// The end of a second.
fn after(second: Timestamp) -> Timestamp {
    Timestamp::from_micros(second.as_micros().saturating_add(SECOND))
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileLine {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Whether the commit added it.
    pub added: bool,
    /// Whether there is nothing on it.
    pub blank: bool,
}

/// A repository, as far as it decides what belongs to it.
pub struct Place<'a> {
    /// The key fingerprints are made under.
    pub key: &'a Key,
    /// The names it goes by.
    pub names: &'a BTreeSet<String>,
    /// Whether the commit's tree has a file whose whole path this mark is of, or that emissions would be looked up by under it.
    pub has: &'a dyn Fn(u64) -> bool,
    /// When an earlier commit last changed the file; none where it is new.
    pub changed: &'a dyn Fn() -> Option<Timestamp>,
    /// Fingerprints of the lines that the commit added to each of its other files; none where they are too many.
    pub beside: &'a dyn Fn() -> Option<Beside>,
}

/// Fingerprints of the lines that a commit added to files, one set for each.
pub type Beside = Vec<Arc<FxHashSet<u64>>>;

/// What an answer, or an editor, put out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The record.
    pub record: RecordId,
    /// What it put out.
    pub emissions: Arc<Emissions>,
}

/// Whose work a line is, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributed {
    /// Whose work it is.
    pub class: Class,
    /// The record that put it out; none for a person's.
    pub record: Option<RecordId>,
    /// Other records that fit as well.
    pub others: Vec<RecordId>,
    /// How that is known.
    pub evidence: Evidence,
}

/// How a line was matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The method.
    pub kind: EvidenceKind,
    /// How the code was put out; none where that is not told.
    #[serde(serialize_with = "form_code")]
    pub form: Option<Form>,
    /// Lines that were matched together with it.
    pub matched_lines: u32,
    /// Strength, 0 to 100.
    pub score: u32,
    /// How much of its words differs from what was put out, in per cent.
    pub changed_percent: u32,
}

fn form_code<S: serde::Serializer>(form: &Option<Form>, serializer: S) -> Result<S::Ok, S::Error> {
    form.map(Form::as_str).serialize(serializer)
}

/// The methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EvidenceKind {
    /// An editor said so.
    Feedback,
    /// The line is as it was put out.
    Exact,
    /// Only what formatters change within a line differs.
    Formatted,
    /// The words are as they were put out, on other lines.
    Layout,
    /// It stands in the place of a line that was put out and is much like it.
    Similar,
    /// It says nothing itself and stands within a block that was matched.
    Block,
    /// A note on the commit says so.
    Note,
}

/// Attributes the lines that a commit added to a file; none where nothing is known. In order of the file's lines.
pub fn attribute(file: &File<'_>, place: &Place<'_>, candidates: &[Candidate]) -> Vec<Option<Attributed>> {
    let fits = Fits::new(file, place);
    let said = said(candidates, &fits);
    let solid = Solid::of(file.lines);
    let mut claims = Claims::new(file.lines.len());
    let mut laid = Vec::new();
    for (number, candidate) in candidates.iter().enumerate() {
        if candidate.emissions.ended >= file.times.end() {
            continue;
        }
        for emission in &candidate.emissions.emissions {
            let word = candidate.emissions.word.map(|word| word.event);
            let about = said.get(&candidate.record);
            let word = word.or_else(|| about.map(|said| said.event));
            // An agent's edits are made without asking an editor.
            let is_rejected = word == Some(EditorEvent::Rejected)
                && matches!(emission.form, Form::Completion | Form::Fence);
            let word =
                word.filter(|word| candidate.emissions.word.is_some() || *word == EditorEvent::Accepted);
            // An editor knows the file of a suggestion that names none.
            let fit = match (fits.of(&candidate.emissions, emission), about) {
                (Fit::Nowhere, Some(about)) => about.fit,
                (fit, _) => fit,
            };
            if fit == Fit::Other || is_rejected {
                continue;
            }
            let original = original(candidates, &candidate.emissions);
            // Of several edits nobody says which is meant.
            let is_one = candidate.emissions.emissions.len() == 1;
            let line = candidate.emissions.word.and_then(|word| word.line);
            let line = line.or_else(|| about.filter(|_| is_one).and_then(|said| said.line));
            let source = Source { number, candidate, emission, fit, word, line, original };
            let chain = align::lay(file, &solid, &source);
            laid.push((source, chain));
        }
    }
    let until = landed::until(file, &solid, &laid);
    let mut accepted = Vec::with_capacity(laid.len());
    for (source, chain) in laid {
        let landed = Landed::of(file, place, &solid, &source, &chain, until);
        let chain = runs::accepted(file, &solid, place, &source, chain, &landed, &mut claims);
        accepted.push((source, chain));
    }
    claims.settle();
    gaps::fill(file, &solid, &accepted, &mut claims);
    follow::block(file, &accepted, &mut claims);
    claims.into_attributed(candidates)
}

/// One emission of a candidate, against a file.
struct Source<'a> {
    number: usize,
    candidate: &'a Candidate,
    emission: &'a Emission,
    fit: Fit,
    /// What an editor says of it.
    word: Option<EditorEvent>,
    /// The line of the file that an editor says it begins at, from 1.
    line: Option<u32>,
    /// Lines of the suggestion that an editor's word is about.
    original: Vec<&'a Fingerprint>,
}

impl Source<'_> {
    /// What tells its emission from others: where it lies in memory.
    fn identity(&self) -> usize {
        std::ptr::from_ref(self.emission).addr()
    }

    /// Whether it was put out before the commit's parent was written, so that it would have landed earlier; none where the
    /// parent is younger than the commit itself, so that history was rewritten, or was written in the same second: then its
    /// time does not say.
    fn is_stale(&self, times: &Times) -> Option<bool> {
        let Some(parent) = times.parent else { return Some(false) };
        let is_before = self.candidate.emissions.ended < parent;
        (parent <= times.authored && (is_before || self.is_after(parent))).then_some(is_before)
    }

    /// Whether it was put out after that second.
    fn is_after(&self, second: Timestamp) -> bool {
        self.candidate.emissions.ended >= after(second)
    }

    /// Whether it is an editor's word, and not an answer.
    fn is_word(&self) -> bool {
        self.candidate.emissions.word.is_some()
    }

    /// Whether it was put out after the commit was first written: history was rewritten since, and the commit has it only
    /// if it was put into it then.
    fn is_late(&self, times: &Times) -> bool {
        self.is_after(times.authored)
    }
}

/// A file's lines that are not blank, and where each fingerprint is among them.
struct Solid {
    lines: Vec<usize>,
    positions: FxHashMap<u64, Vec<usize>>,
}

impl Solid {
    fn of(lines: &[FileLine]) -> Self {
        let solid: Vec<usize> = (0..lines.len()).filter(|at| !lines[*at].blank).collect();
        let mut positions: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (position, at) in solid.iter().enumerate() {
            positions.entry(lines[*at].fingerprint.line).or_default().push(position);
        }
        Self { lines: solid, positions }
    }

    /// How many lines that read just like this one the commit kept.
    fn kept(&self, file: &File<'_>, line: &Fingerprint) -> usize {
        let positions = self.positions.get(&line.line).into_iter().flatten();
        let lines = positions.map(|position| &file.lines[self.lines[*position]]);
        lines.filter(|kept| !kept.added && kept.fingerprint.exact == line.exact).count()
    }

    /// Whether the file has a line once.
    fn has_once(&self, line: &Fingerprint) -> bool {
        self.positions.get(&line.line).is_some_and(|positions| positions.len() == 1)
    }
}

/// Lines of the suggestion that an editor's word is about.
fn original<'a>(candidates: &'a [Candidate], word: &Emissions) -> Vec<&'a Fingerprint> {
    let Some(about) = word.word.and_then(|word| word.about) else { return Vec::new() };
    let suggestion = candidates.iter().filter(|candidate| candidate.record == about);
    let lines =
        suggestion.flat_map(|candidate| &candidate.emissions.emissions).flat_map(|emission| &emission.lines);
    lines.filter(|line| is_claimed(line.role)).map(|line| &line.fingerprint).collect()
}

/// An editor's word, and when it was said.
struct Said {
    at: Timestamp,
    event: EditorEvent,
    line: Option<u32>,
    fit: Fit,
}

/// What editors said last of each record.
fn said(candidates: &[Candidate], fits: &Fits<'_>) -> FxHashMap<RecordId, Said> {
    let mut last: FxHashMap<RecordId, Said> = FxHashMap::default();
    for candidate in candidates {
        let Some(EditorWord { event, about: Some(about), line }) = candidate.emissions.word else { continue };
        let at = candidate.emissions.ended;
        if last.get(&about).is_none_or(|known| at >= known.at) {
            let fit = candidate.emissions.emissions.first();
            let fit = fit.map_or(Fit::Nowhere, |emission| fits.of(&candidate.emissions, emission));
            last.insert(about, Said { at, event, line, fit });
        }
    }
    last
}

/// The role a line must have to be claimed.
fn is_claimed(role: Role) -> bool {
    role == Role::Added
}
