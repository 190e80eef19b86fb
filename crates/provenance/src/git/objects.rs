//! Reads objects with one `git cat-file --batch` that goes on running.
//!
//! `--batch-command` would tell sizes before contents, but git has it only since 2.36. A blob that is longer than wanted
//! is told by its header, too: the process is ended then, and the next question starts another.

use std::io::{BufRead, BufReader, BufWriter, Error as IoError, ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use super::{Asking, GitError, ObjectId};

const OPERATION: &str = "cat-file";
const BLOB: &str = "blob";
/// Up to this, an unwanted object is read to its end; beyond, a new process is cheaper.
const CHEAP: u64 = 1024 * 1024;

/// A blob, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blob {
    /// Its bytes, of whatever kind they are.
    Text(Vec<u8>),
    /// It is longer than wanted: its size in bytes.
    TooLarge(u64),
    /// No such object, or no such path in the commit.
    Missing,
    /// A folder, a commit or a tag.
    NotABlob,
}

/// A running process that reads objects. It starts anew by itself after a failure.
pub struct Objects {
    asking: Asking,
    pipe: Option<Pipe>,
}

struct Pipe {
    _running: Running,
    stdin: BufWriter<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// What stands before an object's bytes.
enum Header {
    Missing,
    Found { kind: String, size: u64 },
}

impl std::fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Objects").field("running", &self.pipe.is_some()).finish_non_exhaustive()
    }
}

impl Objects {
    pub(crate) fn new(asking: Asking) -> Self {
        Self { asking, pipe: None }
    }

    /// Reads a blob by its id or as `COMMIT:path`, with full ids; nothing longer than `most` bytes.
    pub fn blob(&mut self, spec: &str, most: u64) -> Result<Blob, GitError> {
        let (id, path) = spec.split_once(':').unwrap_or((spec, ""));
        // Other names depend on refs that may change between two questions; and what git takes for relative to a
        // working tree ends the process.
        if id.parse::<ObjectId>().is_err() || path.starts_with("./") || path.starts_with("../") {
            return Ok(Blob::Missing);
        }
        let resolved;
        let spec = if path.contains('\n') {
            // A line feed ends a question, so this path is asked for in another way.
            let Some(id) = self.asking.named(spec)? else { return Ok(Blob::Missing) };
            resolved = String::from_utf8(id).unwrap_or_default();
            &resolved
        } else {
            spec
        };
        // Taken out until the answer is read whole: what a failure leaves is ended.
        let mut pipe = self.asked(spec)?;
        let answer = match header(&mut pipe.stdout).map_err(|source| damaged(spec, source))? {
            Header::Missing => Blob::Missing,
            Header::Found { kind: found, size } if found != BLOB || size > most => {
                let answer = if found == BLOB { Blob::TooLarge(size) } else { Blob::NotABlob };
                if size > CHEAP {
                    return Ok(answer);
                }
                content(&mut pipe.stdout, size).map_err(|source| damaged(spec, source))?;
                answer
            }
            Header::Found { size, .. } => {
                Blob::Text(content(&mut pipe.stdout, size).map_err(|source| damaged(spec, source))?)
            }
        };
        self.pipe = Some(pipe);
        Ok(answer)
    }

    /// A process that has been asked, and not yet answered.
    fn asked(&mut self, spec: &str) -> Result<Pipe, GitError> {
        let was_running = self.pipe.is_some();
        let mut pipe = self.running()?;
        let ask = |pipe: &mut Pipe| writeln!(pipe.stdin, "{spec}").and_then(|()| pipe.stdin.flush());
        match ask(&mut pipe) {
            // It ended while nobody asked.
            Err(_) if was_running => {
                pipe = self.running()?;
                ask(&mut pipe)
            }
            asked => asked,
        }
        .map_err(|source| GitError::Answer { operation: OPERATION, source })?;
        Ok(pipe)
    }

    fn running(&mut self) -> Result<Pipe, GitError> {
        if let Some(pipe) = self.pipe.take() {
            return Ok(pipe);
        }
        let (running, stdin, stdout) = start(&self.asking, &[])?;
        Ok(Pipe { _running: running, stdin: BufWriter::new(stdin), stdout: BufReader::new(stdout) })
    }

    pub(crate) fn start(&mut self) -> Result<(), GitError> {
        self.pipe = Some(self.running()?);
        Ok(())
    }
}

/// A process that is ended when nobody asks it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is as good as killed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(asking: &Asking, options: &[&str]) -> Result<(Running, ChildStdin, ChildStdout), GitError> {
    let unavailable = |source| GitError::Unavailable { operation: OPERATION, source };
    let mut command = asking.git();
    command.args([OPERATION, "--batch"]).args(options);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running(command.spawn().map_err(unavailable)?);
    match (running.0.stdin.take(), running.0.stdout.take()) {
        (Some(stdin), Some(stdout)) => Ok((running, stdin, stdout)),
        _ => Err(unavailable(IoError::from(ErrorKind::BrokenPipe))),
    }
}

/// Reads many objects of one kind with one process, in order. `each` gets the place in `ids`, and nothing for one that is
/// missing or of another kind.
pub(crate) fn read_all(
    asking: &Asking,
    ids: &[ObjectId],
    kind: &str,
    mut each: impl FnMut(usize, Option<Vec<u8>>),
) -> Result<(), GitError> {
    if ids.is_empty() {
        return Ok(());
    }
    let (running, stdin, stdout) = start(asking, &["--buffer"])?;
    let read = std::thread::scope(|scope| {
        // Asking and reading run side by side: either pipe alone could fill up and stop both ends.
        scope.spawn(move || write_ids(stdin, ids));
        let mut stdout = BufReader::new(stdout);
        let read = (0..ids.len()).try_for_each(|place| {
            let bytes = match header(&mut stdout)? {
                Header::Missing => None,
                Header::Found { kind: found, size } => {
                    let bytes = content(&mut stdout, size)?;
                    (found == kind).then_some(bytes)
                }
            };
            each(place, bytes);
            Ok(())
        });
        // Before the writer is waited for: a process that is not read any more would never end its part.
        drop(running);
        read
    });
    read.map_err(|source| GitError::Answer { operation: OPERATION, source })
}

/// A process that ended early has said so on its other pipe.
fn write_ids(stdin: ChildStdin, ids: &[ObjectId]) {
    let mut stdin = BufWriter::new(stdin);
    let _ = ids.iter().try_for_each(|id| writeln!(stdin, "{id}")).and_then(|()| stdin.flush());
}

/// Reads `<id> <kind> <size>`; anything else says that there is no such object.
fn header(stdout: &mut impl BufRead) -> std::io::Result<Header> {
    let mut line = Vec::new();
    stdout.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let [id, kind, size] = words[..] else { return Ok(Header::Missing) };
    let size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
    Ok(match (ObjectId::from_ascii(id), size) {
        (Some(_), Some(size)) => Header::Found { kind: String::from_utf8_lossy(kind).into_owned(), size },
        _ => Header::Missing,
    })
}

/// Reads an object's bytes and the line feed behind them.
fn content(stdout: &mut impl Read, size: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stdout.take(size).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != size {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    stdout.read_exact(&mut [0])?;
    Ok(bytes)
}

/// The process ends where an object cannot be read: one that is damaged.
fn damaged(spec: &str, source: IoError) -> GitError {
    if source.kind() == ErrorKind::UnexpectedEof {
        return GitError::Missing { what: format!("{spec} (damaged)") };
    }
    GitError::Answer { operation: OPERATION, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_header_is_one() {
        let found = |line: &str| match header(&mut line.as_bytes()) {
            Ok(Header::Found { kind, size }) => Some((kind, size)),
            Ok(Header::Missing) => None,
            Err(error) => panic!("{error}"),
        };
        let id = "a".repeat(40);
        assert_eq!(found(&format!("{id} blob 12\n")), Some(("blob".to_owned(), 12)));
        assert_eq!(found(&format!("{id} missing\n")), None);
        assert_eq!(found(&format!("{id}:a blob 12 missing\n")), None);
        assert_eq!(found(&format!("{id}:a blob 12\n")), None);
        assert!(header(&mut &b"cut off"[..]).is_err());
    }
}
