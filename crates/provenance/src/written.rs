//! Code that a model put out, as text.

pub use waymark_ledger::emission::{Form, Role};

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
    /// Whether it is a block of a chat whose file the model was shown, or a part of it, which had the lines that it adds nowhere
    /// near.
    pub seen: bool,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What the line is to the file.
    pub role: Role,
    /// Its text, without the line end.
    pub text: String,
    /// Whether lines of the file may be left out before it: it begins a hunk, or a mark stands there for them.
    pub apart: bool,
    /// How often the file that the model was shown had it, where that made it context; otherwise 0.
    pub shown: u32,
}
