//! Codex's patches: files to add, to delete and to update, each line with its sign.
//!
//! The form is read as leniently as its makers read it: white space around marks, no end, empty lines without a sign.

use super::{lines, paths};
use crate::{Form, Line, Role, Written};

/// What a patch begins with.
pub(super) const BEGIN: &str = "*** Begin Patch";
/// What one ends with.
pub(super) const END: &str = "*** End Patch";
const ADD: &str = "*** Add File: ";
const UPDATE: &str = "*** Update File: ";
const DELETE: &str = "*** Delete File: ";
const MOVE: &str = "*** Move to: ";

/// Whether a patch is in the text.
pub(super) fn is_in(text: &str) -> bool {
    text.contains(BEGIN) || lines::split(text).any(|line| line.starts_with(ADD) || line.starts_with(UPDATE))
}

/// Whether a patch begins with the line.
pub(super) fn begins(line: &str) -> bool {
    line.trim() == BEGIN
}

/// Whether a patch ends with the line.
pub(super) fn ends(line: &str) -> bool {
    line.trim() == END
}

/// The files that the patches in a text change, in order. Paths are from the folder.
pub(super) fn read(text: &str, folder: Option<&str>) -> Vec<Written> {
    let mut files = Vec::new();
    let mut file: Option<Written> = None;
    let mut apart = false;
    for line in lines::split(text) {
        let mark = line.trim();
        let opened = mark.strip_prefix(ADD).or(mark.strip_prefix(UPDATE)).map(path_of);
        if let Some(path) = opened {
            files.extend(file.replace(open(Some(paths::join(folder, path)))));
        } else if let (Some(path), Some(file)) = (mark.strip_prefix(MOVE), &mut file) {
            file.path = Some(paths::join(folder, path_of(path)));
        } else if mark == END || mark.starts_with(DELETE) || mark.ends_with(BEGIN) {
            files.extend(file.take());
        } else if let Some(file) = &mut file {
            add(file, line, &mut apart);
        }
    }
    files.extend(file);
    files.iter_mut().for_each(close);
    files
}

/// Lines with signs that are all of one file's.
pub(super) fn of_one_file(text: &str, path: Option<String>) -> Written {
    let mut file = open(path);
    let mut apart = false;
    lines::split(text).for_each(|line| add(&mut file, line, &mut apart));
    close(&mut file);
    file
}

fn open(path: Option<String>) -> Written {
    Written { path, form: Form::Patch, lines: Vec::new(), everywhere: false, seen: false }
}

fn path_of(text: &str) -> &str {
    text.trim().trim_matches(['"', '`', '\''])
}

fn add(file: &mut Written, line: &str, apart: &mut bool) {
    *apart |= line.starts_with("@@");
    let signed = lines::signed(line).map(|(role, text)| lines::line(role, text));
    file.lines.extend(signed.map(|line| Line { apart: std::mem::take(apart), ..line }));
}

/// Takes off the empty lines that only stand between a file and the next mark.
fn close(file: &mut Written) {
    while file.lines.last().is_some_and(|line| line.role == Role::Context && line.text.is_empty()) {
        file.lines.pop();
    }
}
