//! The client suite: the official Python clients and curl against the real binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, cargo};
use crate::{process, test};

const SUITE: &str = "crates/cli/tests/clients";

/// Builds the programs and runs the suite.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    process::run(cargo(test::PROGRAMS).current_dir(&workspace.root))?;
    check(&workspace)
}

/// Installs what the suite needs and runs it against the programs already built.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    debian_packages()?;
    let python = python(workspace)?;
    process::run(
        Command::new(python)
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", SUITE])
            .current_dir(&workspace.root)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("WAYMARK_BINARY", workspace.program("waymark"))
            .env("SCRIPTED_UPSTREAM_BINARY", workspace.program("scripted-upstream")),
    )
}

/// Python of a virtual environment with exactly what the suite pins.
fn python(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("clients-venv");
    let python = folder.join("bin").join("python");
    let pins = workspace.root.join(SUITE).join("requirements.txt");
    let wanted = std::fs::read_to_string(&pins).context("cannot read the suite's requirements")?;
    let installed = folder.join("requirements.txt");
    if python.exists() && std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    println!("    installing the Python clients");
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    install(&python, &pins)?;
    std::fs::write(&installed, wanted).context("cannot note what was installed")?;
    Ok(python)
}

fn install(python: &Path, pins: &Path) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    process::run(pip.args(["--retries", "5", "--requirement"]).arg(pins))
        .context("the Python clients could not be installed")
}

/// Installs the Debian packages whose programs are missing; elsewhere names them.
fn debian_packages() -> Result<()> {
    let mut missing = Vec::new();
    if !process::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        missing.extend(["python3", "python3-venv"]);
    }
    if !process::succeeds(Command::new("curl").arg("--version")) {
        missing.push("curl");
    }
    if missing.is_empty() {
        return Ok(());
    }
    println!("    installing {}", missing.join(", "));
    let install = || -> Result<()> {
        process::run(apt()?.arg("update"))?;
        process::run(apt()?.args(["install", "--yes", "--no-install-recommends"]).args(&missing))
    };
    install().with_context(|| format!("the client suite needs {}: install them", missing.join(", ")))
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
