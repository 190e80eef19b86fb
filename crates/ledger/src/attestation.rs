//! Attestations: what a record says of an answer, as an in-toto Statement v1
//! (github.com/in-toto/attestation/tree/main/spec/v1) in a signed DSSE envelope.

use serde::{Deserialize, Serialize};
use waymark_types::{MicroUsd, Outcome, RecordId, Timestamp, Usage};

use crate::canonical::{self, CanonicalError};
use crate::dsse::Envelope;
use crate::entry::{Attempt, Commitment, Decision};
use crate::note::Signer;
use crate::record::{Place, Record};

/// What our statements say, by name. It is a name and no address: nothing is served there.
pub const ANSWER: &str = "https://waymark.dev/attestation/answer/v1";

/// The media type of in-toto statements.
pub const STATEMENT: &str = "application/vnd.in-toto+json";

/// The kind of in-toto statements: their version.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// An in-toto statement about one answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The kind of statement.
    #[serde(rename = "_type")]
    kind: String,
    /// The record's leaves.
    subject: Vec<Subject>,
    /// [`ANSWER`].
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// What is said of them.
    predicate: AnswerPredicate,
}

/// A leaf that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Subject {
    /// `record/<id>/intent` or `record/<id>/completion`.
    name: String,
    digest: Digest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Digest {
    /// The leaf's hash: SHA-256 of a zero byte and the leaf.
    sha256: String,
}

/// What a statement says: which model answered, why that one, after which attempts, and where that is on record. Its
/// names are the record's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerPredicate {
    /// The record's id.
    pub record: RecordId,
    /// What the client asked for.
    pub requested_model: Option<String>,
    /// What was sent upstream.
    pub resolved_model: Option<String>,
    /// The provider's own word for the model that answered.
    pub served_model: Option<String>,
    /// The provider that answered, by its configured name.
    pub provider: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// When the request had arrived.
    pub started: Timestamp,
    /// When the answer was whole, or given up.
    pub ended: Option<Timestamp>,
    /// What was decided and why.
    pub decision: Decision,
    /// Every upstream call, in order.
    pub attempts: Vec<Attempt>,
    /// Tokens, as the provider states them.
    pub usage: Usage,
    /// What they cost.
    pub cost_micro_usd: Option<MicroUsd>,
    /// Commitment to the request's body: HMAC-SHA-256 under the record's salt, which is not in here.
    pub request: Commitment,
    /// Commitment to the answer's body.
    pub response: Option<Commitment>,
    /// Where it is on record.
    pub log: Logged,
}

/// Where a record is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// The log's name.
    pub origin: String,
    /// The intent's leaf.
    pub intent_index: u64,
    /// The completion's leaf.
    pub completion_index: u64,
    /// That the completion's leaf is in the log's tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inclusion: Option<Inclusion>,
}

/// An inclusion proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    /// Leaves under the root.
    pub tree_size: u64,
    /// The tree's root, in base64.
    pub root: String,
    /// The proof's hashes, leaf to root, in base64.
    pub hashes: Vec<String>,
    /// The signed checkpoint that states the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

impl Statement {
    /// States what `record` says; `None` when no model answered, or none has yet.
    pub fn new(record: &Record) -> Option<Self> {
        let (completion, place) = (record.completion.as_ref()?, record.leaves.completion.as_ref()?);
        let provider = completion.provider.clone();
        provider.as_ref()?;
        let intent = &record.intent;
        let log = Logged {
            origin: record.origin.clone(),
            intent_index: record.leaves.intent.index,
            completion_index: place.index,
            inclusion: None,
        };
        let predicate = AnswerPredicate {
            record: record.record,
            requested_model: intent.requested_model.clone(),
            resolved_model: completion.resolved_model.clone(),
            served_model: completion.served_model.clone(),
            provider,
            outcome: completion.outcome,
            started: intent.started,
            ended: completion.ended,
            decision: intent.decision.clone(),
            attempts: completion.attempts.clone().unwrap_or_default(),
            usage: completion.usage,
            cost_micro_usd: completion.cost_micro_usd,
            request: intent.request.clone(),
            response: completion.response.clone(),
            log,
        };
        let subject = |half: &str, place: &Place| Subject {
            name: format!("record/{}/{half}", record.record),
            digest: Digest { sha256: place.sha256.clone() },
        };
        Some(Self {
            kind: STATEMENT_V1.to_owned(),
            subject: vec![subject("completion", place), subject("intent", &record.leaves.intent)],
            predicate_type: ANSWER.to_owned(),
            predicate,
        })
    }

    /// The same with a proof that the record is in the log.
    pub fn proven(mut self, inclusion: Inclusion) -> Self {
        self.predicate.log.inclusion = Some(inclusion);
        self
    }

    /// The statement in an envelope that the log's key signs.
    pub fn sign(&self, signer: &Signer) -> Result<Envelope, CanonicalError> {
        Ok(Envelope::sign(STATEMENT, &canonical::to_bytes(self)?, signer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_statement_names_the_leaves_the_models_and_the_reason() {
        let signer = Signer::new("waymark/test", &[1; 32]).unwrap();
        let envelope = Statement::new(&samples::record(1)).unwrap().sign(&signer).unwrap();
        let payload = envelope.open(&signer.verifier()).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(said["_type"], STATEMENT_V1);
        assert_eq!(said["subject"][0]["digest"]["sha256"], "03".repeat(32));
        assert_eq!(said["predicate"]["requested_model"], "auto");
        assert_eq!(said["predicate"]["served_model"], "small-1-2026");
        assert_eq!(said["predicate"]["decision"]["reason"], "first_rung");
        assert_eq!(said["predicate"]["log"]["completion_index"], 3);
        assert_eq!(said["predicate"]["log"].get("inclusion"), None);
    }

    #[test]
    fn what_no_model_answered_is_not_attested() {
        let mut record = samples::record(1);
        record.completion.as_mut().unwrap().provider = None;
        assert_eq!(Statement::new(&record), None);
        record.completion = None;
        assert_eq!(Statement::new(&record), None);
    }
}
