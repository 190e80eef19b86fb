//! Runs one git command to its end, and reads its failures.

use std::io::{Error as IoError, ErrorKind, Write};
use std::process::{Command, Output, Stdio};

use super::GitError;

/// Git's words for an object that is named and not there.
const MISSING: [&str; 9] = [
    "bad object",
    "bad tree object",
    "not a tree object",
    "could not read",
    "cannot read",
    "unable to read",
    "unable to find",
    "could not get object info",
    "lazy fetching disabled",
];

/// Runs it; the exit status is the caller's to judge.
pub(crate) fn run(command: &mut Command, operation: &'static str) -> Result<Output, GitError> {
    command.output().map_err(|source| GitError::Unavailable { operation, source })
}

/// What it says, if it succeeds.
pub(crate) fn ask(command: &mut Command, operation: &'static str) -> Result<Vec<u8>, GitError> {
    let output = run(command, operation)?;
    if output.status.success() { Ok(output.stdout) } else { Err(failure(operation, &output.stderr)) }
}

/// The option that ends a walk at commits from before a time, in seconds since 1970: in git's own form, since a bare number
/// may be read as a date.
pub(crate) fn since(time: i64) -> String {
    format!("--since=@{time} +0000")
}

/// Runs it with `input` on its stdin. The input is given whole before the answer is read: it must be what the command
/// takes in before it answers.
pub(crate) fn tell(
    command: &mut Command,
    operation: &'static str,
    input: &[u8],
) -> Result<Vec<u8>, GitError> {
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.map_err(|source| GitError::Unavailable { operation, source })?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input));
    let output = child.wait_with_output().map_err(|source| GitError::Answer { operation, source })?;
    if !output.status.success() {
        return Err(failure(operation, &output.stderr));
    }
    // A command that failed has said so better than the pipe it closed.
    written.map_err(|source| GitError::Answer { operation, source })?;
    Ok(output.stdout)
}

/// The error that git's own words stand for.
pub(crate) fn failure(operation: &'static str, stderr: &[u8]) -> GitError {
    let text = String::from_utf8_lossy(stderr);
    // Advice and warnings follow and precede the one line that matters.
    let fatal = text.lines().rev().find(|line| line.starts_with("fatal:"));
    let last = || text.lines().rev().find(|line| !line.trim().is_empty());
    let message = fatal.or_else(last).unwrap_or("failed").trim();
    let message = message.strip_prefix("fatal: ").unwrap_or(message);
    if message.starts_with("not a git repository") {
        return GitError::NotARepository;
    }
    let lower = message.to_ascii_lowercase();
    if MISSING.iter().any(|words| lower.contains(words)) {
        return GitError::Missing { what: message.to_owned() };
    }
    GitError::Failed { operation, message: message.to_owned() }
}

/// The answer is not in the form it must have.
pub(crate) fn malformed(operation: &'static str) -> GitError {
    GitError::Answer { operation, source: IoError::from(ErrorKind::InvalidData) }
}

/// A path as text. One that is not UTF-8 loses what is not, always in the same way.
pub(crate) fn path_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_its_fatal_line() {
        let said = b"warning: a\nfatal: cannot read blob 12\nhint: run this\n";
        assert!(
            matches!(failure("blame", said), GitError::Missing { what } if what == "cannot read blob 12")
        );
        assert!(matches!(failure("blame", b""), GitError::Failed { message, .. } if message == "failed"));
    }
}
