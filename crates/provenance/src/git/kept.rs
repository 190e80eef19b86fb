//! Blames of whole files, kept in the shadow's folder.
//!
//! Even with a commit-graph, git walks all of a file's history to blame it, which takes seconds for a file of thousands of
//! lines that changed in thousands of commits. What is known at one commit stays true, so a later question need only walk
//! what came since. A kept blame has ids and paths, and none of the text.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use waymark_ledger::commitment::hex;

use super::porcelain::Origin;
use super::{CommitId, ObjectId, content};

/// Goes up when git is asked in another way, so that old answers are not mixed with new ones.
const VERSION: u32 = 3;

/// The blame of a whole file at one commit.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) commit: CommitId,
    pub(crate) path: Arc<str>,
    /// How far back it goes, in seconds since 1970: all the way, where it is not said.
    pub(crate) since: Option<i64>,
    /// Each line's origin, in order.
    pub(crate) origins: Vec<Origin>,
}

/// The file it is kept in.
#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    commit: String,
    path: String,
    since: Option<i64>,
    commits: Vec<String>,
    paths: Vec<String>,
    runs: Vec<Run>,
}

/// Lines that follow each other here and in the commit they come from: how many, the commit, the first line there, the path,
/// the commit before with its path, and when the commit was committed. Commits and paths are places in the lists.
#[derive(Serialize, Deserialize)]
struct Run(u32, u32, u32, u32, Option<(u32, u32)>, i64);

/// A list in which each value has one place.
struct Places<T>(rustc_hash::FxHashMap<T, u32>, Vec<String>);

impl<T: std::hash::Hash + Eq + ToString> Places<T> {
    fn new() -> Self {
        Self(rustc_hash::FxHashMap::default(), Vec::new())
    }

    fn of(&mut self, value: T) -> u32 {
        let Self(places, values) = self;
        let next = values.len() as u32;
        let text = value.to_string();
        *places.entry(value).or_insert_with(|| {
            values.push(text);
            next
        })
    }
}

impl Kept {
    /// Reads what is kept of a path; nothing where nothing is, or it cannot be used, or does not go as far back as `since`.
    pub(crate) fn load(folder: &Path, path: &str, since: Option<i64>) -> Option<Self> {
        let file: File = serde_json::from_slice(&std::fs::read(place(folder, path)).ok()?).ok()?;
        // All the way, which is none, comes before any time.
        (file.version == VERSION && file.path == path && file.since <= since).then_some(())?;
        let commits: Vec<ObjectId> =
            file.commits.iter().map(|id| id.parse()).collect::<Result<_, _>>().ok()?;
        let paths: Vec<Arc<str>> = file.paths.into_iter().map(Arc::from).collect();
        let mut origins = Vec::new();
        for Run(count, commit, line, path, previous, time) in file.runs {
            let previous = match previous {
                Some((commit, path)) => {
                    Some((*commits.get(commit as usize)?, paths.get(path as usize)?.clone()))
                }
                None => None,
            };
            let (commit, path) = (*commits.get(commit as usize)?, paths.get(path as usize)?);
            // No file that is read has more lines: a damaged number must not fill the memory.
            (u64::from(count) + origins.len() as u64 <= content::MOST).then_some(())?;
            for line in line..line.checked_add(count)? {
                let (path, previous) = (path.clone(), previous.clone());
                let commit = Some(commit);
                origins.push(Origin { commit, line, path, previous, is_boundary: false, time });
            }
        }
        let (commit, path) = (file.commit.parse().ok()?, file.path.into());
        Some(Self { commit, path, since: file.since, origins })
    }

    /// Keeps it in the place of what was kept of the path before. It is for speed only: where it cannot be written, it is
    /// not kept.
    pub(crate) fn store(&self, folder: &Path) {
        let Some(bytes) = self.file().and_then(|file| serde_json::to_vec(&file).ok()) else { return };
        let path = place(folder, &self.path);
        // Whole or not at all: others may read it while it is written.
        let draft = path.with_extension(format!("{}-{:?}", std::process::id(), std::thread::current().id()));
        let written = std::fs::File::create(&draft).and_then(|mut file| file.write_all(&bytes));
        if written.and_then(|()| std::fs::rename(&draft, &path)).is_err() {
            let _ = std::fs::remove_file(&draft);
        }
    }

    fn file(&self) -> Option<File> {
        let (mut commits, mut paths) = (Places::new(), Places::new());
        let mut runs: Vec<Run> = Vec::new();
        let mut before: Option<&Origin> = None;
        for origin in &self.origins {
            let goes_on = before.is_some_and(|before| {
                let same = |origin: &Origin| (origin.commit, origin.path.clone(), origin.previous.clone());
                same(before) == same(origin) && before.line.checked_add(1) == Some(origin.line)
            });
            match runs.last_mut().filter(|_| goes_on) {
                Some(run) => run.0 += 1,
                None => {
                    let previous = origin.previous.as_ref();
                    let previous =
                        previous.map(|(commit, path)| (commits.of(*commit), paths.of(path.clone())));
                    let (commit, path) = (commits.of(origin.commit?), paths.of(origin.path.clone()));
                    runs.push(Run(1, commit, origin.line, path, previous, origin.time));
                }
            }
            before = Some(origin);
        }
        Some(File {
            version: VERSION,
            commit: self.commit.to_string(),
            path: self.path.to_string(),
            since: self.since,
            commits: commits.1,
            paths: paths.1,
            runs,
        })
    }
}

/// A name of fixed length for whatever path.
fn place(folder: &Path, path: &str) -> PathBuf {
    folder.join(hex(&Sha256::digest(path.as_bytes())) + ".json")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(digit: u8) -> ObjectId {
        format!("{digit:x}").repeat(40).parse().unwrap()
    }

    fn origin() -> impl Strategy<Value = Origin> {
        let previous = proptest::option::of((0u8..3, "[ab]"));
        (0u8..3, 1u32..6, "[ab]", previous).prop_map(|(commit, line, path, previous)| Origin {
            commit: Some(id(commit + 1)),
            line,
            path: path.into(),
            previous: previous.map(|(commit, path)| (id(commit + 4), path.into())),
            is_boundary: false,
            time: i64::from(commit),
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(origins in proptest::collection::vec(origin(), 0..30)) {
            let folder = tempfile::tempdir().unwrap();
            let kept = Kept { commit: id(9), path: "src/a b".into(), since: Some(5), origins };
            kept.store(folder.path());
            prop_assert_eq!(Kept::load(folder.path(), "src/other", Some(5)), None);
            prop_assert_eq!(Kept::load(folder.path(), "src/a b", Some(4)), None, "it ends before");
            prop_assert_eq!(Kept::load(folder.path(), "src/a b", None), None);
            prop_assert_eq!(Kept::load(folder.path(), "src/a b", Some(5)), Some(kept));
            let kept = Kept { commit: id(9), path: "src/a b".into(), since: None, origins: Vec::new() };
            kept.store(folder.path());
            prop_assert!(Kept::load(folder.path(), "src/a b", Some(i64::MIN)).is_some());
            prop_assert!(Kept::load(folder.path(), "src/a b", None).is_some());
        }
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "{",
            r#"{"version":3,"commit":"x","path":"p","commits":[],"paths":[],"runs":[[1,0,1,0,null,0]]}"#,
            r#"{"version":0,"commit":"x","path":"p","commits":[],"paths":[],"runs":[]}"#,
        ] {
            std::fs::write(place(folder.path(), "p"), text).unwrap();
            assert_eq!(Kept::load(folder.path(), "p", None), None);
        }
    }
}
