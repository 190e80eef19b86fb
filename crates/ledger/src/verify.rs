//! Verification: everything stored is recomputed and compared, leaf by leaf.
//!
//! The caller feeds rows in order and hands over what it holds at each place; this module owns the judgement.

use std::collections::BTreeMap;
use std::fmt;

use waymark_types::RecordId;

use crate::checkpoint::Checkpoint;
use crate::entry::Entry;
use crate::note;
use crate::tree::{Coordinate, Frontier, Hash, Node, leaf_hash};

/// The first thing found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A record's leaf is not what it was.
    Record {
        /// Position of the leaf.
        leaf_index: u64,
        /// The record, when that much can still be read.
        record: Option<RecordId>,
        /// What is wrong.
        problem: String,
    },
    /// A stored tree node is not what its leaves give.
    Node {
        /// Where it stands.
        at: Coordinate,
        /// What is wrong.
        problem: String,
    },
    /// A stored checkpoint does not hold.
    Checkpoint {
        /// The size it is stored under.
        size: u64,
        /// What is wrong.
        problem: String,
    },
    /// A table that belongs to the ledger does not agree with it.
    Table {
        /// Which one.
        name: &'static str,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { leaf_index, record: Some(record), problem } => {
                write!(f, "record {record} (leaf {leaf_index}): {problem}")
            }
            Self::Record { leaf_index, record: None, problem } => write!(f, "leaf {leaf_index}: {problem}"),
            Self::Node { at, problem } => {
                write!(f, "tree node at level {}, index {}: {problem}", at.level, at.index)
            }
            Self::Checkpoint { size, problem } => write!(f, "checkpoint of size {size}: {problem}"),
            Self::Table { name, problem } => write!(f, "table {name}: {problem}"),
        }
    }
}

/// What a clean ledger was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Records whose intent has no completion, with its leaf: in flight, or cut off and not yet closed.
    pub open: BTreeMap<RecordId, u64>,
    /// Records with both halves.
    pub completed: u64,
    /// Checkpoints checked.
    pub checkpoints: u64,
}

/// Recomputes a ledger from its leaves.
pub struct Verifier {
    key: note::Verifier,
    frontier: Frontier,
    open: BTreeMap<RecordId, u64>,
    completed: u64,
    checkpoints: u64,
    last_checkpoint: u64,
}

impl Verifier {
    /// Starts at the first leaf; checkpoints must be signed by `key`.
    pub fn new(key: note::Verifier) -> Self {
        Self {
            key,
            frontier: Frontier::default(),
            open: BTreeMap::new(),
            completed: 0,
            checkpoints: 0,
            last_checkpoint: 0,
        }
    }

    /// The number of leaves taken so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of the leaves taken so far.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// Takes the next leaf as stored: the record id it is filed under and its bytes. `node` gets every tree
    /// node it completes.
    pub fn leaf(&mut self, filed_under: &[u8], body: &[u8], node: impl FnMut(Node)) -> Result<Entry, Fault> {
        let leaf_index = self.frontier.size();
        self.frontier.append(leaf_hash(body), node);
        self.account(leaf_index, filed_under, body).map_err(|problem| Fault::Record {
            leaf_index,
            record: filed_under.try_into().ok().and_then(RecordId::from_bytes),
            problem,
        })
    }

    /// Checks what the leaf says against where it stands.
    fn account(&mut self, leaf_index: u64, filed_under: &[u8], body: &[u8]) -> Result<Entry, String> {
        let entry = Entry::from_leaf(body).map_err(|error| error.to_string())?;
        let record = entry.record();
        if filed_under != record.as_bytes() {
            return Err(format!("filed under another id than the {record} it states"));
        }
        match &entry {
            Entry::Intent(_) => {
                if let Some(earlier) = self.open.insert(record, leaf_index) {
                    return Err(format!("a second intent; the first is leaf {earlier}"));
                }
            }
            Entry::Completion(_) => {
                self.open.remove(&record).ok_or("a completion without an open intent")?;
                self.completed += 1;
            }
            Entry::Snapshot(_) => {}
        }
        Ok(entry)
    }

    /// Checks a checkpoint stored under the present size.
    pub fn checkpoint(&mut self, note: &str) -> Result<(), Fault> {
        let size = self.frontier.size();
        self.check_note(size, note).map_err(|problem| Fault::Checkpoint { size, problem })?;
        self.checkpoints += 1;
        self.last_checkpoint = size;
        Ok(())
    }

    fn check_note(&self, size: u64, note: &str) -> Result<(), String> {
        let checkpoint = Checkpoint::open(note, &self.key).map_err(|error| error.to_string())?;
        if checkpoint.size != size {
            return Err(format!("it states the size {}", checkpoint.size));
        }
        if checkpoint.root != self.frontier.root() {
            return Err("its root is not the root of the leaves stored".to_owned());
        }
        Ok(())
    }

    /// Ends: every leaf must lie under the last checkpoint.
    pub fn finish(self) -> Result<Verified, Fault> {
        let size = self.frontier.size();
        if size > 0 && self.last_checkpoint != size {
            let problem = format!("missing; the last one covers {} leaves", self.last_checkpoint);
            return Err(Fault::Checkpoint { size, problem });
        }
        Ok(Verified {
            size,
            root: self.frontier.root(),
            open: self.open,
            completed: self.completed,
            checkpoints: self.checkpoints,
        })
    }
}
