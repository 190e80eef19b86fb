//! The client suite: the official Python clients and curl against the real binary.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, cargo};
use crate::{packages, process, test};

const SUITE: &str = "crates/cli/tests/clients";

/// Builds the programs and runs the suite.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    process::run(cargo(test::PROGRAMS).current_dir(&workspace.root))?;
    check(&workspace)
}

/// Installs what the suite needs and runs it against the programs already built.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    suite(workspace, SUITE, |pytest| pytest)
}

/// Runs a folder of pytest files, with `settings` made, against the programs already built.
pub(crate) fn suite(
    workspace: &Workspace,
    folder: &str,
    settings: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<()> {
    debian_packages()?;
    let python = python(workspace)?;
    let mut pytest = Command::new(python);
    pytest
        .args(["-m", "pytest", "-q", folder])
        .current_dir(&workspace.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("WAYMARK_BINARY", workspace.program("waymark"))
        .env("SCRIPTED_UPSTREAM_BINARY", workspace.program("scripted-upstream"));
    process::run(settings(&mut pytest))
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
    packages::install("the client suite", &missing)
}
