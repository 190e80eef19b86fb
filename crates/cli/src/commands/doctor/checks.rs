//! The checks that are no client's own.

use std::path::Path;
use std::process::Command;

use serde::Serialize;
use waymark_gateway::SystemClock;
use waymark_types::{Clock as _, Timestamp};

use crate::commands::Ledger;
use crate::connect::{Address, Answer, Home};

/// How far the clock may stand behind the newest record: servers on other machines may have written it.
const DRIFT_MICROS: u64 = 5 * 60 * 1_000_000;

/// One check.
#[derive(Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) detail: String,
    pub(super) next: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into(), next: None }
    }

    fn wrong(name: &'static str, detail: impl Into<String>, next: &str) -> Self {
        Self { name, ok: false, detail: detail.into(), next: Some(next.to_owned()) }
    }

    fn with(self, next: &str) -> Self {
        Self { next: Some(next.to_owned()), ..self }
    }
}

/// Whether git is there: the embedded model and `blame` ask it.
pub(super) fn git(home: &Home<'_>) -> Check {
    let version =
        home.program("git").and_then(|program| Command::new(program).arg("--version").output().ok());
    match version.filter(|output| output.status.success()) {
        Some(output) => Check::ok("git", String::from_utf8_lossy(&output.stdout).trim().to_owned()),
        None => Check::wrong("git", "not found, or it does not run", "install git and put it on the PATH"),
    }
}

/// Whether the ledger could be written where it belongs.
pub(super) fn data_dir(folder: &Path) -> Check {
    const NAME: &str = "data";
    let Some(there) = folder.ancestors().find(|folder| folder.exists()) else {
        return Check::wrong(NAME, folder.display().to_string(), "name a folder with --data-dir");
    };
    let probe = there.join(format!(".waymark-doctor-{}", std::process::id()));
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    let _ = std::fs::remove_file(&probe);
    match written {
        Ok(_) if there == folder => Check::ok(NAME, folder.display().to_string()),
        Ok(_) => Check::ok(NAME, format!("{} is made when a server starts", folder.display())),
        Err(error) => Check::wrong(
            NAME,
            format!("cannot write in {}: {error}", there.display()),
            "name a folder you can write to with --data-dir",
        ),
    }
}

/// There is no ledger yet, which is no fault.
pub(super) fn no_ledger() -> Check {
    Check::ok("ledger", "none yet").with("`waymark up` begins one")
}

/// The ledger cannot be read.
pub(super) fn bad_ledger(why: &str) -> Check {
    Check::wrong("ledger", why, "see what `waymark verify` says")
}

/// Whether the newest checkpoint is signed by this ledger's key and states the tree that is stored.
pub(super) async fn ledger(ledger: &Ledger) -> Check {
    match ledger.store.taken_up(&ledger.key).await {
        Err(error) => bad_ledger(&error.to_string()),
        Ok(tree) if tree.size() == 0 => Check::ok("ledger", "empty"),
        Ok(tree) => Check::ok(
            "ledger",
            format!("{} leaves under the newest checkpoint of {}", tree.size(), ledger.key.name()),
        ),
    }
}

/// Who is at the server's address. Nobody is no fault of its own: only a client that points there makes it one.
pub(super) fn server(address: &Address, answer: &Answer) -> Check {
    const NAME: &str = "server";
    let at = address.base();
    match answer {
        Answer::Ready => Check::ok(NAME, format!("{at} answers")),
        Answer::NotAsked => Check::ok(NAME, format!("{at} is not this machine and was not asked")),
        Answer::Nobody(_) => Check::ok(NAME, format!("nobody at {at}")).with("`waymark up` starts one"),
        Answer::Unwell => Check::wrong(
            NAME,
            format!("{at} answers that its ledger cannot write"),
            "see the server's log and the disk's free space",
        ),
        Answer::Other => Check::wrong(
            NAME,
            format!("another program answers at {at}"),
            "stop it, or listen elsewhere with `waymark up --listen ADDR`",
        ),
    }
}

/// Whether time has gone on since the newest record.
pub(super) fn clock(newest: Option<Timestamp>) -> Check {
    let now = SystemClock.now();
    match newest.map(|newest| newest.micros_since(now)) {
        Some(ahead) if ahead > DRIFT_MICROS => {
            Check::wrong("clock", format!("{now} is before the newest record"), "set this machine's clock")
        }
        _ => Check::ok("clock", now.to_string()),
    }
}
