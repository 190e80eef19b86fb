//! Code that a model put out, as text.

/// A stretch of code that a model put out. It is text only between the answer and its fingerprints; the ledger never
/// keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file it is meant for, as the model wrote it: absolute or relative, with either kind of slash. Nothing where
    /// the answer does not say.
    pub path: Option<String>,
    /// The way it was put out.
    pub form: Form,
    /// Its lines, in order, without line ends.
    pub lines: Vec<Line>,
    /// Whether it goes to every place that fits, and not to one (`replace_all`).
    pub everywhere: bool,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What the line is to the file.
    pub role: Role,
    /// Its text, without the line end.
    pub text: String,
}

/// What a line is to the file it is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The model adds it.
    Added,
    /// It was there before, or was only read: it says where the others belong.
    Context,
    /// The model takes it away.
    Removed,
}

/// The way code is put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// A whole file.
    Write,
    /// A piece of a file in the place of another.
    Edit,
    /// Codex's `apply_patch`.
    Patch,
    /// A unified diff.
    Diff,
    /// A block that says what to search and what to put there, in the text of an answer.
    EditBlock,
    /// A shell's here-document that goes into a file.
    Shell,
    /// A fenced block in a chat.
    Fence,
    /// A completion at a cursor.
    Completion,
}
