//! `cargo xtask deny`: licences, bans and sources of everything in the lock file, by `deny.toml`.

use anyhow::{Context, Result};

use crate::process;
use crate::workspace::{Workspace, cargo};

const VERSION: &str = "0.20";

/// Installs cargo-deny when it is missing, then checks.
pub(crate) fn run() -> Result<()> {
    if !process::succeeds(&mut cargo(&["deny", "--version"])) {
        println!("installing cargo-deny {VERSION}, once");
        process::run(&mut cargo(&["install", "--locked", "cargo-deny", "--version", VERSION]))
            .context("cargo-deny could not be installed")?;
    }
    let workspace = Workspace::load()?;
    process::run(cargo(&["deny", "check", "bans", "licenses", "sources"]).current_dir(workspace.root))
}
