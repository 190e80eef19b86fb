//! Files in texts: what patches, tags, code fences, search results and commands name them by.

use std::collections::BTreeSet;

/// What a line begins with that goes on with a path: patches of Codex and of git, notes before a file's content.
const BEFORE: [&str; 14] = [
    "*** Update File: ",
    "*** Add File: ",
    "*** Delete File: ",
    "*** Move to: ",
    "+++ ",
    "--- ",
    "rename from ",
    "rename to ",
    "File: ",
    "Path: ",
    "// Path: ",
    "# Path: ",
    "<|file_sep|>",
    "<file_sep>",
];

/// The attributes of a tag that name a file.
const ATTRIBUTES: [&str; 5] = ["path=", "file=", "name=", "filename=", "title="];

/// What opens a tag that may name a file.
const TAGS: [&str; 6] = ["<file", "<document", "<attachment", "<attached", "<source", "<code"];

/// What stands between the words of a command.
const BETWEEN: &[char] = &[
    ' ', '\t', '\n', '\r', '"', '\'', '`', ';', '|', '&', '(', ')', '<', '>', '{', '}', ',', '=', '$', '\\',
];

/// Finds the files that a text shows.
pub(super) fn read(text: &str, found: &mut BTreeSet<String>) {
    for line in text.lines() {
        let line = line.trim();
        if let Some(fence) = line.strip_prefix("```").or(line.strip_prefix("~~~")) {
            label(fence, found);
        } else if let Some(after) = BEFORE.iter().find_map(|before| line.strip_prefix(before)) {
            found.insert(unprefixed(after.split('\t').next().unwrap_or(after)));
        } else if let Some(after) = line.strip_prefix("diff --git ") {
            found.extend(after.split(' ').map(unprefixed));
        } else if TAGS.iter().any(|tag| line.contains(tag)) {
            found.extend(attributes(line));
        } else {
            result(line, found);
        }
    }
}

/// Finds the files that a command may be about: every word that is no option.
pub(super) fn command(command: &str, found: &mut BTreeSet<String>) {
    for word in command.split(BETWEEN).filter(|word| !word.is_empty() && !word.starts_with('-')) {
        found.insert(word.to_owned());
        // `git show REVISION:PATH`, `scp HOST:PATH`.
        found.extend(word.split_once(':').map(|(_, path)| path.to_owned()));
    }
}

/// The path on a code fence: `rust src/main.rs`, `rust:src/main.rs`, `src/main.rs`, `rust title="src/main.rs"`.
fn label(fence: &str, found: &mut BTreeSet<String>) {
    let words = fence.split([' ', '\t', '{', '}', '(', ')', '"', '\'', '`', '=', ',']);
    for word in words.filter(|word| word.contains(['.', '/', '\\'])) {
        found.insert(word.to_owned());
        found.extend(word.split_once(':').map(|(_, path)| path.to_owned()));
    }
}

/// The file of a line that a search found: `src/main.rs:12: fn main`, `src/main.rs-12-`.
fn result(line: &str, found: &mut BTreeSet<String>) {
    for sign in [':', '-'] {
        let Some((path, after)) = line.split_once(sign) else { continue };
        let number = after.split(sign).next().unwrap_or_default();
        let is_line =
            !number.is_empty() && number.len() < 8 && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_line && after.len() > number.len() && path.len() < 1_024 && path.contains(['.', '/']) {
            found.insert(path.to_owned());
        }
    }
}

/// The values of a tag's attributes that name files.
fn attributes(line: &str) -> impl Iterator<Item = String> {
    ATTRIBUTES.iter().flat_map(move |attribute| {
        line.match_indices(attribute).filter_map(move |(at, _)| {
            let value = line.get(at + attribute.len()..)?;
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            value.get(1..)?.split(quote).next().map(str::to_owned)
        })
    })
}

/// A path of a patch, without the `a/` or `b/` that git puts before it.
fn unprefixed(path: &str) -> String {
    let path = path.trim().trim_matches('"');
    path.strip_prefix("a/").or(path.strip_prefix("b/")).unwrap_or(path).to_owned()
}
