//! `waymark backup`

use std::io::{self, Write as _};
use std::process::ExitCode;

use super::store::{Bar, failed, report, tell};
use super::{Outcome, block_on, sources};
use crate::args::{self, Common};
use crate::failure::{Failure, UNREACHABLE, talk};

pub(crate) fn run(common: &Common, asked: &args::Backup) -> Outcome {
    let data_dir = sources::data_dir(common)?;
    let from = sources::store(common, &data_dir)?;
    let key = waymark_gateway::read_verifier(&data_dir).map_err(|error| {
        Failure::from_error(UNREACHABLE, &error).hint("name its folder with --data-dir DIR")
    })?;
    let made = block_on(async {
        let bar = Bar::new();
        let mut show = |stage| bar.show(stage);
        let made = waymark_gateway::backup(&from, &data_dir, &asked.to, !asked.without_key, &mut show).await;
        bar.clear();
        made.map_err(|error| failed(&error))
    })?;
    let folder = asked.to.display();
    if common.json {
        let mut report = report(&made.copied, key.name());
        report["folder"] = folder.to_string().into();
        report["with_key"] = made.with_key.into();
        writeln!(io::stdout(), "{report}")?;
        return Ok(ExitCode::SUCCESS);
    }
    tell(&made.copied, key.name())?;
    let signing = if made.with_key { "the key that signs the ledger, " } else { "" };
    talk(format_args!("{folder} holds {signing}people's keys and records' salts: keep it as you keep those"));
    talk("an erasure reaches it only when it is brought up to date, by the same command");
    if made.with_key {
        talk("to restore: copy the folder and serve with --data-dir, or");
    } else {
        talk("to restore: put ledger.key into a copy of the folder and serve with --data-dir, or");
    }
    talk(format_args!("  waymark store migrate --from sqlite:{folder}/ledger.db --to ADDRESS"));
    Ok(ExitCode::SUCCESS)
}
