//! What a routing policy would have done, told from what is on record: per-task outcomes of models and agents.
//!
//! The method is the field's offline protocol for routers: every rung that was tried is paid, the same tasks stand on
//! both sides of each comparison, intervals come from a bootstrap by repository, and a policy stands beside what needs
//! no router at all: the cheapest model, the strongest, and a random split of the tasks between them.

mod bootstrap;
mod compare;
mod comparison;
mod findings;
mod outcomes;
mod policies;
mod tally;
mod verifier;

pub use bootstrap::{Resampling, excess};
pub use compare::{CompareError, Ladder, compare};
pub use comparison::{
    Comparison, Curve, CurvePoint, Difference, Finding, Gap, Interval, PolicyResult, RungUse, Unit,
};
pub use outcomes::{Cell, Outcomes, OutcomesError, Row, RowError, Task};
pub use policies::Policy;
pub use verifier::{ParseVerifierError, Verifier};
