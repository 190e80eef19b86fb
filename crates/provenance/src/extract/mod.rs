//! From what an answer says to the code it puts out.
//!
//! An answer puts code out through its tool calls, whose arguments differ with the client (`tools` has the table), and in
//! its text: fenced blocks, blocks of search and replace, patches, diffs, calls as tags. [`written`] reads both. A
//! completion at a cursor is a form of its own ([`completion()`]). What a model puts out it may have read a moment before;
//! [`set_apart`] finds that.
//!
//! Nothing here fails: what cannot be read is no code. A stream that broke off, arguments that are no JSON, a block without
//! its end are read as far as they go.

mod apart;
mod around;
mod blocks;
mod completion;
mod diff;
mod fences;
mod javascript;
mod json;
mod lines;
mod markup;
mod patch;
mod paths;
mod piece;
mod shell;
mod shown;
mod text;
mod tools;
mod within;

#[cfg(test)]
mod tests;

pub use apart::set_apart;
pub use completion::completion;

use crate::{Role, Written};
use piece::Piece;

/// So much of an answer is read, in bytes.
const MOST: usize = 4 << 20;
/// Longer lines, in bytes, are data and not code.
const LONGEST_LINE: usize = 64 << 10;

/// The code in an answer: what its tool calls write, then what its text shows.
///
/// `calls` are the names of tools and their arguments as the model put them out: JSON, cut off or whole, or the free text of
/// a patch. At most 4 MiB of an answer are read, and lines longer than 64 KiB are left out. What changes nothing is not
/// there.
pub fn written(text: &str, calls: &[(String, String)]) -> Vec<Written> {
    let mut left = MOST;
    let mut pieces: Vec<Piece> = Vec::new();
    for (tool, arguments) in calls {
        let arguments = cut(arguments, left);
        left -= arguments.len();
        pieces.extend(tools::read(tool, arguments));
    }
    pieces.extend(text::read(cut(text, left)));
    pieces.into_iter().map(Piece::written).filter_map(without_data).collect()
}

/// The beginning of a text, of at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The code without lines that are data; nothing where it changes nothing then.
fn without_data(mut written: Written) -> Option<Written> {
    let mut apart = false;
    written.lines.retain_mut(|line| {
        line.apart |= std::mem::take(&mut apart);
        let is_code = line.text.len() <= LONGEST_LINE;
        apart = line.apart && !is_code;
        is_code
    });
    written.lines.iter().any(|line| line.role != Role::Context).then_some(written)
}
