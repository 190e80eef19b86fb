//! Likeness: how much of a line is what was put out, and which of them were made of one another.

use waymark_ledger::emission::Fingerprint;

/// How alike two lines must be, in thousandths, for one to have been made of the other: where as many stand between two
/// that were not edited as were put out, so that nothing else can be meant, and where something else can.
pub(super) const TIGHT: u32 = 600;
pub(super) const ALIKE: u32 = 640;
/// Lines of fewer words, and those that have less than this of their letters in common, are not compared by their words.
const FEW: u32 = 3;
const HALF: u32 = 450;
/// How much liker a line must be than the next that could have been made of the same.
const MARGIN: u32 = 80;

/// How alike each of `ours` is to each of `theirs`: a row for each of ours, in thousandths.
pub(super) fn likeness(ours: &[&Fingerprint], theirs: &[&Fingerprint]) -> Vec<Vec<u32>> {
    ours.iter().map(|one| theirs.iter().map(|other| alike(one, other)).collect()).collect()
}

/// How alike two lines are: the words they have in common, of those of the longer one, in thousandths; counted in letters
/// or, where that says more and a long name was changed for a short one, in words.
pub(super) fn alike(one: &Fingerprint, other: &Fingerprint) -> u32 {
    let mut left = other.words.clone();
    let (mut letters, mut words) = (0, 0);
    for word in &one.words {
        if let Some(at) = left.iter().position(|other| other == word) {
            left.swap_remove(at);
            letters += u32::from(word.length);
            words += 1;
        }
    }
    let share = |of: u32, all: u32| (1_000 * of).checked_div(all).unwrap_or_default();
    let letters = share(letters, one.weight().max(other.weight()));
    let most = one.words.len().max(other.words.len()) as u32;
    if most >= FEW && letters >= HALF { letters.max(share(words, most)) } else { letters }
}

/// Pairs, in order on both sides, of the greatest likeness together.
pub(super) fn paired(likeness: &[Vec<u32>], least: u32) -> Vec<(usize, usize)> {
    let (rows, columns) = (likeness.len(), likeness.first().map_or(0, Vec::len));
    let mut best = vec![vec![0_u32; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let own = likeness[row][column];
            let pair = if own >= least { own + best[row + 1][column + 1] } else { 0 };
            best[row][column] = pair.max(best[row + 1][column]).max(best[row][column + 1]);
        }
    }
    let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
    while row < rows && column < columns {
        let own = likeness[row][column];
        if own >= least && best[row][column] == own + best[row + 1][column + 1] {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if best[row][column] == best[row + 1][column] {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

/// Of these pairs, those whose row is clearly the likest in its column: which of two lines is the edited one must show. A row
/// that is as like to what it is paired with is none to choose from.
pub(super) fn clear(likeness: &[Vec<u32>], mut pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let mut taken: Vec<Option<usize>> = vec![None; likeness.len()];
    pairs.iter().for_each(|(row, column)| taken[*row] = Some(*column));
    let is_clear = |&(row, column): &(usize, usize)| {
        let own = likeness[row][column];
        (0..likeness.len()).all(|other| {
            let there = likeness[other][column];
            let has_own = || taken[other].is_some_and(|own| likeness[other][own] >= there);
            other == row || there + MARGIN <= own || has_own()
        })
    };
    pairs.retain(is_clear);
    pairs
}

/// How much of a line so alike is not what was put out, in per cent.
pub(super) fn changed(alike: u32) -> u32 {
    (1_000 - alike) / 10
}
