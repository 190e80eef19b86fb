//! Files saved but not committed: they stand in front of their indexed version until the next commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

use crate::base::Base;
use crate::document::{Lexed, NEWLINE};

/// Who said that a file was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The working tree was read.
    Disk,
    /// A caller handed the text over.
    Told,
}

/// One saved file.
#[derive(Debug)]
pub(crate) struct SavedFile {
    pub(crate) lexed: Arc<Lexed>,
    pub(crate) numbers: Vec<u32>,
    /// For every token, whether its line is not in the committed version: what is being worked on right now.
    pub(crate) edited: Vec<bool>,
    pub(crate) digest: [u8; 32],
    pub(crate) origin: Origin,
}

impl SavedFile {
    /// Lexes a saved text and finds the lines its committed version lacks.
    pub(crate) fn new(base: &Base, path: &str, text: &str, origin: Origin) -> Self {
        let committed = base.by_path.get(path).map(|&file| base.files[file as usize].lexed.text());
        let known: FxHashSet<&str> = committed.unwrap_or("").lines().map(str::trim).collect();
        let (lexed, numbers) = Lexed::against(text.into(), &base.vocabulary);
        let mut edited = Vec::with_capacity(numbers.len());
        let mut line_is_new = None;
        for (token, &number) in numbers.iter().enumerate() {
            let new = *line_is_new.get_or_insert_with(|| {
                let start = lexed.start(token);
                let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
                let to = text[start..].find('\n').map_or(text.len(), |at| start + at);
                !known.contains(text[from..to].trim())
            });
            edited.push(new);
            if number == NEWLINE {
                line_is_new = None;
            }
        }
        let digest = Sha256::digest(text.as_bytes()).into();
        Self { lexed: Arc::new(lexed), numbers, edited, digest, origin }
    }
}

/// All saved files, by path.
pub(crate) type Overlay = BTreeMap<String, Arc<SavedFile>>;
