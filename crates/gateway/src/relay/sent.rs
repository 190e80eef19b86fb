//! What a client was sent: committed to, and kept where texts are kept.

use bytes::Bytes;
use waymark_ledger::Commitment;
use waymark_ledger::commitment::{Committer, Salt};
use waymark_protocol::gemini::Array;

use crate::bodies::{Bodies, Gathered};

/// The bytes a client was sent: committed to always, kept only where texts are kept.
pub(crate) struct Sent {
    committer: Committer,
    kept: Kept,
    /// Puts a stream's events into one array, for a client that wants it so.
    array: Option<Array>,
}

/// The text of an answer, where texts are kept. It is kept whole or not at all: a part of it could not be checked
/// against the commitment.
pub(crate) enum Kept {
    /// Texts are not kept.
    No,
    /// What has been sent so far.
    Text(Gathered),
    /// It is too large, or no room is left for it.
    TooLarge,
}

impl Sent {
    pub(crate) fn new(salt: &Salt, keep: Option<&Bodies>) -> Self {
        let kept = keep.map_or(Kept::No, |bodies| Kept::Text(bodies.begin()));
        Self { committer: Committer::new(salt), kept, array: None }
    }

    /// The same for a client that wants its stream as an array.
    pub(crate) fn in_array(self) -> Self {
        Self { array: Some(Array::default()), ..self }
    }

    /// A stream's events in the client's form.
    pub(super) fn framed(&mut self, events: Bytes) -> Bytes {
        match &mut self.array {
            Some(array) => array.push(&events).into(),
            None => events,
        }
    }

    /// Turns a stream's last events into the client's form, with what ends it.
    pub(crate) fn ending(&self) -> impl Fn(Bytes) -> Bytes + use<> {
        let array = self.array.clone();
        move |events| match array.clone() {
            Some(array) => array.close(&events).into(),
            None => events,
        }
    }

    pub(crate) fn add(&mut self, chunk: &[u8]) {
        self.committer.update(chunk);
        if let Kept::Text(text) = &mut self.kept
            && text.add(chunk).is_err()
        {
            self.kept = Kept::TooLarge;
        }
    }

    pub(crate) fn finish(self) -> (Commitment, Kept) {
        (self.committer.finish(), self.kept)
    }
}
