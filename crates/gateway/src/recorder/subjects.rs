//! Who asks: names on their way to pseudonyms, and the keys that the texts of answers under way are encrypted with.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use waymark_ledger::Entry;
use waymark_ledger::subject::Subject;
use waymark_store::LedgerStore;
use waymark_types::RecordId;

use super::Unrecorded;
use crate::clock;

/// Those who asked lately, and who asked for each answer under way.
#[derive(Default)]
pub(super) struct Subjects {
    known: Mutex<HashMap<String, Arc<Subject>>>,
    asking: Mutex<HashMap<RecordId, Arc<Subject>>>,
}

impl Subjects {
    /// The entry as it goes on record: who asked, or says something, is named by a pseudonym.
    pub(super) async fn pseudonymous(&self, store: &LedgerStore, entry: Entry) -> Result<Entry, Unrecorded> {
        let mut intent = match entry {
            Entry::Intent(intent) => intent,
            Entry::Feedback(mut feedback) => {
                self.of(store, &feedback.principal).await?.id().clone_into(&mut feedback.principal);
                return Ok(Entry::Feedback(feedback));
            }
            entry => return Ok(entry),
        };
        let subject = self.of(store, &intent.principal).await?;
        intent.principal = subject.id().to_owned();
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).insert(intent.record, subject);
        Ok(Entry::Intent(intent))
    }

    async fn of(&self, store: &LedgerStore, name: &str) -> Result<Arc<Subject>, Unrecorded> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Arc::clone(known));
        }
        let key = clock::random().map_err(|error| Unrecorded::new(&error))?;
        let subject = store.subject(name, key).await.map_err(|error| Unrecorded::new(&error))?;
        let subject = Arc::new(subject);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), Arc::clone(&subject));
        Ok(subject)
    }

    /// Who asked for an answer under way.
    pub(super) fn asking(&self, record: &RecordId) -> Option<Arc<Subject>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).get(record).map(Arc::clone)
    }

    /// An answer is no longer under way.
    pub(super) fn release(&self, record: &RecordId) {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner).remove(record);
    }

    /// Somebody was erased: everybody is looked up again.
    pub(super) fn forget(&self) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
