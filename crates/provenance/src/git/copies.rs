//! Lines that stand in a file twice and that `git blame -M` takes for one: a block that somebody wrote again, below the
//! first, seems to have moved there. Both then have one origin, and a line has only one that stays. What git says of such
//! lines without looking for moves tells which of them is the copy, and who wrote it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::moves::{bare, letters};
use super::porcelain::Origin;

/// A line with fewer letters and digits says nothing.
const WORDLESS: usize = 3;
/// A line that a file has more often than this says little.
const MOST_ALIKE: usize = 50;

/// The lines that are wanted (from 1), and those that read like one of them: what is found does not hang on what is asked.
pub(crate) fn with_alike(texts: &[Vec<u8>], wanted: &[u32]) -> Vec<u32> {
    if wanted.len() == texts.len() {
        return wanted.to_vec();
    }
    let mut places: FxHashMap<Vec<u8>, Vec<u32>> = FxHashMap::default();
    for (number, text) in (1..).zip(texts).filter(|(_, text)| letters(text) >= WORDLESS) {
        places.entry(bare(text)).or_default().push(number);
    }
    let text = |number: &u32| texts.get(*number as usize - 1);
    let alike = wanted.iter().filter_map(|number| places.get(&bare(text(number)?)));
    let few = alike.filter(|places| places.len() <= MOST_ALIKE).flatten();
    let mut all: Vec<u32> = wanted.iter().chain(few).copied().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Lines that have an origin in common with others, and one since then.
pub(crate) fn shared(origins: &BTreeMap<u32, Origin>, texts: &[Vec<u8>], since: Option<i64>) -> Vec<u32> {
    let says_something =
        |number: u32| texts.get(number as usize - 1).is_some_and(|text| letters(text) >= WORDLESS);
    let is_young = |origin: &Origin| origin.commit.is_some() && !origin.is_before(since);
    let committed = origins.iter().filter(|(number, origin)| is_young(origin) && says_something(**number));
    let mut groups: BTreeMap<_, Vec<u32>> = BTreeMap::new();
    for (number, origin) in committed {
        groups.entry(origin.place()).or_default().push(*number);
    }
    let mut shared: Vec<u32> = groups.into_values().filter(|group| group.len() > 1).flatten().collect();
    shared.sort_unstable();
    shared
}

/// Gives lines that share an origin the one that they have without looking for moves. Where none has it then, one of them
/// may have moved, and nobody knows which: most of them are copies.
pub(crate) fn set_apart(origins: &mut BTreeMap<u32, Origin>, plain: &BTreeMap<u32, Origin>, shared: &[u32]) {
    let own = shared.iter().filter_map(|number| Some((*number, plain.get(number)?.clone())));
    origins.extend(own);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn origin(commit: &str, line: u32) -> Origin {
        let commit = commit.repeat(40).parse().ok();
        Origin { commit, line, path: Arc::from("a.c"), previous: None, is_boundary: false, time: 9 }
    }

    fn texts(text: &str) -> Vec<Vec<u8>> {
        text.lines().map(|line| line.as_bytes().to_vec()).collect()
    }

    #[test]
    fn the_copy_of_a_block_is_of_the_commit_that_wrote_it() {
        let texts = texts("lock(desk);\nleave();\n  lock(desk);\n}\n}");
        let mut origins: BTreeMap<u32, Origin> =
            [(1, 1), (2, 2), (3, 1), (4, 4), (5, 4)].map(|(number, line)| (number, origin("a", line))).into();
        assert_eq!(shared(&origins, &texts, Some(10)), [0; 0], "nobody asks");
        let shared = shared(&origins, &texts, Some(9));
        assert_eq!(shared, [1, 3], "signs alone say nothing");
        let plain = BTreeMap::from([(1, origin("a", 1)), (3, origin("b", 3))]);
        set_apart(&mut origins, &plain, &shared);
        assert_eq!((&origins[&1], &origins[&3]), (&origin("a", 1), &origin("b", 3)));
        // Neither stayed: nobody knows which of them moved.
        let mut moved = BTreeMap::from([(1, origin("a", 1)), (3, origin("a", 1))]);
        let plain = BTreeMap::from([(1, origin("b", 1)), (3, origin("b", 3))]);
        set_apart(&mut moved, &plain, &[1, 3]);
        assert_eq!((&moved[&1], &moved[&3]), (&origin("b", 1), &origin("b", 3)));
    }

    #[test]
    fn lines_that_read_alike_are_asked_for_together() {
        let texts = texts("lock(desk);\nleave();\n  lock(desk);\n}\n}");
        assert_eq!(with_alike(&texts, &[3]), [1, 3]);
        assert_eq!(with_alike(&texts, &[2, 5]), [2, 5]);
    }
}
