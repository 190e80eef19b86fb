//! What can go wrong with a client's files.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::edit::EditError;

/// A client could not be connected or taken back.
#[derive(Debug, Error)]
pub(crate) enum ConnectError {
    /// A file cannot be read.
    #[error("could not read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("could not write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no text.
    #[error("could not edit {0}: it is no UTF-8 text")]
    NotText(PathBuf),
    /// A file was left alone.
    #[error("could not edit {path}, and nothing was changed")]
    Edit {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EditError,
    },
    /// What was done earlier cannot be understood.
    #[error("could not understand {path}, which remembers what was changed")]
    Memory {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

impl ConnectError {
    /// What to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Read { .. } | Self::Write { .. } => "see who owns it and whether its folder can be written",
            Self::NotText(_) => "save it as UTF-8, then try again",
            Self::Edit { source: EditError::Syntax { .. }, .. } => "correct it there, then try again",
            Self::Edit { .. } => {
                "it holds something else than the client documents: correct that there, then try again"
            }
            Self::Memory { .. } => "the backups beside the client's files end in .waymark-backup",
        }
    }

    /// Whether the machine, rather than what is in the file, is in the way.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Read { .. } | Self::Write { .. })
    }
}
