//! `cargo xtask soak`: the binary as it ships under a steady mixed load, watched for what grows and what is left behind.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::process;
use crate::workspace::{Workspace, cargo};

const MINUTES: f64 = 30.0;

/// For how long, how hard, and on what.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// How long the load lasts
    #[arg(long, default_value_t = MINUTES)]
    minutes: f64,
    /// Requests a second
    #[arg(long)]
    rate: Option<f64>,
    /// Clients at a time
    #[arg(long)]
    clients: Option<usize>,
    /// The seed that another run printed
    #[arg(long)]
    seed: Option<u64>,
    /// A binary built before, instead of one built now
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Builds the binary unless one is named, and runs the load against it.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let workspace = Workspace::load()?;
    let binary = match &wanted.binary {
        Some(binary) => std::path::absolute(binary).context("the binary's place")?,
        None => {
            process::run(
                cargo(&["build", "--release", "--package", "waymark"]).current_dir(&workspace.root),
            )?;
            workspace.target.join("release").join(format!("waymark{}", std::env::consts::EXE_SUFFIX))
        }
    };
    let mut soak = cargo(&["run", "--quiet", "--package", "waymark-bench", "--bin", "soak", "--"]);
    soak.arg("--binary").arg(binary).arg("--out").arg(workspace.target.join("soak"));
    soak.args(["--minutes", &wanted.minutes.to_string()]);
    soak.args(wanted.rate.iter().flat_map(|rate| ["--rate".to_owned(), rate.to_string()]));
    soak.args(wanted.clients.iter().flat_map(|clients| ["--clients".to_owned(), clients.to_string()]));
    soak.args(wanted.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]));
    process::run(soak.current_dir(workspace.root))
}
