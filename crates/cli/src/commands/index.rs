//! Indexing a repository, told as it goes.

use std::path::Path;

use waymark_flash::{Error, Flash, Progress};

use crate::failure::{Failure, UNREACHABLE, USAGE};
use crate::terminal::progress;

/// Indexes the repository that `folder` lies in.
pub(super) fn open(folder: &Path) -> Result<Flash, Failure> {
    let bar = progress(0, "{msg:<24} {bar:30} {human_pos}/{human_len}");
    let flash = Flash::open(folder, &|step| match step {
        Progress::Listing => bar.set_message("listing files"),
        Progress::Reading { done, total } => {
            bar.set_message("reading files");
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
        Progress::Indexing { tokens } => {
            bar.set_message("sorting tokens");
            bar.set_length(tokens as u64);
            bar.set_position(0);
        }
        Progress::Done => {}
    });
    bar.finish_and_clear();
    flash.map_err(|error| match error {
        Error::NotARepository { .. } => Failure::from_error(USAGE, &error)
            .hint("run this in a git repository, name one with --repo DIR, or make one with `git init`"),
        Error::GitUnavailable { .. } => {
            Failure::from_error(UNREACHABLE, &error).hint("install git and make sure it is on the PATH")
        }
        _ => Failure::from_error(UNREACHABLE, &error),
    })
}
