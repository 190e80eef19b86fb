//! `cargo xtask attribution`: histories replayed by people and assistants through the real binary, which is then asked
//! who wrote which line.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::process;
use crate::workspace::{Workspace, cargo};

/// Which histories, and how much of them.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// A clone whose history is replayed; may be given more than once
    #[arg(long, value_name = "DIR")]
    repo: Vec<PathBuf>,
    /// Replay the small history that comes along; so it is when no clone is named
    #[arg(long)]
    bundled: bool,
    /// Commits of each
    #[arg(long)]
    commits: Option<usize>,
    /// Commits between two rounds of questions
    #[arg(long)]
    batch: Option<usize>,
    /// The seed that another run printed
    #[arg(long)]
    seed: Option<u64>,
    /// Ask only after these rewrites, by the names in the table
    #[arg(long, value_name = "NAME")]
    rewrite: Vec<String>,
    /// A binary built before, instead of one built now
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Builds the binary unless one is named, and asks it.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let workspace = Workspace::load()?;
    let binary = match &wanted.binary {
        Some(binary) => std::path::absolute(binary).context("the binary's place")?,
        None => {
            process::run(cargo(&["build", "--package", "waymark"]).current_dir(&workspace.root))?;
            workspace.program("waymark")
        }
    };
    let mut asks = cargo(&["run", "--quiet", "--package", "waymark-bench", "--bin", "attribution", "--"]);
    asks.arg("--binary").arg(binary).arg("--out").arg(workspace.target.join("attribution"));
    for repo in &wanted.repo {
        asks.arg("--repo").arg(std::path::absolute(repo).context("the clone's place")?);
    }
    if wanted.bundled || wanted.repo.is_empty() {
        asks.arg("--bundled");
    }
    asks.args(wanted.commits.iter().flat_map(|commits| ["--commits".to_owned(), commits.to_string()]));
    asks.args(wanted.batch.iter().flat_map(|batch| ["--batch".to_owned(), batch.to_string()]));
    asks.args(wanted.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]));
    asks.args(wanted.rewrite.iter().flat_map(|name| ["--rewrite", name]));
    process::run(asks.current_dir(workspace.root))
}
