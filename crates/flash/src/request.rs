//! What is asked of the model and what it answers.

use serde::Serialize;

/// How far [`Flash::open`](crate::Flash::open) has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Asking git which files the commit holds.
    Listing,
    /// Reading and lexing files.
    Reading {
        /// Files read so far.
        done: usize,
        /// Files to read.
        total: usize,
    },
    /// Sorting the suffixes.
    Indexing {
        /// Tokens to sort.
        tokens: usize,
    },
    /// The model is ready.
    Done,
}

/// A cursor in a text.
#[derive(Debug, Clone, Copy, Default)]
pub struct CompletionRequest<'a> {
    /// The text before the cursor.
    pub prefix: &'a str,
    /// The text after the cursor.
    pub suffix: &'a str,
    /// The file being edited, relative to the repository or absolute, when the client says.
    pub path: Option<&'a str>,
    /// Decline below this confidence; [`DEFAULT_THRESHOLD`](crate::DEFAULT_THRESHOLD) when absent.
    pub threshold: Option<f64>,
    /// Suggest at most this many lexer tokens.
    pub max_tokens: Option<u32>,
}

/// The answer to a [`CompletionRequest`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Completion {
    /// The model's version; the same version answers the same request the same way.
    pub version: String,
    /// The rest of the line, or nothing when the model declines.
    pub suggestion: Option<Suggestion>,
    /// Why the model declines, when it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined: Option<Declined>,
    /// The best candidate's confidence, even when declined.
    pub confidence: f64,
    /// Lexer tokens read before and after the cursor.
    pub prompt_tokens: u64,
    /// Lexer tokens suggested.
    pub completion_tokens: u64,
}

/// Why the model declines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Declined {
    /// It is not sure enough, or has nothing to say.
    #[serde(rename = "low_confidence")]
    LowConfidence,
    /// What it would say does not fit what surrounds the cursor.
    #[serde(rename = "syntax_gate")]
    Syntax,
}

impl Declined {
    /// Its code in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LowConfidence => "low_confidence",
            Self::Syntax => "syntax_gate",
        }
    }
}

/// Text to put at the cursor, and where it stands already.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suggestion {
    /// The rest of the current line, without its newline.
    pub text: String,
    /// The calibrated probability that this is exactly the rest of the line.
    pub confidence: f64,
    /// Lines that contain the text, the most similar first.
    pub citations: Vec<Citation>,
}

/// One line that contains the suggested text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Citation {
    /// The file, relative to the repository; the request's own path (or nothing) for the live buffer.
    pub path: String,
    /// The line, counted from one.
    pub line: u32,
    /// The commit indexed; nothing for a saved edit not committed yet or the live buffer.
    pub commit: Option<String>,
    /// The licence the file is under, as an SPDX expression, when the repository says.
    pub licence: Option<String>,
    /// What kind of text this was.
    pub source: Source,
}

/// What kind of text a citation points into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file as committed.
    Commit,
    /// A file saved but not committed.
    SavedEdit,
    /// The text being edited.
    Buffer,
}

/// What the model holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Stats {
    /// Files indexed, saved edits included.
    pub files: usize,
    /// Lexer tokens indexed.
    pub tokens: usize,
    /// Lines indexed.
    pub lines: usize,
    /// Bytes of text indexed.
    pub bytes: usize,
    /// How long reading and indexing took.
    pub seconds: f64,
    /// Files and tokens per language, the largest first.
    pub languages: Vec<LanguageShare>,
    /// The commit indexed; nothing when there is none yet.
    pub commit: Option<String>,
    /// Why files were left out, and how many for each reason.
    pub skipped: Vec<(&'static str, usize)>,
}

/// One language's part of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LanguageShare {
    /// The language's usual name.
    pub language: &'static str,
    /// Files in it.
    pub files: usize,
    /// Lexer tokens in it.
    pub tokens: usize,
}
