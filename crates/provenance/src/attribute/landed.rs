//! Whether an emission has landed in a commit's version of a file at all: how much of it stands there, and when it was put
//! out.

use rustc_hash::FxHashMap;
use waymark_ledger::emission::{Fingerprint, Role, Word};
use waymark_types::Timestamp;

use super::align::{Chain, MOST, MOST_PAIRS};
use super::fit::Fit;
use super::gaps::common;
use super::likeness::{ALIKE, likeness, paired};
use super::{File, Place, Solid, Source, is_claimed};

/// How much of an emission must stand in a file for it to have landed, in per cent; and of how much less it has not, and
/// what is the same is so by chance.
pub(super) const LANDED: u32 = 50;
const SCATTERED: u32 = 20;
/// How much of what went must come back, in per cent, to be it, and not what somebody wrote after its model.
const BACK: u32 = 80;
/// Letters that are no chance, of an emission that came too late for a commit, or too early.
const SURE: u32 = 80;

/// How far an emission has landed.
pub(super) struct Landed {
    /// How much of what it adds the file has among the lines that the commit added, in per cent.
    pub(super) share: u32,
    /// The same among all of the file's lines.
    pub(super) stands: u32,
    /// How its time fits the commit's.
    pub(super) when: When,
    /// Whether so little of it stands there, edited lines included, that it was turned down or is of another version.
    pub(super) is_scattered: bool,
}

/// How an emission's time fits a commit's.
#[derive(Clone, Copy)]
pub(super) struct When {
    /// It has landed in an earlier commit, or would have.
    pub(super) is_stale: bool,
    /// It came after the commit was first written, and most of it is elsewhere.
    pub(super) is_late: bool,
}

impl When {
    pub(super) fn is_of_commit(self) -> bool {
        !self.is_stale && !self.is_late
    }
}

impl Landed {
    /// `until` is what [`until`] says.
    pub(super) fn of(
        file: &File<'_>,
        place: &Place<'_>,
        solid: &Solid,
        source: &Source<'_>,
        chain: &Chain,
        until: Option<Timestamp>,
    ) -> Self {
        let all = letters(source);
        let [fresh, old] = [true, false].map(|added| found(file, solid, source, chain, added));
        let [share, kept] = [fresh, old].map(|letters| (100 * letters).checked_div(all).unwrap_or_default());
        let is_held = until.is_some_and(|until| source.candidate.emissions.ended <= until);
        // Of what names no file nobody knows where else it landed.
        let is_nowhere = source.fit == Fit::Nowhere;
        // What went and came back, as after the revert of a revert, comes back whole: all of a few lines, most of many.
        let is_back = !is_nowhere && ((share >= BACK && fresh >= SURE) || (share == 100 && fresh > MOST));
        let is_kept = kept >= LANDED || kept > share;
        let has_passed = || is_nowhere || (place.changed)().is_some_and(|time| !source.is_after(time));
        let is_stale = match source.is_stale(&file.times) {
            None => {
                is_kept || fresh < old + edited_earlier(file, solid, source, chain) || was_there(file, source)
            }
            // What was not committed with its file waits for a later commit.
            Some(is_older) => is_older && (is_kept || has_passed()),
        };
        let when = When {
            is_stale: !is_back && is_stale,
            is_late: source.is_late(&file.times)
                && share < LANDED
                && !is_held
                && !has_replaced(solid, source, chain),
        };
        // Where nothing stands as it was put out, what is like it is judged by itself.
        let is_scattered = !source.is_word()
            && !chain.runs.is_empty()
            && share + kept < SCATTERED
            && 100 * changed(file, solid, source, chain) < (SCATTERED - share - kept) * all;
        Self { share, stands: share + kept, when, is_scattered }
    }
}

/// Up to when the commit holds what was put out, if it was rewritten later: what has surely landed in it says so.
pub(super) fn until(file: &File<'_>, solid: &Solid, laid: &[(Source<'_>, Chain)]) -> Option<Timestamp> {
    let is_sure = |(source, chain): &&(Source<'_>, Chain)| {
        if source.is_word() || !source.is_late(&file.times) {
            return false;
        }
        let found = found(file, solid, source, chain, true);
        found >= SURE && 100 * found >= LANDED * letters(source)
    };
    laid.iter().filter(is_sure).map(|(source, _)| source.candidate.emissions.ended).max()
}

/// Whether nothing stands any more of what an emission takes away, where the file has what is around it: it was put into it,
/// whatever became of it then.
fn has_replaced(solid: &Solid, source: &Source<'_>, chain: &Chain) -> bool {
    let removed = source.emission.lines.iter().filter(|line| line.role == Role::Removed);
    let mut telling = removed.filter(|line| line.fingerprint.is_telling()).peekable();
    !chain.runs.is_empty()
        && telling.peek().is_some()
        && telling.all(|line| !solid.positions.contains_key(&line.fingerprint.line))
}

/// Whether no other file of the commit has as much of what an emission adds, `share` per cent: of what does not say which
/// file it is for, they may be copies. Where nobody knows, it is not.
pub(super) fn is_most(place: &Place<'_>, source: &Source<'_>, share: u32) -> bool {
    let Some(others) = (place.beside)() else { return false };
    let most = others.iter().map(|other| letters_of(source, |line| other.contains(&line.line))).max();
    100 * most.unwrap_or_default() < share * letters(source)
}

/// Letters of what an emission adds.
fn letters(source: &Source<'_>) -> u32 {
    letters_of(source, |_| true)
}

/// The same of those of its lines that `is_it` says.
fn letters_of(source: &Source<'_>, mut is_it: impl FnMut(&Fingerprint) -> bool) -> u32 {
    let added = source.emission.lines.iter().filter(|line| is_claimed(line.role));
    let wanted = added.map(|line| &line.fingerprint).filter(|line| is_it(line));
    wanted.map(|line| line.weight().min(MOST)).sum()
}

/// Letters of what it adds and the file has, among the lines that the commit added or among those it kept.
fn found(file: &File<'_>, solid: &Solid, source: &Source<'_>, chain: &Chain, added: bool) -> u32 {
    let pairs = chain.runs.iter().flat_map(|run| (0..run.length).map(move |on| (run.at + on, run.file + on)));
    let pairs = pairs.filter(|(at, position)| {
        is_claimed(chain.line(source, *at).role) && file.lines[solid.lines[*position]].added == added
    });
    pairs.map(|(at, _)| chain.line(source, at).fingerprint.weight().min(MOST)).sum()
}

/// Whether an earlier commit has nearly all of what an emission adds, wherever and in whatever order.
fn was_there(file: &File<'_>, source: &Source<'_>) -> bool {
    let mut kept: FxHashMap<u64, usize> = FxHashMap::default();
    for line in file.lines.iter().filter(|line| !line.added && !line.blank) {
        *kept.entry(line.fingerprint.line).or_default() += 1;
    }
    let there = letters_of(source, |line| {
        let left = kept.get_mut(&line.line);
        left.is_some_and(|left| std::mem::replace(left, left.saturating_sub(1)) > 0)
    });
    100 * there >= BACK * letters(source)
}

/// Letters of what it adds and was edited by an earlier commit.
fn edited_earlier(file: &File<'_>, solid: &Solid, source: &Source<'_>, chain: &Chain) -> u32 {
    let earlier = chain.edited.iter().filter(|(_, position)| !file.lines[solid.lines[**position]].added);
    earlier.map(|(at, _)| chain.line(source, *at).fingerprint.weight().min(MOST)).sum()
}

/// Letters of what it adds and stands there edited or laid out anew, between lines that are as they were put out.
fn changed(file: &File<'_>, solid: &Solid, source: &Source<'_>, chain: &Chain) -> u32 {
    let print = |position: usize| &file.lines[solid.lines[position]].fingerprint;
    let mut letters = 0;
    for (positions, at) in chain.gaps(solid.lines.len()) {
        if positions.len() * at.len() > MOST_PAIRS {
            continue;
        }
        let ours: Vec<&Fingerprint> = positions.map(print).collect();
        let theirs: Vec<&Fingerprint> = at.map(|at| &chain.line(source, at).fingerprint).collect();
        let pairs = paired(&likeness(&ours, &theirs), ALIKE).into_iter();
        let edited = pairs.map(|(_, on)| theirs[on].weight().min(MOST));
        let (ours, theirs) = (words(&ours), words(&theirs));
        let stretches = common(&ours, &theirs).into_iter();
        let laid_out = stretches.flat_map(|(from, _, length)| &ours[from..from + length]);
        letters += edited.sum::<u32>().max(laid_out.map(|word| u32::from(word.length)).sum());
    }
    letters
}

fn words(lines: &[&Fingerprint]) -> Vec<Word> {
    lines.iter().flat_map(|line| &line.words).copied().collect()
}
