//! Where code belongs that does not say enough of it: the conversation has the file.
//!
//! A tool that replaces a text is given that text and little else. The lines before and after it say which of several equal
//! places was meant. And a block in a chat names no file, where only one was shown that it can be of.

use rustc_hash::FxHashSet;

use super::apart::says_where;
use super::shown::{Text, Versions, mark, says_something};
use super::{LONGEST_LINE, lines};
use crate::{Form, Line, Role, Written};

/// Lines that are taken on either side, blank ones not counted; more until there is one that the file has once; and all of
/// them.
const SAYING: usize = 4;
const MOST: usize = 24;
/// Lines that a block and a file have in common for it to be of that file.
const SHARED: usize = 2;
/// What is replaced and versions are compared up to this sum of products of their lengths.
pub(super) const COMPARED: usize = 10_000_000;

/// Says of code that names no file which it is for, and puts the lines around it before and after code that takes the place
/// of other code, as [`Role::Context`]. Does so as far as comparing takes no longer than reading.
pub(super) fn add(written: &mut [Written], versions: &Versions<'_>) {
    let mut left = COMPARED;
    add_paths(written, versions, &mut left);
    for file in written.iter_mut().filter(|file| is_unsaid(file)) {
        add_lines(file, versions, &mut left);
    }
}

/// Whether the conversation must say what stands around it: it takes the place of other code, in one place.
fn is_unsaid(written: &Written) -> bool {
    matches!(written.form, Form::Edit | Form::EditBlock) && says_where(written) && !written.everywhere
}

/// Of the newest version that has what is replaced, if it has that once.
fn add_lines(written: &mut Written, versions: &Versions<'_>, left: &mut usize) {
    let Some(path) = written.path.clone() else { return };
    let old = old(&written.lines);
    for version in versions.of_file(&path) {
        match places(version, &old, left)[..] {
            [] => {}
            [at] => {
                let (above, below) = (&version.lines[..at], &version.lines[at + old.len()..]);
                if above.is_empty() && below.is_empty() {
                    continue;
                }
                let once = version.once();
                put_around(written, above.iter().rev().copied(), below.iter().copied(), &once);
                return;
            }
            _ => return,
        }
    }
}

/// Edits in one answer of which some can be told are of one file.
fn add_paths(written: &mut [Written], versions: &Versions<'_>, left: &mut usize) {
    let is_edit = |file: &Written| file.form == Form::EditBlock;
    let paths = versions.paths();
    let mut edited: Vec<String> = Vec::new();
    for file in written.iter_mut().filter(|file| file.path.is_none()) {
        file.path = path(file, &paths, versions, left);
        edited.extend(file.path.clone().filter(|_| is_edit(file)));
    }
    edited.dedup();
    if let [path] = &edited[..] {
        for file in written.iter_mut().filter(|file| file.path.is_none() && is_edit(file)) {
            file.path = Some(path.clone());
        }
    }
}

/// The file that code which names none is for: the only one of which the conversation has a version with what is replaced,
/// or, where nothing is, with most of the lines that say something.
fn path(written: &Written, paths: &[&str], versions: &Versions<'_>, left: &mut usize) -> Option<String> {
    let old = old(&written.lines);
    let new: Vec<u64> =
        written.lines.iter().filter(|line| says_something(&line.text)).map(|line| mark(&line.text)).collect();
    let mut has = |path: &str| {
        versions.of_file(path).any(|version| {
            if !old.is_empty() {
                return !places(version, &old, left).is_empty();
            }
            *left = left.saturating_sub(new.len() + 1);
            let known = &version.marks().counts;
            let shared = new.iter().filter(|mark| known.contains_key(mark)).count();
            *left > 0 && shared >= SHARED && 2 * shared >= new.len()
        })
    };
    let mut found = paths.iter().filter(|path| has(path));
    match (found.next(), found.next()) {
        (Some(path), None) => Some((*path).to_owned()),
        _ => None,
    }
}

/// What is replaced in each place apart from the others, and what it says is around it.
pub(super) fn olds(written: &Written) -> Vec<Vec<u64>> {
    let places = written.lines.chunk_by(|_, line| !line.apart);
    places.map(old).filter(|old| !old.is_empty()).collect()
}

/// What lines replace, and what they say is around it.
pub(super) fn old(lines: &[Line]) -> Vec<u64> {
    let old = lines.iter().filter(|line| line.role != Role::Added && !lines::is_mark(&line.text));
    old.map(|line| mark(&line.text)).collect()
}

/// Where a version has these lines one after another: the first two places.
pub(super) fn places(version: &Text<'_>, old: &[u64], left: &mut usize) -> Vec<usize> {
    let marks = version.marks().in_order.as_slice();
    let cost = old.len().saturating_mul(marks.len());
    if old.is_empty() || cost > *left {
        return Vec::new();
    }
    *left -= cost;
    let windows = marks.windows(old.len()).enumerate().filter(|(_, window)| *window == old);
    windows.map(|(at, _)| at).take(2).collect()
}

/// Puts the nearest lines above and below around what was written: those above from the nearest upwards.
pub(super) fn put_around<'t>(
    written: &mut Written,
    above: impl Iterator<Item = &'t str>,
    below: impl Iterator<Item = &'t str>,
    once: &FxHashSet<u64>,
) {
    let mut whole = nearest(above, once);
    whole.reverse();
    whole.append(&mut written.lines);
    whole.extend(nearest(below, once));
    written.lines = whole;
}

/// The first of the lines: a few, and more up to one that is among those that the file has once.
fn nearest<'t>(lines: impl Iterator<Item = &'t str>, once: &FxHashSet<u64>) -> Vec<Line> {
    let (mut left, mut is_told) = (SAYING, false);
    let is_near = |line: &&str| {
        let wanted = left > 0 || !is_told;
        left = left.saturating_sub(usize::from(!line.trim().is_empty()));
        is_told |= says_something(line) && once.contains(&mark(line));
        wanted
    };
    let lines = lines.take(MOST).take_while(is_near).filter(|line| line.len() <= LONGEST_LINE);
    let mut nearest: Vec<Line> = lines.map(|text| lines::line(Role::Context, text)).collect();
    while nearest.last().is_some_and(|line| line.text.trim().is_empty()) {
        nearest.pop();
    }
    nearest
}
