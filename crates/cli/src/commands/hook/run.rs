//! What the hooks do.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use waymark_provenance::formats::trailer;
use waymark_provenance::git::CommitId;

use super::super::attribution::{failed, open};
use super::super::block_on;
use crate::args::Common;
use crate::failure::{Failure, UNREACHABLE, USAGE};

/// Trailers that one commit gets at most: a commit of more records names them in its note.
const MOST_TRAILERS: usize = 8;

pub(super) fn run(common: &Common, hook: &str, arguments: &[String]) -> Result<(), Failure> {
    match hook {
        "post-commit" | "post-merge" => block_on(async {
            let mut attribution = open(common, Path::new(".")).await?;
            let head = attribution.repository().head().map_err(|error| failed(&error.into()))?;
            let commits: Vec<CommitId> = head.into_iter().collect();
            attribution.note(&commits, true, &mut |_| ()).await.map_err(|error| failed(&error))?;
            Ok(())
        }),
        "post-rewrite" => {
            let mut told = String::new();
            std::io::stdin().read_to_string(&mut told)?;
            let pairs: Vec<(CommitId, CommitId)> = told.lines().filter_map(pair).collect();
            block_on(async {
                let mut attribution = open(common, Path::new(".")).await?;
                attribution.carry(&pairs).await.map_err(|error| failed(&error))?;
                Ok(())
            })
        }
        "prepare-commit-msg" => {
            let [file, source @ ..] = arguments else {
                return Err(Failure::new(USAGE, "prepare-commit-msg needs the file of the message"));
            };
            // What another commit said stays as it is.
            if matches!(source.first().map(String::as_str), Some("commit" | "squash" | "merge")) {
                return Ok(());
            }
            add_trailers(common, Path::new(file))
        }
        other => Err(Failure::new(USAGE, format!("there is no hook {other} here"))),
    }
}

/// A line of what git tells `post-rewrite`: the old commit, the new one, and perhaps more.
fn pair(line: &str) -> Option<(CommitId, CommitId)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// The index that git says the commit will be made of: for `git commit -a` and `git commit FILE` it is not the repository's.
fn index() -> Option<PathBuf> {
    std::path::absolute(std::env::var_os("GIT_INDEX_FILE")?).ok()
}

fn add_trailers(common: &Common, file: &Path) -> Result<(), Failure> {
    let mut records = block_on(async {
        let mut attribution = open(common, Path::new(".")).await?;
        attribution.staged(index()).await.map_err(|error| failed(&error))
    })?;
    records.truncate(MOST_TRAILERS);
    if records.is_empty() {
        return Ok(());
    }
    let failed = |error: std::io::Error| Failure::new(UNREACHABLE, format!("{}: {error}", file.display()));
    let message = std::fs::read_to_string(file).map_err(failed)?;
    std::fs::write(file, trailer::add(&message, "#", &records)).map_err(failed)
}
