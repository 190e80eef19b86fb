//! What is told of records beside the lines they put out.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use waymark_ledger::{Completion, Entry, Intent};
use waymark_store::{Explanation, explain};
use waymark_types::{RecordId, Timestamp};

use super::blame::BlamedLine;
use super::{Attribution, AttributionError};

/// A record, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordTold {
    /// What the client asked for.
    pub requested_model: Option<String>,
    /// What was sent upstream.
    pub resolved_model: Option<String>,
    /// What the provider says answered.
    pub served_model: Option<String>,
    /// Who answered.
    pub provider: Option<String>,
    /// The route that decided.
    pub route: Option<String>,
    /// The reason code the client was told.
    pub reason: Option<String>,
    /// The client's program, by its own word.
    pub client: Option<String>,
    /// The conversation, by the client's own key.
    pub session: Option<String>,
    /// When the request had arrived.
    pub started: Timestamp,
}

impl RecordTold {
    fn of(intent: Intent, completion: Option<Completion>) -> Self {
        let reason = completion.as_ref().map_or(&intent.decision.reason, |completion| &completion.reason);
        let reason = Some(reason.clone());
        Self {
            requested_model: intent.requested_model,
            resolved_model: completion.as_ref().and_then(|completion| completion.resolved_model.clone()),
            served_model: completion.as_ref().and_then(|completion| completion.served_model.clone()),
            provider: completion.and_then(|completion| completion.provider),
            route: intent.decision.route,
            reason,
            client: intent.client,
            session: intent.session,
            started: intent.started,
        }
    }

    /// The client's program, without its version.
    pub fn tool(&self) -> &str {
        let client = self.client.as_deref().unwrap_or("unknown");
        client.split(['/', ' ']).next().unwrap_or(client)
    }

    /// The model that answered, as far as that is known: the provider's own word, else what was sent.
    pub fn model(&self) -> Option<&str> {
        self.served_model.as_deref().or(self.resolved_model.as_deref())
    }
}

/// A line, and all of the record behind it.
#[derive(Debug, Clone)]
pub struct LineTold {
    /// Its file's path.
    pub path: String,
    /// The line.
    pub line: BlamedLine,
    /// The record behind it, where there is one.
    pub explanation: Option<Box<Explanation>>,
}

impl Attribution {
    /// The line of that number in the file at `path`, with all of its record.
    pub async fn why(
        &mut self,
        path: &std::path::Path,
        number: u32,
        revision: Option<&str>,
    ) -> Result<LineTold, AttributionError> {
        let blamed = self.blame(path, revision, Some(number..=number)).await?;
        let missing = || waymark_provenance::git::GitError::NoSuchLine {
            path: blamed.path.clone(),
            line: number,
            lines: 0,
        };
        let line = blamed.lines.into_iter().next().ok_or_else(missing)?;
        let explanation = match line.record {
            Some(record) => explain(&self.store, &self.verifier, record).await?.map(Box::new),
            None => None,
        };
        Ok(LineTold { path: blamed.path, line, explanation })
    }

    /// The records behind lines, others that fit as well included.
    pub(super) async fn records_of(
        &mut self,
        lines: &[BlamedLine],
    ) -> Result<BTreeMap<RecordId, Arc<RecordTold>>, AttributionError> {
        let mut told = BTreeMap::new();
        for record in lines.iter().flat_map(|line| line.record.iter().chain(&line.others)) {
            if let Some(known) = self.record(record).await? {
                told.insert(*record, known);
            }
        }
        Ok(told)
    }

    /// A record in short; none where it is gone.
    pub(super) async fn record(
        &mut self,
        record: &RecordId,
    ) -> Result<Option<Arc<RecordTold>>, AttributionError> {
        if let Some(known) = self.records.get(record) {
            return Ok(known.clone());
        }
        let (mut intent, mut completion) = (None, None);
        for row in self.store.record(*record).await? {
            match row.leaf.entry() {
                Ok(Some(Entry::Intent(entry))) => intent = Some(entry),
                Ok(Some(Entry::Completion(entry))) => completion = Some(entry),
                _ => {}
            }
        }
        let told = intent.map(|intent| Arc::new(RecordTold::of(intent, completion)));
        self.records.insert(*record, told.clone());
        Ok(told)
    }
}
