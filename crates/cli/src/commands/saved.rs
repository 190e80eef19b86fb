//! Checkpoints saved outside the ledger, gathered for `verify`.

use std::path::{Path, PathBuf};

use waymark_flash::Error;
use waymark_gateway::{AnchorError, SavedNotes, saved_in_file, saved_in_repository};
use waymark_ledger::{Fault, NotOurs, Saved, note};

use super::sources;
use crate::args::Common;
use crate::failure::{Failure, UNREACHABLE, USAGE};

/// Where saved checkpoints are looked for.
pub(super) struct Places<'a> {
    /// Files that were named; each must hold checkpoints of this ledger.
    pub(super) files: &'a [PathBuf],
    /// The repository that was named.
    pub(super) repository: Option<&'a Path>,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// The ledger's checkpoints.
    pub(super) saved: Vec<Saved>,
    /// What to tell beside the verdict, a line each.
    pub(super) remarks: Vec<String>,
    /// A named file with something else in it.
    pub(super) fault: Option<Fault>,
}

/// Gathers every checkpoint of `key`'s log: from the files and the repository named, else from the anchors that the
/// configuration names and the repository around, as far as they are there.
pub(super) fn gather(common: &Common, places: &Places<'_>, key: &note::Verifier) -> Result<Found, Failure> {
    let mut found = Found::default();
    for file in places.files {
        let notes = saved_in_file(file).map_err(|error| unread(&error))?;
        if notes.notes.is_empty() {
            return Err(Failure::new(USAGE, format!("{} holds no checkpoint", file.display()))
                .hint("name a file as an anchor or `/log/checkpoint` gives it"));
        }
        found.take(notes, key, true);
    }
    let config = sources::anchors(common)?;
    if let Some(file) = config.file.filter(|file| file.exists()) {
        found.take(saved_in_file(&file).map_err(|error| unread(&error))?, key, false);
    }
    match places.repository {
        Some(named) => {
            found.take(saved_in_repository(named, key.name()).map_err(|error| unread(&error))?, key, false);
        }
        None => found.around(config.repository.as_deref().unwrap_or(Path::new(".")), key),
    }
    Ok(found)
}

impl Found {
    /// Takes the checkpoints of a repository that nobody named; there need not be one.
    fn around(&mut self, repository: &Path, key: &note::Verifier) {
        match saved_in_repository(repository, key.name()) {
            Ok(notes) if !notes.notes.is_empty() => self.take(notes, key, false),
            Ok(_) | Err(AnchorError::Git(Error::NotARepository { .. } | Error::GitUnavailable { .. })) => {}
            Err(error) => {
                self.remarks.push(format!("no anchors read in {}: {}", repository.display(), error.told()));
            }
        }
    }

    /// Takes what is the ledger's. Anything else is a fault where it was `named`, and a remark where others may write;
    /// other logs' checkpoints in a file that the ledger shares are a remark as well.
    fn take(&mut self, notes: SavedNotes, key: &note::Verifier, named: bool) {
        self.remarks.extend(notes.remarks);
        let is_shared = notes.notes.iter().any(|found| found.note.lines().next() == Some(key.name()));
        for found in notes.notes {
            match Saved::open(&found.place, &found.note, key) {
                Ok(saved) => self.saved.push(saved),
                Err(NotOurs::OtherLog(other)) if is_shared => {
                    self.remark(format!("{} also has checkpoints of another log, {other}", found.place));
                }
                Err(error) if named => {
                    self.fault.get_or_insert_with(|| fault(&found.place, &error));
                }
                Err(error) => self.remark(format!("passed over a checkpoint in {}: {error}", found.place)),
            }
        }
    }

    fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }
}

/// What is wrong with a note that was named as this ledger's.
pub(super) fn fault(place: &str, error: &NotOurs) -> Fault {
    Fault::Checkpoint { size: 0, problem: format!("the saved checkpoint in {place}: {error}") }
}

fn unread(error: &AnchorError) -> Failure {
    let code = match error {
        AnchorError::Git(Error::GitUnavailable { .. }) => UNREACHABLE,
        _ => USAGE,
    };
    Failure::new(code, error.told())
}
