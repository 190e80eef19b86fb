//! How far back a line can matter: a commit made before anything was put out has nothing of it, and to walk on to whoever
//! wrote its lines would take seconds on a long history.

use waymark_provenance::git::CommitId;
use waymark_types::RecordId;

use super::noted::NOTES;
use super::{Attribution, AttributionError};

/// How far the clocks of those who commit may be behind the ledger's, in seconds.
const SLACK: i64 = 24 * 60 * 60;
/// In microseconds.
const SECOND: i64 = 1_000_000;

/// Times in seconds since 1970, read when they are first asked for.
#[derive(Debug, Default)]
pub(super) struct Since {
    /// Of the first record, clocks allowed for.
    ledger: Option<i64>,
    /// Of the oldest commit with a note; none where no commit has one.
    noted: Option<Option<i64>>,
}

impl Attribution {
    /// The commits whose lines the ledger may know of: those up to `HEAD` since its first record.
    pub async fn recent(&self) -> Result<Vec<CommitId>, AttributionError> {
        match (self.first().await?, self.repository.head()?) {
            (Some(first), Some(head)) => Ok(self.repository.committed_since(&head, first)?),
            _ => Ok(Vec::new()),
        }
    }

    /// When the ledger's first record was begun; none where it has none.
    async fn first(&self) -> Result<Option<i64>, AttributionError> {
        let first = self.store.entries(0..1).await?.into_iter().next();
        let record = first.and_then(|row| RecordId::from_bytes(row.leaf.record.try_into().ok()?));
        Ok(record.map(|record| (record.millis() / 1_000) as i64))
    }

    /// Since when a commit may have lines that the ledger knows of. Where it has no record yet, none has.
    pub(super) async fn since(&mut self) -> Result<i64, AttributionError> {
        if let Some(known) = self.since.ledger {
            return Ok(known);
        }
        let now = self.clock.now().as_micros() / SECOND;
        let since = self.first().await?.unwrap_or(now).saturating_sub(SLACK).max(0);
        self.since.ledger = Some(since);
        Ok(since)
    }

    /// Since when a commit may have lines that a note knows of; none where no commit has a note.
    pub(super) fn noted_since(&mut self) -> Result<Option<i64>, AttributionError> {
        if self.since.noted.is_none() {
            self.since.noted = Some(self.repository.oldest_noted(NOTES)?);
        }
        Ok(self.since.noted.flatten())
    }
}
