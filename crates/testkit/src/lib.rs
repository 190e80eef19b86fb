//! What tests stand on: scripted upstreams, a driver for the real binary, a small HTTP client, git fixtures.
//!
//! Never shipped. Everything here is blocking and byte-level, so that it can misbehave on purpose and be used
//! from any test. Nothing sleeps to make a test pass: a test waits for an event, with a deadline.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a broken rig must fail the test that uses it, loudly"
)]

mod agent;
mod conversation;
mod gate;
mod go;
mod http;
mod named;
mod process;
mod random;
mod repository;
mod tally;
mod upstream;
mod waymark;

pub use agent::ScriptedModel;
pub use gate::Gate;
pub use go::build_go;
pub use http::{Exchange, Headers, Http, Response};
pub use named::as_named;
pub use process::{Process, allow_files};
pub use random::Random;
pub use repository::Repository;
pub use tally::Tally;
pub use upstream::{Captured, Endpoint, Fate, Framing, Reply, SERVED_MODEL, Split, ToolCall, Upstream};
pub use waymark::{Output, Waymark};

use std::time::Duration;

/// How long a test waits for something that must happen; long, because reaching it is a failure.
pub const DEADLINE: Duration = Duration::from_secs(60);
