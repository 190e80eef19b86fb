//! Edits of less than a line: a tool that replaces a text wherever it stands is given the words that change and no more. The
//! conversation has the file, so the lines that come of it are known.

use rustc_hash::FxHashMap;

use super::apart::says_where;
use super::around::{COMPARED, old, places};
use super::lines;
use super::shown::Versions;
use crate::{Form, Line, Role, Written};

/// Lines that are kept on either side of a change.
const AROUND: usize = 4;
/// Texts are searched up to so many bytes in all.
const SEARCHED: usize = 32 << 20;

/// Makes whole lines of edits that replace parts of lines, and of those that go to every place, in the file as the
/// conversation shows it and has edited it. What is not found there, or not once, stays as it is.
pub(super) fn widen(written: &mut [Written], versions: &Versions<'_>) {
    let (mut searched, mut compared) = (SEARCHED, COMPARED);
    let is_part = |file: &Written| is_edit(file) && !is_of_whole_lines(file, versions, &mut compared);
    let are_parts: Vec<bool> = written.iter().map(is_part).collect();
    let mut texts: FxHashMap<String, Vec<String>> = FxHashMap::default();
    for (file, _) in written.iter().zip(&are_parts).filter(|(_, is_part)| **is_part) {
        let path = file.path.clone().unwrap_or_default();
        texts.entry(path).or_insert_with_key(|path| versions.texts(path, &mut searched));
    }
    for (file, is_part) in written.iter_mut().zip(are_parts) {
        let texts = file.path.as_ref().filter(|_| is_edit(file)).and_then(|path| texts.get_mut(path));
        let Some(texts) = texts else { continue };
        let lines = apply(file, texts, &mut searched);
        if let Some(lines) = lines.filter(|_| is_part) {
            (file.lines, file.everywhere) = (lines, false);
        }
    }
}

/// Whether it takes the place of a text, which may be less than a line.
fn is_edit(written: &Written) -> bool {
    written.form == Form::Edit
        && written.path.is_some()
        && says_where(written)
        && !written.lines.iter().any(|line| line.apart)
}

/// Whether a text that was shown of the file has what is replaced, from the beginning of a line to the end of one.
fn is_of_whole_lines(written: &Written, versions: &Versions<'_>, left: &mut usize) -> bool {
    let old = old(&written.lines);
    let path = written.path.as_deref().unwrap_or_default();
    !written.everywhere && versions.shown(path).any(|text| !places(text, &old, left).is_empty())
}

/// Makes an edit in the texts. The lines that it changes in the longest that has them, and those around.
fn apply(edit: &Written, texts: &mut [String], left: &mut usize) -> Option<Vec<Line>> {
    let [old, new] = [Role::Added, Role::Removed].map(|gone| side(&edit.lines, gone));
    let mut whole: Option<(String, String)> = None;
    for text in texts {
        if let Some(changed) = edited(text, &old, &new, edit.everywhere, left) {
            let was = std::mem::replace(text, changed);
            if whole.as_ref().is_none_or(|(longest, _)| was.len() >= longest.len()) {
                whole = Some((was, text.clone()));
            }
        }
    }
    whole.map(|(was, changed)| near(lines::replaced(&was, &changed)))
}

/// What was there, or what is to be there.
fn side(lines: &[Line], gone: Role) -> String {
    let side: Vec<&str> =
        lines.iter().filter(|line| line.role != gone).map(|line| line.text.as_str()).collect();
    side.join("\n")
}

/// A text with another in the place of what it has once, or everywhere; nothing where it has not, or `left` bytes are too few
/// for it: then none are left.
pub(super) fn edited(text: &str, old: &str, new: &str, everywhere: bool, left: &mut usize) -> Option<String> {
    *left = left.saturating_sub(text.len());
    // Of a line that only gets other white space it is not known what it had.
    let old = if everywhere || text.contains(old) { old } else { old.trim() };
    let count = if old.trim().is_empty() { 0 } else { text.matches(old).count() };
    if count == 0 || count > 1 && !everywhere {
        return None;
    }
    *left = left.saturating_sub(count.saturating_mul(new.len()));
    (*left > 0).then(|| text.replace(old, new))
}

/// Changed lines and those around them.
fn near(lines: Vec<Line>) -> Vec<Line> {
    let changed: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].role != Role::Context).collect();
    let is_near = |at: usize| {
        let next = changed.partition_point(|changed| changed + AROUND < at);
        changed.get(next).is_some_and(|changed| *changed <= at + AROUND)
    };
    let mut near: Vec<Line> = Vec::new();
    let mut last = None;
    for (at, line) in lines.into_iter().enumerate().filter(|(at, _)| is_near(*at)) {
        let apart = last.is_some_and(|last| last + 1 < at);
        last = Some(at);
        near.push(Line { apart, ..line });
    }
    near
}
