//! Which lines a commit moved within their file: a block that it took away in one place and put, the same but for white
//! space, in another.
//!
//! `git blame -M` looks for a line in the whole file before, also in what stays there, and so takes a copy for a move; and
//! it knows a short line as moved only when it is asked for with its block. Here both files are looked at whole, so that the
//! answer hangs on the commit alone.

use rustc_hash::{FxHashMap, FxHashSet};

/// How many letters and digits a block has at least, as with git: fewer may be the same by chance.
const LEAST: usize = 20;
/// A line with fewer says nothing, and moves with its block.
const WORDLESS: usize = 3;
/// A line that was taken away more often than this begins no block.
const MOST_ALIKE: usize = 50;
/// Places where a line may have been, and lines around each of them, that are looked at to know whether it may have moved.
const MOST_PLACES: usize = 1_000;
const AROUND: usize = 64;

/// Whether one of these lines of `new`, from 1, stands in a block that `old` has as well: the others cannot have moved.
pub(crate) fn may_be(old: &[u8], new: &[u8], written: impl Iterator<Item = u32>) -> bool {
    let new: Vec<&[u8]> = lines(new).collect();
    let at: Vec<usize> = written.map(|line| line as usize - 1).filter(|at| *at < new.len()).collect();
    let wanted: FxHashSet<Vec<u8>> = at.iter().map(|at| bare(new[*at])).collect();
    let mut line = Vec::new();
    let is_wanted = |text: &[u8]| {
        line.clear();
        line.extend(said(text));
        wanted.contains(&line)
    };
    // Most commits only write.
    if !lines(old).any(is_wanted) {
        return false;
    }
    let text = Text { old: lines(old).map(bare).collect(), new: new.into_iter().map(bare).collect() };
    let mut places: FxHashMap<&[u8], Vec<usize>> = FxHashMap::default();
    for (at, line) in text.old.iter().enumerate().filter(|(_, line)| wanted.contains(*line)) {
        places.entry(line).or_default().push(at);
    }
    at.into_iter().any(|new| {
        let places = places.get(&*text.new[new]).into_iter().flatten().take(MOST_PLACES);
        places.copied().any(|old| text.letters_around(old, new) >= LEAST)
    })
}

/// A file before and after a commit, without white space.
struct Text {
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
}

impl Text {
    /// Letters of the lines around a pair that are the same on both sides.
    fn letters_around(&self, old: usize, new: usize) -> usize {
        let after = self.old[old..].iter().zip(&self.new[new..]).take(AROUND);
        let before = self.old[..old].iter().rev().zip(self.new[..new].iter().rev()).take(AROUND);
        let same = |side: &(&Vec<u8>, &Vec<u8>)| side.0 == side.1;
        after.take_while(same).chain(before.take_while(same)).map(|(old, _)| letters(old)).sum()
    }
}

/// What a commit did to a file.
pub(crate) struct Change {
    text: Text,
    went: Vec<bool>,
    came: Vec<bool>,
}

/// Lines that follow one another on both sides: the first of each, how many, and their letters.
struct Block {
    old: usize,
    new: usize,
    length: usize,
    letters: usize,
}

impl Change {
    /// Of two texts, with the lines that git keeps, from 1, on either side.
    pub(crate) fn new(
        old: &[u8],
        new: &[u8],
        kept: impl Iterator<Item = u32>,
        came: impl Iterator<Item = u32>,
    ) -> Self {
        let text = Text { old: lines(old).map(bare).collect(), new: lines(new).map(bare).collect() };
        let (mut went, mut is_new) = (vec![true; text.old.len()], vec![false; text.new.len()]);
        let set = |lines: &mut [bool], line: u32, is_it| {
            lines.get_mut(line as usize - 1).into_iter().for_each(|line| *line = is_it);
        };
        kept.for_each(|line| set(&mut went, line, false));
        came.for_each(|line| set(&mut is_new, line, true));
        Self { text, went, came: is_new }
    }

    /// Where lines of the new text that moved were in the old one, from 1: nothing for others.
    pub(crate) fn moved(&self) -> Vec<Option<u32>> {
        let origins = self.origins().into_iter().zip(&self.came);
        origins.map(|(origin, came)| origin.filter(|_| *came).map(|at| at as u32 + 1)).collect()
    }

    /// Where each line was, the blocks with the most letters first; a line that was taken away moves once.
    fn origins(&self) -> Vec<Option<usize>> {
        let mut blocks = self.blocks();
        blocks.sort_by_key(|block| (std::cmp::Reverse(block.letters), block.old.abs_diff(block.new)));
        let (mut taken, mut origins) = (vec![false; self.text.old.len()], vec![None; self.text.new.len()]);
        for Block { old, new, length, .. } in blocks {
            let (from, to) = (old..old + length, new..new + length);
            if !taken[from.clone()].contains(&true) && !origins[to.clone()].iter().any(Option::is_some) {
                taken[from.clone()].fill(true);
                origins[to].iter_mut().zip(from).for_each(|(origin, old)| *origin = Some(old));
            }
        }
        origins
    }

    fn blocks(&self) -> Vec<Block> {
        let Text { old, new } = &self.text;
        let mut places: FxHashMap<&[u8], Vec<usize>> = FxHashMap::default();
        for (at, line) in old.iter().enumerate().filter(|(at, _)| self.went[*at]) {
            places.entry(line).or_default().push(at);
        }
        let mut reached: FxHashMap<usize, usize> = FxHashMap::default();
        let mut blocks = Vec::new();
        for (at, line) in new.iter().enumerate() {
            let begins = self.came[at] && letters(line) >= WORDLESS;
            let Some(places) = places.get(&**line).filter(|places| begins && places.len() <= MOST_ALIKE)
            else {
                continue;
            };
            for &old in places {
                let diagonal = old + new.len() - at;
                if reached.get(&diagonal).is_some_and(|end| at < *end) {
                    continue;
                }
                let block = self.block(old, at);
                reached.insert(diagonal, block.new + block.length);
                if block.letters >= LEAST {
                    blocks.push(block);
                }
            }
        }
        blocks
    }

    /// The block that a pair of lines stands in.
    fn block(&self, old: usize, new: usize) -> Block {
        let back = (1..=old.min(new)).take_while(|back| self.goes_on(old - back, new - back)).count();
        let (old, new) = (old - back, new - back);
        let room = (self.text.old.len() - old).min(self.text.new.len() - new);
        let length = (0..room).take_while(|on| self.goes_on(old + on, new + on)).count();
        let moved = (0..length).filter(|on| self.went[old + on] && self.came[new + on]);
        let letters = moved.map(|on| letters(&self.text.new[new + on])).sum();
        Block { old, new, length, letters }
    }

    /// Whether a pair can be within a block that moved: not where the old line stays and the new one is a copy of it. Which of
    /// several braces moved and which stayed, a diff cannot tell.
    fn goes_on(&self, old: usize, new: usize) -> bool {
        let line = &self.text.new[new];
        self.text.old[old] == *line && (self.went[old] || !self.came[new] || letters(line) < WORDLESS)
    }
}

/// As git numbers them; what follows a last line feed is no line.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n')
}

/// How many letters and digits a line has.
fn letters(line: &[u8]) -> usize {
    line.iter().filter(|byte| byte.is_ascii_alphanumeric()).count()
}

/// A line without its white space.
fn bare(line: &[u8]) -> Vec<u8> {
    said(line).collect()
}

/// Its bytes that are no white space.
fn said(line: &[u8]) -> impl Iterator<Item = u8> {
    line.iter().copied().filter(|byte| !byte.is_ascii_whitespace())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::diff;
    use super::*;

    const BLOCK: &str = "fn moved() {\n  let a_number = 1_000;\n  go();\n}\n";
    const REST: &str = "const ONE: u32 = 1;\nconst TWO: u32 = 2;\nconst THREE: u32 = 3;\nconst FOUR: u32 = 4;\n\
                        const FIVE: u32 = 5;\n";

    /// The lines of the new text that moved, and where they were, by a diff of ours.
    fn from(old: &str, new: &str) -> Vec<(u32, u32)> {
        let bare = |text: &str| lines(text.as_bytes()).map(bare).collect::<Vec<_>>();
        let (mut kept, mut came) = (vec![true; lines(old.as_bytes()).count()], Vec::new());
        for hunk in diff::hunks(&bare(old), &bare(new)) {
            kept[hunk.old].fill(false);
            came.extend(hunk.new.map(|at| at as u32 + 1));
        }
        let kept = (1..).zip(kept).filter_map(|(line, is_kept)| is_kept.then_some(line));
        let moved = Change::new(old.as_bytes(), new.as_bytes(), kept, came.iter().copied()).moved();
        let found: Vec<(u32, u32)> =
            (1..).zip(moved).filter_map(|(line, origin)| Some((line, origin?))).collect();
        for (line, _) in &found {
            assert!(may_be(old.as_bytes(), new.as_bytes(), [*line].into_iter()), "{line} alone");
        }
        found
    }

    #[test]
    fn a_block_that_went_and_came_has_moved_with_its_short_lines() {
        let (old, new) = (format!("{BLOCK}{REST}"), format!("{REST}{BLOCK}"));
        assert_eq!(from(&old, &new), [(6, 1), (7, 2), (8, 3), (9, 4)]);
        let inner = format!("{REST}mod inner {{\n{}}}\n", BLOCK.replace("  ", "      "));
        assert_eq!(from(&old, &inner), [(7, 1), (8, 2), (9, 3), (10, 4)]);
    }

    #[test]
    fn a_copy_of_what_stays_has_not_moved() {
        let old = format!("{BLOCK}{REST}");
        assert_eq!(from(&old, &format!("{BLOCK}{REST}{BLOCK}")), []);
        let twice = from(&old, &format!("{REST}{BLOCK}use x;\n{BLOCK}"));
        assert_eq!(twice, [(6, 1), (7, 2), (8, 3), (9, 4)], "one of them is a copy");
    }

    #[test]
    fn few_letters_may_be_the_same_by_chance() {
        let (old, new) = (format!("go(now);\n{REST}"), format!("{REST}go(now);\n"));
        assert_eq!(from(&old, &new), []);
        assert!(!may_be(old.as_bytes(), new.as_bytes(), [6].into_iter()));
    }

    proptest! {
        #[test]
        fn lines_moved_are_the_same_and_each_was_in_one_place(
            old in proptest::collection::vec("[a-c]{2,12}", 0..30),
            new in proptest::collection::vec("[a-c]{2,12}", 0..30),
            block in (0usize..30, 0usize..8, 0usize..60),
        ) {
            let mut new = new;
            let (at, length, to) = block;
            let (at, to) = (at.min(old.len()), to.min(new.len()));
            new.splice(to..to, old[at..(at + length).min(old.len())].iter().map(|line| format!(" {line}")));
            let found = from(&old.join("\n"), &new.join("\n"));
            let mut places: Vec<u32> = found.iter().map(|(_, from)| *from).collect();
            places.sort_unstable();
            places.dedup();
            prop_assert_eq!(places.len(), found.len());
            for (line, from) in found {
                prop_assert_eq!(new[line as usize - 1].trim(), old[from as usize - 1].trim());
            }
        }

        #[test]
        fn a_block_of_its_own_that_moves_is_found(at in 0usize..5, to in 0usize..5) {
            let rest: Vec<&str> = REST.lines().collect();
            let with = |at: usize| [&rest[..at], &BLOCK.lines().collect::<Vec<_>>(), &rest[at..]].concat().join("\n");
            // A line that it passed alone has too few letters to be told as the one that moved.
            prop_assert_eq!(from(&with(at), &with(to)).is_empty(), at.abs_diff(to) < 2);
        }
    }
}
