//! The embedded model by itself: its own measuring example, as it stands, on the repository given.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::Setting;
use crate::report::{Cell, Report, Table};

const EXAMPLE: [&str; 8] =
    ["run", "--quiet", "--release", "--package", "waymark-flash", "--example", "measure", "--"];

/// Runs the example and reports what it prints.
pub(crate) fn measure(setting: &Setting, report: &mut Report) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(EXAMPLE).arg(&setting.repo).stderr(Stdio::inherit());
    let output = command.output().context("starting cargo")?;
    ensure!(output.status.success(), "the example ended with {}", output.status);
    let mut table = Table::new("the embedded model, as `cargo run --example measure` has it", &["figures"]);
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        table.row(line, std::iter::empty::<Cell>());
    }
    report.add(table);
    Ok(())
}
