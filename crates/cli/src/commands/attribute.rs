//! `waymark attribute`: what is known of commits, written beside them as notes.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use waymark_gateway::attribution::{Attribution, Kept};
use waymark_provenance::git::CommitId;

use super::attribution::{failed, open, refresh};
use super::{Outcome, block_on};
use crate::args::{Attribute, Common};
use crate::failure::{Failure, talk};
use crate::terminal::{grouped, progress};

pub(crate) fn run(common: &Common, asked: &Attribute) -> Outcome {
    let folder = asked.repo.as_deref().unwrap_or(Path::new("."));
    let kept = block_on(async {
        let mut attribution = open(common, folder).await?;
        refresh(&attribution);
        let commits = commits(&attribution, asked.range.as_deref()).await?;
        let bar = progress(
            commits.len() as u64,
            "attributing {bar:30} {human_pos}/{human_len} commits ({eta} left)",
        );
        let kept = attribution.note(&commits, asked.again, &mut |done| bar.set_position(done)).await;
        bar.finish_and_clear();
        kept.map_err(|error| failed(&error))
    })?;
    show(common, &kept)?;
    Ok(ExitCode::SUCCESS)
}

/// The commits meant: those of a range, one, or all that the ledger may know of.
pub(super) async fn commits(
    attribution: &Attribution,
    range: Option<&str>,
) -> Result<Vec<CommitId>, Failure> {
    let repository = attribution.repository();
    let commits = match range {
        None => return attribution.recent().await.map_err(|error| failed(&error)),
        Some(range) if range.contains("..") => repository.range(range),
        Some(revision) => repository.resolve(revision).map(|commit| vec![commit]),
    };
    commits.map_err(|error| failed(&error.into()))
}

fn show(common: &Common, kept: &Kept) -> io::Result<()> {
    if common.json {
        return writeln!(io::stdout(), "{}", serde_json::json!(kept));
    }
    let Kept { written, same, unknown } = *kept;
    let notes = if written == 1 { "note" } else { "notes" };
    writeln!(io::stdout(), "{} {notes} written in refs/notes/ai", grouped(written))?;
    if same > 0 {
        talk(format_args!("{} commits had theirs already; look again with --again", grouped(same)));
    }
    if unknown > 0 {
        talk(format_args!("of {} commits nothing is known, and they got none", grouped(unknown)));
    }
    if written > 0 {
        talk("notes stay here until they are pushed: git push origin refs/notes/ai");
    }
    Ok(())
}
