//! Gaps: what an emission has left over, between the lines of it that a file has: broken otherwise, or edited.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use waymark_ledger::emission::{Fingerprint, Form, Word};

use super::align::{Chain, MOST};
use super::claim::{Claim, Claims};
use super::fit::Fit;
use super::likeness::{ALIKE, TIGHT, changed, clear, likeness, paired};
use super::runs::removed;
use super::{EvidenceKind, File, FileLine, Solid, Source, is_claimed};

/// Lines of a gap that are looked at, on either side.
const LONGEST: usize = 400;
/// Words that must follow one another alike, and letters in them, for lines to be the same in another layout.
const WORDS: usize = 3;
const LETTERS: u32 = 12;
/// How alike two lines must be where no line of the emission was found as it was, in thousandths.
const ALONE: u32 = 667;
/// The same where other code was, which may be all that was found of the emission.
const CLOSE: u32 = 800;
/// What is left of a line must have this many letters in common with it; half of them where nothing else can be meant.
const LEAST: u32 = 6;

/// One gap: lines of the file, by their numbers, and of the emission, by theirs in the chain.
struct Gap {
    lines: Vec<usize>,
    emitted: Vec<usize>,
    /// Whether lines that were found as they were bound it, or the commit takes away what the emission does.
    bound: bool,
}

/// Finds lines of a gap.
type Method = fn(&File<'_>, &Source<'_>, &Chain, &Gap) -> Vec<Proposal>;

/// A line that was found so.
struct Proposal {
    line: usize,
    claim: Claim,
}

/// Fills the gaps of all emissions: what is surest first.
pub(super) fn fill(file: &File<'_>, solid: &Solid, laid: &[(Source<'_>, Chain)], claims: &mut Claims) {
    let methods: [(Method, bool); 2] = [(layout, true), (similar, false)];
    for (method, is_layout) in methods {
        let mut proposals = Vec::new();
        let unchanged = laid.iter().filter(|(source, _)| !source.is_word());
        // A later commit may lay lines out anew; one that changes their words makes them its own.
        let may_be = |chain: &Chain| chain.is_of_commit || (chain.is_older && is_layout);
        for (source, chain) in unchanged.filter(|(_, chain)| may_be(chain)) {
            for gap in gaps(file, solid, source, chain, claims) {
                proposals.extend(method(file, source, chain, &gap));
            }
        }
        proposals.sort_by_key(|proposal| {
            let Claim { changed, support, fit, number, .. } = proposal.claim;
            (changed, std::cmp::Reverse((fit, support, number)))
        });
        for Proposal { line, claim } in proposals {
            let settled = &mut claims.settled[line];
            if settled.is_none() {
                *settled = Some(claim);
            }
        }
    }
}

fn gaps(file: &File<'_>, solid: &Solid, source: &Source<'_>, chain: &Chain, claims: &Claims) -> Vec<Gap> {
    // What the emission takes away, or goes between, was there before it.
    let others = source.emission.lines.iter().filter(|line| !is_claimed(line.role));
    let was_there: FxHashSet<u64> = others.map(|line| line.fingerprint.line).collect();
    let is_free = |position: &usize| {
        let line = solid.lines[*position];
        let FileLine { added, fingerprint, .. } = &file.lines[line];
        *added && claims.settled[line].is_none() && !was_there.contains(&fingerprint.line)
    };
    // A new line that reads as it was put out may be it, wherever it stands, unless it is known to be another.
    let may_be = |position: &usize, at: usize| {
        let line = solid.lines[*position];
        let is_it = |claim: Claim| (claim.emission, claim.at) == (source.identity(), at);
        file.lines[line].added && claims.settled[line].is_none_or(is_it)
    };
    let is_left = |at: &usize| {
        let line = chain.line(source, *at);
        let mut positions = solid.positions.get(&line.fingerprint.line).into_iter().flatten();
        let mut stands = || positions.any(|position| may_be(position, *at));
        // Of what landed earlier, what this commit takes away.
        let is_at_hand = !chain.is_older || file.removed.contains_key(&line.fingerprint.line);
        let mut is_elsewhere = || line.fingerprint.is_telling() && !chain.edited.contains_key(at) && stands();
        is_claimed(line.role) && is_at_hand && !is_elsewhere()
    };
    let replaces = removed(file, source, |_| true) >= LETTERS;
    let gap = |positions: Range<usize>, at: Range<usize>, bound: bool| Gap {
        lines: positions.filter(is_free).map(|position| solid.lines[position]).take(LONGEST).collect(),
        emitted: at.filter(is_left).take(LONGEST).collect(),
        bound,
    };
    if chain.runs.is_empty() {
        let alone = source.fit >= Fit::Loose && source.is_stale(&file.times) == Some(false);
        let everything = || gap(0..solid.lines.len(), 0..chain.lines.len(), replaces);
        return alone.then(everything).into_iter().collect();
    }
    let gaps = chain.gaps(solid.lines.len()).into_iter();
    let mut gaps: Vec<Gap> = gaps.map(|(positions, at)| gap(positions, at, true)).collect();
    gaps.retain(|gap| !gap.lines.is_empty() && !gap.emitted.is_empty());
    gaps
}

/// What a line has in common with what was put out.
#[derive(Default)]
struct Found {
    /// Letters of its words that were.
    covered: u32,
    /// Letters of the longest stretch that one of them is in.
    letters: u32,
    /// Where each of them was put out.
    at: Vec<usize>,
}

/// Lines whose words follow one another as they were put out, whatever lines they were on.
fn layout(file: &File<'_>, source: &Source<'_>, chain: &Chain, gap: &Gap) -> Vec<Proposal> {
    let (found, used) = laid_out(file, source, chain, gap);
    // A line that only begins like one that was put out is another.
    let is_whole = |at: &usize| {
        let weight = chain.line(source, *at).fingerprint.weight();
        used.get(at).is_some_and(|used| *used * 10 >= weight * 9)
    };
    let proposal = |(line, Found { covered, letters, at }): (usize, Found)| {
        let ours = &file.lines[line].fingerprint;
        let is_same = |at: &usize| {
            let put_out = &chain.line(source, *at).fingerprint;
            (put_out.line, put_out.exact) == (ours.line, ours.exact)
        };
        let kind = if gap.emitted.iter().any(is_same) { EvidenceKind::Exact } else { EvidenceKind::Layout };
        let claim = Claim::new(source, *at.first()?, kind);
        let claim = Claim { support: letters, run: gap.emitted.len() as u32, ..claim };
        (covered == ours.weight() && at.iter().all(is_whole)).then_some(Proposal { line, claim })
    };
    found.into_iter().filter_map(proposal).collect()
}

/// What is found of each line of the file, and how many letters of each line that was put out.
fn laid_out(
    file: &File<'_>,
    source: &Source<'_>,
    chain: &Chain,
    gap: &Gap,
) -> (FxHashMap<usize, Found>, FxHashMap<usize, u32>) {
    let words = |line: usize| file.lines[line].fingerprint.words.iter().map(move |word| (*word, line));
    let (ours, lines): (Vec<Word>, Vec<usize>) = gap.lines.iter().copied().flat_map(words).unzip();
    let words = |at: usize| chain.line(source, at).fingerprint.words.iter().map(move |word| (*word, at));
    let (theirs, emitted): (Vec<Word>, Vec<usize>) = gap.emitted.iter().copied().flat_map(words).unzip();
    let least = if gap.bound { LETTERS } else { 2 * LETTERS };
    let mut found: FxHashMap<usize, Found> = FxHashMap::default();
    let mut used: FxHashMap<usize, u32> = FxHashMap::default();
    for (ours_at, theirs_at, length) in common(&ours, &theirs) {
        let stretch = &ours[ours_at..ours_at + length];
        let letters: u32 = stretch.iter().map(|word| u32::from(word.length)).sum();
        if length < WORDS || letters < least {
            continue;
        }
        for (on, word) in stretch.iter().enumerate() {
            let (line, at) = (lines[ours_at + on], emitted[theirs_at + on]);
            *used.entry(at).or_default() += u32::from(word.length);
            let found = found.entry(line).or_default();
            found.covered += u32::from(word.length);
            found.letters = found.letters.max(letters);
            found.at.push(at);
        }
    }
    (found, used)
}

/// The stretches that two sequences of words have in common, the longest first, each word once.
pub(super) fn common(ours: &[Word], theirs: &[Word]) -> Vec<(usize, usize, usize)> {
    let mut places: FxHashMap<[Word; WORDS], Vec<usize>> = FxHashMap::default();
    let key = |words: &[Word]| <[Word; WORDS]>::try_from(words).ok();
    for (at, key) in theirs.windows(WORDS).filter_map(key).enumerate() {
        places.entry(key).or_default().push(at);
    }
    let mut stretches = Vec::new();
    let mut reached: FxHashMap<usize, usize> = FxHashMap::default();
    for (at, key) in ours.windows(WORDS).filter_map(key).enumerate() {
        let Some(positions) = places.get(&key) else { continue };
        for &position in positions.iter().take(16) {
            let diagonal = at + theirs.len() - position;
            if reached.get(&diagonal).is_some_and(|end| at < *end) {
                continue;
            }
            let same = ours[at..].iter().zip(&theirs[position..]).take_while(|(a, b)| a == b).count();
            reached.insert(diagonal, at + same);
            stretches.push((at, position, same));
        }
    }
    stretches.sort_by_key(|(_, _, length)| std::cmp::Reverse(*length));
    let (mut taken_ours, mut taken_theirs) = (vec![false; ours.len()], vec![false; theirs.len()]);
    stretches.retain(|(at, position, length)| {
        let is_free = !taken_ours[*at..at + length].iter().any(|taken| *taken)
            && !taken_theirs[*position..position + length].iter().any(|taken| *taken);
        if is_free {
            taken_ours[*at..at + length].fill(true);
            taken_theirs[*position..position + length].fill(true);
        }
        is_free
    });
    stretches
}

/// Lines that stand where a line of the emission would and are much like it, in order.
fn similar(file: &File<'_>, source: &Source<'_>, chain: &Chain, gap: &Gap) -> Vec<Proposal> {
    let ours: Vec<&Fingerprint> = gap.lines.iter().map(|line| &file.lines[*line].fingerprint).collect();
    let theirs: Vec<&Fingerprint> =
        gap.emitted.iter().map(|at| &chain.line(source, *at).fingerprint).collect();
    let likeness = likeness(&ours, &theirs);
    let is_tight = gap.bound && gap.lines.len() == gap.emitted.len();
    // What went from here says as much as what came.
    let is_here = |place: &Range<usize>| {
        let ends = gap.lines.first().zip(gap.lines.last());
        ends.is_some_and(|(first, last)| place.start <= *last && place.end >= *first)
    };
    let has_landed = chain.has_landed || !chain.runs.is_empty() && removed(file, source, is_here) == MOST;
    let least = match (gap.bound, is_tight) {
        (_, true) => TIGHT,
        (true, false) if has_landed => ALIKE,
        (true, false) => CLOSE,
        (false, false) => ALONE,
    };
    let pairs = paired(&likeness, least);
    let pairs = if is_tight { pairs } else { clear(&likeness, pairs) };
    let (mut proposals, mut matched) = (Vec::new(), 0);
    for (line, at) in pairs {
        let own = likeness[line][at];
        let support = ours[line].weight() * own / 1_000;
        if support < LEAST / if is_tight { 2 } else { 1 } {
            continue;
        }
        let claim = Claim {
            support,
            changed: changed(own),
            ..Claim::new(source, gap.emitted[at], EvidenceKind::Similar)
        };
        matched += claim.support;
        proposals.push(Proposal { line: gap.lines[line], claim });
    }
    let all: u32 = theirs.iter().map(|line| line.weight()).sum();
    // Where nothing was found as it was, one line that is like another of many says little; and a block of a chat may have
    // been read and no more.
    let is_enough = match gap.bound {
        true => has_landed || is_tight || 4 * matched >= all,
        false => 2 * matched >= all && source.emission.form != Form::Fence,
    };
    if is_enough { proposals } else { Vec::new() }
}
