//! Where a value came from.

use std::fmt;

use serde::Serialize;

/// Where a value came from, weakest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Nobody said anything else.
    Default,
    /// It was found at start.
    Discovered {
        /// What gave it away: `ANTHROPIC_API_KEY is set`.
        how: String,
    },
    /// The configuration file says so.
    File {
        /// The file, as it was named.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1 in characters.
        #[serde(skip)]
        column: usize,
    },
    /// An environment variable says so.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The command line says so.
    Flag {
        /// The flag, dashes included.
        flag: &'static str,
    },
}

impl Origin {
    /// The place to look at, as compilers write it: with the column.
    pub(super) fn place(&self) -> String {
        match self {
            Self::File { path, line, column } => format!("{path}:{line}:{column}"),
            _ => self.to_string(),
        }
    }

    /// What problems are sorted by: the file's from top to bottom, then everything else.
    pub(super) fn rank(&self) -> (u8, usize, usize) {
        match self {
            Self::File { line, column, .. } => (0, *line, *column),
            Self::Environment { .. } => (1, 0, 0),
            Self::Flag { .. } => (2, 0, 0),
            Self::Discovered { .. } => (3, 0, 0),
            Self::Default => (4, 0, 0),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Discovered { how } => write!(f, "discovered: {how}"),
            Self::File { path, line, .. } => write!(f, "{path}:{line}"),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Flag { flag } => write!(f, "flag {flag}"),
        }
    }
}
