//! What tests stand on: scripted upstreams, sessions of coding agents, a driver for the real binary, a small HTTP client, git fixtures, database
//! servers to kill.
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
#[cfg(target_os = "linux")]
mod faults;
mod gate;
mod go;
mod http;
mod named;
#[cfg(target_os = "linux")]
mod port;
#[cfg(target_os = "linux")]
mod postgres;
mod process;
#[cfg(target_os = "linux")]
mod proxy;
mod random;
mod repository;
mod scripted;
mod tally;
mod upstream;
mod waymark;

pub use agent::ScriptedModel;
#[cfg(target_os = "linux")]
pub use faults::Faults;
pub use gate::Gate;
pub use go::build_go;
pub use http::{Exchange, Headers, Http, Response};
pub use named::as_named;
#[cfg(target_os = "linux")]
pub use postgres::Postgres;
pub use process::{Process, allow_files};
#[cfg(target_os = "linux")]
pub use proxy::Proxy;
pub use random::Random;
pub use repository::Repository;
pub use scripted::{Agent, Asked, Script, Session};
pub use tally::Tally;
pub use upstream::{Captured, Endpoint, Fate, Framing, Reply, SERVED_MODEL, Split, ToolCall, Upstream};
pub use waymark::{Output, Waymark};

use std::time::{Duration, Instant};

/// How long a test waits for something that must happen; long, because reaching it is a failure.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until something holds that must come to hold; `what` it is, told when it does not.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
