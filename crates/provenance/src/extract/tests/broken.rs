//! Streams that broke off, and sizes.

use serde_json::json;

use super::{called, called_with, told, written};
use crate::extract::{LONGEST_LINE, MOST};

#[test]
fn arguments_are_read_as_far_as_they_go() {
    for (tool, arguments, wanted) in [
        ("Write", r#"{"file_path": "a.rs", "content": "fn a() {\n    x"#, "Write a.rs\n+fn a() {\n+    x\n"),
        ("Write", r#"{"file_path": "a.rs", "content": "x\"#, "Write a.rs\n+x\n"),
        ("write", r#"{"content": "x", "filePath": "/project/a"#, ""),
        (
            "Edit",
            r#"{"file_path": "a.rs", "old_string": "x\ny", "new_string": "x\nz"#,
            "Edit a.rs\n x\n-y\n+z\n",
        ),
        ("Edit", r#"{"file_path": "a.rs", "old_string": "x\ny"#, ""),
        ("Edit", r#"{"file_path": "a.rs", "old_string": "x"}"#, ""),
        (
            "MultiEdit",
            r#"{"file_path": "a", "edits": [{"old_string": "x", "new_string": "y"}, {"old_str"#,
            "Edit a\n-x\n+y\n",
        ),
        ("apply_patch", r#"{"input": "*** Begin Patch\n*** Add File: a\n+x\n+y"#, "Patch a\n+x\n+y\n"),
        ("exec_command", r#"{"cmd": "cat > a <<'EOF'\nx\ny"#, "Shell a\n+x\n+y\n"),
        ("Write", "", ""),
        ("Write", "{", ""),
        ("Write", "null", ""),
        ("Write", r#"{"__unparsedToolInput": {"raw": "{\"file_path\": \"a\"", "len": 17}}"#, ""),
    ] {
        assert_eq!(called_with(tool, arguments), wanted, "{arguments}");
    }
}

#[test]
fn line_breaks_need_no_escape() {
    assert_eq!(called_with("Write", "{\"file_path\": \"a\", \"content\": \"x\ny\"}"), "Write a\n+x\n+y\n");
}

#[test]
fn arguments_may_be_json_within_json() {
    assert_eq!(
        called("Write", &json!(json!({"file_path": "a", "content": "x"}).to_string())),
        "Write a\n+x\n"
    );
}

#[test]
fn long_lines_are_data() {
    let long = "x".repeat(LONGEST_LINE + 1);
    assert_eq!(
        called("Write", &json!({"file_path": "a", "content": format!("one\n{long}\ntwo")})),
        "Write a\n+one\n+two\n"
    );
    assert_eq!(called("Write", &json!({"file_path": "a", "content": long})), "");
}

#[test]
fn only_so_much_of_an_answer_is_read() {
    let call = |path: &str, lines: usize| {
        let content = "0123456789\\n".repeat(lines);
        ("Write".to_owned(), format!(r#"{{"file_path": "{path}", "content": "{content}"}}"#))
    };
    let all = written("```rust\nx\n```", &[call("a", MOST / 24), call("b", MOST), call("c", 1)]);
    let read: usize = all.iter().flat_map(|written| &written.lines).map(|line| line.text.len()).sum();
    assert!(read <= MOST, "{read}");
    assert_eq!(all.len(), 2, "{}", told(&all).len());
}
