//! What a commit added to all of its files: of code that names no file, one of them has the most.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use waymark_provenance::Beside;
use waymark_provenance::git::content::{self, Content};
use waymark_provenance::git::{Blob, GitError, ObjectId, Objects, Side};

use super::Attribution;
use super::change::{At, Change};

/// Files of a commit that are read, at most, and bytes in them.
const MOST: usize = 200;
const LARGEST: usize = 64 << 20;

/// Fingerprints of lines, by the path of the file they were added to.
type Files = BTreeMap<String, Arc<FxHashSet<u64>>>;

/// What a commit, or the next one, added: fingerprints of lines by the file's path; none where that is too much.
pub(super) struct Added {
    at: At,
    files: Option<Files>,
}

/// Whether both are places of one commit, or of the next one.
fn is_one(one: At, other: At) -> bool {
    one == other || matches!((one, other), (At::Index(_), At::Index(_)))
}

impl Attribution {
    /// What a change's commit added to its other files. In the working tree nothing belongs together yet.
    pub(super) fn beside(&self, change: &Change) -> Option<Beside> {
        let mut added = self.added.borrow_mut();
        if added.as_ref().is_none_or(|added| !is_one(added.at, change.at)) {
            // What cannot be read says nothing against any file, and so nothing for one.
            *added = Some(Added { at: change.at, files: self.added_to_all(change.at).ok().flatten() });
        }
        let files = added.as_ref()?.files.as_ref()?;
        let others = files.iter().filter(|(path, _)| **path != change.path);
        Some(others.map(|(_, marks)| Arc::clone(marks)).collect())
    }

    fn added_to_all(&self, at: At) -> Result<Option<Files>, GitError> {
        let changes: Vec<(String, Option<String>, String)> = match at {
            At::Tree => Vec::new(),
            At::Index(_) => {
                let staged = self.repository.staged()?.into_iter();
                let sides = |(path, blob): (String, ObjectId)| {
                    let before = format!("HEAD:{path}");
                    (path, Some(before), blob.to_string())
                };
                staged.map(sides).collect()
            }
            At::Commit(commit) => {
                let changes = self.repository.changes(&commit)?.into_iter();
                let blob = |side: Side| side.id.to_string();
                let sides = changes
                    .filter_map(|change| Some((change.path, change.old.map(blob), change.new.map(blob)?)));
                sides.collect()
            }
        };
        if changes.len() > MOST {
            return Ok(None);
        }
        let mut objects = self.repository.objects()?;
        let (mut files, mut read) = (BTreeMap::new(), 0);
        for (path, old, new) in changes {
            let mut marks = self.marks(&mut objects, &new, &mut read)?;
            if let Some(old) = old {
                let before = self.marks(&mut objects, &old, &mut read)?;
                marks.retain(|mark| !before.contains(mark));
            }
            if read > LARGEST {
                return Ok(None);
            }
            files.insert(path, Arc::new(marks));
        }
        Ok(Some(files))
    }

    /// Fingerprints of a blob's lines; none of what is no text.
    fn marks(&self, objects: &mut Objects, blob: &str, read: &mut usize) -> Result<FxHashSet<u64>, GitError> {
        let Blob::Text(bytes) = objects.blob(blob, content::MOST)? else {
            return Ok(FxHashSet::default());
        };
        *read += bytes.len();
        let Content::Lines(lines) = content::lines(&bytes) else { return Ok(FxHashSet::default()) };
        Ok(lines.iter().filter(|line| !line.trim().is_empty()).map(|line| self.key.line(line)).collect())
    }
}
