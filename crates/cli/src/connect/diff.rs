//! A unified diff for people, without the secrets that may stand in a settings file.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use crate::terminal::{BOLD, DIM, GREEN, RED};

/// Parts of names whose values are not for a terminal.
const SECRET: [&str; 6] = ["key", "token", "secret", "password", "authorization", "credential"];

/// Prints what would change in a file; nothing for equal texts.
pub(crate) fn print(
    name: &str,
    before: Option<&str>,
    after: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (old, new) = (before.unwrap_or_default(), after.unwrap_or_default());
    if before == after {
        return Ok(());
    }
    let label = |there: bool| if there { name } else { "/dev/null" };
    writeln!(out, "{BOLD}--- {}{BOLD:#}", label(before.is_some()))?;
    writeln!(out, "{BOLD}+++ {}{BOLD:#}", label(after.is_some()))?;
    for hunk in TextDiff::from_lines(old, new).unified_diff().context_radius(3).iter_hunks() {
        writeln!(out, "{DIM}{}{DIM:#}", hunk.header())?;
        for change in hunk.iter_changes() {
            let line = veiled(change.value().trim_end_matches(['\r', '\n']));
            match change.tag() {
                ChangeTag::Equal => writeln!(out, " {line}")?,
                ChangeTag::Delete => writeln!(out, "{RED}-{line}{RED:#}")?,
                ChangeTag::Insert => writeln!(out, "{GREEN}+{line}{GREEN:#}")?,
            }
            if change.missing_newline() {
                writeln!(out, "{DIM}\\ No newline at end of file{DIM:#}")?;
            }
        }
    }
    Ok(())
}

/// The line with the values of secrets' names hidden, and nothing a terminal would obey.
fn veiled(line: &str) -> String {
    let printable = |c: char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
    let line: String = line.chars().map(printable).collect();
    let mut out = String::new();
    let mut rest = line.as_str();
    while let Some(at) = rest.find([':', '=']) {
        let (name, after) = rest.split_at(at + 1);
        out.push_str(name);
        rest = after;
        let word = name
            .trim_end_matches([':', '=', ' ', '"', '\''])
            .rsplit([' ', '"', '\'', ',', '{', '?', '&'])
            .next();
        let word = word.unwrap_or_default().to_ascii_lowercase();
        let (value, after) = value(rest);
        if SECRET.iter().any(|secret| word.contains(secret)) && !is_harmless(value) {
            out.push_str(" …");
            rest = after;
        }
    }
    out + rest
}

/// What a line begins with up to the end of its value, and what follows.
fn value(text: &str) -> (&str, &str) {
    let start = text.len() - text.trim_start().len();
    let bare = text.get(start..).unwrap_or_default();
    let length = match bare.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            bare.get(1..).and_then(|rest| rest.find(quote)).map_or(bare.len(), |at| at + 2)
        }
        _ => bare.find([',', '}']).unwrap_or(bare.len()),
    };
    text.split_at(start + length)
}

/// A number is a limit, as in `max_tokens`; a bracket opens what has names of its own; `waymark` is our own.
fn is_harmless(value: &str) -> bool {
    let bare = value.trim().trim_matches(['"', '\'']);
    bare == "waymark" || bare.parse::<f64>().is_ok() || bare.is_empty() || bare.starts_with(['{', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(before: Option<&str>, after: Option<&str>) -> String {
        let mut out = Vec::new();
        print("f", before, after, &mut anstream::StripStream::new(&mut out)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_diff_reads_as_usual() {
        assert_eq!(printed(Some("a\nb\n"), Some("a\nc\n")), "--- f\n+++ f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
        assert!(printed(None, Some("a")).starts_with("--- /dev/null\n+++ f\n"));
        assert_eq!(printed(Some("a"), Some("a")), "");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(veiled("  \"ANTHROPIC_AUTH_TOKEN\": \"sk-1\","), "  \"ANTHROPIC_AUTH_TOKEN\": …,");
        assert_eq!(veiled("openai-api-key: sk-1"), "openai-api-key: …");
        assert_eq!(veiled("export X_KEY=sk-1"), "export X_KEY= …");
        assert_eq!(veiled("  \"max_tokens\": 128000,"), "  \"max_tokens\": 128000,");
        assert_eq!(veiled("  \"apiKey\": \"waymark\""), "  \"apiKey\": \"waymark\"");
        assert_eq!(
            veiled("{\"env\":{\"X_KEY\":\"sk\",\"Y\":\"1\"}}"),
            "{\"env\":{\"X_KEY\": …,\"Y\":\"1\"}}"
        );
        assert_eq!(veiled("Authorization: Bearer sk"), "Authorization: …");
        assert_eq!(veiled("\"url\": \"https://x/?key=sk\""), "\"url\": \"https://x/?key= …");
        assert_eq!(veiled("  \"theme\": \"x\""), "  \"theme\": \"x\"");
        assert_eq!(veiled("a\u{1b}[31m"), "a\u{fffd}[31m");
    }
}
