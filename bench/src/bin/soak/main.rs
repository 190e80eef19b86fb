//! The soak: the binary as it ships, under a steady mixed load for as long as one likes, looked at every second.
//!
//! Streams, whole answers, completions, clients that leave, upstreams that break, cut off or say nothing, and sessions
//! of coding agents, some of which go wrong. It fails when memory grows, when connections, files or answers outlast the
//! load, or when a record is missing. `cargo xtask soak` runs it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measuring program prints its figures")]

mod books;
mod house;
mod load;
mod plot;
mod samples;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use waymark_testkit::{Random, allow_files};

use crate::books::Books;
use crate::house::House;
use crate::load::Load;
use crate::samples::{Sample, Samples};
use crate::verdict::Verdict;

/// Files for the clients' and the upstreams' ends of every connection.
const FILES: u64 = 16_384;
/// How long what the load has left behind may take to go: the gateway keeps an idle connection for 90 seconds.
const DRAIN: Duration = Duration::from_secs(180);

/// Watches the binary under a steady load.
#[derive(Debug, Parser)]
struct Arguments {
    /// The binary under load
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// How long the load lasts
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Requests a second
    #[arg(long, default_value_t = 40.0)]
    rate: f64,
    /// Clients at a time
    #[arg(long, default_value_t = 16)]
    clients: usize,
    /// The seed that another run printed
    #[arg(long)]
    seed: Option<u64>,
    /// Where figures and plot are written
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
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
    ensure!(arguments.minutes > 0.0 && arguments.rate > 0.0 && arguments.clients > 0, "nothing to do");
    allow_files(FILES);
    let seed = arguments.seed.unwrap_or_else(Random::seed);
    eprintln!("{} minutes at {} requests/s, seed {seed}", arguments.minutes, arguments.rate);
    let mut house = House::start(&binary);
    let before = Sample::of(&house, Duration::ZERO, 0);
    let load = Load::new(arguments.clients, arguments.rate, seed);
    let mut samples = Samples::default();
    let books = load.run(&house, Duration::from_secs_f64(arguments.minutes * 60.0), |elapsed, done| {
        samples.add(Sample::of(&house, elapsed, done));
    });
    let drained = drain(&house, &before);
    let stopped = house.stop();
    let kept = Books::read(&house).context("the ledger, once the server had stopped")?;
    let verdict = Verdict::of(&before, &samples, &drained, &books, &kept, &stopped);
    std::fs::create_dir_all(&arguments.out).context("the folder for the figures")?;
    let (figures, plot) = (arguments.out.join("soak.csv"), arguments.out.join("soak.svg"));
    std::fs::write(&figures, samples.to_csv()).context("the figures")?;
    std::fs::write(&plot, plot::svg(&samples)).context("the plot")?;
    print!("{verdict}");
    println!("figures: {}\nplot: {}", figures.display(), plot.display());
    ensure!(verdict.is_well(), "the soak failed");
    Ok(())
}

/// Waits until nothing of the load is left, or for long enough; says what then is there.
fn drain(house: &House, before: &Sample) -> Sample {
    let began = Instant::now();
    loop {
        let sample = Sample::of(house, began.elapsed(), 0);
        if sample.is_as_idle_as(before) || began.elapsed() > DRAIN {
            return sample;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}
