//! What a record says: its intent, its completion, and the snapshots that decisions refer to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use waymark_types::{Dialect, MicroUsd, Next, Outcome, RecordId, Task, Timestamp, Usage};

use crate::canonical::{self, CanonicalError};
use crate::emission::{EditorEvent, Emitted};
use crate::key::KeyChange;
use crate::leaf::Kind;

/// An entry's size limit in bytes. What stands in the tree is a commitment of fixed size; this keeps a body that came
/// from outside from growing without bound.
pub const MAX_ENTRY: usize = 65_535;

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A request was taken and a decision made; written before the first byte of the answer leaves.
    Intent(Intent),
    /// The request ended; written before the last event of the answer leaves.
    Completion(Completion),
    /// A routing snapshot took effect, so that decisions naming its digest can be replayed.
    Snapshot(Snapshot),
    /// What a record or a person had beside the tree was destroyed on demand.
    Erasure(Erasure),
    /// What a week of records had beside the tree was dropped for its age.
    Retention(Retention),
    /// A virtual key was made or revoked.
    Key(KeyChange),
    /// An editor said what became of a suggestion.
    Feedback(Feedback),
}

/// The first half of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Intent {
    /// The record's id, shared with its completion.
    pub record: RecordId,
    /// When the request had arrived.
    pub started: Timestamp,
    /// The client's dialect.
    pub dialect: Dialect,
    /// What kind of work it is; `None` when the request could not be read.
    pub task: Option<Task>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// The client's program and version, by its own word.
    pub client: Option<String>,
    /// The conversation, by the client's own key.
    pub session: Option<String>,
    /// The repository it worked in, by name, where the request tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Who asked: a pseudonym ([`Subject`](crate::subject::Subject)).
    pub principal: String,
    /// The virtual key it was asked with, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The model the client asked for.
    pub requested_model: Option<String>,
    /// What was decided and why.
    pub decision: Decision,
    /// The attempts allowed, in order.
    pub plan: Vec<PlannedAttempt>,
    /// Commitment to the request's body as it came.
    pub request: Commitment,
    /// Commitment to the request's body without the secrets that a content rule took out of it: what was sent on, and
    /// kept; `None` where nothing was taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Commitment>,
    /// Digest of the salt of this record's commitments.
    pub salt_sha256: String,
}

/// A routing decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The route that decided; `None` when the request was pinned to a model or refused before routing.
    pub route: Option<String>,
    /// The policy's name and version.
    pub policy: String,
    /// The reason that settled it, a stable code.
    pub reason: String,
    /// Every reason on the way, in order, each `code` or `code:detail`.
    pub reasons: Vec<String>,
    /// Digest of the snapshot decided under.
    pub snapshot: String,
    /// How the rung was chosen, for work that climbs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Box<Ladder>>,
    /// What another route would have decided, which nothing was done about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Box<Shadow>>,
}

/// How the rung of a ladder was chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ladder {
    /// The rung, by its model's configured name.
    pub rung: String,
    /// How many events the conversation had when the rung was taken: evidence counts from there.
    pub since: u32,
    /// How many it has.
    pub events: u32,
    /// How many turns the model has had in it.
    pub turns: u32,
    /// What tells it from other conversations of its session, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// The request's length in tokens, estimated.
    pub input_tokens: u64,
    /// The rules that fired.
    pub evidence: Vec<Evidence>,
    /// What they count for together, in thousandths.
    pub score: u32,
    /// What it took to climb.
    pub climb_at: u32,
    /// The change of model that was made, or weighed and left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Switch>,
}

/// A rule that fired on a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The rule.
    pub rule: String,
    /// Its version; 0 is the configuration's own.
    pub version: u32,
    /// How often what it looks for was there.
    pub count: u32,
    /// What that counts for, in thousandths.
    pub weight: u32,
}

/// What a change of model costs, by the snapshot's prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Switch {
    /// From which rung.
    pub from: String,
    /// To which.
    pub to: String,
    /// Tokens that the new model reads afresh, estimated.
    pub uncached_tokens: u64,
    /// What reading them costs once; `None` when a price is unknown.
    pub cost_micro_usd: Option<MicroUsd>,
    /// What each turn costs less from then on; below zero, more.
    pub saved_per_turn_micro_usd: Option<i64>,
    /// After how many turns it is repaid; `None` where it never is, or a price is unknown.
    pub repaid_after_turns: Option<u32>,
}

/// A decision that was made beside the one acted on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shadow {
    /// The route that made it.
    pub route: String,
    /// The model it would have asked first, by its configured name; `None` where it would have refused.
    pub model: Option<String>,
    /// The reason that settled it, a stable code.
    pub reason: String,
    /// How it chose the rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<Box<Ladder>>,
}

/// One attempt a plan allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedAttempt {
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
}

/// The second half of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Completion {
    /// The record's id, shared with its intent.
    pub record: RecordId,
    /// When the answer was whole, or given up; `None` when it was cut off and nobody saw.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// The reason code the client was told.
    pub reason: String,
    /// The provider that answered; `None` when none did.
    pub provider: Option<String>,
    /// What was sent upstream as the model; `None` when nothing was sent.
    pub resolved_model: Option<String>,
    /// The provider's own word for the model that answered.
    pub served_model: Option<String>,
    /// The rung of the ladder that answered, by its model's configured name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rung: Option<String>,
    /// Every upstream call, in order; `None` when the record was cut off and nobody knows.
    pub attempts: Option<Vec<Attempt>>,
    /// Tokens, as the provider states them.
    pub usage: Usage,
    /// What they cost by the snapshot's prices, and what was thrown away before; `None` when price or usage is unknown.
    pub cost_micro_usd: Option<MicroUsd>,
    /// Commitment to the answer's body as it left; `None` when that is not known.
    pub response: Option<Commitment>,
    /// Where the embedded model's suggestion was taken from.
    pub sources: Vec<Source>,
    /// What code it put out; `None` where it put out none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emitted: Option<Emitted>,
    /// What went wrong, in our own words: never text of a request or an answer.
    pub error: Option<String>,
}

/// What an editor says became of a suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// An id of its own.
    pub record: RecordId,
    /// When it was said.
    pub recorded: Timestamp,
    /// What became of it.
    pub event: EditorEvent,
    /// The record of the suggestion; `None` where something was typed without one.
    pub about: Option<RecordId>,
    /// Who says so: a pseudonym ([`Subject`](crate::subject::Subject)).
    pub principal: String,
    /// The repository, by name, where it is told.
    pub repository: Option<String>,
    /// The file, as the editor names it.
    pub path: Option<String>,
    /// The first line, from 1.
    pub line: Option<u32>,
    /// What lines it is about; without any it says only what became of the suggestion.
    pub emitted: Emitted,
}

/// One upstream call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// The provider's own word for the model that answered.
    pub served_model: Option<String>,
    /// When the call began.
    pub started: Timestamp,
    /// When its last byte came, or it was given up.
    pub ended: Timestamp,
    /// The HTTP status; `None` when no response came, or none could (embedded).
    pub status: Option<u16>,
    /// How the call ended.
    pub outcome: Outcome,
    /// What went wrong, a stable code.
    pub error: Option<String>,
    /// What followed.
    pub next: Next,
    /// Whether this call's answer is the one the client got.
    pub served: bool,
    /// The provider's dialect, where the request and its answer were converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<Dialect>,
    /// What the conversion had to leave out, as stable codes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// What an answer took that a gate did not let through: billed all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<Discarded>,
}

/// An answer that was thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Discarded {
    /// Tokens, as the provider states them.
    pub usage: Usage,
    /// What they cost; `None` when price or usage is unknown.
    pub cost_micro_usd: Option<MicroUsd>,
}

/// A commitment to some bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commitment {
    /// How many bytes.
    pub bytes: u64,
    /// HMAC-SHA-256 of them under the record's salt, in hexadecimal.
    pub hmac_sha256: String,
}

/// A place in the corpus that a suggestion was copied from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// Path in the repository.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// The commit the file was read at; `None` for text not committed yet.
    pub commit: Option<String>,
    /// SPDX id of the licence found for the file.
    pub licence: Option<String>,
}

/// A routing snapshot as it took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// An id of its own.
    pub record: RecordId,
    /// When it took effect.
    pub recorded: Timestamp,
    /// The digest decisions refer to: SHA-256 of the policy's canonical bytes, in hexadecimal.
    pub snapshot: String,
    /// Which part of the policy's text this is, from 0: a large one takes several leaves, one after another.
    pub part: u32,
    /// How many parts there are.
    pub parts: u32,
    /// This part of the policy's canonical bytes: models, prices, routes and aliases; no secrets.
    pub policy: String,
}

impl Snapshot {
    /// The longest part, in bytes: even escaped, it fits a leaf with room to spare.
    const LONGEST_PART: usize = 24 << 10;

    /// The entries of a policy, given its digest and canonical text.
    pub fn parts(record: RecordId, recorded: Timestamp, digest: &str, policy: &str) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut rest = policy;
        while rest.len() > Self::LONGEST_PART {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(Self::LONGEST_PART));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        let parts = pieces.len() as u32;
        let entry = |(part, piece): (usize, &str)| Self {
            record,
            recorded,
            snapshot: digest.to_owned(),
            part: part as u32,
            parts,
            policy: piece.to_owned(),
        };
        pieces.into_iter().enumerate().map(entry).collect()
    }
}

/// Something was destroyed on demand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// An id of its own.
    pub record: RecordId,
    /// When it was done.
    pub recorded: Timestamp,
    /// Of what.
    pub erased: Erased,
    /// Why, in the words of who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Erased {
    /// A record's salt and texts.
    Record(RecordId),
    /// A person's name and key, and with the key every text of theirs; and the salts of their records.
    Subject(String),
}

/// A week's records grew too old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// An id of its own.
    pub record: RecordId,
    /// When it was done.
    pub recorded: Timestamp,
    /// The week, as [`Week`](crate::leaf::Week) counts.
    pub week: u64,
    /// What was dropped.
    pub dropped: Dropped,
}

/// What is dropped of a week for its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dropped {
    /// The salts of commitments to texts, and the texts.
    Payloads,
    /// What the records say, and their payloads with it. Their leaves stay.
    Records,
}

/// An entry could not be written or read.
#[derive(Debug, Error)]
pub enum EntryError {
    /// The entry has no canonical form.
    #[error("could not encode the entry")]
    Encode(#[from] CanonicalError),
    /// The entry is larger than it may be.
    #[error("the entry has {0} bytes, more than {MAX_ENTRY}")]
    TooLarge(usize),
    /// The bytes are no entry.
    #[error("could not decode the entry: {0}")]
    Decode(#[source] serde_json::Error),
}

impl Entry {
    /// The id of the record this entry belongs to.
    pub fn record(&self) -> RecordId {
        match self {
            Self::Intent(intent) => intent.record,
            Self::Completion(completion) => completion.record,
            Self::Snapshot(snapshot) => snapshot.record,
            Self::Erasure(erasure) => erasure.record,
            Self::Retention(retention) => retention.record,
            Self::Key(change) => change.record,
            Self::Feedback(feedback) => feedback.record,
        }
    }

    /// What kind of entry it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Intent(_) => Kind::Intent,
            Self::Completion(_) => Kind::Completion,
            Self::Snapshot(_) => Kind::Snapshot,
            Self::Erasure(_) => Kind::Erasure,
            Self::Retention(_) => Kind::Retention,
            Self::Key(_) => Kind::Key,
            Self::Feedback(_) => Kind::Feedback,
        }
    }

    /// Its place among the entries of its record: an intent is 0, its completion 1.
    pub fn part(&self) -> u32 {
        match self {
            Self::Completion(_) => 1,
            Self::Snapshot(snapshot) => snapshot.part,
            Self::Intent(_) | Self::Erasure(_) | Self::Retention(_) | Self::Key(_) | Self::Feedback(_) => 0,
        }
    }

    /// Its canonical bytes: what its leaf commits to.
    pub fn to_body(&self) -> Result<Vec<u8>, EntryError> {
        let bytes = canonical::to_bytes(self)?;
        if bytes.len() > MAX_ENTRY { Err(EntryError::TooLarge(bytes.len())) } else { Ok(bytes) }
    }

    /// Reads canonical bytes back.
    pub fn from_body(bytes: &[u8]) -> Result<Self, EntryError> {
        // Reading the kind first and then what it says spares a copy of every name and value on the way.
        #[derive(Deserialize)]
        struct Tag {
            kind: Kind,
        }
        let Tag { kind } = serde_json::from_slice(bytes).map_err(EntryError::Decode)?;
        let entry = match kind {
            Kind::Intent => serde_json::from_slice(bytes).map(Self::Intent),
            Kind::Completion => serde_json::from_slice(bytes).map(Self::Completion),
            Kind::Snapshot => serde_json::from_slice(bytes).map(Self::Snapshot),
            Kind::Erasure => serde_json::from_slice(bytes).map(Self::Erasure),
            Kind::Retention => serde_json::from_slice(bytes).map(Self::Retention),
            Kind::Key => serde_json::from_slice(bytes).map(Self::Key),
            Kind::Feedback => serde_json::from_slice(bytes).map(Self::Feedback),
        };
        entry.map_err(EntryError::Decode)
    }
}
