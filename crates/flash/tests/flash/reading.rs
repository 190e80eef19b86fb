use std::path::Path;

use waymark_flash::replay::{self, Cursor, Options};
use waymark_flash::{Error, Flash};

use crate::fixture::{Fixture, ask, git, text};

const LINE: &str = "let total = compute_total(items, taxes);\n";

#[test]
fn a_directory_outside_any_repository_is_a_typed_error() {
    let directory = tempfile::tempdir().unwrap();
    let opened = Flash::open(directory.path(), &|_| {});
    assert!(matches!(opened, Err(Error::NotARepository { .. })), "{opened:?}");
    let missing = Flash::open(Path::new("/nonexistent/place"), &|_| {});
    assert!(matches!(missing, Err(Error::NotARepository { .. })), "{missing:?}");
}

#[test]
fn a_repository_without_commits_works_from_its_tracked_files() {
    let fixture = Fixture::new();
    assert_eq!(fixture.open().stats().files, 0);
    fixture.write("a.rs", LINE);
    fixture.git(&["add", "a.rs"]);
    let flash = fixture.open();
    assert_eq!((flash.stats().files, flash.stats().commit), (1, None));
    assert_eq!(text(&flash, Some("b.rs"), "let total = ", "\n"), "compute_total(items, taxes);");
}

#[test]
fn bare_shallow_and_second_working_trees_open() {
    let fixture = Fixture::with(&[("a.rs", LINE), ("b.rs", "fn b() {}\n")]);
    let elsewhere = tempfile::tempdir().unwrap();
    let url = format!("file://{}", fixture.path().display());
    git(elsewhere.path(), &["clone", "-q", "--bare", &url, "bare"]);
    git(elsewhere.path(), &["clone", "-q", "--depth=1", &url, "shallow"]);
    let second = elsewhere.path().join("second");
    fixture.git(&["worktree", "add", "-q", second.to_str().unwrap()]);
    for name in ["bare", "shallow", "second"] {
        let flash = Flash::open(&elsewhere.path().join(name), &|_| {}).unwrap();
        assert_eq!(flash.stats().files, 2, "{name}");
        assert_eq!(flash.version(), fixture.open().version(), "{name} holds the same text");
    }
    assert!(matches!(
        Flash::open(&elsewhere.path().join("bare"), &|_| {}).unwrap().watch(),
        Err(Error::NothingToWatch)
    ));
}

#[test]
fn dirty_files_are_saved_edits_and_deleted_ones_are_gone() {
    let fixture = Fixture::with(&[("a.rs", LINE), ("b.rs", "let other = compute_other(items);\n")]);
    fixture.write("a.rs", LINE.replace("taxes", "discounts"));
    std::fs::remove_file(fixture.path().join("b.rs")).unwrap();
    let flash = fixture.open();
    assert_eq!(text(&flash, Some("c.rs"), "let total = ", "\n"), "compute_total(items, discounts);");
    assert_eq!(text(&flash, Some("c.rs"), "compute_oth", "\n"), "");
}

#[test]
fn files_not_worth_indexing_are_skipped_with_a_reason() {
    let fixture = Fixture::new();
    fixture.write("ok.rs", LINE);
    fixture.write("binary.dat", b"a\0b");
    fixture.write("latin.txt", b"caf\xe9\n");
    fixture.write("huge.rs", LINE.repeat(12_000));
    fixture.write("app.js", "x=1;".repeat(3_000));
    fixture.write("Cargo.lock", "version = 4\n");
    fixture.write("deploy/.env", "TOKEN=abc\n");
    fixture.write("node_modules/x/index.js", "module.exports = 1\n");
    fixture.commit("first");
    let stats = fixture.open().stats();
    assert_eq!(stats.files, 1);
    let reasons: Vec<_> = stats.skipped.iter().map(|(reason, count)| (*reason, *count)).collect();
    let expected = [
        ("binary", 1),
        ("lock file", 1),
        ("may hold secrets", 1),
        ("minified", 1),
        ("not UTF-8", 1),
        ("too large", 1),
        ("vendored", 1),
    ];
    assert_eq!(reasons, expected);
    assert_eq!((stats.languages[0].language, stats.lines), ("Rust", 1));
}

#[test]
fn citations_carry_the_licence_the_repository_states() {
    let mit = "Permission is hereby granted, free of charge, to any person obtaining a copy";
    let fixture = Fixture::with(&[
        ("LICENSE", mit),
        ("a.rs", LINE),
        ("sub/b.rs", "// SPDX-License-Identifier: MPL-2.0\nlet part = compute_part(pieces);\n"),
    ]);
    let flash = fixture.open();
    let licence = |prefix: &str| {
        ask(&flash, Some("c.rs"), prefix, "\n").suggestion.unwrap().citations[0].licence.clone()
    };
    assert_eq!(licence("let total = ").as_deref(), Some("MIT"));
    assert_eq!(licence("let part = ").as_deref(), Some("MPL-2.0"));
}

#[test]
fn equal_repositories_have_equal_versions_and_answers() {
    let files = [("a.rs", LINE), ("b.rs", "let total = compute_total(others, taxes);\n")];
    let fixture = Fixture::with(&files);
    let (one, two) = (fixture.open(), fixture.open());
    assert_eq!(one.version(), two.version());
    assert!(one.version().starts_with("waymark-flash-1+") && one.version().len() == 16 + 16);
    let answer = |flash| ask(flash, Some("c.rs"), "let total = compute_total(", "\n");
    assert_eq!(answer(&one), answer(&two));
}

#[test]
fn history_is_replayed_without_seeing_the_answer() {
    let fixture = Fixture::with(&[("a.rs", LINE), ("gone.rs", "let moved_line = compute_moved(all);\n")]);
    fixture.write("b.rs", "let total = compute_total(items, taxes);\nlet novel_words = never_seen_before;\n");
    fixture.git(&["mv", "gone.rs", "new.rs"]);
    fixture.commit("second");
    let options = Options { commits: 10, ..Options::default() };
    let report = replay::run(&fixture.path(), &options, &|_, _| {}).unwrap();
    assert_eq!((report.commits, report.lines), (1, 3));
    let mid = report.exact_match(Cursor::Mid);
    assert_eq!(mid.cursors, 2, "the moved line is not counted");
    assert_eq!(mid.among, 0.5, "only the line that was there before can be copied");
    let again = replay::run(&fixture.path(), &options, &|_, _| {}).unwrap();
    assert_eq!(again.exact_match(Cursor::Start), report.exact_match(Cursor::Start));
    assert_eq!(report.operating(Cursor::Mid, 1.1).coverage, 0.0);
}
