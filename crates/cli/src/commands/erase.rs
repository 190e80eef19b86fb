//! `waymark erase`

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use serde_json::json;
use waymark_gateway::{Erase, EraseError, ErasedReport, KeyError, SystemClock};
use waymark_types::{ParseRecordIdError, RecordId};

use super::{Outcome, block_on, sources};
use crate::args::{self, Common};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE, talk};
use crate::terminal::GREEN;

pub(crate) fn run(common: &Common, asked: args::Erase) -> Outcome {
    let what = match (&asked.subject, &asked.record) {
        (Some(name), _) => Erase::Subject(name.clone()),
        (None, record) => Erase::Record(id(record.as_deref().unwrap_or_default())?),
    };
    if !asked.yes {
        confirm(&what)?;
    }
    let data_dir = sources::data_dir(common)?;
    let store = sources::store(common, &data_dir)?;
    let report = block_on(async {
        let erased = waymark_gateway::erase(&store, &data_dir, &what, asked.reason, &SystemClock).await;
        erased.map_err(|error| not_erased(&error))
    })?;
    tell(&what, &report, common.json)?;
    Ok(ExitCode::SUCCESS)
}

fn id(text: &str) -> Result<RecordId, Failure> {
    text.parse().map_err(|error: ParseRecordIdError| Failure::new(USAGE, error))
}

/// What is destroyed cannot be brought back: a person at a terminal is asked, and a script must say that it knows.
fn confirm(what: &Erase) -> Result<(), Failure> {
    let words = match what {
        Erase::Record(record) => format!("the salt and the kept texts of record {record}"),
        Erase::Subject(name) => format!("the name and the key of {name}, and every kept text of theirs"),
    };
    if !io::stdin().is_terminal() {
        return Err(Failure::new(USAGE, format!("this would destroy {words}"))
            .hint("say --yes when it is to be done without asking"));
    }
    let mut stderr = io::stderr();
    write!(stderr, "This destroys {words}, for good. Go on? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    let is_yes = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
    if is_yes { Ok(()) } else { Err(Failure::new(CHECK_FAILED, "nothing was erased")) }
}

fn tell(what: &Erase, report: &ErasedReport, as_json: bool) -> io::Result<()> {
    if as_json {
        let report = json!({"record": report.record, "erased": report.erased, "left": report.left});
        return writeln!(io::stdout(), "{report}");
    }
    let words = match what {
        Erase::Record(record) => format!("the salt and texts of record {record}"),
        Erase::Subject(name) => format!("{name}: name, key, and the salts and texts of all their records"),
    };
    writeln!(anstream::stdout(), "{GREEN}erased{GREEN:#} {words}")?;
    writeln!(anstream::stdout(), "on record as {}", report.record)?;
    for left in &report.left {
        talk(format_args!("not reached: {left}"));
    }
    talk("backups made before have their own copies: see docs/ledger.md");
    Ok(())
}

fn not_erased(error: &EraseError) -> Failure {
    match error {
        EraseError::Nothing(why) => Failure::new(CHECK_FAILED, why),
        EraseError::Key(KeyError::File { .. }) => Failure::from_error(UNREACHABLE, error)
            .hint("an erasure is signed: run it where the ledger's key is"),
        _ => Failure::from_error(UNREACHABLE, error),
    }
}
