//! A ledger's leaves, one after another, read some at a time.

use std::vec::IntoIter;

use waymark_ledger::{Entry, Place};
use waymark_store::{LedgerStore, Row};

use super::unreadable;
use crate::failure::{CHECK_FAILED, Failure};

/// Leaves read at a time: they may come with kept texts.
const BATCH: u64 = 256;

/// The leaves there were when this was made, in order.
pub(super) struct Leaves<'a> {
    store: &'a LedgerStore,
    read: IntoIter<Row>,
    next: u64,
    total: u64,
}

impl<'a> Leaves<'a> {
    pub(super) async fn of(store: &'a LedgerStore) -> Result<Self, Failure> {
        let newest = store.newest_checkpoint().await.map_err(|error| unreadable(&error))?;
        let total = newest.map_or(0, |newest| newest.size);
        Ok(Self { store, read: Vec::new().into_iter(), next: 0, total })
    }

    /// How many there are.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The next one that still says something; `None` at the end. What was dropped for its age is passed over.
    pub(super) async fn next(&mut self) -> Result<Option<(Entry, Place)>, Failure> {
        loop {
            if self.read.len() == 0 && self.next < self.total {
                let end = self.total.min(self.next + BATCH);
                let read = self.store.entries(self.next..end).await.map_err(|error| unreadable(&error))?;
                self.read = read.into_iter();
                self.next = end;
            }
            let Some(Row { leaf_index, leaf }) = self.read.next() else { return Ok(None) };
            let leaf_index = leaf_index.unwrap_or_default();
            let entry = leaf.entry().map_err(|problem| {
                Failure::new(CHECK_FAILED, format!("leaf {leaf_index}: {problem}"))
                    .hint("see what `waymark verify` says")
            })?;
            if let (Some(entry), Some(statement)) = (entry, leaf.statement()) {
                return Ok(Some((entry, Place::new(leaf_index, &statement.hash()))));
            }
        }
    }
}
