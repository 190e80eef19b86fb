//! Which commit wrote a line, by `git blame`.
//!
//! Lines that moved within their file ([`super::moves`]) and lines that were only indented anew (`-w`) stay with the commit
//! that wrote them, but not what was written again beside what stays. Commits that a repository wants ignored are not: what
//! they changed is theirs.
//!
//! A file in the working tree is blamed down to `HEAD`, and `HEAD`'s file from there ([`super::walk`]).

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use super::content::{self, Content};
use super::porcelain::Origin;
use super::process::{malformed, tell};
use super::walk::{File, Origins, Pair, answered, arguments};
use super::{Blob, CommitId, GitError, Kind, NotText, Repository};

pub(crate) const OPERATION: &str = "blame";
/// One line of a file, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlameLine {
    /// Its number, from 1.
    pub number: u32,
    /// The commit that wrote it; nothing for a line that is not committed.
    pub commit: Option<CommitId>,
    /// Its number in that commit's file, from 1.
    pub original: u32,
    /// The file's path in that commit.
    pub path: Arc<str>,
    /// The commit before, and the file's path there; nothing where the file was new.
    pub previous: Option<(CommitId, Arc<str>)>,
    /// Whether a shallow clone ends at that commit: it or any before it wrote the line.
    pub is_boundary: bool,
    /// Whether that commit is older than was asked for: it or any before it wrote the line.
    pub is_older: bool,
    /// Its bytes without the line feed; UTF-16 as UTF-8.
    pub text: Vec<u8>,
}

impl Repository {
    /// Where the lines of a file come from: all of them, or some, from 1. `at` is the commit whose file it is; nothing for
    /// the working tree's, where lines may be uncommitted.
    ///
    /// To ask for few lines is quick where they are young. To ask for all of them makes later questions about the file
    /// quick, if there is a shadow.
    pub fn blame(
        &self,
        at: Option<&CommitId>,
        path: &str,
        lines: Option<RangeInclusive<u32>>,
    ) -> Result<Vec<BlameLine>, GitError> {
        self.blame_since(at, path, lines, None)
    }

    /// The same as far back as `since`, in seconds since 1970: of what was committed before, only that it was is told.
    pub fn blame_since(
        &self,
        at: Option<&CommitId>,
        path: &str,
        lines: Option<RangeInclusive<u32>>,
        since: Option<i64>,
    ) -> Result<Vec<BlameLine>, GitError> {
        if path.is_empty() {
            return Err(GitError::NotAFile { path: ".".to_owned(), kind: Kind::Folder });
        }
        let Some(commit) = at else { return self.blame_working(path, lines, since) };
        let bytes = self.committed(commit, path)?;
        let file = File { commit: *commit, path: path.into(), texts: texts(path, &bytes)?.into(), since };
        let wanted = wanted(&file.path, file.texts.len(), lines)?;
        let origins = self.origins(&file, &wanted)?;
        self.assembled(&wanted, origins, &file.texts, since)
    }

    fn assembled(
        &self,
        wanted: &[u32],
        mut origins: Origins,
        texts: &[Vec<u8>],
        since: Option<i64>,
    ) -> Result<Vec<BlameLine>, GitError> {
        let line = |&number: &u32| {
            let origin = origins.remove(&number)?;
            let is_older = origin.is_before(since);
            let Origin { commit, line, path, previous, .. } = origin;
            let is_boundary = commit.is_some_and(|commit| self.boundary.contains(&commit));
            let text = texts.get(number as usize - 1)?.clone();
            Some(BlameLine { number, commit, original: line, path, previous, is_boundary, is_older, text })
        };
        wanted.iter().map(line).collect::<Option<_>>().ok_or_else(|| malformed(OPERATION))
    }

    /// The bytes of a commit's file.
    pub(crate) fn committed(&self, commit: &CommitId, path: &str) -> Result<Vec<u8>, GitError> {
        match self.blob(&format!("{commit}:{path}"), content::MOST)? {
            Blob::Text(bytes) => Ok(bytes),
            Blob::TooLarge(_) => Err(GitError::NotText { path: path.to_owned(), form: NotText::TooLarge }),
            Blob::Missing | Blob::NotABlob => Err(self.why_not(commit, path)?),
        }
    }

    /// Why a commit has no file at a path.
    fn why_not(&self, commit: &CommitId, path: &str) -> Result<GitError, GitError> {
        let nowhere = || GitError::NoSuchPath { path: path.to_owned(), commit: Some(*commit) };
        Ok(match self.entry(commit, path)? {
            None => nowhere(),
            Some(entry) => match entry.kind {
                kind @ (Kind::Submodule | Kind::Folder) => GitError::NotAFile { path: entry.path, kind },
                _ => GitError::Missing { what: format!("blob {} (`{path}`)", entry.id) },
            },
        })
    }
}

impl Repository {
    fn blame_working(
        &self,
        path: &str,
        lines: Option<RangeInclusive<u32>>,
        since: Option<i64>,
    ) -> Result<Vec<BlameLine>, GitError> {
        let top = self.top.as_ref().ok_or(GitError::NoWorkingTree)?;
        let head = self.head()?;
        if self.is_in_submodule(head.as_ref(), path)? {
            return Err(GitError::NotAFile { path: path.to_owned(), kind: Kind::Submodule });
        }
        let bytes = working(&top.join(path), path)?;
        let texts = texts(path, &bytes)?;
        let wanted = wanted(path, texts.len(), lines)?;
        let Some(head) = head else {
            return self.assembled(&wanted, uncommitted(path, &wanted), &texts, since);
        };
        let before = match self.blob(&format!("{head}:{path}"), content::MOST)? {
            Blob::Text(before) => Some(before),
            _ => None,
        };
        if before.as_ref() == Some(&bytes) {
            let file = File { commit: head, path: path.into(), texts: texts.into(), since };
            let origins = self.origins(&file, &wanted)?;
            return self.assembled(&wanted, origins, &file.texts, since);
        }
        if before.as_deref().and_then(content::not_text) == Some(NotText::LfsPointer) {
            return Err(GitError::NotText { path: path.to_owned(), form: NotText::LfsPointer });
        }
        let mut walked = match self.overlay(&head, path, &bytes, before.is_some()) {
            Ok(walked) => walked,
            // Nor was it renamed from a file that is.
            Err(GitError::Failed { message, .. }) if message.starts_with("no such path") => {
                uncommitted(path, &wanted)
            }
            Err(error) => return Err(error),
        };
        self.take_back_moves(&mut walked, &bytes);
        walked.retain(|number, _| wanted.binary_search(number).is_ok());
        let walked = self.followed(walked, None, since)?.ok_or_else(|| malformed(OPERATION))?;
        // A merge that is not committed has more sides than `HEAD`'s.
        let walked = self.with_moves(walked, since, None)?;
        self.assembled(&wanted, walked.origins, &texts, since)
    }

    /// Lets lines that moved in the working file come from where they were before.
    fn take_back_moves(&self, walked: &mut Origins, bytes: &[u8]) {
        let uncommitted = walked.iter().filter(|(_, origin)| origin.commit.is_none());
        let written: Vec<Pair> = uncommitted.clone().map(|(number, origin)| (*number, origin.line)).collect();
        let Some(before) = uncommitted.into_iter().find_map(|(_, origin)| origin.previous.clone()) else {
            return;
        };
        for ((commit, path), lines) in self.moved(walked, &before, bytes, &written) {
            for (number, line) in lines {
                let (commit, path) = (Some(commit), path.clone());
                let origin = Origin { commit, line, path, previous: None, is_boundary: true, time: i64::MAX };
                walked.insert(number, origin);
            }
        }
    }

    fn is_in_submodule(&self, head: Option<&CommitId>, path: &str) -> Result<bool, GitError> {
        let Some((head, top)) = head.zip(self.top.as_ref()) else { return Ok(false) };
        let folders = Path::new(path).ancestors().filter(|part| !part.as_os_str().is_empty());
        // It is a folder, and has a `.git` of its own once it is checked out.
        let may_be =
            top.join(path).is_dir() || folders.into_iter().any(|part| top.join(part).join(".git").exists());
        Ok(may_be && self.entry(head, path)?.is_some_and(|entry| entry.kind == Kind::Submodule))
    }

    /// Which of a working file's lines are not those of `HEAD`: a walk of one step. It runs in the user's repository, as
    /// git takes the working file for a child of the ref `HEAD`. The index says what was renamed, and is not read where it
    /// need not be.
    fn overlay(
        &self,
        head: &CommitId,
        path: &str,
        bytes: &[u8],
        is_in_head: bool,
    ) -> Result<Origins, GitError> {
        let mut command = self.git();
        if is_in_head {
            command.env("GIT_INDEX_FILE", self.git_dir.join("no-index"));
        }
        // Attributes name programs that git runs on a working file; this tree has none.
        command.env("GIT_ATTR_SOURCE", self.empty_tree());
        command.args(["-c", "core.autocrlf=false"]);
        let mut command = arguments(command);
        command.args(["--contents", "-", &format!("^{head}"), "--", path]);
        answered(&tell(&mut command, OPERATION, bytes)?)
    }
}

/// The bytes of a file in the working tree, as git would take them.
fn working(file: &Path, path: &str) -> Result<Vec<u8>, GitError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            GitError::NoSuchPath { path: path.to_owned(), commit: None }
        }
        _ => GitError::File { path: file.to_owned(), source },
    };
    let facts = file.symlink_metadata().map_err(failed)?;
    if facts.is_symlink() {
        let target = std::fs::read_link(file).map_err(failed)?;
        return Ok(target.into_os_string().into_encoded_bytes());
    }
    if !facts.is_file() {
        return Err(GitError::NotAFile { path: path.to_owned(), kind: Kind::Folder });
    }
    if facts.len() > content::MOST {
        return Err(GitError::NotText { path: path.to_owned(), form: NotText::TooLarge });
    }
    std::fs::read(file).map_err(failed)
}

/// The texts of a file's lines, numbered as git numbers them.
pub(crate) fn texts(path: &str, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GitError> {
    let not_text = |form| GitError::NotText { path: path.to_owned(), form };
    if let Some(form) = content::not_text(bytes) {
        return Err(not_text(form));
    }
    let split: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    if content::is_utf_16(bytes)
        && let Content::Lines(lines) = content::lines(bytes)
    {
        // Git ends a line at every such byte, also at one inside a character: then the numbers are not ours.
        let ends = lines.len() - usize::from(!lines.is_empty() && !ends_in_feed(bytes));
        return if split.len() - 1 == ends {
            Ok(lines.into_iter().map(String::into_bytes).collect())
        } else {
            Err(not_text(NotText::Binary))
        };
    }
    let open = split.last().is_some_and(|last| !last.is_empty());
    Ok(split[..split.len() - usize::from(!open)].iter().map(|line| line.to_vec()).collect())
}

/// Whether UTF-16 text ends its last line.
fn ends_in_feed(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\0") && bytes[0] == 0xff || bytes.ends_with(b"\0\n") && bytes[0] == 0xfe
}

/// The numbers asked for, which must all be there.
fn wanted(path: &str, count: usize, lines: Option<RangeInclusive<u32>>) -> Result<Vec<u32>, GitError> {
    let count = count as u32;
    let Some(lines) = lines else { return Ok((1..=count).collect()) };
    let beyond = [*lines.start(), *lines.end()].into_iter().find(|line| !(1..=count).contains(line));
    match beyond {
        Some(line) => Err(GitError::NoSuchLine { path: path.to_owned(), line, lines: count }),
        None => Ok(lines.collect()),
    }
}

fn uncommitted(path: &str, wanted: &[u32]) -> Origins {
    let path: Arc<str> = path.into();
    let origin = |line| Origin {
        commit: None,
        line,
        path: path.clone(),
        previous: None,
        is_boundary: false,
        time: i64::MAX,
    };
    wanted.iter().map(|&line| (line, origin(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_as_git_numbers_them() {
        let count = |bytes: &[u8]| texts("f", bytes).map(|texts| texts.len());
        assert_eq!(count(b"").unwrap(), 0);
        assert_eq!(count(b"a\r\nb").unwrap(), 2);
        assert_eq!(count(b"a\rb\n\n").unwrap(), 2);
        assert_eq!(count(b"\xff\xfea\0\n\0").unwrap(), 1);
        assert_eq!(count(b"\xfe\xff\0a\0\n\0b").unwrap(), 2);
        assert!(count(b"\xff\xfe\x0a\x01\n\0").is_err(), "U+010A is one line end to git, and none to us");
        assert!(count(b"a\0b").is_err());
    }

    #[test]
    fn lines_that_are_not_there_are_told() {
        assert_eq!(wanted("f", 3, None).unwrap(), [1, 2, 3]);
        assert_eq!(wanted("f", 3, Some(2..=3)).unwrap(), [2, 3]);
        for lines in [0..=1, 3..=4, 9..=9] {
            let error = wanted("f", 3, Some(lines)).unwrap_err();
            assert!(matches!(error, GitError::NoSuchLine { lines: 3, .. }), "{error}");
        }
    }
}
