//! Others' formats for what is known of lines: notes, traces, statements, trailers, and a page for a review.
//!
//! Nothing here reads a repository or a log. What is written says of every line what is known and no more: a line of
//! which nothing is known is left out or called unknown, and never a person's for want of a model.

mod attributed;
pub mod in_toto;
mod lines;
mod markdown;
pub mod note;
mod summary;
pub mod trace;
pub mod trailer;

pub use attributed::{Answer, Commit, File, LeafPlace, Span, lines_sha256};
pub use lines::{LineSet, Lines};
pub use markdown::LONGEST;
pub use summary::{Counts, Group, LineClass, SUMMARY_SCHEMA, Summary};
