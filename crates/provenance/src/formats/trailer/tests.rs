use std::io::Write;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::formats::attributed::samples::id;

fn trailer(n: u8) -> String {
    format!("Assisted-by: Waymark:{}\n", id(n))
}

#[test]
fn it_goes_after_the_trailers_there_are() {
    let (one, two) = (trailer(1), trailer(2));
    let added = |message: &str| add(message, "#", &[id(1), id(2), id(1)]);
    assert_eq!(added("subject"), format!("subject\n\n{one}{two}"));
    assert_eq!(added("subject\n\nbody\n"), format!("subject\n\nbody\n\n{one}{two}"));
    assert_eq!(
        added("subject\n\nFixes: #1\n  again\n"),
        format!("subject\n\nFixes: #1\n  again\n{one}{two}")
    );
    let commented = "subject\n\nSigned-off-by: A <a@b>\n\n# Please enter the message\n#\n";
    let expected = format!("subject\n\nSigned-off-by: A <a@b>\n{one}{two}\n# Please enter the message\n#\n");
    assert_eq!(added(commented), expected);
    let spaced = "subject\n\nKey: value\n  \n";
    assert_eq!(added(spaced), format!("subject\n\nKey: value\n{one}{two}  \n"));
    let cut = "subject\n# ------------------------ >8 ------------------------\ndiff --git a/x b/x\n+Signed-off-by: x\n";
    let (before, after) = cut.split_at(8);
    assert_eq!(added(cut), format!("{before}\n{one}{two}{after}"));
}

#[test]
fn a_record_is_named_once() {
    let once = add("subject\n", "#", &[id(1)]);
    assert_eq!(add(&once, "#", &[id(1)]), once);
    assert_eq!(records(&add(&once, "#", &[id(2), id(1)])), [id(1), id(2)]);
    let untouched = "subject\n\nassisted-by : WAYMARK:01a20922-b801-7101-8101-010101010101";
    assert_eq!(add(untouched, "#", &[id(1)]), untouched);
}

#[test]
fn a_message_without_text_stays_so() {
    for empty in [
        "",
        "\n\n",
        "# comment\n",
        "\n# comment\n# ------------------------ >8 ------------------------\nx\n",
    ] {
        assert_eq!(add(empty, "#", &[id(1)]), empty);
    }
}

#[test]
fn comments_begin_with_what_they_are_set_to_begin_with() {
    let message = "subject\n\n# a heading\n; comment\n";
    let expected = format!("subject\n\n# a heading\n\n{}; comment\n", trailer(1));
    assert_eq!(add(message, ";", &[id(1)]), expected);
    assert_eq!(add("subject\n", "", &[id(1)]), format!("subject\n\n{}", trailer(1)));
}

#[test]
fn ids_are_read_from_trailers_only() {
    let (one, two, three) = (id(1), id(2), id(3));
    assert_eq!(
        records(&format!("subject\n\nAssisted-by: Waymark:{one} {two}\n waymark:{three}\n")),
        [one, two, three]
    );
    assert_eq!(records(&format!("Assisted-by: Waymark:{one}\n")), []);
    assert_eq!(records(&format!("subject\n\nAssisted-by: Waymark:{one}\n\nbody\n")), []);
    assert_eq!(records(&format!("subject\n\nAssisted-by: Other:{one} {two}\n")), []);
    assert_eq!(records(&format!("subject\n\nAssisted-by: Waymark:x sparse\n Other: Waymark:{one}\n")), [one]);
    assert_eq!(records(&format!("subject\n\nAssisted-by: Waymark:\nKey: value\n Waymark:{one}\n")), []);
    assert_eq!(
        records(&format!("s\n\nSigned-off-by: A\n free text\nmore\nAssisted-by: Waymark:{one}\n")),
        [one]
    );
}

/// What git makes of the same.
fn by_git(message: &str, trailer: &str) -> String {
    let mut git = Command::new("git")
        .args([
            "-c",
            "core.commentChar=#",
            "interpret-trailers",
            "--no-divider",
            "--trailer",
            trailer.trim_end(),
        ])
        .current_dir(std::env::temp_dir())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap()
}

fn line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "",
        "text of no trailer",
        "text: with a colon",
        "Key: value",
        "Fixes: 12",
        "Signed-off-by: A <a@b>",
        "(cherry picked from commit 12)",
        "  folded",
        "   ",
        "# comment",
        "---",
        "Conflicts:",
        "\ta path",
        "# ------------------------ >8 ------------------------",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn it_goes_where_git_puts_it(lines in prop::collection::vec(line(), 0..9), is_ended: bool) {
        let message = format!("subject\n{}{}", lines.join("\n"), if is_ended { "\n" } else { "" });
        let found = Message::new(&message, "#");
        let added = add(&message, "#", &[id(1)]);
        // Git writes the trailers there are afresh; we leave them as they are.
        let is_plain = found.trailers.is_none_or(|first| {
            let written_otherwise = |line: &&str| found.is_comment(line) || line.starts_with("Conflicts:");
            !found.lines[first..].iter().any(written_otherwise)
        });
        let has_space_below = found.trailers.is_some() && message[found.end..].contains("   ");
        prop_assume!(is_plain && !has_space_below);
        let completed = if added.ends_with('\n') { added.clone() } else { added.clone() + "\n" };
        prop_assert_eq!(completed, by_git(&message, &trailer(1)));
        prop_assert_eq!(records(&added), [id(1)]);
    }
}

proptest! {
    #[test]
    fn no_text_is_a_panic(message in "(\\PC{0,6}|[#A:; \t\n\r]{0,6}){0,6}", comment in "[#;%!@$^&|:]?") {
        let added = add(&message, &comment, &[id(1)]);
        prop_assert_eq!(add(&added, &comment, &[id(1)]), added);
        let _ = records(&message);
    }
}
