//! Virtual keys, as the ledger's entries say them: who may ask, for what and how much, and from when to when.

use serde::{Deserialize, Serialize};
use waymark_types::{Limits, RecordId, Timestamp};

/// A virtual key was made or revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// An id of its own.
    pub record: RecordId,
    /// When it was done.
    pub recorded: Timestamp,
    /// The key's id.
    pub key: String,
    /// What was done.
    pub change: KeyEvent,
}

/// What is done to a virtual key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyEvent {
    /// It was made, on these terms, which never change.
    Created(Box<KeyTerms>),
    /// It holds no more.
    Revoked,
}

/// What a virtual key allows. The secret itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTerms {
    /// Whose it is: a pseudonym ([`Subject`](crate::subject::Subject)).
    pub owner: String,
    /// SHA-256 of the secret, which is 256 random bits in a text, in hexadecimal.
    pub secret_sha256: String,
    /// The routes it may take. Without routes and models it may take any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<String>,
    /// The models it may ask for by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// How much may be used with it.
    #[serde(default)]
    pub limits: Limits,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}
