//! The tree as it is stored: leaf hashes, and the roots of whole tiles. Everything between is computed.

use std::collections::BTreeMap;
use std::ops::Range;

use waymark_ledger::tiles::{self, HEIGHT as TILE_HEIGHT};
use waymark_ledger::tree::{self, Coordinate, Frontier, Hash};

use crate::sql::Value;
use crate::{LedgerStore, StoreError};

/// Hashes in a whole tile (c2sp.org/tlog-tiles).
const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

impl LedgerStore {
    /// The stored hashes of a tile level at these positions, in order: level 0 are the leaves, level 1 the roots of 256
    /// of them, and so on. Fewer where there are no more.
    pub async fn tile(&self, level: u8, positions: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let mut values = vec![Value::from(positions.start), Value::from(positions.end)];
        let sql = if level == 0 {
            "SELECT leaf_index, hash FROM leaves WHERE leaf_index >= ? AND leaf_index < ? ORDER BY leaf_index"
        } else {
            values.push(Value::from(u32::from(level) * u32::from(TILE_HEIGHT)));
            "SELECT position, hash FROM nodes WHERE position >= ? AND position < ? AND level = ? ORDER BY position"
        };
        let mut hashes = Vec::new();
        for (mut row, expected) in
            self.database.fetch("read tree nodes", sql, values).await?.into_iter().zip(positions)
        {
            let hash =
                row.bytes(1)?.try_into().ok().filter(|_| row.position(0).is_ok_and(|at| at == expected));
            let missing =
                || StoreError::Damaged(format!("a node of tile level {level} at {expected} is missing"));
            hashes.push(hash.ok_or_else(missing)?);
        }
        Ok(hashes)
    }

    /// The hashes of perfect subtrees; `None` where one is not there.
    pub(crate) async fn subtrees(&self, places: &[Coordinate]) -> Result<Vec<Option<Hash>>, StoreError> {
        let mut tiles: BTreeMap<(u8, u64), Vec<Hash>> = BTreeMap::new();
        let mut hashes = Vec::with_capacity(places.len());
        for at in places {
            let (level, height) = (at.level / TILE_HEIGHT, at.level % TILE_HEIGHT);
            let first = at.index << height;
            let tile = first / TILE_WIDTH;
            let stored = match tiles.entry((level, tile)) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(self.tile(level, tile * TILE_WIDTH..(tile + 1) * TILE_WIDTH).await?)
                }
            };
            let start = (first % TILE_WIDTH) as usize;
            hashes.push(stored.get(start..start + (1 << height)).and_then(tiles::perfect));
        }
        Ok(hashes)
    }

    /// The number of leaves.
    pub async fn size(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(leaf_index) + 1, 0) FROM leaves";
        let found = self.database.fetch("read the ledger's size", sql, Vec::new()).await?;
        found.first().map_or(Ok(0), |row| row.position(0))
    }

    /// The right edge of the stored tree as it was at a size.
    pub async fn frontier(&self, size: u64) -> Result<Frontier, StoreError> {
        let hashes = self.subtrees(&Frontier::coordinates(size)).await?;
        hashes
            .into_iter()
            .collect::<Option<Vec<Hash>>>()
            .and_then(|hashes| Frontier::resume(size, hashes))
            .ok_or_else(|| StoreError::Damaged(format!("a node of the tree of {size} leaves is missing")))
    }

    /// The inclusion proof of a leaf in the tree of `size` leaves; `None` when a node it needs is missing.
    pub async fn inclusion(&self, leaf_index: u64, size: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        self.folded(&tree::inclusion_steps(leaf_index, size)).await
    }

    /// Folds the steps of a proof.
    pub(crate) async fn folded(&self, steps: &[tree::Step]) -> Result<Option<Vec<Hash>>, StoreError> {
        let places: Vec<Coordinate> = steps.iter().flatten().copied().collect();
        let Some(hashes) = self.subtrees(&places).await?.into_iter().collect::<Option<Vec<Hash>>>() else {
            return Ok(None);
        };
        let mut rest = hashes.as_slice();
        let mut proof = Vec::with_capacity(steps.len());
        for step in steps {
            let (these, after) = rest.split_at(step.len());
            rest = after;
            proof.extend(tree::fold(these));
        }
        Ok(Some(proof))
    }
}
