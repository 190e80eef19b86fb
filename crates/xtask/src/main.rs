//! Repository chores, so that a contributor and the build run the very same commands.
//!
//! Never shipped, and ignorant of the product: it knows the workspace's shape, not what its crates do.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore reports to the terminal")]

mod agents;
mod attribution;
mod bench;
mod clients;
mod crash;
mod deny;
mod fuzz;
mod llama;
mod packages;
mod process;
mod pytest;
mod soak;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Repository chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Everything a change must pass: format, lints, tidy, tests, clients and agents
    Test,
    /// The house rules: layering, manifests, lock file, sizes, wording
    Tidy,
    /// The official Python clients and curl against the real binary
    Clients,
    /// Claude Code, Codex and opencode against the real binary
    Agents,
    /// llama.cpp's own server, built from source, behind the real binary
    Llama,
    /// Answers and their records while everything breaks, at hundreds of moments
    Crash(crash::Wanted),
    /// Licences, bans and sources of dependencies (installs cargo-deny when missing)
    Deny,
    /// Feeds every reader of bytes from outside what nobody would send; all targets, or one
    Fuzz(fuzz::Wanted),
    /// The release binary under a steady mixed load for half an hour: nothing may grow, nothing may be left behind
    Soak(soak::Wanted),
    /// Replays histories written by people and assistants, and asks the binary who wrote which line
    Attribution(attribution::Wanted),
    /// Measures the budgets: gateway, cancel, faults, completion, ledger, flash, size; options after `--` (`-- --help`)
    Bench {
        /// What the measurement program is given
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Test => test::run(),
        Chore::Tidy => tidy::run(),
        Chore::Clients => clients::run(),
        Chore::Agents => agents::run(),
        Chore::Llama => llama::run(),
        Chore::Crash(wanted) => crash::run(&wanted),
        Chore::Deny => deny::run(),
        Chore::Fuzz(wanted) => fuzz::run(&wanted),
        Chore::Soak(wanted) => soak::run(&wanted),
        Chore::Attribution(wanted) => attribution::run(&wanted),
        Chore::Bench { arguments } => bench::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
