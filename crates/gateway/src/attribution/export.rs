//! Commits in others' formats: their files, whose lines are whose, and the answers behind them.

use std::collections::BTreeMap;

use waymark_ledger::{Entry, Place, Record};
use waymark_provenance::Class;
use waymark_provenance::formats::{Answer, Commit, File, Span};
use waymark_provenance::git::{Blob, CommitId, content};
use waymark_types::{RecordId, Timestamp};

use super::blame::Blamed;
use super::keep::spans;
use super::{Attribution, AttributionError};

/// A commit, ready to be written.
#[derive(Debug)]
pub struct Exported {
    revision: String,
    patch_id: Option<String>,
    attributed: Timestamp,
    files: Vec<(String, Vec<u8>, Vec<Span>)>,
    answers: BTreeMap<RecordId, Answer>,
}

impl Exported {
    /// Whether anything is known of it.
    pub fn is_known(&self) -> bool {
        !self.files.is_empty()
    }

    /// Calls `write` with the commit as the formats take it.
    pub fn with<T>(&self, write: impl FnOnce(&Commit<'_>) -> T) -> T {
        let files: Vec<File<'_>> =
            self.files.iter().map(|(path, content, spans)| File { path, content, spans }).collect();
        write(&Commit {
            revision: &self.revision,
            patch_id: self.patch_id.as_deref(),
            attributed: self.attributed,
            files: &files,
            answers: &self.answers,
            version: env!("CARGO_PKG_VERSION"),
        })
    }
}

impl Attribution {
    /// What is known of the lines that a commit added.
    pub async fn export(&mut self, commit: &CommitId) -> Result<Exported, AttributionError> {
        let mut files: Vec<(String, Vec<Span>)> = Vec::new();
        self.commit_told(commit, &mut |blamed| {
            let spans = known(blamed);
            if !spans.is_empty() {
                files.push((blamed.path.clone(), spans));
            }
        })
        .await?;
        let mut exported = Exported {
            revision: commit.to_string(),
            patch_id: self.repository.patch_id(commit)?,
            attributed: self.clock.now(),
            files: Vec::new(),
            answers: BTreeMap::new(),
        };
        for (path, spans) in files {
            for record in spans.iter().filter_map(|span| span.record) {
                if let Some(answer) = self.answer(&record).await? {
                    exported.answers.insert(record, answer);
                }
            }
            if let Blob::Text(content) =
                self.objects.borrow_mut().blob(&format!("{commit}:{path}"), content::MOST)?
            {
                exported.files.push((path, content, spans));
            }
        }
        Ok(exported)
    }

    async fn answer(&self, record: &RecordId) -> Result<Option<Answer>, AttributionError> {
        let (mut intent, mut completion) = (None, None);
        for row in self.store.record(*record).await? {
            let place = row
                .leaf_index
                .and_then(|index| Some(Place::new(index, &row.leaf.hash.as_slice().try_into().ok()?)));
            match (row.leaf.entry(), place) {
                (Ok(Some(Entry::Intent(entry))), Some(place)) => intent = Some((entry, place)),
                (Ok(Some(Entry::Completion(entry))), Some(place)) => completion = Some((entry, place)),
                _ => {}
            }
        }
        let record = intent.map(|intent| Record::new(self.verifier.name(), intent, completion));
        Ok(record.as_ref().and_then(Answer::of))
    }
}

fn known(blamed: &Blamed) -> Vec<Span> {
    let known = spans(blamed, |line| {
        let evidence = line.evidence.as_ref()?;
        (line.class != Class::Unknown).then_some((line.class, line.record, evidence.kind))
    });
    let span = |(lines, (class, record, kind))| {
        let kind = serde_json::to_value(kind).ok();
        let evidence = kind.and_then(|kind| kind.as_str().map(str::to_owned));
        Span { lines, class, record, evidence }
    };
    known.into_iter().map(span).collect()
}
