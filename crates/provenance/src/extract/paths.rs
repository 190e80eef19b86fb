//! Paths in texts: what looks like one, where a text names the file of the code that follows, and which two are one file.

use crate::fingerprint::is_absolute;

/// Longer ones are none.
const LONGEST: usize = 512;

/// Files that have no ending.
const BARE: [&str; 26] = [
    "Makefile",
    "Dockerfile",
    "Containerfile",
    "Jenkinsfile",
    "Vagrantfile",
    "Procfile",
    "Gemfile",
    "Rakefile",
    "Podfile",
    "Brewfile",
    "Justfile",
    "Caddyfile",
    "Pipfile",
    "Fastfile",
    "LICENSE",
    "LICENCE",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "UNLICENSE",
    "COPYING",
    "README",
    "AUTHORS",
    "CONTRIBUTORS",
    "MAINTAINERS",
    "CODEOWNERS",
    "WORKSPACE",
];

/// What is called like a file and is none.
const NAMES: [&str; 12] = [
    "node.js",
    "vue.js",
    "next.js",
    "nuxt.js",
    "react.js",
    "express.js",
    "three.js",
    "d3.js",
    "ember.js",
    "vb.net",
    "asp.net",
    "socket.io",
];

/// Ends of a host's name, not of a file's.
const HOSTS: [&str; 4] = ["com", "org", "net", "io"];

/// What a line says before a path.
const LABELS: [&str; 9] =
    ["File path:", "Filepath:", "Filename:", "File name:", "File:", "Path:", "Create", "Update", "In"];

/// Before a comment, and behind it.
const COMMENTS: [(&str, &str); 8] = [
    ("//", ""),
    ("#", ""),
    ("<!--", "-->"),
    ("/*", "*/"),
    ("--", ""),
    (";", ""),
    ("%", ""),
    ("\"\"\"", "\"\"\""),
];

/// Whether a word looks like the path of a file.
pub(super) fn seems(word: &str) -> bool {
    if word.is_empty() || word.len() > LONGEST || word.contains("://") {
        return false;
    }
    if word
        .chars()
        .any(|letter| letter.is_whitespace() || letter.is_control() || "<>|*?\"'`,;=".contains(letter))
    {
        return false;
    }
    let name = name(word);
    if name.is_empty() {
        return false;
    }
    let is_bare =
        BARE.contains(&name) || (name.len() > 1 && name.starts_with('.') && !name.starts_with(".."));
    if is_bare {
        return true;
    }
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let is_ending = (1..=12).contains(&ending.len())
        && ending.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && ending.bytes().any(|byte| byte.is_ascii_alphabetic());
    let has_folder = name.len() < word.len();
    let is_other =
        !has_folder && (HOSTS.contains(&ending) || NAMES.iter().any(|name| name.eq_ignore_ascii_case(word)));
    is_ending && !stem.is_empty() && !stem.contains(['(', ')', ':']) && !is_other
}

/// The path on a line that says nothing else: `src/a.rs`, `**src/a.rs**`, `### src/a.rs:`, `File: src/a.rs`.
pub(super) fn alone(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = line.trim_start_matches('#').trim_start();
    let line = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let mut rest = line
        .strip_prefix(". ")
        .or(line.strip_prefix("- "))
        .or(line.strip_prefix("* "))
        .unwrap_or(line)
        .trim();
    for _ in 0..4 {
        rest = rest.trim_end_matches(':').trim();
        rest = without_note(rest);
        if let Some(after) = LABELS.iter().find_map(|label| labelled(rest, label)) {
            rest = after;
        }
        rest = unwrapped(rest);
    }
    seems(rest).then_some(rest)
}

/// The only path that a line says something of: ``This is `src/a.rs`:``.
pub(super) fn only(line: &str) -> Option<&str> {
    let has_code = line.contains('`');
    let words = line.split([' ', '\t', '`', '"', '\'', '*', '(', ')', ',']);
    let words = words.map(|word| word.trim_end_matches([':', '.']));
    let mut paths = words.filter(|word| (has_code || word.contains('/')) && seems(word));
    let path = paths.next()?;
    paths.next().is_none().then_some(path)
}

/// A line without what it says in brackets at its end, `(new)`, or around a link's text, `[a.rs](src/a.rs)`.
fn without_note(line: &str) -> &str {
    let Some(open) = line.strip_suffix(')').and_then(|line| line.rfind('(')) else { return line };
    let (before, inner) = (&line[..open], &line[open + 1..line.len() - 1]);
    if before.starts_with('[') && before.ends_with(']') {
        return inner;
    }
    before.strip_suffix(' ').unwrap_or(line)
}

fn labelled<'l>(line: &'l str, label: &str) -> Option<&'l str> {
    let (before, after) = line.split_at_checked(label.len())?;
    let is_said = before.eq_ignore_ascii_case(label) && (label.ends_with(':') || after.starts_with(' '));
    is_said.then(|| after.trim_start())
}

/// A text without the signs around it that set it off.
fn unwrapped(text: &str) -> &str {
    for sign in ["**", "__", "`", "\"", "'", "*"] {
        if let Some(inner) = text.strip_prefix(sign).and_then(|rest| rest.strip_suffix(sign)) {
            return inner.trim();
        }
    }
    text
}

/// Whether a line is a comment from its first letter on.
pub(super) fn is_comment(line: &str) -> bool {
    COMMENTS.iter().any(|(opener, _)| line.starts_with(opener))
}

/// The path in a comment that says nothing else, and whether it is only there to say it: `// filepath: src/a.rs`.
pub(super) fn in_comment(line: &str) -> Option<(&str, bool)> {
    let line = line.trim();
    let said =
        COMMENTS.iter().find_map(|(opener, closer)| line.strip_prefix(opener)?.strip_suffix(closer))?.trim();
    let path = LABELS.iter().filter(|label| label.ends_with(':')).find_map(|label| labelled(said, label));
    match path {
        Some(path) => seems(unwrapped(path)).then(|| (unwrapped(path), true)),
        None => (seems(said) && said.contains(['/', '.'])).then_some((said, false)),
    }
}

/// A path from a folder, as far as either is known.
pub(super) fn join(folder: Option<&str>, path: &str) -> String {
    match folder.map(|folder| folder.trim_end_matches('/')) {
        Some(folder) if !is_absolute(path) && folder != "." => {
            format!("{folder}/{}", path.strip_prefix("./").unwrap_or(path))
        }
        _ => path.to_owned(),
    }
}

/// The name of the file that a path ends with.
pub(super) fn name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Whether two paths may name one file: one of them may be from the root and the other from some folder.
pub(super) fn are_same(one: &str, other: &str) -> bool {
    let mut one = parts_from_the_end(one);
    let mut other = parts_from_the_end(other);
    let mut is_named = false;
    loop {
        match (one.next(), other.next()) {
            (Some(one), Some(other)) if one == other => is_named = true,
            (Some(_), Some(_)) => return false,
            (None, _) | (_, None) => return is_named,
        }
    }
}

fn parts_from_the_end(path: &str) -> impl Iterator<Item = &str> {
    let path = path.trim();
    let path = path.strip_prefix("file://").unwrap_or(path);
    path.rsplit(['/', '\\']).filter(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_look_like_paths() {
        for path in [
            "a.rs",
            "src/a.rs",
            "/project/src/a.rs",
            r"C:\project\a.cs",
            "app/[id]/page.tsx",
            "app/(shop)/page.tsx",
            "Makefile",
            "docker/Dockerfile",
            ".gitignore",
            ".github/workflows/ci.yml",
            "src/node.js",
        ] {
            assert!(seems(path), "{path}");
        }
        for word in [
            "",
            "rust",
            "and/or",
            "1.5",
            "v1.2",
            "Node.js",
            "example.com",
            "https://example.com/a.rs",
            "e.g.",
            "..",
            "a b.rs",
            "self.items()",
            "foo(a.b",
            "std::io",
            "x=a.rs",
        ] {
            assert!(!seems(word), "{word}");
        }
    }

    #[test]
    fn a_line_may_be_nothing_but_a_path() {
        for line in [
            "src/a.rs",
            "`src/a.rs`",
            "`src/a.rs`:",
            "**src/a.rs**",
            "**`src/a.rs`**:",
            "### `src/a.rs`",
            "File: src/a.rs",
            "**File: `src/a.rs`**",
            "1. `src/a.rs`",
            "- src/a.rs:",
            "Create `src/a.rs`:",
            "# Filename: src/a.rs",
            "**`src/a.rs`** (new file):",
            "[a.rs](src/a.rs)",
        ] {
            assert_eq!(alone(line), Some("src/a.rs"), "{line}");
        }
        for line in
            ["Here is src/a.rs:", "and/or", "", "Node.js", "This goes in `src/a.rs`, I think:", "a.rs b.rs"]
        {
            assert_eq!(alone(line), None, "{line}");
        }
    }

    #[test]
    fn a_comment_may_say_a_path() {
        for (line, wanted) in [
            ("// src/a.rs", Some(("src/a.rs", false))),
            ("# a.py", Some(("a.py", false))),
            ("<!-- index.html -->", Some(("index.html", false))),
            ("/* css/a.css */", Some(("css/a.css", false))),
            ("// filepath: /project/src/a.rs", Some(("/project/src/a.rs", true))),
            ("# File: a.py", Some(("a.py", true))),
            ("// see src/a.rs", None),
            ("#include <a.h>", None),
            ("# Heading", None),
            ("#!/bin/sh", None),
            ("src/a.rs", None),
        ] {
            assert_eq!(in_comment(line), wanted, "{line}");
        }
    }

    #[test]
    fn one_file_has_many_paths() {
        for (one, other) in [
            ("src/a.rs", "/project/src/a.rs"),
            ("./src/a.rs", "src/a.rs"),
            (r"src\a.rs", "src/a.rs"),
            ("file:///project/a.rs", "/project/a.rs"),
        ] {
            assert!(are_same(one, other) && are_same(other, one), "{one} {other}");
        }
        for (one, other) in
            [("src/a.rs", "lib/a.rs"), ("a.rs", "ba.rs"), ("", "a.rs"), ("/x/src/a.rs", "/y/src/a.rs")]
        {
            assert!(!are_same(one, other), "{one} {other}");
        }
        assert_eq!(join(Some("/project/"), "./src/a.rs"), "/project/src/a.rs");
        assert_eq!(join(Some("web"), "/etc/hosts"), "/etc/hosts");
        assert_eq!(join(None, "a.rs"), "a.rs");
    }
}
