//! Unified diffs: those of git and of `diff`, and what models make of them.
//!
//! Models miscount lines, leave line numbers out (`@@ ... @@`), and drop the space before an empty line. Where the counts of
//! a hunk hold, they tell a removed `-- x` from a file's head; elsewhere a hunk goes on for as long as its lines have signs.

use super::{lines, paths};
use crate::{Form, Line, Role, Written};

/// A diff as far as it is read.
struct Reader<'l> {
    lines: &'l [&'l str],
    at: usize,
    files: Vec<Written>,
    file: Option<Written>,
    /// The path of a diff without heads.
    path: Option<String>,
}

/// The lines that a hunk still has by its own count, before and after; nothing where it does not say.
type Left = Option<(usize, usize)>;

/// Whether a diff with a head begins here.
pub(super) fn begins(lines: &[&str], at: usize) -> bool {
    let line = |more: usize| lines.get(at + more).copied().unwrap_or_default();
    line(0).starts_with("diff --git ")
        || (line(0).starts_with("--- ")
            && line(1).starts_with("+++ ")
            && (line(2).starts_with("@@") || line(2).is_empty()))
}

/// The files that a diff changes, in order. A hunk before any head is of the file at `path`.
pub(super) fn read(lines: &[&str], path: Option<String>) -> Vec<Written> {
    let mut reader = Reader { lines, at: 0, files: Vec::new(), file: None, path };
    while reader.at < lines.len() {
        if !reader.head() {
            reader.hunk(false);
        }
    }
    reader.finish().0
}

/// The files of the diff that begins with the first line and stands amid other text, and how many lines it takes.
pub(super) fn read_amid(lines: &[&str]) -> (Vec<Written>, usize) {
    let mut reader = Reader { lines, at: 0, files: Vec::new(), file: None, path: None };
    while reader.at < lines.len() {
        if reader.head() {
            continue;
        }
        let is_hunk = lines.get(reader.at).is_some_and(|line| line.starts_with("@@"));
        if !is_hunk || reader.file.is_none() {
            break;
        }
        reader.hunk(true);
    }
    reader.finish()
}

impl<'l> Reader<'l> {
    fn line(&self, more: usize) -> &'l str {
        self.lines.get(self.at + more).copied().unwrap_or_default()
    }

    /// Reads a line that says which file follows, if this is one.
    fn head(&mut self) -> bool {
        let line = self.line(0);
        if line.starts_with("--- ") && self.line(1).starts_with("+++ ") {
            let path = path_of(line, self.line(1));
            self.files.extend(self.file.take());
            self.file = Some(open(path));
            self.at += 2;
        } else if let Some(names) = line.strip_prefix("diff --git ") {
            self.files.extend(self.file.take());
            self.file = Some(open(names.rsplit_once(" b/").map(|(_, path)| path.to_owned())));
            self.at += 1;
        } else if let Some(path) = line.strip_prefix("rename to ") {
            if let Some(file) = &mut self.file {
                file.path = Some(path.to_owned());
            }
            self.at += 1;
        } else if is_note(line) {
            self.at += 1;
        } else {
            return false;
        }
        true
    }

    /// Reads a hunk; of one amid other text only what is certainly its own.
    fn hunk(&mut self, is_amid: bool) {
        let (mut left, mut apart) = (None, true);
        if self.line(0).starts_with("@@") {
            left = counts(self.line(0));
            self.at += 1;
        }
        let path = self.path.clone();
        let mut file = self.file.take().unwrap_or_else(|| open(path));
        // Empty lines behind the last that has a sign.
        let mut bare = 0;
        while self.at < self.lines.len() && !self.is_over(left, is_amid) {
            let line = self.line(0);
            self.at += 1;
            // Others are `\ No newline at end of file`, and what does not belong here.
            let Some((role, text)) = lines::signed(line) else { continue };
            left = left.map(|(before, after)| match role {
                Role::Added => (before, after.saturating_sub(1)),
                Role::Removed => (before.saturating_sub(1), after),
                Role::Context => (before.saturating_sub(1), after.saturating_sub(1)),
            });
            file.lines.push(Line { apart: std::mem::take(&mut apart), ..lines::line(role, text) });
            bare = if line.is_empty() { bare + 1 } else { 0 };
        }
        if left != Some((0, 0)) {
            file.lines.truncate(file.lines.len() - bare);
        }
        self.file = Some(file);
    }

    /// Whether the hunk ended before this line.
    fn is_over(&self, left: Left, is_amid: bool) -> bool {
        let line = self.line(0);
        if line.starts_with("@@") || line.starts_with("diff --git ") {
            return true;
        }
        // Counts are often too low.
        let is_signed = line.starts_with('\\') || has_sign(line);
        if left == Some((0, 0)) && ((is_amid && !is_signed) || is_note(line)) {
            return true;
        }
        if line.starts_with("--- ") && self.line(1).starts_with("+++ ") {
            // By its own count it may be a line removed and a line added.
            let is_git = line.starts_with("--- a/") && self.line(1).starts_with("+++ b/");
            return match left {
                Some((0, 0)) => true,
                Some((1, 1)) => is_git,
                _ => self.line(2).starts_with("@@") || self.at + 2 >= self.lines.len(),
            };
        }
        is_amid && !line.starts_with(['+', '-', ' ', '\\']) && !(line.is_empty() && self.goes_on())
    }

    /// Whether an empty line amid other text is one of the hunk's: lines with signs follow.
    fn goes_on(&self) -> bool {
        has_sign(self.line(1))
    }

    fn finish(mut self) -> (Vec<Written>, usize) {
        self.files.extend(self.file.take());
        self.files.retain(|file| !file.lines.is_empty());
        (self.files, self.at)
    }
}

fn open(path: Option<String>) -> Written {
    Written { path, form: Form::Diff, lines: Vec::new(), everywhere: false, seen: false }
}

/// Whether a line has a sign, and is no item of a list amid other text.
fn has_sign(line: &str) -> bool {
    line.starts_with(['+', ' ']) || (line.starts_with('-') && !line.starts_with("- "))
}

/// Whether git says this between a file's name and its hunks.
fn is_note(line: &str) -> bool {
    const NOTES: [&str; 11] = [
        "index ",
        "old mode ",
        "new mode ",
        "new file mode ",
        "deleted file mode ",
        "similarity index ",
        "dissimilarity index ",
        "rename from ",
        "copy from ",
        "copy to ",
        "Binary files ",
    ];
    NOTES.iter().any(|note| line.starts_with(note))
}

/// The path that two heads name: where the text goes, or where it was when it goes nowhere.
fn path_of(old: &str, new: &str) -> Option<String> {
    let name = |head: &str| {
        let name = head.get(4..).unwrap_or_default();
        name.split('\t').next().unwrap_or(name).trim().trim_matches('"').to_owned()
    };
    let (old, new) = (name(old), name(new));
    let is_none = |path: &str| path == "/dev/null" || path.is_empty();
    let is_git = (is_none(&old) || old.starts_with("a/")) && (is_none(&new) || new.starts_with("b/"));
    let path = if is_none(&new) { old } else { new };
    let inner = if is_git { path.get(2..).unwrap_or_default() } else { &path };
    (!is_none(&path)).then(|| paths::join(None, inner))
}

/// How many lines a hunk says it has, before and after: `@@ -1,7 +1,9 @@`.
fn counts(head: &str) -> Left {
    let mut words = head.strip_prefix("@@ -")?.split(' ');
    let count = |range: &str| match range.split_once(',') {
        Some((_, count)) => count.parse().ok(),
        None => range.parse::<usize>().ok().map(|_| 1),
    };
    let before = count(words.next()?)?;
    Some((before, count(words.next()?.strip_prefix('+')?)?))
}
