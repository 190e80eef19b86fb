//! Trees of any size, and proofs of any length.
#![no_main]

use waymark_fuzz::Input;
use waymark_ledger::tree::{
    Frontier, Hash, consistency_steps, fold, inclusion_steps, is_consistent, leaf_hash, root_from_inclusion,
};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let Some((size, rest)) = input.body.split_first_chunk::<8>() else { return };
    let Some((index, rest)) = rest.split_first_chunk::<8>() else { return };
    // All sizes, small ones as often as large ones.
    let size = u64::from_be_bytes(*size) >> (input.choice % 64);
    let index = u64::from_be_bytes(*index) >> (input.seed % 64);
    let hashes: Vec<Hash> = rest.chunks(8).map(leaf_hash).collect();
    let claimed = root_from_inclusion([1; 32], index, size, &hashes);
    let steps = inclusion_steps(index, size);
    assert!(steps.len() <= 64);
    assert!(claimed.is_none() || steps.len() == hashes.len());
    assert!(steps.iter().flatten().count() <= 64 * 64);
    covers(size);
    consistent(index, size, &hashes);
    if let Some(mut frontier) = Frontier::resume(size, hashes.clone())
        && size < u64::MAX
    {
        assert_eq!(Frontier::coordinates(size).len(), hashes.len());
        assert!(size == 0 || fold(&hashes) == Some(frontier.root()));
        frontier.append([2; 32], |node| assert_eq!((node.at.index + 1) << node.at.level, size + 1));
        assert_eq!(frontier.size(), size + 1);
    }
}

/// Roots that nobody computed are consistent only where no proof is asked for.
fn consistent(old: u64, size: u64, hashes: &[Hash]) {
    let steps = consistency_steps(old, size);
    assert!(steps.len() <= 65 && steps.is_empty() == (old == 0 || old >= size));
    let is_trivial = hashes.is_empty() && (old == 0 || old == size);
    assert_eq!(is_consistent(old, &[1; 32], size, &[1; 32], hashes), is_trivial);
}

/// The edge's subtrees stand beside each other, the larger first, and are as many leaves as the tree has.
fn covers(size: u64) {
    let mut at = 0;
    for place in Frontier::coordinates(size) {
        assert_eq!(place.index << place.level, at);
        at += 1 << place.level;
    }
    assert_eq!(at, size);
}
