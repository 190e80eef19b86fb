//! Requests, read and written.

mod blocks;
mod history;
mod media;
mod read;
mod said;
mod settings;
mod tools;
mod turns;
mod wire;
mod write;

pub(super) use read::{counted as read_counted, read};
pub(super) use write::{counted as write_counted, write};
