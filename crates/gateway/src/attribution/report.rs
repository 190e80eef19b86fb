//! A whole repository at a revision, file by file. What is done is kept in the data directory, so that a report which was
//! cut off goes on.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use waymark_provenance::formats::{LineClass, Summary};
use waymark_provenance::git::CommitId;
use waymark_provenance::{Class, formats::Lines};
use waymark_types::RecordId;

use super::keep::spans;
use super::summary::line_class;
use super::{Attribution, AttributionError};

/// A repository's lines.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The commit looked at.
    pub commit: String,
    /// The lines, counted.
    pub summary: Summary,
    /// Each file's lines, in runs of which the same is known: the first, the last, the class and the record.
    pub files: Vec<FileReport>,
    /// Files of which nothing can be known, and why.
    pub gaps: BTreeMap<String, String>,
}

/// A file's lines.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// Its path.
    pub path: String,
    /// Runs of lines.
    pub lines: Vec<(u32, u32, Class, Option<RecordId>)>,
}

/// A line of what is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// A file is done.
    File(Done),
    /// All are, as the ledger was when it had so many leaves.
    Whole(u64),
}

/// What is kept of a file that is done.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Done {
    path: String,
    gap: Option<String>,
    runs: Vec<Run>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    first: u32,
    last: u32,
    class: Class,
    model: Option<String>,
    route: Option<String>,
    record: Option<RecordId>,
}

impl Attribution {
    /// Attributes every file of a revision. `progress` hears the number of files done, and of all. With `afresh`, nothing
    /// that an earlier report has done is used.
    pub async fn report(
        &mut self,
        revision: &str,
        afresh: bool,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Report, AttributionError> {
        let commit = self.repository.resolve(revision)?;
        let files = self.repository.files(&commit)?;
        let size = self.store.size().await?;
        let mut book = Book::open(&self.folder, &commit, size, afresh)?;
        let mut report = Report {
            commit: commit.to_string(),
            summary: Summary::new(),
            files: Vec::new(),
            gaps: BTreeMap::new(),
        };
        report.summary.add_commit(&report.commit);
        let all = files.len() as u64;
        for (done, file) in (0..).zip(files) {
            progress(done, all);
            let known = match book.done.remove(&file.path) {
                Some(known) => known,
                None => {
                    let known = self.file(&file.path, file.kind, &commit).await?;
                    book.line(&Line::File(known.clone()))?;
                    known
                }
            };
            report.add(known);
        }
        book.line(&Line::Whole(size))?;
        Ok(report)
    }

    async fn file(
        &mut self,
        path: &str,
        kind: waymark_provenance::git::Kind,
        commit: &CommitId,
    ) -> Result<Done, AttributionError> {
        let mut gaps = BTreeMap::new();
        let blamed = self.readable(path, kind, commit, None, &mut gaps).await?;
        let runs = blamed.iter().flat_map(|blamed| {
            let known = spans(blamed, |line| Some(line_class(line, blamed)));
            known.into_iter().map(|(lines, class): (Lines, LineClass)| Run {
                first: lines.first(),
                last: lines.last(),
                class: class.class,
                model: class.served_model,
                route: class.route,
                record: class.record,
            })
        });
        Ok(Done { path: path.to_owned(), runs: runs.collect(), gap: gaps.into_values().next() })
    }
}

impl Report {
    fn add(&mut self, done: Done) {
        if let Some(gap) = done.gap {
            self.gaps.insert(done.path, gap);
            return;
        }
        let mut file = FileReport { path: done.path, lines: Vec::new() };
        for Run { first, last, class, model, route, record } in done.runs {
            let line = LineClass { class, served_model: model, route, record };
            self.summary.add_lines(&file.path, &line, u64::from(last - first) + 1);
            match file.lines.last_mut() {
                Some((_, end, before, same)) if *end + 1 == first && (*before, *same) == (class, record) => {
                    *end = last;
                }
                _ => file.lines.push((first, last, class, record)),
            }
        }
        self.files.push(file);
    }
}

/// What a report of one commit has done so far. One that was cut off goes on; one that is whole holds as long as the ledger
/// does not change.
struct Book {
    file: File,
    path: PathBuf,
    done: BTreeMap<String, Done>,
}

impl Book {
    fn open(folder: &Path, commit: &CommitId, size: u64, afresh: bool) -> Result<Self, AttributionError> {
        // Another version of the program may know better.
        let path = folder.join(format!("report-{}-{commit}.jsonl", env!("CARGO_PKG_VERSION")));
        let failed = |source| AttributionError::Read { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let (mut done, mut afresh) = (BTreeMap::new(), afresh);
        if !afresh && let Ok(file) = File::open(&path) {
            // A line that was cut off is a file that is not done.
            let lines = BufReader::new(file).lines().map_while(Result::ok);
            for line in lines.filter_map(|line| serde_json::from_str::<Line>(&line).ok()) {
                match line {
                    Line::File(known) => {
                        done.insert(known.path.clone(), known);
                    }
                    Line::Whole(was) if was != size => afresh = true,
                    Line::Whole(_) => {}
                }
            }
        }
        if afresh {
            done.clear();
        }
        Self::drop_others(folder, &path);
        let file = OpenOptions::new().create(true).append(!afresh).write(true).truncate(afresh).open(&path);
        Ok(Self { file: file.map_err(failed)?, path: path.clone(), done })
    }

    /// One report of a repository is kept.
    fn drop_others(folder: &Path, path: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_report = entry.file_name().to_string_lossy().starts_with("report-");
            if is_report && entry.path() != path {
                // One that stays does no harm.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    fn line(&mut self, line: &Line) -> Result<(), AttributionError> {
        let failed = |source| AttributionError::Read { path: self.path.clone(), source };
        let mut line = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        // A line feed first: what was cut off before it ends there.
        line.insert(0, b'\n');
        self.file.write_all(&line).map_err(failed)
    }
}
