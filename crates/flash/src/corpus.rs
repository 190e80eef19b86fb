//! Reads a commit's files into a [`Base`].

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::base::{Base, FileTokens};
use crate::document::{Lexed, Vocabulary};
use crate::error::Error;
use crate::git::{Entry, Git};
use crate::licence::{self, Licences};
use crate::request::Progress;
use crate::selection::{self, LONGEST_FILE};

/// Reads commits of one repository; texts already lexed are kept when several commits are read in turn.
pub(crate) struct Reader<'a> {
    git: &'a Git,
    vocabulary: Vocabulary,
    /// Lexed blobs by object name; nothing for those not worth indexing.
    lexed: FxHashMap<String, Result<Blob, &'static str>>,
}

#[derive(Clone)]
struct Blob {
    lexed: Arc<Lexed>,
    numbers: Arc<[u32]>,
}

/// What reading a commit left out.
pub(crate) type Skipped = BTreeMap<&'static str, usize>;

impl<'a> Reader<'a> {
    /// Starts with nothing read.
    pub(crate) fn new(git: &'a Git) -> Self {
        Self { git, vocabulary: Vocabulary::default(), lexed: FxHashMap::default() }
    }

    /// Reads and indexes one commit.
    pub(crate) fn read(
        &mut self,
        commit: Option<String>,
        progress: &dyn Fn(Progress),
    ) -> Result<(Base, Skipped), Error> {
        let mut skipped = Skipped::new();
        progress(Progress::Listing);
        let entries = match &commit {
            Some(commit) => self.git.tree(commit)?,
            None => Vec::new(),
        };
        let mut evidence = Vec::new();
        let mut kept = Vec::new();
        for entry in entries {
            let plain = entry.mode.starts_with("100") && entry.size.is_none_or(|size| size <= LONGEST_FILE);
            if plain && licence::is_evidence(&entry.path) {
                evidence.push(entry.clone());
            }
            match selection::reject_path(&entry.mode, entry.size, &entry.path) {
                Some(reason) => *skipped.entry(reason).or_default() += 1,
                None => kept.push(entry),
            }
        }
        kept.sort_by(|a, b| a.path.cmp(&b.path));
        let licences = self.licences(&evidence)?;
        self.lex(&kept, progress)?;
        let mut files = Vec::with_capacity(kept.len());
        for entry in kept {
            match self.lexed.get(&entry.object) {
                Some(Ok(blob)) => files.push(FileTokens {
                    path: entry.path,
                    content: entry.object,
                    lexed: blob.lexed.clone(),
                    numbers: blob.numbers.clone(),
                }),
                Some(Err(reason)) => *skipped.entry(reason).or_default() += 1,
                None => *skipped.entry("missing").or_default() += 1,
            }
        }
        let tokens = files.iter().map(|file| file.numbers.len()).sum();
        progress(Progress::Indexing { tokens });
        Ok((Base::new(files, self.vocabulary.clone(), licences, commit)?, skipped))
    }

    fn licences(&self, evidence: &[Entry]) -> Result<Licences, Error> {
        let objects: Vec<&str> = evidence.iter().map(|entry| entry.object.as_str()).collect();
        let mut texts = Vec::new();
        self.git.blobs(&objects, LONGEST_FILE, |place, bytes| {
            if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
                texts.push((evidence[place].path.as_str(), text));
            }
        })?;
        Ok(Licences::new(texts.iter().map(|(path, text)| (*path, text.as_str()))))
    }

    fn lex(&mut self, entries: &[Entry], progress: &dyn Fn(Progress)) -> Result<(), Error> {
        let mut wanted: Vec<&str> = Vec::new();
        let mut asked = rustc_hash::FxHashSet::default();
        for entry in entries {
            if !self.lexed.contains_key(&entry.object) && asked.insert(entry.object.as_str()) {
                wanted.push(&entry.object);
            }
        }
        let total = wanted.len();
        let (vocabulary, lexed) = (&mut self.vocabulary, &mut self.lexed);
        progress(Progress::Reading { done: 0, total });
        self.git.blobs(&wanted, LONGEST_FILE, |place, bytes| {
            let text = bytes.ok_or("missing").and_then(selection::accept_text);
            let blob = text.map(|text| {
                let (lexed, numbers) = Lexed::interned(text.into(), vocabulary);
                Blob { lexed: Arc::new(lexed), numbers: numbers.into() }
            });
            lexed.insert(wanted[place].to_owned(), blob);
            if place % 64 == 63 {
                progress(Progress::Reading { done: place + 1, total });
            }
        })?;
        progress(Progress::Reading { done: total, total });
        Ok(())
    }
}
