//! Which lines may have moved within their file without `git blame -M` telling.
//!
//! Git looks for moved lines among those that are asked for or still stand, and takes fewer than twenty letters and digits
//! for chance. So a short line is known as moved when it is asked for with its block, and not when it is asked for alone,
//! or once others were put into the block. Here the whole of both files is looked at, so that the few commits where that
//! may matter can be asked again.

use rustc_hash::{FxHashMap, FxHashSet};

/// How many letters and digits a block has at least, to git.
pub(crate) const LEAST: usize = 20;
/// How many lines alike are looked at for one line: where there are more, the line says little.
const MOST_ALIKE: usize = 1_000;

/// Two texts of one file, to be asked for lines of the new one.
pub(crate) struct Blocks {
    old: Vec<Vec<u8>>,
    new: Vec<Vec<u8>>,
    /// The places of each different line of the old one.
    places: FxHashMap<Vec<u8>, Vec<usize>>,
}

impl Blocks {
    /// Compares lines without their white space: one that was only indented anew is the same.
    pub(crate) fn new(old: &[u8], new: &[u8]) -> Self {
        let bare = |text| lines(text).map(bare).collect::<Vec<_>>();
        let (old, new) = (bare(old), bare(new));
        let mut places: FxHashMap<Vec<u8>, Vec<usize>> = FxHashMap::default();
        for (at, line) in old.iter().enumerate() {
            let places = places.entry(line.clone()).or_default();
            if places.len() < MOST_ALIKE {
                places.push(at);
            }
        }
        Self { old, new, places }
    }

    /// Whether the new text's line (from 0) stands in a block that the old text has, too, and that is too long for chance.
    pub(crate) fn has(&self, line: usize) -> bool {
        let places = self.new.get(line).and_then(|text| self.places.get(text));
        places.is_some_and(|places| places.iter().any(|&there| self.letters_around(line, there) >= LEAST))
    }

    /// The letters of the lines around a pair that are the same on both sides, as far as is of interest.
    fn letters_around(&self, here: usize, there: usize) -> usize {
        let after = self.new[here..].iter().zip(&self.old[there..]);
        let before = self.new[..here].iter().rev().zip(self.old[..there].iter().rev());
        let mut sum = 0;
        for (new, _) in
            after.take_while(|(new, old)| new == old).chain(before.take_while(|(new, old)| new == old))
        {
            sum += letters(new);
            if sum >= LEAST {
                break;
            }
        }
        sum
    }
}

/// Whether one of the lines is in the old text at all: if not, none was moved.
pub(crate) fn any_in<'a>(wanted: impl Iterator<Item = &'a [u8]>, old: &[u8]) -> bool {
    let wanted: FxHashSet<Vec<u8>> = wanted.map(bare).collect();
    let mut line = Vec::new();
    lines(old).any(|text| {
        line.clear();
        line.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
        wanted.contains(&line)
    })
}

/// As git numbers them; what follows a last line feed is no line.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.strip_suffix(b"\n").unwrap_or(text).split(|&byte| byte == b'\n')
}

/// How many letters and digits a line has.
pub(crate) fn letters(line: &[u8]) -> usize {
    line.iter().filter(|byte| byte.is_ascii_alphanumeric()).count()
}

/// A line without its white space.
pub(crate) fn bare(line: &[u8]) -> Vec<u8> {
    line.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLOCK: &str = "fn moved() {\n  let a_number = 1_000;\n}\n";

    #[test]
    fn a_short_line_is_judged_by_what_stands_around_it() {
        let blocks =
            Blocks::new(BLOCK.as_bytes(), b"}\nfn new() {\n}\n  fn moved() {\nlet a_number = 1_000;\n  }");
        let found: Vec<bool> = (0..7).map(|line| blocks.has(line)).collect();
        assert_eq!(found, [false, false, false, true, true, true, false]);
    }

    #[test]
    fn what_is_not_in_the_old_text_is_not_looked_for() {
        assert!(any_in([&b" }"[..]].into_iter(), BLOCK.as_bytes()));
        assert!(!any_in([&b"x"[..]].into_iter(), BLOCK.as_bytes()));
    }

    proptest! {
        #[test]
        fn every_line_of_a_text_that_is_not_changed_is_in_a_block(
            lines in proptest::collection::vec("[a-d]{1,12}", 20..30),
            line in 0usize..40,
        ) {
            let text = lines.join("\n").into_bytes();
            prop_assert_eq!(Blocks::new(&text, &text).has(line), line < lines.len());
            prop_assert!(!Blocks::new(&[], &text).has(line));
        }
    }
}
