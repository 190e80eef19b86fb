//! Sources stay short, say why they exist, and pure rooms stay off the machine.

use super::{Finding, SourceFile};

const LONGEST_FILE: usize = 700;
const LONGEST_FUNCTION: usize = 100;
const PURE: &[&str] = &["types", "protocol", "routing", "ledger"];
const MACHINE: &[&str] =
    &["std::fs", "std::net", "std::process", "std::env::", "tokio::", "axum::", "http::"];

/// Checks every Rust file, and the length of Python and TypeScript ones.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let is_source = [".rs", ".py", ".ts"].iter().any(|ending| file.path.ends_with(ending));
        let lines = file.text.lines().count();
        if is_source && lines > LONGEST_FILE {
            let advice = format!("{lines} lines, at most {LONGEST_FILE}: split it by what it is about");
            findings.push(Finding::new(&*file.path, advice));
        }
        if file.is_rust() {
            findings.extend(crate_doc(file));
        }
        if file.is_rust() && !is_for_tests(&file.path) {
            findings.extend(functions(file));
            findings.extend(purity(file));
        }
    }
    findings
}

/// Whether the file is a test module of its own, or what test modules stand on.
fn is_for_tests(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("/testing.rs")
}

fn crate_doc(file: &SourceFile) -> Option<Finding> {
    let is_root =
        file.room().is_some() && (file.path.ends_with("src/lib.rs") || file.path.ends_with("src/main.rs"));
    (is_root && !file.text.starts_with("//!"))
        .then(|| Finding::new(&*file.path, "say in `//!` why this crate exists and what it must not do"))
}

fn purity(file: &SourceFile) -> Vec<Finding> {
    if !file.room().is_some_and(|room| PURE.contains(&room)) {
        return Vec::new();
    }
    let code = shipped(&file.text).filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter_map(|(number, line)| {
        let found = MACHINE.iter().find(|name| mentions(line, name))?;
        let advice = format!("`{found}` in a room that does no IO: let the caller pass it in");
        Some(Finding::new(format!("{}:{number}", file.path), advice))
    })
    .collect()
}

/// Whether the path occurs and is not the end of a longer name.
fn mentions(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':')
    })
}

/// Long functions outside tests, told by rustfmt's indentation.
fn functions(file: &SourceFile) -> Vec<Finding> {
    if file.room().is_none() {
        return Vec::new();
    }
    let lines: Vec<(usize, &str)> = shipped(&file.text).collect();
    let mut findings = Vec::new();
    for (index, (number, line)) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let length = lines[index..].iter().position(|(_, line)| *line == end).map_or(1, |at| at + 1);
        if !is_declaration(&lines[index..]) && length > LONGEST_FUNCTION {
            let advice = format!("`{name}` has {length} lines, at most {LONGEST_FUNCTION}: name its parts");
            findings.push(Finding::new(format!("{}:{number}", file.path), advice));
        }
    }
    findings
}

/// Numbered lines before the file's test module.
fn shipped(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut lines = text.lines().enumerate().peekable();
    std::iter::from_fn(move || {
        let (number, line) = lines.next()?;
        let is_tests = line == "#[cfg(test)]"
            && lines.peek().is_some_and(|(_, next)| next.starts_with("mod ") && next.ends_with('{'));
        (!is_tests).then_some((number + 1, line))
    })
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let (before, after) = line.split_once("fn ")?;
    let is_signature = before.split_whitespace().all(|word| {
        ["const", "async", "unsafe", "extern"].contains(&word)
            || word.starts_with("pub")
            || word.starts_with("in ")
    });
    is_signature.then(|| after.split(['(', '<']).next().unwrap_or_default())
}

/// Whether it ends without a body, or with one on its own line.
fn is_declaration(lines: &[(usize, &str)]) -> bool {
    lines
        .iter()
        .find_map(|(_, line)| {
            let line = line.trim_end();
            if line.ends_with('{') { Some(false) } else { line.ends_with([';', '}']).then_some(true) }
        })
        .unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<Finding> {
        check(&[SourceFile { path: path.to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn long_functions_are_found_outside_tests() {
        let body = "    step();\n".repeat(LONGEST_FUNCTION);
        let long = format!("//! Doc.\n\npub(crate) async fn long() {{\n{body}}}\n\nfn short() {{}}\n");
        let found = findings("crates/flash/src/a.rs", &long);
        assert_eq!(found.len(), 1);
        assert!(found[0].advice.starts_with("`long` has 102 lines"), "{found:?}");
        assert_eq!(findings("crates/flash/tests/it/a.rs", &long), []);
        let in_tests = format!("#[cfg(test)]\nmod tests {{\nfn long() {{\n{body}}}\n}}\n");
        assert_eq!(findings("crates/flash/src/a.rs", &in_tests), []);
    }

    #[test]
    fn pure_rooms_stay_off_the_machine() {
        assert_eq!(findings("crates/ledger/src/a.rs", "use std::fs;\n").len(), 1);
        assert_eq!(findings("crates/ledger/src/a.rs", "/// Unlike `std::fs`.\nstruct A;\n"), []);
        assert_eq!(
            findings("crates/ledger/src/a.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n"),
            []
        );
        assert_eq!(findings("crates/store/src/a.rs", "use std::fs;\n"), []);
    }

    #[test]
    fn a_crate_says_why_it_exists() {
        assert_eq!(findings("crates/ledger/src/lib.rs", "mod a;\n").len(), 1);
        assert_eq!(findings("crates/ledger/src/lib.rs", "//! The ledger.\n"), []);
    }
}
