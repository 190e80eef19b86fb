//! `waymark route`

mod outcomes;
mod plot;
mod table;

use super::Outcome;
use crate::args::{Common, Replay};

pub(crate) fn replay(common: &Common, asked: &Replay) -> Outcome {
    outcomes::run(common, asked)
}
