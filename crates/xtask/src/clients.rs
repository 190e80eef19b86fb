//! The client suite: the official Python clients and curl against the real binary.

use anyhow::Result;

use crate::workspace::{Workspace, cargo};
use crate::{process, pytest, test};

const SUITE: &str = "clients";

/// Builds the programs and runs the suite.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    process::run(cargo(test::PROGRAMS).current_dir(&workspace.root))?;
    check(&workspace)
}

/// Installs what the suite needs and runs it against the programs already built.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    pytest::run(workspace, &pytest::python(workspace, SUITE)?, SUITE, |pytest| pytest)
}
