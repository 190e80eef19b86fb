//! Runs: lines of an emission that a file has in the same order, one after another, and whether they say enough.

use std::cell::OnceCell;
use std::ops::Range;

use waymark_ledger::emission::{EditorEvent, EmittedLine, Form, Role};

use super::align::{Chain, MOST, Run, counted};
use super::claim::{Claim, Claims};
use super::fit::Fit;
use super::landed::{LANDED, Landed, is_most};
use super::word::{self, Told};
use super::{EvidenceKind, File, Place, Solid, Source, is_claimed};

/// Runs this near to each other, in lines, support each other.
const NEAR: usize = 6;
/// How much of a completion that names no file must stand in one, in per cent.
const WHOLE: u32 = 70;
/// Letters of lines around that say where a completion belongs which names no file.
const SURROUNDED: u32 = 30;
/// Letters of lines around that say that code was put there.
const PLACED: u32 = 8;

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
    let told = word::told(source);
    let puts = puts(file, solid, source, &chain, claims);
    let solid = solid.lines.as_slice();
    let supports: Vec<Support> =
        chain.runs.iter().zip(&puts).map(|(run, puts)| support(source, &chain, run, puts)).collect();
    // What was there before it is none of it.
    chain.has_landed = if landed.when.is_stale { landed.stands > 0 } else { landed.share > 0 };
    chain.is_of_commit = landed.when.is_of_commit() && !landed.is_scattered;
    chain.is_older = landed.when.is_stale && !landed.is_scattered;
    let removed = removed(file, source, |_| true);
    let most = OnceCell::new();
    let is_most = || *most.get_or_init(|| is_most(place, source, landed.share));
    let mut kept = Vec::new();
    for (number, run) in chain.runs.iter().enumerate() {
        let near = near(&chain.runs, &supports, number);
        let own = supports[number].own;
        let around_it = supports[number].around + near.around;
        let around = around_it + near.own + removed;
        let telling = supports[number].telling + near.telling;
        let all = Support { own, around, telling };
        let is_surrounded = around_it >= SURROUNDED;
        // Of what has mostly not landed one line is chance, if none of it was edited, and no editor says otherwise.
        let is_alone = source.word.is_none()
            && landed.stands < LANDED
            && (around, chain.edited.len()) == (0, 0)
            && telling < 2;
        if is_alone || is_read(source) || !is_enough(place, source, &all, is_surrounded, landed, &is_most) {
            continue;
        }
        kept.push(*run);
        if !landed.when.is_of_commit() && !chain.is_older {
            continue;
        }
        for on in 0..run.length {
            let (line, at) = (solid[run.file + on], run.at + on);
            let emitted = chain.line(source, at);
            if !puts[number][on] || chain.is_older && !is_respelt(file, line) {
                continue;
            }
            let is_exact = emitted.fingerprint.exact == file.lines[line].fingerprint.exact;
            let kind = if is_exact { EvidenceKind::Exact } else { EvidenceKind::Formatted };
            // What is around a line says no more than the line does.
            let support = own + around.min(own);
            let is_placed = around_it >= PLACED || source.emission.seen;
            let claim = Claim { support, run: run.length as u32, is_placed, ..Claim::new(source, at, kind) };
            let told = told.as_ref().map(|told| told[chain.lines[at]]);
            claims.extend(line, by_word(claim, told));
        }
    }
    chain.runs = kept;
    chain
}

/// Whether the commit took a line away and put the same one in its place, but for what formatters change: then it is whose it was.
fn is_respelt(file: &File<'_>, line: usize) -> bool {
    let places = file.removed.get(&file.lines[line].fingerprint.line);
    places.is_some_and(|places| places.iter().any(|place| place.contains(&line)))
}

/// Whether a block of a chat has nothing that says something but what was read: it quotes a file.
fn is_read(source: &Source<'_>) -> bool {
    let says = |role: Role| {
        source.emission.lines.iter().any(|line| line.role == role && line.fingerprint.is_telling())
    };
    source.emission.form == Form::Fence && says(Role::Context) && !says(Role::Added)
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

/// Which lines of each run the commit added and the emission put there: those that it adds; and, beside such, those that the
/// model was shown of the file, where the commit kept as many of them: then these are others. An emission that quotes what no
/// commit had, and no record before it put out, may quote more of that.
fn puts(
    file: &File<'_>,
    solid: &Solid,
    source: &Source<'_>,
    chain: &Chain,
    claims: &Claims,
) -> Vec<Vec<bool>> {
    let pairs = |run: &Run| (run.at..run.at + run.length).zip(solid.lines[run.file..].iter().copied());
    let is_own = |at: usize| is_claimed(chain.line(source, at).role);
    let is_read =
        |at: usize, line: usize| !is_own(at) && file.lines[line].added && !claims.are_before(line, source);
    let is_another = |at: usize| {
        let EmittedLine { shown, fingerprint, .. } = chain.line(source, at);
        *shown > 0 && solid.kept(file, fingerprint) >= *shown as usize
    };
    let says = |at: usize| !chain.line(source, at).fingerprint.words.is_empty();
    let mut read = chain.runs.iter().flat_map(pairs).filter(|(at, line)| is_read(*at, *line));
    let may_repeat = source.fit == Fit::Here && read.all(|(at, _)| is_another(at) || !says(at));
    let of_run = |run: &Run| {
        let puts: Vec<bool> = pairs(run).map(|(at, line)| file.lines[line].added && is_own(at)).collect();
        if !may_repeat || !puts.contains(&true) {
            return puts;
        }
        let repeats = pairs(run).map(|(at, line)| is_read(at, line) && is_another(at));
        puts.iter().zip(repeats).map(|(put, repeats)| *put || repeats).collect()
    };
    chain.runs.iter().map(of_run).collect()
}

fn support(source: &Source<'_>, chain: &Chain, run: &Run, puts: &[bool]) -> Support {
    let mut support = Support::default();
    for (on, is_put) in puts.iter().enumerate() {
        let emitted = chain.line(source, run.at + on);
        let weight = counted(&emitted.fingerprint);
        support.telling += u32::from(emitted.fingerprint.is_telling());
        if *is_put {
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

/// What it speaks for an emission that the commit takes away what the emission does, where `is_here` says that the lines in its
/// place are.
pub(super) fn removed(file: &File<'_>, source: &Source<'_>, is_here: impl Fn(&Range<usize>) -> bool) -> u32 {
    let gone = source.emission.lines.iter().filter(|line| line.role == Role::Removed);
    let gone = gone.filter(|line| {
        file.removed.get(&line.fingerprint.line).is_some_and(|places| places.iter().any(&is_here))
    });
    gone.map(|line| line.fingerprint.weight().min(MOST)).sum::<u32>().min(MOST)
}

fn is_enough(
    place: &Place<'_>,
    source: &Source<'_>,
    run: &Support,
    is_surrounded: bool,
    landed: &Landed,
    is_most: &dyn Fn() -> bool,
) -> bool {
    let (all, share) = (run.own + run.around, landed.share);
    let enough = match source.fit {
        Fit::Here => all >= 12 && (run.telling > 0 || run.around >= 8),
        Fit::Loose => (all >= 30 && run.telling >= 2) || (share >= 60 && all >= 24 && run.telling >= 1),
        // A licence's head stands in many files, and one file may be made like another: what a cursor asked for is short, if
        // what stands around the cursor does not say the place.
        Fit::Nowhere => {
            let is_short = source.emission.form == Form::Completion && !is_surrounded;
            let least = if is_short { WHOLE } else { LANDED };
            let says_much = all >= 60 && run.telling >= 3;
            let is_whole = share >= 60 && all >= 24 && run.telling >= 1;
            landed.stands >= least && (says_much || is_whole) && is_most()
        }
        Fit::Elsewhere => {
            // By its path, and by its name in the repository's own folder.
            let marks = [source.emission.place(), source.emission.path.first().copied()];
            let is_gone = || !marks.into_iter().flatten().any(|mark| (place.has)(mark));
            share >= 85 && run.telling >= 3 && is_gone() && is_most()
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
