//! Repositories that lack something, and files that are no text.

use std::path::{Path, PathBuf};

use waymark_provenance::git::{Blob, GitError, Kind, NotText, Refreshed};
use waymark_testkit::Repository;

use super::{id, open, who};

/// Where a loose object lies.
fn loose(repo: &Path, object: &str) -> PathBuf {
    repo.join(".git/objects").join(&object[..2]).join(&object[2..])
}

fn object(repo: &Repository, spec: &str) -> String {
    repo.git(&["rev-parse", spec]).trim().to_owned()
}

#[test]
fn a_shallow_clone_says_where_it_ends() {
    let mut repo = Repository::new();
    let mut commits = Vec::new();
    for text in ["1\n", "1\n2\n", "1\n2\n3\n"] {
        repo.write("a", text);
        commits.push(repo.commit(text.trim()));
    }
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    let from = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--depth=2", &from, &clone.display().to_string()]);
    let git = open(&clone).with_shadow(&folder.path().join("shadow")).unwrap();
    assert!(git.is_shallow());
    assert_eq!(git.refresh(&mut |_, _| {}).unwrap(), Refreshed::Without);
    assert!(!folder.path().join("shadow").exists());
    let (end, head) = (id(&commits[1]), id(&commits[2]));
    for at in [None, Some(&head)] {
        let lines = git.blame(at, "a", None).unwrap();
        assert_eq!(who(&lines, &[("end", &commits[1]), ("head", &commits[2])]), "end end head");
        assert_eq!(lines.iter().map(|line| line.is_boundary).collect::<Vec<_>>(), [true, true, false]);
    }
    let read = git.commits(&[head, end]).unwrap();
    assert_eq!((read[0].is_boundary, read[1].is_boundary), (false, true));
    assert_eq!(read[1].parents, [id(&commits[0])], "named, though not there");
    assert_eq!(git.changes(&head).unwrap().len(), 1);
    assert!(matches!(git.changes(&end), Err(GitError::Shallow { commit }) if commit == end));
    assert!(matches!(
        git.resolve("HEAD~2"),
        Err(GitError::UnknownRevision { .. } | GitError::Missing { .. })
    ));
}

#[test]
fn an_object_that_is_gone_is_told_and_the_rest_is_read() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    repo.write("b", "b\n");
    let a = repo.commit("a");
    let first = object(&repo, "HEAD:a");
    repo.write("a", "1\n2\n");
    let b = repo.commit("b");
    let second = object(&repo, "HEAD:a");
    let git = open(repo.path());
    let mut objects = git.objects().unwrap();
    std::fs::remove_file(loose(repo.path(), &first)).unwrap();
    let missing = |error: GitError| assert!(matches!(error, GitError::Missing { .. }), "{error:?}");
    missing(git.blame(Some(&id(&b)), "a", None).unwrap_err());
    missing(git.blame(Some(&id(&a)), "a", None).unwrap_err());
    let path = loose(repo.path(), &second);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "damaged").unwrap();
    missing(git.blame(Some(&id(&b)), "a", None).unwrap_err());
    missing(git.blame(None, "a", None).unwrap_err());
    assert!(!matches!(objects.blob(&second, 9), Ok(Blob::Text(_))));
    assert_eq!(objects.blob(&format!("{b}:b"), 9).unwrap(), Blob::Text(b"b\n".to_vec()));
    assert_eq!(git.blame(None, "b", None).unwrap().len(), 1);
    assert_eq!(git.files(&id(&a)).unwrap().len(), 2, "which asks for no blob");
    assert_eq!(git.changes(&id(&b)).unwrap().len(), 1);
    std::fs::remove_file(loose(repo.path(), &a)).unwrap();
    missing(git.blame(Some(&id(&a)), "a", None).unwrap_err());
    missing(git.commits(&[id(&a)]).unwrap_err());
    missing(git.changes(&id(&a)).unwrap_err());
    missing(git.files(&id(&a)).unwrap_err());
    missing(git.range("HEAD^..HEAD").unwrap_err());
    std::fs::remove_file(loose(repo.path(), &b)).unwrap();
    missing(git.head().unwrap_err());
}

#[test]
fn a_partial_clone_is_asked_for_what_it_has() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    repo.commit("a");
    repo.write("a", "1\n2\n");
    let b = id(&repo.commit("b"));
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let folder = tempfile::tempdir().unwrap();
    let clone = folder.path().join("clone");
    let from = format!("file://{}", repo.path().display());
    repo.git(&["clone", "-q", "--filter=blob:none", &from, &clone.display().to_string()]);
    let plain = open(&clone);
    let shadowed = open(&clone).with_shadow(&folder.path().join("shadow")).unwrap();
    assert_eq!(shadowed.refresh(&mut |_, _| {}).unwrap(), Refreshed::Written);
    for git in [plain, shadowed] {
        assert_eq!(git.changes(&b).unwrap().len(), 1);
        assert_eq!(git.files(&b).unwrap().len(), 1);
        let error = git.blame(Some(&b), "a", None).unwrap_err();
        assert!(matches!(error, GitError::Missing { .. }), "{error:?}");
    }
}

#[test]
fn what_vanishes_between_two_questions_is_missing() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    repo.commit("a");
    repo.write("a", "1\n2\n");
    let b = id(&repo.commit("b"));
    let git = open(repo.path());
    let mut objects = git.objects().unwrap();
    assert!(matches!(objects.blob(&format!("{b}:a"), 9).unwrap(), Blob::Text(_)));
    git.add_notes("ai", &[(b, b"note".to_vec())]).unwrap();
    repo.git(&["reset", "-q", "--hard", "HEAD^"]);
    repo.git(&["update-ref", "-d", "refs/notes/ai"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(git.objects().unwrap().blob(&format!("{b}:a"), 9).unwrap(), Blob::Missing);
    assert!(matches!(git.blame(Some(&b), "a", None), Err(GitError::Missing { .. })));
    assert!(matches!(git.commits(&[b]), Err(GitError::Missing { .. })));
    assert_eq!(git.notes("ai", &[b]).unwrap(), []);
    assert_eq!(git.blame(None, "a", None).unwrap().len(), 1);
}

#[test]
fn a_submodule_is_not_a_file() {
    let mut inner = Repository::new();
    inner.write("file", "1\n");
    inner.commit("inner");
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let inner = inner.path().display().to_string();
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &inner, "libs/inner"]);
    let a = id(&repo.commit("a"));
    let git = open(repo.path());
    for at in [None, Some(&a)] {
        for path in ["libs/inner", "libs/inner/file"] {
            let error = git.blame(at, path, None).unwrap_err();
            assert!(
                matches!(error, GitError::NotAFile { kind: Kind::Submodule, .. }),
                "{path} at {at:?}: {error:?}"
            );
        }
        let error = git.blame(at, "libs", None).unwrap_err();
        assert!(matches!(error, GitError::NotAFile { kind: Kind::Folder, .. }), "{error:?}");
    }
}

#[test]
fn files_that_are_no_text_are_told_by_what_they_are() {
    let mut repo = Repository::new();
    repo.write("binary", b"a\0b\n");
    repo.write("large", vec![b'\n'; (8 << 20) + 1]);
    repo.write("pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
    repo.write("empty", "");
    repo.write("lines", "1\n2\n");
    let a = id(&repo.commit("a"));
    let git = open(repo.path());
    let forms = [("binary", NotText::Binary), ("large", NotText::TooLarge), ("pointer", NotText::LfsPointer)];
    for at in [None, Some(&a)] {
        for (path, expected) in forms {
            let error = git.blame(at, path, None).unwrap_err();
            assert!(matches!(error, GitError::NotText { form, .. } if form == expected), "{error:?}");
        }
        assert_eq!(git.blame(at, "empty", None).unwrap(), []);
        let beyond = git.blame(at, "lines", Some(2..=3)).unwrap_err();
        assert_eq!(beyond.to_string(), "line 3 of `lines`: the file has 2 lines");
        let gone = git.blame(at, "sub/gone", None).unwrap_err();
        assert!(matches!(gone, GitError::NoSuchPath { .. }), "{gone:?}");
    }
    repo.write("pointer", "what the pointer stands for\n");
    let error = git.blame(None, "pointer", None).unwrap_err();
    assert!(matches!(error, GitError::NotText { form: NotText::LfsPointer, .. }), "{error:?}");
}

#[test]
fn a_folder_without_a_repository_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let here = super::Here { folder: folder.path().to_owned(), settings: Vec::new() };
    let error = waymark_provenance::git::Repository::open(Box::new(here)).unwrap_err();
    assert!(matches!(error, GitError::NotARepository), "{error:?}");
}
