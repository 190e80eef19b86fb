//! Code in text: diffs, patches, blocks to search and replace, fences.

use std::fmt::Write as _;

use super::turn::{Quote, Turn, joined};
use crate::human::{comment, ending};

/// Codex's patch format.
pub(super) fn patch(turn: &Turn) -> String {
    let mut patch = "*** Begin Patch\n".to_owned();
    if turn.is_new() {
        // A string takes everything.
        let _ = writeln!(patch, "*** Add File: {}", turn.path);
        patch.extend(turn.after().iter().map(|line| format!("+{line}\n")));
    } else {
        let _ = writeln!(patch, "*** Update File: {}", turn.path);
        for stretch in turn.stretches(3) {
            patch.push_str("@@\n");
            patch.extend(stretch.lines.iter().map(|(sign, line)| format!("{sign}{line}\n")));
        }
    }
    patch + "*** End Patch\n"
}

/// A unified diff.
pub(super) fn diff(turn: &Turn) -> String {
    let old = if turn.is_new() { "/dev/null".to_owned() } else { format!("a/{}", turn.path) };
    let mut diff = format!("--- {old}\n+++ b/{}\n", turn.path);
    for stretch in turn.stretches(3) {
        let range = |range: &std::ops::Range<usize>| match range.len() {
            0 => format!("{},0", range.start),
            length => format!("{},{length}", range.start + 1),
        };
        let _ = writeln!(diff, "@@ -{} +{} @@", range(&stretch.old), range(&stretch.new));
        diff.extend(stretch.lines.iter().map(|(sign, line)| format!("{sign}{line}\n")));
    }
    diff
}

/// aider's block, or Cline's, by the words around the two halves.
pub(super) fn search_replace([search, between, replace]: [&str; 3], quote: &Quote) -> String {
    format!("{search}\n{}{between}\n{}{replace}\n", joined(&quote.old), joined(&quote.new))
}

/// What an assistant puts between stretches of code that it does not repeat.
pub(super) fn elided(turn: &Turn) -> String {
    let mark = format!("{} ... existing code ...", comment(&turn.path));
    let pieces = (0..turn.pieces.len()).map(|number| turn.around(number, 2).join("\n"));
    format!("{mark}\n\n{}\n\n{mark}\n", pieces.collect::<Vec<_>>().join(&format!("\n\n{mark}\n\n")))
}

/// A fenced block.
pub(super) fn fence(info: &str, text: &str) -> String {
    let marks = if text.contains("```") { "````" } else { "```" };
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{marks}{info}\n{text}{end}{marks}\n")
}

/// The language's name in a fence.
pub(super) fn language(path: &str) -> &str {
    match ending(path) {
        "rs" => "rust",
        "py" => "python",
        "js" | "mjs" | "cjs" => "javascript",
        "ts" => "typescript",
        "md" => "markdown",
        "h" => "c",
        "sh" => "bash",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::turn::tests::{created, edited};
    use super::*;

    #[test]
    fn a_new_file_is_all_added() {
        let turn = created();
        assert!(patch(&turn).starts_with("*** Begin Patch\n*** Add File: src/shelf.rs\n+use std::fmt;\n+\n"));
        assert!(
            diff(&turn).starts_with("--- /dev/null\n+++ b/src/shelf.rs\n@@ -0,0 +1,14 @@\n+use std"),
            "{}",
            diff(&turn)
        );
    }

    #[test]
    fn an_edit_is_between_lines_that_were_there() {
        let turn = edited();
        assert!(patch(&turn).contains("@@\n fn first() {\n     one();\n }\n+\n+fn middle() -> usize {\n"));
        assert!(diff(&turn).contains("@@ -3,6 +3,11 @@\n fn first"), "{}", diff(&turn));
        let quote = &turn.quotes().unwrap()[0];
        let block = search_replace(["<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"], quote);
        assert!(block.starts_with("<<<<<<< SEARCH\n") && block.ends_with(">>>>>>> REPLACE\n"));
        assert!(fence("md", "```\n").starts_with("````md\n"));
    }
}
