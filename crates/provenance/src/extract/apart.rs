//! Sets apart what a model had only read from what it put out itself.
//!
//! A whole file holds the lines that it had before: those that the conversation shows of it, and those that the model wrote
//! in earlier answers, which belong to their records. Anywhere else three lines in a row that the conversation already has
//! are a copy; fewer are chance. What is found becomes [`Role::Context`]: a line too many there is a line not claimed, one
//! too few is a false claim.
//!
//! All of it takes time in proportion to the lengths of the conversation and of what was written.

use std::hash::Hasher;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use waymark_protocol::neutral::Prompt;

use super::shown::{self, Part, Text, Versions, mark, numbered, says_something};
use super::{around, fences, lines, paths, within};
use crate::{Form, Line, Role, Written};

/// So many lines in a row are a copy.
const COPIED: usize = 3;
/// Lines of a piece this near to each other, and so many more or fewer between them in a version, are of one place there.
const NEAR: usize = 6;
const SLACK: usize = 3;
/// A person's blocks and what was written are compared line by line up to this sum of products of their lengths.
const COMPARED: usize = 10_000_000;

/// Turns what the model had only read into [`Role::Context`], and puts beside it what stands around the place it is for:
/// `prompt` is the conversation the answer was given to.
pub fn set_apart(written: &mut [Written], prompt: &Prompt) {
    if !written.iter().any(|written| has(written, Role::Added)) {
        return;
    }
    let parts = shown::read(prompt);
    let paths = written.iter().filter_map(|file| file.path.clone());
    let names: Vec<String> = paths.map(|path| paths::name(&path).to_owned()).collect();
    let is_one_unnamed = written.iter().any(|file| file.path.is_none());
    let versions = Versions::read(&parts, names.iter().map(String::as_str).collect(), is_one_unnamed);
    within::widen(written, &versions);
    let olds: Vec<Vec<Vec<u64>>> = written.iter().map(around::olds).collect();
    around::add(written, &versions);
    let compared: Vec<Option<(String, bool)>> = written.iter().map(compared).collect();
    let mut known: Vec<Option<Known>> = Vec::new();
    for ((file, compared), old) in written.iter_mut().zip(&compared).zip(olds) {
        known.push(match compared {
            Some((path, true)) => {
                set_apart_versions(file, path, true, &versions);
                let is_known = says_where(file) && versions.are_all_compared(path);
                is_known.then(|| Known { path: path.clone(), old: None, piece: None })
            }
            _ => {
                let says = !old.is_empty() || is_appended(file);
                let piece = (!says && compared.is_some()).then(|| anchored(file, &versions));
                let path = file.path.clone().filter(|_| says || piece.is_some());
                path.map(|path| Known { path, old: Some(old), piece })
            }
        });
    }
    set_apart_copies(written, &known, &parts, &versions);
    set_apart_last_words(written, prompt);
    for (file, compared) in written.iter_mut().zip(&compared) {
        if let Some((path, false)) = compared {
            set_apart_versions(file, path, false, &versions);
        }
        let is_shown = |path: &str| versions.shown(path).any(Text::says_something);
        file.seen = file.form == Form::Fence && file.path.as_deref().is_some_and(is_shown);
    }
}

/// Whether any line of it is this to the file.
fn has(written: &Written, role: Role) -> bool {
    written.lines.iter().any(|line| line.role == role)
}

/// The path of the file whose versions what is written is compared with, and whether it is all that the file is to hold.
/// What says what it replaces says by itself which lines are new.
fn compared(written: &Written) -> Option<(String, bool)> {
    let is_new = || !has(written, Role::Removed) && !has(written, Role::Context);
    // Marks that stand for what is left out are context of no file.
    let is_piece = || matches!(written.form, Form::Edit | Form::EditBlock) && !says_where(written);
    let is_whole = match written.form {
        Form::Write | Form::Shell | Form::Fence => !is_appended(written),
        Form::Patch | Form::Diff => is_new(),
        Form::Edit | Form::EditBlock | Form::Completion | Form::Editor => false,
    };
    let path = written.path.clone()?;
    (is_whole || is_piece()).then_some((path, is_whole && written.form != Form::Fence))
}

/// Sets apart the lines that a file had in the versions that the conversation has of it.
fn set_apart_versions(file: &mut Written, path: &str, is_whole: bool, versions: &Versions<'_>) {
    let now: Vec<u64> = file.lines.iter().map(|line| mark(&line.text)).collect();
    for before in versions.of_file(path).map(Text::marks) {
        let shares = file.lines.iter().zip(&now).any(|(line, mark)| {
            line.role == Role::Added && before.counts.contains_key(mark) && says_something(&line.text)
        });
        if !shares {
            continue;
        }
        let kept: Vec<(usize, usize)> = lines::kept(&before.in_order, &now);
        for (place, at) in &kept {
            if is_whole || is_among_others(*place, *at, &kept) {
                let count = before.counts.get(&now[*at]).copied();
                make_shown(&mut file.lines[*at], count.unwrap_or_default());
            }
        }
    }
}

/// Whether a line that a piece has in common with a version stands among others that it has, as near to them as there: the
/// same line alone, somewhere else, is chance.
fn is_among_others(place: usize, at: usize, kept: &[(usize, usize)]) -> bool {
    let first = kept.partition_point(|(_, other)| other + NEAR < at);
    let near = kept[first..].iter().take_while(|(_, other)| *other <= at + NEAR);
    near.filter(|(_, other)| *other != at)
        .any(|(there, other)| place.abs_diff(*there) <= at.abs_diff(*other) + SLACK)
}

/// Sets a line apart that a version had so often: where others have it more often, that counts.
fn make_shown(line: &mut Line, count: u32) {
    if line.role == Role::Added || line.shown > 0 {
        line.role = Role::Context;
        line.shown = line.shown.max(count);
    }
}

fn make_context(line: &mut Line) {
    if line.role == Role::Added {
        line.role = Role::Context;
    }
}

/// A block in a person's last words.
struct Given {
    /// The file that it is of, where that is said.
    path: Option<String>,
    /// Its lines, without those that are blank.
    marks: Vec<u64>,
}

impl Given {
    fn all(prompt: &Prompt) -> Vec<Self> {
        let blocks = |text| {
            let found = fences::all(&lines::split(text).collect::<Vec<_>>()).into_iter();
            let given = |found: fences::Found<'_>| Self {
                path: found.fence.file(found.above).0,
                marks: marks(found.fence.lines.into_iter()),
            };
            found.map(given).collect::<Vec<_>>()
        };
        shown::last_words(prompt).flat_map(blocks).filter(|given| given.marks.len() >= COPIED).collect()
    }

    /// Whether it has these lines, and not as a file that they are for and that has more.
    fn gives(&self, added: &[u64], path: Option<&str>) -> bool {
        let is_file = path.zip(self.path.as_deref()).is_some_and(|(one, other)| paths::are_same(one, other));
        let others = || self.marks.iter().filter(|mark| !added.contains(mark)).take(COPIED).count();
        let is_shown = || is_file && others() == COPIED;
        self.marks.windows(added.len()).any(|window| window == added) && !is_shown()
    }
}

/// The marks of lines that are not blank.
fn marks<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<u64> {
    lines.filter(|line| !line.trim().is_empty()).map(mark).collect()
}

/// Sets apart what a person gave as a block in their last words and what was put out as it was given.
fn set_apart_last_words(written: &mut [Written], prompt: &Prompt) {
    let blocks = Given::all(prompt);
    if blocks.is_empty() {
        return;
    }
    let mut left = COMPARED;
    for written in written.iter_mut() {
        let added = written.lines.iter().filter(|line| line.role == Role::Added);
        let added = marks(added.map(|line| line.text.as_str()));
        if added.len() < COPIED {
            continue;
        }
        let path = written.path.as_deref();
        let mut gives = |block: &Given| {
            left = left.saturating_sub(block.marks.len() * added.len());
            left > 0 && block.gives(&added, path)
        };
        if blocks.iter().any(&mut gives) {
            written.lines.iter_mut().for_each(make_context);
        }
    }
}

/// A file whose own versions are known from others: what is written of it may say by other means which lines are new.
struct Known {
    path: String,
    /// What is replaced in each place, which a version of the file has; nothing where the whole file is written.
    old: Option<Vec<Vec<u64>>>,
    /// Where it says nothing of where it goes, so that rows which a version has may stand where they did, or once more: which of
    /// its lines stand near one whose place is known.
    piece: Option<Vec<bool>>,
}

impl Known {
    /// Whether a text that is said to be a file's is a version of this one.
    fn has_version(&self, path: &str, text: &Text<'_>, left: &mut usize) -> bool {
        paths::are_same(&self.path, path)
            && self
                .old
                .as_ref()
                .is_none_or(|places| places.iter().all(|old| !around::places(text, old, left).is_empty()))
    }
}

/// Sets apart rows of lines that the conversation already has, but not those that only versions of the same file have, where
/// it is known; of what else says where it belongs, only those that somebody gave.
fn set_apart_copies(
    written: &mut [Written],
    known: &[Option<Known>],
    parts: &[Part<'_>],
    versions: &Versions<'_>,
) {
    let is_edit = |known: &Option<Known>| known.as_ref().is_none_or(|known| known.old.is_some());
    let files = written.iter_mut().zip(known);
    let (precise, loose): (Vec<_>, Vec<_>) =
        files.partition(|(file, known)| is_edit(known) && says_where(file));
    set_apart_rows(loose, parts.iter(), versions);
    set_apart_rows(
        precise,
        parts.iter().filter(|part| matches!(part, Part::Text { asked: None, .. })),
        versions,
    );
}

/// Whether it says what it replaces, or what is around it: then it puts lines where they were not, even if the model had
/// seen the same ones elsewhere.
pub(super) fn says_where(written: &Written) -> bool {
    written.lines.iter().any(|line| line.role != Role::Added && !lines::is_mark(&line.text))
}

/// Whether it goes behind all that the file has.
fn is_appended(written: &Written) -> bool {
    written.form == Form::Shell && written.lines.first().is_some_and(|first| first.apart)
}

fn set_apart_rows<'p>(
    written: Vec<(&mut Written, &Option<Known>)>,
    parts: impl Iterator<Item = &'p Part<'p>>,
    versions: &Versions<'_>,
) {
    let stretches: Vec<Vec<Stretch>> = written.iter().map(|(written, _)| stretches(written)).collect();
    let mut rows = Rows::of(written.iter().map(|(_, known)| known.as_ref()).collect());
    stretches.iter().flatten().for_each(|stretch| rows.add(stretch));
    if rows.found.is_empty() {
        return;
    }
    written.iter().for_each(|(written, _)| rows.add_others(written));
    for part in parts {
        match part {
            Part::Text { text, asked: Some(asked) } => {
                rows.is_of(&rows.files(|| versions.named(asked)));
                rows.look_in_text(&lines::split(text).collect::<Vec<_>>());
            }
            Part::Text { text, asked: None } => rows.look_in_said(text, versions),
            Part::Own(piece) => {
                rows.is_of(&rows.files(|| piece.path().into_iter().collect()));
                piece.sides().into_iter().for_each(|side| rows.look_in(side.into_iter()));
            }
        }
    }
    for (of, ((written, _), stretches)) in written.into_iter().zip(&stretches).enumerate() {
        stretches.iter().for_each(|stretch| rows.set_apart(of, written, stretch, versions));
    }
}

/// Added lines that say something, as they follow one another in the file.
struct Stretch {
    places: Vec<usize>,
    marks: Vec<u64>,
}

fn stretches(written: &Written) -> Vec<Stretch> {
    let mut stretches = vec![Vec::new()];
    for (at, line) in written.lines.iter().enumerate() {
        match line.role {
            Role::Added if says_something(&line.text) => {
                if let Some(stretch) = stretches.last_mut() {
                    stretch.push(at);
                }
            }
            Role::Context => stretches.push(Vec::new()),
            Role::Added | Role::Removed => {}
        }
    }
    stretches.retain(|stretch| stretch.len() >= COPIED);
    let marked = |places: Vec<usize>| {
        let marks = places.iter().map(|at| mark(&written.lines[*at].text)).collect();
        Stretch { places, marks }
    };
    stretches.into_iter().map(marked).collect()
}

/// Which lines stand near one that says something and that the file was shown to have there.
fn anchored(written: &Written, versions: &Versions<'_>) -> Vec<bool> {
    let mut apart = written.clone();
    set_apart_versions(&mut apart, written.path.as_deref().unwrap_or_default(), false, versions);
    let lines = &apart.lines;
    let is_anchor = |at: usize| lines[at].shown > 0 && says_something(&lines[at].text);
    let is_near = |at: usize| {
        let before = (at.saturating_sub(NEAR)..at).rev().take_while(|other| !lines[other + 1].apart);
        let after = (at + 1..lines.len().min(at + NEAR + 1)).take_while(|other| !lines[*other].apart);
        before.chain(after).any(is_anchor)
    };
    (0..lines.len()).map(is_near).collect()
}

fn row_mark(row: &[u64]) -> u64 {
    let mut hasher = FxHasher::default();
    row.iter().for_each(|mark| hasher.write_u64(*mark));
    hasher.finish()
}

/// Rows of written lines, and where they were found.
#[derive(Default)]
struct Rows<'k> {
    /// Every line in them.
    marks: FxHashSet<u64>,
    found: FxHashMap<u64, Seen>,
    /// For each file that was written, what is known of it.
    known: Vec<Option<&'k Known>>,
    /// The first of those files that what is looked at is a version of, if it is of one alone.
    of: Option<usize>,
    /// Rows of a file's lines that stay, and of lines that are taken away: what moves is not new.
    kept: FxHashSet<u64>,
    gone: FxHashSet<u64>,
}

/// Where a row was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nowhere,
    /// In versions of this file alone.
    In(usize),
    /// Elsewhere.
    Elsewhere,
}

/// The last lines that were looked at.
#[derive(Default)]
struct Window {
    marks: [u64; COPIED],
    length: usize,
}

impl<'k> Rows<'k> {
    fn of(known: Vec<Option<&'k Known>>) -> Self {
        Self { known, ..Self::default() }
    }

    fn add(&mut self, stretch: &Stretch) {
        self.marks.extend(&stretch.marks);
        self.found.extend(stretch.marks.windows(COPIED).map(|row| (row_mark(row), Seen::Nowhere)));
    }

    /// Rows of what stays in a file, and of what it loses.
    fn add_others(&mut self, written: &Written) {
        for (role, rows) in [(Role::Context, &mut self.kept), (Role::Removed, &mut self.gone)] {
            let lines = written.lines.iter().filter(|line| line.role == role && says_something(&line.text));
            let marks: Vec<u64> = lines.map(|line| mark(&line.text)).collect();
            rows.extend(marks.windows(COPIED).map(row_mark));
        }
    }

    /// The files that a part of the conversation is of, where that is asked for.
    fn files<P>(&self, named: impl FnOnce() -> Vec<P>) -> Vec<P> {
        if self.known.iter().any(Option::is_some) { named() } else { Vec::new() }
    }

    /// What is looked at next is a version of the files at these paths.
    fn is_of(&mut self, paths: &[impl AsRef<str>]) {
        self.of = match paths {
            [path] => self.first(|known| paths::are_same(&known.path, path.as_ref())),
            _ => None,
        };
    }

    fn first(&self, mut is_it: impl FnMut(&Known) -> bool) -> Option<usize> {
        self.known.iter().position(|known| known.is_some_and(&mut is_it))
    }

    /// The first with the path of the file with that number: a version of one is a version of all.
    fn first_of_its_path(&self, of: usize) -> Option<usize> {
        self.known[of].and_then(|own| self.first(|known| known.path == own.path))
    }

    /// Whether a file that was shown is more than what was written: a person may give code as the file it is for.
    fn is_more(&self, text: &Text<'_>) -> bool {
        let lines = text.lines.iter().zip(&text.marks().in_order);
        let others = lines.filter(|(line, mark)| says_something(line) && !self.marks.contains(mark));
        others.take(COPIED).count() == COPIED
    }

    /// Looks for rows in what somebody said, and in the files that it shows.
    fn look_in_said(&mut self, text: &str, versions: &Versions<'_>) {
        let lines: Vec<&str> = lines::split(text).collect();
        let (mut from, mut left) = (0, COMPARED);
        for said in self.files(|| versions.said(&lines)) {
            let of = self.first(|known| known.has_version(&said.path, &said.text, &mut left));
            let Some(of) = of.filter(|_| said.lines.start >= from && self.is_more(&said.text)) else {
                continue;
            };
            self.of = None;
            self.look_in_text(&lines[from..said.lines.start]);
            self.of = self.first_of_its_path(of);
            self.look_in_text(&said.text.lines);
            from = said.lines.end;
        }
        self.of = None;
        self.look_in_text(&lines[from..]);
    }

    /// Sets apart those of a stretch of the file with that number that were found.
    fn set_apart(&self, of: usize, written: &mut Written, stretch: &Stretch, versions: &Versions<'_>) {
        let own = self.first_of_its_path(of);
        let piece = self.known[of].and_then(|known| Some((&known.path, known.piece.as_ref()?)));
        let is_whole = self.known[of].is_some_and(|known| known.old.is_none());
        for (row, places) in stretch.marks.windows(COPIED).zip(stretch.places.windows(COPIED)) {
            let row = row_mark(row);
            let has_moved = || if is_whole { !self.kept.contains(&row) } else { self.gone.contains(&row) };
            // What says nothing between them goes with them.
            let lines = written.lines[places[0]..=places[COPIED - 1]].iter_mut();
            match (self.found.get(&row), piece) {
                (None | Some(Seen::Nowhere), _) => {}
                (Some(Seen::In(found)), Some((path, anchored))) if own == Some(*found) => {
                    // Where what stands around it is known, it would have been known there.
                    if !places.iter().all(|at| anchored[*at]) {
                        lines.for_each(|line| make_shown(line, versions.count(path, &line.text)));
                    }
                }
                (Some(Seen::In(found)), None) if own == Some(*found) && !has_moved() => {}
                (Some(Seen::In(_) | Seen::Elsewhere), _) => lines.for_each(make_context),
            }
        }
    }

    /// Looks for them in a text as it is, without its lines' numbers, and without the signs of a diff.
    fn look_in_text(&mut self, lines: &[&str]) {
        let has_diff = lines.iter().any(|line| line.contains("@@ "));
        let (mut plain, mut counted) = (Window::default(), Window::default());
        let (mut before, mut after) = (Window::default(), Window::default());
        let mut last_number = 0;
        for &line in lines {
            let mut is_counted = false;
            if let Some((number, text)) = numbered(line) {
                is_counted = number == last_number + 1;
                if !is_counted {
                    counted.length = 0;
                }
                last_number = number;
                self.look_at(text, &mut counted);
            }
            if !is_counted {
                self.look_at(line, &mut plain);
            }
            if has_diff {
                if let Some(text) = line.strip_prefix(['-', ' ']) {
                    self.look_at(text, &mut before);
                }
                if let Some(text) = line.strip_prefix(['+', ' ']) {
                    self.look_at(text, &mut after);
                }
                if !line.starts_with(['+', '-', ' ']) {
                    (before.length, after.length) = (0, 0);
                }
            }
        }
    }

    fn look_in<'t>(&mut self, lines: impl Iterator<Item = &'t str>) {
        let mut window = Window::default();
        lines.for_each(|line| self.look_at(line, &mut window));
    }

    fn look_at(&mut self, line: &str, window: &mut Window) {
        if line.trim_ascii_start().is_empty() {
            return;
        }
        let mark = mark(line);
        if !self.marks.contains(&mark) {
            if window.length > 0 && says_something(line) {
                window.length = 0;
            }
            return;
        }
        window.marks.rotate_left(1);
        window.marks[COPIED - 1] = mark;
        window.length += 1;
        if window.length >= COPIED
            && let Some(found) = self.found.get_mut(&row_mark(&window.marks))
        {
            *found = match (*found, self.of) {
                (Seen::Nowhere, Some(of)) => Seen::In(of),
                (Seen::In(known), Some(of)) if known == of => Seen::In(of),
                _ => Seen::Elsewhere,
            };
        }
    }
}
