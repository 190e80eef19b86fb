//! Alignment: where in a file the lines of an emission stand.
//!
//! Equal lines that follow one another are runs; the heaviest selection of them that is in the same order in file and
//! emission is taken. Lines that were edited speak for a place as well: a copy that somebody else typed may be more like
//! what was put out than what became of it.

use std::ops::Range;

use rustc_hash::FxHashMap;
use waymark_ledger::emission::{EmittedLine, Fingerprint, Role};

use super::likeness::{ALIKE, alike, paired};
use super::{File, FileLine, Solid, Source, is_claimed};

/// A line that a file has more often than this begins no run.
const COMMON: usize = 48;
/// Runs that are looked at, the heaviest; and lines of an emission without a telling one that begin runs all the same.
const MOST_RUNS: usize = 512;
const SHORT: usize = 6;
/// What a line counts for at most, in letters; and one that is not telling.
pub(super) const MOST: u32 = 40;
const LITTLE: u32 = 4;
/// Pairs of lines between two runs that are looked at.
pub(super) const MOST_PAIRS: usize = 1 << 16;
/// Lines beyond either end of a run that are looked at for edited ones.
const STRETCH: usize = 200;
/// What drift between two runs counts for, in sixteenths of a letter, and every line of it; and the lines that count at most.
const BREAK: u64 = 128;
const DRIFT: u64 = 16;
const FARTHEST: usize = 100;

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
    /// Those that are taken away, and how many of `lines` go before each.
    gone: Vec<(usize, usize)>,
    /// Places before which lines of the file may be left out, up to each of the lines and with it.
    apart: Vec<usize>,
    pub(super) runs: Vec<Run>,
    /// Whether more than next to nothing of it stands there as it was put out.
    pub(super) has_landed: bool,
    /// Whether it can have been put into this commit, and not into an earlier or a later one.
    pub(super) is_of_commit: bool,
    /// Whether it was put into an earlier one.
    pub(super) is_older: bool,
    /// Lines of the emission that were edited, by where the runs are, and what they became, among the file's lines that are
    /// not blank.
    pub(super) edited: FxHashMap<usize, usize>,
}

/// Lays an emission against a file: the heaviest runs that are in the same order in both.
pub(super) fn lay(file: &File<'_>, solid: &Solid, source: &Source<'_>) -> Chain {
    let emitted = &source.emission.lines;
    let stays = |at: &usize| emitted[*at].role != Role::Removed;
    let lines: Vec<usize> = (0..emitted.len()).filter(stays).collect();
    let mut before = 0;
    let gone = (0..emitted.len()).filter_map(|at| {
        before += usize::from(stays(&at));
        (!stays(&at)).then_some((at, before))
    });
    let gone = gone.collect();
    let apart = emitted.iter().scan(0, |apart, line| {
        *apart += usize::from(line.apart);
        Some(*apart)
    });
    let apart: Vec<usize> = apart.enumerate().filter(|(at, _)| stays(at)).map(|(_, apart)| apart).collect();
    let edited = FxHashMap::default();
    let mut chain = Chain {
        lines,
        gone,
        apart,
        runs: Vec::new(),
        has_landed: false,
        is_of_commit: false,
        is_older: false,
        edited,
    };
    let laying = Laying { file, solid, source, chain: &chain };
    let mut found = laying.heaviest(laying.find());
    found.extend(laying.stretches(&found));
    for stretch in laying.in_order(found) {
        chain.take(file, solid, source, stretch);
    }
    let between = Laying { file, solid, source, chain: &chain }.between();
    chain.runs.extend(between);
    chain.runs.sort_unstable_by_key(|run| run.at);
    chain
}

/// An emission, and what it is laid against.
struct Laying<'a> {
    file: &'a File<'a>,
    solid: &'a Solid,
    source: &'a Source<'a>,
    chain: &'a Chain,
}

impl Laying<'_> {
    /// A line of the emission, by its place in the chain.
    fn line(&self, at: usize) -> &EmittedLine {
        self.chain.line(self.source, at)
    }

    /// A line of the file, by its place among those that are not blank.
    fn stands(&self, position: usize) -> &FileLine {
        &self.file.lines[self.solid.lines[position]]
    }

    /// So many runs as are looked at.
    fn heaviest(&self, mut runs: Vec<Run>) -> Vec<Run> {
        if runs.len() > MOST_RUNS {
            let weight = |run: &Run| self.weights(run).last().copied();
            runs.sort_by_cached_key(|run| std::cmp::Reverse(weight(run)));
            runs.truncate(MOST_RUNS);
        }
        runs
    }

    /// Runs with what was edited around them, each stretch once.
    fn stretches(&self, runs: &[Run]) -> Vec<Run> {
        let mut known: FxHashMap<usize, Vec<Run>> = FxHashMap::default();
        for run in runs {
            let known = known.entry(run.file + self.chain.lines.len() - run.at).or_default();
            if !known.iter().any(|stretch| (stretch.at..stretch.at + stretch.length).contains(&run.at)) {
                known.extend(self.with_edited(*run));
            }
        }
        known.into_values().flatten().collect()
    }

    /// A run with the lines before and after it that were edited, and what is equal beyond them; nothing where none were.
    fn with_edited(&self, run: Run) -> Option<Run> {
        let is_it = |at: usize, position: usize| {
            let (emitted, line) = (self.line(at), self.stands(position));
            emitted.fingerprint.line == line.fingerprint.line || self.is_edited(emitted, line).is_some()
        };
        let before = 1..=run.at.min(run.file).min(STRETCH);
        let before = before.take_while(|back| is_it(run.at - back, run.file - back)).count();
        let (end, file_end) = (run.at + run.length, run.file + run.length);
        let room = (self.chain.lines.len() - end).min(self.solid.lines.len() - file_end).min(STRETCH);
        let after = (0..room).take_while(|on| is_it(end + on, file_end + on)).count();
        let stretch =
            Run { file: run.file - before, at: run.at - before, length: before + run.length + after };
        (stretch != run).then_some(stretch)
    }

    /// How alike a line is to one that was put out, in thousandths, if it may have been made of it. Lines that were there before
    /// are made of what may have been put out before.
    fn is_edited(&self, emitted: &EmittedLine, line: &FileLine) -> Option<u32> {
        let is_its_time = line.added || self.source.is_stale(&self.file.times) != Some(false);
        let may_be = is_claimed(emitted.role) && is_its_time && !line.fingerprint.words.is_empty();
        may_be.then(|| alike(&line.fingerprint, &emitted.fingerprint)).filter(|alike| *alike >= ALIKE)
    }

    /// Equal lines in order between, before and after the runs: those that were too common to begin one.
    fn between(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for (positions, at) in self.chain.gaps(self.solid.lines.len()) {
            if positions.is_empty() || at.is_empty() || positions.len() * at.len() > MOST_PAIRS {
                continue;
            }
            let likeness: Vec<Vec<u32>> = positions
                .clone()
                .map(|position| {
                    let line = self.stands(position).fingerprint.line;
                    let is_equal = |at| self.line(at).fingerprint.line == line;
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

    /// Every run that a line begins which says something and is not too common.
    fn find(&self) -> Vec<Run> {
        let equal = |at: usize, position: usize| {
            self.line(at).fingerprint.line == self.stands(position).fingerprint.line
        };
        let mut reached: FxHashMap<usize, usize> = FxHashMap::default();
        let mut runs = Vec::new();
        let is_short = self.chain.lines.len() <= SHORT;
        for at in 0..self.chain.lines.len() {
            let fingerprint = &self.line(at).fingerprint;
            if !(fingerprint.is_telling() || is_short) {
                continue;
            }
            let Some(positions) = self.solid.positions.get(&fingerprint.line) else { continue };
            if positions.len() > COMMON {
                continue;
            }
            for &position in positions {
                let diagonal = position + self.chain.lines.len() - at;
                if reached.get(&diagonal).is_some_and(|end| at < *end) {
                    continue;
                }
                let before =
                    (1..=at.min(position)).take_while(|back| equal(at - back, position - back)).count();
                let after = (1..).take_while(|on| {
                    at + on < self.chain.lines.len()
                        && position + on < self.solid.lines.len()
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

    /// What a pair of lines counts for: an edited one as far as it is alike. Kept lines and those that were only read count
    /// half; of two places alike, the one that the emission's age speaks for counts a little more.
    fn weigh(&self, line: &EmittedLine, position: usize) -> u32 {
        let of_file = self.stands(position);
        let weight = counted(&line.fingerprint).max(1);
        if line.fingerprint.line != of_file.fingerprint.line {
            return self.is_edited(line, of_file).map_or(0, |alike| weight * 16 * alike / 1_000);
        }
        // A line that the file has once, and that was there, says where.
        let is_landmark =
            || !of_file.added && line.fingerprint.is_telling() && self.solid.has_once(&line.fingerprint);
        let whole = if line.role == Role::Added || is_landmark() { weight * 16 } else { weight * 8 };
        // What was there before cannot be what was put out after it.
        match self.source.is_stale(&self.file.times) {
            Some(false) if !of_file.added && line.role == Role::Added => whole / 4,
            stale => whole + u32::from(of_file.added == (stale == Some(false))),
        }
    }

    /// What it speaks against two runs that one is farther from the other in the file than in the emission, or nearer: lines
    /// may have been put between them or taken away, but of two places alike the nearer is meant.
    fn drift(&self, earlier: &Run, run: &Run) -> u64 {
        if self.chain.apart[earlier.at + earlier.length - 1] != self.chain.apart[run.at] {
            return 0;
        }
        drifted((run.file + earlier.at).abs_diff(earlier.file + run.at))
    }

    /// The same of the first run and the line that an editor says the first of what was put out is.
    fn drift_from_word(&self, run: &Run) -> u64 {
        let Some(line) = self.source.line else { return 0 };
        let first = (0..self.chain.lines.len()).find(|at| is_claimed(self.line(*at).role));
        let told = self.solid.lines.partition_point(|at| at + 1 < line as usize) + run.at;
        drifted((run.file + first.unwrap_or_default()).abs_diff(told))
    }

    /// What the lines of a run count for, from its beginning up to each of them.
    fn weights(&self, run: &Run) -> Vec<u64> {
        let line = |on| self.weigh(self.line(run.at + on), run.file + on);
        let mut weights: Vec<u64> = (0..run.length).map(|on| u64::from(line(on))).collect();
        let from = self.chain.gone.partition_point(|(_, at)| *at < run.at);
        for (gone, at) in self.chain.gone[from..].iter().take_while(|(_, at)| *at <= run.at + run.length) {
            let gone = &self.source.emission.lines[*gone].fingerprint;
            if self.went(gone, run.file + at - run.at) {
                weights[(at - run.at).min(run.length - 1)] += u64::from(counted(gone) * 8);
            }
        }
        let sums = weights.iter().scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        std::iter::once(0).chain(sums).collect()
    }

    /// Whether the commit took a line away where this line of the file stands, or between it and the one before.
    fn went(&self, gone: &Fingerprint, position: usize) -> bool {
        let Some(places) = self.file.removed.get(&gone.line) else { return false };
        let line = |position: usize| self.solid.lines.get(position).copied().unwrap_or(self.file.lines.len());
        let from = position.checked_sub(1).map_or(0, |before| line(before) + 1);
        let next = places.partition_point(|place| place.end < from);
        places.get(next).is_some_and(|place| place.start <= line(position))
    }

    /// The heaviest selection of runs that is in order in both. Where runs overlap, the later one gives way.
    fn in_order(&self, mut runs: Vec<Run>) -> Vec<Run> {
        runs.sort_by_key(|run| (run.at, run.file, run.length));
        let sums: Vec<Vec<u64>> = runs.iter().map(|run| self.weights(run)).collect();
        let total = |of: usize, without: usize| sums[of][runs[of].length] - sums[of][without];
        // For each run: the best sum that ends in it, the run before it, and how much of its beginning gives way.
        let mut best: Vec<(u64, Option<usize>, usize)> = Vec::with_capacity(runs.len());
        for (of, run) in runs.iter().enumerate() {
            let alone = total(of, 0).saturating_sub(self.drift_from_word(run)).max(1);
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
                let sum = best[before].0 + total(of, overlap).saturating_sub(self.drift(earlier, run)).max(1);
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

    /// Takes the equal lines of a stretch as runs, and notes those that were edited.
    fn take(&mut self, file: &File<'_>, solid: &Solid, source: &Source<'_>, stretch: Run) {
        let mut open: Option<Run> = None;
        for on in 0..stretch.length {
            let (at, position) = (stretch.at + on, stretch.file + on);
            let line = &file.lines[solid.lines[position]].fingerprint;
            if self.line(source, at).fingerprint.line != line.line {
                self.edited.insert(at, position);
                self.runs.extend(open.take());
            } else if let Some(run) = &mut open {
                run.length += 1;
            } else {
                open = Some(Run { file: position, at, length: 1 });
            }
        }
        self.runs.extend(open);
    }

    pub(super) fn line<'a>(&self, source: &Source<'a>, at: usize) -> &'a EmittedLine {
        &source.emission.lines[self.lines[at]]
    }
}

/// Letters of a line, as far as they count.
pub(super) fn counted(print: &Fingerprint) -> u32 {
    print.weight().min(if print.is_telling() { MOST } else { LITTLE })
}

fn drifted(lines: usize) -> u64 {
    if lines == 0 { 0 } else { BREAK + lines.min(FARTHEST) as u64 * DRIFT }
}
