//! The live buffer around a cursor, lexed.

use crate::document::{Lexed, NEWLINE, Vocabulary};
use crate::lexer::is_word;

/// How much text before the cursor is read, in bytes.
const BEFORE: usize = 48_000;

/// How much text after the cursor is read, in bytes.
const AFTER: usize = 24_000;

/// A text with a cursor in it.
pub(crate) struct Buffer<'a> {
    /// The text before the cursor, from the start of a line.
    pub(crate) before: Lexed,
    pub(crate) before_numbers: Vec<u32>,
    /// The text after the cursor.
    pub(crate) after: Lexed,
    pub(crate) after_numbers: Vec<u32>,
    /// The first token after the cursor that is not on its line.
    pub(crate) next_line: usize,
    /// Lines before the part that was read.
    pub(crate) lines_skipped: u32,
    /// Lines before the cursor's.
    pub(crate) lines_before: u32,
    /// Tokens before the cursor on its line.
    pub(crate) line_tokens: usize,
    /// The identifier the cursor stands right behind, which may be unfinished.
    pub(crate) partial: Option<&'a str>,
    /// A blank stands right before the cursor, or nothing does.
    pub(crate) blank_before: bool,
    /// What the cursor's line already has behind it, without blanks around.
    pub(crate) rest: &'a str,
}

impl<'a> Buffer<'a> {
    /// Lexes the text around a cursor.
    pub(crate) fn new(vocabulary: &Vocabulary, prefix: &'a str, suffix: &'a str) -> Self {
        let window = &prefix[window_start(prefix, BEFORE)..];
        let lines = |text: &str| memchr::memchr_iter(b'\n', text.as_bytes()).count() as u32;
        let (before, before_numbers) = Lexed::against(window.into(), vocabulary);
        let following = &suffix[..window_end(suffix)];
        let (after, after_numbers) = Lexed::against(following.into(), vocabulary);
        let first_line = suffix.find('\n').unwrap_or(suffix.len());
        let next_line =
            (0..after.len()).find(|&token| after.start(token) > first_line).unwrap_or(after.len());
        let line_start = window.rfind('\n').map_or(0, |at| at + 1);
        let line_tokens =
            (0..before.len()).rev().take_while(|&token| before.start(token) >= line_start).count();
        let word = window.len() - window.trim_end_matches(is_word).len();
        Self {
            next_line,
            line_tokens,
            lines_skipped: lines(&prefix[..prefix.len() - window.len()]),
            lines_before: lines(prefix),
            partial: (word > 0).then(|| &window[window.len() - word..]),
            blank_before: window.chars().next_back().is_none_or(char::is_whitespace),
            rest: suffix[..first_line].trim(),
            before,
            before_numbers,
            after,
            after_numbers,
        }
    }

    /// Lexer tokens read.
    pub(crate) fn tokens(&self) -> usize {
        self.before_numbers.len() + self.after_numbers.len()
    }

    /// The next line's first tokens, for comparing with what follows a copy.
    pub(crate) fn next_line_tokens(&self) -> &[u32] {
        let following = &self.after_numbers[self.next_line..];
        let end = following.iter().position(|&number| number == NEWLINE).unwrap_or(following.len());
        &following[..end]
    }
}

/// Where the last `most` bytes of a text begin.
pub(crate) fn window_start(prefix: &str, most: usize) -> usize {
    if prefix.len() <= most {
        return 0;
    }
    let bytes = prefix.as_bytes();
    let from = bytes.len() - most;
    // From the start of a line; a line longer than the window is cut where a character begins.
    match memchr::memchr(b'\n', &bytes[from..]) {
        Some(at) => from + at + 1,
        None => prefix.ceil_char_boundary(from),
    }
}

fn window_end(suffix: &str) -> usize {
    if suffix.len() <= AFTER {
        return suffix.len();
    }
    match memchr::memrchr(b'\n', &suffix.as_bytes()[..AFTER]) {
        Some(at) => at,
        None => suffix.floor_char_boundary(AFTER),
    }
}
