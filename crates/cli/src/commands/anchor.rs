//! `waymark anchor`

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;
use waymark_gateway::{Anchored, SystemClock, anchor_now};

use super::{Ledger, Outcome, block_on, sources};
use crate::args::Common;
use crate::failure::{Failure, UNREACHABLE, USAGE};
use crate::terminal::{GREEN, RED, grouped};

pub(crate) fn run(common: &Common, repository: Option<PathBuf>) -> Outcome {
    let mut config = sources::anchors(common)?;
    config.repository = repository.or(config.repository);
    if config.repository.is_none() && config.file.is_none() && config.url.is_none() {
        return Err(Failure::new(USAGE, "there is no place to anchor in").hint(
            "name a repository with --repo DIR, or a configuration with [ledger.anchor] with --config FILE",
        ));
    }
    let (anchored, origin) = block_on(async {
        let ledger = Ledger::open(common).await?;
        let anchored = anchor_now(&config, &ledger.store, &ledger.key, &SystemClock).await;
        let anchored = anchored.map_err(|error| Failure::from_error(UNREACHABLE, &error))?;
        Ok((anchored, ledger.key.name().to_owned()))
    })?;
    tell(&anchored, &origin, common.json)?;
    let failed = anchored.iter().any(|anchored| anchored.outcome.is_err());
    Ok(if failed { ExitCode::from(UNREACHABLE) } else { ExitCode::SUCCESS })
}

fn tell(anchored: &[Anchored], origin: &str, as_json: bool) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    if as_json {
        let anchors = anchored.iter().map(|Anchored { kind, place, outcome }| {
            let error = outcome.as_ref().err().map(waymark_gateway::AnchorError::told);
            json!({"kind": kind, "place": place, "size": outcome.as_ref().ok().copied().flatten(), "error": error})
        });
        let anchors: Vec<_> = anchors.collect();
        return writeln!(out, "{}", json!({"origin": origin, "anchors": anchors}));
    }
    for Anchored { kind, place, outcome } in anchored {
        match outcome {
            Ok(Some(size)) => {
                writeln!(
                    out,
                    "{GREEN}anchored:{GREEN:#} {} leaves of {origin} in {kind} {place}",
                    grouped(*size)
                )?;
            }
            Ok(None) => writeln!(out, "nothing to anchor in {kind} {place}: the ledger is empty")?,
            Err(error) => writeln!(out, "{RED}not anchored:{RED:#} {kind} {place}: {}", error.told())?,
        }
    }
    Ok(())
}
