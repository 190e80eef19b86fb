//! A map that holds what was last seen and lets go of the rest: two generations, of which the older goes when the newer is
//! full.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// A map of at most twice so many entries as a generation has.
#[derive(Debug)]
pub(crate) struct Generations<K, V> {
    most: usize,
    newer_and_older: Mutex<[HashMap<K, V>; 2]>,
}

impl<K: Hash + Eq, V: Clone> Generations<K, V> {
    /// An empty one, whose generations have `most` entries.
    pub(crate) fn of(most: usize) -> Self {
        Self { most, newer_and_older: Mutex::new([HashMap::new(), HashMap::new()]) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let generations = self.newer_and_older.lock().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find_map(|generation| generation.get(key)).cloned()
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        let mut generations = self.newer_and_older.lock().unwrap_or_else(PoisonError::into_inner);
        let [newer, older] = &mut *generations;
        if newer.len() >= self.most {
            *older = std::mem::take(newer);
        }
        newer.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_held_and_the_oldest_are_let_go() {
        let held = Generations::of(2);
        (0..5).for_each(|number| held.insert(number, number));
        let found: Vec<Option<i32>> = (0..5).map(|number| held.get(&number)).collect();
        assert_eq!(found, [None, None, Some(2), Some(3), Some(4)]);
        held.insert(2, 20);
        assert_eq!(held.get(&2), Some(20));
    }
}
