//! A bare repository beside the user's, which has its objects and a commit-graph of its own.
//!
//! Walking a long history is quick only with a commit-graph that knows which paths each commit changed, and nothing may be
//! written to the user's repository unasked. So the graph lies in a repository that borrows the user's objects
//! (`objects/info/alternates`) and has no refs: it is asked by full ids only. It also has none of the user's attributes
//! and settings for one repository. Whatever lies in the folder can be made again; it may be deleted at any time.

use std::fs::{File, TryLockError};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::failure;
use super::{Asking, CommitId, GitError, Repository};

const OPERATION: &str = "commit-graph";
/// Git writes such a file beside one that it is about to replace, and never over one.
const LOCKS: [&str; 2] =
    ["objects/info/commit-graph.lock", "objects/info/commit-graphs/commit-graph-chain.lock"];

/// A file that is locked as long as this is: a process that is just being started has a copy of it for a moment, which would
/// hold the lock on.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it unlocks it, too, only later.
        let _ = self.0.unlock();
    }
}

/// What asking for a fresh graph came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// There is no shadow: none was given, or the clone is shallow, where a graph would not say where history ends.
    Without,
    /// It knows all of `HEAD`'s history already.
    Current,
    /// It was written.
    Written,
    /// Somebody else is writing it.
    Busy,
}

#[derive(Debug)]
pub(crate) struct Shadow {
    folder: PathBuf,
}

impl Repository {
    /// Keeps what makes long histories quick to walk in a folder, which must be this repository's alone; it is made where it
    /// is not there. A shallow clone does without.
    pub fn with_shadow(mut self, folder: &Path) -> Result<Self, GitError> {
        if self.is_shallow() {
            return Ok(self);
        }
        let failed = |source| GitError::File { path: folder.to_owned(), source };
        let folder = std::path::absolute(folder).map_err(failed)?;
        self.shadow = Some(Shadow::make(folder, &self.common_dir.join("objects"), self.is_sha256)?);
        Ok(self)
    }

    /// Brings the shadow up to `HEAD`: seconds for a hundred thousand commits the first time, little after that. `progress`
    /// is told how many commits of how many are done.
    pub fn refresh(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Refreshed, GitError> {
        let Some(shadow) = &self.shadow else { return Ok(Refreshed::Without) };
        match self.head()? {
            Some(head) if !shadow.covers(&head) => shadow.refresh(&self.asking, &head, progress),
            _ => Ok(Refreshed::Current),
        }
    }

    pub(crate) fn usable_shadow(&self) -> Option<&Shadow> {
        self.shadow.as_ref().filter(|shadow| shadow.chain().exists())
    }
}

impl Shadow {
    fn make(folder: PathBuf, objects: &Path, is_sha256: bool) -> Result<Self, GitError> {
        let shadow = Self { folder };
        let config = if is_sha256 {
            "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
        } else {
            "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
        };
        let alternates = alternates(objects);
        let is_same = |path: &str, bytes: &[u8]| {
            std::fs::read(shadow.folder.join(path)).is_ok_and(|found| found == bytes)
        };
        let is_made =
            || is_same("objects/info/alternates", &alternates) && is_same("config", config.as_bytes());
        if is_made() {
            return Ok(shadow);
        }
        // One at a time: the others find it made.
        shadow.at("", |path| std::fs::create_dir_all(path))?;
        let lock = Lock(shadow.at("lock", |path| File::create(path))?);
        shadow.at("lock", |_| lock.0.lock())?;
        if is_made() {
            return Ok(shadow);
        }
        // What was made from other objects does not hold for these.
        shadow.remove_all("objects/info/commit-graphs")?;
        shadow.remove_all("blames")?;
        shadow.remove_all("covered")?;
        for part in ["refs", "objects/info", "objects/pack", "blames"] {
            shadow.at(part, |path| std::fs::create_dir_all(path))?;
        }
        shadow.at("HEAD", |path| std::fs::write(path, "ref: refs/heads/none\n"))?;
        shadow.at("config", |path| std::fs::write(path, config))?;
        shadow.at("objects/info/alternates", |path| std::fs::write(path, &alternates))?;
        Ok(shadow)
    }

    /// A git command that asks the shadow, by full ids.
    pub(crate) fn git(&self, asking: &Asking) -> Command {
        let mut command = asking.git();
        command.arg("-C").arg(&self.folder).env("GIT_DIR", &self.folder);
        command.args(["-c", "core.commitGraph=true", "-c", "commitGraph.readChangedPaths=true"]);
        command
    }

    /// Where blames are kept.
    pub(crate) fn blames(&self) -> PathBuf {
        self.folder.join("blames")
    }

    fn chain(&self) -> PathBuf {
        self.folder.join("objects/info/commit-graphs/commit-graph-chain")
    }

    fn covers(&self, commit: &CommitId) -> bool {
        let covered = std::fs::read_to_string(self.folder.join("covered")).unwrap_or_default();
        covered.trim().parse() == Ok(*commit) && self.chain().exists()
    }

    fn refresh(
        &self,
        asking: &Asking,
        head: &CommitId,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Refreshed, GitError> {
        let path = self.folder.join("lock");
        let failed = |source| GitError::File { path: path.clone(), source };
        let lock = Lock(File::create(&path).map_err(failed)?);
        match lock.0.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Refreshed::Busy),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Whoever made these is gone: the lock is ours.
        for lock in LOCKS {
            self.remove_all(lock)?;
        }
        if self.write(asking, head, progress).is_err() {
            // Commits that the graph has may be gone from the repository: without it, nothing asks for them.
            self.remove_all("objects/info/commit-graphs")?;
            self.write(asking, head, progress)?;
        }
        self.at("covered", |path| std::fs::write(path, format!("{head}\n")))?;
        Ok(Refreshed::Written)
    }

    fn write(
        &self,
        asking: &Asking,
        head: &CommitId,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), GitError> {
        let answer = |source| GitError::Answer { operation: OPERATION, source };
        let mut command = self.git(asking);
        command.args([OPERATION, "write", "--split", "--changed-paths", "--stdin-commits", "--progress"]);
        command.env("GIT_PROGRESS_DELAY", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|source| GitError::Unavailable { operation: OPERATION, source })?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that failed says so better than the pipe it closed.
            let _ = writeln!(stdin, "{head}");
        }
        let said = child.stderr.take().map_or(Ok(Vec::new()), |stderr| watch(stderr, progress));
        let status = child.wait().map_err(answer)?;
        if !status.success() {
            return Err(failure(OPERATION, &said.map_err(answer)?));
        }
        Ok(())
    }

    fn at<T>(&self, part: &str, act: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<T, GitError> {
        let path = self.folder.join(part);
        act(&path).map_err(|source| GitError::File { path, source })
    }

    /// Removes a file or a folder, if it is there.
    fn remove_all(&self, part: &str) -> Result<(), GitError> {
        self.at(part, |path| {
            let removed =
                if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
            removed.or_else(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
        })
    }
}

/// The file that names the borrowed objects: one folder a line, quoted where git would misread it.
fn alternates(objects: &Path) -> Vec<u8> {
    let path = objects.as_os_str().as_encoded_bytes();
    let mut line = Vec::with_capacity(path.len() + 1);
    if path.contains(&b'\n') || path.starts_with(b"\"") || path.starts_with(b"#") {
        line.push(b'"');
        for &byte in path {
            match byte {
                b'\n' => line.extend_from_slice(b"\\n"),
                b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
                _ => line.push(byte),
            }
        }
        line.push(b'"');
    } else {
        line.extend_from_slice(path);
    }
    line.push(b'\n');
    line
}

/// Reads what git says while it works. Gives back what is no progress.
fn watch(stderr: impl Read, progress: &mut dyn FnMut(u64, u64)) -> std::io::Result<Vec<u8>> {
    let mut said = Vec::new();
    let mut line = Vec::new();
    for byte in BufReader::new(stderr).bytes() {
        let byte = byte?;
        // A line of progress is written over by the next.
        if byte != b'\r' && byte != b'\n' {
            line.push(byte);
            continue;
        }
        match done_of(&String::from_utf8_lossy(&line)) {
            Some((done, of)) => progress(done, of),
            None if byte == b'\n' => said.extend(line.drain(..).chain([byte])),
            None => {}
        }
        line.clear();
    }
    said.append(&mut line);
    Ok(said)
}

/// Reads `Computing commit changed paths Bloom filters:  12% (12000/100000)`: the step that takes the time.
fn done_of(line: &str) -> Option<(u64, u64)> {
    let (title, rest) = line.split_once(':')?;
    let (done, of) = rest.split_once('(')?.1.split_once(')')?.0.split_once('/')?;
    title.contains("Bloom").then_some(())?;
    Some((done.parse().ok()?, of.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_and_the_rest_is_kept() {
        let said = "Collecting commits from input: 1, done.\nComputing Bloom filters:   1% (1/90)\r\
                    Computing Bloom filters: 100% (90/90), done.\nfatal: no\n";
        let mut steps = Vec::new();
        let rest = watch(said.as_bytes(), &mut |done, of| steps.push((done, of))).unwrap();
        assert_eq!(steps, [(1, 90), (90, 90)]);
        assert!(String::from_utf8(rest).unwrap().ends_with("fatal: no\n"));
    }

    #[test]
    fn a_lock_is_free_at_its_end_whoever_has_a_copy_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::create(folder.path().join("lock")).unwrap();
        let lock = Lock(open());
        lock.0.lock().unwrap();
        let _copy = lock.0.try_clone().unwrap();
        assert!(open().try_lock().is_err());
        drop(lock);
        open().try_lock().unwrap();
    }

    #[test]
    fn folders_that_git_would_misread_are_quoted() {
        assert_eq!(alternates(Path::new("/a b/objects")), b"/a b/objects\n");
        assert_eq!(alternates(Path::new("/a\n\"b")), b"\"/a\\n\\\"b\"\n");
    }
}
