//! Text that ties the project to one machine or leaves work without an owner.

use super::{Finding, SourceFile};

/// Unfinished work is an issue, so that somebody can find it. Written in halves: this file is checked too.
const UNFINISHED: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// First folders of paths that exist on one machine only.
const MACHINE_FOLDERS: &[&str] = &["work", "home", "root"];

/// Where packages are fetched from is the user's setting, never the project's.
const REGISTRIES: &[&str] = &[
    concat!("crates", ".io"),
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("yarn", "pkg.com"),
    concat!("golang", ".org/proxy"),
    concat!("deb.", "debian.org"),
    concat!("archive.", "ubuntu.com"),
    concat!("artifact", "ory"),
    concat!("index", "-url"),
    concat!("replace", "-with"),
];

/// The one index every lock file names.
const USUAL_INDEX: &str = concat!("registry+https://github.com/rust-lang/crates", ".io-index");

/// Checks every text file.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let lines = file.text.lines().enumerate();
        findings.extend(lines.filter_map(|(number, line)| {
            let advice = advice(&line.replace(USUAL_INDEX, ""))?;
            Some(Finding::new(format!("{}:{}", file.path, number + 1), advice))
        }));
    }
    findings
}

fn advice(line: &str) -> Option<String> {
    if let Some(word) = UNFINISHED.iter().find(|word| has_unfinished(line, word)) {
        return Some(format!("`{word}` without an issue: open one and write {word}(#number)"));
    }
    if let Some(folder) = MACHINE_FOLDERS.iter().find(|folder| has_folder(line, folder)) {
        return Some(format!("a path below /{folder} exists on one machine: make it relative"));
    }
    let name = REGISTRIES.iter().find(|name| line.contains(*name))?;
    Some(format!("`{name}`: where packages come from is each user's own setting"))
}

fn has_unfinished(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let is_word = !before.ends_with(is_name) && !after.starts_with(is_name);
        let number = after.strip_prefix("(#").and_then(|rest| rest.split_once(')'));
        is_word && number.is_none_or(|(digits, _)| digits.parse::<u32>().is_err())
    })
}

fn has_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let Some(before) = line[..at].strip_suffix('/') else { return false };
        let after = &line[at + folder.len()..];
        let is_start = !before.ends_with(|c: char| is_name(c) || ".-/}~:*)".contains(c));
        is_start && !after.starts_with(|c: char| is_name(c) || c == '-' || c == '.')
    })
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_work_needs_an_issue() {
        let word = UNFINISHED[0];
        assert!(advice(&format!("// {word}: later")).is_some());
        assert!(advice(&format!("// {word}(#12): later")).is_none());
        assert!(advice("todo = \"deny\"").is_none());
    }

    #[test]
    fn machine_paths_are_found_and_relative_ones_are_not() {
        for folder in MACHINE_FOLDERS {
            assert!(advice(&format!("cd /{folder}/x")).is_some());
            assert!(advice(&format!("path = \"/{folder}\"")).is_some());
            assert!(advice(&format!("src/{folder}/x")).is_none());
            assert!(advice(&format!("https://example.com/{folder}/x")).is_none());
            assert!(advice(&format!("/{folder}space")).is_none());
        }
    }

    #[test]
    fn registries_are_named_nowhere_but_the_lock_file() {
        assert!(advice(&format!("https://{}/x", REGISTRIES[0])).is_some());
        let text = format!("source = \"{USUAL_INDEX}\"\n");
        assert_eq!(check(&[SourceFile { path: "Cargo.lock".to_owned(), text }]), []);
    }
}
