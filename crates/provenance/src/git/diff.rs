//! Which lines a text has that others have not.
//!
//! Plain Myers gives the shortest answer and takes quadratic time at worst. So a text is first cut where both sides
//! have a line that occurs once in each (patience), until the pieces are small enough for it. A large piece without such
//! lines is matched occurrence by occurrence: not the shortest answer, but a right one, in time that does not run away.
//! Nothing depends on a clock: the same texts give the same answer.

use std::hash::Hash;
use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Lines of both sides together up to which Myers may take all its time.
const SMALL: usize = 4_000;

/// A place where two texts differ, in lines from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The lines of the old text that are gone; empty where lines only came in.
    pub old: Range<usize>,
    /// The lines of the new text that stand there instead; empty where lines only went.
    pub new: Range<usize>,
}

/// For each line of `new`, whether it is in none of the old texts: those of a commit's parents, none of them for a root
/// commit. A line counts as old where the diff of the two texts keeps it.
pub fn added(old: &[&[String]], new: &[String]) -> Vec<bool> {
    let mut fresh = vec![true; new.len()];
    for parent in old {
        let mut from = 0;
        for hunk in hunks(parent, new) {
            fresh[from..hunk.new.start].fill(false);
            from = hunk.new.end;
        }
        fresh[from..].fill(false);
    }
    fresh
}

/// The places where lines of `old` are gone, and what stands there in `new`.
pub fn removed(old: &[String], new: &[String]) -> Vec<Hunk> {
    hunks(old, new).into_iter().filter(|hunk| !hunk.old.is_empty()).collect()
}

/// The stretches that both texts have, in order: as many lines of the one as of the other.
pub fn same<T: Eq + Hash>(old: &[T], new: &[T]) -> Vec<Hunk> {
    let (mut old_from, mut new_from) = (0, 0);
    let end = Hunk { old: old.len()..old.len(), new: new.len()..new.len() };
    let before = |hunk: Hunk| {
        let same = Hunk { old: old_from..hunk.old.start, new: new_from..hunk.new.start };
        (old_from, new_from) = (hunk.old.end, hunk.new.end);
        same
    };
    let stretches = hunks(old, new).into_iter().chain([end]).map(before);
    stretches.filter(|same| !same.old.is_empty()).collect()
}

/// Every place where the texts differ, in order. Between two of them, the lines are the same.
pub fn hunks<T: Eq + Hash>(old: &[T], new: &[T]) -> Vec<Hunk> {
    let mut numbers = FxHashMap::default();
    let old = interned(&mut numbers, old);
    let new = interned(&mut numbers, new);
    let mut pairs = Vec::new();
    let mut pieces = vec![((0..old.len()).collect(), (0..new.len()).collect())];
    while let Some((left, right)) = pieces.pop() {
        let piece = Piece::new(&old, &new, left, right, &mut pairs);
        piece.solve(&mut pairs, &mut pieces);
    }
    pairs.sort_unstable();
    gaps(&pairs, old.len(), new.len())
}

/// One number for each different line.
fn interned<'a, T: Eq + Hash>(numbers: &mut FxHashMap<&'a T, u32>, lines: &'a [T]) -> Vec<u32> {
    let number = |line: &'a T| {
        let next = numbers.len() as u32;
        *numbers.entry(line).or_insert(next)
    };
    lines.iter().map(number).collect()
}

/// What lies between matched pairs.
fn gaps(pairs: &[(usize, usize)], old_length: usize, new_length: usize) -> Vec<Hunk> {
    let mut hunks = Vec::new();
    let (mut old_from, mut new_from) = (0, 0);
    for &(old, new) in pairs.iter().chain([&(old_length, new_length)]) {
        if old > old_from || new > new_from {
            hunks.push(Hunk { old: old_from..old, new: new_from..new });
        }
        (old_from, new_from) = (old + 1, new + 1);
    }
    hunks
}

/// Places of lines on one side, rising.
type Places = Vec<usize>;

/// A stretch of both sides, still to be matched; only lines that both have.
struct Piece<'a> {
    old: &'a [u32],
    new: &'a [u32],
    left: Places,
    right: Places,
}

impl<'a> Piece<'a> {
    /// Matches the common start and end at once, and leaves out lines that only one side has.
    fn new(
        old: &'a [u32],
        new: &'a [u32],
        mut left: Places,
        mut right: Places,
        pairs: &mut Vec<(usize, usize)>,
    ) -> Self {
        let same = |&(&a, &b): &(&usize, &usize)| old[a] == new[b];
        let start = left.iter().zip(&right).take_while(same).count();
        pairs.extend(left.drain(..start).zip(right.drain(..start)));
        let end = left.iter().rev().zip(right.iter().rev()).take_while(same).count();
        pairs.extend(left.drain(left.len() - end..).zip(right.drain(right.len() - end..)));
        let here: FxHashSet<u32> = left.iter().map(|&at| old[at]).collect();
        right.retain(|&at| here.contains(&new[at]));
        let there: FxHashSet<u32> = right.iter().map(|&at| new[at]).collect();
        left.retain(|&at| there.contains(&old[at]));
        Self { old, new, left, right }
    }

    fn solve(&self, pairs: &mut Vec<(usize, usize)>, pieces: &mut Vec<(Places, Places)>) {
        if self.left.is_empty() || self.right.is_empty() {
            return;
        }
        if self.left.len() + self.right.len() <= SMALL {
            self.shortest(pairs);
            return;
        }
        let anchors = rising(&self.occurrences(true));
        if anchors.is_empty() {
            let matched = rising(&self.occurrences(false));
            pairs.extend(matched.into_iter().map(|(a, b)| (self.left[a], self.right[b])));
            return;
        }
        let (mut left_from, mut right_from) = (0, 0);
        for (left, right) in anchors.into_iter().chain([(self.left.len(), self.right.len())]) {
            pieces.push((self.left[left_from..left].to_vec(), self.right[right_from..right].to_vec()));
            if left < self.left.len() {
                pairs.push((self.left[left], self.right[right]));
            }
            (left_from, right_from) = (left + 1, right + 1);
        }
    }

    fn shortest(&self, pairs: &mut Vec<(usize, usize)>) {
        let old: Vec<u32> = self.left.iter().map(|&at| self.old[at]).collect();
        let new: Vec<u32> = self.right.iter().map(|&at| self.new[at]).collect();
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            if let DiffOp::Equal { old_index, new_index, len } = op {
                let left = &self.left[old_index..old_index + len];
                pairs
                    .extend(left.iter().copied().zip(self.right[new_index..new_index + len].iter().copied()));
            }
        }
    }

    /// Pairs of places (in `left` and `right`) of the same line: its first with its first, its second with its second.
    /// With `once`, only of lines that occur once on either side. In the order of `left`.
    fn occurrences(&self, once: bool) -> Vec<(usize, usize)> {
        let mut places: FxHashMap<u32, (Places, usize)> = FxHashMap::default();
        for (at, &place) in self.right.iter().enumerate() {
            places.entry(self.new[place]).or_default().0.push(at);
        }
        let mut counts: FxHashMap<u32, usize> = FxHashMap::default();
        for &place in &self.left {
            *counts.entry(self.old[place]).or_default() += 1;
        }
        let mut found = Vec::new();
        for (at, &place) in self.left.iter().enumerate() {
            let line = self.old[place];
            let Some((theirs, taken)) = places.get_mut(&line) else { continue };
            if once && (theirs.len() != 1 || counts[&line] != 1) {
                continue;
            }
            if let Some(&there) = theirs.get(*taken) {
                found.push((at, there));
                *taken += 1;
            }
        }
        found
    }
}

/// The longest part of the pairs in which the right side rises too; the left side rises in `pairs`.
pub(crate) fn rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // The last pair of the best run of each length, and for each pair the one before it in its run.
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, &(_, right)) in pairs.iter().enumerate() {
        let length = tails.partition_point(|&tail| pairs[tail].1 < right);
        before.push(length.checked_sub(1).map(|shorter| tails[shorter]));
        if length == tails.len() { tails.push(at) } else { tails[length] = at }
    }
    let mut run: Vec<(usize, usize)> =
        std::iter::successors(tails.last().copied(), |&at| before[at]).map(|at| pairs[at]).collect();
    run.reverse();
    run
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(lines: &str) -> Vec<String> {
        lines.split_whitespace().map(str::to_owned).collect()
    }

    fn numbered(lines: impl IntoIterator<Item = usize>) -> Vec<String> {
        lines.into_iter().map(|line| line.to_string()).collect()
    }

    /// What the hunks say must hold: outside them, both sides are the same.
    fn check(old: &[String], new: &[String]) -> usize {
        let (mut from, mut there, mut kept) = (0, 0, 0);
        for hunk in
            hunks(old, new).into_iter().chain([Hunk { old: old.len()..old.len(), new: new.len()..new.len() }])
        {
            assert_eq!(old[from..hunk.old.start], new[there..hunk.new.start]);
            kept += hunk.old.start - from;
            (from, there) = (hunk.old.end, hunk.new.end);
        }
        kept
    }

    #[test]
    fn lines_of_no_parent_are_added() {
        let (ours, theirs) = (text("a b c"), text("a x c"));
        let merged = text("a b x new c");
        assert_eq!(added(&[&ours], &merged), [false, false, true, true, false]);
        assert_eq!(added(&[&ours, &theirs], &merged), [false, false, false, true, false]);
        assert_eq!(added(&[], &merged), [true; 5], "a root commit");
        assert_eq!(added(&[&[]], &merged), [true; 5], "a new file");
        assert_eq!(added(&[&merged], &[]), [false; 0]);
    }

    #[test]
    fn removed_lines_come_with_what_replaced_them() {
        let hunks = removed(&text("a b c d e"), &text("a x y c e f"));
        assert_eq!(hunks, [Hunk { old: 1..2, new: 1..3 }, Hunk { old: 3..4, new: 4..4 }]);
    }

    #[test]
    fn long_texts_are_cut_at_lines_that_occur_once() {
        let old = numbered(0..60_000);
        let new = numbered((0..60_000).filter(|line| line % 100 != 7).chain(70_000..70_500));
        assert_eq!(check(&old, &new), 59_400);
        let backwards = numbered((0..60_000).rev());
        assert_eq!(check(&old, &backwards), 1);
    }

    #[test]
    fn long_texts_of_few_different_lines_are_matched_all_the_same() {
        let old = numbered((0..60_000).map(|line| line * 7 % 5));
        let new = numbered((0..60_000).map(|line| line * 11 % 5));
        assert!(check(&old, &new) > 20_000);
    }

    proptest! {
        #[test]
        fn outside_the_hunks_both_sides_are_the_same(
            old in proptest::collection::vec("[a-e]", 0..40),
            new in proptest::collection::vec("[a-e]", 0..40),
        ) {
            let kept = check(&old, &new);
            let same = same(&old, &new);
            prop_assert!(same.iter().all(|same| old[same.old.clone()] == new[same.new.clone()]));
            prop_assert_eq!(same.iter().map(|same| same.old.len()).sum::<usize>(), kept);
            prop_assert_eq!(added(&[&old], &new).iter().filter(|&&line| !line).count(), kept);
            let gone: usize = removed(&old, &new).iter().map(|hunk| hunk.old.len()).sum();
            prop_assert_eq!(gone, old.len() - kept);
        }
    }
}
