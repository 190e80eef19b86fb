//! Which lines a commit moved within their file: a block that it took away in one place and put, the same but for white
//! space, in another.
//!
//! `git blame -M` looks for a line in the whole file before, also in what stays there, and so takes a copy for a move; and
//! it knows a short line as moved only when it is asked for with its block. Here both files are looked at whole, so that the
//! answer hangs on the commit alone.

use rustc_hash::{FxHashMap, FxHashSet};

use super::diff;

/// How many letters and digits a block has at least, as with git: fewer may be the same by chance.
const LEAST: usize = 20;
/// A line with fewer says nothing, and moves with its block.
const WORDLESS: usize = 3;
/// A line that was taken away more often than this begins no block.
const MOST_ALIKE: usize = 50;

/// Of lines of `new` that a commit seems to have written, each with a number of the caller's and its own, from 1, those that
/// moved, with their numbers in `old`.
pub(crate) fn moved(old: &[u8], new: &[u8], written: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(old).collect(), lines(new).collect());
    let before = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let rest = old[before..].iter().rev().zip(new[before..].iter().rev());
    let after = rest.take_while(|(old, new)| old == new).count();
    let middle = |lines: &[&[u8]]| lines[before..lines.len() - after].iter().map(|line| bare(line)).collect();
    let (old, new): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (middle(&old), middle(&new));
    let place = |line: u32| (line as usize).checked_sub(before + 1).filter(|at| *at < new.len());
    let known: FxHashSet<&[u8]> = old.iter().map(Vec::as_slice).collect();
    // Most commits only write, and need not be looked at closely.
    if !written.iter().filter_map(|(_, line)| place(*line)).any(|at| known.contains(&*new[at])) {
        return Vec::new();
    }
    let origins = Change::new(&old, &new).origins();
    let origin = |line: u32| Some((origins[place(line)?]? + before + 1) as u32);
    written.iter().filter_map(|&(number, line)| Some((number, origin(line)?))).collect()
}

/// A file before and after a commit, as far as they differ, without white space.
struct Change<'a> {
    old: &'a [Vec<u8>],
    new: &'a [Vec<u8>],
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

impl<'a> Change<'a> {
    fn new(old: &'a [Vec<u8>], new: &'a [Vec<u8>]) -> Self {
        let (mut went, mut came) = (vec![false; old.len()], vec![false; new.len()]);
        for hunk in diff::hunks(old, new) {
            went[hunk.old].fill(true);
            came[hunk.new].fill(true);
        }
        Self { old, new, went, came }
    }

    /// Where each line was, the blocks with the most letters first; a line that was taken away moves once.
    fn origins(&self) -> Vec<Option<usize>> {
        let mut blocks = self.blocks();
        blocks.sort_by_key(|block| (std::cmp::Reverse(block.letters), block.old.abs_diff(block.new)));
        let (mut taken, mut origins) = (vec![false; self.old.len()], vec![None; self.new.len()]);
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
        let mut places: FxHashMap<&[u8], Vec<usize>> = FxHashMap::default();
        for (at, line) in self.old.iter().enumerate().filter(|(at, _)| self.went[*at]) {
            places.entry(line).or_default().push(at);
        }
        let mut reached: FxHashMap<usize, usize> = FxHashMap::default();
        let mut blocks = Vec::new();
        for (new, line) in self.new.iter().enumerate() {
            let begins = self.came[new] && letters(line) >= WORDLESS;
            let Some(places) = places.get(&**line).filter(|places| begins && places.len() <= MOST_ALIKE)
            else {
                continue;
            };
            for &old in places {
                let diagonal = old + self.new.len() - new;
                if reached.get(&diagonal).is_none_or(|end| new >= *end) {
                    let block = self.block(old, new);
                    reached.insert(diagonal, block.new + block.length);
                    blocks.push(block);
                }
            }
        }
        blocks.retain(|block| block.letters >= LEAST);
        blocks
    }

    /// The block that a pair of lines stands in.
    fn block(&self, old: usize, new: usize) -> Block {
        let back = (1..=old.min(new)).take_while(|back| self.goes_on(old - back, new - back)).count();
        let (old, new) = (old - back, new - back);
        let room = (self.old.len() - old).min(self.new.len() - new);
        let length = (0..room).take_while(|on| self.goes_on(old + on, new + on)).count();
        let moved = (0..length).filter(|on| self.went[old + on] && self.came[new + on]);
        let letters = moved.map(|on| letters(&self.new[new + on])).sum();
        Block { old, new, length, letters }
    }

    /// Whether a pair can be within a block that moved: not where the old line stays and the new one is a copy of it. Which of
    /// several braces moved and which stayed, a diff cannot tell.
    fn goes_on(&self, old: usize, new: usize) -> bool {
        let line = &self.new[new];
        self.old[old] == *line && (self.went[old] || !self.came[new] || letters(line) < WORDLESS)
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
    line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLOCK: &str = "fn moved() {\n  let a_number = 1_000;\n  go();\n}\n";
    const REST: &str = "const ONE: u32 = 1;\nconst TWO: u32 = 2;\nconst THREE: u32 = 3;\nconst FOUR: u32 = 4;\n\
                        const FIVE: u32 = 5;\n";

    /// The lines of the new text that moved, of these or of all, and where they were.
    fn from(old: &str, new: &str, lines: &[u32]) -> Vec<(u32, u32)> {
        let all: Vec<u32> = (1..=new.lines().count() as u32).collect();
        let lines = if lines.is_empty() { &all } else { lines };
        let written: Vec<(u32, u32)> = lines.iter().map(|&line| (line, line)).collect();
        moved(old.as_bytes(), new.as_bytes(), &written)
    }

    #[test]
    fn a_block_that_went_and_came_has_moved_with_its_short_lines() {
        let (old, new) = (format!("{BLOCK}{REST}"), format!("{REST}{BLOCK}"));
        assert_eq!(from(&old, &new, &[6, 7, 8, 9]), [(6, 1), (7, 2), (8, 3), (9, 4)]);
        assert_eq!(from(&old, &new, &[9]), [(9, 4)], "asked for alone");
        let inner = format!("{REST}mod inner {{\n{}}}\n", BLOCK.replace("  ", "      "));
        assert_eq!(from(&old, &inner, &[6, 7, 8, 9, 10, 11]), [(7, 1), (8, 2), (9, 3), (10, 4)]);
    }

    #[test]
    fn a_copy_of_what_stays_has_not_moved() {
        let old = format!("{BLOCK}{REST}");
        assert_eq!(from(&old, &format!("{BLOCK}{REST}{BLOCK}"), &[10, 11, 12, 13]), []);
        let twice = from(&old, &format!("{REST}{BLOCK}use x;\n{BLOCK}"), &[6, 7, 8, 9, 10, 11, 12, 13, 14]);
        assert_eq!(twice, [(6, 1), (7, 2), (8, 3), (9, 4)], "one of them is a copy");
    }

    #[test]
    fn few_letters_may_be_the_same_by_chance() {
        assert_eq!(from(&format!("go(now);\n{REST}"), &format!("{REST}go(now);\n"), &[6]), []);
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
            let found = from(&old.join("\n"), &new.join("\n"), &[]);
            let mut places: Vec<u32> = found.iter().map(|(_, from)| *from).collect();
            places.sort_unstable();
            places.dedup();
            prop_assert_eq!(places.len(), found.len());
            for (line, from) in found {
                prop_assert_eq!(new[line as usize - 1].trim(), old[from as usize - 1].trim());
            }
        }
    }
}
