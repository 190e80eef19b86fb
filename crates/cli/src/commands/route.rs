//! `waymark route`

mod explain;
mod outcomes;
mod plot;
mod recorded;
mod table;

use super::Outcome;
use crate::args::{Common, Explain, Replay};

pub(crate) fn explain(common: &Common, asked: &Explain) -> Outcome {
    explain::run(common, asked)
}

pub(crate) fn replay(common: &Common, asked: &Replay) -> Outcome {
    match &asked.outcomes {
        Some(path) => outcomes::run(common, asked, path),
        None => recorded::run(common, asked.file.as_deref()),
    }
}
