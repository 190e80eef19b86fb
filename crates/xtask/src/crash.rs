//! `cargo xtask crash`: the crash suite for as long as one likes; `cargo xtask test` runs it for a few moments only.

use anyhow::Result;
use clap::Args;

use crate::workspace::{Workspace, cargo};
use crate::{packages, process};

/// Moments at which something breaks, in each test of the suite.
const ROUNDS: usize = 500;
const SUITE: &[&str] =
    &["test", "-p", "waymark", "--test", "it", "crash::", "--", "--nocapture", "--test-threads=1"];

/// For how long, and which run to repeat.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Moments at which something breaks, in each test
    #[arg(long, default_value_t = ROUNDS)]
    rounds: usize,
    /// The seed that a failed run printed
    #[arg(long)]
    seed: Option<u64>,
}

/// Runs the suite, what is done printed as it goes.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let workspace = Workspace::load()?;
    packages::for_tests()?;
    let mut suite = cargo(SUITE);
    suite.env("WAYMARK_CRASH_ROUNDS", wanted.rounds.to_string());
    suite.envs(wanted.seed.map(|seed| ("WAYMARK_TEST_SEED", seed.to_string())));
    process::run(suite.current_dir(workspace.root))
}
