//! `waymark doctor`: what is installed, what points here, and whether it gets through.

mod checks;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use waymark_store::{Address as Store, Query};

use super::connect::{address, home};
use super::{Ledger, Outcome, block_on, sources};
use crate::args::Common;
use crate::connect::{self, ALL, Address, Answer, Client, Here, Home, State};
use crate::failure::CHECK_FAILED;
use crate::terminal::{BOLD, DIM, GREEN, RED};

use checks::Check;

/// How many of the newest records are looked through for a client's last.
const RECORDS: u32 = 2_000;

/// A record, as far as it says whose it is.
struct Sighting {
    agent: String,
    record: String,
    started: waymark_types::Timestamp,
}

/// A client, for programs and people.
#[derive(Serialize)]
struct Found {
    client: &'static str,
    title: &'static str,
    state: &'static str,
    installed: Option<String>,
    /// None where no file tells.
    connected: Option<bool>,
    address: String,
    /// None where nothing was asked.
    reaches: Option<bool>,
    last_record: Option<Last>,
    next: Option<String>,
}

/// A client's newest record.
#[derive(Serialize)]
struct Last {
    record: String,
    started: waymark_types::Timestamp,
}

/// Everything that was found.
#[derive(Serialize)]
struct Report {
    ok: bool,
    address: String,
    checks: Vec<Check>,
    clients: Vec<Found>,
}

pub(crate) fn run(common: &Common, base_url: Option<&str>) -> Outcome {
    let home = home()?;
    let address = address(common, base_url)?;
    let data_dir = sources::data_dir(common)?;
    let (ledger, sightings) = block_on(async { Ok(read_ledger(common, &data_dir).await) })?;
    let newest = sightings.iter().map(|sighting| sighting.started).max();
    let answer = connect::ask(&address);
    let checks = vec![
        checks::git(&home),
        checks::data_dir(&data_dir),
        ledger,
        checks::server(&address, &answer),
        checks::clock(newest),
    ];
    let clients: Vec<Found> =
        ALL.into_iter().map(|client| found(client, &home, &address, &data_dir, &sightings)).collect();
    let fine = checks.iter().all(|check| check.ok) && clients.iter().all(|client| client.state != UNREACHED);
    let report = Report { ok: fine, address: address.base().to_owned(), checks, clients };
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &report).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else {
        print(&report, &mut anstream::stdout().lock())?;
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

const OK: &str = "ok";
const UNREACHED: &str = "cannot reach";
const UNREADABLE: &str = "unreadable";

/// The ledger's own check, and who its newest records are from.
async fn read_ledger(common: &Common, data_dir: &Path) -> (Check, Vec<Sighting>) {
    let store = sources::store(common, data_dir);
    if matches!(store, Ok(Store::Sqlite(path)) if !path.exists()) {
        return (checks::no_ledger(), Vec::new());
    }
    let ledger = match Ledger::open(common).await {
        Ok(ledger) => ledger,
        Err(failure) => return (checks::bad_ledger(failure.message()), Vec::new()),
    };
    let newest = Query { limit: RECORDS, ..Query::default() };
    let page = ledger.store.list(&newest).await;
    let records = page.map(|page| page.records).unwrap_or_default();
    let sightings = records.into_iter().map(|(intent, _)| Sighting {
        agent: intent.client.unwrap_or_default().to_lowercase(),
        record: intent.record.to_string(),
        started: intent.started,
    });
    let sightings = sightings.collect();
    (checks::ledger(&ledger).await, sightings)
}

fn found(
    client: &'static Client,
    home: &Home<'_>,
    address: &Address,
    data_dir: &Path,
    seen: &[Sighting],
) -> Found {
    let last = seen.iter().find(|sighting| client.agents.iter().any(|agent| sighting.agent.contains(agent)));
    let last_record = last.map(|last| Last { record: last.record.clone(), started: last.started });
    let mut found = Found {
        client: client.name,
        title: client.title,
        state: UNREADABLE,
        installed: None,
        connected: None,
        address: address.base().to_owned(),
        reaches: None,
        last_record,
        next: None,
    };
    match connect::state(client, home, address, Some(data_dir)) {
        Ok(state) => judge(&mut found, state),
        Err(error) => {
            let error = super::connect::failure(&error);
            found.next = Some(error.message().to_owned());
        }
    }
    found
}

/// What a client's state comes to, and the next step.
fn judge(found: &mut Found, state: State) {
    let name = found.client;
    let connect = format!("waymark connect {name}");
    found.address = state.address.base().to_owned();
    found.installed = state.installed;
    found.connected = match &state.here {
        Here::Yes | Here::Partly => Some(true),
        Here::Elsewhere(_) | Here::No => Some(false),
        Here::Unknown => None,
    };
    if found.connected == Some(true) {
        let answer = connect::ask(&state.address);
        found.reaches = match answer {
            Answer::Ready => Some(true),
            Answer::NotAsked => None,
            _ => Some(false),
        };
    }
    let (verdict, next) = match (&found.installed, state.here, found.reaches) {
        (None, Here::No | Here::Unknown | Here::Elsewhere(_), _) => ("not installed", None),
        (_, Here::Yes | Here::Partly, Some(false)) => (
            UNREACHED,
            Some(format!(
                "start it with `waymark up`, or point it elsewhere with `{connect} --base-url URL`"
            )),
        ),
        (_, Here::Yes, _) => (OK, None),
        (_, Here::Partly, _) => (OK, Some(format!("`{connect}` sets what is missing"))),
        (_, Here::Elsewhere(url), _) => {
            ("not connected", Some(format!("it points at {url}; `{connect}` points it here")))
        }
        (_, Here::No, _) => ("not connected", Some(format!("`{connect}`"))),
        (_, Here::Unknown, _) if found.last_record.is_some() => (OK, None),
        (_, Here::Unknown, _) => ("not seen", Some(format!("`{connect}` prints what to set"))),
    };
    found.state = verdict;
    found.next = next;
}

fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{BOLD}Here{BOLD:#}")?;
    for check in &report.checks {
        let (style, word) = if check.ok { (GREEN, "ok") } else { (RED, "WRONG") };
        writeln!(out, "  {:<14}{style}{word:<7}{style:#}{}", check.name, check.detail)?;
        next(check.next.as_deref(), out)?;
    }
    writeln!(out, "{BOLD}Clients{BOLD:#}")?;
    for client in &report.clients {
        let style = match client.state {
            OK => GREEN,
            UNREACHED | UNREADABLE => RED,
            _ => DIM,
        };
        let at = match (client.connected, client.reaches) {
            (Some(true), None) => {
                format!(" at {}, which is not this machine and was not asked", client.address)
            }
            (Some(true), _) => format!(" at {}", client.address),
            _ => String::new(),
        };
        let last = client
            .last_record
            .as_ref()
            .map(|last| format!(", last record {} at {}", last.record, last.started));
        writeln!(
            out,
            "  {:<14}{style}{}{style:#}{at}{}",
            client.client,
            client.state,
            last.unwrap_or_default()
        )?;
        next(client.next.as_deref(), out)?;
    }
    Ok(())
}

fn next(step: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    match step {
        Some(step) => writeln!(out, "  {:<14}{DIM}next:{DIM:#} {step}", ""),
        None => Ok(()),
    }
}
