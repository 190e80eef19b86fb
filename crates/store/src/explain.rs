//! The answer to `why`: one record, told whole, with its proof checked.

use serde::Serialize;
use serde_json::Value;
use waymark_ledger::checkpoint::{Checkpoint, root_text};
use waymark_ledger::tree;
use waymark_ledger::{
    Attempt, Commitment, Completion, Decision, Entry, Intent, PlannedAttempt, Source, note,
};
use waymark_types::{Dialect, MicroUsd, Outcome, RecordId, Task, Timestamp, Usage};

use crate::read::Row;
use crate::{LedgerStore, StoreError};

/// What `why --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The line asked about; none when a record was.
    pub line: Option<Value>,
    /// Whose work it is: `ai` for an answer a model gave, else `unknown`.
    pub class: &'static str,
    /// The record's id.
    pub record: RecordId,
    /// What the client asked for.
    pub requested_model: Option<String>,
    /// What was sent upstream.
    pub resolved_model: Option<String>,
    /// What the provider says answered.
    pub served_model: Option<String>,
    /// Who answered.
    pub provider: Option<String>,
    /// What was decided and why.
    pub decision: Decision,
    /// The reason code the client was told.
    pub reason: String,
    /// How it ended; none while it has not, or was cut off and not closed yet.
    pub outcome: Option<Outcome>,
    /// The attempts allowed.
    pub plan: Vec<PlannedAttempt>,
    /// The attempts made; none when the record was cut off and nobody knows.
    pub attempts: Option<Vec<Attempt>>,
    /// The client's program, by its own word.
    pub client: Option<String>,
    /// The conversation, by the client's own key.
    pub session: Option<String>,
    /// The repository it worked in, by name.
    pub repository: Option<String>,
    /// Who asked, by name; none where that was erased.
    pub principal: Option<String>,
    /// Who asked, by the pseudonym that the record carries.
    pub subject: String,
    /// The virtual key it was asked with, by its id.
    pub key: Option<String>,
    /// The client's dialect.
    pub dialect: Dialect,
    /// The kind of work.
    pub task: Option<Task>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// When the request had arrived.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Tokens.
    pub usage: Usage,
    /// Cost; none when unknown.
    pub cost_micro_usd: Option<MicroUsd>,
    /// Commitment to the request.
    pub request: Commitment,
    /// Commitment to the answer.
    pub response: Option<Commitment>,
    /// Where the embedded model's suggestion was taken from.
    pub sources: Vec<Source>,
    /// What went wrong.
    pub error: Option<String>,
    /// How a line was matched; none when a record was asked about.
    pub evidence: Option<Evidence>,
    /// That the record is in the ledger.
    pub proof: Option<Proof>,
}

/// How a line was matched to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The method.
    pub kind: String,
    /// Lines matched.
    pub matched_lines: u64,
    /// Strength, 0 to 100.
    pub score: u64,
}

/// An inclusion proof of the record's newest leaf, checked against the newest checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The log's name.
    pub origin: String,
    /// Leaves under the root.
    pub tree_size: u64,
    /// The leaf proven: the completion's, or the intent's while there is no completion.
    pub leaf_index: u64,
    /// The tree's root, in base64.
    pub root: String,
    /// The proof's hashes, leaf to root, in base64.
    pub hashes: Vec<String>,
    /// Whether the checkpoint's signature holds and every leaf of the record leads to its root.
    pub verified: bool,
    /// What does not hold.
    pub problem: Option<String>,
}

/// Tells a record; `None` when there is none with this id.
pub async fn explain(
    store: &LedgerStore,
    key: &note::Verifier,
    record: RecordId,
) -> Result<Option<Explanation>, StoreError> {
    let rows = store.record(record).await?;
    let (mut intent, mut completion) = (None, None);
    for row in &rows {
        let damaged = |problem: String| StoreError::Damaged(format!("record {record}: {problem}"));
        match row.leaf.entry().map_err(damaged)? {
            Some(Entry::Intent(entry)) => intent = Some(entry),
            Some(Entry::Completion(entry)) => completion = Some(entry),
            Some(
                Entry::Snapshot(_)
                | Entry::Erasure(_)
                | Entry::Retention(_)
                | Entry::Key(_)
                | Entry::Feedback(_),
            ) => {}
            None => {
                let leaf_index = row.leaf_index.unwrap_or_default();
                return Err(StoreError::Dropped { record: record.to_string(), leaf_index });
            }
        }
    }
    let Some(intent) = intent else { return Ok(None) };
    let proof = prove(store, key, &rows).await?;
    let name = store.name_of(&intent.principal).await?;
    Ok(Some(Explanation { principal: name, ..Explanation::new(intent, completion, proof) }))
}

impl Explanation {
    /// Joins a record's halves.
    pub fn new(intent: Intent, completion: Option<Completion>, proof: Option<Proof>) -> Self {
        let outcome = completion.as_ref().map(|completion| completion.outcome);
        let mut explanation = Self {
            line: None,
            class: if outcome == Some(Outcome::Succeeded) { "ai" } else { "unknown" },
            record: intent.record,
            requested_model: intent.requested_model,
            resolved_model: None,
            served_model: None,
            provider: None,
            reason: intent.decision.reason.clone(),
            decision: intent.decision,
            outcome,
            plan: intent.plan,
            attempts: None,
            client: intent.client,
            session: intent.session,
            repository: intent.repository,
            principal: None,
            subject: intent.principal,
            key: intent.key,
            dialect: intent.dialect,
            task: intent.task,
            stream: intent.stream,
            started: intent.started,
            ended: None,
            usage: Usage::default(),
            cost_micro_usd: None,
            request: intent.request,
            response: None,
            sources: Vec::new(),
            error: None,
            evidence: None,
            proof,
        };
        if let Some(completion) = completion {
            explanation.resolved_model = completion.resolved_model;
            explanation.served_model = completion.served_model;
            explanation.provider = completion.provider;
            explanation.reason = completion.reason;
            explanation.attempts = completion.attempts;
            explanation.ended = completion.ended;
            explanation.usage = completion.usage;
            explanation.cost_micro_usd = completion.cost_micro_usd;
            explanation.response = completion.response;
            explanation.sources = completion.sources;
            explanation.error = completion.error;
        }
        explanation
    }
}

async fn prove(store: &LedgerStore, key: &note::Verifier, rows: &[Row]) -> Result<Option<Proof>, StoreError> {
    let sealed: Vec<(u64, &Row)> = rows.iter().filter_map(|row| Some((row.leaf_index?, row))).collect();
    let (Some(newest), Some((last, _))) = (store.newest_checkpoint().await?, sealed.last()) else {
        return Ok(None);
    };
    let mut evidence = Proof {
        origin: key.name().to_owned(),
        tree_size: newest.size,
        leaf_index: *last,
        root: String::new(),
        hashes: Vec::new(),
        verified: false,
        problem: None,
    };
    let checkpoint = match Checkpoint::open(&newest.note, key) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            evidence.problem = Some(format!("checkpoint: {error}"));
            return Ok(Some(evidence));
        }
    };
    (evidence.tree_size, evidence.root) = (checkpoint.size, root_text(&checkpoint.root));
    for (leaf_index, row) in &sealed {
        let hashes = store.inclusion(*leaf_index, checkpoint.size).await?.unwrap_or_default();
        let leaf = row.leaf.statement().map(|statement| statement.hash());
        let root =
            leaf.and_then(|leaf| tree::root_from_inclusion(leaf, *leaf_index, checkpoint.size, &hashes));
        if root != Some(checkpoint.root) {
            evidence.problem = Some(format!("leaf {leaf_index} does not lead to the checkpoint's root"));
            return Ok(Some(evidence));
        }
        evidence.hashes = hashes.iter().map(root_text).collect();
    }
    if sealed.len() < rows.len() {
        evidence.problem = Some("its newest entry waits to be put under the tree".to_owned());
        return Ok(Some(evidence));
    }
    evidence.verified = true;
    Ok(Some(evidence))
}
