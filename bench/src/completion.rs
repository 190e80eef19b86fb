//! A completion of the embedded model over HTTP, and each of the parts it is made of.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use waymark_flash::{CompletionRequest, Flash};

use crate::client::{Client, Wire};
use crate::ledger::Ledger;
use crate::machine::Load;
use crate::peers::Gateway;
use crate::report::{Cell, Report, Table};
use crate::sides::{Side, millis, take_turns, timed};
use crate::{Setting, disk, machine};

/// Cursors that are asked about, spread evenly over the repository's files.
const CURSORS: usize = 500;
/// Text an editor sends from before and after the cursor, in bytes.
const WINDOW: [usize; 2] = [8_000, 2_000];
const ENDINGS: [&str; 6] = [".rs", ".py", ".go", ".ts", ".js", ".java"];

/// A place in a file.
struct Cursor {
    path: String,
    prefix: String,
    suffix: String,
}

/// Measures a completion and its parts in the same rounds.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let cursors = cursors(&setting.repo)?;
    // Nobody listens there: completions are the embedded model's.
    let gateway = Gateway::start(&setting.binary, ([127, 0, 0, 1], 9).into(), Some(&setting.repo))?;
    let flash = Flash::open(&setting.repo, &|_| {})?;
    let folder = gateway.data_dir();
    let ledger = Ledger::open(&folder.join("beside.db"))?;
    let mut sides = vec![
        over_http(&gateway, &cursors)?,
        alone(&flash, &cursors),
        floor(&gateway)?,
        commits(ledger),
        disk::overwrite(&folder)?,
        disk::overwrite_all(&folder)?,
        disk::append(&folder)?,
    ];
    let load = Load::beside(&[gateway.process]);
    take_turns(setting.rounds(10), 100, &mut sides)?;
    let mut table = tabulate(&sides, &flash, &folder);
    table.note(load.disturbance(&[gateway.process]));
    report.add(table);
    Ok(())
}

fn over_http<'a>(gateway: &Gateway, cursors: &'a [Cursor]) -> Result<Side<'a>> {
    let mut client = Client::connect(gateway.address)?;
    let requests: Vec<Wire> = cursors.iter().map(wire).collect();
    let mut next = (0..requests.len()).cycle();
    let side = Side::new("POST /v1/completions", move || {
        let at = next.next().unwrap_or(0);
        let timed = client.call(&requests[at])?;
        Ok([timed.first, timed.total].map(millis))
    });
    Ok(side.in_process(Some(gateway.process)))
}

fn wire(cursor: &Cursor) -> Wire {
    let body = json!({
        "model": "flash", "prompt": cursor.prefix, "suffix": cursor.suffix, "max_tokens": 64,
        "waymark": {"path": cursor.path}
    });
    Wire::post("/v1/completions", &[], body.to_string().as_bytes())
}

/// The same cursors in the same order, without anything around the model.
fn alone<'a>(flash: &'a Flash, cursors: &'a [Cursor]) -> Side<'a> {
    let mut next = cursors.iter().cycle();
    Side::new("the model alone", move || {
        let cursor = next.next().context("no cursor")?;
        timed(|| {
            let request = CompletionRequest {
                prefix: &cursor.prefix,
                suffix: &cursor.suffix,
                path: Some(&cursor.path),
                max_tokens: Some(64),
                ..CompletionRequest::default()
            };
            std::hint::black_box(flash.complete(&request));
            Ok(())
        })
    })
}

/// An answer that needs neither model nor ledger.
fn floor(gateway: &Gateway) -> Result<Side<'static>> {
    let mut client = Client::connect(gateway.address)?;
    let request = Wire::get("/healthz");
    Ok(Side::new("GET /healthz", move || {
        let timed = client.call(&request)?;
        Ok([timed.first, timed.total].map(millis))
    }))
}

/// What a completion waits for: both halves of its record are sealed together.
fn commits(mut ledger: Ledger) -> Side<'static> {
    Side::new("one commit of a whole record", move || {
        let (leaves, effects) = ledger.record()?;
        timed(|| ledger.commit(&leaves, &effects))
    })
}

fn tabulate(sides: &[Side<'_>], flash: &Flash, folder: &Path) -> Table {
    let stats = flash.stats();
    let title = "a completion of the embedded model over HTTP, and its parts (ms)";
    let columns = ["part", "samples", "p50", "p99", "of the call's p50", "processor us"];
    let mut table = Table::new(title, &columns);
    let whole = sides[0].total.median();
    for side in sides {
        let median = side.total.median();
        table.row(
            side.name,
            [
                Cell::count(side.total.count()),
                Cell::Figure(median, 3),
                Cell::Figure(side.total.p99(), 3),
                Cell::Figure(median / whole, 3),
                side.processor().map_or(Cell::None, |micros| Cell::Figure(micros, 0)),
            ],
        );
    }
    let [model, http, commit] = [1, 2, 3].map(|at| sides[at].total.median());
    let rest = whole - model - http - commit;
    table.note(format!(
        "the call is the model {model:.3}, HTTP {http:.3}, the commit {commit:.3}, and {rest:.3} more"
    ));
    let file_system = machine::file_system(folder);
    table.note(format!(
        "the model read {} files, {} tokens; the ledger is on {file_system}",
        stats.files, stats.tokens
    ));
    table
}

fn cursors(repo: &Path) -> Result<Vec<Cursor>> {
    let output =
        Command::new("git").arg("-C").arg(repo).args(["ls-tree", "-r", "--name-only", "HEAD"]).output()?;
    ensure!(output.status.success(), "the repository to read has no commit");
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let paths: Vec<&str> =
        listing.lines().filter(|path| ENDINGS.iter().any(|end| path.ends_with(end))).collect();
    ensure!(!paths.is_empty(), "the repository to read has no code");
    let step = (paths.len() / CURSORS).max(1);
    let paths: Vec<&str> = paths.into_iter().step_by(step).collect();
    let each = CURSORS.div_ceil(paths.len());
    let mut cursors = Vec::new();
    for path in paths {
        let Ok(text) = std::fs::read_to_string(repo.join(path)) else { continue };
        for cut in 0..each {
            let at = text.floor_char_boundary(text.len() * (2 * cut + 1) / (2 * each));
            let start = text.ceil_char_boundary(at.saturating_sub(WINDOW[0]));
            let end = text.floor_char_boundary((at + WINDOW[1]).min(text.len()));
            let (prefix, suffix) = (text[start..at].to_owned(), text[at..end].to_owned());
            cursors.push(Cursor { path: path.to_owned(), prefix, suffix });
        }
    }
    Ok(cursors)
}
