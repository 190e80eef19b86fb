//! `waymark connect CLIENT`: by the client's own settings, reversibly.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::{Outcome, sources};
use crate::args::{Common, Connect};
use crate::connect::{
    self, Address, AddressError, Client, ConnectError, FileChange, Home, Plan, Platform, print_diff,
};
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE, talk};
use crate::terminal::{BOLD, DIM, GREEN};

pub(crate) fn run(common: &Common, asked: &Connect) -> Outcome {
    let client = connect::client(&asked.client)
        .ok_or_else(|| Failure::new(USAGE, format!("there is no client `{}`", asked.client)))?;
    let home = home()?;
    let data_dir = sources::data_dir(common)?;
    let told = if asked.undo {
        undo(client, &home, &data_dir, asked.dry_run)?
    } else {
        let address = address(common, asked.base_url.as_deref())?;
        join(client, &home, &address, &data_dir, asked.dry_run)?
    };
    if common.json {
        writeln!(io::stdout(), "{}", told.json(client))?;
    } else {
        told.print(client, &home, &mut anstream::stdout().lock())?;
    }
    let by_hand = told.changes.iter().any(|change| change.by_hand.is_some());
    Ok(if by_hand { ExitCode::from(CHECK_FAILED) } else { ExitCode::SUCCESS })
}

/// What was done, or would be.
struct Told {
    changes: Vec<FileChange>,
    /// What no file can hold; none when it was taken back.
    plan: Option<Plan>,
    address: Option<Address>,
    dry_run: bool,
}

fn join(
    client: &Client,
    home: &Home<'_>,
    address: &Address,
    data_dir: &Path,
    dry_run: bool,
) -> Result<Told, Failure> {
    let plan = (client.plan)(home, address);
    let changes =
        connect::connect(client, &plan, address, data_dir, dry_run).map_err(|error| failure(&error))?;
    Ok(Told { changes, plan: Some(plan), address: Some(address.clone()), dry_run })
}

fn undo(client: &Client, home: &Home<'_>, data_dir: &Path, dry_run: bool) -> Result<Told, Failure> {
    let done = connect::undo(client, data_dir, dry_run).map_err(|error| failure(&error))?;
    let Some(changes) = done else {
        // Nothing was written, so what was set by hand is the user's to take back.
        let nowhere = Address::of_listener(SocketAddr::from(([127, 0, 0, 1], 4114)));
        let manual = nowhere.is_ok_and(|address| (client.plan)(home, &address).files.is_empty());
        let hint = match manual {
            true => "it has no settings file of its own to write: take back by hand what was set by hand",
            false => "name the data directory it was connected with, by --data-dir",
        };
        talk(format_args!("nothing was changed for {}; {hint}", client.title));
        return Ok(Told { changes: Vec::new(), plan: None, address: None, dry_run });
    };
    Ok(Told { changes, plan: None, address: None, dry_run })
}

impl Told {
    fn print(&self, client: &Client, home: &Home<'_>, out: &mut dyn Write) -> io::Result<()> {
        for change in &self.changes {
            let name = home.shown(&change.path);
            if self.dry_run {
                print_diff(&name, change.before.as_deref(), change.after.as_deref(), out)?;
            }
            for remark in &change.remarks {
                writeln!(out, "{name}: {remark}")?;
            }
            if let Some(by_hand) = &change.by_hand {
                passage(&format!("add to {name} by hand"), by_hand, out)?;
            }
            if !self.dry_run && change.is_change() {
                let done = match (&change.before, &change.after, &self.plan) {
                    (_, None, _) => "removed, as there was none before",
                    (None, ..) => "made",
                    (_, _, None) => "as it was before",
                    _ => "changed",
                };
                writeln!(out, "{GREEN}{name}{GREEN:#} {done}")?;
            }
            if let Some(backup) = &change.backup {
                writeln!(out, "  {DIM}what it was:{DIM:#} {}", home.shown(backup))?;
            }
        }
        let Some(plan) = &self.plan else { return Ok(()) };
        for by_hand in &plan.by_hand {
            passage(by_hand.heading, &by_hand.text, out)?;
        }
        // Talk, so that a shell can take what is printed as it is.
        talk(self.verdict(client));
        for note in &plan.notes {
            talk(format_args!("  {DIM}note:{DIM:#} {note}"));
        }
        Ok(())
    }

    fn verdict(&self, client: &Client) -> String {
        let at = self.address.as_ref().map_or("", Address::base);
        let title = client.title;
        let changed = self.changes.iter().any(FileChange::is_change);
        if self.changes.is_empty() || self.changes.iter().any(|change| change.by_hand.is_some()) {
            return format!("{title} reaches {at} once this is set");
        }
        match (changed, self.dry_run) {
            (false, _) => format!("{title} is set to {at} already: nothing to change"),
            (true, true) => "nothing was written".to_owned(),
            (true, false) => {
                format!("{title} is set to {at}; take it back with `waymark connect {} --undo`", client.name)
            }
        }
    }

    fn json(&self, client: &Client) -> serde_json::Value {
        let files: Vec<_> = self
            .changes
            .iter()
            .map(|change| {
                json!({
                    "file": change.path, "changed": change.is_change() && !self.dry_run,
                    "would_change": change.is_change(), "backup": change.backup,
                    "remarks": change.remarks, "by_hand": change.by_hand,
                })
            })
            .collect();
        let passages = self.plan.iter().flat_map(|plan| &plan.by_hand);
        let by_hand: Vec<_> =
            passages.map(|passage| json!({"where": passage.heading, "what": passage.text})).collect();
        json!({
            "client": client.name, "address": self.address.as_ref().map(Address::base), "dry_run": self.dry_run,
            "files": files, "by_hand": by_hand,
            "notes": self.plan.as_ref().map(|plan| plan.notes.clone()).unwrap_or_default(),
        })
    }
}

/// A block to copy, flush left so that a shell takes it as it is.
fn passage(heading: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{BOLD}# {heading}{BOLD:#}\n{}", text.trim_end_matches('\n'))
}

/// The address to point at: the one given, else where the server is set to listen.
pub(super) fn address(common: &Common, given: Option<&str>) -> Result<Address, Failure> {
    let address = match given {
        Some(given) => Address::parse(given),
        None => {
            let listen = sources::listen(common)?.unwrap_or_default();
            let socket: Option<SocketAddr> = listen.parse().ok();
            socket.ok_or(AddressError::Form(listen)).and_then(Address::of_listener)
        }
    };
    address.map_err(|error| Failure::new(USAGE, error).hint("name it with --base-url http://127.0.0.1:4114"))
}

/// This user's folders.
pub(super) fn home() -> Result<Home<'static>, Failure> {
    match (dirs::home_dir(), dirs::config_dir()) {
        (Some(home), Some(config)) => {
            Ok(Home { home, config, platform: Platform::HERE, environment: &sources::environment })
        }
        _ => Err(Failure::new(UNREACHABLE, "this system names no home folder").hint("set HOME")),
    }
}

/// A client's files in the way.
pub(super) fn failure(error: &ConnectError) -> Failure {
    let code = if error.is_unreachable() { UNREACHABLE } else { CHECK_FAILED };
    Failure::from_error(code, error).hint(error.hint())
}
