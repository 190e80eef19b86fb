//! Suites written in Python: folders of pytest files, run against the programs already built.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use crate::{packages, process};

/// Where the suites are.
const SUITES: &str = "crates/cli/tests";

/// Runs a suite, with `settings` made.
pub(crate) fn run(
    workspace: &Workspace,
    python: &Path,
    suite: &str,
    settings: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<()> {
    let mut pytest = Command::new(python);
    pytest
        .args(["-m", "pytest", "-q"])
        .arg(folder(suite))
        .current_dir(&workspace.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("WAYMARK_BINARY", workspace.program("waymark"))
        .env("SCRIPTED_UPSTREAM_BINARY", workspace.program("scripted-upstream"));
    process::run(settings(&mut pytest))
}

/// A suite's folder, from the root.
pub(crate) fn folder(suite: &str) -> PathBuf {
    Path::new(SUITES).join(suite)
}

/// Python of a virtual environment with exactly what a suite pins.
pub(crate) fn python(workspace: &Workspace, suite: &str) -> Result<PathBuf> {
    debian_packages(suite)?;
    let environment = workspace.target.join(format!("{suite}-venv"));
    let python = environment.join("bin").join("python");
    let pins = workspace.root.join(folder(suite)).join("requirements.txt");
    let wanted = std::fs::read_to_string(&pins).context("cannot read the suite's requirements")?;
    let installed = environment.join("requirements.txt");
    if python.exists() && std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(python);
    }
    println!("    installing the Python packages of the {suite} suite");
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
    process::run(pip(&python, "install").arg("--requirement").arg(pins))
        .with_context(|| format!("the Python packages of the {suite} suite could not be installed"))?;
    std::fs::write(&installed, wanted).context("cannot note what was installed")?;
    Ok(python)
}

/// A command of pip, which asks nothing and says little.
pub(crate) fn pip(python: &Path, subcommand: &str) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", subcommand, "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.args(["--retries", "5"]);
    pip
}

/// Installs the Debian packages whose programs are missing; elsewhere names them.
fn debian_packages(suite: &str) -> Result<()> {
    let mut missing = Vec::new();
    if !process::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        missing.extend(["python3", "python3-venv"]);
    }
    if !process::succeeds(Command::new("curl").arg("--version")) {
        missing.push("curl");
    }
    packages::install(&format!("the {suite} suite"), &missing)
}
