//! `waymark`: arguments to settings to one command. No logic lives here beyond saying things well.

mod args;
mod commands;
mod connect;
mod failure;
mod logging;
mod settings;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    logging::start();
    match commands::run(arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
