//! Statements about commits: which lines came from which answers, as an in-toto Statement v1
//! (github.com/in-toto/attestation/tree/main/spec/v1) in a signed DSSE envelope. There is no vetted predicate for who
//! wrote code, so this is our own.
//!
//! The subjects are the commit, its change and its files. Whoever holds any of them finds the statement: a rebase changes
//! the commit and leaves the change, a squash changes both and leaves files that nobody touched since.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use waymark_ledger::attestation::{STATEMENT, STATEMENT_V1};
use waymark_ledger::canonical::{self, CanonicalError};
use waymark_ledger::commitment::hex;
use waymark_ledger::dsse::Envelope;
use waymark_ledger::note::Signer;
use waymark_types::{RecordId, Timestamp};

use super::attributed::{Answer, Commit, File};
use super::summary::Counts;
use crate::Class;

/// What our statements about commits say, by name. It is a name and no address: nothing is served there.
pub const COMMIT: &str = "https://waymark.dev/attestation/commit/v1";

/// An in-toto statement about one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Waymark statement about a commit")]
pub struct Statement {
    /// The kind of statement.
    #[serde(rename = "_type")]
    #[schemars(extend("const" = STATEMENT_V1))]
    kind: String,
    /// The commit, its change and its files.
    subject: Vec<Subject>,
    /// The name of what is said.
    #[serde(rename = "predicateType")]
    #[schemars(extend("const" = COMMIT))]
    predicate_type: String,
    /// What is said of them.
    predicate: CommitPredicate,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct Subject {
    /// `git+commit`, `git+patch-id`, or a file's path from the repository's root.
    name: String,
    digest: DigestSet,
}

/// One digest, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
enum DigestSet {
    /// The commit's object name.
    #[serde(rename = "gitCommit")]
    Commit(String),
    /// What `git patch-id --stable` says of the commit's change.
    #[serde(rename = "gitPatchId")]
    PatchId(String),
    /// SHA-256 of the file's bytes.
    #[serde(rename = "sha256")]
    Sha256(String),
}

/// What a statement says: whose the lines of a commit are, and which answers are behind them.
///
/// A line that the commit brought and that is in no range is unknown, like one in a range of that class: nothing on
/// record says who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitPredicate {
    /// The commit's object name.
    pub commit: String,
    /// When its lines were attributed.
    pub attributed: Timestamp,
    /// The version of Waymark that did it.
    pub version: String,
    /// The lines in ranges, counted.
    pub lines: Counts,
    /// The files, and whose lines are whose in them.
    pub files: Vec<StatedFile>,
    /// The answers behind the lines, sorted by record.
    pub answers: Vec<Answer>,
    /// Signed checkpoints of logs that the answers are in, of trees that hold their leaves.
    pub checkpoints: Vec<String>,
}

/// A file as the commit has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatedFile {
    /// Its path from the repository's root.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its ranges, in order.
    pub ranges: Vec<StatedRange>,
}

/// Lines of a file, from 1, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatedRange {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// Who put them there.
    pub class: Class,
    /// The record of the answer they come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordId>,
    /// What that is known from, a stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

impl Statement {
    /// States what is known of a commit. The checkpoints are for the caller to choose and check.
    pub fn new(commit: &Commit<'_>, checkpoints: Vec<String>) -> Self {
        let files: Vec<StatedFile> =
            commit.files.iter().filter(|file| !file.spans.is_empty()).map(stated).collect();
        let mut subject = vec![Subject {
            name: "git+commit".to_owned(),
            digest: DigestSet::Commit(commit.revision.to_owned()),
        }];
        subject.extend(commit.patch_id.map(|id| Subject {
            name: "git+patch-id".to_owned(),
            digest: DigestSet::PatchId(id.to_owned()),
        }));
        subject.extend(
            files.iter().map(|file| Subject {
                name: file.path.clone(),
                digest: DigestSet::Sha256(file.sha256.clone()),
            }),
        );
        let ranges = || files.iter().flat_map(|file| &file.ranges);
        let mut lines = Counts::default();
        for range in ranges() {
            lines.add(range.class, u64::from(range.last - range.first) + 1);
        }
        let records: BTreeSet<RecordId> = ranges().filter_map(|range| range.record).collect();
        let answers = records.iter().filter_map(|record| commit.answers.get(record).cloned()).collect();
        Self {
            kind: STATEMENT_V1.to_owned(),
            subject,
            predicate_type: COMMIT.to_owned(),
            predicate: CommitPredicate {
                commit: commit.revision.to_owned(),
                attributed: commit.attributed,
                version: commit.version.to_owned(),
                lines,
                files,
                answers,
                checkpoints,
            },
        }
    }

    /// What it says.
    pub fn predicate(&self) -> &CommitPredicate {
        &self.predicate
    }

    /// Its canonical bytes: what is signed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }

    /// The statement in an envelope that the log's key signs.
    pub fn sign(&self, signer: &Signer) -> Result<Envelope, CanonicalError> {
        Ok(Envelope::sign(STATEMENT, &self.to_bytes()?, signer))
    }
}

fn stated(file: &File<'_>) -> StatedFile {
    let ranges = file.spans.iter().map(|span| StatedRange {
        first: span.lines.first(),
        last: span.lines.last(),
        class: span.class,
        record: span.record,
        evidence: span.evidence.clone(),
    });
    StatedFile {
        path: file.path.to_owned(),
        sha256: hex(&Sha256::digest(file.content)),
        ranges: ranges.collect(),
    }
}

#[cfg(test)]
mod tests;
