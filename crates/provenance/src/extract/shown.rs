//! What a conversation shows a model, and what the model itself put out in it.
//!
//! Clients render files in their own ways: with line numbers (`     12→text`, `12\ttext`, `12: text`, `00012| text`), within
//! tags, as fenced blocks under a path, as JSON. Lines are compared without their white space and, where they count up,
//! without their numbers.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, VecDeque};
use std::hash::Hasher;
use std::ops::Range;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet, FxHasher};
use waymark_protocol::neutral::{Block, Prompt, Role, Turn};

use super::fences::Found;
use super::piece::Piece;
use super::tools::Named;
use super::{fences, json, lines, paths, text, tools, within};
use crate::Form;

/// What a tag's attribute is called that names a file.
const ATTRIBUTES: [&str; 5] = ["path=", "filePath=", "file=", "filename=", "name="];
/// Among more files it is not looked for which one a piece of code is of.
const MOST_FILES: usize = 32;
/// At most so many elements of one text are looked into.
const MOST_ELEMENTS: usize = 64;
/// At most so many of the newest texts of a file are compared.
const VERSIONS: usize = 8;
/// Fewer lines are a remark on a file, and not its text.
const LEAST: usize = 3;
/// What stands between the words of a command.
const BETWEEN: &[char] = &[' ', '\t', '\n', '"', '\'', '`', ';', '|', '&', '(', ')', '<', '>', ',', '='];
/// Words that say nothing when they are all of a line.
const EMPTY: [&str; 20] = [
    "else", "end", "begin", "do", "then", "fi", "done", "esac", "return", "break", "continue", "pass", "try",
    "finally", "default", "endif", "true", "false", "null", "none",
];

/// One thing of the conversation.
pub(super) enum Part<'p> {
    /// A text that the model was shown.
    Text {
        /// The text.
        text: Cow<'p, str>,
        /// The arguments of the call whose result it is; nothing where it is no result, or tells of a failure.
        asked: Option<&'p str>,
    },
    /// What the model put out.
    Own(Piece),
}

/// Everything that the model was shown or put out, oldest first.
pub(super) fn read(prompt: &Prompt) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for block in &prompt.system {
        said(block, &mut parts);
    }
    let mut calls: FxHashMap<&str, &str> = FxHashMap::default();
    for turn in &prompt.turns {
        for block in &turn.blocks {
            match block {
                Block::ToolCall { id, name, arguments, .. } => {
                    calls.insert(id, arguments);
                    parts.extend(tools::read(name, arguments).into_iter().map(Part::Own));
                }
                Block::ToolResult { id, content, is_error: false, .. } => {
                    content
                        .iter()
                        .for_each(|block| result(block, calls.get(id.as_str()).copied(), &mut parts));
                }
                Block::ToolResult { content, .. } => {
                    content.iter().for_each(|block| result(block, None, &mut parts));
                }
                Block::Text { text, .. } if turn.role == Role::Assistant => {
                    // A block shown in a chat is no call.
                    let pieces = text::read(text).into_iter();
                    let is_call = |piece: &Piece| !matches!(piece, Piece::New { form: Form::Fence, .. });
                    parts.extend(pieces.filter(is_call).map(Part::Own));
                }
                other => said(other, &mut parts),
            }
        }
    }
    parts
}

/// The last text of a person's.
pub(super) fn last_words(prompt: &Prompt) -> impl Iterator<Item = &str> {
    let says =
        |turn: &&Turn| turn.role == Role::User && turn.blocks.iter().any(|block| text_of(block).is_some());
    let last = prompt.turns.iter().rev().find(says);
    last.into_iter().flat_map(|turn| &turn.blocks).filter_map(text_of)
}

fn text_of(block: &Block) -> Option<&str> {
    if let Block::Text { text, .. } = block { Some(text) } else { None }
}

fn said<'p>(block: &'p Block, parts: &mut Vec<Part<'p>>) {
    parts.extend(text_of(block).map(|text| Part::Text { text: Cow::Borrowed(text), asked: reported(text) }));
}

/// The call whose result a text is, where a client puts calls and results in words (Cline, Roo):
/// `[read_file for 'src/a.rs'] Result:`.
fn reported(text: &str) -> Option<&str> {
    let (first, _) = text.trim_start().split_once('\n')?;
    let call = first.trim_end().strip_suffix("Result:")?.trim_end();
    call.strip_prefix('[')?.strip_suffix(']').filter(|call| call.contains(" for "))
}

fn result<'p>(block: &'p Block, asked: Option<&'p str>, parts: &mut Vec<Part<'p>>) {
    let Some(text) = text_of(block) else { return };
    parts.push(Part::Text { text: Cow::Borrowed(text), asked });
    if text.trim_start().starts_with(['{', '[']) && text.contains("\\n") {
        let value = json::read(text);
        let mut texts = Vec::new();
        value.texts(&mut texts);
        let texts = texts.into_iter().filter(|text| text.contains('\n'));
        parts.extend(texts.map(|text| Part::Text { text: Cow::Owned(text.to_owned()), asked }));
    }
}

/// The lines of files in the versions that a conversation has of them, by the files' names, the oldest first.
pub(super) struct Versions<'a> {
    /// The names of those that are wanted, and whether all are that look like files.
    wanted: FxHashSet<&'a str>,
    all: bool,
    of: FxHashMap<String, Vec<Version<'a>>>,
}

struct Version<'a> {
    path: Cow<'a, str>,
    text: Rc<Text<'a>>,
    of: Of<'a>,
}

/// What a version is of a file.
#[derive(Clone, Copy)]
enum Of<'a> {
    /// All of it, or a part of it that was shown.
    Shown,
    /// What an edit took the place of: what was there, what came, and whether it did so everywhere.
    Old(&'a str, &'a str, bool),
    /// What an edit brought.
    New,
}

/// A file in what was said.
pub(super) struct Said<'t> {
    pub(super) path: Cow<'t, str>,
    /// The lines that it takes.
    pub(super) lines: Range<usize>,
    /// What the file holds.
    pub(super) text: Rc<Text<'t>>,
}

/// The lines of a version, marked once and only where they are asked for.
pub(super) struct Text<'a> {
    pub(super) lines: Vec<&'a str>,
    marks: OnceCell<Marks>,
}

/// The marks of a version's lines.
pub(super) struct Marks {
    /// Those of every line.
    pub(super) in_order: Vec<u64>,
    /// How many there are of each.
    pub(super) counts: FxHashMap<u64, u32>,
}

impl<'a> Text<'a> {
    fn new(lines: Vec<&'a str>) -> Rc<Self> {
        Rc::new(Self { lines, marks: OnceCell::new() })
    }

    /// The marks of lines that stand there once.
    pub(super) fn once(&self) -> FxHashSet<u64> {
        self.marks().counts.iter().filter(|(_, count)| **count == 1).map(|(mark, _)| *mark).collect()
    }

    /// Whether so many lines say something that it may be a file, or a part of one.
    pub(super) fn says_something(&self) -> bool {
        self.lines.iter().filter(|line| says_something(line)).take(LEAST).count() == LEAST
    }

    /// Their marks.
    pub(super) fn marks(&self) -> &Marks {
        self.marks.get_or_init(|| {
            let in_order: Vec<u64> = self.lines.iter().map(|line| mark(line)).collect();
            let mut counts = FxHashMap::default();
            in_order.iter().for_each(|mark| *counts.entry(*mark).or_default() += 1);
            Marks { in_order, counts }
        })
    }
}

impl<'a> Versions<'a> {
    /// Those of files with these names, and of `all` others.
    pub(super) fn read(parts: &'a [Part<'_>], wanted: FxHashSet<&'a str>, all: bool) -> Self {
        let mut versions = Self { wanted, all, of: FxHashMap::default() };
        // A result may have many parts.
        let mut last: Option<(&str, Vec<String>)> = None;
        for part in parts {
            match part {
                Part::Own(piece) => {
                    let of = match piece {
                        Piece::New { .. } => [Of::New, Of::Shown],
                        Piece::Swap { old, new, everywhere, .. } => [Of::Old(old, new, *everywhere), Of::New],
                        Piece::Laid(_) => [Of::New, Of::New],
                    };
                    for (side, of) in piece.sides().into_iter().zip(of) {
                        versions.add(piece.path().unwrap_or_default(), &Text::new(side), of);
                    }
                }
                Part::Text { text, asked: Some(arguments) } => {
                    let known = last.take().filter(|(known, _)| known == arguments);
                    let (_, named) =
                        last.insert(known.unwrap_or_else(|| (arguments, versions.named(arguments))));
                    versions.add_result(text, named);
                }
                Part::Text { text, asked: None } => versions.add_said(text),
            }
        }
        versions
    }

    /// Those of the file at `path`, the newest first: at most so many as are worth a look.
    pub(super) fn of_file(&self, path: &str) -> impl Iterator<Item = &Text<'a>> {
        self.all_of(path).rev().map(|version| &*version.text).take(VERSIONS)
    }

    /// The same of those that show all of it, or a part.
    pub(super) fn shown(&self, path: &str) -> impl Iterator<Item = &Text<'a>> {
        let shown = self.all_of(path).rev().filter(|version| matches!(version.of, Of::Shown));
        shown.map(|version| &*version.text).take(VERSIONS)
    }

    /// Those texts with the edits that the conversation made in them later, the newest last: as many as a search of `left` bytes
    /// finds.
    pub(super) fn texts(&self, path: &str, left: &mut usize) -> Vec<String> {
        let mut texts = VecDeque::new();
        for version in self.all_of(path) {
            match version.of {
                Of::Shown if is_file(&version.text) => {
                    let text = version.text.lines.join("\n");
                    *left = left.saturating_sub(text.len());
                    texts.push_back(text);
                    if texts.len() > VERSIONS {
                        texts.pop_front();
                    }
                }
                Of::Old(old, new, everywhere) => {
                    for text in &mut texts {
                        if let Some(edited) = within::edited(text, old, new, everywhere, left) {
                            *text = edited;
                        }
                    }
                }
                Of::Shown | Of::New => {}
            }
            // Without what is left out they would be of other versions.
            if *left == 0 {
                return Vec::new();
            }
        }
        texts.into()
    }

    fn all_of(&self, path: &str) -> impl DoubleEndedIterator<Item = &Version<'a>> {
        let versions = self.of.get(paths::name(path)).into_iter().flatten();
        versions.filter(move |version| paths::are_same(&version.path, path))
    }

    /// How often a file's versions have a line, at most.
    pub(super) fn count(&self, path: &str, line: &str) -> u32 {
        let mark = mark(line);
        let counts = self.of_file(path).filter_map(|version| version.marks().counts.get(&mark).copied());
        counts.max().unwrap_or_default()
    }

    /// The paths of the files that there are versions of, each once; none where they are too many to look at.
    pub(super) fn paths(&self) -> Vec<&str> {
        let all: BTreeSet<&str> = self.of.values().flatten().map(|version| &*version.path).collect();
        let mut paths: Vec<&str> = Vec::new();
        for path in all {
            if !paths.iter().any(|known| paths::are_same(known, path)) {
                paths.push(path);
            }
            if paths.len() > MOST_FILES {
                return Vec::new();
            }
        }
        paths
    }

    fn wants(&self, path: &str) -> bool {
        self.wanted.contains(paths::name(path)) || (self.all && paths::seems(path))
    }

    fn add(&mut self, path: impl Into<Cow<'a, str>>, text: &Rc<Text<'a>>, of: Of<'a>) {
        let path = path.into();
        if self.wants(&path) && !text.lines.is_empty() {
            let versions = self.of.entry(paths::name(&path).to_owned()).or_default();
            versions.push(Version { path, text: Rc::clone(text), of });
        }
    }

    /// Whether [`Self::of_file`] gives all that there are.
    pub(super) fn are_all_compared(&self, path: &str) -> bool {
        self.of.get(paths::name(path)).is_none_or(|versions| versions.len() <= VERSIONS)
    }

    /// Paths of these files that a call names, in its shell commands too.
    pub(super) fn named(&self, arguments: &str) -> Vec<String> {
        let mut said = tools::names(arguments);
        // A call in words.
        if said.is_empty() && !arguments.trim_start().starts_with(['{', '[']) {
            said.push(Named::Words(arguments.to_owned()));
        }
        let mut named: BTreeSet<String> = BTreeSet::new();
        for said in said {
            let words = match &said {
                Named::Path(path) => vec![path.as_str()],
                Named::Words(words) => words.split(BETWEEN).collect(),
            };
            named.extend(words.into_iter().filter(|word| self.wants(word)).map(str::to_owned));
        }
        named.into_iter().collect()
    }

    /// The result of a call that names files: a version of every one of them.
    fn add_result(&mut self, text: &'a str, named: &[String]) {
        if named.is_empty() {
            return;
        }
        let text = Text::new(unnumbered(lines::split(text)));
        for path in named {
            self.add(path.clone(), &text, Of::Shown);
        }
    }

    /// What people and programs said: fenced blocks and elements that name a file.
    fn add_said(&mut self, text: &'a str) {
        if text.contains(['<', '`', '~']) {
            let lines: Vec<&'a str> = lines::split(text).collect();
            for Said { path, text, .. } in self.said(&lines) {
                self.add(path, &text, Of::Shown);
            }
        }
    }

    /// The files in what was said, in order.
    pub(super) fn said<'t>(&self, lines: &[&'t str]) -> Vec<Said<'t>> {
        let mut said: Vec<Said<'t>> = Vec::new();
        for Found { lines, above, fence } in fences::all(lines) {
            if let (Some(path), passed) = fence.file(above)
                && self.wants(&path)
            {
                let text = Text::new(unnumbered(fence.lines.into_iter().skip(passed)));
                said.push(Said { path: Cow::Owned(path), lines, text });
            }
        }
        // Elements in the block of a file are its own.
        let fenced: FxHashSet<usize> = said.iter().flat_map(|said| said.lines.clone()).collect();
        let named = |line: &&'t str| element(line).filter(|(_, path)| self.wants(path));
        let elements = lines.iter().enumerate().filter(|(at, _)| !fenced.contains(at));
        let elements = elements.filter_map(|(at, line)| Some((at, named(line)?))).take(MOST_ELEMENTS);
        for (at, (tag, path)) in elements {
            let close = format!("</{tag}");
            let rest = &lines[at + 1..];
            // What a tag around the path alone is followed by: the file, up to another path.
            let ends = |line: &str| {
                if tag == "path" { line.trim_start().starts_with("<path>") } else { line.contains(&close) }
            };
            let end = rest.iter().position(|line| ends(line)).unwrap_or(rest.len());
            let text = Text::new(unnumbered(rest[..end].iter().copied()));
            said.push(Said { path: Cow::Borrowed(path), lines: at + 1..at + 1 + end, text });
        }
        said.sort_by_key(|said| said.lines.start);
        said
    }
}

/// Whether a text may be a file's, and is no diff that was shown.
fn is_file(text: &Text<'_>) -> bool {
    !text.lines.iter().any(|line| line.starts_with("@@ "))
}

/// The tag that opens on a line, and the file that it names.
fn element(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let tag = line.strip_prefix('<')?;
    let end = tag.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_-".contains(letter))?;
    let (tag, rest) = tag.split_at(end);
    if tag == "path" {
        return Some((tag, rest.strip_prefix('>')?.split('<').next()?));
    }
    let attributes = rest.split('>').next()?;
    ATTRIBUTES.iter().find_map(|name| {
        let (_, value) = attributes.split_once(name)?;
        let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        Some((tag, value.get(1..)?.split(quote).next()?))
    })
}

/// The lines without their numbers, where they have ones that count up.
fn unnumbered<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let lines: Vec<&str> = lines.collect();
    let numbers: Vec<Option<(u32, &str)>> = lines.iter().map(|line| numbered(line)).collect();
    let of =
        |at: Option<usize>| at.and_then(|at| numbers.get(at).copied().flatten()).map(|(number, _)| number);
    let counts_up = |at: usize, number: u32| {
        of(at.checked_sub(1)).is_some_and(|before| before + 1 == number)
            || of(Some(at + 1)) == Some(number + 1)
    };
    let is_alone = numbers.iter().flatten().count() == 1;
    let line = |(at, line): (usize, &'t str)| match numbers[at] {
        Some((number, text)) if counts_up(at, number) || is_alone => text,
        _ => line,
    };
    lines.iter().copied().enumerate().map(line).collect()
}

/// A line's number and what follows it.
pub(super) fn numbered(line: &str) -> Option<(u32, &str)> {
    let text = line.trim_start();
    let end = text.bytes().take(8).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(end)?;
    let number = digits.parse().ok()?;
    let rest = rest.trim_start_matches(' ');
    let text = ["→", "\t", ":", "|", "-"].iter().find_map(|sign| rest.strip_prefix(sign))?;
    Some((number, text))
}

/// A line as it is compared: without white space.
pub(super) fn mark(line: &str) -> u64 {
    let mut hasher = FxHasher::default();
    // Eight bytes at a time, counted without the white space.
    let (mut word, mut length) = (0_u64, 0_u64);
    for byte in line.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        word = word << 8 | u64::from(byte);
        length += 1;
        if length.is_multiple_of(8) {
            hasher.write_u64(word);
            word = 0;
        }
    }
    hasher.write_u64(word);
    hasher.write_u64(length);
    hasher.finish()
}

/// Those of the marks that there is one of.
pub(super) fn once(marks: impl Iterator<Item = u64>) -> FxHashSet<u64> {
    let (mut once, mut again) = (FxHashSet::default(), FxHashSet::default());
    for mark in marks {
        if !once.insert(mark) {
            again.insert(mark);
        }
    }
    once.retain(|mark| !again.contains(mark));
    once
}

/// Whether a line says something: more than brackets and a word that stands in every file.
pub(super) fn says_something(line: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut words = line.split(|letter| !is_letter(letter)).filter(|word| !word.is_empty());
    match (words.next(), words.next()) {
        (None, _) => false,
        (Some(word), None) => !EMPTY.iter().any(|empty| empty.eq_ignore_ascii_case(word)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_where_they_count_up() {
        for (text, wanted) in [
            ("     1→fn a() {\n     2→}", vec!["fn a() {", "}"]),
            ("1\tfn a() {\n2\t}", vec!["fn a() {", "}"]),
            ("1: fn a() {\n2: }", vec![" fn a() {", " }"]),
            ("00001| fn a() {\n00002| }", vec![" fn a() {", " }"]),
            (" 1 | fn a() {\n 2 | }", vec![" fn a() {", " }"]),
            ("80: http\n443: https", vec!["80: http", "443: https"]),
            ("<content>\n1: a\n2: b\n</content>", vec!["<content>", " a", " b", "</content>"]),
        ] {
            assert_eq!(unnumbered(lines::split(text)), wanted, "{text}");
        }
    }

    #[test]
    fn white_space_makes_no_difference() {
        assert_eq!(mark("\tlet x = 1;"), mark("    let x=1;"));
        assert_ne!(mark("let x = 1;"), mark("let x = 2;"));
    }

    #[test]
    fn brackets_and_words_of_every_file_say_nothing() {
        for line in ["", "  }", "});", "} else {", "end", "return;", "pass"] {
            assert!(!says_something(line), "{line}");
        }
        for line in ["return x;", "x = 1", "a()", "use std::fs;", "é"] {
            assert!(says_something(line), "{line}");
        }
    }
}
