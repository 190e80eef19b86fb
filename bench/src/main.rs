//! The measurement program: what Waymark's budgets cost on this machine.
//!
//! Never shipped. Every figure stands beside a baseline taken in the same run, in interleaved blocks, with the first
//! round thrown away. Nothing here asserts a time: a figure is for people to judge, and `docs/performance.md` says how.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program prints its figures")]

mod cancel;
mod client;
mod completion;
mod disk;
mod faults;
mod filling;
mod flash;
mod gateway;
mod ledger;
mod machine;
mod peers;
mod report;
mod samples;
mod sealed;
mod sides;
mod size;
mod traffic;
mod upstream;
mod verify;
mod writers;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};

use crate::machine::Load;
use crate::report::Report;

/// Measures Waymark beside its baselines.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; everything without it
    what: Vec<What>,
    /// Print one JSON document instead of tables
    #[arg(long)]
    json: bool,
    /// Measure on a loaded machine too; the report says so
    #[arg(long)]
    loaded: bool,
    /// The repository the embedded model reads
    #[arg(long, default_value = ".", value_name = "DIR")]
    repo: PathBuf,
    /// Rounds of everything, as a multiple of the usual
    #[arg(long, default_value_t = 1.0, value_name = "TIMES")]
    scale: f64,
    /// Records in the ledgers that `size` fills
    #[arg(long, default_value_t = 10_000_000, value_name = "N")]
    records: usize,
    /// The stores that `size` fills; both without it
    #[arg(long, value_name = "STORE")]
    store: Vec<Store>,
}

/// A store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Store {
    Sqlite,
    Postgres,
}

/// One family of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A call through the gateway, beside the same call made directly and through nginx
    Gateway,
    /// How soon an upstream learns that a client has left
    Cancel,
    /// What one of three deployments costs that is dead, fails or hangs
    Faults,
    /// A completion of the embedded model over HTTP, split into its parts
    Completion,
    /// Records written and verified, beside plain SQLite and the bare disk
    Ledger,
    /// The embedded model by itself
    Flash,
    /// Every question asked of a ledger of ten million records; only when asked for, since filling it takes long
    Size,
}

/// What every measurement is given.
struct Setting {
    /// The release binary under measurement.
    binary: PathBuf,
    /// The repository the embedded model reads.
    repo: PathBuf,
    /// Rounds as a multiple of the usual.
    scale: f64,
    /// Records of a large ledger.
    records: usize,
    /// Stores to fill with that many.
    stores: Vec<Store>,
}

impl Setting {
    /// A usual number of rounds, scaled.
    fn rounds(&self, usual: usize) -> usize {
        ((usual as f64 * self.scale).round() as usize).max(1)
    }
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
    if cfg!(debug_assertions) {
        bail!("this is a development build: use `cargo xtask bench`, which builds for release");
    }
    let binary = std::env::current_exe()?.with_file_name(format!("waymark{}", std::env::consts::EXE_SUFFIX));
    if !binary.is_file() {
        bail!("there is no release binary yet: use `cargo xtask bench`, which builds it");
    }
    let load = machine::settle(arguments.loaded)?;
    let repo = arguments.repo.canonicalize().context("the repository to read")?;
    let both = vec![Store::Sqlite, Store::Postgres];
    let stores = if arguments.store.is_empty() { both } else { arguments.store.clone() };
    let setting = Setting { binary, repo, scale: arguments.scale, records: arguments.records, stores };
    let mut report = Report::new(&load);
    let everything = [What::Gateway, What::Cancel, What::Faults, What::Completion, What::Ledger, What::Flash];
    for what in if arguments.what.is_empty() { &everything[..] } else { &arguments.what } {
        measure(*what, &setting, &mut report)?;
    }
    report.closing(&Load::read());
    if arguments.json {
        println!("{:#}", report.to_json());
    } else {
        print!("{}", report.to_text());
    }
    Ok(())
}

fn measure(what: What, setting: &Setting, report: &mut Report) -> Result<()> {
    eprintln!("measuring {what:?} ...");
    match what {
        What::Gateway => gateway::measure(setting, report).context("gateway"),
        What::Cancel => cancel::measure(setting, report).context("cancel"),
        What::Faults => faults::measure(setting, report).context("faults"),
        What::Completion => completion::measure(setting, report).context("completion"),
        What::Ledger => {
            ledger::measure(setting, report).and_then(|()| verify::measure(setting, report)).context("ledger")
        }
        What::Flash => flash::measure(setting, report).context("flash"),
        What::Size => size::measure(setting, report).context("size"),
    }
}
