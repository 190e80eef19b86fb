//! `cargo xtask bench`: the measurement program on release builds.

use anyhow::Result;

use crate::process;
use crate::workspace::{Workspace, cargo};

/// Builds the binary as it ships, then measures it. `arguments` are the measurement program's own.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let root = Workspace::load()?.root;
    process::run(cargo(&["build", "--release", "--package", "waymark"]).current_dir(&root))?;
    let mut measure =
        cargo(&["run", "--release", "--package", "waymark-bench", "--bin", "waymark-bench", "--"]);
    process::run(measure.args(arguments).current_dir(&root))
}
