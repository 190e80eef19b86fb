//! What an editor's word says of each of its lines. An editor tells of a stretch of a file, and people may have typed
//! between the lines of the suggestion: only what is the suggestion's, in its order, is told of it.

use std::ops::Range;

use similar::{Algorithm, DiffTag, capture_diff_slices};
use waymark_ledger::emission::{EditorEvent, Fingerprint};

use super::align::MOST_PAIRS;
use super::likeness::{ALIKE, TIGHT, changed, clear, likeness, paired};
use super::{Source, is_claimed};

/// What a word says of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It stands as it was put out.
    Same,
    /// It was edited: so many hundredths of it are others.
    Edited(u32),
    /// Nothing: it is not the suggestion's.
    Nothing,
}

/// What the source's word says of each line of its emission; none where the source is no word about a suggestion that is
/// known, or the word is that a person typed.
pub(super) fn told(source: &Source<'_>) -> Option<Vec<Told>> {
    if !source.is_word() || source.word == Some(EditorEvent::Typed) || source.original.is_empty() {
        return None;
    }
    let lines = &source.emission.lines;
    let at: Vec<usize> = (0..lines.len()).filter(|at| is_claimed(lines[*at].role)).collect();
    let now: Vec<&Fingerprint> = at.iter().map(|at| &lines[*at].fingerprint).collect();
    let mut told = vec![Told::Nothing; lines.len()];
    for (on, found) in compared(&source.original, &now, source.word == Some(EditorEvent::Edited)) {
        told[at[on]] = found;
    }
    Some(told)
}

/// Lines of `now` that are of `original`, by their places.
fn compared(original: &[&Fingerprint], now: &[&Fingerprint], is_edited: bool) -> Vec<(usize, Told)> {
    let marks = |lines: &[&Fingerprint]| lines.iter().map(|line| line.line).collect::<Vec<u64>>();
    let mut found = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &marks(original), &marks(now)) {
        let (old, new) = (operation.old_range(), operation.new_range());
        match operation.tag() {
            DiffTag::Equal => found.extend(new.map(|on| (on, Told::Same))),
            DiffTag::Replace if is_edited => found.extend(edited(original, now, old, new)),
            DiffTag::Replace | DiffTag::Insert | DiffTag::Delete => {}
        }
    }
    found
}

/// Lines in the place of others that were edited to become them.
fn edited(
    original: &[&Fingerprint],
    now: &[&Fingerprint],
    old: Range<usize>,
    new: Range<usize>,
) -> Vec<(usize, Told)> {
    if old.len() * new.len() > MOST_PAIRS {
        return Vec::new();
    }
    let likeness = likeness(&now[new.clone()], &original[old.clone()]);
    let is_tight = old.len() == new.len();
    let pairs = match is_tight {
        true => paired(&likeness, TIGHT),
        false => clear(&likeness, paired(&likeness, ALIKE)),
    };
    pairs.into_iter().map(|(on, at)| (new.start + on, Told::Edited(changed(likeness[on][at])))).collect()
}
