//! Failures as a person meets them: what happened, what to do next, and the exit code.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use crate::terminal::{BOLD_RED, DIM};

/// The check failed: something does not verify, or is not there.
pub(crate) const CHECK_FAILED: u8 = 1;
/// The command was used wrongly, or configured wrongly.
pub(crate) const USAGE: u8 = 2;
/// Something needed cannot be reached: a port, a folder, a server.
pub(crate) const UNREACHABLE: u8 = 3;

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
    quiet: bool,
}

/// Tells on stderr what is no answer. Talk that nobody hears must not stop the work.
pub(crate) fn talk(words: impl Display) {
    let _ = writeln!(anstream::stderr(), "{words}");
}

impl Failure {
    /// A failure with the exit code it ends in.
    pub(crate) fn new(code: u8, message: impl Display) -> Self {
        Self { code, message: message.to_string(), hint: None, quiet: false }
    }

    /// A failure told with all its causes.
    pub(crate) fn from_error(code: u8, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| cause.source());
        Self::new(code, causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}")))
    }

    /// What happened, without what to do next.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Adds what to do next.
    pub(crate) fn hint(self, hint: impl Display) -> Self {
        Self { hint: Some(hint.to_string()), ..self }
    }

    /// Tells it on stderr.
    pub(crate) fn report(&self) -> ExitCode {
        if self.quiet {
            return ExitCode::SUCCESS;
        }
        let mut stderr = anstream::stderr();
        // Nothing is left to do when even stderr cannot be written.
        let _ = writeln!(stderr, "{BOLD_RED}error:{BOLD_RED:#} {}", self.message);
        if let Some(hint) = &self.hint {
            let _ = writeln!(stderr, "{DIM}hint:{DIM:#} {hint}");
        }
        ExitCode::from(self.code)
    }
}

/// The failure of a file that could not be written.
pub(crate) fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::new(UNREACHABLE, format!("could not write {}: {error}", path.display()))
}

impl From<io::Error> for Failure {
    /// Stdout that was closed early, by `head` say, ends the command without a word.
    fn from(error: io::Error) -> Self {
        let quiet = error.kind() == io::ErrorKind::BrokenPipe;
        Self { quiet, ..Self::from_error(UNREACHABLE, &error) }
    }
}
