//! Fenced blocks: where they begin and end, what language and which file they say, and what of them is code.

use std::ops::Range;

use super::piece::Piece;
use super::shown::says_something;
use super::{blocks, diff, patch, paths, shell};
use crate::Form;

/// Languages of what a shell is told, which is code only where a file is named.
const SCRIPTS: [&str; 12] =
    ["bash", "sh", "shell", "zsh", "fish", "ksh", "powershell", "pwsh", "ps1", "bat", "cmd", "batch"];
/// What is no language: it may still be a file that is named.
const PLAIN: [&str; 6] = ["", "text", "txt", "plaintext", "plain", "none"];
/// Lines that say something, of a block without a language, for it to be looked for.
const LONG: usize = 3;
/// Languages of what a program printed, and of what tools are called with.
const PRINTED: [&str; 16] = [
    "console",
    "terminal",
    "output",
    "stdout",
    "stderr",
    "log",
    "logs",
    "shell-session",
    "shellsession",
    "sh-session",
    "ansi",
    "error",
    "traceback",
    "pytb",
    "tool",
    "tool_code",
];
/// Languages of diffs.
const DIFFS: [&str; 4] = ["diff", "patch", "udiff", "git-diff"];
/// Languages in which fences stand within fences.
const DOCUMENTS: [&str; 4] = ["markdown", "md", "mdx", "mdc"];
/// What an attribute is called that names the file.
const ATTRIBUTES: [&str; 6] = ["title=", "filename=", "file=", "path=", "filepath=", "name="];

/// A fenced block.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fence<'t> {
    /// The language, in small letters.
    pub(super) language: String,
    /// The file that the fence itself names.
    pub(super) path: Option<&'t str>,
    /// Its lines.
    pub(super) lines: Vec<&'t str>,
}

/// What opens a fence: how far in it stands, its sign, how often the sign stands there, and what follows.
struct Opener<'t> {
    indent: usize,
    sign: char,
    count: usize,
    info: &'t str,
}

fn opener(line: &str) -> Option<Opener<'_>> {
    let text = line.trim_start();
    let sign = text.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let info = text.trim_start_matches(sign);
    let count = text.len() - info.len();
    let is_one = count >= 3 && !(sign == '`' && info.contains('`'));
    is_one.then(|| Opener { indent: line.len() - text.len(), sign, count, info: info.trim() })
}

/// The block whose fence opens on the first line, and how many lines it takes with both fences. One that nothing closes
/// goes on to the end.
pub(super) fn read<'t>(lines: &[&'t str]) -> Option<(Fence<'t>, usize)> {
    let opened = opener(lines.first()?)?;
    let (language, path) = info(opened.info);
    let is_document = DOCUMENTS.contains(&language.as_str());
    let mut body: Vec<&'t str> = Vec::new();
    // Fences within, and whether the line is in a block of search and replace, where any line may stand.
    let (mut within, mut in_block) = (0_usize, false);
    let mut last_end = None;
    let mut taken = 1;
    for line in &lines[1..] {
        taken += 1;
        if in_block {
            in_block = !blocks::ends(line);
        } else if blocks::begins(line) {
            let last = *last_end.get_or_insert_with(|| lines.iter().rposition(|line| blocks::ends(line)));
            in_block = last.is_some_and(|last| last >= taken);
        } else if let Some(inner) = opener(line).filter(|inner| inner.sign == opened.sign) {
            if !inner.info.is_empty() {
                within += usize::from(is_document);
            } else if within > 0 {
                within -= 1;
            } else if inner.count >= opened.count {
                return Some((Fence { language, path, lines: body }, taken));
            }
        }
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        body.push(line.get(opened.indent.min(indent)..).unwrap_or(line));
    }
    Some((Fence { language, path, lines: body }, taken))
}

/// The language and the file that stand behind a fence's signs: `rust src/a.rs`, `rust:src/a.rs`, `ts title="a.ts"`,
/// `12:15:src/a.ts`, `src/a.rs`.
fn info(info: &str) -> (String, Option<&str>) {
    let info = info.trim_start_matches(['{', '.']);
    let first = info.split([' ', '\t', '{', ',']).next().unwrap_or_default();
    let named = attribute(info).or_else(|| {
        let mut words = info.split([' ', '\t']).map(|word| word.trim_matches(['(', ')', '"', '\'', '`']));
        words.find_map(path_in)
    });
    let language = match named {
        // The file is all that it says.
        Some(path) if first.ends_with(path) && !first.contains(':') => ending(path),
        Some(path) if first.starts_with(|letter: char| letter.is_ascii_digit()) => ending(path),
        Some(path) if first.starts_with(path) => ending(path),
        _ => first.split(':').next().unwrap_or_default().trim_end_matches('}'),
    };
    (language.to_ascii_lowercase(), named)
}

fn ending(path: &str) -> &str {
    paths::name(path).rsplit_once('.').map_or("", |(_, ending)| ending)
}

fn attribute(info: &str) -> Option<&str> {
    ATTRIBUTES.iter().find_map(|name| {
        let (_, value) = info.split_once(name)?;
        let quote = value.chars().next()?;
        let value = match quote {
            '"' | '\'' => value.get(1..)?.split(quote).next()?,
            _ => value.split([' ', '}', ',']).next()?,
        };
        // Within quotes it may have spaces.
        paths::seems(&value.replace(' ', "_")).then_some(value)
    })
}

/// The path in a word with a language or lines before it, or lines behind it.
fn path_in(word: &str) -> Option<&str> {
    if paths::seems(word) && !word.contains(':') {
        return Some(word);
    }
    let is_drive = word.as_bytes().get(1) == Some(&b':')
        && word.starts_with(|letter: char| letter.is_ascii_alphabetic());
    if is_drive && paths::seems(word) {
        return Some(word);
    }
    let mut parts = word.split(':').filter(|part| !part.is_empty());
    parts.find(|part| paths::seems(part))
}

impl Fence<'_> {
    /// The file that the block is of, by its first line or by what stood above it, and how many lines only say so.
    pub(super) fn file(&self, above: Option<&str>) -> (Option<String>, usize) {
        let commented = self.lines.first().and_then(|line| paths::in_comment(line));
        match (self.path, commented, above) {
            (_, Some((path, true)), _) => (Some(path.to_owned()), 1),
            (Some(path), ..) => (Some(path.to_owned()), 0),
            (None, Some((path, _)), None) => (Some(path.to_owned()), 0),
            (None, _, above) => (above.map(str::to_owned), 0),
        }
    }

    /// The code in it. What stood above it may name the file; a block of search and replace may go on with the one before.
    pub(super) fn pieces(&self, above: Option<&str>, before: Option<&str>) -> Vec<Piece> {
        let language = self.language.as_str();
        let (path, passed) = self.file(above);
        let text = || -> String { self.lines[passed..].iter().flat_map(|line| [line, "\n"]).collect() };
        if PRINTED.contains(&language) {
            return Vec::new();
        }
        if blocks::is_in(&self.lines) {
            return blocks::read(&self.lines, path.as_deref().or(before));
        }
        if self.lines.iter().any(|line| patch::begins(line)) && !SCRIPTS.contains(&language) {
            return patch::read(&text(), None).into_iter().map(Piece::Laid).collect();
        }
        let has_diff = (0..self.lines.len())
            .find(|at| !self.lines[*at].is_empty())
            .is_some_and(|first| diff::begins(&self.lines, first));
        if DIFFS.contains(&language) || has_diff {
            return diff::read(&self.lines[passed..], path).into_iter().map(Piece::Laid).collect();
        }
        if path.is_none() && SCRIPTS.contains(&language) {
            let script = text();
            return if shell::may_write(&script) { shell::read(&script, None) } else { Vec::new() };
        }
        // Without any language it may be code as well as what a program says: some lines of it must be found together.
        let is_long = || self.lines.iter().filter(|line| says_something(line)).count() >= LONG;
        if path.is_none() && PLAIN.contains(&language) && !(language.is_empty() && is_long()) {
            return Vec::new();
        }
        vec![Piece::New { path, form: Form::Fence, text: text(), has_marks: true }]
    }
}

/// A fenced block in a text.
pub(super) struct Found<'t> {
    /// The lines that it takes.
    pub(super) lines: Range<usize>,
    /// The path that the line above it is about.
    pub(super) above: Option<&'t str>,
    pub(super) fence: Fence<'t>,
}

/// Every fenced block in the lines.
pub(super) fn all<'t>(lines: &[&'t str]) -> Vec<Found<'t>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match read(&lines[at..]) {
            Some((fence, taken)) => {
                let line = line_above(&lines[..at]);
                let above = line.and_then(|line| paths::alone(line).or_else(|| paths::only(line)));
                found.push(Found { lines: at..at + taken, above, fence });
                at += taken;
            }
            None => at += 1,
        }
    }
    found
}

/// The path that the line before a fence says, if it says nothing else. One empty line may stand between.
pub(super) fn above<'t>(lines: &[&'t str]) -> Option<&'t str> {
    line_above(lines).and_then(paths::alone)
}

fn line_above<'t>(lines: &[&'t str]) -> Option<&'t str> {
    let (last, before) = lines.split_last()?;
    if last.trim().is_empty() { before.last().copied() } else { Some(last) }
}
