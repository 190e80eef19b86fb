//! People, kept so that they can be forgotten: a pseudonym for the records, and a key for their texts.
//!
//! A subject's id is HMAC-SHA-256 of its name under its own random key. Records carry the id alone. As long as name and
//! key are kept the id can be checked; once they are destroyed it says nothing, not even about a guessed name, and the
//! texts encrypted under the key are gone with it.

use chacha20poly1305::aead::{Aead, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use thiserror::Error;
use waymark_types::RecordId;
use zeroize::Zeroizing;

use crate::commitment::{Salt, hex, mac};

/// How much of the HMAC an id is, in hexadecimal digits.
const ID_DIGITS: usize = 32;

/// A person, or whatever else asks: its name, its key, and the id that records carry.
#[derive(Clone, PartialEq, Eq)]
pub struct Subject {
    id: String,
    name: String,
    key: Zeroizing<[u8; 32]>,
}

/// Which of a record's two texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Text {
    /// The request's body.
    Request,
    /// The answer's body.
    Response,
}

impl Text {
    /// Its number in a store: that of the entry that commits to it.
    pub fn part(self) -> u32 {
        match self {
            Self::Request => 0,
            Self::Response => 1,
        }
    }
}

/// A kept text does not decrypt: it, its key or its salt is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the text does not decrypt under its subject's key and its record's salt")]
pub struct Unreadable;

impl Subject {
    /// The subject of this name under 32 random bytes.
    pub fn new(name: &str, key: [u8; 32]) -> Self {
        let id = hex(&mac(&key, name.as_bytes()))[..ID_DIGITS].to_owned();
        Self { id, name: name.to_owned(), key: Zeroizing::new(key) }
    }

    /// The id that records carry: 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key, to be stored where it can be destroyed.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Encrypts a record's text. The key is made for this text alone, of the subject's key and the record's salt: it
    /// dies with either, and since it is used once its nonce is zero.
    pub fn encrypt(
        &self,
        record: &RecordId,
        text: Text,
        salt: &Salt,
        plain: &[u8],
    ) -> Result<Vec<u8>, Unreadable> {
        let payload = Payload { msg: plain, aad: record.as_bytes() };
        self.cipher(record, text, salt).encrypt(&Nonce::default(), payload).map_err(|_| Unreadable)
    }

    /// Decrypts what [`Subject::encrypt`] made.
    pub fn decrypt(
        &self,
        record: &RecordId,
        text: Text,
        salt: &Salt,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Unreadable> {
        let payload = Payload { msg: sealed, aad: record.as_bytes() };
        self.cipher(record, text, salt).decrypt(&Nonce::default(), payload).map_err(|_| Unreadable)
    }

    fn cipher(&self, record: &RecordId, text: Text, salt: &Salt) -> ChaCha20Poly1305 {
        let purpose = match text {
            Text::Request => b"waymark request ",
            Text::Response => b"waymark response",
        };
        let key = Zeroizing::new(mac(&self.key, &[&purpose[..], record.as_bytes(), salt].concat()));
        ChaCha20Poly1305::new(&Key::from(*key))
    }
}

#[cfg(test)]
mod tests {
    use waymark_types::Timestamp;

    use super::*;

    #[test]
    fn a_text_needs_its_subject_its_salt_and_its_record() {
        let (ann, bob) = (Subject::new("ann", [1; 32]), Subject::new("bob", [2; 32]));
        let record = |n| RecordId::new(Timestamp::from_micros(0), [n; 10]);
        let sealed = ann.encrypt(&record(1), Text::Request, &[3; 32], b"hello").unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"hello"));
        assert_eq!(ann.decrypt(&record(1), Text::Request, &[3; 32], &sealed).unwrap(), b"hello");
        assert!(bob.decrypt(&record(1), Text::Request, &[3; 32], &sealed).is_err());
        assert!(ann.decrypt(&record(2), Text::Request, &[3; 32], &sealed).is_err());
        assert!(ann.decrypt(&record(1), Text::Response, &[3; 32], &sealed).is_err());
        assert!(ann.decrypt(&record(1), Text::Request, &[4; 32], &sealed).is_err());
        let mut changed = sealed;
        changed[0] ^= 1;
        assert!(ann.decrypt(&record(1), Text::Request, &[3; 32], &changed).is_err());
    }

    #[test]
    fn a_name_has_another_id_under_another_key() {
        assert_ne!(Subject::new("ann", [1; 32]).id(), Subject::new("ann", [2; 32]).id());
        assert_eq!(Subject::new("ann", [1; 32]).id().len(), 32);
    }
}
