//! One change to one file: the lines it added, and whose they are.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use waymark_ledger::emission::{Fingerprint, place};
use waymark_provenance::git::content::{self, Content};
use waymark_provenance::git::{Blob, Commit, CommitId, GitError, ObjectId, TreeFile, diff};
use waymark_provenance::{Attributed, File, FileLine, Place, Removed, Times, attribute, code};
use waymark_types::Timestamp;

use super::{Attribution, AttributionError};

/// Where a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum At {
    /// In a commit.
    Commit(CommitId),
    /// In the index, as this blob: what the next commit will have.
    Index(ObjectId),
    /// In the working tree.
    Tree,
}

impl From<Option<CommitId>> for At {
    fn from(commit: Option<CommitId>) -> Self {
        commit.map_or(Self::Tree, Self::Commit)
    }
}

/// Marks of the places that a commit's tree has; nothing where it could not be read.
pub(super) type Places = Option<Arc<HashSet<u64>>>;

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Change {
    /// Where the file is as the change leaves it.
    pub(super) at: At,
    /// The file's path after it.
    pub(super) path: String,
    /// Its path before it, where that is another.
    pub(super) before: Option<String>,
}

/// A file after a change.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Its lines.
    pub(super) text: Vec<String>,
    /// Which of them the change added.
    pub(super) added: Vec<bool>,
    /// Whose they are, as far as that is known.
    pub(super) lines: Vec<Option<Attributed>>,
    /// Why nothing can be known of them.
    pub(super) gap: Option<&'static str>,
}

impl Attribution {
    /// Attributes a change, or recalls it. `blamed` are lines, from 0, that git's blame says it added: where a line stands
    /// several times in a row of lines, a diff can say so of another.
    pub(super) async fn changed(
        &mut self,
        change: &Change,
        blamed: &BTreeSet<usize>,
    ) -> Result<Arc<Changed>, AttributionError> {
        let mut blamed = blamed.clone();
        if let Some(known) = self.changed.get(change) {
            if blamed.iter().all(|at| known.added.get(*at).copied().unwrap_or(true)) {
                return Ok(Arc::clone(known));
            }
            blamed.extend((0..known.added.len()).filter(|at| known.added[*at]));
        }
        let changed = Arc::new(self.attribute(change, &blamed).await?);
        self.changed.insert(change.clone(), Arc::clone(&changed));
        Ok(changed)
    }

    async fn attribute(
        &mut self,
        change: &Change,
        blamed: &BTreeSet<usize>,
    ) -> Result<Changed, AttributionError> {
        let (parents, times, reverts) = match &change.at {
            At::Commit(commit) => {
                let commit = self.commit(commit)?;
                if commit.is_boundary {
                    return Ok(Changed { gap: Some("shallow"), ..Changed::default() });
                }
                let times = self.times(&commit);
                (commit.parents, times, commit.reverts)
            }
            At::Index(_) | At::Tree => {
                let (parents, times) = self.uncommitted()?;
                (parents, times, Vec::new())
            }
        };
        let text = match self.after(change)? {
            Ok(text) => text,
            Err(gap) => return Ok(Changed { gap: Some(gap), ..Changed::default() }),
        };
        let mut before = Vec::new();
        for parent in &parents {
            let path = change.before.as_deref().unwrap_or(&change.path);
            before.push(self.text(&format!("{parent}:{path}"))?.unwrap_or_default());
        }
        let old: Vec<&[String]> = before.iter().map(Vec::as_slice).collect();
        let mut added = diff::added(&old, &text);
        blamed.iter().for_each(|at| added.get_mut(*at).into_iter().for_each(|added| *added = true));
        let removed = self.removed(&change.path, old.first().copied().unwrap_or_default(), &text);
        let mut lines = self.match_lines(change, &text, &added, &removed, times).await?;
        self.put_back(&reverts, &change.path, (&text, &added), &mut lines).await?;
        Ok(Changed { text, added, lines, gap: None })
    }

    async fn match_lines(
        &mut self,
        change: &Change,
        text: &[String],
        added: &[bool],
        removed: &Removed,
        times: Times,
    ) -> Result<Vec<Option<Attributed>>, AttributionError> {
        let lines: Vec<FileLine> = text
            .iter()
            .zip(added)
            .map(|(line, added)| {
                let line = code(&change.path, line);
                FileLine {
                    fingerprint: self.fingerprint(&line),
                    added: *added,
                    blank: line.trim().is_empty(),
                }
            })
            .collect();
        let telling = lines.iter().filter(|line| line.added && line.fingerprint.is_telling());
        let marks: Vec<u64> = telling.map(|line| line.fingerprint.line).collect();
        let places = self.looked_up(&change.path);
        let candidates = self.candidates.of(&self.store, &marks, &places, times.end()).await?;
        if candidates.is_empty() {
            return Ok(vec![None; text.len()]);
        }
        let places = std::cell::OnceCell::new();
        let has = |mark: u64| {
            let places = places.get_or_init(|| self.places(change.at));
            // Where nobody knows, it is there, and nothing is claimed for want of it.
            places.as_ref().is_none_or(|places| places.contains(&mark))
        };
        let changed = std::cell::OnceCell::new();
        let changed = || *changed.get_or_init(|| self.last_changed(change, times));
        let beside = || self.beside(change);
        let (key, names) = (&self.key, &self.names);
        let place = Place { key, names, has: &has, changed: &changed, beside: &beside };
        let file = File { path: &change.path, lines: &lines, removed, times };
        Ok(attribute(&file, &place, &candidates))
    }

    /// When an earlier commit last changed the file; where that cannot be told, the parent may have.
    fn last_changed(&self, change: &Change, times: Times) -> Option<Timestamp> {
        let parents = match &change.at {
            At::Commit(commit) => self.commits.get(commit).map(|commit| commit.parents.clone()),
            At::Index(_) | At::Tree => self.repository.head().ok().map(|head| head.into_iter().collect()),
        };
        let path = change.before.as_deref().unwrap_or(&change.path);
        match parents.map(|parents| self.repository.last_changed(&parents, path)) {
            Some(Ok(found)) => found.map(seconds),
            None | Some(Err(_)) => times.parent,
        }
    }

    /// The marks that emissions for a file may be looked up by: that of its path; of its name, where that was all that was
    /// said; and of a file in the repository's own folder, whatever that is called.
    fn looked_up(&self, path: &str) -> BTreeSet<u64> {
        let marks = self.key.path(path);
        let named = |name: &String| place(&self.key.path(&format!("{name}/{path}")));
        let above = self.names.iter().filter(|_| marks.len() == 1).filter_map(named);
        marks.iter().take(2).copied().chain(above).collect()
    }

    /// Marks of the places that a commit's tree has.
    fn places(&self, at: At) -> Places {
        let commit = match at {
            At::Commit(commit) => commit,
            At::Index(_) | At::Tree => self.repository.head().ok()??,
        };
        if let Some((known, places)) = &*self.places.borrow()
            && *known == commit
        {
            return places.clone();
        }
        let files = self.repository.files(&commit).ok();
        let marks = |file: &TreeFile| {
            let marks = self.key.path(&file.path);
            [place(&marks), marks.last().copied()]
        };
        let places = files.map(|files| Arc::new(files.iter().flat_map(marks).flatten().collect()));
        *self.places.borrow_mut() = Some((commit, places.clone()));
        places
    }

    /// What a file says after a change, or why nothing of it can be attributed.
    fn after(&self, change: &Change) -> Result<Result<Vec<String>, &'static str>, AttributionError> {
        let spec = match change.at {
            At::Commit(commit) => format!("{commit}:{}", change.path),
            At::Index(blob) => blob.to_string(),
            At::Tree => return self.in_tree(&change.path).map(|bytes| readable(&bytes)),
        };
        match self.objects.borrow_mut().blob(&spec, content::MOST)? {
            Blob::Text(bytes) => Ok(readable(&bytes)),
            Blob::TooLarge(_) => Ok(Err("too_large")),
            Blob::Missing => Ok(Err("missing")),
            Blob::NotABlob => Ok(Err("submodule")),
        }
    }

    fn in_tree(&self, path: &str) -> Result<Vec<u8>, AttributionError> {
        let path = self.repository.top().ok_or(AttributionError::Bare)?.join(path);
        std::fs::read(&path).map_err(|source| AttributionError::Read { path, source })
    }

    /// A text in the repository; none where there is none.
    pub(super) fn text(&self, spec: &str) -> Result<Option<Vec<String>>, AttributionError> {
        Ok(match self.objects.borrow_mut().blob(spec, content::MOST)? {
            Blob::Text(bytes) => readable(&bytes).ok(),
            _ => None,
        })
    }

    fn removed(&mut self, path: &str, old: &[String], new: &[String]) -> Removed {
        let mut removed = Removed::default();
        for hunk in diff::removed(old, new) {
            let gone = old.get(hunk.old).unwrap_or_default().iter().map(|line| code(path, line));
            for line in gone.filter(|line| !line.trim().is_empty()) {
                let places = removed.entry(self.fingerprint(&line).line).or_default();
                if places.last() != Some(&hunk.new) {
                    places.push(hunk.new.clone());
                }
            }
        }
        removed
    }

    /// A line's fingerprint. Versions of a file have most lines in common.
    pub(super) fn fingerprint(&mut self, line: &str) -> Fingerprint {
        if let Some(known) = self.fingerprints.get(line) {
            return known.clone();
        }
        let fingerprint = self.key.fingerprint(line);
        self.fingerprints.insert(line.to_owned(), fingerprint.clone());
        fingerprint
    }

    /// A commit, read or recalled.
    pub(super) fn commit(&mut self, id: &CommitId) -> Result<Commit, AttributionError> {
        if let Some(known) = self.commits.get(id) {
            return Ok(known.clone());
        }
        self.recall(&[*id])?;
        let missing = || AttributionError::MissingCommit(id.to_string());
        self.commits.get(id).cloned().ok_or_else(missing)
    }

    /// Reads commits and their parents, all at once. A parent that is not there says nothing.
    pub(super) fn recall(&mut self, ids: &[CommitId]) -> Result<(), AttributionError> {
        let read = self.repository.commits(&self.unread(ids))?;
        let whole = read.iter().filter(|commit| !commit.is_boundary);
        let parents: Vec<CommitId> = whole.flat_map(|commit| commit.parents.iter().copied()).collect();
        self.commits.extend(read.into_iter().map(|commit| (commit.id, commit)));
        let parents = self.unread(&parents);
        let read = match self.repository.commits(&parents) {
            Err(GitError::Missing { .. }) => {
                parents.iter().flat_map(|parent| self.repository.commits(&[*parent])).flatten().collect()
            }
            read => read?,
        };
        self.commits.extend(read.into_iter().map(|commit| (commit.id, commit)));
        Ok(())
    }

    fn unread(&self, ids: &[CommitId]) -> Vec<CommitId> {
        let mut unread = ids.to_vec();
        unread.retain(|id| !self.commits.contains_key(id));
        unread.sort_unstable();
        unread.dedup();
        unread
    }

    fn times(&self, commit: &Commit) -> Times {
        // A parent that is not there says nothing.
        let parents = commit.parents.iter().filter_map(|id| self.commits.get(id));
        let parent = parents.map(|parent| seconds(parent.author.time)).max();
        Times { committed: seconds(commit.committer.time), authored: seconds(commit.author.time), parent }
    }

    /// The parent and the times of what is not committed yet.
    fn uncommitted(&mut self) -> Result<(Vec<CommitId>, Times), AttributionError> {
        let now = self.clock.now();
        let head = self.repository.head()?;
        let parent = match &head {
            Some(head) => Some(seconds(self.commit(head)?.author.time)),
            None => None,
        };
        Ok((head.into_iter().collect(), Times { committed: now, authored: now, parent }))
    }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds.saturating_mul(1_000_000))
}

fn readable(bytes: &[u8]) -> Result<Vec<String>, &'static str> {
    match content::lines(bytes) {
        Content::Lines(lines) => Ok(lines),
        Content::Binary => Err("binary"),
        Content::LfsPointer => Err("lfs_pointer"),
        Content::TooLarge => Err("too_large"),
    }
}
