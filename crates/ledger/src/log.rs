//! The log as a state machine: entries in, one batch out, to be stored whole or not at all.

use thiserror::Error;
use waymark_types::RecordId;

use crate::checkpoint::Checkpoint;
use crate::entry::{Entry, EntryError};
use crate::note::Signer;
use crate::tree::{Frontier, Node, leaf_hash};

/// A batch could not be made.
#[derive(Debug, Error)]
pub enum LogError {
    /// One entry cannot be a leaf; the others are not affected.
    #[error("could not make a leaf of record {record}")]
    Leaf {
        /// The entry's record.
        record: RecordId,
        /// Why.
        source: EntryError,
    },
}

/// One leaf and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Position in the log, from 0.
    pub index: u64,
    /// The record it belongs to.
    pub record: RecordId,
    /// What it says.
    pub entry: Entry,
    /// Its canonical bytes.
    pub body: Vec<u8>,
}

/// Everything one commit writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// New leaves, in order.
    pub leaves: Vec<Leaf>,
    /// Nodes that the leaves complete.
    pub nodes: Vec<Node>,
    /// The size before.
    pub previous_size: u64,
    /// The state after.
    pub frontier: Frontier,
    /// The signed checkpoint of the state after.
    pub checkpoint: String,
}

/// The log's signer and its right edge.
pub struct Log {
    signer: Signer,
    frontier: Frontier,
}

impl Log {
    /// Takes up the log at `frontier`.
    pub fn new(signer: Signer, frontier: Frontier) -> Self {
        Self { signer, frontier }
    }

    /// The number of leaves committed.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The signer, whose name is the log's origin.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Makes the leaf of an entry, so that one bad entry can be refused before it joins a batch.
    pub fn leaf(entry: Entry) -> Result<Leaf, LogError> {
        let record = entry.record();
        let body = entry.to_leaf().map_err(|source| LogError::Leaf { record, source })?;
        Ok(Leaf { index: 0, record, entry, body })
    }

    /// What committing `leaves` would write. The log itself moves on only at [`Log::advance`].
    pub fn stage(&self, mut leaves: Vec<Leaf>) -> Batch {
        let mut frontier = self.frontier.clone();
        let mut nodes = Vec::with_capacity(leaves.len() * 2);
        for leaf in &mut leaves {
            leaf.index = frontier.size();
            frontier.append(leaf_hash(&leaf.body), |node| nodes.push(node));
        }
        let checkpoint = Checkpoint::sign(frontier.size(), &frontier.root(), &self.signer);
        Batch { leaves, nodes, previous_size: self.frontier.size(), frontier, checkpoint }
    }

    /// Moves on to the state after a batch, once that is durable.
    pub fn advance(&mut self, frontier: Frontier) {
        self.frontier = frontier;
    }
}
