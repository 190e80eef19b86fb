//! The replay: a real history made again, its lines written by people and by assistants through the real gateway, and
//! the binary asked who wrote which.
//!
//! Who wrote each line is known by construction, through edits, formatters and rewrites of history. It fails when one
//! line of a person's is called a model's, or too few of the models' are found. `cargo xtask attribution` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program prints its figures")]

mod ask;
mod assistants;
mod format;
mod git;
mod history;
mod house;
mod human;
mod moments;
mod peers;
mod plan;
mod replay;
mod report;
mod rewrites;
mod score;
mod truth;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use waymark_testkit::Random;

use crate::history::History;
use crate::house::House;
use crate::peers::{Side, Tools};
use crate::replay::{Batch, Replay};
use crate::report::Report;
use crate::rewrites::Rewrite;

/// Replays histories and asks who wrote what.
#[derive(Debug, Parser)]
struct Arguments {
    /// The binary that is asked
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// A clone whose history is replayed; may be given more than once
    #[arg(long, value_name = "DIR")]
    repo: Vec<PathBuf>,
    /// Replay the small history that comes with the program
    #[arg(long)]
    bundled: bool,
    /// Commits of each
    #[arg(long, default_value_t = 60)]
    commits: usize,
    /// Commits between two rounds of questions
    #[arg(long, default_value_t = 10)]
    batch: usize,
    /// The seed that another run printed
    #[arg(long)]
    seed: Option<u64>,
    /// Where the report and the emissions are written
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Ask only after these rewrites, by the names in the table
    #[arg(long, value_name = "NAME")]
    rewrite: Vec<String>,
    /// Put git-ai through the same, and print what it and Waymark say side by side, without targets
    #[arg(long, value_name = "FILE")]
    git_ai: Option<PathBuf>,
    /// The same with whogitit
    #[arg(long, value_name = "FILE")]
    whogitit: Option<PathBuf>,
    /// Make the history, rewrite it, and ask nothing
    #[arg(long)]
    ask_nothing: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let binary = arguments.binary.canonicalize();
    let binary = binary.with_context(|| format!("there is no binary at {}", arguments.binary.display()))?;
    ensure!(arguments.bundled || !arguments.repo.is_empty(), "name a --repo, or --bundled");
    for name in &arguments.rewrite {
        ensure!(Rewrite::all().any(|rewrite| rewrite.name() == name), "there is no rewrite {name:?}");
    }
    let seed = arguments.seed.unwrap_or_else(Random::seed);
    eprintln!("seed {seed}");
    let mut house = House::new(&binary);
    let asks = !arguments.ask_nothing;
    ensure!(!asks || ask::can(house.waymark()), "the binary cannot be asked: it has no `blame`");
    let mut report = Report::new(seed, &arguments.out)?;
    let tools = Tools::new(arguments.git_ai.as_deref(), arguments.whogitit.as_deref())?;
    let mut side = Side::new(&tools);
    let mut first_emission = 0;
    for (number, history) in histories(arguments, seed)?.iter().enumerate() {
        let folder = tempfile::tempdir().context("a folder to work in")?;
        let random = Random::seeded(seed.wrapping_add(1 + number as u64));
        let mut replay = Replay::new(history, folder.path(), first_emission, random)?;
        side.begins(history, folder.path())?;
        let mut random = Random::seeded(seed.wrapping_mul(31).wrapping_add(number as u64));
        let began = Instant::now();
        for steps in history.steps.chunks(arguments.batch.max(1)) {
            house.start();
            let batch = replay.batch(steps, &house)?;
            house.stop()?;
            eprintln!(
                "{}: {} commits, {} emissions, {:.0} s",
                history.name,
                batch.number,
                replay.made.len(),
                began.elapsed().as_secs_f64()
            );
            if !side.is_empty() {
                side.replays(&house, &replay, &batch, &mut random, &arguments.rewrite)?;
                continue;
            }
            let scratch = tempfile::tempdir().context("a folder for rewrites")?;
            rewrites(arguments, &house, &replay, &batch, scratch.path(), &mut random, &mut report)?;
        }
        first_emission += replay.made.len();
        report.takes_in(history, &replay)?;
    }
    if !side.is_empty() {
        return side.ends(&arguments.out, seed);
    }
    let misses = report.ends()?;
    ensure!(!asks || misses == 0, "{misses} targets are missed");
    Ok(())
}

fn histories(arguments: &Arguments, seed: u64) -> Result<Vec<History>> {
    let mut random = Random::seeded(seed);
    let repos = arguments.repo.iter();
    let mut histories = repos
        .map(|folder| {
            let history = History::of(folder, arguments.commits, &mut random);
            history.with_context(|| format!("the history of {}", folder.display()))
        })
        .collect::<Result<Vec<_>>>()?;
    if arguments.bundled {
        histories
            .push(history::bundled(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/attribution"))?);
    }
    Ok(histories)
}

/// Asks after every rewrite.
fn rewrites(
    arguments: &Arguments,
    house: &House,
    replay: &Replay,
    batch: &Batch,
    scratch: &std::path::Path,
    random: &mut Random,
    report: &mut Report,
) -> Result<()> {
    for rewrite in Rewrite::all() {
        // Drawn in any case, so that a choice of rewrites does not change what each does.
        let mut random = Random::seeded(random.bits());
        let is_wanted =
            arguments.rewrite.is_empty() || arguments.rewrite.iter().any(|name| name == rewrite.name());
        if !is_wanted {
            continue;
        }
        let rewritten = rewrite.apply(&replay.git, scratch, batch, &mut random);
        let rewritten = rewritten.with_context(|| rewrite.name())?;
        rewritten.holds().with_context(|| rewrite.name())?;
        if !arguments.ask_nothing {
            report.asks(rewrite, house.waymark(), &rewritten, replay)?;
        }
    }
    Ok(())
}
