//! Which model wrote a line.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use waymark_gateway::attribution::{LineTold, OLDER};

use super::super::attribution::{failed, folder_of, known_by, open, style};
use super::super::blame::located;
use super::super::{Outcome, block_on};
use super::record;
use crate::args::{Common, Why};
use crate::failure::{CHECK_FAILED, Failure};
use crate::terminal::{BOLD, DIM, short};

pub(super) fn run(common: &Common, asked: &Why, path: &Path, number: u32) -> Outcome {
    let path = located(asked.repo.as_deref(), path);
    let folder = asked.repo.clone().unwrap_or_else(|| folder_of(&path));
    let told = block_on(async {
        let mut attribution = open(common, &folder).await?;
        attribution.why(&path, number, asked.rev.as_deref()).await.map_err(|error| failed(&error))
    })?;
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &as_json(&told)?).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else {
        tell(&told)?;
    }
    let proof = told.explanation.as_ref().and_then(|explanation| explanation.proof.as_ref());
    let holds = told.line.record.is_none() || proof.is_some_and(|proof| proof.verified);
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

/// The record's answer with the line's own fields; without a record, those fields and nothing else.
fn as_json(told: &LineTold) -> Result<Value, Failure> {
    let line = &told.line;
    let mut answer = match &told.explanation {
        Some(explanation) => serde_json::to_value(explanation).map_err(io::Error::from)?,
        None => {
            let keys = [
                "requested_model",
                "resolved_model",
                "served_model",
                "provider",
                "decision",
                "attempts",
                "client",
                "session",
                "principal",
                "started",
                "ended",
                "usage",
                "cost_micro_usd",
                "proof",
            ];
            keys.into_iter()
                .map(|key| (key.to_owned(), Value::Null))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
    };
    answer["line"] =
        json!({"path": told.path, "number": line.number, "text": line.text, "commit": line.commit});
    answer["class"] = json!(line.class);
    answer["record"] = json!(line.record);
    answer["others"] = json!(line.others);
    answer["evidence"] = json!(line.evidence);
    answer["noted"] = json!(line.noted);
    answer["gap"] = json!(line.gap);
    Ok(answer)
}

fn tell(told: &LineTold) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    let line = &told.line;
    writeln!(out, "{BOLD}{}:{}{BOLD:#}  {}", told.path, line.number, line.text.trim())?;
    let style = style(line.class);
    writeln!(out, "  {DIM}class     {DIM:#}{style}{}{style:#}: {}", line.class, known_by(line))?;
    if line.gap != Some(OLDER) {
        let commit = line.commit.as_deref().map_or("not committed yet", short);
        writeln!(out, "  {DIM}commit    {DIM:#}{commit}")?;
    }
    if let Some(model) = line.noted.as_ref().and_then(|noted| noted.model.as_ref()) {
        writeln!(out, "  {DIM}noted     {DIM:#}{model}, by the note's word")?;
    }
    for other in &line.others {
        writeln!(out, "  {DIM}or        {DIM:#}record {other}, which fits as well")?;
    }
    match &told.explanation {
        Some(explanation) => record::tell(explanation, &mut out),
        None => Ok(()),
    }
}
