//! The Merkle tree of RFC 6962, section 2.1, kept as its perfect subtrees.
//!
//! A node `(level, index)` covers the leaves `[index << level, (index + 1) << level)`. Only perfect nodes are
//! ever stored; everything else (roots, proofs) is folded from them.

mod consistency;

use sha2::{Digest, Sha256};

pub use consistency::{consistency_steps, is_consistent};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The place of a perfect subtree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinate {
    /// Height above the leaves.
    pub level: u8,
    /// Position within its level, from the left.
    pub index: u64,
}

/// A perfect subtree and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub at: Coordinate,
    /// Its hash.
    pub hash: Hash,
}

/// The hash of a leaf: SHA-256 of a zero byte and the data.
pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(data).finalize().into()
}

/// The hash of an inner node: SHA-256 of a one byte and both children.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// The right edge of a tree: the perfect subtrees its size is made of, largest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The places a tree of `size` leaves keeps at its right edge, largest first.
    pub fn coordinates(size: u64) -> Vec<Coordinate> {
        perfect_cover(0, size)
    }

    /// Takes up a tree again from the hashes at [`Frontier::coordinates`]; `None` when they are not as many.
    pub fn resume(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        (size.count_ones() as usize == subtrees.len()).then_some(Self { size, subtrees })
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and hands every node it completes to `completed`, the leaf itself first.
    pub fn append(&mut self, leaf: Hash, mut completed: impl FnMut(Node)) {
        let mut node = Node { at: Coordinate { level: 0, index: self.size }, hash: leaf };
        completed(node);
        // Each trailing one bit of the size is a subtree of the same height, waiting for its sibling.
        while node.at.index % 2 == 1 {
            let Some(left) = self.subtrees.pop() else { break };
            let at = Coordinate { level: node.at.level + 1, index: node.at.index / 2 };
            node = Node { at, hash: node_hash(&left, &node.hash) };
            completed(node);
        }
        self.subtrees.push(node.hash);
        self.size += 1;
    }

    /// The tree's root.
    pub fn root(&self) -> Hash {
        fold(&self.subtrees).unwrap_or_else(empty_root)
    }
}

/// What one step of a proof is made of: perfect nodes, to be folded from the right.
pub type Step = Vec<Coordinate>;

/// The steps of the inclusion proof of leaf `index` in a tree of `size` leaves, leaf to root
/// (RFC 6962, section 2.1.1). Empty when `index` is outside.
pub fn inclusion_steps(index: u64, size: u64) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut start, mut end) = (0, size);
    while index < end && end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            steps.push(perfect_cover(middle, end));
            end = middle;
        } else {
            steps.push(perfect_cover(start, middle));
            start = middle;
        }
    }
    steps.reverse();
    steps
}

/// The hashes of a proof, from its steps and the hashes of perfect nodes.
pub fn prove<E>(
    steps: &[Step],
    mut hash_at: impl FnMut(Coordinate) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let mut proof = Vec::with_capacity(steps.len());
    for step in steps {
        let subtrees = step.iter().map(|at| hash_at(*at)).collect::<Result<Vec<_>, E>>()?;
        proof.extend(fold(&subtrees));
    }
    Ok(proof)
}

/// Folds perfect subtrees, left to right, into the hash of the range they cover.
pub fn fold(subtrees: &[Hash]) -> Option<Hash> {
    let (last, rest) = subtrees.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

/// The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2); `None` when the proof has the wrong
/// length for the place.
pub fn root_from_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node % 2 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node % 2 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// The largest power of two below `width`, which is at least two.
fn split(width: u64) -> u64 {
    1 << (u64::BITS - 1 - (width - 1).leading_zeros())
}

/// The perfect subtrees that cover `[start, end)` of a larger tree, left to right.
fn perfect_cover(start: u64, end: u64) -> Vec<Coordinate> {
    let mut cover = Vec::new();
    let mut at = start;
    while at < end {
        let aligned = if at == 0 { u64::BITS - 1 } else { at.trailing_zeros() };
        let level = aligned.min((end - at).ilog2());
        cover.push(Coordinate { level: level as u8, index: at >> level });
        at += 1 << level;
    }
    cover
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    pub(super) fn tree(size: u64) -> (Frontier, HashMap<Coordinate, Hash>) {
        let (mut frontier, mut nodes) = (Frontier::default(), HashMap::new());
        for index in 0..size {
            frontier.append(leaf_hash(&index.to_be_bytes()), |node| {
                nodes.insert(node.at, node.hash);
            });
        }
        (frontier, nodes)
    }

    /// The definition of RFC 6962, section 2.1, word for word.
    fn slow_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest(b"").into(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
                node_hash(&slow_root(left), &slow_root(right))
            }
        }
    }

    pub(super) fn prove(steps: &[Step], nodes: &HashMap<Coordinate, Hash>) -> Vec<Hash> {
        super::prove(steps, |at| nodes.get(&at).copied().ok_or(at)).unwrap()
    }

    #[test]
    fn known_roots() {
        // The reference leaves and roots of the Certificate Transparency test suite.
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut frontier = Frontier::default();
        let hex = crate::commitment::hex;
        assert_eq!(hex(&frontier.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for leaf in leaves {
            frontier.append(leaf_hash(leaf), |_| ());
        }
        assert_eq!(hex(&frontier.root()), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    proptest! {
        #[test]
        fn the_root_is_the_definition_s(size in 0_u64..200) {
            let leaves: Vec<_> = (0..size).map(|index| leaf_hash(&index.to_be_bytes())).collect();
            prop_assert_eq!(tree(size).0.root(), slow_root(&leaves));
        }

        #[test]
        fn a_frontier_resumes_from_its_coordinates(size in 0_u64..300, more in 0_u64..40) {
            let (frontier, nodes) = tree(size);
            let subtrees = Frontier::coordinates(size).iter().map(|at| nodes[at]).collect();
            let mut resumed = Frontier::resume(size, subtrees).unwrap();
            prop_assert_eq!(&resumed, &frontier);
            for index in size..size + more {
                resumed.append(leaf_hash(&index.to_be_bytes()), |_| ());
            }
            prop_assert_eq!(resumed.root(), tree(size + more).0.root());
        }

        #[test]
        fn every_leaf_is_proven_and_no_other(size in 1_u64..130, pick: prop::sample::Index, byte: u8, bit in 0_u8..8) {
            let (frontier, nodes) = tree(size);
            let index = pick.index(size as usize) as u64;
            let mut proof = prove(&inclusion_steps(index, size), &nodes);
            let leaf = leaf_hash(&index.to_be_bytes());
            prop_assert_eq!(root_from_inclusion(leaf, index, size, &proof), Some(frontier.root()));
            prop_assert_ne!(root_from_inclusion(leaf_hash(b"other"), index, size, &proof), Some(frontier.root()));
            prop_assert_eq!(root_from_inclusion(leaf, size, size, &proof), None);
            if !proof.is_empty() {
                let step = usize::from(byte) % proof.len();
                proof[step][usize::from(byte) % 32] ^= 1 << bit;
                prop_assert_ne!(root_from_inclusion(leaf, index, size, &proof), Some(frontier.root()));
                proof.pop();
                prop_assert_eq!(root_from_inclusion(leaf, index, size, &proof), None);
            }
        }
    }
}
