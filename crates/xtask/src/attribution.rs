//! `cargo xtask attribution`: histories replayed by people and assistants through the real binary, which is then asked
//! who wrote which line.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
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
    /// Put git-ai and whogitit through the same, and print what each says side by side: those on the PATH, or named
    #[arg(long)]
    peers: bool,
    /// The git-ai to put through the same
    #[arg(long, value_name = "FILE")]
    git_ai: Option<PathBuf>,
    /// The whogitit to put through the same
    #[arg(long, value_name = "FILE")]
    whogitit: Option<PathBuf>,
}

/// Other tools that say who wrote a line, and how to get each. Their code is never part of this one.
const PEERS: [(&str, &str); 2] = [
    ("git-ai", "build it from https://github.com/git-ai-project/git-ai: cargo build --release --locked"),
    ("whogitit", "cargo install whogitit --version 1.0.0 --locked"),
];

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
    for (name, program) in peers(wanted)? {
        asks.arg(format!("--{name}")).arg(program);
    }
    process::run(asks.current_dir(workspace.root))
}

/// The other tools that are named or, where all are wanted, on the PATH.
fn peers(wanted: &Wanted) -> Result<Vec<(&'static str, PathBuf)>> {
    let mut peers = Vec::new();
    for ((name, how), named) in PEERS.into_iter().zip([&wanted.git_ai, &wanted.whogitit]) {
        match named {
            Some(program) => {
                peers.push((name, std::path::absolute(program).with_context(|| format!("{name}'s place"))?));
            }
            None if wanted.peers => match on_path(name) {
                Some(program) => peers.push((name, program)),
                None => println!("    no {name} on the PATH and none named with --{name}; {how}"),
            },
            None => {}
        }
    }
    ensure!(!wanted.peers || !peers.is_empty(), "there is nothing to put beside Waymark");
    Ok(peers)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}
