//! What can go wrong while reading a repository or watching it. Completing never fails: it declines.

use std::path::PathBuf;

/// A failed operation of the embedded model, named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path is in no git repository.
    #[error("{} is not in a git repository", path.display())]
    NotARepository {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The `git` program could not be started.
    #[error("start git {operation}")]
    GitUnavailable {
        /// The git subcommand.
        operation: &'static str,
        /// Why it did not start.
        #[source]
        source: std::io::Error,
    },
    /// `git` ran and reported a failure.
    #[error("git {operation}: {message}")]
    Git {
        /// The git subcommand.
        operation: &'static str,
        /// The last line git wrote to its error stream.
        message: String,
    },
    /// Talking to a running `git` failed, or it answered out of form.
    #[error("read the answer of git {operation}")]
    GitAnswer {
        /// The git subcommand.
        operation: &'static str,
        /// What was wrong.
        #[source]
        source: std::io::Error,
    },
    /// The suffix array could not be built.
    #[error("sort the suffixes of {tokens} tokens: {message}")]
    Sort {
        /// How many tokens the corpus has.
        tokens: usize,
        /// What the sorter said.
        message: String,
    },
    /// The corpus has more tokens than positions can number.
    #[error("the corpus has {tokens} tokens, more than the index can number")]
    TooLarge {
        /// How many tokens the corpus has.
        tokens: usize,
    },
    /// The file watcher could not be started.
    #[error("watch the repository's files")]
    Watch(#[source] notify::Error),
    /// A thread could not be started.
    #[error("start the {name} thread")]
    Thread {
        /// Which thread.
        name: &'static str,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// This model holds no repository, so there is nothing to watch.
    #[error("this model holds no repository to watch")]
    NothingToWatch,
}
