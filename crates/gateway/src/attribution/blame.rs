//! Lines of a file: the commit that introduced each, and what that commit's change says of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use waymark_ledger::emission::Fingerprint;
use waymark_provenance::git::content::{self, Content};
use waymark_provenance::git::{BlameLine, CommitId, GitError};
use waymark_provenance::{Class, Evidence, code};
use waymark_types::RecordId;

use super::change::{Change, Changed};
use super::noted::Noted;
use super::told::RecordTold;
use super::{Attribution, AttributionError};

/// Why nothing can be known of a line that was committed before anything was put out.
pub const OLDER: &str = "before_ledger";

/// A file's lines, told.
#[derive(Debug, Clone, Serialize)]
pub struct Blamed {
    /// Its path from the repository's root.
    pub path: String,
    /// The commit it is looked at in; none for the working tree.
    pub commit: Option<String>,
    /// Its lines, in order.
    pub lines: Vec<BlamedLine>,
    /// The records behind them.
    pub records: BTreeMap<RecordId, Arc<RecordTold>>,
}

/// A line, told.
#[derive(Debug, Clone, Serialize)]
pub struct BlamedLine {
    /// Its number, from 1.
    pub number: u32,
    /// What it says.
    pub text: String,
    /// The commit that introduced it; none while it is not committed, or where that is too long ago to matter.
    pub commit: Option<String>,
    /// Whose work it is.
    pub class: Class,
    /// The record that put it out.
    pub record: Option<RecordId>,
    /// Other records that fit as well.
    pub others: Vec<RecordId>,
    /// How that is known.
    pub evidence: Option<Evidence>,
    /// Whose it is by another program's note, where that is how it is known.
    pub noted: Option<Noted>,
    /// Why nothing can be known of it.
    pub gap: Option<&'static str>,
}

impl Attribution {
    /// Attributes lines of the file at `path`, as the user types it: all of them, or those in a range. Without a revision
    /// they are those of the working tree.
    pub async fn blame(
        &mut self,
        path: &Path,
        revision: Option<&str>,
        lines: Option<RangeInclusive<u32>>,
    ) -> Result<Blamed, AttributionError> {
        let path = self.repository.relative(path)?;
        let commit = match revision {
            Some(revision) => Some(self.repository.resolve(revision)?),
            None if self.repository.top().is_none() => Some(self.newest()?),
            None => None,
        };
        self.blame_at(&path, commit, lines, None).await
    }

    /// The same for a path from the repository's root, in a commit or the working tree. `since`, in seconds since 1970, is how
    /// far back lines are looked for; where it is not said, as far as the ledger or a note may know of them.
    pub(super) async fn blame_at(
        &mut self,
        path: &str,
        commit: Option<CommitId>,
        lines: Option<RangeInclusive<u32>>,
        since: Option<i64>,
    ) -> Result<Blamed, AttributionError> {
        let lines = self.lines_at(path, commit, lines, since).await?;
        let records = self.records_of(&lines).await?;
        Ok(Blamed { path: path.to_owned(), commit: commit.map(|commit| commit.to_string()), lines, records })
    }

    /// The same without the records behind them.
    pub(super) async fn lines_at(
        &mut self,
        path: &str,
        commit: Option<CommitId>,
        lines: Option<RangeInclusive<u32>>,
        since: Option<i64>,
    ) -> Result<Vec<BlamedLine>, AttributionError> {
        let blamed = self.blamed(commit.as_ref(), path, lines, since).await?;
        let young = blamed.iter().filter(|line| !line.is_older);
        let commits: Vec<CommitId> = young.filter_map(|line| line.commit).collect();
        self.recall(&commits)?;
        self.look_ahead(&blamed).await?;
        let notes = self.noted(&commits)?;
        let mut told = Vec::with_capacity(blamed.len());
        let place = |line: &BlameLine| (!line.is_older).then(|| change(line));
        let places: Vec<Option<(Change, usize)>> = blamed.iter().map(place).collect();
        let mut asked: HashMap<&Change, BTreeSet<usize>> = HashMap::new();
        for (change, at) in places.iter().flatten() {
            asked.entry(change).or_default().insert(*at);
        }
        let mut changes = HashMap::new();
        for (change, added) in asked {
            changes.insert(change, self.changed(change, &added).await?);
        }
        for (line, place) in blamed.iter().zip(&places) {
            let changed = place.as_ref().and_then(|(change, at)| Some((&**changes.get(change)?, *at)));
            let mut line = Line::told(line, changed);
            line.fill_from(&notes);
            told.push(line.told);
        }
        Ok(told)
    }

    async fn blamed(
        &mut self,
        commit: Option<&CommitId>,
        path: &str,
        lines: Option<RangeInclusive<u32>>,
        since: Option<i64>,
    ) -> Result<Vec<BlameLine>, AttributionError> {
        if since.is_some() {
            return Ok(self.repository.blame_since(commit, path, lines, since)?);
        }
        let since = self.since().await?;
        let blamed = self.repository.blame_since(commit, path, lines.clone(), Some(since))?;
        // Notes are looked through only where they may say more.
        if blamed.iter().any(|line| line.is_older)
            && let Some(noted) = self.noted_since()?.filter(|noted| *noted < since)
        {
            return Ok(self.repository.blame_since(commit, path, lines, Some(noted))?);
        }
        Ok(blamed)
    }

    fn newest(&self) -> Result<CommitId, AttributionError> {
        let unborn = || GitError::UnknownRevision { revision: "HEAD".to_owned() };
        Ok(self.repository.head()?.ok_or_else(unborn)?)
    }

    /// Looks up what all lines are looked up by at once, and not commit by commit.
    async fn look_ahead(&mut self, blamed: &[BlameLine]) -> Result<(), AttributionError> {
        let fingerprints = blamed.iter().map(|line| self.fingerprint(&code(&line.path, &text_of(line))));
        let marks: Vec<u64> = fingerprints.filter(Fingerprint::is_telling).map(|print| print.line).collect();
        Ok(self.candidates.look_up(&self.store, &marks).await?)
    }
}

/// The change that introduced a line, and where it was then, from 0.
fn change(blamed: &BlameLine) -> (Change, usize) {
    let before = blamed.previous.as_ref().map(|(_, path)| path.to_string());
    let change = Change {
        at: blamed.commit.into(),
        path: blamed.path.to_string(),
        before: before.filter(|before| **before != *blamed.path),
    };
    (change, (blamed.original as usize).saturating_sub(1))
}

/// A line as it is compared with others.
fn text_of(line: &BlameLine) -> String {
    match content::lines(&line.text) {
        Content::Lines(lines) => lines.into_iter().next().unwrap_or_default(),
        _ => String::from_utf8_lossy(&line.text).into_owned(),
    }
}

/// A line, and where it was when it was introduced.
pub(super) struct Line {
    pub(super) told: BlamedLine,
    pub(super) commit: Option<CommitId>,
    pub(super) path: String,
    pub(super) original: u32,
}

impl Line {
    /// A line, and the change that introduced it with the line's place there, from 0.
    fn told(blamed: &BlameLine, changed: Option<(&Changed, usize)>) -> Self {
        let commit = blamed.commit.filter(|_| !blamed.is_older);
        let mut told = BlamedLine::unknown(blamed.number, &text_of(blamed), commit.as_ref());
        told.gap = blamed.is_older.then_some(OLDER);
        if let Some((changed, at)) = changed {
            told.gap = changed.gap;
            told.attribute(changed, at);
        }
        Self { told, commit, path: blamed.path.to_string(), original: blamed.original }
    }
}

impl BlamedLine {
    /// A line of which nothing is known yet.
    pub(super) fn unknown(number: u32, text: &str, commit: Option<&CommitId>) -> Self {
        Self {
            number,
            text: text.to_owned(),
            commit: commit.map(CommitId::to_string),
            class: Class::Unknown,
            record: None,
            others: Vec::new(),
            evidence: None,
            noted: None,
            gap: None,
        }
    }

    /// Takes what is known of a change's line, from 0.
    pub(super) fn attribute(&mut self, changed: &Changed, at: usize) {
        let Some(attributed) = changed.lines.get(at).cloned().flatten() else { return };
        self.class = attributed.class;
        self.record = attributed.record;
        self.others = attributed.others;
        self.evidence = Some(attributed.evidence);
    }
}
