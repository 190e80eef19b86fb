//! Which model gave the answer of a record, why that one, and the proof.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use waymark_ledger::Attempt;
use waymark_store::{Explanation, Proof, explain};
use waymark_types::{RecordId, Usage};

use super::super::{Ledger, Outcome, block_on, unreadable};
use super::{ladder, proof as files};
use crate::args::Common;
use crate::failure::{CHECK_FAILED, Failure};
use crate::terminal::{BOLD, DIM, GREEN, RED, short};

pub(super) fn run(common: &Common, id: RecordId, proof: Option<&Path>) -> Outcome {
    let told = block_on(async {
        let ledger = Ledger::open(common).await?;
        let told = explain(&ledger.store, &ledger.key, id).await.map_err(|error| unreadable(&error))?;
        if let (Some(folder), Some(_)) = (proof, &told) {
            files::write(&ledger, id, folder).await?;
        }
        told.ok_or_else(|| {
            Failure::new(CHECK_FAILED, format!("there is no record {id} in {}", ledger.data_dir.display()))
                .hint("name the ledger's folder with --data-dir")
        })
    })?;
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &told).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else {
        tell(&told, &mut anstream::stdout().lock())?;
    }
    let proven = told.proof.is_some_and(|proof| proof.verified);
    Ok(if proven { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

pub(super) fn tell(told: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    writeln!(out, "{BOLD}record {}{BOLD:#}", told.record)?;
    let mut row = |label: &str, value: &str| writeln!(out, "  {DIM}{label:<10}{DIM:#}{value}");
    row("requested", &unknown(&told.requested_model))?;
    row(
        "resolved",
        &told.resolved_model.clone().unwrap_or_else(|| "none: nothing was sent upstream".to_owned()),
    )?;
    row("served", &unknown(&told.served_model))?;
    row("provider", told.provider.as_deref().unwrap_or("none answered"))?;
    let outcome =
        told.outcome.map_or("still open, or cut off and not closed yet", |outcome| outcome.as_str());
    row("outcome", outcome)?;
    if let Some(error) = &told.error {
        row("error", error)?;
    }
    row("reason", &format!("{} ({})", told.reason, told.decision.reasons.join(", ")))?;
    row(
        "route",
        told.decision.route.as_deref().unwrap_or("none: a model was asked for by name, or nothing fits"),
    )?;
    for (label, told) in ladder::rows(&told.decision) {
        row(label, &told)?;
    }
    row("task", &format!("{} in {}", told.task.map_or("unknown", |task| task.as_str()), told.dialect))?;
    row("client", &unknown(&told.client))?;
    row("session", &unknown(&told.session))?;
    row("repo", &unknown(&told.repository))?;
    row("asked by", told.principal.as_deref().unwrap_or("somebody who was erased"))?;
    row("started", &told.started.to_string())?;
    if let Some(ended) = told.ended {
        let took = ended.micros_since(told.started);
        row("took", &format!("{}.{:03} ms", took / 1_000, took % 1_000))?;
    }
    row("tokens", &tokens(&told.usage))?;
    row("cost", &told.cost_micro_usd.map_or("unknown".to_owned(), |cost| cost.to_string()))?;
    for (number, attempt) in told.attempts.iter().flatten().enumerate() {
        row(&format!("attempt {}", number + 1), &describe(attempt))?;
    }
    for source in &told.sources {
        let commit = source.commit.as_deref().map_or("not committed", short);
        let licence = source.licence.as_deref().unwrap_or("licence unknown");
        row("source", &format!("{}:{} ({commit}, {licence})", source.path, source.line))?;
    }
    match &told.proof {
        Some(proof) => prove(proof, out),
        None => writeln!(out, "  {RED}no proof: the ledger has no checkpoint{RED:#}"),
    }
}

fn tokens(usage: &Usage) -> String {
    let count = |tokens: Option<u64>| tokens.map_or("unknown".to_owned(), |tokens| tokens.to_string());
    format!("{} in, {} out", count(usage.input), count(usage.output))
}

fn describe(attempt: &Attempt) -> String {
    let status = attempt.status.map_or(String::new(), |status| format!(", HTTP {status}"));
    let error = attempt.error.as_ref().map_or(String::new(), |error| format!(", {error}"));
    let served = if attempt.served { ", this is the answer given" } else { "" };
    format!(
        "{} / {}: {}{status}{error}, then {}{served}",
        attempt.provider, attempt.model, attempt.outcome, attempt.next
    )
}

fn prove(proof: &Proof, out: &mut dyn Write) -> io::Result<()> {
    let (style, word) = if proof.verified { (GREEN, "verified") } else { (RED, "DOES NOT HOLD") };
    writeln!(
        out,
        "  {DIM}proof     {DIM:#}{style}{word}{style:#}: leaf {} of {} under root {} of {}",
        proof.leaf_index, proof.tree_size, proof.root, proof.origin
    )?;
    match &proof.problem {
        Some(problem) => writeln!(out, "            {RED}{problem}{RED:#}"),
        None => Ok(()),
    }
}
