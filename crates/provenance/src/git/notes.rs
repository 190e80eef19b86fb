//! Notes of commits, read and written in thousands.
//!
//! A note lies in the tree of a ref, at the path of the commit's id; git puts slashes after pairs of digits as notes become
//! many (git's `git-notes` documentation).

use std::collections::BTreeMap;
use std::io::Write;

use super::objects::read_all;
use super::process::{malformed, run, tell};
use super::{Blob, CommitId, GitError, ObjectId, Repository, TreeFile};

/// Up to as many commits, each is looked for by itself; for more, the whole tree is listed.
const FEW: usize = 64;
/// How many pairs of digits become folders, at most, where commits are looked for one by one.
const DEEPEST: usize = 3;
/// The longest note that is read, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;
/// How often notes are written again, when somebody else wrote some in between.
const ATTEMPTS: usize = 3;
/// Who writes notes where the user has not said who they are.
const OURS: &str = "Waymark <waymark@localhost>";

impl Repository {
    /// The notes of those of the commits that have one, in the order asked. A ref that is not there has none.
    pub fn notes(&self, reference: &str, commits: &[CommitId]) -> Result<Vec<(CommitId, Vec<u8>)>, GitError> {
        let Some(tip) = self.notes_tip(&full(reference)?)? else { return Ok(Vec::new()) };
        if commits.len() <= FEW {
            self.notes_one_by_one(&tip, commits)
        } else {
            self.notes_listed(&tip, commits)
        }
    }

    /// When the oldest commit that has a note was committed, in seconds since 1970; none where none has. A commit that is
    /// gone does not count.
    pub fn oldest_noted(&self, reference: &str) -> Result<Option<i64>, GitError> {
        const OPERATION: &str = "rev-list";
        let Some(tip) = self.notes_tip(&full(reference)?)? else { return Ok(None) };
        let noted = self.noted(&tip)?.into_keys();
        let noted: String = noted.map(|commit| format!("{commit}\n")).collect();
        let mut command = self.git();
        command.args([OPERATION, "--no-walk=unsorted", "--ignore-missing", "--timestamp", "--stdin"]);
        let listing = tell(&mut command, OPERATION, noted.as_bytes())?;
        let time = |line: &str| line.split_once(' ')?.0.parse().ok();
        String::from_utf8_lossy(&listing).lines().map(time).try_fold(None, |oldest: Option<i64>, time| {
            let time: i64 = time.ok_or_else(|| malformed(OPERATION))?;
            Ok(Some(oldest.map_or(time, |oldest| oldest.min(time))))
        })
    }

    /// The notes that a notes commit has, by the commits they are of.
    fn noted(&self, tip: &ObjectId) -> Result<BTreeMap<CommitId, ObjectId>, GitError> {
        let files = self.listing(&["-r", &tip.to_string()])?.into_iter();
        // Whatever else lies in the tree is no note.
        let note = |file: TreeFile| Some((file.path.replace('/', "").parse().ok()?, file.id));
        Ok(files.filter_map(note).collect())
    }

    fn notes_one_by_one(
        &self,
        tip: &ObjectId,
        commits: &[CommitId],
    ) -> Result<Vec<(CommitId, Vec<u8>)>, GitError> {
        let mut notes = Vec::new();
        // The depth of the last one found is the likely one of the next.
        let mut likely = 0;
        for commit in commits {
            let hex = commit.to_string();
            for depth in std::iter::once(likely).chain((0..=DEEPEST).filter(|&depth| depth != likely)) {
                let spec = format!("{tip}:{}", fanned_out(&hex, depth));
                if let Blob::Text(note) = self.blob(&spec, LONGEST)? {
                    notes.push((*commit, note));
                    likely = depth;
                    break;
                }
            }
        }
        Ok(notes)
    }

    fn notes_listed(
        &self,
        tip: &ObjectId,
        commits: &[CommitId],
    ) -> Result<Vec<(CommitId, Vec<u8>)>, GitError> {
        let blobs = self.noted(tip)?;
        let noted: Vec<CommitId> =
            commits.iter().copied().filter(|commit| blobs.contains_key(commit)).collect();
        let ids: Vec<ObjectId> = noted.iter().map(|commit| blobs[commit]).collect();
        let mut notes = Vec::with_capacity(ids.len());
        read_all(&self.asking, &ids, "blob", |place, bytes| {
            notes.extend(bytes.map(|bytes| (noted[place], bytes)));
        })?;
        Ok(notes)
    }

    /// Writes notes of commits, each in the place of the one that was there, as one commit on the ref. Neither the index nor
    /// the working tree is touched, and no hook runs. It is the user's commit, where git knows who the user is.
    pub fn add_notes(&self, reference: &str, notes: &[(CommitId, Vec<u8>)]) -> Result<(), GitError> {
        if notes.is_empty() {
            return Ok(());
        }
        let reference = full(reference)?;
        // The writing process leaves a report in the repository when it fails: it must not be asked in vain.
        let ids: Vec<CommitId> = notes.iter().map(|(commit, _)| *commit).collect();
        self.commits(&ids)?;
        let who = self.committer()?;
        let mut attempt = 1;
        loop {
            let before = self.notes_tip(&reference)?;
            let stream = stream(&reference, before.as_ref(), &who, notes)
                .map_err(|source| GitError::Answer { operation: "fast-import", source })?;
            let mut command = self.git();
            command.args(["-c", "core.hooksPath=/dev/null", "fast-import", "--quiet", "--done"]);
            command.arg("--date-format=now");
            match tell(&mut command, "fast-import", &stream) {
                Ok(_) => return Ok(()),
                // Somebody else moved the ref: their notes stay, and ours go on top.
                Err(_) if attempt < ATTEMPTS && self.notes_tip(&reference)? != before => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn notes_tip(&self, reference: &str) -> Result<Option<CommitId>, GitError> {
        let id = self.asking.named(&format!("{reference}^{{commit}}"))?;
        id.map(|id| CommitId::from_ascii(&id).ok_or_else(|| malformed("rev-parse"))).transpose()
    }

    /// `Name <email>`: the user's, if it is set and not guessed.
    fn committer(&self) -> Result<String, GitError> {
        let mut command = self.git();
        command.args(["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]);
        let output = run(&mut command, "var")?;
        let ident = String::from_utf8_lossy(&output.stdout);
        let who = ident.rfind('>').map(|end| &ident[..=end]);
        Ok(who.filter(|_| output.status.success()).unwrap_or(OURS).to_owned())
    }
}

/// The ref's full name, as git makes it of a short one.
fn full(reference: &str) -> Result<String, GitError> {
    let full = if reference.starts_with("refs/notes/") {
        reference.to_owned()
    } else if let Some(rest) = reference.strip_prefix("notes/") {
        format!("refs/notes/{rest}")
    } else {
        format!("refs/notes/{reference}")
    };
    // The name goes into a stream of lines.
    if full.contains(|c: char| c.is_control() || c == ' ') {
        return Err(GitError::UnknownRevision { revision: reference.to_owned() });
    }
    Ok(full)
}

/// The id with slashes after its first pairs of digits.
fn fanned_out(hex: &str, depth: usize) -> String {
    let mut path = String::with_capacity(hex.len() + depth);
    for pair in 0..depth {
        path.push_str(&hex[pair * 2..pair * 2 + 2]);
        path.push('/');
    }
    path.push_str(&hex[depth * 2..]);
    path
}

/// What `git fast-import` is told (its documentation, "Input Format").
fn stream(
    reference: &str,
    before: Option<&CommitId>,
    who: &str,
    notes: &[(CommitId, Vec<u8>)],
) -> std::io::Result<Vec<u8>> {
    const MESSAGE: &str = "Notes added by waymark\n";
    let mut stream = Vec::new();
    write!(stream, "commit {reference}\ncommitter {who} now\ndata {}\n{MESSAGE}", MESSAGE.len())?;
    if let Some(before) = before {
        writeln!(stream, "from {before}")?;
    }
    for (commit, note) in notes {
        write!(stream, "N inline {commit}\ndata {}\n", note.len())?;
        stream.extend_from_slice(note);
        stream.push(b'\n');
    }
    stream.extend_from_slice(b"done\n");
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_named_as_git_names_them() {
        for name in ["ai", "notes/ai", "refs/notes/ai"] {
            assert_eq!(full(name).unwrap(), "refs/notes/ai");
        }
        assert!(full("a\nreset refs/heads/main").is_err());
    }

    #[test]
    fn slashes_stand_after_pairs() {
        assert_eq!(fanned_out("abcdef", 0), "abcdef");
        assert_eq!(fanned_out("abcdef", 2), "ab/cd/ef");
    }
}
