//! Commits with what is known of their lines, one a line, in the forms that others read.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use waymark_gateway::attribution::{Attribution, Exported};
use waymark_ledger::note::Signer;
use waymark_provenance::formats::in_toto::Statement;
use waymark_provenance::formats::trace::Trace;
use waymark_provenance::git::CommitId;

use super::super::attribute::commits;
use super::super::attribution::{beside, failed};
use super::super::{Ledger, Outcome, block_on, unreadable};
use super::Output;
use crate::args::{Common, Export, Format};
use crate::failure::{CHECK_FAILED, Failure, talk};
use crate::terminal::{grouped, progress};

pub(super) fn run(common: &Common, asked: &Export) -> Outcome {
    let written = block_on(async {
        let ledger = Ledger::open(common).await?;
        let form = Form::of(asked.format, &ledger).await?;
        let folder = asked.repo.as_deref().unwrap_or(Path::new("."));
        let mut attribution = beside(ledger, folder)?;
        let commits = commits(&attribution, asked.commits.as_deref()).await?;
        let mut out = Output::open(asked.output.as_deref())?;
        let bar = progress(commits.len() as u64, "exporting {bar:30} {human_pos}/{human_len} commits");
        let mut written = 0;
        for commit in &commits {
            bar.inc(1);
            if let Some(line) = form.line(&mut attribution, commit).await? {
                writeln!(out.writer, "{line}")?;
                written += 1;
            }
        }
        bar.finish_and_clear();
        out.finish()?;
        Ok(written)
    })?;
    if asked.output.is_some() {
        talk(format_args!("{} commits written", grouped(written)));
    }
    Ok(ExitCode::SUCCESS)
}

/// How a commit is written.
enum Form {
    /// The log's name.
    AgentTrace(String),
    GitAi,
    /// What signs, and the newest checkpoint.
    InToto(Box<Signer>, Vec<String>),
}

impl Form {
    async fn of(format: Format, ledger: &Ledger) -> Result<Self, Failure> {
        Ok(match format {
            Format::GitAi => Self::GitAi,
            Format::InToto => {
                let newest = ledger.store.newest_checkpoint().await.map_err(|error| unreadable(&error))?;
                let checkpoints = newest.into_iter().map(|newest| newest.note).collect();
                Self::InToto(Box::new(super::signer(ledger)?), checkpoints)
            }
            _ => Self::AgentTrace(ledger.key.name().to_owned()),
        })
    }

    /// A commit's line; none where nothing is known of it.
    async fn line(
        &self,
        attribution: &mut Attribution,
        commit: &CommitId,
    ) -> Result<Option<String>, Failure> {
        let text = match self {
            Self::GitAi => {
                let note = attribution.note_of(commit).await.map_err(|error| failed(&error))?;
                let Some(note) = note else { return Ok(None) };
                let bytes = note.to_bytes().map_err(|error| Failure::from_error(CHECK_FAILED, &error))?;
                let content = String::from_utf8_lossy(&bytes);
                Ok(json!({"commit_sha": commit.to_string(), "content": content}).to_string())
            }
            Self::InToto(signer, checkpoints) => {
                let Some(exported) = exported(attribution, commit).await? else { return Ok(None) };
                let signed = exported
                    .with(|commit| Statement::new(commit, checkpoints.clone()).sign(signer))
                    .map_err(|error| Failure::from_error(CHECK_FAILED, &error))?;
                serde_json::to_string(&signed)
            }
            Self::AgentTrace(origin) => {
                let Some(exported) = exported(attribution, commit).await? else { return Ok(None) };
                exported.with(|commit| serde_json::to_string(&Trace::of(commit, origin)))
            }
        };
        Ok(Some(text.map_err(io::Error::from)?))
    }
}

/// What is known of a commit; none where nothing is.
async fn exported(attribution: &mut Attribution, commit: &CommitId) -> Result<Option<Exported>, Failure> {
    let exported = attribution.export(commit).await.map_err(|error| failed(&error))?;
    Ok(Some(exported).filter(Exported::is_known))
}
