//! Candidates: the emissions that may have put a change there, read from the ledger.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use waymark_ledger::emission::Emissions;
use waymark_provenance::Candidate;
use waymark_store::{LedgerStore, StoreError};
use waymark_types::{RecordId, Timestamp};

/// Records that are held against one change at most: those that have the most of its lines.
const MOST: usize = 400;
/// The last moment that a record's id can tell, in microseconds.
const LAST: i64 = ((1 << 48) - 1) * 1_000;

/// What has been read so far, kept for the next change.
#[derive(Default)]
pub(super) struct Candidates {
    /// Records by their marks of lines.
    marked: HashMap<u64, Vec<RecordId>>,
    /// All records by their mark of a file; none where they are too many to keep.
    placed: HashMap<u64, Option<Vec<RecordId>>>,
    /// Editors' words by the record that they are about.
    said: HashMap<RecordId, Vec<RecordId>>,
    read: HashMap<RecordId, Option<Arc<Emissions>>>,
}

impl Candidates {
    /// Looks marks up that are not known yet, all at once.
    pub(super) async fn look_up(&mut self, store: &LedgerStore, marks: &[u64]) -> Result<(), StoreError> {
        let unknown: BTreeSet<u64> =
            marks.iter().copied().filter(|mark| !self.marked.contains_key(mark)).collect();
        let unknown: Vec<u64> = unknown.into_iter().collect();
        let found = store.marked(&unknown).await?;
        self.marked.extend(unknown.into_iter().map(|mark| (mark, Vec::new())));
        for (mark, record) in found {
            self.marked.entry(mark).or_default().push(record);
        }
        Ok(())
    }

    /// The candidates for a change with these marks, and those for a file of those places that were begun before `until`.
    pub(super) async fn of(
        &mut self,
        store: &LedgerStore,
        marks: &[u64],
        places: &BTreeSet<u64>,
        until: Timestamp,
    ) -> Result<Vec<Candidate>, StoreError> {
        self.look_up(store, marks).await?;
        let mut counts: HashMap<RecordId, usize> = HashMap::new();
        for record in marks.iter().filter_map(|mark| self.marked.get(mark)).flatten() {
            *counts.entry(*record).or_default() += 1;
        }
        let mut ranked: Vec<(RecordId, usize)> = counts.into_iter().collect();
        ranked
            .sort_unstable_by_key(|(record, count)| (std::cmp::Reverse(*count), std::cmp::Reverse(*record)));
        let mut chosen: BTreeSet<RecordId> =
            ranked.into_iter().take(MOST).map(|(record, _)| record).collect();
        for place in places {
            chosen.extend(self.for_place(store, *place, until).await?);
        }
        chosen.extend(self.said_of(store, &chosen).await?);
        self.read(store, &chosen).await?;
        let candidate = |record: RecordId| {
            let emissions = self.read.get(&record).cloned().flatten()?;
            Some(Candidate { record, emissions })
        };
        Ok(chosen.into_iter().filter_map(candidate).collect())
    }

    async fn for_place(
        &mut self,
        store: &LedgerStore,
        place: u64,
        until: Timestamp,
    ) -> Result<Vec<RecordId>, StoreError> {
        let known = match self.placed.entry(place) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let (all, is_all) = store.newest_marked(place, Timestamp::from_micros(LAST)).await?;
                unknown.insert(is_all.then_some(all))
            }
        };
        let Some(all) = known else { return Ok(store.newest_marked(place, until).await?.0) };
        let end = RecordId::new(until, [0; 10]);
        Ok(all.iter().filter(|record| **record < end).copied().collect())
    }

    /// What editors said of records.
    async fn said_of(
        &mut self,
        store: &LedgerStore,
        records: &BTreeSet<RecordId>,
    ) -> Result<Vec<RecordId>, StoreError> {
        let unknown: HashMap<u64, RecordId> = records
            .iter()
            .filter(|record| !self.said.contains_key(*record))
            .map(|record| (Emissions::about(record), *record))
            .collect();
        let marks: Vec<u64> = unknown.keys().copied().collect();
        let found = store.marked(&marks).await?;
        self.said.extend(unknown.values().map(|record| (*record, Vec::new())));
        for (mark, word) in found {
            if let Some(record) = unknown.get(&mark) {
                self.said.entry(*record).or_default().push(word);
            }
        }
        Ok(records.iter().filter_map(|record| self.said.get(record)).flatten().copied().collect())
    }

    async fn read(&mut self, store: &LedgerStore, records: &BTreeSet<RecordId>) -> Result<(), StoreError> {
        let unread: Vec<RecordId> =
            records.iter().copied().filter(|record| !self.read.contains_key(record)).collect();
        let found = store.emissions(&unread).await?;
        self.read.extend(unread.into_iter().map(|record| (record, None)));
        for (record, bytes) in found {
            let emissions = Emissions::from_bytes(&bytes)
                .map_err(|error| StoreError::Damaged(format!("record {record}: {error}")))?;
            self.read.insert(record, Some(Arc::new(emissions)));
        }
        Ok(())
    }
}
