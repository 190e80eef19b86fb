//! What a commit added to all of its files: of code that names no file, one of them has the most.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use waymark_provenance::git::{CommitId, ObjectId, Side};
use waymark_provenance::{Beside, code};

use super::change::{At, Change};
use super::{Attribution, AttributionError};

/// Files of a commit that are read, at most, and bytes in them.
const MOST: usize = 200;
const LARGEST: usize = 64 << 20;

/// Fingerprints of lines, by the path of the file they were added to.
type Files = BTreeMap<String, Arc<FxHashSet<u64>>>;

/// What a commit, or the next one where there is none, added to its files; none where that is too much.
pub(super) struct Added {
    commit: Option<CommitId>,
    files: Option<Files>,
}

impl Attribution {
    /// What a change's commit added to its other files. In the working tree nothing belongs together yet.
    pub(super) fn beside(&self, change: &Change) -> Option<Beside> {
        let commit = match change.at {
            At::Commit(commit) => Some(commit),
            At::Index(_) => None,
            At::Tree => return Some(Beside::new()),
        };
        let mut added = self.added.borrow_mut();
        if added.as_ref().is_none_or(|added| added.commit != commit) {
            // What cannot be read says nothing against any file, and so nothing for one.
            let files = self.added_to_all(commit).ok().flatten();
            *added = Some(Added { commit, files });
        }
        let files = added.as_ref()?.files.as_ref()?;
        let others = files.iter().filter(|(path, _)| **path != change.path);
        Some(others.map(|(_, marks)| Arc::clone(marks)).collect())
    }

    fn added_to_all(&self, commit: Option<CommitId>) -> Result<Option<Files>, AttributionError> {
        let changes = self.sides(commit)?;
        if changes.len() > MOST {
            return Ok(None);
        }
        let (mut files, mut read) = (BTreeMap::new(), 0);
        for (path, old, new) in changes {
            let mut marks = self.marks(&path, &new, &mut read)?;
            if let Some(old) = old {
                let before = self.marks(&path, &old, &mut read)?;
                marks.retain(|mark| !before.contains(mark));
            }
            if read > LARGEST {
                return Ok(None);
            }
            files.insert(path, Arc::new(marks));
        }
        Ok(Some(files))
    }

    /// The files that a commit changed, or the next one will, and what they were and are.
    fn sides(
        &self,
        commit: Option<CommitId>,
    ) -> Result<Vec<(String, Option<String>, String)>, AttributionError> {
        let Some(commit) = commit else {
            let sides = |(path, blob): (String, ObjectId)| {
                let before = format!("HEAD:{path}");
                (path, Some(before), blob.to_string())
            };
            return Ok(self.repository.staged()?.into_iter().map(sides).collect());
        };
        let blob = |side: Side| side.id.to_string();
        let changes = self.repository.changes(&commit)?.into_iter();
        let sides =
            changes.filter_map(|change| Some((change.path, change.old.map(blob), change.new.map(blob)?)));
        Ok(sides.collect())
    }

    /// Fingerprints of a text's lines; none of what is no text.
    fn marks(&self, path: &str, spec: &str, read: &mut usize) -> Result<FxHashSet<u64>, AttributionError> {
        let lines = self.text(spec)?.unwrap_or_default();
        *read += lines.iter().map(String::len).sum::<usize>();
        let lines = lines.iter().map(|line| code(path, line)).filter(|line| !line.trim().is_empty());
        Ok(lines.map(|line| self.key.line(&line)).collect())
    }
}
