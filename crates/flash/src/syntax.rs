//! The syntax gate: whether a suggestion fits what surrounds it.
//!
//! No parser, and no knowledge of a grammar: brackets close what is open, in their order, and no string is left open that
//! ends with its line. What a line may leave open, a block or a list, may stay open. Where a line cannot be read for sure
//! (a comment, a text over several lines, a regular expression) everything fits.

use crate::buffer::window_start;
use crate::lexer::is_word;

/// How much text before the cursor is read for open brackets, in bytes.
const BEFORE: usize = 8_000;

/// What goes over several lines, by how it begins and ends.
type Spanning = &'static [(&'static str, &'static str)];

const COMMENT: Spanning = &[("/*", "*/")];
const COMMENT_OR_TEMPLATE: Spanning = &[("/*", "*/"), ("`", "`")];
const TRIPLE: Spanning = &[("\"\"\"", "\"\"\""), ("'''", "'''")];

/// What marks off texts in a language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks {
    /// What a comment to the line's end begins with.
    comments: &'static [&'static str],
    /// Whether a text may stand between single quotes; elsewhere they enclose one character, or none.
    single: bool,
    /// Whether a text in double quotes may go on over the end of its line.
    spans_lines: bool,
    /// What else goes over several lines.
    spanning: Spanning,
}

/// The marks of a language, by [`crate::language`]'s name for it; `None` where they are not known.
fn marks(language: &str) -> Option<Marks> {
    let marks =
        |comments, single, spans_lines, spanning| Some(Marks { comments, single, spans_lines, spanning });
    match language {
        "Rust" => marks(&["//"], false, true, COMMENT),
        "C" | "C++" | "Java" | "Kotlin" | "Scala" | "C#" | "Swift" | "Zig" => {
            marks(&["//"], false, false, COMMENT)
        }
        "Go" => marks(&["//"], false, false, COMMENT_OR_TEMPLATE),
        "TypeScript" | "JavaScript" => marks(&["//"], true, false, COMMENT_OR_TEMPLATE),
        "Dart" => marks(&["//"], true, false, COMMENT),
        "PHP" => marks(&["//", "#"], true, true, COMMENT),
        "Python" => marks(&["#"], true, false, TRIPLE),
        "Ruby" => marks(&["#"], true, true, &[]),
        "Lua" => marks(&["--"], true, false, &[("[[", "]]")]),
        _ => None,
    }
}

/// Whether `suggestion` fits between `prefix` and `suffix`.
pub(crate) fn fits(prefix: &str, suggestion: &str, suffix: &str, language: &str) -> bool {
    let Some(marks) = marks(language) else { return true };
    if suggestion.is_empty() {
        return true;
    }
    let rest = suffix.split('\n').next().unwrap_or_default();
    let joins = |left: &str, right: &str| left.ends_with(is_word) && right.starts_with(is_word);
    // Half a token: what is there already would go on with it.
    if joins(suggestion, rest) {
        return false;
    }
    let line = prefix.rfind('\n').map_or(0, |at| at + 1);
    if is_within(&prefix[..line], marks.spanning) {
        return true;
    }
    let before = &prefix[window_start(prefix, BEFORE)..];
    let mut reading = Reading { marks, open: Vec::new() };
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    for earlier in before[..line].lines() {
        // What cannot be read may have opened or closed anything.
        if reading.line(earlier) != Read::Whole {
            reading.open.clear();
        }
    }
    let typed = &before[line..];
    let line = [typed, suggestion, rest].concat();
    // Where the line is unclear without the suggestion, the suggestion is not to blame.
    if reading.clone().line(typed) == Read::Unclear {
        return true;
    }
    matches!(reading.line(&line), Read::Whole | Read::Unclear)
}

/// Whether a text ends within another that goes over several lines, or within such a comment.
fn is_within(text: &str, spanning: Spanning) -> bool {
    let first = |at: usize| spanning.get(at).and_then(|(open, _)| open.bytes().next());
    let Some(one) = first(0) else { return false };
    let other = first(1).unwrap_or(one);
    let mut rest = text;
    while let Some(at) = memchr::memchr2(one, other, rest.as_bytes()) {
        let from = &rest[at..];
        let Some((open, close)) = spanning.iter().find(|(open, _)| from.starts_with(open)) else {
            rest = &from[1..];
            continue;
        };
        let inner = &from[open.len()..];
        match memchr::memmem::find(inner.as_bytes(), close.as_bytes()) {
            Some(at) => rest = &inner[at + close.len()..],
            None => return true,
        }
    }
    false
}

/// What came of reading a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Every text ends and every bracket closes what it should.
    Whole,
    /// A bracket closes what is not open.
    Mismatch,
    /// A text is left open.
    Open,
    /// It holds what is not read here.
    Unclear,
}

#[derive(Debug, Clone)]
struct Reading {
    marks: Marks,
    /// The brackets that are open. Clients cut off what is far from the cursor, so others may be as well.
    open: Vec<char>,
}

impl Reading {
    fn line(&mut self, line: &str) -> Read {
        // Texts over several lines, raw texts, regular expressions and comments within a line have rules of their own.
        let unclear = ["\"\"\"", "'''", "`", "/*", "*/", "r#\"", "r\"", "<<", "= /", "(/"];
        if unclear.iter().any(|mark| line.contains(mark)) || line.trim_start().starts_with("* ") {
            return Read::Unclear;
        }
        let mut at = 0;
        while let Some(character) = line[at..].chars().next() {
            let rest = &line[at..];
            if self.marks.comments.iter().any(|mark| rest.starts_with(mark)) {
                return Read::Whole;
            }
            at += match character {
                '"' => match text(rest, '"') {
                    Some(length) => length,
                    None if self.marks.spans_lines || line.ends_with('\\') => return Read::Unclear,
                    None => return Read::Open,
                },
                '\'' if self.marks.single => match text(rest, '\'') {
                    Some(length) => length,
                    None => return Read::Open,
                },
                // One character, or a lifetime.
                '\'' => character_literal(rest).unwrap_or(1),
                '(' | '[' | '{' => {
                    self.open.push(character);
                    1
                }
                ')' | ']' | '}' => {
                    if !self.closes(character) {
                        return Read::Mismatch;
                    }
                    1
                }
                other => other.len_utf8(),
            };
        }
        Read::Whole
    }

    /// Closes a bracket; whether it may be closed.
    fn closes(&mut self, closer: char) -> bool {
        let opener = match closer {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        self.open.pop().is_none_or(|open| open == opener)
    }
}

/// The length of the text that begins here, its marks included; `None` where it does not end.
fn text(from: &str, mark: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in from.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            other if other == mark => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of a character between single quotes; `None` where there is none.
fn character_literal(from: &str) -> Option<usize> {
    let inner = from.get(1..)?;
    if inner.starts_with('\\') {
        return inner.get(2..)?.find('\'').filter(|&at| at < 10).map(|at| at + 4);
    }
    let character = inner.chars().next()?;
    inner[character.len_utf8()..].starts_with('\'').then(|| character.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fits_and_what_does_not() {
        for (language, prefix, suggestion, suffix, does) in [
            ("Rust", "fn main() {\n    let x = f(", "a, b);", "\n}", true),
            ("Rust", "fn main() {\n    let x = f(", "a, b));", "\n}", false),
            ("Rust", "fn main() {\n    let x = f(", "a, b", ");\n}", true),
            ("Rust", "fn main() {\n    let x = f(", "a, b)", ");\n}", false),
            ("Rust", "fn main() {\n    let x = f[", "0);", "\n}", false),
            ("Rust", "fn main() {\n    if x ", "{", "\n", true),
            ("Rust", "fn main() {\n    call(", "[", "\n", true),
            ("Rust", "fn main() {\n    call(\n        a,\n    ", ")?;", "\n}", true),
            ("Rust", "fn main() {\n    ", "}", "\n", true),
            ("Rust", "let c = '(';\nlet d: &'a str = ", "f();", "", true),
            ("Rust", "let c = ", "'\\u{1f}' as u8;", "", true),
            ("Rust", "fn f() { // an open (\nlet a = ", "b);", "", false),
            ("Rust", "// see ", "the note :)", "", true),
            ("Rust", "let text = \"one", " two", "\n three\";", true),
            ("Go", "x := \"one", " two", "", false),
            ("Go", "x := \"one", " two\"", "", true),
            ("Python", "x = f('", "it', \"don't\")", "", true),
            ("Python", "x = f('", "it)", "", false),
            ("Python", "\"\"\"Doc that\n", "isn't a string", "", true),
            ("Python", "\"\"\"Doc.\"\"\"\nx = ", "isn't a string", "", false),
            ("C", "/*\n", "an open ( and don't", "", true),
            ("Python", "x = {'a': [", "1, 2}", "]", false),
            ("Python", "def f(a,\n      b", "):", "", true),
            ("TypeScript", "const a = `${", "b}`;", "", true),
            ("TypeScript", "foo(() => {\n  bar();\n", "});", "", true),
            ("TypeScript", "f() {\nfoo(() => {\n  bar();\n", "}));", "", false),
            ("Java", "int na", "me", "Length = 1;", false),
            ("Java", "int na", "me", " = 1;", true),
            ("prose", "an open (", "and :) a stray )", "", true),
        ] {
            let told = fits(prefix, suggestion, suffix, language);
            assert_eq!(told, does, "{language}: {prefix:?} {suggestion:?} {suffix:?}");
        }
    }

    #[test]
    fn what_was_not_read_may_be_open() {
        let long = format!("fn f() {{\n{}", "    a(b);\n".repeat(1_000));
        assert!(fits(&long, "}", "\n", "Rust"));
        let unclear = "f(r#\"\n(\"#\n";
        assert!(fits(unclear, ");", "", "Rust"));
    }

    proptest! {
        /// Any text can be asked about.
        #[test]
        fn nothing_is_too_strange(prefix in "(?s).{0,80}", suggestion in ".{0,20}", suffix in "(?s).{0,20}") {
            for language in ["Rust", "Python", "Go", "prose"] {
                fits(&prefix, &suggestion, &suffix, language);
            }
        }
    }
}
