//! Every dialect's examples in every other dialect.
//!
//! `tests/cases/<dialect>/` holds requests, answers and streams as they are on the wire. Each is converted into every
//! other dialect and compared with the file of that conversion in `tests/golden/`; `UPDATE=1 cargo test` writes those
//! files anew. What holds for every conversion, whatever the files say, is asserted besides.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod cases;
mod codes;
mod completions;
mod embeddings;
mod facts;
mod golden;
mod matrix;
mod order;
mod table;
