//! A ledger's leaves, one after another, read some at a time.

use std::vec::IntoIter;

use waymark_ledger::{Entry, Place, tree};
use waymark_store::{LedgerStore, Row};

use super::super::unreadable;
use crate::failure::{CHECK_FAILED, Failure};

/// Leaves read at a time: they may come with kept texts.
const BATCH: u64 = 256;

/// The leaves there were when this was made, in order.
pub(super) struct Leaves<'a> {
    store: &'a dyn LedgerStore,
    read: IntoIter<Row>,
    next: u64,
    total: u64,
}

impl<'a> Leaves<'a> {
    pub(super) async fn of(store: &'a dyn LedgerStore) -> Result<Self, Failure> {
        let newest = store.newest_checkpoint().await.map_err(|error| unreadable(&error))?;
        let total = newest.map_or(0, |newest| newest.size);
        Ok(Self { store, read: Vec::new().into_iter(), next: 0, total })
    }

    /// How many there are.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The next one; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<(Entry, Place)>, Failure> {
        if self.read.len() == 0 && self.next < self.total {
            let end = self.total.min(self.next + BATCH);
            self.read =
                self.store.rows(self.next..end).await.map_err(|error| unreadable(&error))?.into_iter();
            self.next = end;
        }
        let Some(row) = self.read.next() else { return Ok(None) };
        let entry = Entry::from_leaf(&row.body).map_err(|error| {
            Failure::new(CHECK_FAILED, format!("leaf {}: {error}", row.leaf_index))
                .hint("see what `waymark verify` says")
        })?;
        Ok(Some((entry, Place::new(row.leaf_index, &tree::leaf_hash(&row.body)))))
    }
}
