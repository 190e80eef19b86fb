//! Signed notes as C2SP specifies them (c2sp.org/signed-note), with Ed25519 keys (type 0x01).
//!
//! A note is text that ends in a newline, an empty line, and signature lines
//! `— <name> base64(key id || signature)`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _};
use sha2::{Digest, Sha256};
use thiserror::Error;
use waymark_types::Secret;

use crate::commitment;

const ED25519: u8 = 0x01;
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// A note or key that cannot be read, or a signature that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// The key's text has the wrong form.
    #[error("malformed {0} key")]
    Key(&'static str),
    /// The key's name has a character that a note's key name may not have.
    #[error("key name {0:?} is empty, or has a space or a plus sign")]
    Name(String),
    /// The note's text has the wrong form.
    #[error("malformed note: {0}")]
    Form(&'static str),
    /// No signature by the expected key.
    #[error("the note carries no signature by {0}")]
    Unsigned(String),
    /// A signature by the expected key that does not verify.
    #[error("the signature by {0} does not verify")]
    Forged(String),
}

/// A named key that signs notes. It cannot be printed.
pub struct Signer {
    name: String,
    key: ed25519_dalek::SigningKey,
}

impl Signer {
    /// Makes a key from 32 random bytes.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        check_name(name)?;
        Ok(Self { name: name.to_owned(), key: ed25519_dalek::SigningKey::from_bytes(seed) })
    }

    /// Reads the form that [`Signer::to_text`] writes.
    pub fn from_text(text: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Key("signing");
        let rest = text.trim_end().strip_prefix("PRIVATE+KEY+").ok_or_else(malformed)?;
        let (name, id, data) = split_key(rest).ok_or_else(malformed)?;
        let seed: [u8; 32] = data.try_into().map_err(|_| malformed())?;
        let signer = Self::new(&name, &seed)?;
        if signer.verifier().id() == id { Ok(signer) } else { Err(malformed()) }
    }

    /// The secret text form, `PRIVATE+KEY+<name>+<key id>+<base64>`, as Go's note package writes it.
    pub fn to_text(&self) -> Secret {
        Secret::new(join_key(
            &format!("PRIVATE+KEY+{}", self.name),
            self.verifier().id(),
            self.key.as_bytes(),
        ))
    }

    /// The key that checks this one's signatures.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// A secret for a purpose of its own, which says nothing of this key: HMAC-SHA-256 of the purpose under it.
    pub fn subkey(&self, purpose: &str) -> [u8; 32] {
        commitment::mac(self.key.as_bytes(), purpose.as_bytes())
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Signs `text`, which must end in a newline, and returns the whole note.
    pub fn sign(&self, text: &str) -> String {
        let mut signature = self.verifier().id().to_be_bytes().to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n{SIGNATURE_PREFIX}{} {}\n", self.name, BASE64.encode(signature))
    }

    /// Signs an envelope's encoding, which no note's text is ever equal to.
    pub(crate) fn sign_encoded(&self, encoded: &[u8]) -> [u8; 64] {
        self.key.sign(encoded).to_bytes()
    }
}

/// A named key that checks notes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

impl Verifier {
    /// Reads a verifier key, `<name>+<key id>+<base64>`.
    pub fn from_text(text: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Key("verifier");
        let (name, id, data) = split_key(text.trim_end()).ok_or_else(malformed)?;
        check_name(&name)?;
        let bytes: [u8; 32] = data.try_into().map_err(|_| malformed())?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| malformed())?;
        let verifier = Self { name, key };
        if verifier.id() == id { Ok(verifier) } else { Err(malformed()) }
    }

    /// The text form, `<name>+<key id>+<base64>`.
    pub fn to_text(&self) -> String {
        join_key(&self.name, self.id(), self.key.as_bytes())
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of SHA-256(name, newline, type, key).
    fn id(&self) -> u32 {
        let digest = Sha256::new_with_prefix(self.name.as_bytes())
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
    }

    /// The key's id as its text has it: eight hexadecimal digits.
    pub fn id_text(&self) -> String {
        format!("{:08x}", self.id())
    }

    /// Checks this key's signature on an envelope's encoding.
    pub(crate) fn check_encoded(&self, encoded: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        let forged = || NoteError::Forged(self.name.clone());
        let signature = Signature::from_slice(signature).map_err(|_| forged())?;
        self.key.verify_strict(encoded, &signature).map_err(|_| forged())
    }

    /// Checks this key's signature on `note` and returns the signed text. Unknown keys' lines are ignored.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = split_note(note)?;
        let mut found = false;
        for line in signatures.lines() {
            let (name, value) = split_signature(line)?;
            let (id, signature) = value.split_first_chunk::<4>().ok_or(NoteError::Form("short signature"))?;
            if name != self.name || u32::from_be_bytes(*id) != self.id() {
                continue;
            }
            let forged = || NoteError::Forged(self.name.clone());
            let signature = Signature::from_slice(signature).map_err(|_| forged())?;
            self.key.verify_strict(text.as_bytes(), &signature).map_err(|_| forged())?;
            found = true;
        }
        if found { Ok(text) } else { Err(NoteError::Unsigned(self.name.clone())) }
    }
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
    if bad { Err(NoteError::Name(name.to_owned())) } else { Ok(()) }
}

fn split_note(note: &str) -> Result<(&str, &str), NoteError> {
    if note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(NoteError::Form("control character"));
    }
    let at = note.rfind("\n\n").ok_or(NoteError::Form("no signature block"))?;
    let (text, signatures) = (&note[..=at], &note[at + 2..]);
    if signatures.is_empty() || !signatures.ends_with('\n') {
        return Err(NoteError::Form("the signature block does not end in a newline"));
    }
    Ok((text, signatures))
}

fn split_signature(line: &str) -> Result<(&str, Vec<u8>), NoteError> {
    let line = line.strip_prefix(SIGNATURE_PREFIX).ok_or(NoteError::Form("signature line"))?;
    let (name, value) = line.split_once(' ').ok_or(NoteError::Form("signature line"))?;
    let value = BASE64.decode(value).map_err(|_| NoteError::Form("signature is no base64"))?;
    Ok((name, value))
}

/// Splits `<name>+<key id>+<base64>`; the data comes without its type byte.
fn split_key(text: &str) -> Option<(String, u32, Vec<u8>)> {
    let (name, rest) = text.split_once('+')?;
    let (id, data) = rest.split_once('+')?;
    let data = BASE64.decode(data).ok()?;
    let (&kind, data) = data.split_first()?;
    if kind != ED25519 || id.len() != 8 {
        return None;
    }
    Some((name.to_owned(), u32::from_str_radix(id, 16).ok()?, data.to_vec()))
}

fn join_key(name: &str, id: u32, data: &[u8; 32]) -> String {
    let mut typed = vec![ED25519];
    typed.extend_from_slice(data);
    format!("{name}+{id:08x}+{}", BASE64.encode(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_note_verifies() {
        // The example of Go's golang.org/x/mod/sumdb/note documentation.
        let verifier =
            Verifier::from_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
                .unwrap();
        let note = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n\
                    \n\
                    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert!(verifier.open(note).unwrap().starts_with("If you think"));
        assert_eq!(
            verifier.open(&note.replace("answer", "problem")),
            Err(NoteError::Forged("PeterNeumann".into()))
        );
    }

    #[test]
    fn keys_read_back_and_sign() {
        let signer = Signer::new("example/log", &[9; 32]).unwrap();
        let again = Signer::from_text(signer.to_text().expose()).unwrap();
        let note = again.sign("text\n");
        let verifier = Verifier::from_text(&signer.verifier().to_text()).unwrap();
        assert_eq!(verifier.open(&note).unwrap(), "text\n");
        let stranger = Signer::new("example/log", &[8; 32]).unwrap().verifier();
        assert_eq!(stranger.open(&note), Err(NoteError::Unsigned("example/log".into())));
    }

    #[test]
    fn a_subkey_depends_on_key_and_purpose() {
        let signer = |seed| Signer::new("log", &[seed; 32]).unwrap();
        assert_eq!(signer(1).subkey("a"), signer(1).subkey("a"));
        assert_ne!(signer(1).subkey("a"), signer(1).subkey("b"));
        assert_ne!(signer(1).subkey("a"), signer(2).subkey("a"));
    }

    #[test]
    fn every_changed_byte_of_a_note_is_noticed() {
        let signer = Signer::new("log", &[1; 32]).unwrap();
        let note = signer.sign("log\n1\nroot\n");
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(signer.verifier().open(&changed).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn names_that_would_break_the_form_are_refused() {
        for name in ["", "a b", "a+b", "a\nb"] {
            assert!(Signer::new(name, &[0; 32]).is_err(), "{name:?}");
        }
    }
}
