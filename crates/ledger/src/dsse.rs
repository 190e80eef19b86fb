//! Signed envelopes as DSSE specifies them (github.com/secure-systems-lab/dsse, version 1.0.2).
//!
//! What is signed names its type, `DSSEv1 <length> <type> <length> <payload>`, on one line at its beginning. No note
//! begins so, since a note's first line is the name of a log, which has no space: a signature of the one kind is never
//! one of the other, though the same key makes both.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::note::{NoteError, Signer, Verifier};

/// A payload and who signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The payload, in base64.
    pub payload: String,
    /// What the payload is, a media type.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The signatures.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// The key's id: eight hexadecimal digits, as in the key's own text.
    pub keyid: String,
    /// The Ed25519 signature, in base64.
    pub sig: String,
}

/// An envelope that cannot be read, or that its key did not sign.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Something in it is no base64.
    #[error("malformed envelope: {0} is no base64")]
    Base64(&'static str),
    /// No signature by this key holds.
    #[error(transparent)]
    Signature(#[from] NoteError),
}

impl Envelope {
    /// Signs a payload.
    pub fn sign(payload_type: &str, payload: &[u8], signer: &Signer) -> Self {
        let signature = signer.sign_encoded(&encoded(payload_type, payload));
        let signature =
            EnvelopeSignature { keyid: signer.verifier().id_text(), sig: BASE64.encode(signature) };
        Self {
            payload: BASE64.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![signature],
        }
    }

    /// Checks that `key` signed it and returns the payload. What other keys signed is ignored.
    pub fn open(&self, key: &Verifier) -> Result<Vec<u8>, EnvelopeError> {
        let decode = |what, text: &str| BASE64.decode(text).map_err(|_| EnvelopeError::Base64(what));
        let payload = decode("the payload", &self.payload)?;
        let own = self.signatures.iter().find(|signature| signature.keyid == key.id_text());
        let own = own.ok_or_else(|| NoteError::Unsigned(key.name().to_owned()))?;
        key.check_encoded(&encoded(&self.payload_type, &payload), &decode("the signature", &own.sig)?)?;
        Ok(payload)
    }
}

/// The pre-authentication encoding: what is signed.
fn encoded(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_specifications() {
        // The example of DSSE's protocol.md.
        assert_eq!(
            encoded("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn an_envelope_opens_with_its_key_and_no_other() {
        let [signer, stranger] = [1, 2].map(|seed| Signer::new("log", &[seed; 32]).unwrap());
        let envelope = Envelope::sign("text/plain", b"payload", &signer);
        assert_eq!(envelope.open(&signer.verifier()).unwrap(), b"payload");
        let unsigned = NoteError::Unsigned("log".into());
        assert_eq!(envelope.open(&stranger.verifier()), Err(unsigned.into()));
    }

    #[test]
    fn whatever_is_changed_shows() {
        let signer = Signer::new("log", &[1; 32]).unwrap();
        let envelope = Envelope::sign("text/plain", b"payload", &signer);
        let other = Envelope::sign("text/plain", b"another", &signer);
        let changed = [
            Envelope { payload: other.payload, ..envelope.clone() },
            Envelope { payload_type: "text/html".into(), ..envelope.clone() },
            Envelope { signatures: other.signatures, ..envelope },
        ];
        for envelope in changed {
            assert_eq!(envelope.open(&signer.verifier()), Err(NoteError::Forged("log".into()).into()));
        }
    }

    #[test]
    fn a_note_is_no_envelope() {
        let signer = Signer::new("log", &[1; 32]).unwrap();
        let note = signer.sign("log\n1\nroot\n");
        let (text, line) = note.split_once("\n\n").unwrap();
        let signature = BASE64.decode(line.trim_end().rsplit(' ').next().unwrap()).unwrap();
        let envelope = Envelope {
            payload: BASE64.encode(text),
            payload_type: "text/plain".into(),
            signatures: vec![EnvelopeSignature {
                keyid: signer.verifier().id_text(),
                sig: BASE64.encode(&signature[4..]),
            }],
        };
        assert!(envelope.open(&signer.verifier()).is_err());
    }
}
