//! Notes, written and read.

use std::path::Path;

use waymark_provenance::git::{CommitId, GitError};
use waymark_testkit::{Repository, wait_until};

use super::{id, import, open, open_with};

fn many(repo: &mut Repository, count: usize) -> Vec<CommitId> {
    (0..count).map(|number| id(&repo.commit(&number.to_string()))).collect()
}

/// Every file of the folder with its bytes, objects left out.
fn state(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true if path.ends_with("objects") || path.ends_with("refs/notes") => {}
            true => state(&path, found),
            false => found.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
}

#[test]
fn notes_are_written_over_and_read_back_and_nothing_else_changes() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let commits = many(&mut repo, 3);
    repo.write("a", "changed\n");
    let hook = repo.path().join(".git/hooks/reference-transaction");
    std::fs::write(&hook, "#!/bin/sh\ntouch \"$GIT_DIR/../hooked\"\n").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    state(repo.path(), &mut before);
    let git = open(repo.path());
    assert_eq!(git.notes("ai", &commits).unwrap(), []);
    let note = |number: usize, text: &str| (commits[number], text.as_bytes().to_vec());
    git.add_notes("ai", &[note(0, "one\n"), note(1, "N inline x\ndata 3\n")]).unwrap();
    git.add_notes("refs/notes/ai", &[note(0, "other, without a line feed")]).unwrap();
    git.add_notes("ai", &[]).unwrap();
    state(repo.path(), &mut after);
    let changed: Vec<&String> =
        after.iter().filter(|file| !before.contains(file)).map(|(path, _)| path).collect();
    assert_eq!(changed, [""; 0]);
    let read = git.notes("notes/ai", &[commits[1], commits[2], commits[0]]).unwrap();
    assert_eq!(read, [note(1, "N inline x\ndata 3\n"), note(0, "other, without a line feed")]);
    let theirs = repo.git(&["notes", "--ref=ai", "show", &commits[1].to_string()]);
    assert_eq!(theirs, "N inline x\ndata 3\n");
    assert_eq!(repo.git(&["rev-list", "--count", "refs/notes/ai"]).trim(), "2");
    repo.git(&["fsck", "--strict"]);
}

#[test]
fn the_oldest_commit_with_a_note_is_told_by_its_time() {
    let mut repo = Repository::new();
    let commits = many(&mut repo, 4);
    let git = open(repo.path());
    assert_eq!(git.oldest_noted("ai").unwrap(), None);
    for number in [0, 2, 1] {
        repo.git(&["notes", "--ref=ai", "add", "-m", "a note", &commits[number].to_string()]);
    }
    let gone = commits[0].to_string();
    std::fs::remove_file(repo.path().join(".git/objects").join(&gone[..2]).join(&gone[2..])).unwrap();
    let time = git.commits(&commits[1..2]).unwrap()[0].committer.time;
    assert_eq!(git.oldest_noted("ai").unwrap(), Some(time));
}

#[test]
fn notes_in_folders_are_found_few_or_many() {
    let mut repo = Repository::new();
    let commits = many(&mut repo, 70);
    let git = open(repo.path());
    // Folders of every depth, beside each other, and something that is no note.
    let mut stream = String::from("commit refs/notes/ai\ncommitter A <a> 1 +0000\ndata 1\n.\n");
    for (number, commit) in commits.iter().enumerate() {
        let hex = commit.to_string();
        let path = match number % 4 {
            0 => hex.clone(),
            1 => format!("{}/{}", &hex[..2], &hex[2..]),
            2 => format!("{}/{}/{}", &hex[..2], &hex[2..4], &hex[4..]),
            _ => "README".to_owned(),
        };
        stream += &format!("M 644 inline {path}\ndata {}\n{number}\n", number.to_string().len());
    }
    import(&repo, &stream);
    let all = git.notes("ai", &commits).unwrap();
    assert_eq!(all.len(), commits.len() - commits.len() / 4);
    let mut few = Vec::new();
    for commits in commits.chunks(7) {
        few.extend(git.notes("ai", commits).unwrap());
    }
    assert_eq!(few, all);
    assert!(all.iter().all(|(commit, note)| {
        let number: usize = String::from_utf8_lossy(note).parse().unwrap();
        commits[number] == *commit
    }));
    // What is added joins them, and git still reads all of them.
    git.add_notes("ai", &[(commits[3], b"new".to_vec()), (commits[0], b"over".to_vec())]).unwrap();
    assert_eq!(git.notes("ai", &commits[..1]).unwrap(), [(commits[0], b"over".to_vec())]);
    assert_eq!(repo.git(&["notes", "--ref=ai", "show", &commits[3].to_string()]), "new");
    assert_eq!(repo.git(&["notes", "--ref=ai", "list"]).lines().count(), all.len() + 1);
}

#[test]
fn notes_are_the_users_where_git_knows_the_user() {
    let mut repo = Repository::new();
    let commits = many(&mut repo, 1);
    let notes = [(commits[0], b"note".to_vec())];
    let who = || repo.git(&["log", "-1", "--format=%cn <%ce>", "refs/notes/ai"]);
    open(repo.path()).add_notes("ai", &notes).unwrap();
    assert_eq!(who().trim(), "Waymark <waymark@localhost>");
    let git = open_with(repo.path(), &["user.name=Bo Example", "user.email=bo@example.com"]);
    git.add_notes("ai", &notes).unwrap();
    assert_eq!(who().trim(), "Bo Example <bo@example.com>");
}

#[test]
fn a_note_of_no_commit_leaves_nothing_behind() {
    let mut repo = Repository::new();
    let commits = many(&mut repo, 1);
    let git = open(repo.path());
    let notes = [(commits[0], b"note".to_vec()), (id(&"1".repeat(40)), b"note".to_vec())];
    assert!(matches!(git.add_notes("ai", &notes), Err(GitError::Missing { .. })));
    assert_eq!(git.notes("ai", &commits).unwrap(), []);
    let left = std::fs::read_dir(repo.path().join(".git")).unwrap();
    let reports = left.filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("fast_import_crash")
    });
    assert_eq!(reports.count(), 0);
    assert!(git.add_notes("a\nb", &notes[..1]).is_err());
}

#[test]
fn notes_written_at_once_are_all_there() {
    let mut repo = Repository::new();
    let commits = many(&mut repo, 3);
    std::thread::scope(|scope| {
        for commit in &commits {
            let git = open(repo.path());
            // Who comes too late three times is told so.
            let writes = move || git.add_notes("ai", &[(*commit, b"note".to_vec())]).is_ok();
            scope.spawn(move || wait_until("a note is written", writes));
        }
    });
    assert_eq!(open(repo.path()).notes("ai", &commits).unwrap().len(), commits.len());
}
