//! The decision: what may answer a request, in which order, and why.
//!
//! [`decide`] is a pure function of the request's [`Features`] and a [`Snapshot`], so any past decision can be
//! made again from the ledger (promise 4). Nothing here does IO or reads a clock or randomness.

pub mod content;
mod conversation;
mod decide;
mod evidence;
mod features;
pub mod gate;
mod ladder;
mod policy;
pub mod replay;
mod resolve;
mod rules;
mod stock;

pub use conversation::{Conversation, Event};
pub use decide::{
    Candidate, DependsOn, POLICY, Plan, Refusal, Step, decide, decide_again, depends_on, shadow,
};
pub use evidence::{Observation, Seen};
pub use features::{Features, Needs, Shape};
pub use ladder::{Climb, Standing, Switch};
pub use policy::{CACHE_LIFE, Deployment, Model, PAYBACK_TURNS, Place, Policy, Route, Snapshot};
pub use rules::{Compiled, Rule, RuleError, Rules, WHOLE, check_pattern};
pub use stock::{PICKER, StockName, StockNames};
