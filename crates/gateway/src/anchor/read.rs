//! Reading anchors back: every checkpoint of one log that a file or a repository holds, for `verify`.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;

use waymark_flash::Error;
use waymark_flash::git::{self, Git};
use waymark_ledger::anchors;

use super::AnchorError;
use super::git::{LONGEST, path};

/// Commits read of a repository at most, the newest of them.
const MOST: usize = 20_000;

/// Where every ref of checkpoints lies, those fetched from others included.
const REFS: &str = "refs/waymark";

/// A note found outside the ledger, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedNote {
    /// Where it was found, for people.
    pub place: String,
    /// The signed note.
    pub note: String,
}

/// The notes that one place holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedNotes {
    /// The notes, each once.
    pub notes: Vec<SavedNote>,
    /// What was seen beside them, a line each.
    pub remarks: Vec<String>,
}

/// Reads a file of checkpoints: one note, or an anchor file with many.
pub fn saved_in_file(file: &Path) -> Result<SavedNotes, AnchorError> {
    let failed = |source| AnchorError::File { operation: "read", path: file.to_owned(), source };
    let text = fs::read(file).map_err(failed)?;
    let found = anchors::notes(&String::from_utf8_lossy(&text));
    let place = file.display().to_string();
    let mut saved = SavedNotes::default();
    if found.cut > 0 {
        let pieces = if found.cut == 1 { "one piece that is" } else { "pieces that are" };
        saved.remarks.push(format!("{place} has {pieces} no checkpoint, as a write that was cut off leaves"));
    }
    let mut seen = HashSet::new();
    let whole = found.whole.into_iter().filter(|note| seen.insert(note.clone()));
    saved.notes.extend(whole.map(|note| SavedNote { place: place.clone(), note }));
    Ok(saved)
}

/// Reads what the refs below `refs/waymark/` of the repository that `directory` lies in hold of the log `origin`, every
/// version there was.
pub fn saved_in_repository(directory: &Path, origin: &str) -> Result<SavedNotes, AnchorError> {
    let git = Git::discover(directory)?;
    let file = path(origin).join("/");
    let commits = commits(&git, &file)?;
    let mut saved = SavedNotes::default();
    if commits.len() > MOST {
        saved
            .remarks
            .push(format!("{REFS} has more than {MOST} checkpoints of this log; the newest are read"));
    }
    let commits = &commits[..commits.len().min(MOST)];
    let names: Vec<String> = commits.iter().map(|commit| format!("{commit}:{file}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut seen = HashSet::new();
    git.blobs(&names, LONGEST, |at, bytes| {
        let Some(note) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) else { return };
        if seen.insert(note.clone()) {
            let place = format!("{}, commit {}", git.directory().display(), short(&commits[at]));
            saved.notes.push(SavedNote { place, note });
        }
    })?;
    let others = others(&git, &file)?;
    if !others.is_empty() {
        saved.remarks.push(format!("{REFS} also has checkpoints of other logs: {}", others.join(", ")));
    }
    Ok(saved)
}

/// The commits that changed the file, the newest first.
fn commits(git: &Git, file: &str) -> Result<Vec<String>, Error> {
    let tips = tips(git)?;
    if tips.is_empty() {
        return Ok(Vec::new());
    }
    let mut list = git.command();
    list.args(["rev-list", "--full-history", &format!("--max-count={}", MOST + 1), "--stdin", "--", file]);
    let answer = git::answer(&mut list, "rev-list", tips.as_bytes())?;
    Ok(String::from_utf8_lossy(&answer).lines().map(str::to_owned).collect())
}

/// The names of the commits that the refs lead to, a line each.
fn tips(git: &Git) -> Result<String, Error> {
    let mut list = git.command();
    list.args(["for-each-ref", "--format=%(objecttype) %(objectname)", REFS]);
    let answer = git::answer(&mut list, "for-each-ref", b"")?;
    let answer = String::from_utf8_lossy(&answer);
    let names = answer.lines().filter_map(|line| line.strip_prefix("commit "));
    Ok(names.map(|name| format!("{name}\n")).collect())
}

/// The other logs whose checkpoints the refs hold now.
fn others(git: &Git, file: &str) -> Result<Vec<String>, Error> {
    let mut others = BTreeSet::new();
    for tip in tips(git)?.lines() {
        let mut list = git.command();
        list.args(["ls-tree", "-r", "-z", "--name-only", "--full-tree", tip]);
        let answer = git::answer(&mut list, "ls-tree", b"")?;
        let names = String::from_utf8_lossy(&answer);
        let logs = names
            .split('\0')
            .filter(|name| *name != file)
            .filter_map(|name| name.strip_suffix("/checkpoint"));
        others.extend(logs.map(str::to_owned));
    }
    Ok(others.into_iter().collect())
}

fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
