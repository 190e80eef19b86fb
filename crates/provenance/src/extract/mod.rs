//! Reads the code out of answers.

use waymark_protocol::neutral::Prompt;

use crate::Written;

/// The code in an answer.
pub fn written(_text: &str, _calls: &[(String, String)]) -> Vec<Written> {
    Vec::new()
}

/// A completion at a cursor.
pub fn completion(_path: Option<&str>, _prefix: &str, _text: &str, _suffix: &str) -> Option<Written> {
    None
}

/// Turns what the model had only read into context.
pub fn set_apart(_written: &mut [Written], _prompt: &Prompt) {}
