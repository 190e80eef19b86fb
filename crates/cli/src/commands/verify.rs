//! `waymark verify`

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;
use waymark_ledger::{Fault, Saved, Verified, checkpoint};
use waymark_store::{Verdict, verify};

use super::saved::{self, Found, Places};
use super::{Ledger, Outcome, block_on, unreadable};
use crate::args::Common;
use crate::failure::{CHECK_FAILED, talk};
use crate::terminal::{GREEN, RED, grouped, progress};

pub(crate) fn run(common: &Common, files: &[PathBuf], repository: Option<&Path>) -> Outcome {
    let (verdict, origin, outside) = block_on(async {
        let ledger = Ledger::open(common).await?;
        let origin = ledger.key.name().to_owned();
        let Found { mut saved, remarks, fault } =
            saved::gather(common, &Places { files, repository }, &ledger.key)?;
        remarks.iter().for_each(|remark| talk(format_args!("note: {remark}")));
        if let Some(fault) = fault {
            return Ok((Verdict::Bad(fault), origin, 0));
        }
        let outside = saved.len();
        if let Some(head) = &ledger.head {
            match Saved::open("ledger.head", head, &ledger.key) {
                Ok(head) => saved.push(head),
                Err(error) => return Ok((Verdict::Bad(saved::fault("ledger.head", &error)), origin, 0)),
            }
        }
        let total = ledger.store.size().await.map_err(|error| unreadable(&error))?;
        let bar = progress(total, "verifying {bar:30} {human_pos}/{human_len} leaves ({per_sec})");
        let verdict = verify(&ledger.store, &ledger.key, &saved, &mut |done| bar.set_position(done)).await;
        bar.finish_and_clear();
        Ok((verdict.map_err(|error| unreadable(&error))?, origin, outside))
    })?;
    match verdict {
        Verdict::Clean(verified) => clean(&verified, &origin, common.json, outside),
        Verdict::Bad(fault) => bad(&fault, &origin, common.json),
    }
}

fn clean(verified: &Verified, origin: &str, as_json: bool, outside: usize) -> Outcome {
    let root = checkpoint::root_text(&verified.root);
    let open = verified.open.len() as u64;
    if as_json {
        let report = json!({
            "verified": true, "origin": origin, "size": verified.size, "root": root,
            "records": verified.completed + open, "open": verified.open,
            "checkpoints": verified.checkpoints, "saved": outside, "cosignatures": verified.cosignatures, "erasures": verified.erasures,
            "dropped": verified.dropped, "pending": verified.pending, "fault": null,
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
    for (count, what) in [
        (verified.cosignatures, "signatures of witnesses hold"),
        (verified.erasures, "erasures on record: what they destroyed is gone"),
        (verified.dropped, "leaves stand without what they said, dropped for its age"),
        (verified.pending, "entries are durable and wait to be put under the tree"),
    ] {
        if count > 0 {
            writeln!(out, "{} {what}", grouped(count))?;
        }
    }
    if outside > 0 {
        let which = if outside == 1 { "the checkpoint" } else { "each of the checkpoints" };
        writeln!(
            out,
            "history was only appended to since {which} saved outside ({})",
            grouped(outside as u64)
        )?;
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
