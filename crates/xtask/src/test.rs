//! `cargo xtask test`: every check, in the order in which the cheapest fails first.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::{Workspace, cargo};
use crate::{agents, clients, packages, process, tidy};

/// Builds the programs the client and agents suites start.
pub(crate) const PROGRAMS: &[&str] = &["build", "-p", "waymark", "-p", "waymark-testkit", "--bins"];

/// Runs every step and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut report = Report::default();
    toolchain()?;
    report.step("format", "cargo fmt --all", || checked(&workspace, &["fmt", "--all", "--check"]))?;
    report.step("tidy", "cargo xtask tidy", tidy::run)?;
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    report.step("lints", &format!("cargo {}", lints.join(" ")), || checked(&workspace, &lints))?;
    packages::for_tests()?;
    report.step("tests", "cargo test --workspace", || checked(&workspace, &["test", "--workspace"]))?;
    let again = format!("cargo {}", PROGRAMS.join(" "));
    report.step("programs", &again, || checked(&workspace, PROGRAMS))?;
    report.step("clients", "cargo xtask clients", || clients::check(&workspace))?;
    report.step("agents", "cargo xtask agents", || agents::check(&workspace))?;
    report.print();
    Ok(())
}

/// Runs cargo at the root. A build for the record takes the lock file as it is; a contributor's may add to it.
fn checked(workspace: &Workspace, arguments: &[&str]) -> Result<()> {
    let mut command = cargo(&arguments[..1]);
    if std::env::var_os("CI").is_some() && arguments[0] != "fmt" {
        command.arg("--locked");
    }
    process::run(command.args(&arguments[1..]).current_dir(&workspace.root))
}

/// Names of steps done and how long each took.
#[derive(Debug, Default)]
struct Report {
    steps: Vec<(&'static str, Duration)>,
}

impl Report {
    fn step(&mut self, name: &'static str, again: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n==> {name}");
        let started = Instant::now();
        let done = run();
        let took = started.elapsed();
        if let Err(error) = done {
            bail!("{name} failed after {:.1} s: {error:#}\nto run it again: {again}", took.as_secs_f64());
        }
        println!("    {name} passed in {:.1} s", took.as_secs_f64());
        self.steps.push((name, took));
        Ok(())
    }

    fn print(&self) {
        println!("\nall passed");
        for (name, took) in &self.steps {
            println!("  {name:<10} {:>7.1} s", took.as_secs_f64());
        }
        let total: Duration = self.steps.iter().map(|(_, took)| *took).sum();
        println!("  {:<10} {:>7.1} s", "total", total.as_secs_f64());
    }
}

/// Installs rustfmt and clippy where rustup has left them out.
fn toolchain() -> Result<()> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        if !process::succeeds(&mut cargo(&[subcommand, "--version"])) {
            process::run(Command::new("rustup").args(["component", "add", component]))
                .with_context(|| format!("{component} is missing and could not be installed"))?;
        }
    }
    Ok(())
}
