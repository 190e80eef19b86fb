//! Notes: what git-ai, or an earlier run of ours, wrote beside commits. They say what nothing else says.

use std::collections::HashMap;

use serde::Serialize;
use waymark_provenance::formats::note::{Author, Note};
use waymark_provenance::git::CommitId;
use waymark_provenance::{Class, Evidence, EvidenceKind};

use super::blame::Line;
use super::{Attribution, AttributionError};

/// Where git-ai keeps its notes.
pub(super) const NOTES: &str = "refs/notes/ai";

/// How much another program's word is worth, of 100.
const SCORE: u32 = 50;

/// Notes by their commits.
pub(super) type Notes = HashMap<CommitId, Note>;

/// What another program noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// The assistant, or the person.
    pub by: String,
    /// The model, by that program's word.
    pub model: Option<String>,
}

impl Attribution {
    /// The notes of these commits; one that cannot be read says nothing.
    pub(super) fn noted(&self, commits: &[CommitId]) -> Result<Notes, AttributionError> {
        let mut commits = commits.to_vec();
        commits.sort_unstable();
        commits.dedup();
        let found = self.repository.notes(NOTES, &commits)?;
        let read = |(commit, bytes): (CommitId, Vec<u8>)| match Note::parse(&bytes) {
            Ok(note) => Some((commit, note)),
            Err(error) => {
                tracing::warn!(%commit, "its note in {NOTES} is left out: {error}");
                None
            }
        };
        Ok(found.into_iter().filter_map(read).collect())
    }
}

impl Line {
    /// Takes from a note what nothing else says of the line.
    pub(super) fn fill_from(&mut self, notes: &Notes) {
        if self.told.class != Class::Unknown {
            return;
        }
        let note = self.commit.and_then(|commit| notes.get(&commit));
        let Some(author) = note.and_then(|note| note.lookup(&self.path, self.original)) else { return };
        let (class, record, noted) = match author {
            Author::Ai { tool, model, record, .. } => {
                (Class::Ai, record, Noted { by: tool, model: Some(model) })
            }
            Author::Human { name, .. } => (Class::Human, None, Noted { by: name, model: None }),
            Author::Untold => return,
        };
        (self.told.class, self.told.record, self.told.noted) = (class, record, Some(noted));
        self.told.evidence = Some(Evidence {
            kind: EvidenceKind::Note,
            form: None,
            matched_lines: 1,
            score: SCORE,
            changed_percent: 0,
        });
    }
}
