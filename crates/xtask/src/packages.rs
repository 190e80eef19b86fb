//! Debian packages whose programs a suite needs.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// Installs the packages that are missing; where that is not possible the error names them.
pub(crate) fn install(suite: &str, missing: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    println!("    installing {}", missing.join(", "));
    let install = || -> Result<()> {
        process::run(apt()?.arg("update"))?;
        process::run(apt()?.args(["install", "--yes", "--no-install-recommends"]).args(missing))
    };
    install().with_context(|| format!("{suite} needs {}: install them", missing.join(", ")))
}

/// apt-get, through sudo unless root.
fn apt() -> Result<Command> {
    let is_root = process::output(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = if is_root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["--non-interactive", "apt-get"]);
        sudo
    };
    command.arg("--quiet").env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}
