//! Traces as Agent Trace 0.1.0 has them (github.com/cursor/agent-trace): one JSON record to a commit.
//!
//! A range's line numbers are those of the files as committed, and `vcs.revision` is that commit itself, so that `git
//! blame` leads to the trace. What the format has no place for stands in `metadata` under [`VENDOR`]: the three names of
//! the model, the attempts, and where the log says so. Nothing but what the published schema names stands elsewhere.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;
use waymark_ledger::commitment::hex;
use waymark_types::RecordId;

use super::attributed::{Commit, File, Span, lines_sha256};
use crate::Class;

/// The version we write.
pub const VERSION: &str = "0.1.0";

/// Where in `metadata` our own words stand.
pub const VENDOR: &str = "dev.waymark";

/// The largest trace that is read, in bytes.
pub const MAX_TRACE: usize = 8 << 20;

/// What kind of related resource a record is.
const RECORD: &str = "waymark.record";
/// Before a record's id, which is a UUID, this makes it a URI. It is a name; nothing is served there.
const URN: &str = "urn:uuid:";
/// The longest name of a model, in characters.
const LONGEST_MODEL: usize = 250;

/// One trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The format's version: `X.Y.Z`, or `X.Y` from some writers.
    pub version: String,
    /// A UUID.
    pub id: String,
    /// When it was written, RFC 3339.
    pub timestamp: String,
    /// What its line numbers are of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vcs: Option<Vcs>,
    /// What wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Tool>,
    /// Whose lines are whose.
    pub files: Vec<TracedFile>,
    /// What writers add of their own.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// A revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vcs {
    /// `git`, `jj`, `hg` or `svn`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name there.
    pub revision: String,
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
}

/// A file and who wrote in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedFile {
    /// Its path from the repository's root.
    pub path: String,
    /// Who wrote in it.
    pub conversations: Vec<Conversation>,
}

/// Ranges that have the same contributor: of ours, the lines of one class and record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Where the conversation can be looked up. We keep none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who wrote the ranges that do not say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<Contributor>,
    /// The lines.
    pub ranges: Vec<Range>,
    /// What else there is of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// Who wrote something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributor {
    /// What kind of contributor it is.
    #[serde(rename = "type")]
    pub kind: ContributorKind,
    /// The model, `provider/model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
}

/// What kind of contributor somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContributorKind {
    /// A person.
    Human,
    /// A model.
    Ai,
    /// A model and a person.
    Mixed,
    /// Nobody knows.
    Unknown,
}

/// Some lines, from 1, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The first.
    pub start_line: u64,
    /// The last.
    pub end_line: u64,
    /// A digest of them. Ours is declared in `metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    /// Who wrote them, if not the conversation's contributor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributor: Option<Contributor>,
}

/// Something that belongs to a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is, a URI.
    pub url: String,
}

/// Who wrote a line, by a trace's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced<'a> {
    /// What kind of contributor.
    pub kind: ContributorKind,
    /// The model, `provider/model`.
    pub model_id: Option<&'a str>,
    /// The record of the answer, where the trace is ours. It is a claim, true only when the log says so too.
    pub record: Option<RecordId>,
}

/// The trace cannot be read.
#[derive(Debug, Error)]
pub enum TraceError {
    /// It is larger than any trace.
    #[error("the trace has {0} bytes, more than {MAX_TRACE}")]
    TooLarge(usize),
    /// It is not what it should be.
    #[error("could not read the trace")]
    Json(#[source] serde_json::Error),
    /// It is in a version we do not know.
    #[error("the trace's version is `{0}`, which is not known")]
    Version(String),
}

impl Trace {
    /// The trace of a commit. `origin` names the log of who writes it: the same commit and log have the same id for ever.
    pub fn of(commit: &Commit<'_>, origin: &str) -> Self {
        let files = commit.files.iter().filter(|file| !file.spans.is_empty());
        let ours = json!({
            "log": origin,
            "content_hash": {"algorithm": "sha256", "over": "the range's lines, each ended by one line feed"},
            "records": records(commit),
        });
        Self {
            version: VERSION.to_owned(),
            id: id(origin, commit.revision),
            timestamp: commit.attributed.to_string(),
            vcs: Some(Vcs { kind: "git".to_owned(), revision: commit.revision.to_owned() }),
            tool: Some(Tool { name: "waymark".to_owned(), version: commit.version.to_owned() }),
            files: files.map(|file| traced(commit, file)).collect(),
            metadata: Map::from_iter([(VENDOR.to_owned(), ours)]),
        }
    }

    /// Reads a trace. What is in there that the format does not name is left out, but for `metadata`.
    pub fn parse(bytes: &[u8]) -> Result<Self, TraceError> {
        if bytes.len() > MAX_TRACE {
            return Err(TraceError::TooLarge(bytes.len()));
        }
        let trace: Self = serde_json::from_slice(bytes).map_err(TraceError::Json)?;
        if is_known(&trace.version) { Ok(trace) } else { Err(TraceError::Version(trace.version)) }
    }

    /// Who wrote a line of a file; nothing where the trace does not say. Where several ranges have the line, the last
    /// one counts.
    pub fn lookup(&self, path: &str, line: u32) -> Option<Traced<'_>> {
        let conversations =
            self.files.iter().filter(|file| file.path == path).flat_map(|file| &file.conversations);
        let mut ranges = conversations
            .flat_map(|conversation| conversation.ranges.iter().map(move |range| (conversation, range)));
        let has = |range: &Range| (range.start_line..=range.end_line).contains(&u64::from(line));
        let (conversation, range) = ranges.rfind(|(_, range)| has(range))?;
        let contributor = range.contributor.as_ref().or(conversation.contributor.as_ref());
        let records = conversation.related.iter().filter(|related| related.kind == RECORD);
        let mut ids = records.filter_map(|related| related.url.strip_prefix(URN)?.parse().ok());
        Some(Traced {
            kind: contributor.map_or(ContributorKind::Unknown, |contributor| contributor.kind),
            model_id: contributor.and_then(|contributor| contributor.model_id.as_deref()),
            record: ids.next(),
        })
    }
}

impl From<Class> for ContributorKind {
    fn from(class: Class) -> Self {
        match class {
            Class::Ai => Self::Ai,
            Class::AiModified => Self::Mixed,
            Class::Human => Self::Human,
            Class::Unknown => Self::Unknown,
        }
    }
}

fn traced(commit: &Commit<'_>, file: &File<'_>) -> TracedFile {
    let mut conversations: Vec<Conversation> = Vec::new();
    let mut places: BTreeMap<(Class, Option<RecordId>), usize> = BTreeMap::new();
    for span in file.spans {
        let range = Range {
            start_line: span.lines.first().into(),
            end_line: span.lines.last().into(),
            content_hash: lines_sha256(file.content, span.lines).map(|digest| format!("sha256:{digest}")),
            contributor: None,
        };
        let at = *places.entry((span.class, span.record)).or_insert_with(|| {
            conversations.push(conversation(commit, span));
            conversations.len() - 1
        });
        conversations[at].ranges.push(range);
    }
    TracedFile { path: file.path.to_owned(), conversations }
}

fn conversation(commit: &Commit<'_>, span: &Span) -> Conversation {
    let answer = span.record.as_ref().and_then(|record| commit.answers.get(record));
    let model_id =
        answer.and_then(|answer| model_id(answer.provider.as_deref(), answer.served_model.as_deref()?));
    let related =
        span.record.iter().map(|record| Related { kind: RECORD.to_owned(), url: format!("{URN}{record}") });
    Conversation {
        url: None,
        contributor: Some(Contributor { kind: span.class.into(), model_id }),
        ranges: Vec::new(),
        related: related.collect(),
    }
}

/// The answers behind a commit's lines, by their records.
fn records(commit: &Commit<'_>) -> Map<String, Value> {
    let spans = commit.files.iter().flat_map(|file| file.spans);
    let answers = spans.filter_map(|span| commit.answers.get(&span.record?));
    let said = answers.map(|answer| {
        let said = json!({
            "requested_model": answer.requested_model,
            "resolved_model": answer.resolved_model,
            "served_model": answer.served_model,
            "attempts_sha256": answer.attempts_sha256,
            "log_origin": answer.log.origin,
            "leaf_index": answer.log.index,
            "leaf_sha256": answer.log.sha256,
        });
        (answer.record.to_string(), said)
    });
    said.collect()
}

/// A model's name, `provider/model`; nothing when it is too long for the format, since a part of a name names another.
fn model_id(provider: Option<&str>, model: &str) -> Option<String> {
    let name = provider.map_or_else(|| model.to_owned(), |provider| format!("{provider}/{model}"));
    (name.chars().count() <= LONGEST_MODEL).then_some(name)
}

/// The id of a commit's trace: a UUID of version 8 (RFC 9562) made from what it is of.
fn id(origin: &str, revision: &str) -> String {
    let digest = Sha256::digest(format!("agent trace\n{origin}\n{revision}\n"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = 0x80 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let digits = hex(&bytes);
    let part = |from: usize, to: usize| &digits[from..to];
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// `X.Y` or `X.Y.Z`, of the versions there may be without a break in what we read.
fn is_known(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&parts.len()) && parts.iter().all(is_number) && matches!(parts[0], "0" | "1")
}

#[cfg(test)]
mod tests;
