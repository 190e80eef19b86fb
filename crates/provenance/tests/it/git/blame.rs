//! Which commit wrote a line.

use waymark_provenance::git::{BlameLine, CommitId, GitError, Repository as Git};
use waymark_testkit::{Random, Repository};

use super::{id, open, open_with, who};

const FUNCTION: &str =
    "fn walk(steps: u32) {\n    let mut left = steps;\n    left -= 1;\n    step(left);\n}\n";

fn origins(lines: &[BlameLine]) -> Vec<(u32, u32, &str)> {
    lines.iter().map(|line| (line.number, line.original, &*line.path)).collect()
}

#[test]
fn lines_keep_their_commit_their_number_and_their_path() {
    let mut repo = Repository::new();
    repo.write("old name.rs", "one is a line\ntwo is a line\nthree and so on\n");
    let a = repo.commit("a");
    repo.git(&["mv", "old name.rs", "new.rs"]);
    repo.write("new.rs", "zero\none is a line\ntwo is a line\nthree and so on");
    let b = repo.commit("b");
    let git = open(repo.path());
    let lines = git.blame(Some(&id(&b)), "new.rs", None).unwrap();
    assert_eq!(who(&lines, &[("a", &a), ("b", &b)]), "b a a a", "with or without a last line feed");
    assert_eq!(origins(&lines)[..2], [(1, 1, "new.rs"), (2, 1, "old name.rs")]);
    assert_eq!(lines[0].previous, Some((id(&a), "old name.rs".into())));
    assert_eq!(lines[1].previous, None);
    assert_eq!(lines[3].text, b"three and so on");
    let some = git.blame(Some(&id(&b)), "new.rs", Some(2..=3)).unwrap();
    assert_eq!(some, lines[1..3]);
    let before = git.blame(Some(&id(&a)), "old name.rs", None).unwrap();
    assert_eq!(who(&before, &[("a", &a)]), "a a a");
}

/// A commit with the function and thirty lines after it; those lines, and the commit.
fn with_function() -> (Repository, String, String) {
    let mut repo = Repository::new();
    let rest: String = (0..30).map(|line| format!("const NUMBER_{line}: u32 = {line};\n")).collect();
    repo.write("a.rs", format!("{FUNCTION}{rest}"));
    let commit = repo.commit("a");
    (repo, rest, commit)
}

/// Asks for lines of `a.rs` one by one: each must be as when all are asked for.
fn are_so_alone(git: &Git, commit: &CommitId, whole: &[BlameLine], lines: impl IntoIterator<Item = u32>) {
    for line in lines {
        let alone = git.blame(Some(commit), "a.rs", Some(line..=line)).unwrap();
        assert_eq!(alone[..], whole[line as usize - 1..line as usize], "line {line} asked alone");
    }
}

#[test]
fn moved_and_indented_lines_stay_with_their_commit() {
    let (mut repo, rest, a) = with_function();
    repo.write("a.rs", format!("{rest}{FUNCTION}"));
    repo.commit("moved");
    let inner: String = FUNCTION.lines().map(|line| format!("    {line}\n")).collect();
    repo.write("a.rs", format!("{rest}mod inner {{\n{inner}}}\n"));
    let c = repo.commit("indented");
    let git = open(repo.path());
    let head = git.head().unwrap().unwrap();
    let whole = git.blame(Some(&head), "a.rs", None).unwrap();
    assert_eq!(who(&whole[29..], &[("a", &a), ("c", &c)]), "a c a a a a a c");
    are_so_alone(&git, &head, &whole, 1..=whole.len() as u32);
}

#[test]
fn blocks_that_change_places_stay_with_their_commit_whichever_of_them_git_takes_for_new() {
    let mut random = Random::seeded(11);
    let mut repo = Repository::new();
    let block = |name: &str, length: usize| -> Vec<String> {
        let line = |at| format!("    let {name}_{at} = {name}({at});");
        let body = (0..length).map(line);
        [format!("fn {name}() {{")].into_iter().chain(body).chain(["}".to_owned(), String::new()]).collect()
    };
    let mut blocks = ["alpha", "beta", "gamma", "delta"].map(|name| block(name, 2 + random.below(6)));
    repo.write("a.rs", blocks.concat().join("\n"));
    let a = repo.commit("a");
    for round in 0..12 {
        let (one, other) = (random.below(4), random.below(4));
        blocks.swap(one, other);
        repo.write("a.rs", blocks.concat().join("\n"));
        let git = open(repo.path());
        let text = blocks.concat();
        let says = |line: &&BlameLine| text[line.number as usize - 1].len() > 1;
        let of_a = |lines: &[BlameLine]| lines.iter().filter(says).all(|line| line.commit == Some(id(&a)));
        assert!(of_a(&git.blame(None, "a.rs", None).unwrap()), "round {round}, not committed");
        let head = id(&repo.commit(&format!("round {round}")));
        let whole = git.blame(Some(&head), "a.rs", None).unwrap();
        assert!(of_a(&whole), "round {round}: {}", who(&whole, &[("a", &a)]));
        are_so_alone(&git, &head, &whole, [1 + random.below(whole.len()) as u32]);
    }
}

#[test]
fn what_the_other_side_of_a_merge_moved_has_moved_before_it_is_committed() {
    let (mut repo, rest, a) = with_function();
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("a.rs", format!("{rest}{FUNCTION}"));
    repo.commit("moved");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("b.rs", "other\n");
    repo.commit("other");
    repo.git(&["merge", "-q", "--no-commit", "--no-ff", "side"]);
    let git = open(repo.path());
    assert_eq!(who(&git.blame(None, "a.rs", None).unwrap()[30..], &[("a", &a)]), "a a a a a");
    repo.write("a.rs", format!("{rest}{FUNCTION}fn own() {{}}\n"));
    assert_eq!(who(&git.blame(None, "a.rs", None).unwrap()[30..], &[("a", &a)]), "a a a a a -");
}

#[test]
fn a_copy_is_of_the_commit_that_wrote_it_also_when_the_first_has_gone() {
    let (mut repo, rest, a) = with_function();
    repo.write("a.rs", format!("{FUNCTION}{rest}mod copy;\n{FUNCTION}"));
    let git = open(repo.path());
    assert_eq!(who(&git.blame(None, "a.rs", None).unwrap()[34..], &[("a", &a)]), "a - - - - - -");
    let b = repo.commit("b");
    repo.write("a.rs", format!("{rest}mod copy;\n{FUNCTION}"));
    let c = repo.commit("the first has gone");
    repo.write("a.rs", format!("{FUNCTION}{rest}mod copy;\n"));
    let names = [("a", a.as_str()), ("b", &b)];
    let moved = git.blame(None, "a.rs", None).unwrap();
    assert_eq!(who(&moved[..6], &names), "b b b b b a", "moved in the working tree");
    assert_eq!(moved[0].original, 37);
    let lines = git.blame(Some(&id(&c)), "a.rs", None).unwrap();
    assert_eq!(who(&lines[29..], &names), "a b b b b b b");
    are_so_alone(&git, &id(&c), &lines, 31..=36);
}

/// A first commit, one on `side` of the last line and one on `main` of the first; their merge, with a line of its own,
/// is not committed.
fn merging() -> (Repository, [String; 3]) {
    let mut repo = Repository::new();
    repo.write("a", "1\n2\n3\n4\n5\n");
    let a = repo.commit("a");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.write("a", "1\n2\n3\n4\nfive\n");
    let b = repo.commit("b");
    repo.git(&["checkout", "-q", "main"]);
    repo.write("a", "one\n2\n3\n4\n5\n");
    let c = repo.commit("c");
    repo.git(&["merge", "-q", "--no-commit", "side"]);
    repo.write("a", "one\n2\nthree\n4\nfive\n");
    (repo, [a, b, c])
}

#[test]
fn both_sides_of_a_merge_keep_theirs() {
    let (mut repo, [a, b, c]) = merging();
    let d = repo.commit("d");
    let git = open(repo.path());
    let lines = git.blame(Some(&id(&d)), "a", None).unwrap();
    assert_eq!(who(&lines, &[("a", &a), ("b", &b), ("c", &c), ("d", &d)]), "c a d a b");
    assert_eq!(git.range("HEAD^1..HEAD").unwrap(), [id(&b), id(&d)]);
    assert_eq!(git.range("side...main").unwrap(), [id(&c), id(&d)]);
    assert_eq!(git.range("side..").unwrap(), [id(&c), id(&d)]);
    let changed = git.changes(&id(&d)).unwrap();
    assert_eq!(changed.len(), 1, "against the first parent");
}

#[test]
fn a_merge_that_is_not_committed_has_two_sides() {
    let (repo, [a, b, c]) = merging();
    let git = open(repo.path());
    let lines = git.blame(None, "a", None).unwrap();
    assert_eq!(who(&lines, &[("a", &a), ("b", &b), ("c", &c)]), "c a - a b");
}

#[test]
fn the_working_tree_is_blamed_down_to_head_and_on() {
    let mut repo = Repository::new();
    repo.write("a", "first line\nsecond line\nthird line\n");
    let a = repo.commit("a");
    repo.write("a", "first line\nsecond line, changed\nthird line\n");
    let b = repo.commit("b");
    let git = open(repo.path());
    let names = [("a", a.as_str()), ("b", &b)];
    assert_eq!(who(&git.blame(None, "a", None).unwrap(), &names), "a b a", "nothing changed");
    repo.write("a", "new\n  first line\nsecond line, changed\nthird line\r\nlast");
    let lines = git.blame(None, "a", None).unwrap();
    assert_eq!(who(&lines, &names), "- a b a -");
    assert_eq!(lines[2].original, 2);
    assert_eq!(lines[0].previous, Some((id(&b), "a".into())));
    assert_eq!(git.blame(None, "a", Some(4..=5)).unwrap(), lines[3..]);
    repo.write("b", "first line\n");
    assert_eq!(who(&git.blame(None, "b", None).unwrap(), &names), "-", "not tracked");
    repo.git(&["mv", "-f", "a", "b"]);
    assert_eq!(who(&git.blame(None, "b", None).unwrap(), &names), "- a b a -", "renamed in the index");
    let gone = git.blame(None, "a", None).unwrap_err();
    assert!(matches!(gone, GitError::NoSuchPath { commit: None, .. }), "{gone}");
}

#[test]
fn before_the_first_commit_nothing_is_committed() {
    let repo = Repository::new();
    repo.write("a", "1\n2\n");
    let git = open(repo.path());
    assert_eq!(git.head().unwrap(), None);
    assert_eq!(who(&git.blame(None, "a", None).unwrap(), &[]), "- -");
    assert!(matches!(git.range("HEAD~1..HEAD"), Err(GitError::UnknownRevision { .. })));
}

#[test]
fn commits_to_be_ignored_are_not_and_settings_for_it_do_not_matter() {
    let mut repo = Repository::new();
    repo.write("a", "let one = 1;\n");
    repo.commit("a");
    repo.write("a", "let one: u8 = 1;\n");
    let b = repo.commit("b");
    repo.write(".git-blame-ignore-revs", &b);
    for setting in ["blame.ignoreRevsFile=.git-blame-ignore-revs", "blame.ignoreRevsFile=not-there"] {
        let git = open_with(repo.path(), &[setting, "blame.showRoot=false", "diff.algorithm=patience"]);
        assert_eq!(who(&git.blame(None, "a", None).unwrap(), &[("b", &b)]), "b");
        repo.write("a", "let one: u8 = 1;\nmore\n");
        assert_eq!(who(&git.blame(None, "a", None).unwrap(), &[("b", &b)]), "b -");
        repo.git(&["checkout", "-q", "a"]);
    }
}

#[test]
fn a_working_file_starts_no_program_of_its_repository() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    repo.write(".gitattributes", "* filter=own diff=own\n");
    let a = repo.commit("a");
    let mark = repo.path().join("mark");
    for setting in ["filter.own.clean", "diff.own.textconv"] {
        repo.git(&["config", setting, &format!("touch '{}'; cat", mark.display())]);
    }
    repo.write("a", "1\n2\n");
    let git = open(repo.path());
    assert_eq!(who(&git.blame(None, "a", None).unwrap(), &[("a", &a)]), "a -");
    assert_eq!(git.blame(Some(&id(&a)), "a", None).unwrap().len(), 1);
    assert!(!mark.exists());
}

#[test]
fn texts_of_other_encodings_have_the_lines_git_counts() {
    let mut repo = Repository::new();
    repo.write("crlf", "a\r\nb\r\n");
    repo.write("latin", b"caf\xe9\nb\n");
    repo.write("wide", b"\xff\xfea\0\n\0\xe9\0\n\0");
    let a = id(&repo.commit("a"));
    let git = open(repo.path());
    for at in [None, Some(&a)] {
        let text = |path: &str| -> Vec<Vec<u8>> {
            git.blame(at, path, None).unwrap().into_iter().map(|line| line.text).collect()
        };
        assert_eq!(text("crlf"), [b"a\r", b"b\r"]);
        assert_eq!(text("latin"), [&b"caf\xe9"[..], b"b"]);
        assert_eq!(text("wide"), ["a".as_bytes(), "é".as_bytes()]);
    }
}

#[test]
fn odd_paths_are_paths() {
    let mut repo = Repository::new();
    let paths =
        ["a b", "tab\there", "line\nfeed", "quote\"d", "back\\slash", "größe/名前.rs", ":(glob)*", "*"];
    for path in paths {
        repo.write(path, format!("the first line of {path:?}\n"));
    }
    let a = repo.commit("a");
    for path in paths {
        repo.git(&["mv", path, &format!("{path}.old")]);
        repo.write(&format!("{path}.old"), format!("the first line of {path:?}\n2\n"));
    }
    let b = repo.commit("b");
    let git = open(repo.path());
    let names = [("a", a.as_str()), ("b", &b)];
    for path in paths {
        let path = format!("{path}.old");
        assert_eq!(who(&git.blame(Some(&id(&b)), &path, None).unwrap(), &names), "a b", "{path}");
        let text = std::fs::read_to_string(repo.path().join(&path)).unwrap();
        repo.write(&path, text.replace("2\n", "3\n2\n"));
        let lines = git.blame(None, &path, None).unwrap();
        assert_eq!(who(&lines, &names), "a - b", "{path}");
        assert_eq!(*lines[0].path, path[..path.len() - 4]);
    }
    let listed: Vec<String> = git.files(&id(&a)).unwrap().into_iter().map(|file| file.path).collect();
    assert!(paths.iter().all(|path| listed.iter().any(|listed| listed == path)), "{listed:?}");
}
