//! How a commit came about, hand by hand. Tools that learn from hooks in assistants and editors see this, and only this.

use std::collections::BTreeMap;

/// Whose hand it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Person,
    /// The emission with this number.
    Assistant(usize),
    Formatter,
}

/// A file after a hand has gone over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) path: String,
    pub(crate) by: By,
    pub(crate) text: String,
}

/// A commit, and how it came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) subject: String,
    pub(crate) moments: Vec<Moment>,
    /// The files as they are committed; none where one went.
    pub(crate) texts: BTreeMap<String, Option<String>>,
}
