//! Made permanent: what is known of commits, written beside them as git-ai's notes, carried over rewrites, or as a trailer
//! in the next commit's message. Nothing of it is needed to answer; it outlives the ledger.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use waymark_provenance::Class;
use waymark_provenance::formats::Lines;
use waymark_provenance::formats::note::{By, Moves, Note};
use waymark_provenance::git::{CommitId, diff};
use waymark_types::RecordId;

use super::blame::{Blamed, BlamedLine};
use super::change::{At, Change};
use super::noted::{NOTES, Notes};
use super::told::RecordTold;
use super::{Attribution, AttributionError};

/// Notes written at a time, so that what was cut off goes on where it was.
const AT_ONCE: usize = 64;

/// What became of commits' notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Kept {
    /// Commits that have a note now which they had not, or had less of.
    pub written: u64,
    /// Commits whose note says all of it already.
    pub same: u64,
    /// Commits of which nothing is known.
    pub unknown: u64,
}

/// What is known of one commit's lines, file by file.
type Known = Vec<(String, Vec<(Lines, By)>)>;

impl Attribution {
    /// Writes a note beside each commit of what is known of its lines. What is there already stays; with `again`, commits
    /// with a note are looked at once more. `progress` hears how many are done.
    pub async fn note(
        &mut self,
        commits: &[CommitId],
        again: bool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Kept, AttributionError> {
        let mut kept = Kept::default();
        for (number, commits) in commits.chunks(AT_ONCE).enumerate() {
            let there = self.noted(commits)?;
            let asked: Vec<CommitId> =
                commits.iter().copied().filter(|commit| again || !there.contains_key(commit)).collect();
            self.recall(&asked)?;
            let mut new = Vec::new();
            for (at, commit) in commits.iter().enumerate() {
                progress((number * AT_ONCE + at) as u64);
                let before = there.get(commit);
                if before.is_some() && !again {
                    kept.same += 1;
                    continue;
                }
                match self.derived(commit, before).await? {
                    None => kept.unknown += 1,
                    Some(note) if before == Some(&note) => kept.same += 1,
                    Some(note) => new.push((*commit, note)),
                }
            }
            kept.written += self.write(new)?;
        }
        Ok(kept)
    }

    /// Gives rewritten commits what the notes of those they were made of say, and what is known of them anew.
    pub async fn carry(&mut self, pairs: &[(CommitId, CommitId)]) -> Result<Kept, AttributionError> {
        let all: Vec<CommitId> = pairs.iter().flat_map(|(old, new)| [*old, *new]).collect();
        let there = self.noted(&all)?;
        let targets: BTreeSet<CommitId> = pairs.iter().map(|(_, new)| *new).collect();
        let (mut kept, mut written) = (Kept::default(), Vec::new());
        for target in targets {
            let mut carried = there.get(&target).cloned();
            for (old, _) in pairs.iter().filter(|(_, new)| *new == target) {
                if let Some(note) = self.carried(old, &target, &there)? {
                    carried = Some(match carried {
                        Some(known) => known.merge(&note),
                        None => note,
                    });
                }
            }
            match self.derived(&target, carried.as_ref()).await?.or(carried) {
                None => kept.unknown += 1,
                Some(note) if there.get(&target) == Some(&note) => kept.same += 1,
                Some(note) => written.push((target, note)),
            }
        }
        kept.written = self.write(written)?;
        Ok(kept)
    }

    /// The note of a commit, whether it is written or not; none where nothing is known.
    pub async fn note_of(&mut self, commit: &CommitId) -> Result<Option<Note>, AttributionError> {
        let there = self.noted(&[*commit])?;
        self.derived(commit, there.get(commit)).await
    }

    fn write(&self, notes: Vec<(CommitId, Note)>) -> Result<u64, AttributionError> {
        let bytes = |(commit, note): (CommitId, Note)| Ok((commit, note.to_bytes()?));
        let notes: Vec<(CommitId, Vec<u8>)> =
            notes.into_iter().map(bytes).collect::<Result<_, AttributionError>>()?;
        if !notes.is_empty() {
            self.repository.add_notes(NOTES, &notes)?;
        }
        Ok(notes.len() as u64)
    }

    /// The note of a commit with what is known of its lines; none where nothing is.
    async fn derived(
        &mut self,
        commit: &CommitId,
        before: Option<&Note>,
    ) -> Result<Option<Note>, AttributionError> {
        let mut known: Known = Vec::new();
        let author = self.commit(commit)?.author;
        // What another's note says is in that note.
        self.added(commit, &Notes::new(), &mut |blamed| {
            let spans = spans(blamed, |line| by(line, blamed, (&author.name, &author.email)));
            if !spans.is_empty() {
                known.push((blamed.path.clone(), spans));
            }
        })
        .await?;
        if known.is_empty() {
            return Ok(before.cloned());
        }
        let files = known.iter().map(|(path, spans)| (path.as_str(), spans.as_slice()));
        let note = Note::build(&commit.to_string(), env!("CARGO_PKG_VERSION"), files);
        Ok(Some(match before {
            Some(before) => before.merge(&note),
            None => note,
        }))
    }

    /// What a commit's note says of lines that another commit has as well.
    fn carried(
        &mut self,
        old: &CommitId,
        new: &CommitId,
        notes: &Notes,
    ) -> Result<Option<Note>, AttributionError> {
        let Some(note) = notes.get(old) else { return Ok(None) };
        let mut moves = Moves::new();
        for path in note.files.keys() {
            let before = self.text(&format!("{old}:{path}"))?.unwrap_or_default();
            let after = self.text(&format!("{new}:{path}"))?.unwrap_or_default();
            for same in diff::same(&before, &after) {
                if let Some(kept) = Lines::new(same.old.start as u32 + 1, same.old.end as u32) {
                    moves.keep(path, kept, path, same.new.start as u32 + 1);
                }
            }
        }
        Ok(Some(note.carried(&moves)).filter(|note| !note.files.is_empty()))
    }

    /// The records behind the lines that the next commit will add: those of an index, or of the repository's own.
    pub async fn staged(&mut self, index: Option<PathBuf>) -> Result<Vec<RecordId>, AttributionError> {
        if let Some(index) = index {
            self.repository.look_at_index(index);
        }
        let mut records = BTreeSet::new();
        for (path, blob) in self.repository.staged()? {
            let changed =
                self.changed(&Change { at: At::Index(blob), path, before: None }, &BTreeSet::new()).await?;
            records.extend(changed.lines.iter().flatten().filter_map(|line| line.record));
        }
        Ok(records.into_iter().collect())
    }
}

/// Runs of lines of which the same is known.
pub(super) fn spans<T: PartialEq>(
    blamed: &Blamed,
    known: impl Fn(&BlamedLine) -> Option<T>,
) -> Vec<(Lines, T)> {
    let mut spans: Vec<(u32, u32, T)> = Vec::new();
    for line in &blamed.lines {
        let Some(known) = known(line) else { continue };
        match spans.last_mut() {
            Some((_, last, before)) if *last + 1 == line.number && *before == known => *last = line.number,
            _ => spans.push((line.number, line.number, known)),
        }
    }
    let lines = |(first, last, known)| Some((Lines::new(first, last)?, known));
    spans.into_iter().filter_map(lines).collect()
}

fn by(line: &BlamedLine, blamed: &Blamed, author: (&str, &str)) -> Option<By> {
    match (line.class, line.record) {
        (Class::Human, _) => Some(By::Human { name: author.0.to_owned(), email: author.1.to_owned() }),
        (Class::Ai | Class::AiModified, Some(record)) => {
            let told: &Arc<RecordTold> = blamed.records.get(&record)?;
            Some(By::Ai {
                record,
                tool: told.tool().to_owned(),
                session: told.session.clone().unwrap_or_else(|| record.to_string()),
                model: told.model().unwrap_or("unknown").to_owned(),
                requested: told.requested_model.clone(),
                human: None,
            })
        }
        _ => None,
    }
}
