//! `waymark store`

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressBar;
use serde_json::json;
use waymark_gateway::{BackupError, DATABASE, key_of};
use waymark_ledger::checkpoint;
use waymark_store::{Address, Copied, CopyError, Stage};

use super::{Outcome, block_on, sources};
use crate::args::{Common, Migrate};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE, talk};
use crate::terminal::{GREEN, grouped, progress};

pub(crate) fn migrate(common: &Common, asked: &Migrate) -> Outcome {
    let data_dir = sources::data_dir(common)?;
    let from = address("--from", &asked.from, &data_dir)?;
    let to = address("--to", &asked.to, &data_dir)?;
    let key = key_of(&from, &data_dir).map_err(|error| {
        Failure::from_error(UNREACHABLE, &error)
            .hint("name the folder with the ledger's ledger.vkey with --data-dir DIR")
    })?;
    let copied = block_on(async {
        let bar = Bar::new();
        let copied = waymark_gateway::migrate(&from, &to, &key, &mut |stage| bar.show(stage)).await;
        bar.clear();
        copied.map_err(|error| failed(&error))
    })?;
    if common.json {
        writeln!(io::stdout(), "{}", report(&copied, key.name()))?;
        return Ok(ExitCode::SUCCESS);
    }
    tell(&copied, key.name())?;
    if matches!(to, Address::Sqlite(_)) {
        talk("a server needs ledger.key and ledger.vkey beside the file");
    }
    Ok(ExitCode::SUCCESS)
}

/// An address as it is typed. No error shows a password.
fn address(flag: &str, text: &str, data_dir: &Path) -> Result<Address, Failure> {
    if text == "sqlite" {
        return Ok(Address::Sqlite(data_dir.join(DATABASE)));
    }
    text.parse().map_err(|error| {
        let told = Failure::from_error(USAGE, &error);
        Failure::new(USAGE, format!("{flag}: {}", told.message()))
    })
}

/// How far a copy has come, on a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        Self(progress(0, "{msg} {bar:30} {human_pos}/{human_len} ({per_sec})"))
    }

    pub(super) fn show(&self, stage: Stage) {
        let (words, done, total) = match stage {
            Stage::Source(done, total) => ("verifying the source: leaves", done, total),
            Stage::Rows(done, total) => ("copying: rows", done, total),
            Stage::Copy(done, total) => ("verifying the copy: leaves", done, total),
        };
        if self.0.message() != words {
            self.0.set_message(words);
            self.0.reset_eta();
        }
        self.0.set_length(total);
        self.0.set_position(done);
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

pub(super) fn report(copied: &Copied, origin: &str) -> serde_json::Value {
    json!({
        "verified": true, "origin": origin, "size": copied.size, "added": copied.added,
        "root": checkpoint::root_text(&copied.root), "removed": copied.removed, "pending": copied.pending,
        "left": copied.left,
    })
}

pub(super) fn tell(copied: &Copied, origin: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{GREEN}copied and verified:{GREEN:#} {} leaves, {} of them new",
        grouped(copied.size),
        grouped(copied.added)
    )?;
    writeln!(out, "root {} of {origin}", checkpoint::root_text(&copied.root))?;
    if copied.pending > 0 {
        writeln!(out, "{} entries wait to be put under the tree", grouped(copied.pending))?;
    }
    if copied.removed > 0 {
        writeln!(out, "what was erased or dropped since is gone from the copy too")?;
    }
    for left in &copied.left {
        talk(format_args!("not reached: {left}"));
    }
    Ok(())
}

pub(super) fn failed(error: &BackupError) -> Failure {
    let told = |code| Failure::from_error(code, error);
    match error {
        BackupError::Copy(CopyError::Waiting(_)) => told(UNREACHABLE).hint(
            "seal first: where no gateway runs, start one on it and stop it; where many calls come, try again when \
             fewer do, or copy to PostgreSQL",
        ),
        BackupError::Copy(CopyError::BadSource(_)) => {
            told(CHECK_FAILED).hint("the copy that is there was left as it was; see what `waymark verify` says")
        }
        BackupError::Copy(CopyError::BadCopy(_)) => {
            told(CHECK_FAILED).hint("do not use the copy; see what `waymark verify` says of the source")
        }
        BackupError::Copy(CopyError::Differs(_)) => {
            told(CHECK_FAILED).hint("copy to an empty place, and see what `waymark verify` says of both")
        }
        BackupError::Occupied(_) | BackupError::Itself(_) => told(USAGE).hint("name another folder with --to DIR"),
        BackupError::Copy(_) | BackupError::Key(_) => told(UNREACHABLE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_no_password_is_told() {
        let read = |text: &str| address("--from", text, Path::new("data"));
        assert!(matches!(read("sqlite"), Ok(Address::Sqlite(path)) if path == Path::new("data/ledger.db")));
        assert!(matches!(read("sqlite:a/b.db"), Ok(Address::Sqlite(path)) if path == Path::new("a/b.db")));
        assert!(matches!(read("postgres://u:p@h/d"), Ok(Address::Postgres { password: None, .. })));
        let error = read("mysql://me:hunter2@host/d").err().unwrap();
        assert!(error.message().starts_with("--from: ") && !error.message().contains("hunter2"));
    }
}
