//! The decision: what may answer a request, in which order, and why.
//!
//! [`decide`] is a pure function of the request's [`Features`] and a [`Snapshot`], so any past decision can be
//! made again from the ledger (promise 4). Nothing here does IO or reads a clock or randomness.

mod decide;
mod features;
mod policy;
mod resolve;
mod stock;

pub use decide::{POLICY, Plan, Refusal, Step, decide};
pub use features::{Features, Shape};
pub use policy::{Model, Policy, Route, Snapshot};
pub use stock::{PICKER, StockName, StockNames};
