//! Lines that a revert puts back: they are of whoever had put them there.
//!
//! Git says in the message of a revert which commit it takes back (`This reverts commit …`). What that commit had taken away
//! and stands there again is what it was before it; so it is with the revert of a revert.

use waymark_provenance::Attributed;
use waymark_provenance::git::{CommitId, GitError, diff};

use super::blame::{BlamedLine, OLDER};
use super::{Attribution, AttributionError};

/// How many reverts of reverts are gone back.
const DEEPEST: usize = 16;

/// Lines that came back, by where they stood before they went and where they stand now, from 0.
type Back = Vec<(usize, usize)>;

impl Attribution {
    /// Gives the lines that a commit added to a file and had been there before the commits that it reverts to those who had put
    /// them there.
    pub(super) async fn put_back(
        &mut self,
        reverts: &[CommitId],
        path: &str,
        (text, added): (&[String], &[bool]),
        lines: &mut [Option<Attributed>],
    ) -> Result<(), AttributionError> {
        if self.reverts == DEEPEST {
            return Ok(());
        }
        for reverted in reverts {
            let Some(before) = self.before(reverted)? else { continue };
            let back = self.back(&before, reverted, path, text, added)?;
            let (Some((first, _)), Some((last, _))) = (back.first(), back.last()) else { continue };
            let range = *first as u32 + 1..=*last as u32 + 1;
            self.reverts += 1;
            let blamed = Box::pin(self.lines_at(path, Some(before), Some(range), None)).await;
            self.reverts -= 1;
            let Some(blamed) = there(blamed)? else { continue };
            for (from, at) in &back {
                // What is not known for now says nothing.
                let is_known = |was: &&BlamedLine| was.gap.is_none_or(|gap| gap == OLDER);
                let was = blamed.get(from - first).filter(is_known);
                if let (Some(was), Some(line)) = (was, lines.get_mut(*at)) {
                    *line = attributed(was);
                }
            }
        }
        Ok(())
    }

    /// The commit before one; nothing where either is not there.
    fn before(&mut self, commit: &CommitId) -> Result<Option<CommitId>, AttributionError> {
        let commit = there(self.commit(commit))?.filter(|commit| !commit.is_boundary);
        let Some(parent) = commit.and_then(|commit| commit.parents.first().copied()) else { return Ok(None) };
        Ok(there(self.commit(&parent))?.map(|parent| parent.id))
    }

    /// What `reverted` took from a file of `before`, and is among the lines that were added to it now.
    fn back(
        &self,
        before: &CommitId,
        reverted: &CommitId,
        path: &str,
        text: &[String],
        added: &[bool],
    ) -> Result<Back, AttributionError> {
        let Some(old) = self.text(&format!("{before}:{path}"))? else { return Ok(Back::new()) };
        let left = self.text(&format!("{reverted}:{path}"))?.unwrap_or_default();
        let went = diff::added(&[&left], &old);
        let same = diff::same(&old, text).into_iter().flat_map(|same| same.old.zip(same.new));
        Ok(same.filter(|(from, at)| went[*from] && added.get(*at) == Some(&true)).collect())
    }
}

/// What was read, if it is all there.
fn there<T>(read: Result<T, AttributionError>) -> Result<Option<T>, AttributionError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(AttributionError::MissingCommit(_) | AttributionError::Git(GitError::Missing { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is known of a line, but for what a note says of another commit.
fn attributed(line: &BlamedLine) -> Option<Attributed> {
    let BlamedLine { class, record, others, evidence, noted: None, .. } = line else { return None };
    Some(Attributed { class: *class, record: *record, others: others.clone(), evidence: (*evidence)? })
}
