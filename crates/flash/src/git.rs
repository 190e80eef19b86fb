//! Everything that is asked of git, always by running `git` itself: its answers are what the user's own git says.
//!
//! No command of the model's writes to the repository, runs its hooks, or reaches the network. Other rooms that need git
//! start from [`Git::command`], so that the wall is built once.

use std::io::{BufRead, BufReader, Error as IoError, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use crate::error::Error;

/// A repository, found.
#[derive(Debug, Clone)]
pub struct Git {
    /// The working tree; nothing for a bare repository.
    pub(crate) work_tree: Option<PathBuf>,
    /// Where this working tree's HEAD lies.
    pub(crate) git_dir: PathBuf,
    /// Where the refs shared by all working trees lie.
    pub(crate) shared_dir: PathBuf,
    directory: PathBuf,
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The file mode, in octal digits.
    pub(crate) mode: String,
    /// The blob's object name.
    pub(crate) object: String,
    /// The blob's size, when git knows without reading it.
    pub(crate) size: Option<u64>,
    /// The path from the repository's root.
    pub(crate) path: String,
}

/// What git sets for one repository, its hooks' children included: `git rev-parse --local-env-vars`, but for what only
/// carries configuration, and the quarantine of a push that is under way.
const LOCAL_VARIABLES: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

fn command(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory);
    // A repository's own settings must not make reading it run programs or reach the network.
    command.args(["-c", "core.fsmonitor=false", "-c", "core.quotepath=off", "-c", "protocol.allow=never"]);
    for variable in LOCAL_VARIABLES {
        command.env_remove(variable);
    }
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0");
    command.env("LC_ALL", "C");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn failure(operation: &'static str, stderr: &[u8]) -> Error {
    let text = String::from_utf8_lossy(stderr);
    let message = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("failed").trim();
    Error::Git { operation, message: message.to_owned() }
}

fn malformed(operation: &'static str) -> Error {
    Error::GitAnswer { operation, source: IoError::from(ErrorKind::InvalidData) }
}

fn run(command: &mut Command, operation: &'static str) -> Result<Output, Error> {
    command.output().map_err(|source| Error::GitUnavailable { operation, source })
}

fn text_of(bytes: Vec<u8>, operation: &'static str) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| malformed(operation))
}

/// Runs a command to its end with `input` on its stdin, and returns what it answered. The input is taken in before the
/// answer is read: it must be what the command reads whole before it answers.
pub fn answer(command: &mut Command, operation: &'static str, input: &[u8]) -> Result<Vec<u8>, Error> {
    let started = command.stdin(Stdio::piped()).spawn();
    let mut child = started.map_err(|source| Error::GitUnavailable { operation, source })?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
    let output = child.wait_with_output().map_err(|source| Error::GitAnswer { operation, source })?;
    if !output.status.success() {
        return Err(failure(operation, &output.stderr));
    }
    // A command that failed has said so better than the pipe it closed.
    written.map_err(|source| Error::GitAnswer { operation, source })?;
    Ok(output.stdout)
}

impl Git {
    /// Finds the repository that holds a path.
    pub fn discover(path: &Path) -> Result<Self, Error> {
        const OPERATION: &str = "rev-parse";
        let directory = if path.is_file() { path.parent().unwrap_or(path) } else { path };
        if !directory.is_dir() {
            return Err(Error::NotARepository { path: path.to_owned() });
        }
        let mut ask = command(directory);
        ask.args(["rev-parse", "--path-format=absolute", "--is-bare-repository", "--git-dir"]);
        ask.arg("--git-common-dir");
        let output = run(&mut ask, OPERATION)?;
        if !output.status.success() {
            let not_one = String::from_utf8_lossy(&output.stderr).contains("not a git repository");
            return Err(if not_one {
                Error::NotARepository { path: path.to_owned() }
            } else {
                failure(OPERATION, &output.stderr)
            });
        }
        let answer = text_of(output.stdout, OPERATION)?;
        let mut lines = answer.lines();
        let bare = lines.next() == Some("true");
        let git_dir = PathBuf::from(lines.next().ok_or_else(|| malformed(OPERATION))?);
        let shared_dir = PathBuf::from(lines.next().ok_or_else(|| malformed(OPERATION))?);
        let work_tree = if bare { None } else { Self::top_level(directory)? };
        let directory = work_tree.clone().unwrap_or_else(|| git_dir.clone());
        Ok(Self { work_tree, git_dir, shared_dir, directory })
    }

    /// The working tree's root; nothing inside the git directory itself.
    fn top_level(directory: &Path) -> Result<Option<PathBuf>, Error> {
        let output = run(command(directory).args(["rev-parse", "--show-toplevel"]), "rev-parse")?;
        if !output.status.success() {
            return Ok(None);
        }
        let answer = text_of(output.stdout, "rev-parse")?;
        Ok(Some(PathBuf::from(answer.trim_end_matches('\n'))))
    }

    /// A git command in this repository, to be given its arguments. The environment's own repository and the
    /// repository's programs do not reach it, nor does it reach the network.
    pub fn command(&self) -> Command {
        command(&self.directory)
    }

    /// The working tree's root, else the repository itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn ask(&self, operation: &'static str, args: &[&str]) -> Result<Vec<u8>, Error> {
        let output = run(command(&self.directory).arg(operation).args(args), operation)?;
        if output.status.success() { Ok(output.stdout) } else { Err(failure(operation, &output.stderr)) }
    }

    /// The commit a revision names; nothing when it names none (a repository without commits).
    pub(crate) fn commit(&self, revision: &str) -> Result<Option<String>, Error> {
        let revision = format!("{revision}^{{commit}}");
        let mut ask = command(&self.directory);
        let output = run(ask.args(["rev-parse", "--verify", "--quiet", &revision]), "rev-parse")?;
        if !output.status.success() {
            return Ok(None);
        }
        Ok(Some(text_of(output.stdout, "rev-parse")?.trim().to_owned()))
    }

    /// The files of a commit's tree, in git's order. Paths that are not UTF-8 are left out.
    pub(crate) fn tree(&self, commit: &str) -> Result<Vec<Entry>, Error> {
        let sized = self.ask("ls-tree", &["-r", "-z", "-l", "--full-tree", commit]);
        // A partial clone cannot tell the size of what it lacks.
        let listing = sized.or_else(|_| self.ask("ls-tree", &["-r", "-z", "--full-tree", commit]))?;
        let records = listing.split(|&byte| byte == 0).filter(|record| !record.is_empty());
        Ok(records.filter_map(|record| parse_entry(std::str::from_utf8(record).ok()?)).collect())
    }

    /// Tracked files whose saved text is not the commit's; every tracked file when there is no commit.
    pub(crate) fn dirty(&self, commit: Option<&str>) -> Result<Vec<String>, Error> {
        if self.work_tree.is_none() {
            return Ok(Vec::new());
        }
        let listing = match commit {
            Some(commit) => self.ask(
                "diff",
                &["--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules", commit, "--"],
            )?,
            None => self.ask("ls-files", &["-z"])?,
        };
        Ok(nul_separated(&listing))
    }

    /// Those of the paths that git tracks.
    pub(crate) fn tracked(&self, paths: &[String]) -> Result<Vec<String>, Error> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["-z", "--"];
        args.extend(paths.iter().map(String::as_str));
        let listing =
            run(command(&self.directory).arg("--literal-pathspecs").arg("ls-files").args(&args), "ls-files")?;
        Ok(nul_separated(&listing.stdout))
    }

    /// First-parent commits without merges, the newest first, each with its parent.
    pub(crate) fn history(&self, limit: usize) -> Result<Vec<(String, String)>, Error> {
        let limit = format!("-n{limit}");
        let listing =
            self.ask("log", &["--first-parent", "--no-merges", "--format=%H %P", &limit, "HEAD", "--"])?;
        let listing = text_of(listing, "log")?;
        Ok(listing
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(commit, parent)| (commit.to_owned(), parent.to_owned()))
            .collect())
    }

    /// The changed hunks of a commit against its parent, as a patch without context lines. A renamed file comes as
    /// one deleted and one added.
    pub(crate) fn patch(&self, parent: &str, commit: &str) -> Result<Vec<u8>, Error> {
        self.ask(
            "diff",
            &[
                "-U0",
                "--no-color",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
                "--src-prefix=a/",
                "--dst-prefix=b/",
                "--full-index",
                parent,
                commit,
                "--",
            ],
        )
    }

    /// Reads blobs, in order, with one process: `each` gets the place in `objects` and the bytes. Blobs longer than
    /// `longest`, or missing, come as nothing.
    pub fn blobs(
        &self,
        objects: &[&str],
        longest: u64,
        mut each: impl FnMut(usize, Option<Vec<u8>>),
    ) -> Result<(), Error> {
        const OPERATION: &str = "cat-file";
        if objects.is_empty() {
            return Ok(());
        }
        let mut child = command(&self.directory)
            .args([OPERATION, "--batch"])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| Error::GitUnavailable { operation: OPERATION, source })?;
        let answer = |source| Error::GitAnswer { operation: OPERATION, source };
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let read = std::thread::scope(|scope| -> Result<(), Error> {
            // Asking and reading run side by side: either pipe alone could fill up and stop both ends.
            let asking = stdin.map(|stdin| scope.spawn(move || write_names(stdin, objects)));
            let mut stdout = BufReader::new(stdout.ok_or_else(|| malformed(OPERATION))?);
            for place in 0..objects.len() {
                each(place, read_blob(&mut stdout, longest).map_err(answer)?);
            }
            drop(stdout);
            match asking.map(|thread| thread.join()) {
                Some(Ok(written)) => written.map_err(answer),
                _ => Err(malformed(OPERATION)),
            }
        });
        finish(&mut child, read.is_err());
        read
    }
}

/// Ends a child: after a failure it may still be waiting to write.
fn finish(child: &mut Child, failed: bool) {
    if failed {
        // Already ended is as good as killed.
        let _ = child.kill();
    }
    let _ = child.wait();
}

fn write_names(stdin: ChildStdin, objects: &[&str]) -> std::io::Result<()> {
    let mut stdin = std::io::BufWriter::new(stdin);
    for object in objects {
        stdin.write_all(object.as_bytes())?;
        stdin.write_all(b"\n")?;
    }
    stdin.flush()
}

/// Reads one answer of `cat-file --batch`.
fn read_blob(stdout: &mut impl BufRead, longest: u64) -> std::io::Result<Option<Vec<u8>>> {
    let mut header = String::new();
    if stdout.read_line(&mut header)? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let mut words = header.split_ascii_whitespace().skip(1);
    let kind = words.next();
    let Some(size) = words.next().and_then(|size| size.parse::<u64>().ok()) else {
        return Ok(None);
    };
    if kind != Some("blob") || size > longest {
        std::io::copy(&mut stdout.take(size + 1), &mut std::io::sink())?;
        return Ok(None);
    }
    let mut bytes = vec![0; size as usize];
    stdout.read_exact(&mut bytes)?;
    stdout.read_exact(&mut [0])?;
    Ok(Some(bytes))
}

fn nul_separated(listing: &[u8]) -> Vec<String> {
    let records = listing.split(|&byte| byte == 0).filter(|record| !record.is_empty());
    records.filter_map(|record| String::from_utf8(record.to_vec()).ok()).collect()
}

fn parse_entry(record: &str) -> Option<Entry> {
    let (facts, path) = record.split_once('\t')?;
    let mut facts = facts.split_ascii_whitespace();
    let mode = facts.next()?.to_owned();
    let _kind = facts.next()?;
    let object = facts.next()?.to_owned();
    let size = facts.next().and_then(|size| size.parse().ok());
    Some(Entry { mode, object, size, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_records_are_parsed_with_and_without_a_size() {
        let sized = parse_entry("100644 blob abc      12\ta b.rs").unwrap();
        assert_eq!((sized.size, sized.path.as_str()), (Some(12), "a b.rs"));
        let unsized_entry = parse_entry("160000 commit abc\tmodule").unwrap();
        assert_eq!((unsized_entry.size, unsized_entry.mode.as_str()), (None, "160000"));
    }

    #[test]
    fn long_and_missing_blobs_come_as_nothing_and_the_next_one_is_read() {
        let mut stream: &[u8] = b"a blob 4\nlong\nb missing\nc blob 2\nok\n";
        assert_eq!(read_blob(&mut stream, 3).unwrap(), None);
        assert_eq!(read_blob(&mut stream, 3).unwrap(), None);
        assert_eq!(read_blob(&mut stream, 3).unwrap(), Some(b"ok".to_vec()));
        assert!(read_blob(&mut stream, 3).is_err());
    }
}
