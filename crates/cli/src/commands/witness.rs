//! `waymark witness`

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use waymark_gateway::{BookError, KeyError, RunningWitness, SystemClock, WitnessConfig, WitnessError};
use waymark_ledger::note::Verifier;

use super::Outcome;
use super::server::{Signals, runtime};
use crate::args::{Common, Witness};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE, talk};
use crate::settings;

pub(crate) fn run(common: &Common, asked: Witness) -> Outcome {
    let config = WitnessConfig {
        listen: asked.listen,
        data_dir: data_dir(common)?,
        prefix: prefix(&asked.prefix)?,
        logs: logs(&asked)?,
        name: asked.name,
    };
    runtime()?.block_on(async {
        let signals = Signals::listen()?;
        let started = waymark_gateway::start_witness(config, Arc::new(SystemClock)).await;
        let running = started.map_err(|error| unstarted(&error))?;
        introduce(&running, common.json)?;
        serve(running, signals).await
    })
}

/// Prints the key, which a log's owner and whoever checks cosignatures need. Then scripts wait for a line on stderr.
fn introduce(running: &RunningWitness, as_json: bool) -> io::Result<()> {
    let key = running.key().to_text();
    let mut out = io::stdout().lock();
    if as_json {
        let name = running.key().name();
        writeln!(out, "{}", json!({"vkey": key, "name": name, "address": running.address().to_string()}))?;
    } else {
        writeln!(out, "{key}")?;
    }
    out.flush()?;
    talk(format_args!("listening on http://{}", running.address()));
    Ok(())
}

async fn serve(mut running: RunningWitness, mut signals: Signals) -> Outcome {
    tokio::select! {
        () = signals.stop() => {}
        error = running.failed() => return Err(Failure::from_error(UNREACHABLE, &error)),
    }
    talk("stopping");
    tokio::select! {
        () = running.drain() => {}
        () = signals.stop() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// A directory of its own: beside a ledger's, a witness would share a fate with the log that it watches.
fn data_dir(common: &Common) -> Result<PathBuf, Failure> {
    let platform = || settings::platform_data_dir().map(|folder| folder.join("witness"));
    common.data_dir.clone().or_else(platform).ok_or_else(|| {
        Failure::new(UNREACHABLE, "this system names no data directory").hint("use --data-dir DIR")
    })
}

/// What addresses begin with: nothing, or a slash and more without one at the end.
fn prefix(asked: &str) -> Result<String, Failure> {
    let trimmed = asked.trim_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if !trimmed.chars().all(is_plain) || trimmed.contains("//") {
        return Err(Failure::new(USAGE, format!("{asked:?} is no path to answer below"))
            .hint("use letters, digits and -._~/, as in --prefix /witness"));
    }
    Ok(if trimmed.is_empty() { String::new() } else { format!("/{trimmed}") })
}

fn logs(asked: &Witness) -> Result<Vec<Verifier>, Failure> {
    let file = asked.logs.as_ref().map(|path| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure::new(USAGE, format!("could not read {}: {error}", path.display())))
    });
    let file = file.transpose()?.unwrap_or_default();
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys = asked.log.iter().map(String::as_str).chain(lines).map(|key| {
        Verifier::from_text(key).map_err(|error| {
            Failure::new(USAGE, format!("{key:?}: {error}"))
                .hint("a log's verifier key reads NAME+ID+KEY; Waymark's own is in ledger.vkey")
        })
    });
    let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(Failure::new(USAGE, "a witness needs a log to watch")
            .hint("name its verifier key with --log VKEY, or several in a file with --logs FILE"));
    }
    Ok(keys)
}

fn unstarted(error: &WitnessError) -> Failure {
    let code = match error {
        WitnessError::Book(BookError::Damaged { .. } | BookError::KeyLost(_)) => CHECK_FAILED,
        WitnessError::Book(BookError::Name { .. } | BookError::BadName(_)) => USAGE,
        _ => UNREACHABLE,
    };
    let failure = Failure::from_error(code, error);
    match error {
        WitnessError::Directory(KeyError::Locked(_)) => {
            failure.hint("stop it, or give this witness its own folder with --data-dir DIR")
        }
        WitnessError::Directory(_) | WitnessError::Book(BookError::File(_)) => {
            failure.hint("name a folder you can write to with --data-dir DIR")
        }
        WitnessError::Listen { .. } => failure.hint("choose another address with --listen"),
        WitnessError::Book(BookError::Name { .. }) => {
            failure.hint("leave --name out, or give the other witness its own folder with --data-dir DIR")
        }
        WitnessError::Book(_) | WitnessError::Serve(_) => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_paths() {
        let prefix = |asked| prefix(asked).ok();
        assert_eq!(prefix("").as_deref(), Some(""));
        assert_eq!(prefix("/").as_deref(), Some(""));
        for asked in ["a/b-1", "/a/b-1", "/a/b-1/"] {
            assert_eq!(prefix(asked).as_deref(), Some("/a/b-1"));
        }
        for asked in ["/{a}", "a b", "a//b", "a?b", "ä"] {
            assert_eq!(prefix(asked), None);
        }
    }
}
