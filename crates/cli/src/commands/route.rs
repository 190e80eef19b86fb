//! `waymark route`

mod explain;
mod outcomes;
mod plot;
mod table;

use super::Outcome;
use crate::args::{Common, Explain, Replay};

pub(crate) fn explain(common: &Common, asked: &Explain) -> Outcome {
    explain::run(common, asked)
}

pub(crate) fn replay(common: &Common, asked: &Replay) -> Outcome {
    outcomes::run(common, asked)
}
