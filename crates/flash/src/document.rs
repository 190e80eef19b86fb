//! Texts and their tokens: interned numbers, byte spans, line ends.

use std::hash::Hasher;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};

use crate::lexer::Lexer;

/// The number of the newline token.
pub(crate) const NEWLINE: u32 = 0;

/// Set in the number of a token that the vocabulary does not hold; the other bits are the text's hash. Such numbers
/// compare equal for equal texts, so buffers and saved edits need no vocabulary of their own.
const UNKNOWN: u32 = 1 << 31;

/// The number of every distinct token of the indexed corpus, by order of first appearance.
#[derive(Debug, Default, Clone)]
pub(crate) struct Vocabulary {
    by_hash: FxHashMap<u64, u32>,
    texts: Vec<Box<str>>,
}

fn hash(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

impl Vocabulary {
    /// How many numbers are taken, the newline's included.
    pub(crate) fn len(&self) -> u32 {
        self.texts.len() as u32 + 1
    }

    /// The text of a number, when it is a known token.
    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        self.texts.get((number as usize).checked_sub(1)?).map(AsRef::as_ref)
    }

    /// The number of a token; for an unknown one, a stand-in made of its hash.
    pub(crate) fn number(&self, text: &str) -> u32 {
        let hash = hash(text);
        match self.by_hash.get(&hash) {
            Some(&number) if self.text(number) == Some(text) => number,
            _ => UNKNOWN | hash as u32,
        }
    }

    /// The number of a token, taking a new one when it is unknown.
    fn intern(&mut self, text: &str) -> u32 {
        let hash = hash(text);
        match self.by_hash.get(&hash) {
            Some(&number) if self.text(number) == Some(text) => number,
            // Two texts with one hash: the second stays unknown, which only costs it its matches in the index.
            Some(_) => UNKNOWN | hash as u32,
            None => {
                self.texts.push(text.into());
                let number = self.texts.len() as u32;
                self.by_hash.insert(hash, number);
                number
            }
        }
    }
}

/// A text and its tokens' spans.
#[derive(Debug, Clone)]
pub(crate) struct Lexed {
    text: Arc<str>,
    starts: Vec<u32>,
    lens: Vec<u8>,
}

impl Lexed {
    /// Lexes a text; every token takes part in the vocabulary.
    pub(crate) fn interned(text: Arc<str>, vocabulary: &mut Vocabulary) -> (Self, Vec<u32>) {
        Self::with(text, |token| vocabulary.intern(token))
    }

    /// Lexes a text against a vocabulary that stays as it is.
    pub(crate) fn against(text: Arc<str>, vocabulary: &Vocabulary) -> (Self, Vec<u32>) {
        Self::with(text, |token| vocabulary.number(token))
    }

    fn with(text: Arc<str>, mut number: impl FnMut(&str) -> u32) -> (Self, Vec<u32>) {
        let (mut starts, mut lens, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        for span in Lexer::new(&text) {
            let start = span.start as usize;
            numbers.push(if span.newline {
                NEWLINE
            } else {
                number(&text[start..start + usize::from(span.len)])
            });
            starts.push(span.start);
            lens.push(span.len);
        }
        starts.shrink_to_fit();
        lens.shrink_to_fit();
        numbers.shrink_to_fit();
        (Self { text, starts, lens }, numbers)
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// How many tokens.
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The first byte of a token.
    pub(crate) fn start(&self, token: usize) -> usize {
        self.starts[token] as usize
    }

    /// The byte after a token.
    pub(crate) fn end(&self, token: usize) -> usize {
        self.starts[token] as usize + usize::from(self.lens[token])
    }

    /// A token's text.
    pub(crate) fn token(&self, token: usize) -> &str {
        &self.text[self.start(token)..self.end(token)]
    }

    /// The line a byte stands on, counted from one.
    pub(crate) fn line_of(&self, byte: usize) -> u32 {
        1 + memchr::memchr_iter(b'\n', &self.text.as_bytes()[..byte]).count() as u32
    }
}
