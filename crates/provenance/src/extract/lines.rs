//! Lines of code, and which of them stay when others take their place.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::shown::mark;
use crate::git::diff::rising;
use crate::{Line, Role};

/// Stretches of at most so many lines, both sides counted, are compared line by line. Longer ones are first cut at lines
/// that occur once on either side, so that no pair of texts takes long.
const COMPARED: usize = 256;
/// How often a stretch is cut again.
const DEEPEST: usize = 6;

/// What stands before a comment.
const OPENERS: [&str; 9] = ["//", "#", "/*", "<!--", "{/*", "--", ";;", "%", "\"\"\""];
/// What stands behind one.
const CLOSERS: [&str; 4] = ["*/}", "*/", "-->", "\"\"\""];

/// The lines of a text, without their ends.
pub(super) fn split(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// A line that is this to the file.
pub(super) fn line(role: Role, text: &str) -> Line {
    Line { role, text: text.to_owned(), apart: false, shown: 0 }
}

/// What a line is by its sign in a patch or a diff, and its text; an empty line has lost the sign of context.
pub(super) fn signed(line: &str) -> Option<(Role, &str)> {
    match line.as_bytes().first() {
        Some(b'+') => Some((Role::Added, &line[1..])),
        Some(b'-') => Some((Role::Removed, &line[1..])),
        Some(b' ') => Some((Role::Context, &line[1..])),
        None => Some((Role::Context, "")),
        Some(_) => None,
    }
}

/// All of a text, added.
pub(super) fn added(text: &str) -> Vec<Line> {
    split(text).map(|text| line(Role::Added, text)).collect()
}

/// All of a text, added but for the marks that stand for code left out.
pub(super) fn added_but_marks(text: &str) -> Vec<Line> {
    let mut apart = false;
    let line = |text: &str| {
        let is_mark = is_mark(text);
        let role = if is_mark { Role::Context } else { Role::Added };
        let line = Line { apart: std::mem::take(&mut apart), ..line(role, text) };
        apart = is_mark;
        line
    };
    split(text).map(line).collect()
}

/// What takes the place of `old`.
pub(super) fn replaced(old: &str, new: &str) -> Vec<Line> {
    let (old, new): (Vec<&str>, Vec<&str>) = (split(old).collect(), split(new).collect());
    side_by_side(&old, &new, kept_words(&old, &new))
}

/// The lines of a patch, where what is taken away and put back with other white space stays.
pub(super) fn respaced(lines: &[Line]) -> Vec<Line> {
    let is_changed = |line: &Line| line.role != Role::Context;
    let stretches = lines.chunk_by(|one, other| is_changed(one) == is_changed(other) && !other.apart);
    let settled = stretches.flat_map(|stretch| {
        let side = |role| -> Vec<&str> {
            stretch.iter().filter(|line| line.role == role).map(|line| line.text.as_str()).collect()
        };
        let (old, new) = (side(Role::Removed), side(Role::Added));
        let kept = kept_words(&old, &new);
        if kept.is_empty() {
            return stretch.to_vec();
        }
        let mut settled = side_by_side(&old, &new, kept);
        settled
            .iter_mut()
            .take(1)
            .for_each(|line| line.apart = stretch.first().is_some_and(|line| line.apart));
        settled
    });
    settled.collect()
}

/// The places of lines that stay, white space aside: whose words they are does not change with it.
fn kept_words(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let marks = |lines: &[&str]| lines.iter().map(|line| mark(line)).collect::<Vec<u64>>();
    kept(&marks(old), &marks(new))
}

/// Two texts as one: what is gone, what is new, and what stays.
fn side_by_side(old: &[&str], new: &[&str], kept: Vec<(usize, usize)>) -> Vec<Line> {
    let mut lines = Vec::with_capacity(old.len().max(new.len()));
    let (mut in_old, mut in_new) = (0, 0);
    for (kept_old, kept_new) in kept.into_iter().chain([(old.len(), new.len())]) {
        lines.extend(old[in_old..kept_old].iter().map(|text| line(Role::Removed, text)));
        lines.extend(new[in_new..kept_new].iter().map(|text| line(Role::Added, text)));
        lines.extend(new.get(kept_new).map(|text| line(Role::Context, text)));
        (in_old, in_new) = (kept_old + 1, kept_new + 1);
    }
    lines
}

/// Whether a line stands for code that is left out: `// ... existing code ...`.
pub(super) fn is_mark(line: &str) -> bool {
    let line = line.trim();
    let Some(rest) = OPENERS.iter().find_map(|opener| line.strip_prefix(opener)) else { return false };
    let rest = CLOSERS.iter().find_map(|closer| rest.strip_suffix(closer)).unwrap_or(rest).trim();
    let has_dots = |text: &str| text.starts_with("...") || text.starts_with('…');
    if line.len() > 160 || !has_dots(rest) {
        return false;
    }
    let words = rest.to_ascii_lowercase();
    rest.ends_with("...")
        || rest.ends_with('…')
        || ["existing", "rest of", "unchanged", "remaining", "omitted", "previous"]
            .iter()
            .any(|word| words.contains(word))
}

/// The places of lines that stay, in `old` and in `new`, in order on both sides.
pub(super) fn kept<T: Copy + Eq + Hash + Ord>(old: &[T], new: &[T]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    stretch(old, new, (0, 0), 0, &mut pairs);
    pairs
}

/// Adds the places within one stretch that begins at `from`.
fn stretch<T: Copy + Eq + Hash + Ord>(
    old: &[T],
    new: &[T],
    from: (usize, usize),
    depth: usize,
    pairs: &mut Vec<(usize, usize)>,
) {
    let head = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new, from) = (&old[head..], &new[head..], (from.0 + head, from.1 + head));
    pairs.extend((0..head).rev().map(|back| (from.0 - back - 1, from.1 - back - 1)));
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let (old, new) = (&old[..old_end], &new[..new_end]);
    if !old.is_empty() && !new.is_empty() {
        if old.len() + new.len() <= COMPARED {
            compare(old, new, from, pairs);
        } else if depth < DEEPEST {
            cut(old, new, from, depth, pairs);
        }
    }
    pairs.extend((0..tail).map(|at| (from.0 + old_end + at, from.1 + new_end + at)));
}

fn compare<T: Eq + Hash + Ord>(old: &[T], new: &[T], from: (usize, usize), pairs: &mut Vec<(usize, usize)>) {
    for operation in capture_diff_slices(Algorithm::Myers, old, new) {
        if let DiffOp::Equal { old_index, new_index, len } = operation {
            pairs.extend((0..len).map(|at| (from.0 + old_index + at, from.1 + new_index + at)));
        }
    }
}

/// Cuts a stretch at the lines that occur once on either side, and goes on between them.
fn cut<T: Copy + Eq + Hash + Ord>(
    old: &[T],
    new: &[T],
    from: (usize, usize),
    depth: usize,
    pairs: &mut Vec<(usize, usize)>,
) {
    let anchors = anchors(old, new);
    if anchors.is_empty() {
        return;
    }
    let (mut in_old, mut in_new) = (0, 0);
    for (at_old, at_new) in anchors.into_iter().chain([(old.len(), new.len())]) {
        let place = (from.0 + in_old, from.1 + in_new);
        stretch(&old[in_old..at_old], &new[in_new..at_new], place, depth + 1, pairs);
        if at_old < old.len() {
            pairs.push((from.0 + at_old, from.1 + at_new));
        }
        (in_old, in_new) = (at_old + 1, at_new + 1);
    }
}

/// The lines that occur once on either side: the longest row of them that is in order on both.
fn anchors<T: Copy + Eq + Hash>(old: &[T], new: &[T]) -> Vec<(usize, usize)> {
    let once = |lines: &[T]| {
        let mut places: FxHashMap<T, Option<usize>> = FxHashMap::default();
        for (at, line) in lines.iter().enumerate() {
            places.entry(*line).and_modify(|place| *place = None).or_insert(Some(at));
        }
        places
    };
    let (in_old, in_new) = (once(old), once(new));
    let pairs: Vec<(usize, usize)> = new
        .iter()
        .enumerate()
        .filter(|(_, line)| in_new.get(line).is_some_and(Option::is_some))
        .filter_map(|(at, line)| Some((at, (*in_old.get(line)?)?)))
        .collect();
    rising(&pairs).into_iter().map(|(at, place)| (place, at)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_in_order(pairs: &[(usize, usize)]) -> bool {
        pairs.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1)
    }

    #[test]
    fn marks_stand_for_code_and_are_none() {
        for mark in [
            "// ...existing code...",
            "    # ... rest of the function ...",
            "/* ... */",
            "<!-- ... existing markup ... -->",
            "{/* … existing props … */}",
            "// ... unchanged",
        ] {
            assert!(is_mark(mark), "{mark}");
        }
        for code in
            ["...", "...args,", "// see above", "// ...or so it seems", "# a ... b ...", "let x = 1; // ..."]
        {
            assert!(!is_mark(code), "{code}");
        }
    }

    #[test]
    fn a_long_text_is_compared_by_what_it_has_once() {
        let old: Vec<u32> = (0..10_000).collect();
        let mut new = old.clone();
        new.splice(4_000..4_010, [70_000, 70_001]);
        new.insert(9_000, 70_002);
        let pairs = kept(&old, &new);
        assert_eq!(pairs.len(), 9_990);
        assert!(is_in_order(&pairs));
        let (same, other) = (vec![1; 10_000], [vec![2; 10_000], vec![1]].concat());
        assert!(is_in_order(&kept(&same, &other)), "nothing that occurs once");
    }

    proptest! {
        #[test]
        fn what_stays_is_the_same_on_both_sides(
            old in prop::collection::vec(0_u8..40, 0..600),
            new in prop::collection::vec(0_u8..40, 0..600),
        ) {
            let pairs = kept(&old, &new);
            prop_assert!(is_in_order(&pairs));
            prop_assert!(pairs.iter().all(|(in_old, in_new)| old[*in_old] == new[*in_new]));
        }

        #[test]
        fn what_takes_the_place_of_a_text_makes_the_other(
            old in prop::collection::vec("[ab]?", 0..20),
            new in prop::collection::vec("[ab]?", 0..20),
        ) {
            let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let lines = replaced(&text(&old), &text(&new));
            let side = |gone: Role| -> Vec<String> {
                lines.iter().filter(|line| line.role != gone).map(|line| line.text.clone()).collect()
            };
            prop_assert_eq!(side(Role::Added), old);
            prop_assert_eq!(side(Role::Removed), new);
        }
    }
}
