//! What a change is made of, as a comment on its review: GitHub's Markdown, which GitLab and others read as well.
//!
//! Names of models, routes and files come from outside. They stand in `<code>` with everything that could mean something
//! to Markdown or HTML written as a character reference, so that they are text wherever the comment is shown.

use std::collections::BTreeMap;
use std::fmt::Write;

use waymark_types::RecordId;

use super::summary::{Group, SUMMARY_SCHEMA, Summary};
use crate::Class;

/// The longest comment, in bytes; GitHub takes 65,536 characters.
pub const LONGEST: usize = 60_000;

/// How much of it may be filled when the models are told, and when the files are.
const MODELS_END: usize = 20_000;
const FILES_END: usize = 35_000;
/// What closes the comment fits in this.
const CLOSING: usize = 200;
/// The longest name, in characters; what is longer is cut.
const LONGEST_NAME: usize = 120;

impl Summary {
    /// The comment. Its first line is a mark by which whoever posted it finds it again. What does not fit is counted and
    /// left out.
    pub fn to_markdown(&self) -> String {
        let mut page = format!("<!-- {SUMMARY_SCHEMA} -->\n### Provenance\n\n");
        let counts = self.lines();
        let all = plural(counts.total(), "line");
        let (files, commits) = (self.files().len() as u64, self.commits().len() as u64);
        let _ = writeln!(page, "{all} in {} of {}.\n", plural(files, "file"), plural(commits, "commit"));
        page.push_str("| served model | route | written by | lines | records |\n|---|---|---|---:|---:|\n");
        let mut models: Vec<&Group> = self.models().iter().collect();
        models.sort_by_key(|group| std::cmp::Reverse(group.lines));
        let left = fill(&mut page, models.iter().map(|group| row(group)), MODELS_END);
        for class in [Class::Human, Class::Unknown] {
            let _ = writeln!(page, "| – | – | {} | {} | – |", by(class), counts.of(class));
        }
        if left > 0 {
            let _ = writeln!(page, "\n{} of this table left out.", plural(left, "further row"));
        }
        page.push_str(&unknown(counts.unknown, counts.total()));
        self.tell_files(&mut page);
        self.tell_records(&mut page);
        page
    }

    fn tell_files(&self, page: &mut String) {
        if self.files().len() == 0 {
            return;
        }
        let _ =
            write!(page, "\n<details><summary>{}</summary>\n\n", plural(self.files().len() as u64, "file"));
        page.push_str("| file |");
        for class in Class::ALL {
            let _ = write!(page, " {} |", by(class));
        }
        page.push_str("\n|---|---:|---:|---:|---:|\n");
        let rows = self.files().map(|(path, counts)| {
            let [ai, modified, human, unknown] = Class::ALL.map(|class| counts.of(class));
            format!("| {} | {ai} | {modified} | {human} | {unknown} |\n", code(path))
        });
        let left = fill(page, rows, FILES_END);
        close(page, left, "file");
    }

    fn tell_records(&self, page: &mut String) {
        let mut records: BTreeMap<RecordId, Option<&str>> = BTreeMap::new();
        for group in self.models() {
            for record in &group.records {
                records.entry(*record).or_insert(group.served_model.as_deref());
            }
        }
        if records.is_empty() {
            return;
        }
        let _ = write!(page, "\n<details><summary>{}</summary>\n\n", plural(records.len() as u64, "record"));
        let items = records.into_iter().map(|(record, model)| {
            let model = model.map(|model| format!(" {}", code(model))).unwrap_or_default();
            format!("- <code>{record}</code>{model}\n")
        });
        let left = fill(page, items, LONGEST - CLOSING);
        close(page, left, "record");
    }
}

fn row(group: &Group) -> String {
    let name = |name: &Option<String>| name.as_deref().map_or_else(|| "–".to_owned(), code);
    let (model, route) = (name(&group.served_model), name(&group.route));
    format!("| {model} | {route} | {} | {} | {} |\n", by(group.class), group.lines, group.records.len())
}

fn unknown(lines: u64, total: u64) -> String {
    match lines {
        0 => "\nNo line is unknown.\n".to_owned(),
        _ => format!(
            "\n**{lines} of {} {} unknown**: nothing on record says who wrote them. Unknown does not mean a person.\n",
            plural(total, "line"),
            if lines == 1 { "is" } else { "are" },
        ),
    }
}

fn by(class: Class) -> &'static str {
    match class {
        Class::Ai => "a model",
        Class::AiModified => "a model, changed since",
        Class::Human => "a person",
        Class::Unknown => "unknown",
    }
}

/// Adds what fits, and returns how many did not.
fn fill(page: &mut String, items: impl Iterator<Item = String>, end: usize) -> u64 {
    let mut left = 0;
    for item in items {
        if left > 0 || page.len() + item.len() > end {
            left += 1;
        } else {
            page.push_str(&item);
        }
    }
    left
}

fn close(page: &mut String, left: u64, what: &str) {
    if left > 0 {
        let _ = writeln!(page, "\n{} left out.", plural(left, &format!("further {what}")));
    }
    page.push_str("\n</details>\n");
}

fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A name as code, which stays what it is.
fn code(name: &str) -> String {
    let mut text = String::from("<code>");
    // A full stop is plain but for this, which would become a link.
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '/' | ' ');
    let has_link = name.to_ascii_lowercase().contains("www.");
    for c in name.chars().take(LONGEST_NAME) {
        if is_plain(c) || (c == '.' && !has_link) {
            text.push(c);
        } else if c.is_control() || is_invisible(c) {
            text.push('\u{fffd}');
        } else {
            let _ = write!(text, "&#{};", u32::from(c));
        }
    }
    if name.chars().nth(LONGEST_NAME).is_some() {
        text.push('…');
    }
    text.push_str("</code>");
    text
}

/// Characters that show nothing, or turn round what does.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::attributed::samples::id;
    use crate::formats::summary::LineClass;

    fn line(class: Class, model: Option<&str>, record: Option<RecordId>) -> LineClass {
        let route = model.map(|_| "auto".to_owned());
        LineClass { class, served_model: model.map(str::to_owned), route, record }
    }

    #[test]
    fn our_comment_on_a_change() {
        let mut summary = Summary::new();
        summary.add_commit("4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        summary.add_lines("src/a.rs", &line(Class::Ai, Some("small-1"), Some(id(2))), 4);
        summary.add_lines("src/a.rs", &line(Class::Ai, Some("gpt|5.2_`x`"), Some(id(1))), 80);
        summary.add_lines("src/a.rs", &line(Class::AiModified, Some("gpt|5.2_`x`"), Some(id(1))), 3);
        summary.add_lines("src/<b>.rs", &line(Class::Ai, None, None), 1);
        summary.add_lines("src/<b>.rs", &line(Class::Human, None, None), 10);
        summary.add_lines("src/<b>.rs", &line(Class::Unknown, None, None), 25);
        assert_eq!(summary.to_markdown(), include_str!("comment.md"));
    }

    #[test]
    fn nothing_is_told_as_nothing() {
        let page = Summary::new().to_markdown();
        assert!(page.contains("0 lines in 0 files of 0 commits."), "{page}");
        assert!(page.contains("No line is unknown.") && !page.contains("<details>"), "{page}");
    }

    #[test]
    fn names_stay_text() {
        assert_eq!(code("claude-opus-4.8/x y"), "<code>claude-opus-4.8/x y</code>");
        assert_eq!(code("a|b`<i>&\\"), "<code>a&#124;b&#96;&#60;i&#62;&#38;&#92;</code>");
        assert_eq!(
            code("@team #1 :x: *_~["),
            "<code>&#64;team &#35;1 &#58;x&#58; &#42;&#95;&#126;&#91;</code>"
        );
        assert_eq!(code("WWW.a.b"), "<code>WWW&#46;a&#46;b</code>");
        assert_eq!(code("a\n\r\t\u{202e}b"), "<code>a\u{fffd}\u{fffd}\u{fffd}\u{fffd}b</code>");
        assert_eq!(code(&"ü".repeat(121)), format!("<code>{}…</code>", "ü".repeat(120)));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut summary = Summary::new();
        for n in 0..2_000_u32 {
            let bytes = [&[0; 6][..], &n.to_be_bytes()].concat().try_into().unwrap();
            let record = RecordId::new(waymark_types::Timestamp::from_micros(0), bytes);
            let model = format!("{n}{}", "|".repeat(200));
            summary.add(&format!("{n}{}", "<".repeat(200)), &line(Class::Ai, Some(&model), Some(record)));
        }
        let page = summary.to_markdown();
        assert!(page.len() <= LONGEST, "{}", page.len());
        assert_eq!(page.matches("left out.").count(), 3);
        assert_eq!(page.matches("</details>").count(), 2);
    }

    proptest! {
        #[test]
        fn no_name_breaks_the_table(name in "\\PC{0,20}|[|`<>&\\\\\n\r*_#@:w.]{0,20}") {
            let mut summary = Summary::new();
            summary.add(&name, &line(Class::Ai, Some(&name), None));
            let page = summary.to_markdown();
            for row in page.lines().filter(|line| line.starts_with('|')) {
                prop_assert_eq!(row.matches('|').count(), 6, "{}", row);
            }
            let shown = page.matches("<code>").count();
            prop_assert_eq!((shown, page.matches('`').count()), (3, 0));
            prop_assert_eq!(page.matches('<').count(), 2 * shown + 5);
        }
    }
}
