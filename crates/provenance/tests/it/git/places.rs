//! Repositories of every kind, and the paths and names of things in them.

use std::path::Path;

use waymark_provenance::git::GitError;
use waymark_testkit::Repository;

use super::{id, open, who};

#[test]
fn linked_working_trees_and_a_detached_head() {
    let mut repo = Repository::new();
    repo.write("src/a", "1\n");
    let a = repo.commit("a");
    repo.write("src/a", "1\n2\n");
    let b = repo.commit("b");
    let linked = tempfile::tempdir().unwrap();
    let linked = linked.path().canonicalize().unwrap().join("Linked");
    repo.git(&["worktree", "add", "-q", "--detach", &linked.display().to_string(), "HEAD^"]);
    repo.git(&["remote", "add", "origin", "git@example.com:team/Project.git"]);
    let git = open(&linked.join("src"));
    assert_eq!(git.top(), Some(linked.as_path()), "from a folder inside");
    assert_eq!(git.head().unwrap(), Some(id(&a)));
    assert_eq!(git.blame(None, "src/a", None).unwrap().len(), 1);
    assert_eq!(git.blame(Some(&id(&b)), "src/a", None).unwrap().len(), 2);
    let main = repo.path().file_name().unwrap().to_string_lossy().into_owned();
    for git in [git, open(repo.path())] {
        let names: Vec<&str> = git.names().iter().map(String::as_str).collect();
        assert!(names.contains(&"Linked") && names.contains(&"Project"), "{names:?}");
        assert!(names.contains(&main.as_str()) && names.len() == 3, "{names:?}");
    }
}

#[test]
fn a_repository_is_asked_from_several_threads() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let a = repo.commit("a");
    let git = open(repo.path());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(who(&git.blame(None, "a", None).unwrap(), &[("a", &a)]), "a"));
        }
    });
}

#[test]
fn a_bare_repository_is_asked_by_commit() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let a = repo.commit("a");
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("Thing.git");
    repo.git(&["clone", "-q", "--bare", ".", &bare.display().to_string()]);
    let git = open(&bare);
    assert_eq!(git.top(), None);
    assert!(git.names().contains("Thing"));
    assert_eq!(who(&git.blame(git.head().unwrap().as_ref(), "a", None).unwrap(), &[("a", &a)]), "a");
    assert!(matches!(git.blame(None, "a", None), Err(GitError::NoWorkingTree)));
    assert_eq!(git.relative(Path::new("./src/a")).unwrap(), "src/a");
    assert!(git.relative(Path::new("../a")).is_err());
}

#[test]
fn a_sha_256_repository_has_long_ids() {
    let repo = Repository::new();
    repo.git(&["init", "-q", "--object-format=sha256", "long"]);
    let mut commits = Vec::new();
    for text in ["1\n", "1\n2\n"] {
        repo.write("long/a", text);
        repo.git(&["-C", "long", "add", "a"]);
        repo.git(&["-C", "long", "commit", "-q", "-m", "subject"]);
        commits.push(repo.git(&["-C", "long", "rev-parse", "HEAD"]));
    }
    repo.write("long/a", "1\n2\n3\n");
    let shadow = tempfile::tempdir().unwrap();
    let git = open(&repo.path().join("long")).with_shadow(shadow.path()).unwrap();
    let names = [("a", commits[0].as_str()), ("b", commits[1].as_str())];
    git.refresh(&mut |_, _| {}).unwrap();
    for _ in 0..2 {
        assert_eq!(who(&git.blame(None, "a", None).unwrap(), &names), "a b -");
    }
    let (a, b) = (id(&commits[0]), id(&commits[1]));
    assert_eq!(git.range(&format!("{a}..HEAD")).unwrap(), [b]);
    git.add_notes("ai", &[(b, b"note".to_vec())]).unwrap();
    assert_eq!(git.notes("ai", &[a, b]).unwrap(), [(b, b"note".to_vec())]);
}

#[cfg(unix)]
#[test]
fn a_users_path_becomes_one_from_the_root() {
    let mut repo = Repository::new();
    repo.write("src/a.rs", "1\n");
    std::os::unix::fs::symlink("src", repo.path().join("link")).unwrap();
    std::os::unix::fs::symlink("src/a.rs", repo.path().join("file")).unwrap();
    repo.commit("a");
    let outside = tempfile::tempdir().unwrap();
    let around = outside.path().join("around");
    std::os::unix::fs::symlink(repo.path(), &around).unwrap();
    let git = open(&around);
    let from = |path: &Path| git.relative(path).unwrap();
    for folder in [repo.path(), &around] {
        assert_eq!(from(&folder.join("src/a.rs")), "src/a.rs");
        assert_eq!(from(&folder.join("link/../src/./a.rs")), "src/a.rs");
        assert_eq!(from(&folder.join("link/a.rs")), "src/a.rs");
        assert_eq!(from(&folder.join("file")), "file", "a link is a file of its own");
        assert_eq!(from(&folder.join("gone/b.rs")), "gone/b.rs");
        assert_eq!(from(folder), "");
    }
    assert!(matches!(git.relative(outside.path()), Err(GitError::Outside { .. })));
    assert!(matches!(git.relative(&around.join("../x")), Err(GitError::Outside { .. })));
    assert!(matches!(git.relative(Path::new("Cargo.toml")), Err(GitError::Outside { .. })));
    let link = git.blame(None, "file", None).unwrap();
    assert_eq!(link[0].text, b"src/a.rs");
    let folder = git.blame(None, "", None).unwrap_err();
    assert_eq!(folder.to_string(), "`.` is a folder, not a file");
}
