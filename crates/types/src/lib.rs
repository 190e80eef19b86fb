//! Ids, time, money, usage, labels and secrets: the vocabulary every other room shares.
//!
//! Nothing here does IO, reads a clock or draws randomness; callers pass those in.

mod ids;
mod labels;
mod limits;
mod money;
mod secret;
mod time;
mod usage;

pub use ids::{ParseRecordIdError, RecordId};
pub use labels::{
    Capability, Cause, ContentAction, Dialect, GateKind, Next, Outcome, ProviderKind, Signal, Task,
    UnknownLabel,
};
pub use limits::Limits;
pub use money::{MicroUsd, Price};
pub use secret::Secret;
pub use time::{Clock, Timestamp};
pub use usage::Usage;
