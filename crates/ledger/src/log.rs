//! The log as a pure step: the tree's right edge and new statements in, one batch out, to be stored whole or not at all.

use crate::checkpoint::Checkpoint;
use crate::commitment;
use crate::leaf::Statement;
use crate::note::Signer;
use crate::tiles::HEIGHT;
use crate::tree::{Frontier, Hash, Node};

/// Everything that putting statements under the tree writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// New leaves with their hashes, in order; the first has the index `previous_size`.
    pub leaves: Vec<(Statement, Hash)>,
    /// Tile roots that the leaves complete.
    pub nodes: Vec<Node>,
    /// The size before.
    pub previous_size: u64,
    /// The state after.
    pub frontier: Frontier,
    /// The signed checkpoint of the state after.
    pub checkpoint: String,
}

/// The log's signer: whoever holds it may grow the tree.
pub struct Log {
    signer: Signer,
    pending: [u8; 32],
}

impl Log {
    /// The log of this key.
    pub fn new(signer: Signer) -> Self {
        Self { pending: signer.subkey("pending"), signer }
    }

    /// The signer, whose name is the log's origin.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// What putting `statements` under the tree would write.
    pub fn stage(&self, frontier: &Frontier, statements: Vec<Statement>) -> Batch {
        let (previous_size, mut frontier, mut nodes) = (frontier.size(), frontier.clone(), Vec::new());
        let mut leaves = Vec::with_capacity(statements.len());
        for statement in statements {
            let hash = statement.hash();
            frontier.append(hash, |node| {
                if node.at.level > 0 && node.at.level.is_multiple_of(HEIGHT) {
                    nodes.push(node);
                }
            });
            leaves.push((statement, hash));
        }
        let checkpoint = Checkpoint::sign(frontier.size(), &frontier.root(), &self.signer);
        Batch { leaves, nodes, previous_size, frontier, checkpoint }
    }

    /// A seal on a statement that waits to be put under the tree: what carries none was not put there by a holder of
    /// the log's key.
    pub fn pending_mac(&self, statement: &Statement) -> Hash {
        commitment::mac(&self.pending, &statement.to_leaf())
    }
}
