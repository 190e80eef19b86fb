//! Anchors in real repositories and files.

use std::path::Path;

use waymark_ledger::anchors;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::note::Signer;
use waymark_testkit::Repository;
use waymark_types::Timestamp;

use super::git::REF;
use super::{AnchorError, Signed, file, git, saved_in_file, saved_in_repository};

fn signed(origin: &str, size: u64) -> Signed {
    with_root(origin, size, size as u8)
}

fn with_root(origin: &str, size: u64, root: u8) -> Signed {
    let signer = Signer::new(origin, &[7; 32]).unwrap();
    let note = Checkpoint::sign(size, &[root; 32], &signer);
    Signed::new(note, &signer.verifier(), Timestamp::from_micros(1_795_449_600_000_000)).unwrap()
}

/// The sizes that a repository holds of a log, the newest first.
fn sizes(directory: &Path, origin: &str) -> Vec<String> {
    let saved = saved_in_repository(directory, origin).unwrap();
    saved.notes.iter().map(|saved| saved.note.lines().nth(1).unwrap().to_owned()).collect()
}

fn repository() -> Repository {
    let mut repository = Repository::new();
    repository.write("a.txt", "a\n");
    repository.commit("first");
    repository
}

#[test]
fn checkpoints_are_a_chain_of_commits_and_nothing_else_changes() {
    let repository = repository();
    repository.write("b.txt", "not added\n");
    let before = repository.git(&["status", "--porcelain=v2", "--branch"]);
    for size in [3, 5, 5, 8] {
        git::anchor(repository.path(), &signed("waymark/ab12", size)).unwrap();
    }
    let log = repository.git(&["log", "--format=%an <%ae> %cn <%ce> %at %s", REF]);
    let line = |size| {
        format!(
            "waymark <waymark@localhost> waymark <waymark@localhost> 1795449600 waymark checkpoint: waymark/ab12 {size}\n"
        )
    };
    assert_eq!(
        log,
        [line(8), line(5), line(3)].concat(),
        "a checkpoint that is there is not committed again"
    );
    assert_eq!(repository.git(&["ls-tree", "-r", "--name-only", REF]), "waymark/ab12/checkpoint\n");
    let note = repository.git(&["show", &format!("{REF}:waymark/ab12/checkpoint")]);
    assert_eq!(note, signed("waymark/ab12", 8).note);
    assert_eq!(repository.git(&["status", "--porcelain=v2", "--branch"]), before);
    assert_eq!(sizes(repository.path(), "waymark/ab12"), ["8", "5", "3"]);
    repository.git(&["fsck", "--strict"]);
}

#[test]
fn logs_that_share_a_repository_keep_each_other_s_files() {
    let repository = repository();
    for (origin, size) in [("waymark/a", 1), ("log.example.com", 4), ("waymark/b", 2), ("waymark/a", 3)] {
        git::anchor(repository.path(), &signed(origin, size)).unwrap();
    }
    let files = repository.git(&["ls-tree", "-r", "--name-only", REF]);
    assert_eq!(files, "log.example.com/checkpoint\nwaymark/a/checkpoint\nwaymark/b/checkpoint\n");
    assert_eq!(sizes(repository.path(), "waymark/a"), ["3", "1"]);
    let remarks = saved_in_repository(repository.path(), "waymark/c").unwrap();
    assert!(remarks.notes.is_empty());
    let told = "refs/waymark also has checkpoints of other logs: log.example.com, waymark/a, waymark/b";
    assert_eq!(remarks.remarks, [told]);
}

#[test]
fn what_is_anchored_and_newer_than_the_ledger_shows() {
    let (repository, folder) = (repository(), tempfile::tempdir().unwrap());
    let path = folder.path().join("anchors");
    for place in [&|signed| git::anchor(repository.path(), &signed), &|signed| file::anchor(&path, &signed)]
        as [&dyn Fn(Signed) -> Result<(), AnchorError>; 2]
    {
        place(signed("log", 5)).unwrap();
        let rolled_back = place(signed("log", 4));
        assert!(
            matches!(rolled_back, Err(AnchorError::RolledBack { held: 4, anchored: 5 })),
            "{rolled_back:?}"
        );
        assert!(matches!(place(with_root("log", 5, 99)), Err(AnchorError::Forked(5))));
        place(with_root("log", 6, 99)).unwrap();
    }
    assert_eq!(sizes(repository.path(), "log"), ["6", "5"]);
}

#[test]
fn bare_repositories_worktrees_shallow_clones_and_empty_ones_are_anchored_in() {
    let (source, folder) = (repository(), tempfile::tempdir().unwrap());
    let at = |name: &str| folder.path().join(name);
    let url = format!("file://{}", source.path().display());
    let text = |name: &str| at(name).display().to_string();
    source.git(&["clone", "--quiet", "--bare", &url, &text("bare.git")]);
    source.git(&["clone", "--quiet", "--depth=1", &url, &text("shallow")]);
    source.git(&["init", "--quiet", &text("empty")]);
    source.git(&["worktree", "add", "--quiet", &text("worktree"), "-b", "other"]);
    for name in ["bare.git", "shallow", "empty", "worktree"] {
        for size in [1, 2] {
            git::anchor(&at(name), &signed("waymark/x", size))
                .unwrap_or_else(|error| panic!("{name}: {}", error.told()));
        }
        assert_eq!(sizes(&at(name), "waymark/x"), ["2", "1"], "{name}");
    }
    assert_eq!(sizes(source.path(), "waymark/x"), ["2", "1"], "a worktree's anchors are the repository's");
    let below = at("shallow").join("folder");
    std::fs::create_dir(&below).unwrap();
    assert_eq!(sizes(&below, "waymark/x"), ["2", "1"], "a folder in a repository will do");
}

#[test]
fn the_user_s_hooks_and_settings_do_not_reach_an_anchor() {
    let repository = repository();
    for setting in [
        ["commit.gpgSign", "true"],
        ["gpg.program", "false"],
        ["user.name", "Somebody Else"],
        ["core.logAllRefUpdates", "always"],
        ["core.splitIndex", "true"],
        ["core.autocrlf", "true"],
        ["i18n.commitEncoding", "ISO-8859-1"],
    ] {
        repository.git(&["config", setting[0], setting[1]]);
    }
    for hook in ["reference-transaction", "pre-commit", "commit-msg", "post-commit", "post-index-change"] {
        let path = repository.write(
            &format!(".git/hooks/{hook}"),
            "#!/bin/sh\ntouch \"$(git rev-parse --git-dir)/ran\"\nexit 1\n",
        );
        #[cfg(unix)]
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    git::anchor(repository.path(), &signed("waymark/x", 1)).unwrap();
    assert!(!repository.path().join(".git/ran").exists(), "a hook ran");
    let commit = repository.git(&["cat-file", "commit", REF]);
    assert!(
        !commit.contains("gpgsig") && !commit.contains("encoding") && !commit.contains("Somebody"),
        "{commit}"
    );
    assert_eq!(
        repository.git(&["show", &format!("{REF}:waymark/x/checkpoint")]),
        signed("waymark/x", 1).note
    );
}

#[test]
fn anchors_made_at_once_all_stay() {
    const LOGS: usize = 4;
    const SIZES: u64 = 4;
    let repository = repository();
    std::thread::scope(|scope| {
        for log in 0..LOGS {
            let path = repository.path();
            scope.spawn(move || {
                for size in 1..=SIZES {
                    git::anchor(path, &signed(&format!("log{log}"), size)).unwrap();
                }
            });
        }
    });
    for log in 0..LOGS {
        assert_eq!(sizes(repository.path(), &format!("log{log}")), ["4", "3", "2", "1"]);
    }
    let commits = repository.git(&["rev-list", "--count", REF]);
    assert_eq!(commits.trim(), (LOGS * SIZES as usize).to_string());
}

#[test]
fn what_cannot_be_anchored_says_why() {
    let repository = repository();
    let gone = git::anchor(&repository.path().join("gone"), &signed("x", 1)).unwrap_err();
    assert!(gone.told().ends_with("is not in a git repository"), "{}", gone.told());
    let blob = repository.git(&["hash-object", "-w", "a.txt"]);
    repository.git(&["update-ref", REF, blob.trim()]);
    let foreign = git::anchor(repository.path(), &signed("x", 1)).unwrap_err();
    assert_eq!(foreign.told(), "refs/waymark/checkpoints leads to no commit");
    // A file where the ref's folder would be stops every user, the superuser included.
    repository.git(&["update-ref", "-d", REF]);
    repository.git(&["update-ref", "refs/waymark", "HEAD"]);
    let error = git::anchor(repository.path(), &signed("x", 1)).unwrap_err();
    assert!(matches!(error, AnchorError::Git(_)), "{}", error.told());
    let error = file::anchor(repository.path(), &signed("x", 1)).unwrap_err();
    assert!(error.told().starts_with("could not open"), "{}", error.told());
}

#[test]
fn a_file_of_anchors_reads_back_whatever_was_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anchors");
    file::anchor(&path, &signed("log", 1)).unwrap();
    file::anchor(&path, &signed("other", 1)).unwrap();
    file::anchor(&path, &signed("log", 1)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(anchors::notes(&text).whole, [signed("log", 1).note, signed("other", 1).note]);
    std::fs::write(&path, format!("{text}log\n2\nAg")).unwrap();
    file::anchor(&path, &signed("log", 3)).unwrap();
    let saved = saved_in_file(&path).unwrap();
    let notes: Vec<&str> = saved.notes.iter().map(|saved| saved.note.as_str()).collect();
    assert_eq!(notes, [signed("log", 1).note, signed("other", 1).note, signed("log", 3).note]);
    assert_eq!(saved.remarks.len(), 1, "{:?}", saved.remarks);
}
