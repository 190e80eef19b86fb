//! `waymark verify`

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use waymark_ledger::{Fault, Verified, checkpoint};
use waymark_store::{LedgerStore as _, Verdict, verify};

use super::{Ledger, Outcome, block_on, unreadable};
use crate::args::Common;
use crate::failure::{CHECK_FAILED, Failure, USAGE};
use crate::terminal::{GREEN, RED, grouped, progress};

pub(crate) fn run(common: &Common, saved: Option<&Path>) -> Outcome {
    let saved = saved.map(|path| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure::new(USAGE, format!("could not read {}: {error}", path.display())))
    });
    let saved = saved.transpose()?;
    let (verdict, origin) = block_on(async {
        let ledger = Ledger::open(common).await?;
        let [total, ..] = ledger.store.counts().await.map_err(|error| unreadable(&error))?;
        let bar = progress(total, "verifying {bar:30} {human_pos}/{human_len} leaves ({per_sec})");
        let notes: Vec<String> = saved.iter().cloned().chain(ledger.head).collect();
        let verdict = verify(&ledger.store, &ledger.key, &notes, &mut |done| bar.set_position(done)).await;
        bar.finish_and_clear();
        Ok((verdict.map_err(|error| unreadable(&error))?, ledger.key.name().to_owned()))
    })?;
    match verdict {
        Verdict::Clean(verified) => clean(&verified, &origin, common.json, saved.is_some()),
        Verdict::Bad(fault) => bad(&fault, &origin, common.json),
    }
}

fn clean(verified: &Verified, origin: &str, as_json: bool, grown: bool) -> Outcome {
    let root = checkpoint::root_text(&verified.root);
    let open = verified.open.len() as u64;
    if as_json {
        let report = json!({
            "verified": true, "origin": origin, "size": verified.size, "root": root,
            "records": verified.completed + open, "open": verified.open.keys().collect::<Vec<_>>(),
            "checkpoints": verified.checkpoints, "fault": null,
        });
        writeln!(io::stdout(), "{report}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{GREEN}clean:{GREEN:#} {} leaves, {} records ({} open), {} checkpoints",
        grouped(verified.size),
        grouped(verified.completed + open),
        grouped(open),
        grouped(verified.checkpoints)
    )?;
    writeln!(out, "root {root} of {origin}")?;
    if grown {
        writeln!(out, "history was only appended to since the checkpoint given")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn bad(fault: &Fault, origin: &str, as_json: bool) -> Outcome {
    if as_json {
        writeln!(io::stdout(), "{}", json!({"verified": false, "origin": origin, "fault": describe(fault)}))?;
    } else {
        writeln!(anstream::stdout(), "{RED}BAD:{RED:#} {fault}")?;
    }
    Ok(ExitCode::from(CHECK_FAILED))
}

fn describe(fault: &Fault) -> serde_json::Value {
    match fault {
        Fault::Record { leaf_index, record, problem } => {
            json!({"kind": "record", "leaf_index": leaf_index, "record": record, "problem": problem})
        }
        Fault::Node { at, problem } => {
            json!({"kind": "node", "level": at.level, "index": at.index, "problem": problem})
        }
        Fault::Checkpoint { size, problem } => {
            json!({"kind": "checkpoint", "size": size, "problem": problem})
        }
        Fault::Table { name, problem } => json!({"kind": "table", "table": name, "problem": problem}),
    }
}
