//! Notes on commits as git-ai has them, `authorship/3.0.0` (specs/git_ai_standard_v3.0.0.md in
//! github.com/git-ai-project/git-ai): which lines of a commit's files a model or a person wrote. They lie under
//! `refs/notes/ai`, at most one to a commit, and their line numbers are those of the files as committed.
//!
//! # How a line finds its record
//!
//! The standard has one session for a conversation and one model in it. Answers of one conversation come from several
//! models, though, and each has a record of its own. So:
//!
//! - **A session of ours is a conversation with one requested and one served model.** Its `agent_id.id` is the
//!   conversation's id and, after `#`, those models, and its key is made from that id as the standard makes it. It never
//!   shares a key with git-ai's own session of the conversation, which names the model by the client's word: programs
//!   that join notes keep one of two sessions with the same key, and the other's lines would change their model.
//! - **An attestation's trace is its record**: `t_` and the beginning of the SHA-256 of the record's id. It stays with
//!   the lines wherever they are carried.
//! - **The session lists its records** (`waymark.record`, parted by spaces). A line's record is the one in the list that
//!   has the line's trace: where somebody has dropped a part of the list, the line has no record rather than a wrong
//!   one, and who holds the log can still find it by the trace.
//!
//! A note is anybody's claim. What it says of a record is true only when the log says so too.

mod build;
mod carry;
mod text;

use std::collections::BTreeMap;
use std::str::Utf8Error;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;
use waymark_ledger::commitment::hex;
use waymark_types::RecordId;

use super::lines::LineSet;

pub use build::By;
pub use carry::Moves;

/// The form we write.
pub const SCHEMA: &str = "authorship/3.0.0";

/// The largest note that is read, in bytes: what git-ai's own servers take.
pub const MAX_NOTE: usize = 8 << 20;

/// A session's records, by their ids, parted by spaces.
const RECORD: &str = "waymark.record";
/// The model the client asked for.
const REQUESTED_MODEL: &str = "waymark.requested_model";
/// The conversation's id as the client has it.
const CONVERSATION: &str = "waymark.conversation";

/// What one note says.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// Who wrote which lines, by the file's path. Where two entries have the same line, the later one counts.
    pub files: BTreeMap<String, Vec<Attested>>,
    /// What the keys in there stand for.
    pub metadata: Metadata,
}

/// Lines of a file, and who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attested {
    /// Who: `s_…::t_…` is a session and a trace in it, `h_…` a person, anything else a prompt of older notes.
    pub key: String,
    /// The lines.
    pub lines: LineSet,
}

/// The second half of a note. What is in there that we do not know stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The form: [`SCHEMA`], or an older one of the same shape.
    pub schema_version: String,
    /// What wrote the note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_ai_version: Option<String>,
    /// A commit the lines were worked out against. Which one differs from writer to writer: nothing can be built on it.
    #[serde(default)]
    pub base_commit_sha: String,
    /// Sessions in the form of older notes.
    #[serde(default)]
    pub prompts: BTreeMap<String, Session>,
    /// People.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub humans: BTreeMap<String, Person>,
    /// Sessions of an agent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sessions: BTreeMap<String, Session>,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A session of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The agent.
    #[serde(default)]
    pub agent_id: Agent,
    /// The person who directed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub human_author: Option<String>,
    /// What writers add of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_attributes: Option<BTreeMap<String, String>>,
    /// Everything else: an older note's counts are in here.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// An agent at work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Agent {
    /// The program.
    #[serde(default)]
    pub tool: String,
    /// The conversation.
    #[serde(default)]
    pub id: String,
    /// The model: of ours, the one that was served.
    #[serde(default)]
    pub model: String,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// `Name <email>`.
    #[serde(default)]
    pub author: String,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// Who wrote a line, by a note's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// A model.
    Ai {
        /// The program it worked through.
        tool: String,
        /// The model: served where the note is ours, else by the client's word, which may be `unknown`.
        model: String,
        /// The conversation.
        conversation: String,
        /// The record of the answer, where the note is ours.
        record: Option<RecordId>,
        /// What the client asked for, where the note is ours and that was another.
        requested_model: Option<String>,
    },
    /// A person.
    Human {
        /// The name.
        name: String,
        /// The address; empty where there is none.
        email: String,
    },
    /// Somebody of whom the note says nothing but a key.
    Untold,
}

/// The note cannot be read, or written.
#[derive(Debug, Error)]
pub enum NoteError {
    /// It is larger than any note.
    #[error("the note has {0} bytes, more than {MAX_NOTE}")]
    TooLarge(usize),
    /// It is no text.
    #[error("the note is no text")]
    Text(#[source] Utf8Error),
    /// The first half has a line that means nothing.
    #[error("line {number} of the note {fault}")]
    Line {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The halves are not parted.
    #[error("the note has no line `---`")]
    NotParted,
    /// The second half is not what it should be.
    #[error("could not read the note's metadata")]
    Metadata(#[source] serde_json::Error),
    /// It is in a form we do not know.
    #[error("the note's form is `{0}`, which is not known")]
    Schema(String),
    /// The second half could not be written.
    #[error("could not write the note's metadata")]
    Write(#[source] serde_json::Error),
}

impl Note {
    /// A note that says nothing.
    pub fn new(base_commit: &str, version: Option<String>) -> Self {
        let metadata = Metadata {
            schema_version: SCHEMA.to_owned(),
            git_ai_version: version,
            base_commit_sha: base_commit.to_owned(),
            prompts: BTreeMap::new(),
            humans: BTreeMap::new(),
            sessions: BTreeMap::new(),
            rest: Map::new(),
        };
        Self { files: BTreeMap::new(), metadata }
    }

    /// Reads a note. Forms 1 and 2 are read where they have the shape of 3.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE {
            return Err(NoteError::TooLarge(bytes.len()));
        }
        let text = str::from_utf8(bytes).map_err(NoteError::Text)?;
        let (files, metadata) = text::read(text)?;
        let metadata: Metadata = serde_json::from_str(metadata).map_err(NoteError::Metadata)?;
        if !is_known(&metadata.schema_version) {
            return Err(NoteError::Schema(metadata.schema_version));
        }
        Ok(Self { files, metadata })
    }

    /// The note as text. A file whose name no note can hold is left out: its lines are then unknown.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NoteError> {
        let mut text = text::write(&self.files);
        text.push_str(&serde_json::to_string_pretty(&self.metadata).map_err(NoteError::Write)?);
        text.push('\n');
        Ok(text.into_bytes())
    }

    /// Who wrote a line of a file; nothing where the note does not say.
    pub fn lookup(&self, path: &str, line: u32) -> Option<Author> {
        let entries = self.files.get(path)?;
        // The last to write a line is who wrote it, even if the note has lost who that was.
        let entry = entries.iter().rev().find(|entry| entry.lines.contains(line))?;
        Some(self.author(&entry.key))
    }

    /// Whom a key stands for.
    pub fn author(&self, key: &str) -> Author {
        if key.starts_with("h_") {
            return self.metadata.humans.get(key).map_or(Author::Untold, Person::to_author);
        }
        let trace = key.split_once("::").map_or("", |(_, trace)| trace);
        self.metadata.session(key).map_or(Author::Untold, |session| session.to_author(trace))
    }
}

impl Metadata {
    /// The session that a key stands for.
    fn session(&self, key: &str) -> Option<&Session> {
        let among = if is_current(key) { &self.sessions } else { &self.prompts };
        among.get(session_of(key))
    }

    /// The sessions that a key's is to be among.
    fn table(&mut self, key: &str) -> &mut BTreeMap<String, Session> {
        if is_current(key) { &mut self.sessions } else { &mut self.prompts }
    }
}

/// Whether a key's session is of the form we write, and not of older notes.
fn is_current(key: &str) -> bool {
    key.starts_with("s_")
}

/// A key without its trace.
fn session_of(key: &str) -> &str {
    key.split_once("::").map_or(key, |(session, _)| session)
}

impl Session {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.custom_attributes.as_ref()?.get(name).map(String::as_str)
    }

    fn records(&self) -> impl Iterator<Item = RecordId> {
        self.attribute(RECORD).unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok())
    }

    fn to_author(&self, trace: &str) -> Author {
        Author::Ai {
            tool: self.agent_id.tool.clone(),
            model: self.agent_id.model.clone(),
            conversation: self.attribute(CONVERSATION).unwrap_or(&self.agent_id.id).to_owned(),
            record: self.records().find(|record| trace_of(record) == trace),
            requested_model: self.attribute(REQUESTED_MODEL).map(str::to_owned),
        }
    }
}

impl Person {
    fn to_author(&self) -> Author {
        let named = self.author.strip_suffix('>').and_then(|author| author.rsplit_once('<'));
        let (name, email) = named.unwrap_or((&self.author, ""));
        Author::Human { name: name.trim().to_owned(), email: email.trim().to_owned() }
    }
}

/// The trace that stands for a record in notes: `t_` and 14 digits of the SHA-256 of its id's text.
pub fn trace_of(record: &RecordId) -> String {
    short("t_", &record.to_string())
}

/// A key of the standard: a prefix and 14 hexadecimal digits of a SHA-256.
fn short(prefix: &str, of: &str) -> String {
    format!("{prefix}{}", &hex(&Sha256::digest(of))[..14])
}

fn is_known(schema: &str) -> bool {
    let version = schema.strip_prefix("authorship/").unwrap_or_default();
    let (major, rest) = version.split_once('.').unwrap_or((version, ""));
    matches!(major, "1" | "2" | "3") && rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests;
