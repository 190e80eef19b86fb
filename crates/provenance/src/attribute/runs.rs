//! Runs: lines of an emission that a file has in the same order, one after another.

use std::ops::Range;

use rustc_hash::FxHashMap;
use waymark_ledger::emission::{EditorEvent, EmittedLine, Fingerprint, Role};

use super::claim::{Claim, Claims};
use super::fit::Fit;
use super::landed::Landed;
use super::likeness::paired;
use super::word::{self, Told};
use super::{EvidenceKind, File, Place, Solid, Source, is_claimed};

/// A line that a file has more often than this begins no run.
const COMMON: usize = 48;
/// Runs that are put in order, the heaviest; and lines of an emission without a telling one that begin runs all the same.
const MOST_RUNS: usize = 512;
const SHORT: usize = 6;
/// What a line counts for at most, in letters; and one that is not telling.
pub(super) const MOST: u32 = 40;
const LITTLE: u32 = 4;
/// Pairs of lines between two runs that are looked at.
pub(super) const MOST_PAIRS: usize = 1 << 16;
/// What a line of drift between two runs counts for, in sixteenths of a letter, and the lines that count at most.
const DRIFT: u64 = 16;
const FARTHEST: usize = 100;
/// Runs this near to each other, in lines, support each other.
const NEAR: usize = 6;

/// Lines that follow one another in file and emission alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The first, among the file's lines that are not blank.
    pub(super) file: usize,
    /// The first, among the emission's lines that are not taken away.
    pub(super) at: usize,
    pub(super) length: usize,
}

/// An emission laid against a file: the lines of it that are not taken away, and the runs, in order.
pub(super) struct Chain {
    pub(super) lines: Vec<usize>,
    /// Places before which lines of the file may be left out, up to each of the lines and with it.
    apart: Vec<usize>,
    pub(super) runs: Vec<Run>,
    /// Whether it can have been put into this commit, and not into an earlier or a later one.
    pub(super) is_of_commit: bool,
    /// Whether it was put into an earlier one.
    pub(super) is_older: bool,
}

/// What a run has for it.
#[derive(Default)]
struct Support {
    /// Letters of lines that were added.
    own: u32,
    /// Letters of lines around them, which were there or were only read.
    around: u32,
    /// Telling lines, of either sort.
    telling: u32,
}

/// Lays an emission against a file: the heaviest runs that are in the same order in both.
pub(super) fn lay(file: &File<'_>, solid: &Solid, source: &Source<'_>) -> Chain {
    let emitted = &source.emission.lines;
    let stays = |at: &usize| emitted[*at].role != Role::Removed;
    let lines: Vec<usize> = (0..emitted.len()).filter(stays).collect();
    let apart = emitted.iter().scan(0, |apart, line| {
        *apart += usize::from(line.apart);
        Some(*apart)
    });
    let apart: Vec<usize> = apart.enumerate().filter(|(at, _)| stays(at)).map(|(_, apart)| apart).collect();
    let mut chain = Chain { lines, apart, runs: Vec::new(), is_of_commit: false, is_older: false };
    let found = find(file, solid, source, &chain);
    chain.runs = in_order(file, solid, source, &chain, found);
    chain.runs.extend(between(file, solid, source, &chain));
    chain.runs.sort_unstable_by_key(|run| run.at);
    chain
}

/// Equal lines in order between, before and after the runs: those that were too common to begin one.
fn between(file: &File<'_>, solid: &Solid, source: &Source<'_>, chain: &Chain) -> Vec<Run> {
    let mut runs = Vec::new();
    for (positions, at) in chain.gaps(solid.lines.len()) {
        if positions.is_empty() || at.is_empty() || positions.len() * at.len() > MOST_PAIRS {
            continue;
        }
        let likeness: Vec<Vec<u32>> = positions
            .clone()
            .map(|position| {
                let line = file.lines[solid.lines[position]].fingerprint.line;
                let is_equal = |at| chain.line(source, at).fingerprint.line == line;
                at.clone().map(|at| u32::from(is_equal(at))).collect()
            })
            .collect();
        for (position, on) in paired(&likeness, 1) {
            let (position, on) = (positions.start + position, at.start + on);
            match runs.last_mut() {
                Some(Run { file, at, length }) if (*file + *length, *at + *length) == (position, on) => {
                    *length += 1;
                }
                _ => runs.push(Run { file: position, at: on, length: 1 }),
            }
        }
    }
    runs
}

impl Chain {
    /// Where the file, of `all` lines that are not blank, and the emission have something between the runs, before the
    /// first and after the last. A gap at an end reaches only so far into the file.
    pub(super) fn gaps(&self, all: usize) -> Vec<(Range<usize>, Range<usize>)> {
        let reach = |lines: usize| 2 * lines + 4;
        let (Some(first), Some(last)) = (self.runs.first(), self.runs.last()) else { return Vec::new() };
        let mut gaps = vec![(first.file.saturating_sub(reach(first.at))..first.file, 0..first.at)];
        for pair in self.runs.windows(2) {
            let [before, after] = pair else { continue };
            gaps.push((before.file + before.length..after.file, before.at + before.length..after.at));
        }
        let (from, at) = (last.file + last.length, last.at + last.length);
        gaps.push((from..(from + reach(self.lines.len() - at)).min(all), at..self.lines.len()));
        gaps
    }

    pub(super) fn line<'a>(&self, source: &Source<'a>, at: usize) -> &'a EmittedLine {
        &source.emission.lines[self.lines[at]]
    }
}

fn find(file: &File<'_>, solid: &Solid, source: &Source<'_>, chain: &Chain) -> Vec<Run> {
    let equal = |at: usize, position: usize| {
        chain.line(source, at).fingerprint.line == file.lines[solid.lines[position]].fingerprint.line
    };
    let mut reached: FxHashMap<usize, usize> = FxHashMap::default();
    let mut runs = Vec::new();
    let is_short = chain.lines.len() <= SHORT;
    for at in 0..chain.lines.len() {
        let fingerprint = &chain.line(source, at).fingerprint;
        if !(fingerprint.is_telling() || is_short) {
            continue;
        }
        let Some(positions) = solid.positions.get(&fingerprint.line) else { continue };
        if positions.len() > COMMON {
            continue;
        }
        for &position in positions {
            let diagonal = position + chain.lines.len() - at;
            if reached.get(&diagonal).is_some_and(|end| at < *end) {
                continue;
            }
            let before = (1..=at.min(position)).take_while(|back| equal(at - back, position - back)).count();
            let after = (1..).take_while(|on| {
                at + on < chain.lines.len()
                    && position + on < solid.lines.len()
                    && equal(at + on, position + on)
            });
            let length = before + 1 + after.count();
            let run = Run { file: position - before, at: at - before, length };
            reached.insert(diagonal, run.at + length);
            runs.push(run);
        }
    }
    runs
}

/// Letters of a line, as far as they count.
fn counted(print: &Fingerprint) -> u32 {
    print.weight().min(if print.is_telling() { MOST } else { LITTLE })
}

/// What a pair of equal lines counts for. Kept lines and those that were only read count half; of two places alike, the
/// one that the emission's age speaks for counts a little more.
fn weigh(file: &File<'_>, solid: &Solid, source: &Source<'_>, line: &EmittedLine, position: usize) -> u32 {
    let of_file = &file.lines[solid.lines[position]];
    let weight = counted(&line.fingerprint).max(1);
    let whole = if line.role == Role::Added { weight * 16 } else { weight * 8 };
    // What was there before cannot be what was put out after it.
    match source.is_stale(&file.times) {
        Some(false) if !of_file.added && line.role == Role::Added => whole / 4,
        stale => whole + u32::from(of_file.added == (stale == Some(false))),
    }
}

/// What it speaks against two runs that one is farther from the other in the file than in the emission, or nearer: lines
/// may have been put between them or taken away, but of two places alike the nearer is meant.
fn drift(chain: &Chain, earlier: &Run, run: &Run) -> u64 {
    if chain.apart[earlier.at + earlier.length - 1] != chain.apart[run.at] {
        return 0;
    }
    drifted((run.file + earlier.at).abs_diff(earlier.file + run.at))
}

fn drifted(lines: usize) -> u64 {
    lines.min(FARTHEST) as u64 * DRIFT
}

/// The same of the first run and the line that an editor says the first of what was put out is.
fn drift_from_word(solid: &Solid, source: &Source<'_>, chain: &Chain, run: &Run) -> u64 {
    let Some(line) = source.line else { return 0 };
    let first = (0..chain.lines.len()).find(|at| is_claimed(chain.line(source, *at).role));
    let told = solid.lines.partition_point(|at| at + 1 < line as usize) + run.at;
    drifted((run.file + first.unwrap_or_default()).abs_diff(told))
}

/// The heaviest selection of runs that is in order in both. Where runs overlap, the later one gives way.
fn in_order(
    file: &File<'_>,
    solid: &Solid,
    source: &Source<'_>,
    chain: &Chain,
    mut runs: Vec<Run>,
) -> Vec<Run> {
    let sums = |run: &Run| {
        let mut sum = 0_u64;
        let weights = (0..run.length).map(|on| {
            sum += u64::from(weigh(file, solid, source, chain.line(source, run.at + on), run.file + on));
            sum
        });
        std::iter::once(0).chain(weights.collect::<Vec<u64>>()).collect::<Vec<u64>>()
    };
    if runs.len() > MOST_RUNS {
        runs.sort_by_cached_key(|run| std::cmp::Reverse(sums(run).last().copied()));
        runs.truncate(MOST_RUNS);
    }
    runs.sort_by_key(|run| (run.at, run.file));
    let sums: Vec<Vec<u64>> = runs.iter().map(sums).collect();
    let total = |of: usize, without: usize| sums[of][runs[of].length] - sums[of][without];
    // For each run: the best sum that ends in it, the run before it, and how much of its beginning gives way.
    let mut best: Vec<(u64, Option<usize>, usize)> = Vec::with_capacity(runs.len());
    for (of, run) in runs.iter().enumerate() {
        let alone = total(of, 0).saturating_sub(drift_from_word(solid, source, chain, run)).max(1);
        let mut choice = (alone, None, 0);
        for (before, earlier) in runs[..of].iter().enumerate() {
            if earlier.at >= run.at || earlier.file >= run.file {
                continue;
            }
            let overlap = (earlier.at + earlier.length)
                .saturating_sub(run.at)
                .max((earlier.file + earlier.length).saturating_sub(run.file));
            if overlap >= run.length {
                continue;
            }
            let sum = best[before].0 + total(of, overlap).saturating_sub(drift(chain, earlier, run)).max(1);
            if sum > choice.0 {
                choice = (sum, Some(before), overlap);
            }
        }
        best.push(choice);
    }
    let mut chosen = Vec::new();
    let mut next = (0..runs.len()).max_by_key(|of| best[*of].0);
    while let Some(of) = next {
        let (_, before, overlap) = best[of];
        let Run { file, at, length } = runs[of];
        chosen.push(Run { file: file + overlap, at: at + overlap, length: length - overlap });
        next = before;
    }
    chosen.reverse();
    chosen
}

/// Keeps those runs that have enough for them, and claims their lines, if the emission can have been put into this commit.
pub(super) fn accepted(
    file: &File<'_>,
    solid: &Solid,
    place: &Place<'_>,
    source: &Source<'_>,
    mut chain: Chain,
    landed: &Landed,
    claims: &mut Claims,
) -> Chain {
    let solid = solid.lines.as_slice();
    let told = word::told(source);
    let supports: Vec<Support> =
        chain.runs.iter().map(|run| support(file, solid, source, &chain, run)).collect();
    chain.is_of_commit = landed.when.is_of_commit() && !landed.is_scattered;
    chain.is_older = landed.when.is_stale && !landed.is_scattered;
    let removed = removed(file, source);
    let mut kept = Vec::new();
    for (number, run) in chain.runs.iter().enumerate() {
        let near = near(&chain.runs, &supports, number);
        let own = supports[number].own;
        let around = supports[number].around + near.own + near.around + removed;
        let telling = supports[number].telling + near.telling;
        let all = Support { own, around, telling };
        if !is_enough(place, source, &all, landed) {
            continue;
        }
        kept.push(*run);
        if !landed.when.is_of_commit() {
            continue;
        }
        for on in 0..run.length {
            let (line, at) = (solid[run.file + on], run.at + on);
            let emitted = chain.line(source, at);
            if !file.lines[line].added || !is_claimed(emitted.role) {
                continue;
            }
            let is_exact = emitted.fingerprint.exact == file.lines[line].fingerprint.exact;
            let kind = if is_exact { EvidenceKind::Exact } else { EvidenceKind::Formatted };
            // What is around a line says no more than the line does.
            let support = own + around.min(own);
            let claim = Claim { support, run: run.length as u32, ..Claim::new(source, at, kind) };
            let told = told.as_ref().map(|told| told[chain.lines[at]]);
            claims.extend(line, by_word(claim, told));
        }
    }
    chain.runs = kept;
    chain
}

/// A claim, by what an editor's word says of the line.
fn by_word(claim: Claim, told: Option<Told>) -> Option<Claim> {
    match told {
        None => Some(claim),
        Some(Told::Same) => Some(Claim { word: Some(EditorEvent::Accepted), ..claim }),
        Some(Told::Edited(changed)) => Some(Claim { changed, ..claim }),
        Some(Told::Nothing) => None,
    }
}

fn support(file: &File<'_>, solid: &[usize], source: &Source<'_>, chain: &Chain, run: &Run) -> Support {
    let mut support = Support::default();
    for on in 0..run.length {
        let emitted = chain.line(source, run.at + on);
        let weight = counted(&emitted.fingerprint);
        support.telling += u32::from(emitted.fingerprint.is_telling());
        if file.lines[solid[run.file + on]].added && is_claimed(emitted.role) {
            support.own += weight;
        } else {
            support.around += weight / 2;
        }
    }
    support
}

/// What the runs next to a run have for them.
fn near(runs: &[Run], supports: &[Support], number: usize) -> Support {
    let run = &runs[number];
    let mut near = Support::default();
    let mut add = |support: &Support| {
        near.own += support.own;
        near.around += support.around;
        near.telling += support.telling;
    };
    if let Some(before) = number.checked_sub(1) {
        let earlier = &runs[before];
        let gap = (run.file - earlier.file - earlier.length).max(run.at - earlier.at - earlier.length);
        if gap <= NEAR {
            add(&supports[before]);
        }
    }
    if let Some(later) = runs.get(number + 1) {
        let gap = (later.file - run.file - run.length).max(later.at - run.at - run.length);
        if gap <= NEAR {
            add(&supports[number + 1]);
        }
    }
    near
}

/// What it speaks for an emission that the commit takes away what the emission does.
pub(super) fn removed(file: &File<'_>, source: &Source<'_>) -> u32 {
    let gone = source.emission.lines.iter().filter(|line| line.role == Role::Removed);
    let gone = gone.filter(|line| file.removed.contains(&line.fingerprint.line));
    gone.map(|line| line.fingerprint.weight().min(MOST)).sum::<u32>().min(MOST)
}

fn is_enough(place: &Place<'_>, source: &Source<'_>, run: &Support, landed: &Landed) -> bool {
    let (all, share) = (run.own + run.around, landed.share);
    let enough = match source.fit {
        Fit::Here => all >= 12 && (run.telling > 0 || run.around >= 8),
        Fit::Loose => (all >= 30 && run.telling >= 2) || (share >= 60 && all >= 24 && run.telling >= 1),
        // A licence's head stands in many files.
        Fit::Nowhere => {
            (landed.stands >= 50 && all >= 60 && run.telling >= 3)
                || (share >= 60 && all >= 24 && run.telling >= 1)
        }
        Fit::Elsewhere => {
            // By its path, and by its name in the repository's own folder.
            let marks = [source.emission.place(), source.emission.path.first().copied()];
            let is_gone = || !marks.into_iter().flatten().any(|mark| (place.has)(mark));
            share >= 85 && run.telling >= 3 && is_gone()
        }
        Fit::Other => false,
    };
    // What has not landed at all needs more than a few lines that happen to be the same.
    let is_chance = landed.is_scattered && (run.telling < 3 || run.own < 60);
    match source.word {
        // An editor knows the place, but not what becomes of it in later commits.
        Some(_) => source.fit >= Fit::Loose,
        None => enough && !is_chance,
    }
}
