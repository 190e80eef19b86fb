//! `waymark route replay FILE|--ledger`

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write};
use std::path::Path;
use std::process::ExitCode;

use waymark_gateway::{Change, LeftOut, Replay, Replayed, Side};
use waymark_ledger::{Join, Record};

use super::super::leaves::Leaves;
use super::super::{Ledger, Outcome, block_on, sources};
use super::table::{Column, Table};
use crate::args::Common;
use crate::failure::{CHECK_FAILED, Failure, UNREACHABLE, USAGE};
use crate::terminal::{BOLD, DIM, grouped, progress, short};

/// The most decisions that are shown one by one; `--json` has them all.
const SHOWN: usize = 20;

pub(crate) fn run(common: &Common, file: Option<&Path>) -> Outcome {
    if common.config.is_none() {
        return Err(Failure::new(USAGE, "there is no configuration to decide by")
            .hint("name the one to try with --config waymark.toml"));
    }
    let settings = sources::load(common, sources::Given::default())?;
    let mut replay = Replay::under(settings.config()).map_err(|error| Failure::from_error(USAGE, &error))?;
    match file {
        Some(path) => read(path, &mut replay)?,
        None => block_on(read_ledger(common, &mut replay))?,
    }
    let replayed = replay.finish();
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &replayed).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else {
        print(&replayed, &mut anstream::stdout().lock())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads an export, a record a line.
fn read(path: &Path, replay: &mut Replay) -> Result<(), Failure> {
    let unread =
        |error: io::Error| Failure::new(UNREACHABLE, format!("could not read {}: {error}", path.display()));
    let file = BufReader::new(File::open(path).map_err(unread)?);
    for (at, line) in file.lines().enumerate() {
        let line = line.map_err(unread)?;
        if line.trim().is_empty() {
            continue;
        }
        let record: Record = serde_json::from_str(&line).map_err(|error| {
            Failure::new(USAGE, format!("{}: line {} is no record: {error}", path.display(), at + 1)).hint(
                "`waymark export --format jsonl` writes records; a table of outcomes is named with --outcomes",
            )
        })?;
        replay.push(&record);
    }
    Ok(())
}

async fn read_ledger(common: &Common, replay: &mut Replay) -> Result<(), Failure> {
    let ledger = Ledger::open(common).await?;
    let mut leaves = Leaves::of(&ledger.store).await?;
    let mut join = Join::new(ledger.key.name());
    let bar = progress(leaves.total(), "replaying {bar:30} {human_pos}/{human_len} leaves ({per_sec})");
    while let Some((entry, place)) = leaves.next().await? {
        bar.set_position(place.index);
        if let Some(record) = join.push(entry, place) {
            replay.push(&record);
        }
    }
    join.finish().for_each(|record| replay.push(&record));
    bar.finish_and_clear();
    if leaves.total() == 0 {
        return Err(Failure::new(CHECK_FAILED, "the ledger is empty"));
    }
    Ok(())
}

fn print(replayed: &Replayed, out: &mut dyn Write) -> io::Result<()> {
    let requests = grouped(replayed.requests);
    writeln!(
        out,
        "{BOLD}{requests} requests decided again{BOLD:#} by {}, snapshot {}",
        replayed.policy,
        short(&replayed.snapshot)
    )?;
    let LeftOut { unfinished, unreadable, refused } = replayed.left_out;
    for (count, what) in [
        (unfinished, "left out, still open or cut off"),
        (unreadable, "left out, for their requests were never read"),
        (refused, "left out, for nobody was to be asked then"),
    ] {
        if count > 0 {
            writeln!(out, "{DIM}{} {what}{DIM:#}", grouped(count))?;
        }
    }
    let differ = replayed.changes.len() as u64;
    writeln!(
        out,
        "{} go to the same model ({} with other reserves), {} to another",
        grouped(replayed.same),
        grouped(replayed.other_reserves),
        grouped(differ)
    )?;
    if replayed.requests == 0 {
        return Ok(());
    }
    writeln!(out)?;
    models(replayed).write(out)?;
    writeln!(out)?;
    costs(replayed).write(out)?;
    writeln!(out)?;
    limits(replayed, out)?;
    if differ > 0 {
        writeln!(out)?;
        changes(&replayed.changes).write(out)?;
    }
    if replayed.changes.len() > SHOWN {
        let more = grouped((replayed.changes.len() - SHOWN) as u64);
        writeln!(out, "{DIM}and {more} more: --json has them all{DIM:#}")?;
    }
    Ok(())
}

fn models(replayed: &Replayed) -> Table<'static> {
    let mut table = Table::new(&[
        (Column::Words, "model"),
        (Column::Number, "answered, recorded"),
        (Column::Number, "share"),
        (Column::Number, "replayed"),
        (Column::Number, "share"),
    ]);
    let share = |count: u64| format!("{:.1} %", count as f64 / replayed.requests as f64 * 100.0);
    for model in &replayed.models {
        table.row([
            model.model.clone(),
            grouped(model.recorded),
            share(model.recorded),
            grouped(model.replayed),
            share(model.replayed),
        ]);
    }
    table
}

fn costs(replayed: &Replayed) -> Table<'static> {
    let cost = &replayed.cost;
    let mut table = Table::new(&[(Column::Words, "cost"), (Column::Number, "$"), (Column::Aside, "")]);
    for (what, amount, how) in [
        ("recorded", cost.recorded_micro_usd, "at the prices of the time"),
        ("recorded, at these prices", cost.repriced_micro_usd, "the same answers"),
        ("replayed", cost.replayed_micro_usd, "estimate"),
        ("always the cheapest rung", cost.always_cheapest_micro_usd, "estimate, conversations only"),
        ("always the strongest rung", cost.always_strongest_micro_usd, "estimate, conversations only"),
    ] {
        table.row([what.to_owned(), format!("{:.4}", amount.0 as f64 / 1e6), how.to_owned()]);
    }
    table
}

/// What the figures are, and what they cannot be.
fn limits(replayed: &Replayed, out: &mut dyn Write) -> io::Result<()> {
    let cost = &replayed.cost;
    writeln!(
        out,
        "- Costs are of the {} requests whose cost is known on every side; {} are left out.",
        grouped(cost.requests),
        grouped(cost.unpriced)
    )?;
    for (over, what) in [
        (&replayed.over_recorded, "the recorded answers at these prices"),
        (&replayed.over_strongest, "always the strongest rung"),
    ] {
        if let Some(over) = over {
            let [estimate, low, high] = [over.estimate, over.low, over.high].map(|share| share * 100.0);
            writeln!(
                out,
                "- Beside {what} the replay costs {estimate:+.0} %, {low:+.0} to {high:+.0} (95 %, bootstrap over {} \
                 sessions).",
                grouped(replayed.sessions)
            )?;
        }
    }
    writeln!(
        out,
        "- Estimates take the recorded tokens at this configuration's prices: another model would have written another \
         answer, and needed more turns or fewer."
    )?;
    if cost.cold_reads > 0 {
        writeln!(
            out,
            "- {} replayed changes of model read afresh what was recorded as read from a cache.",
            grouped(cost.cold_reads)
        )?;
    }
    writeln!(
        out,
        "- Records hold no text: only rules that had fired are weighed again, by the present weights. Whether the work \
         succeeded is not on record."
    )
}

fn changes(changes: &[Change]) -> Table<'static> {
    let mut table = Table::new(&[
        (Column::Words, "record"),
        (Column::Words, "task"),
        (Column::Words, "recorded"),
        (Column::Words, "replayed"),
    ]);
    for change in changes.iter().take(SHOWN) {
        table.row([
            change.record.to_string(),
            change.task.to_string(),
            side(&change.recorded),
            side(&change.replayed),
        ]);
    }
    table
}

fn side(side: &Side) -> String {
    let model = side.model.as_deref().unwrap_or("refused");
    let score =
        side.score.map_or(String::new(), |score| format!(", score {}.{:03}", score / 1_000, score % 1_000));
    format!("{model} ({}{score})", side.reason)
}
