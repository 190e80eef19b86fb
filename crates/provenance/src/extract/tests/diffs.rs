//! Unified diffs in an answer's text.

use super::said;
use crate::extract::written;

#[test]
fn a_fence_holds_a_diff() {
    assert_eq!(
        said(
            "```diff\ndiff --git a/src/a.rs b/src/a.rs\nindex 1234567..89abcde 100644\n--- a/src/a.rs\n+++ b/src/a.rs\n\
             @@ -1,3 +1,3 @@ fn a() {\n one\n-two\n+2\n three\n@@ -9,2 +9,3 @@\n nine\n+nine and a half\n ten\n\
             diff --git a/old.rs b/new.rs\nsimilarity index 90%\nrename from old.rs\nrename to new.rs\n--- a/old.rs\n\
             +++ b/new.rs\n@@ -1 +1 @@\n-x\n+y\n\\ No newline at end of file\n```"
        ),
        "Diff src/a.rs\n one\n-two\n+2\n three\n nine\n+nine and a half\n ten\nDiff new.rs\n-x\n+y\n"
    );
    assert_eq!(said("`src/a.rs`\n```diff\n- x\n+ y\n```"), "Diff src/a.rs\n- x\n+ y\n");
    assert_eq!(said("```diff\n-x\n+y\n```"), "Diff ?\n-x\n+y\n");
}

#[test]
fn a_diff_may_stand_bare() {
    assert_eq!(
        said(
            "Here:\n\n--- a/a.py\t2026-11-27\n+++ b/a.py\t2026-11-27\n@@ -1,3 +1,4 @@\n x = 1\n\n-y = 1\n+y = 2\n+z = 3\n\n\
             - That is all.\n+ Nothing else.\n"
        ),
        "Diff a.py\n x = 1\n \n-y = 1\n+y = 2\n+z = 3\n"
    );
}

#[test]
fn files_come_and_go() {
    assert_eq!(
        said(
            "```diff\n--- /dev/null\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+x\n+y\n--- a/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-z\n```"
        ),
        "Diff a.py\n+x\n+y\nDiff b.py\n-z\n"
    );
}

#[test]
fn lines_may_look_like_heads() {
    assert_eq!(
        said(
            "```diff\n--- a/a.sql\n+++ b/a.sql\n@@ -1,2 +1,2 @@\n x\n--- old\n+++ new\n@@ -9 +9 @@\n-v\n+w\n```"
        ),
        "Diff a.sql\n x\n--- old\n+++ new\n-v\n+w\n"
    );
}

#[test]
fn models_miscount_and_leave_numbers_out() {
    assert_eq!(
        said(
            "```diff\n--- src/a.rs\n+++ src/a.rs\n@@ ... @@\n-x\n+y\n@@ -1,90 +1,2 @@\n z\n+v\n--- b\n+++ b\n@@ @@\n+w\n```"
        ),
        "Diff src/a.rs\n-x\n+y\n z\n+v\nDiff b\n+w\n"
    );
}

#[test]
fn lines_may_be_left_out_between_hunks_and_where_marks_stand() {
    let apart = |text: &str, calls: &[(String, String)]| -> Vec<bool> {
        let all = written(text, calls);
        all[0].lines.iter().map(|line| line.apart).collect()
    };
    let diff = "```diff\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n@@ -9 +9 @@\n v\n+w\n```";
    assert_eq!(apart(diff, &[]), [true, false, true, false]);
    let patch = "*** Begin Patch\n*** Update File: a\n@@\n-x\n+y\n@@ fn b\n v\n+w\n*** End Patch";
    assert_eq!(apart("", &[("apply_patch".to_owned(), patch.to_owned())]), [true, false, true, false]);
    assert_eq!(apart("```rust\na();\n// ... existing code ...\nb();\n```", &[]), [false, false, true]);
}
