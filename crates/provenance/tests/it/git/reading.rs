//! Revisions, commits, trees and objects.

use std::fmt::Write as _;

use waymark_provenance::git::{Blob, ChangeKind, GitError, Kind};
use waymark_testkit::Repository;

use super::{id, import, open};

#[test]
fn files_that_change_often_come_first_and_merges_and_older_commits_do_not_count() {
    let mut repo = Repository::new();
    for number in 0..6 {
        repo.write("é every", number.to_string());
        if number % 2 == 0 {
            repo.write("src/some", number.to_string());
        }
        repo.commit(&number.to_string());
    }
    let git = open(repo.path());
    let head = git.head().unwrap().unwrap();
    let since = |back: i64| git.commits(&[head]).unwrap()[0].committer.time - 60 * back;
    assert_eq!(git.often_changed(&head, since(5), 2).unwrap(), ["é every", "src/some"]);
    assert_eq!(git.often_changed(&head, since(5), 4).unwrap(), ["é every"]);
    assert_eq!(git.often_changed(&head, since(1), 2).unwrap(), ["é every"]);
    assert_eq!(git.often_changed(&head, since(-1), 1).unwrap(), [""; 0]);
}

#[test]
fn revisions_are_resolved_or_told_what_is_wrong() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let a = repo.commit("a");
    repo.git(&["tag", "-a", "-m", "tag", "v1"]);
    repo.git(&["tag", "blob", "HEAD:a"]);
    let git = open(repo.path());
    for rev in ["HEAD", "main", "v1", "v1^{}", &a[..8], "HEAD^{/a}", ":/a"] {
        assert_eq!(git.resolve(rev).unwrap(), id(&a), "{rev}");
    }
    for rev in ["", "--all", "-n1", "nowhere", "HEAD~1", "a b", "main..main", "\0", "1234", &"0".repeat(40)] {
        let error = git.resolve(rev).unwrap_err();
        assert!(matches!(error, GitError::UnknownRevision { .. }), "{rev:?}: {error:?}");
    }
    for rev in ["blob", "HEAD:a", "HEAD^{tree}"] {
        assert!(matches!(git.resolve(rev), Err(GitError::NotACommit { .. })), "{rev}");
    }
    for range in ["main", "..", "...", "a....b", "a..b..c", ""] {
        assert!(matches!(git.range(range), Err(GitError::NotARange { .. })), "{range}");
    }
    assert!(matches!(git.range("--all..main"), Err(GitError::UnknownRevision { .. })));
    assert_eq!(git.range("main..v1").unwrap(), []);
}

#[test]
fn an_id_cut_too_short_is_ambiguous() {
    let repo = Repository::new();
    let mut stream = String::new();
    for number in 0..700 {
        write!(stream, "commit refs/heads/main\ncommitter A <a> {number} +0000\ndata 1\n.\n").unwrap();
    }
    import(&repo, &stream);
    let commits = repo.git(&["rev-list", "main"]);
    let mut starts: Vec<&str> = commits.lines().map(|commit| &commit[..4]).collect();
    starts.sort_unstable();
    let twice = starts.windows(2).find(|pair| pair[0] == pair[1]).expect("two that begin alike");
    let error = open(repo.path()).resolve(twice[0]).unwrap_err();
    assert!(matches!(error, GitError::AmbiguousRevision { .. }), "{error:?}");
}

#[test]
fn commits_are_read_in_the_order_asked() {
    let mut repo = Repository::new();
    let a = id(&repo.commit("First\n\nBody.\n\nWaymark: 01\nReviewed-by: B\n"));
    let b = id(&repo.commit("Second"));
    let git = open(repo.path());
    let commits = git.commits(&[b, a, b]).unwrap();
    assert_eq!(commits.iter().map(|commit| commit.id).collect::<Vec<_>>(), [b, a, b]);
    assert_eq!((commits[0].parents.as_slice(), commits[0].is_boundary), (&[a][..], false));
    assert_eq!(commits[0].tree, commits[1].tree);
    assert_eq!(commits[1].author.email, "ada@example.com");
    assert_eq!(commits[0].author.time - commits[1].committer.time, 60);
    assert!(matches!(git.commits(&[a, commits[0].tree]), Err(GitError::Missing { .. })));
    assert_eq!(git.commits(&[]).unwrap(), []);
    let many = vec![a; 20_000];
    assert_eq!(git.commits(&many).unwrap().len(), many.len(), "more than any pipe holds");
}

#[cfg(unix)]
#[test]
fn trees_and_changes_tell_kinds_apart() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    let mut repo = Repository::new();
    let text: String = (0..20).map(|line| format!("line {line}\n")).collect();
    repo.write("old", &text);
    repo.write("tool", "#!/bin/sh\n");
    repo.write("gone", "1\n");
    let a = id(&repo.commit("a"));
    repo.git(&["mv", "old", "new name"]);
    repo.write("new name", format!("{text}more\n"));
    std::fs::set_permissions(repo.path().join("tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::remove_file(repo.path().join("gone")).unwrap();
    std::os::unix::fs::symlink("tool", repo.path().join("gone")).unwrap();
    let odd = repo.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9"));
    std::fs::write(odd, "x\n").unwrap();
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{a},module")]);
    repo.git(&["add", "new name", "tool", "gone", "caf*"]);
    repo.git(&["commit", "-q", "-m", "b"]);
    let git = open(repo.path());
    let b = git.head().unwrap().unwrap();
    let changes = git.changes(&b).unwrap();
    let seen: Vec<_> =
        changes.iter().map(|change| (change.kind, change.path.as_str(), change.new.unwrap().kind)).collect();
    assert_eq!(
        seen,
        [
            (ChangeKind::Added, "caf\u{fffd}", Kind::File),
            (ChangeKind::Replaced, "gone", Kind::Symlink),
            (ChangeKind::Added, "module", Kind::Submodule),
            (ChangeKind::Renamed, "new name", Kind::File),
            (ChangeKind::Modified, "tool", Kind::Executable),
        ]
    );
    assert_eq!(changes[3].old_path.as_deref(), Some("old"));
    assert_eq!(git.changes(&a).unwrap().len(), 3, "a root commit adds all");
    let files = git.files(&b).unwrap();
    let file = files.iter().find(|file| file.path == "caf\u{fffd}").unwrap();
    let mut objects = git.objects().unwrap();
    assert_eq!(objects.blob(&file.id.to_string(), 9).unwrap(), Blob::Text(b"x\n".to_vec()));
    assert_eq!(objects.blob(&format!("{b}:caf\u{fffd}"), 9).unwrap(), Blob::Missing);
    assert_eq!(files.iter().find(|file| file.path == "module").unwrap().kind, Kind::Submodule);
}

#[test]
fn objects_are_read_one_after_the_other_whatever_they_are() {
    let mut repo = Repository::new();
    repo.write("a", "text\n");
    repo.write("line\nfeed", "odd\n");
    repo.write("big", vec![b'x'; 3 << 20]);
    let a = id(&repo.commit("a"));
    let git = open(repo.path());
    let mut objects = git.objects().unwrap();
    let mut ask = |path: &str, most| objects.blob(&format!("{a}:{path}"), most).unwrap();
    let text = Blob::Text(b"text\n".to_vec());
    assert_eq!(ask("a", 5), text);
    assert_eq!(ask("a", 4), Blob::TooLarge(5));
    assert_eq!(ask("big", 4), Blob::TooLarge(3 << 20));
    assert_eq!(ask("a", 5), text, "after one that is not read to its end");
    assert_eq!(ask("line\nfeed", 9), Blob::Text(b"odd\n".to_vec()));
    assert_eq!(ask("line\nless", 9), Blob::Missing);
    assert_eq!(ask("", 9), Blob::NotABlob);
    for path in ["b", "a/b", "./a", "../a", "/a", "a blob 5"] {
        assert_eq!(ask(path, 9), Blob::Missing, "{path}");
    }
    for spec in ["HEAD:a", "main", "", ":a", "HEAD\nHEAD:a"] {
        assert_eq!(objects.blob(spec, 9).unwrap(), Blob::Missing, "{spec}");
    }
    assert_eq!(objects.blob(&a.to_string(), 999).unwrap(), Blob::NotABlob);
    assert_eq!(objects.blob(&format!("{a}:a"), 5).unwrap(), text);
}

#[test]
fn replaced_objects_are_read_as_they_were() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let a = repo.commit("a");
    repo.write("a", "1\n2\n");
    let b = repo.commit("b");
    repo.git(&["replace", &b, &a]);
    let git = open(repo.path());
    assert_eq!(git.blame(Some(&id(&b)), "a", None).unwrap().len(), 2);
    assert_eq!(git.commits(&[id(&b)]).unwrap()[0].parents, [id(&a)]);
    assert_eq!(git.range("HEAD^..HEAD").unwrap(), [id(&b)]);
}
