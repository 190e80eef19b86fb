//! The real binary, driven from outside: what people and clients rely on, and what a crash leaves behind.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod anchors;
mod attribution;
mod auditor;
mod backup;
mod bad_input;
#[cfg(target_os = "linux")]
mod bounds;
mod commands;
mod connect;
mod content;
#[cfg(target_os = "linux")]
mod crash;
mod crossing;
mod embeddings;
mod erase;
mod escalation;
mod export;
mod faults;
mod gates;
mod gemini;
mod golden;
mod kinds;
mod limits;
mod log;
mod media;
mod path;
mod records;
mod resilience;
mod rig;
mod route;
mod streams;
mod telemetry;
mod who;
mod witness;
