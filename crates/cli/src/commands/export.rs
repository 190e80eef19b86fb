//! `waymark export`

mod commits;
mod tiles;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use waymark_ledger::attestation::{Inclusion, Statement};
use waymark_ledger::checkpoint::{Checkpoint, root_text};
use waymark_ledger::note::Signer;
use waymark_ledger::{Join, Record, Selection, tree};
use waymark_types::Timestamp;

use super::leaves::Leaves;
use super::{Ledger, Outcome, block_on, unreadable};
use crate::args::{Common, Export, Format};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE, talk, unwritten};
use crate::terminal::{grouped, progress};

pub(crate) fn run(common: &Common, asked: &Export) -> Outcome {
    if asked.format == Format::Tiles {
        return tiles::run(common, asked);
    }
    let is_of_commits = matches!(asked.format, Format::AgentTrace | Format::GitAi);
    if is_of_commits || asked.commits.is_some() {
        return match asked.format {
            Format::Jsonl => Err(Failure::new(USAGE, "jsonl has records, not commits")
                .hint("take agent-trace, git-ai or in-toto for commits, or leave --commits out")),
            _ => commits::run(common, asked),
        };
    }
    let selection = selection(asked)?;
    let written = block_on(async {
        let ledger = Ledger::open(common).await?;
        let form = Form::of(asked.format, &ledger).await?;
        let mut out = Output::open(asked.output.as_deref())?;
        let written = export(&ledger, &selection, &form, &mut out.writer).await?;
        out.finish()?;
        Ok(written)
    })?;
    if asked.output.is_some() {
        talk(format_args!("{} records written", grouped(written)));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where an export goes: stdout, or a file that is there only once it is whole.
pub(super) struct Output {
    writer: BufWriter<Box<dyn Write>>,
    file: Option<(PathBuf, PathBuf)>,
}

impl Output {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path else {
            return Ok(Self { writer: BufWriter::new(Box::new(io::stdout().lock())), file: None });
        };
        let unfinished = path.with_added_extension("new");
        let file = File::create(&unfinished).map_err(unwritten(&unfinished))?;
        Ok(Self { writer: BufWriter::new(Box::new(file)), file: Some((unfinished, path.to_owned())) })
    }

    fn finish(mut self) -> Result<(), Failure> {
        self.writer.flush()?;
        match self.file {
            Some((unfinished, path)) => std::fs::rename(&unfinished, &path).map_err(unwritten(&path)),
            None => Ok(()),
        }
    }
}

/// Writes the records meant, a line each, and says how many.
async fn export(
    ledger: &Ledger,
    selection: &Selection,
    form: &Form,
    out: &mut dyn Write,
) -> Result<u64, Failure> {
    let mut leaves = Leaves::of(&ledger.store).await?;
    let mut join = Join::new(ledger.key.name());
    let bar = progress(leaves.total(), "exporting {bar:30} {human_pos}/{human_len} leaves ({per_sec})");
    let mut written = 0;
    while let Some((entry, place)) = leaves.next().await? {
        bar.set_position(place.index);
        if let Some(record) = join.push(entry, place).filter(|record| selection.takes(record)) {
            written += u64::from(form.write(ledger, &record, out).await?);
        }
    }
    for record in join.finish().filter(|record| selection.takes(record)) {
        written += u64::from(form.write(ledger, &record, out).await?);
    }
    bar.finish_and_clear();
    Ok(written)
}

/// How records are written.
enum Form {
    Jsonl,
    InToto(Box<Attestor>),
}

/// What statements are signed with, and the checkpoint that all their proofs lead to.
struct Attestor {
    signer: Signer,
    note: String,
    checkpoint: Checkpoint,
}

impl Form {
    async fn of(format: Format, ledger: &Ledger) -> Result<Self, Failure> {
        Ok(match format {
            Format::Jsonl | Format::Tiles | Format::AgentTrace | Format::GitAi => Self::Jsonl,
            Format::InToto => Self::InToto(Box::new(Attestor::of(ledger).await?)),
        })
    }

    /// Writes a record; `false` when the format has nothing to say of it.
    async fn write(&self, ledger: &Ledger, record: &Record, out: &mut dyn Write) -> Result<bool, Failure> {
        match self {
            Self::Jsonl => serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?,
            Self::InToto(attestor) => {
                let Some(mut statement) = Statement::new(record) else { return Ok(false) };
                statement = statement.proven(attestor.inclusion(ledger, record).await?);
                let envelope = statement
                    .sign(&attestor.signer)
                    .map_err(|error| Failure::from_error(CHECK_FAILED, &error))?;
                serde_json::to_writer(&mut *out, &envelope).map_err(io::Error::from)?;
            }
        }
        out.write_all(b"\n")?;
        Ok(true)
    }
}

/// The key that signs statements: the log's own.
fn signer(ledger: &Ledger) -> Result<Signer, Failure> {
    let signer = waymark_gateway::read_signer(&ledger.data_dir).map_err(|error| {
        Failure::from_error(UNREACHABLE, &error).hint("statements are signed where the ledger's key is")
    })?;
    if signer.verifier() == ledger.key {
        Ok(signer)
    } else {
        let message = format!("the signing key in {} is not the ledger's", ledger.data_dir.display());
        Err(Failure::new(CHECK_FAILED, message).hint("see what `waymark verify` says"))
    }
}

impl Attestor {
    async fn of(ledger: &Ledger) -> Result<Self, Failure> {
        let newest = ledger.store.newest_checkpoint().await.map_err(|error| unreadable(&error))?;
        let note = newest.ok_or_else(|| Failure::new(CHECK_FAILED, "the ledger is empty"))?.note;
        let checkpoint = Checkpoint::open(&note, &ledger.key).map_err(|error| {
            Failure::from_error(CHECK_FAILED, &error).hint("see what `waymark verify` says")
        })?;
        Ok(Self { signer: signer(ledger)?, note, checkpoint })
    }

    /// The proof that a record is in the log. What does not verify is not signed for.
    async fn inclusion(&self, ledger: &Ledger, record: &Record) -> Result<Inclusion, Failure> {
        let Checkpoint { size, root, .. } = self.checkpoint;
        let place = record.leaves.completion.as_ref().unwrap_or(&record.leaves.intent);
        let hashes = ledger
            .store
            .inclusion(place.index, size)
            .await
            .map_err(|error| unreadable(&error))?
            .unwrap_or_default();
        let proven =
            place.hash().and_then(|leaf| tree::root_from_inclusion(leaf, place.index, size, &hashes));
        if proven != Some(root) {
            let message = format!("record {} does not verify: nothing is attested of it", record.record);
            return Err(Failure::new(CHECK_FAILED, message).hint("see what `waymark verify` says"));
        }
        Ok(Inclusion {
            tree_size: size,
            root: root_text(&root),
            hashes: hashes.iter().map(root_text).collect(),
            checkpoint: Some(self.note.clone()),
        })
    }
}

fn selection(asked: &Export) -> Result<Selection, Failure> {
    Ok(Selection {
        since: asked.since.as_deref().map(|text| moment("--since", text)).transpose()?,
        until: asked.until.as_deref().map(|text| moment("--until", text)).transpose()?,
        model: asked.model.clone(),
        route: asked.route.clone(),
        session: asked.session.clone(),
        client: asked.client.clone(),
    })
}

/// A point in time, or the beginning of a day in UTC.
pub(super) fn moment(flag: &str, text: &str) -> Result<Timestamp, Failure> {
    text.parse().or_else(|_| format!("{text}T00:00:00Z").parse()).map_err(|_| {
        Failure::new(USAGE, format!("{flag} {text} is no time"))
            .hint("write a day, 2026-11-27, or a time with its zone, 2026-11-27T09:30:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_in_utc() {
        for (text, told) in [
            ("2026-11-27", "2026-11-27T00:00:00.000000Z"),
            ("2026-11-27T09:30:00+01:00", "2026-11-27T08:30:00.000000Z"),
        ] {
            assert_eq!(moment("--since", text).unwrap().to_string(), told);
        }
        assert!(moment("--since", "yesterday").is_err());
    }
}
