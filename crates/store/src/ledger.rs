//! The ledger's storage: leaves, tree nodes, checkpoints, salts and kept texts.

use std::ops::Range;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use waymark_ledger::Batch;
use waymark_ledger::commitment::Salt;
use waymark_ledger::tree::{Coordinate, Frontier, Hash};
use waymark_types::RecordId;

use crate::StoreError;

/// A leaf as stored, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Position in the log.
    pub leaf_index: u64,
    /// The id it is filed under.
    pub record: Vec<u8>,
    /// `intent`, `completion` or `snapshot`.
    pub kind: String,
    /// Canonical bytes.
    pub body: Vec<u8>,
    /// The record's salt and texts, where asked for and present.
    pub payload: Option<StoredPayload>,
}

/// A record's salt and texts as stored, not yet believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPayload {
    /// The salt of its commitments.
    pub salt: Vec<u8>,
    /// The request's body, where kept.
    pub request: Option<Vec<u8>>,
    /// The answer's body, where kept.
    pub response: Option<Vec<u8>>,
}

/// A checkpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// The size it is filed under.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// What goes beside a record's leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// With the intent: the salt, and the request's body where texts are kept.
    Request {
        /// The record.
        record: RecordId,
        /// The salt of its commitments.
        salt: Salt,
        /// The request's body.
        body: Option<Bytes>,
    },
    /// With the completion, where texts are kept: the answer's body.
    Response {
        /// The record.
        record: RecordId,
        /// The answer's body.
        body: Bytes,
    },
}

/// What a store answers, in its own time.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// A node's position within its level and its stored bytes, not yet believed.
pub type StoredNode = (u64, Vec<u8>);

/// A place where a ledger is kept.
pub trait LedgerStore: Send + Sync {
    /// Writes a batch and what goes beside it, whole or not at all, and returns once it is durable. A batch without
    /// leaves writes its checkpoint again, which shows whether writing is possible.
    fn commit<'a>(&'a self, batch: &'a Batch, payloads: &'a [Payload]) -> Reply<'a, ()>;

    /// The right edge of the stored tree.
    fn frontier(&self) -> Reply<'_, Frontier>;

    /// Leaves in order, with their records' payloads.
    fn rows(&self, range: Range<u64>) -> Reply<'_, Vec<Row>>;

    /// The leaves filed under a record, in order, without payloads.
    fn record(&self, record: RecordId) -> Reply<'_, Vec<Row>>;

    /// All leaves of the `limit` newest records, newest record first, without payloads.
    fn newest_records(&self, limit: u32) -> Reply<'_, Vec<Row>>;

    /// The newest snapshot entry.
    fn newest_snapshot(&self) -> Reply<'_, Option<Row>>;

    /// The stored hashes at these places, in their order; `None` where there is none of 32 bytes.
    fn nodes<'a>(&'a self, places: &'a [Coordinate]) -> Reply<'a, Vec<Option<Hash>>>;

    /// All stored nodes of one level at these positions, in order, as they are.
    fn level(&self, level: u8, positions: Range<u64>) -> Reply<'_, Vec<StoredNode>>;

    /// Checkpoints filed under sizes in the range, in order.
    fn checkpoints(&self, sizes: Range<u64>) -> Reply<'_, Vec<StoredCheckpoint>>;

    /// The checkpoint of the largest size.
    fn newest_checkpoint(&self) -> Reply<'_, Option<StoredCheckpoint>>;

    /// Records listed as having no completion, with the leaf of their intent.
    fn open_records(&self) -> Reply<'_, Vec<(Vec<u8>, u64)>>;

    /// What the database itself finds wrong with its files, beyond what is stored in them.
    fn integrity(&self) -> Reply<'_, Option<String>>;

    /// Writes everything back to where it is kept for good, and lets go of it. Every later call fails.
    fn close(&self) -> Reply<'_, ()>;

    /// How many rows the tables `entries`, `nodes`, `checkpoints` and `payloads` have.
    fn counts(&self) -> Reply<'_, [u64; 4]>;
}
