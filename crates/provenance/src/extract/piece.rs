//! What one argument, block or tag puts out, before it is laid out in lines.

use super::lines;
use crate::{Form, Role, Written};

/// A piece of code as it was put out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Text that is all there is to say.
    New {
        /// The file.
        path: Option<String>,
        /// The way it was put out.
        form: Form,
        /// The text.
        text: String,
        /// Marks in it stand for code that is left out.
        has_marks: bool,
    },
    /// Text in the place of other text.
    Swap {
        /// The file.
        path: Option<String>,
        /// The way it was put out.
        form: Form,
        /// What was there.
        old: String,
        /// What takes its place.
        new: String,
        /// It does so wherever it is found.
        everywhere: bool,
    },
    /// What says of each line what it is: patches and diffs.
    Laid(Written),
}

impl Piece {
    /// A whole text.
    pub(super) fn whole(path: Option<String>, form: Form, text: impl Into<String>) -> Self {
        Self::New { path, form, text: text.into(), has_marks: false }
    }

    /// The same behind what the file has.
    pub(super) fn appended(self) -> Self {
        let mut written = self.written();
        written.lines.iter_mut().take(1).for_each(|first| first.apart = true);
        Self::Laid(written)
    }

    /// Puts a text behind what a script has just written into the same file. Whether it did.
    pub(super) fn goes_on(&mut self, into: Option<&str>, more: &str) -> bool {
        if self.path() != into {
            return false;
        }
        match self {
            Self::New { form: Form::Shell, text, .. } => text.push_str(more),
            Self::Laid(Written { form: Form::Shell, lines, .. }) => lines.extend(lines::added(more)),
            _ => return false,
        }
        true
    }

    /// The file it is for.
    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::New { path, .. } | Self::Swap { path, .. } => path.as_deref(),
            Self::Laid(written) => written.path.as_deref(),
        }
    }

    /// Its lines laid out.
    pub(super) fn written(self) -> Written {
        match self {
            Self::New { path, form, text, has_marks } => {
                let lines = if has_marks { lines::added_but_marks(&text) } else { lines::added(&text) };
                Written { path, form, lines, everywhere: false, seen: false }
            }
            Self::Swap { path, form, old, new, everywhere } => {
                Written { path, form, lines: lines::replaced(&old, &new), everywhere, seen: false }
            }
            Self::Laid(written) => Written { lines: lines::respaced(&written.lines), ..written },
        }
    }

    /// Its lines as they were and as they are to be, without comparing them.
    pub(super) fn sides(&self) -> [Vec<&str>; 2] {
        match self {
            Self::New { text, .. } => [Vec::new(), lines::split(text).collect()],
            Self::Swap { old, new, .. } => [lines::split(old).collect(), lines::split(new).collect()],
            Self::Laid(written) => [Role::Added, Role::Removed].map(|gone| {
                let side = written.lines.iter().filter(|line| line.role != gone);
                side.map(|line| line.text.as_str()).collect()
            }),
        }
    }
}
