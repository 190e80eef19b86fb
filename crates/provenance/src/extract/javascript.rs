//! Scripts that call tools: the JavaScript that Codex has its newer models write for a tool of its own, `exec`.
//!
//! ```text
//! const ran = await tools.exec_command({cmd: "cat > a.txt <<'EOF'\n…", workdir: "/project"});
//! const changed = await tools.apply_patch(`*** Begin Patch
//! …`);
//! ```
//!
//! Nothing in it is run. What a script hands to tools stands in it as strings, in the call or further up: those that are a
//! patch or a shell's script are read as such. What it puts together by other means is not known.

use super::piece::Piece;
use super::{patch, shell};

/// The brace that closes a letter's number stands within so many bytes: the number has six digits at most, and may have
/// zeros before them.
const BRACE_WITHIN: usize = 16;

/// A string of a script.
#[derive(Debug, PartialEq)]
pub(super) struct Literal<'s> {
    /// The name that it is a value of.
    name: &'s str,
    /// What it stands for.
    pub(super) text: String,
}

/// Whether a text is such a script.
pub(super) fn is_it(text: &str) -> bool {
    !text.trim_start().starts_with(['*', '{', '[', '"', '<']) && text.contains("tools.")
}

/// What the script has its tools put into files, in order. Paths are from the folder that is called by one of these names.
pub(super) fn read(script: &str, folders: &[&str]) -> Vec<Piece> {
    let literals = literals(script);
    let mut named =
        literals.iter().filter(|literal| folders.contains(&literal.name)).map(|literal| &literal.text);
    // Of several, nobody says here which is whose.
    let folder = named.next().filter(|first| named.all(|other| other == *first)).map(String::as_str);
    let mut pieces = Vec::new();
    let mut rest = literals.iter().map(|literal| literal.text.as_str());
    while let Some(text) = rest.next() {
        if text.trim_start().starts_with(patch::BEGIN) {
            let whole = joined(text, &mut rest);
            pieces.extend(patch::read(&whole, None).into_iter().map(Piece::Laid));
        } else if shell::may_write(text) {
            pieces.extend(shell::read(text, folder));
        }
    }
    pieces
}

/// A patch that may be put together from several strings, each of them some of its lines.
fn joined<'l>(first: &'l str, rest: &mut impl Iterator<Item = &'l str>) -> String {
    let mut whole = first.to_owned();
    let mut last = first;
    while !last.contains(patch::END) {
        let Some(more) = rest.next() else { break };
        if !last.ends_with('\n') {
            whole.push('\n');
        }
        whole.push_str(more);
        last = more;
    }
    whole
}

/// Every string of a script, in order.
pub(super) fn literals(script: &str) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(more) = script[at..].find(['"', '\'', '`', '/']) {
        let start = at + more;
        let rest = &script[start + 1..];
        let (before, sign) = (&script[..start], script.as_bytes()[start]);
        at = start + 1;
        if sign == b'/' {
            at += comment(rest);
            continue;
        }
        let is_raw = sign == b'`' && before.ends_with("String.raw");
        let (text, length) = string(rest, char::from(sign), is_raw);
        at += length;
        found.push(Literal { name: name(before), text });
    }
    found
}

/// How much of a comment, if it is one, follows its first sign.
fn comment(rest: &str) -> usize {
    let until = |end: &str| rest.find(end).map_or(rest.len(), |at| at + end.len());
    match rest.as_bytes().first() {
        Some(b'/') => until("\n"),
        Some(b'*') => until("*/"),
        _ => 0,
    }
}

/// The name before a colon that what follows is a value of.
fn name(before: &str) -> &str {
    let Some(name) = before.trim_end().strip_suffix(':') else { return "" };
    let name = name.trim_end().trim_end_matches(['"', '\'']);
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    name.rsplit(|letter| !is_letter(letter)).next().unwrap_or_default()
}

/// The string up to its closing quote, and how much of the script it takes. One in plain quotes ends with its line.
fn string(rest: &str, quote: char, is_raw: bool) -> (String, usize) {
    let is_template = quote == '`';
    let (mut text, mut at) = (String::new(), 0);
    while let Some(letter) = rest[at..].chars().next() {
        let after = at + letter.len_utf8();
        at = match letter {
            _ if letter == quote => return (text, after),
            '\n' if !is_template => return (text, at),
            // It stays, and keeps even a quote from ending the string.
            '\\' if is_raw => {
                let kept = rest[after..].chars().next();
                text.extend(std::iter::once(letter).chain(kept));
                after + kept.map_or(0, char::len_utf8)
            }
            '\\' => after + escaped(&rest[after..], &mut text),
            '$' if is_template && rest[after..].starts_with('{') => {
                let value = value(&rest[at..]);
                text.push_str(value);
                at + value.len()
            }
            _ => {
                text.push(letter);
                after
            }
        };
    }
    (text, at)
}

/// What a template has in place of a value: `${…}`, as it stands there.
fn value(rest: &str) -> &str {
    let mut open = 0_usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' if open == 1 => return &rest[..=at],
            b'}' => open -= 1,
            _ => {}
        }
    }
    rest
}

/// Adds what stands after a backslash, and says how much of it there is.
fn escaped(rest: &str, text: &mut String) -> usize {
    let Some(letter) = rest.chars().next() else { return 0 };
    match letter {
        'n' => text.push('\n'),
        't' => text.push('\t'),
        'r' => text.push('\r'),
        'b' => text.push('\u{8}'),
        'f' => text.push('\u{c}'),
        'v' => text.push('\u{b}'),
        '0' => text.push('\0'),
        // The string goes on, on the next line.
        '\n' => {}
        'x' | 'u' => return number(rest, text),
        other => text.push(other),
    }
    letter.len_utf8()
}

/// A letter by its number: `x41`, `u0041`, `u{41}`, and two for one outside of the first plane.
fn number(rest: &str, text: &mut String) -> usize {
    let digits = |digits: &str| u32::from_str_radix(digits, 16).ok();
    if let Some(number) = rest.strip_prefix("u{").and_then(braced) {
        text.extend(digits(number).and_then(char::from_u32));
        return number.len() + "u{}".len();
    }
    let length = if rest.starts_with('x') { 3 } else { 5 };
    let unit = |rest: &str| digits(rest.get(1..length)?);
    let Some(first) = unit(rest) else { return 1 };
    let second = rest.get(length..).and_then(|rest| unit(rest.strip_prefix('\\')?));
    let pair = second.filter(|second| (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(second));
    match pair {
        Some(second) => {
            text.extend(char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)));
            2 * length + 1
        }
        None => {
            text.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
            length
        }
    }
}

/// What stands before the brace that closes a letter's number.
fn braced(rest: &str) -> Option<&str> {
    let end = rest.bytes().take(BRACE_WITHIN).position(|byte| byte == b'}')?;
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(script: &str) -> Vec<String> {
        literals(script).into_iter().map(|literal| literal.text).collect()
    }

    #[test]
    fn strings_are_read_as_javascript_reads_them() {
        for (script, wanted) in [
            (r#"a("x\ty", 'it\'s', `\`q\``)"#, vec!["x\ty", "it's", "`q`"]),
            ("`a\n${b ? {c: `d`} : 1}e`", vec!["a\n${b ? {c: `d`} : 1}e"]),
            (r"String.raw`a\n\`b`", vec![r"a\n\`b"]),
            (r#""\x41\u0042\u{43}\ud83d\ude00\q""#, vec!["ABC\u{1f600}q"]),
            ("\"a\\\nb\"", vec!["ab"]),
            ("// don't\n/* \"x\" */ 1 / 2 + 'y'", vec!["y"]),
            ("'ends with its line\n'x'", vec!["ends with its line", "x"]),
            ("`ends with the script", vec!["ends with the script"]),
            (r#""\ud83d" + "\u12""#, vec!["\u{fffd}", "12"]),
        ] {
            assert_eq!(texts(script), wanted, "{script}");
        }
    }

    #[test]
    fn a_letters_number_is_closed_by_a_brace_near_by() {
        let open = "\\u{".repeat(200_000);
        assert_eq!(texts(&format!("\"{open}\"")), ["{".repeat(200_000)]);
        for (script, wanted) in [
            (r#""\u{000000000000041}}""#, "A}"),
            (r#""\u{10ffff}""#, "\u{10ffff}"),
            (r#""\u{0000000000000041}""#, "{0000000000000041}"),
            (r#""\u{41" + "its brace: }""#, "{41"),
            (r#""\u{}x""#, "x"),
        ] {
            assert_eq!(texts(script)[0], wanted, "{script}");
        }
    }

    #[test]
    fn a_string_has_the_name_it_is_a_value_of() {
        let found = literals("f({cmd: 'a', \"workdir\" : `b`}, 'c')");
        let names: Vec<&str> = found.iter().map(|literal| literal.name).collect();
        assert_eq!(names, ["cmd", "", "workdir", ""]);
    }

    proptest! {
        #[test]
        fn strings_of_json_are_read_as_json(text in "(\\PC|\n|\t|\"|\\\\|\u{1f600})*") {
            let script = format!("f({})", serde_json::to_string(&text).unwrap_or_default());
            prop_assert_eq!(texts(&script), [text]);
        }

        #[test]
        fn anything_can_be_read(script in "(tools\\.|\"|'|`|/|\\*|\\\\|\\$\\{|\\}|x|u|d83d|\\{|:|\n|é|\\*\\*\\* Begin Patch\n|<<E|.)*") {
            literals(&script);
            read(&script, &["workdir"]);
        }
    }
}
