//! Consistency proofs: that a tree only grew from an older one.

use super::{Hash, Step, node_hash, perfect_cover, split};

/// The steps of the consistency proof from the tree of `old` leaves to that of `new` (RFC 6962, section 2.1.2).
/// Empty where no proof is needed, from the empty tree or to the tree itself, and where none exists, to a smaller one.
pub fn consistency_steps(old: u64, new: u64) -> Vec<Step> {
    if old == 0 || old >= new {
        return Vec::new();
    }
    let mut steps = Vec::new();
    let (mut start, mut end) = (0, new);
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            steps.push(perfect_cover(middle, end));
            end = middle;
        } else {
            steps.push(perfect_cover(start, middle));
            start = middle;
        }
    }
    // What is left is a part of the old tree. Whoever checks the proof has it when it is the whole.
    if start > 0 {
        steps.push(perfect_cover(start, end));
    }
    steps.reverse();
    steps
}

/// Whether the tree of `new` leaves with `new_root` only adds to that of `old` leaves with `old_root`
/// (RFC 9162, section 2.1.4.2). Every tree adds to the empty one, and no proof goes with that.
pub fn is_consistent(old: u64, old_root: &Hash, new: u64, new_root: &Hash, proof: &[Hash]) -> bool {
    if old == 0 || old >= new {
        return proof.is_empty() && old <= new && (old == 0 || old_root == new_root);
    }
    // The old tree is a node of the new one when its size is a power of two; then the proof leaves it out.
    let (first, rest) = match proof.split_first() {
        Some(_) if old.is_power_of_two() => (old_root, proof),
        Some((first, rest)) => (first, rest),
        None => return false,
    };
    let (mut node, mut last) = (old - 1, new - 1);
    let shared = node.trailing_ones();
    (node, last) = (node >> shared, last >> shared);
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node % 2 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node % 2 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{prove, tree};
    use super::*;

    #[test]
    fn the_examples_of_rfc_6962() {
        // Section 2.1.3: the proofs from 3, 4 and 6 to 7 leaves, by the perfect nodes they are made of.
        let at = |level, index| crate::tree::Coordinate { level, index };
        let (c, d, g, l) = (at(0, 2), at(0, 3), at(1, 0), vec![at(1, 2), at(0, 6)]);
        assert_eq!(consistency_steps(3, 7), [vec![c], vec![d], vec![g], l.clone()]);
        assert_eq!(consistency_steps(4, 7), [l]);
        assert_eq!(consistency_steps(6, 7), [vec![at(1, 2)], vec![at(0, 6)], vec![at(2, 0)]]);
    }

    #[test]
    fn every_pair_of_sizes_is_proven() {
        let (_, nodes) = tree(70);
        let roots: Vec<_> = (0..=70).map(|size| (size, tree(size).0.root())).collect();
        for (at, (new, new_root)) in roots.iter().enumerate() {
            for (old, old_root) in &roots[..=at] {
                let proof = prove(&consistency_steps(*old, *new), &nodes);
                assert!(is_consistent(*old, old_root, *new, new_root, &proof), "{old} to {new}");
                assert!(old == new || !is_consistent(*new, new_root, *old, old_root, &proof));
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_else_is_proven(
            new in 2_u64..300, pick: prop::sample::Index, place: prop::sample::Index, bit in 0_u8..8
        ) {
            let old = 1 + pick.index(new as usize - 1) as u64;
            let (old_root, (frontier, nodes)) = (tree(old).0.root(), tree(new));
            let (new_root, proof) = (frontier.root(), prove(&consistency_steps(old, new), &nodes));
            let flip = |hash: &Hash| {
                let mut hash = *hash;
                hash[place.index(32)] ^= 1 << bit;
                hash
            };
            prop_assert!(is_consistent(old, &old_root, new, &new_root, &proof));
            prop_assert!(!is_consistent(old, &flip(&old_root), new, &new_root, &proof));
            prop_assert!(!is_consistent(old, &old_root, new, &flip(&new_root), &proof));
            let mut wrong = proof.clone();
            let step = place.index(proof.len());
            wrong[step] = flip(&wrong[step]);
            prop_assert!(!is_consistent(old, &old_root, new, &new_root, &wrong));
            prop_assert!(!is_consistent(old, &old_root, new, &new_root, &proof[1..]));
            let longer = [&proof[..], &[old_root]].concat();
            prop_assert!(!is_consistent(old, &old_root, new, &new_root, &longer));
        }

        #[test]
        fn whatever_is_claimed_is_judged(
            old: u64, new: u64, root: Hash, proof in prop::collection::vec(any::<Hash>(), 0..70)
        ) {
            prop_assert_eq!(is_consistent(old, &root, new, &[0; 32], &proof), old == 0 && proof.is_empty());
            prop_assert!(consistency_steps(old, new).len() <= 65);
        }
    }
}
