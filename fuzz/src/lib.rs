//! What the fuzz targets have in common.
//!
//! An input is a head of two bytes, which choose among dialects and among ways to cut, and a body as it comes over the
//! wire. A target reads the body and asserts what must hold whatever it says: a run that panics is a finding.

pub mod cases;
pub mod crossing;
pub mod mutate;
// What readers promise about the order of events, as the protocol's own tests check it.
#[path = "../../crates/protocol/tests/it/order.rs"]
mod order;
pub mod random;
pub mod streams;

use serde::de::IgnoredAny;
use waymark_protocol::neutral::Loss;

/// The bytes of an input's head.
pub const HEAD: usize = 2;
/// The model that requests are written for, and that answers without a name come from.
pub const MODEL: &str = "target-model";
/// 2026-11-23T16:00:00Z, for answers that are written.
pub const CREATED: i64 = 1_795_449_600;

/// An input, taken apart.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Chooses, mostly the dialect.
    pub choice: u8,
    /// Where whatever else may differ comes from.
    pub seed: u8,
    /// The bytes from outside.
    pub body: &'a [u8],
}

impl<'a> Input<'a> {
    /// Takes it apart; `None` where even the head is cut off.
    pub fn take(data: &'a [u8]) -> Option<Self> {
        let (&[choice, seed], body) = data.split_first_chunk::<HEAD>()?;
        Some(Self { choice, seed, body })
    }

    /// The member that the head chooses.
    pub fn of<'b, T>(&self, all: &'b [T]) -> &'b T {
        &all[usize::from(self.choice) % all.len()]
    }

    /// The member that the rest of the head chooses: the other end of a crossing.
    pub fn other<'b, T>(&self, all: &'b [T]) -> &'b T {
        &all[usize::from(self.seed) % all.len()]
    }
}

/// What was written is JSON, and not out of all proportion to what was read.
#[track_caller]
pub fn is_json(written: &[u8], read: &[u8]) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(written) {
        panic!("{error}: {}", String::from_utf8_lossy(written));
    }
    is_in_proportion(written, read);
}

/// What was written is not out of all proportion to what was read.
#[track_caller]
pub fn is_in_proportion(written: &[u8], read: &[u8]) {
    assert!(written.len() <= 64 * read.len() + (16 << 10), "{} bytes became {}", read.len(), written.len());
}

/// Losses are few and plain: they stand in records, which hold no text of requests.
#[track_caller]
pub fn are_codes(losses: &[Loss]) {
    assert!(losses.len() <= 128, "{} losses", losses.len());
    for Loss { code } in losses {
        assert!(code.len() <= 80 && code.bytes().all(|byte| byte.is_ascii_graphic()), "{code:?}");
    }
}

/// Defines a target: a function of an [`Input`], and the mutator that all share.
#[macro_export]
macro_rules! target {
    ($check:path) => {
        libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            if let Some(input) = $crate::Input::take(data) {
                $check(input);
            }
        });

        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            $crate::mutate::mutate(data, size, max_size, seed)
        });
    };
}
