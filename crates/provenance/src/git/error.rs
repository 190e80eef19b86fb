//! What can go wrong when git is asked, one variant for each thing a user can act on.

use std::io::Error as IoError;
use std::path::PathBuf;

use super::{CommitId, Kind};

/// Why git gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be started.
    #[error("git {operation}: cannot run git")]
    Unavailable {
        /// What was asked.
        operation: &'static str,
        /// Why not.
        source: IoError,
    },
    /// The answer broke off or is not in the form it must have.
    #[error("git {operation}: cannot read the answer")]
    Answer {
        /// What was asked.
        operation: &'static str,
        /// What is wrong with it.
        source: IoError,
    },
    /// Git refused, in its own words.
    #[error("git {operation}: {message}")]
    Failed {
        /// What was asked.
        operation: &'static str,
        /// The last line git said.
        message: String,
    },
    /// There is no repository there.
    #[error("not a git repository")]
    NotARepository,
    /// The working tree was asked for, and a bare repository has none.
    #[error("the repository is bare: it has no working tree, so name a commit")]
    NoWorkingTree,
    /// No commit, branch or tag has that name.
    #[error("unknown revision `{revision}`")]
    UnknownRevision {
        /// As it was asked for.
        revision: String,
    },
    /// A shortened id that fits several objects.
    #[error("revision `{revision}` is ambiguous: write more of the id")]
    AmbiguousRevision {
        /// As it was asked for.
        revision: String,
    },
    /// The name is an object's, but not a commit's.
    #[error("revision `{revision}` is not a commit")]
    NotACommit {
        /// As it was asked for.
        revision: String,
    },
    /// Not of the form `A..B` or `A...B`.
    #[error("`{range}` is not a range: write A..B")]
    NotARange {
        /// As it was asked for.
        range: String,
    },
    /// The path does not lie in the working tree.
    #[error("{} is outside the repository", path.display())]
    Outside {
        /// As it was asked for.
        path: PathBuf,
    },
    /// Nothing has that path.
    #[error("there is no `{path}` {}", place(commit.as_ref()))]
    NoSuchPath {
        /// From the root.
        path: String,
        /// Where it was looked for; nothing for the working tree.
        commit: Option<CommitId>,
    },
    /// The path is there, but is no file whose lines could be asked about.
    #[error("`{path}` is {kind}, not a file")]
    NotAFile {
        /// From the root.
        path: String,
        /// What it is.
        kind: Kind,
    },
    /// The file has no lines that could be told apart.
    #[error("`{path}` is {form}")]
    NotText {
        /// From the root.
        path: String,
        /// What it is instead.
        form: NotText,
    },
    /// The line asked for is not there.
    #[error("line {line} of `{path}`: the file has {lines} lines")]
    NoSuchLine {
        /// From the root.
        path: String,
        /// As it was asked for, from 1.
        line: u32,
        /// How many there are.
        lines: u32,
    },
    /// Something that history names is not in the object store: a damaged repository, a partial clone, or one that is
    /// rewritten while it is read.
    #[error("missing from the repository: {what}")]
    Missing {
        /// The object's id, or git's own words for it.
        what: String,
    },
    /// A shallow clone ends at this commit: what it changed cannot be known.
    #[error("the clone is shallow and ends at {commit}: what this commit changed is not known here")]
    Shallow {
        /// Whose parents are not there.
        commit: CommitId,
    },
    /// A file beside git could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: IoError,
    },
}

/// What a file is when it is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotText {
    /// It has NUL bytes.
    Binary,
    /// It stands for a file that Git LFS keeps elsewhere.
    LfsPointer,
    /// It is longer than [`super::content::MOST`].
    TooLarge,
}

impl std::fmt::Display for NotText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Binary => "binary",
            Self::LfsPointer => "kept by Git LFS, and git has only a pointer to it",
            Self::TooLarge => "too large to be read line by line",
        })
    }
}

fn place(commit: Option<&CommitId>) -> String {
    commit.map_or_else(|| "in the working tree".to_owned(), |commit| format!("in {commit}"))
}
