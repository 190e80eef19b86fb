//! One immutable view of everything the model knows; saving a file or committing makes the next one.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::base::Base;
use crate::calibration;
use crate::corpus::Skipped;
use crate::document::Lexed;
use crate::language;
use crate::overlay::{Origin, Overlay, SavedFile};
use crate::request::{LanguageShare, Stats};
use crate::selection;

/// Counts up with every change to the lexer, the search or the ranking that can change an answer.
const REVISION: u32 = 1;

/// Everything an answer depends on.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) base: Arc<Base>,
    pub(crate) overlay: Overlay,
    /// For every indexed file, whether a saved version hides it.
    pub(crate) hidden: Vec<bool>,
    pub(crate) version: String,
    skipped: Arc<Skipped>,
    seconds: f64,
}

/// A change of one saved file.
pub(crate) struct Save {
    pub(crate) path: String,
    /// Nothing when the file is gone.
    pub(crate) text: Option<String>,
    pub(crate) origin: Origin,
}

impl State {
    /// A view of a base with saved files in front of it.
    pub(crate) fn new(base: Arc<Base>, overlay: Overlay, skipped: Arc<Skipped>, seconds: f64) -> Self {
        let mut hidden = vec![false; base.files.len()];
        let mut digest = Sha256::new();
        digest.update(base.digest);
        digest.update(base.commit.as_deref().unwrap_or("").as_bytes());
        for (path, saved) in &overlay {
            if let Some(&file) = base.by_path.get(path) {
                hidden[file as usize] = true;
            }
            digest.update(path.as_bytes());
            digest.update([0]);
            digest.update(saved.digest);
        }
        digest.update(REVISION.to_be_bytes());
        digest.update(calibration::THRESHOLD.to_be_bytes());
        for weight in calibration::RANK.iter().chain(&calibration::CONFIDENCE) {
            digest.update(weight.to_be_bytes());
        }
        let digest: [u8; 32] = digest.finalize().into();
        let hex: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { base, overlay, hidden, version: format!("waymark-flash-1+{hex}"), skipped, seconds }
    }

    /// The same base with some files saved anew. A file equal to its committed version stops being a saved edit.
    pub(crate) fn with_saves(&self, saves: impl IntoIterator<Item = Save>) -> Self {
        let mut overlay = self.overlay.clone();
        for save in saves {
            let Save { path, text, origin } = save;
            let committed = self.base.by_path.get(&path).map(|&file| &self.base.files[file as usize]);
            // A text not worth indexing still hides the committed version, as an empty one does.
            let text = match (selection::reject_path("100644", None, &path), text) {
                (None, Some(text)) => selection::accept_text(text.into_bytes()).unwrap_or_default(),
                _ => String::new(),
            };
            if committed.map_or("", |file| file.lexed.text()) == text {
                overlay.remove(&path);
            } else {
                let saved = SavedFile::new(&self.base, &path, &text, origin);
                overlay.insert(path, Arc::new(saved));
            }
        }
        Self::new(self.base.clone(), overlay, self.skipped.clone(), self.seconds)
    }

    /// What the model holds.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats {
            seconds: self.seconds,
            commit: self.base.commit.clone(),
            skipped: self.skipped.iter().map(|(reason, count)| (*reason, *count)).collect(),
            ..Stats::default()
        };
        let mut shares: BTreeMap<&'static str, (usize, usize)> = BTreeMap::new();
        let visible = self.base.files.iter().zip(&self.hidden).filter(|(_, hidden)| !**hidden);
        let committed = visible.map(|(file, _)| (file.path.as_str(), &*file.lexed));
        let saved = self.overlay.iter().map(|(path, saved)| (path.as_str(), &*saved.lexed));
        for (path, lexed) in committed.chain(saved) {
            stats.files += 1;
            stats.tokens += lexed.len();
            stats.bytes += lexed.text().len();
            stats.lines += lexed.text().lines().count();
            let share = shares.entry(language::of_path(path)).or_default();
            share.0 += 1;
            share.1 += lexed.len();
        }
        stats.languages = shares
            .into_iter()
            .map(|(language, (files, tokens))| LanguageShare { language, files, tokens })
            .collect();
        stats.languages.sort_by(|a, b| b.tokens.cmp(&a.tokens).then(a.language.cmp(b.language)));
        stats
    }

    /// The saved or committed text of a file, as the model sees it.
    pub(crate) fn visible(&self, path: &str) -> Option<&Lexed> {
        match self.overlay.get(path) {
            Some(saved) => Some(&saved.lexed),
            None => self.base.by_path.get(path).map(|&file| &*self.base.files[file as usize].lexed),
        }
    }
}
