//! The indexed corpus: every token in one sequence, and the order of all contexts read backwards.
//!
//! Two positions are near in `order` when the tokens just before them agree, so the contexts most like a cursor's are
//! one binary search away.

use std::collections::BTreeMap;
use std::sync::Arc;

use libsais::SuffixArrayConstruction;
use sha2::{Digest, Sha256};

use crate::document::{Lexed, Vocabulary};
use crate::error::Error;
use crate::licence::Licences;

/// The most tokens of context that are compared.
pub(crate) const LONGEST_CONTEXT: usize = 64;

/// A file before it is indexed.
#[derive(Debug, Clone)]
pub(crate) struct FileTokens {
    pub(crate) path: String,
    /// Names the content: the blob's object name, or a digest of a saved edit's text.
    pub(crate) content: String,
    pub(crate) lexed: Arc<Lexed>,
    pub(crate) numbers: Arc<[u32]>,
}

/// An indexed file.
#[derive(Debug)]
pub(crate) struct IndexedFile {
    pub(crate) path: String,
    pub(crate) lexed: Arc<Lexed>,
    /// Where its tokens begin in the corpus.
    first: u32,
}

/// An immutable index over one commit's files.
#[derive(Debug, Default)]
pub(crate) struct Base {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) files: Vec<IndexedFile>,
    pub(crate) by_path: BTreeMap<String, u32>,
    pub(crate) licences: Licences,
    pub(crate) commit: Option<String>,
    /// Names the content of all files.
    pub(crate) digest: [u8; 32],
    tokens: Vec<u32>,
    /// Positions after each context, sorted by the context read backwards.
    order: Vec<u32>,
}

/// A position whose context resembles the cursor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Near {
    /// The position in the corpus: the token that followed the context.
    pub(crate) position: u32,
    /// How many tokens of context agree.
    pub(crate) agree: u32,
}

impl Base {
    /// Indexes files, which must be sorted by path.
    pub(crate) fn new(
        files: Vec<FileTokens>,
        vocabulary: Vocabulary,
        licences: Licences,
        commit: Option<String>,
    ) -> Result<Self, Error> {
        let total: usize = files.iter().map(|file| file.numbers.len() + 1).sum();
        if total + vocabulary.len() as usize >= (1 << 31) {
            return Err(Error::TooLarge { tokens: total });
        }
        let mut base = Self { vocabulary, licences, commit, ..Self::default() };
        base.tokens.reserve_exact(total);
        let mut digest = Sha256::new();
        for file in files {
            digest.update(file.path.as_bytes());
            digest.update([0]);
            digest.update(file.content.as_bytes());
            digest.update([0]);
            let first = base.tokens.len() as u32;
            base.tokens.extend_from_slice(&file.numbers);
            // A separator no other file has: no match crosses a file's end.
            base.tokens.push(base.vocabulary.len() + base.files.len() as u32);
            base.by_path.insert(file.path.clone(), base.files.len() as u32);
            base.files.push(IndexedFile { path: file.path, lexed: file.lexed, first });
        }
        base.digest = digest.finalize().into();
        base.order = sort(&base.tokens)?;
        Ok(base)
    }

    /// How many tokens are indexed, separators included.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The file of a position, and the token's place in it.
    pub(crate) fn locate(&self, position: u32) -> (u32, usize) {
        let file = self.files.partition_point(|file| file.first <= position).saturating_sub(1);
        (file as u32, (position - self.files[file].first) as usize)
    }

    /// The numbers of a file's tokens.
    pub(crate) fn numbers(&self, file: u32) -> &[u32] {
        let indexed = &self.files[file as usize];
        &self.tokens[indexed.first as usize..][..indexed.lexed.len()]
    }

    /// The number of the token at a position.
    pub(crate) fn number_at(&self, position: u32) -> u32 {
        self.tokens[position as usize]
    }

    /// How many tokens before `position` agree with the end of `context`, and whether the position's context sorts
    /// before it.
    fn compare(&self, position: u32, context: &[u32]) -> (u32, bool) {
        let mut before = self.tokens[..position as usize].iter().rev();
        for (agree, wanted) in context.iter().rev().enumerate() {
            match before.next() {
                None => return (agree as u32, true),
                Some(token) if token != wanted => return (agree as u32, token < wanted),
                Some(_) => {}
            }
        }
        (context.len() as u32, false)
    }

    /// The positions whose contexts agree the longest with the end of `context`, the longest first: at most `keep`
    /// that `wanted` lets pass, looking at no more than `look`.
    pub(crate) fn nearest(
        &self,
        context: &[u32],
        keep: usize,
        look: usize,
        mut wanted: impl FnMut(u32) -> bool,
    ) -> Vec<Near> {
        let context = &context[context.len().saturating_sub(LONGEST_CONTEXT)..];
        let split = self.order.partition_point(|&position| self.compare(position, context).1);
        let agree = |place: Option<usize>| {
            let position = *self.order.get(place?)?;
            Some(Near { position, agree: self.compare(position, context).0 })
        };
        let (mut left, mut right) = (split.checked_sub(1), Some(split));
        let (mut near_left, mut near_right) = (agree(left), agree(right));
        let mut found = Vec::new();
        for _ in 0..look {
            let go_right = match (near_left, near_right) {
                (None, None) => break,
                (Some(_), None) => false,
                (None, Some(_)) => true,
                (Some(l), Some(r)) => r.agree >= l.agree,
            };
            let near = if go_right { near_right } else { near_left };
            let Some(near) = near.filter(|near| near.agree > 0) else { break };
            if (near.position as usize) < self.tokens.len() && wanted(near.position) {
                found.push(near);
                if found.len() == keep {
                    break;
                }
            }
            if go_right {
                right = right.map(|place| place + 1);
                near_right = agree(right);
            } else {
                left = left.and_then(|place| place.checked_sub(1));
                near_left = agree(left);
            }
        }
        found
    }
}

/// The positions after every context, sorted by the context read backwards.
fn sort(tokens: &[u32]) -> Result<Vec<u32>, Error> {
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |message: String| Error::Sort { tokens: tokens.len(), message };
    let mut reversed: Vec<i32> =
        tokens.iter().rev().map(|&token| (token & (i32::MAX as u32)) as i32).collect();
    let sorted = SuffixArrayConstruction::for_text_mut(&mut reversed)
        .in_owned_buffer32()
        .single_threaded()
        .run()
        .map_err(|error| failed(error.to_string()))?;
    let length = tokens.len() as u32;
    Ok(sorted.into_vec().into_iter().map(|start| length - start as u32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base(texts: &[String]) -> Base {
        let mut vocabulary = Vocabulary::default();
        let files = texts
            .iter()
            .enumerate()
            .map(|(place, text)| {
                let (lexed, numbers) = Lexed::interned(text.as_str().into(), &mut vocabulary);
                FileTokens {
                    path: format!("f{place}"),
                    content: String::new(),
                    lexed: lexed.into(),
                    numbers: numbers.into(),
                }
            })
            .collect();
        Base::new(files, vocabulary, Licences::default(), None).unwrap()
    }

    /// The agreement of every position, found by comparing all of them.
    fn brute_force(base: &Base, context: &[u32], keep: usize) -> Vec<u32> {
        let mut agreements: Vec<u32> = (0..base.len() as u32)
            .map(|position| base.compare(position, context).0)
            .filter(|&agree| agree > 0)
            .collect();
        agreements.sort_unstable_by(|a, b| b.cmp(a));
        agreements.truncate(keep);
        agreements
    }

    proptest! {
        #[test]
        fn the_search_finds_what_comparing_every_position_finds(
            texts in proptest::collection::vec("[ab(\n]{0,40}", 1..4),
            query in "[ab(c\n]{1,12}",
            keep in 1usize..20,
        ) {
            let base = base(&texts);
            let (_, context) = Lexed::against(query.as_str().into(), &base.vocabulary);
            let found = base.nearest(&context, keep, usize::MAX, |_| true);
            let agreements: Vec<u32> = found.iter().map(|near| near.agree).collect();
            prop_assert_eq!(agreements, brute_force(&base, &context, keep));
            for near in found {
                prop_assert_eq!(near.agree, base.compare(near.position, &context).0);
                let (file, token) = base.locate(near.position);
                prop_assert!(token >= near.agree as usize, "the match stays inside file {}", file);
            }
        }
    }

    #[test]
    fn an_empty_corpus_finds_nothing() {
        assert_eq!(base(&[]).nearest(&[1, 2], 5, 100, |_| true), Vec::new());
        assert_eq!(base(&[String::new()]).nearest(&[1, 2], 5, 100, |_| true), Vec::new());
    }
}
