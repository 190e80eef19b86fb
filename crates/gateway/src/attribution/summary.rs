//! Whole answers: the lines of a commit, of a range of commits, or of a repository, counted by who put them there.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use waymark_provenance::Class;
use waymark_provenance::formats::{LineClass, Summary};
use waymark_provenance::git::{CommitId, GitError, Kind};

use super::blame::{Blamed, BlamedLine, Line};
use super::change::{At, Change};
use super::noted::Notes;
use super::{Attribution, AttributionError};

/// Lines that a change added, or that stand in a tree.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Told {
    /// The lines, counted.
    pub summary: Summary,
    /// Files of which nothing can be known, and why.
    pub gaps: BTreeMap<String, String>,
}

impl Attribution {
    /// The lines that a commit added.
    pub async fn commit_told(
        &mut self,
        commit: &CommitId,
        each: &mut dyn FnMut(&Blamed),
    ) -> Result<Told, AttributionError> {
        let notes = self.noted(&[*commit])?;
        self.added(commit, &notes, each).await
    }

    /// The same with notes that are read already.
    pub(super) async fn added(
        &mut self,
        commit: &CommitId,
        notes: &Notes,
        each: &mut dyn FnMut(&Blamed),
    ) -> Result<Told, AttributionError> {
        self.recall(&[*commit])?;
        let mut told = Told::default();
        told.summary.add_commit(&commit.to_string());
        for file in self.repository.changes(commit)? {
            let Some(new) = file.new else { continue };
            if let Some(gap) = no_file(new.kind) {
                told.gaps.insert(file.path, gap.to_owned());
                continue;
            }
            let before = file.old_path.filter(|old| *old != file.path);
            let change = Change { at: At::Commit(*commit), path: file.path.clone(), before };
            let changed = self.changed(&change, &BTreeSet::new()).await?;
            if let Some(gap) = changed.gap {
                told.gaps.insert(file.path, gap.to_owned());
                continue;
            }
            let mut lines = Vec::new();
            for (at, text) in changed.text.iter().enumerate().filter(|(at, _)| changed.added[*at]) {
                let number = at as u32 + 1;
                let mut line = Line {
                    told: BlamedLine::unknown(number, text, Some(commit)),
                    commit: Some(*commit),
                    path: file.path.clone(),
                    original: number,
                };
                line.told.attribute(&changed, at);
                line.fill_from(notes);
                lines.push(line.told);
            }
            let records = self.records_of(&lines).await?;
            let blamed = Blamed { path: file.path, commit: Some(commit.to_string()), lines, records };
            count(&mut told.summary, &blamed, |_| true);
            each(&blamed);
        }
        // No other commit's change is the same.
        self.changed.clear();
        Ok(told)
    }

    /// The lines of the last commit's tree that commits of a range added: what is left of them there. `progress` hears the
    /// number of files done, and of all.
    pub async fn range_told(
        &mut self,
        range: &str,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Told, AttributionError> {
        let commits = self.repository.range(range)?;
        let mut told = Told::default();
        let Some(last) = commits.last().copied() else { return Ok(told) };
        commits.iter().for_each(|commit| told.summary.add_commit(&commit.to_string()));
        let within: HashSet<String> = commits.iter().map(CommitId::to_string).collect();
        self.recall(&commits)?;
        let times = commits.iter().filter_map(|commit| Some(self.commits.get(commit)?.committer.time));
        let since = times.min();
        let mut touched = BTreeSet::new();
        for commit in &commits {
            touched.extend(self.repository.changes(commit)?.into_iter().map(|change| change.path));
        }
        let there: BTreeMap<String, Kind> =
            self.repository.files(&last)?.into_iter().map(|file| (file.path, file.kind)).collect();
        let files: Vec<(String, Kind)> = touched
            .into_iter()
            .filter_map(|path| there.get_key_value(&path))
            .map(|(p, k)| (p.clone(), *k))
            .collect();
        let all = files.len() as u64;
        for (done, (path, kind)) in (0..).zip(files) {
            progress(done, all);
            if let Some(blamed) = self.readable(&path, kind, &last, since, &mut told.gaps).await? {
                count(&mut told.summary, &blamed, |line| {
                    line.commit.as_ref().is_some_and(|commit| within.contains(commit))
                });
            }
        }
        Ok(told)
    }

    /// Blames a file of a commit; none where it has no lines, which is then among the gaps.
    pub(super) async fn readable(
        &mut self,
        path: &str,
        kind: Kind,
        commit: &CommitId,
        since: Option<i64>,
        gaps: &mut BTreeMap<String, String>,
    ) -> Result<Option<Blamed>, AttributionError> {
        if let Some(gap) = no_file(kind) {
            gaps.insert(path.to_owned(), gap.to_owned());
            return Ok(None);
        }
        let blamed = self.blame_at(path, Some(*commit), None, since).await;
        // Versions of one file have lines in common, those of others hardly any.
        self.forget();
        match blamed {
            Ok(blamed) => Ok(Some(blamed)),
            Err(AttributionError::Git(error @ (GitError::NotText { .. } | GitError::NotAFile { .. }))) => {
                gaps.insert(path.to_owned(), error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Counts lines in.
fn count(summary: &mut Summary, blamed: &Blamed, takes: impl Fn(&BlamedLine) -> bool) {
    for line in blamed.lines.iter().filter(|line| takes(line)) {
        summary.add(&blamed.path, &line_class(line, blamed));
    }
}

/// What a line counts as.
pub(super) fn line_class(line: &BlamedLine, blamed: &Blamed) -> LineClass {
    let record = line.record.and_then(|record| blamed.records.get(&record));
    let noted = || line.noted.as_ref().and_then(|noted| noted.model.clone());
    let served = record.and_then(|record| record.model().map(str::to_owned)).or_else(noted);
    LineClass {
        class: line.class,
        served_model: served.filter(|_| line.class != Class::Human),
        route: record.and_then(|record| record.route.clone()),
        record: line.record,
    }
}

fn no_file(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::File | Kind::Executable => None,
        Kind::Symlink => Some("symlink"),
        Kind::Submodule => Some("submodule"),
        _ => Some("no_file"),
    }
}
