//! The agents suite: Claude Code, Codex and opencode, as their makers publish them, against the real binary.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::{Workspace, cargo};
use crate::{packages, process, pytest, test};

const SUITE: &str = "agents";
const PINS: &str = "package.json";

/// Builds the programs and runs the suite.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    process::run(cargo(test::PROGRAMS).current_dir(&workspace.root))?;
    check(&workspace)
}

/// Installs what the suite needs and runs it against the programs already built.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let modules = modules(workspace)?;
    // It needs pytest alone, which the client suite pins.
    let python = pytest::python(workspace, "clients")?;
    pytest::run(workspace, &python, SUITE, |pytest| pytest.env("AGENTS_NODE_MODULES", modules))
}

/// The folder with exactly the agents the suite pins. Their install scripts stay unrun: the suite starts the programs
/// that come in the packages.
fn modules(workspace: &Workspace) -> Result<PathBuf> {
    if !process::succeeds(Command::new("node").arg("--version"))
        || !process::succeeds(Command::new("npm").arg("--version"))
    {
        packages::install("the agents suite", &["nodejs", "npm"])?;
    }
    let folder = workspace.target.join("agents-node");
    let modules = folder.join("node_modules");
    let pins = workspace.root.join(pytest::folder(SUITE)).join(PINS);
    let wanted = std::fs::read_to_string(&pins).context("cannot read which agents the suite pins")?;
    let installed = folder.join("installed");
    if std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
        return Ok(modules);
    }
    println!("    installing the agents");
    std::fs::create_dir_all(&folder).context("cannot make a folder for the agents")?;
    std::fs::copy(pins, folder.join(PINS)).context("cannot copy which agents the suite pins")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]);
    npm.args(["--loglevel", "error"]);
    process::run(npm.current_dir(&folder)).context("the agents could not be installed")?;
    std::fs::write(&installed, wanted).context("cannot note what was installed")?;
    Ok(modules)
}
