//! `waymark hook`: git hooks that write notes as commits are made and rewritten, installed and taken back.

mod files;
mod run;

use std::path::Path;
use std::process::ExitCode;

use super::Outcome;
use crate::args::{Common, Hook};

pub(crate) fn run(common: &Common, what: Hook) -> Outcome {
    let here = Path::new(".");
    match what {
        Hook::Install { repo, trailer } => files::install(common, repo.as_deref().unwrap_or(here), trailer),
        Hook::Uninstall { repo } => files::uninstall(repo.as_deref().unwrap_or(here)),
        Hook::Run { hook, arguments } => {
            // A commit is never held up for this: what goes wrong is told, and tried again by the next `attribute`.
            if let Err(failure) = run::run(common, &hook, &arguments) {
                failure.report();
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}
