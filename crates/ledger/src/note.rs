//! Signed notes as C2SP specifies them (c2sp.org/signed-note), with Ed25519 keys (type 0x01).
//!
//! A note is text that ends in a newline, an empty line, and signature lines
//! `— <name> base64(key id || signature)`. Cosignatures of witnesses, which stand on the same lines, have a key type of
//! their own: [`cosignature`](crate::cosignature).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _};
use sha2::{Digest, Sha256};
use thiserror::Error;
use waymark_types::Secret;

use crate::commitment;

/// The signature lines that are read of a note. The specification asks for 16 at least.
pub const MAX_SIGNATURES: usize = 100;

const ED25519: u8 = 0x01;
pub(crate) const SIGNATURE_PREFIX: &str = "\u{2014} ";
const PRIVATE: &str = "PRIVATE+KEY+";

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
        let key = KeyText::secret(text, ED25519)?;
        let signer = Self::new(key.name, &key.bytes)?;
        if signer.verifier().id() == key.id { Ok(signer) } else { Err(NoteError::Key("signing")) }
    }

    /// The secret text form, `PRIVATE+KEY+<name>+<key id>+<base64>`, as Go's note package writes it.
    pub fn to_text(&self) -> Secret {
        KeyText { name: &self.name, id: self.verifier().id(), bytes: self.key.to_bytes() }.to_secret(ED25519)
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
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        format!("{text}\n{}", signature_line(&self.name, self.verifier().id(), &signature))
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
        let key = KeyText::public(text, ED25519)?;
        let verifier = Self { name: key.name.to_owned(), key: key.verifying_key()? };
        if verifier.id() == key.id { Ok(verifier) } else { Err(NoteError::Key("verifier")) }
    }

    /// The text form, `<name>+<key id>+<base64>`.
    pub fn to_text(&self) -> String {
        KeyText { name: &self.name, id: self.id(), bytes: self.key.to_bytes() }.to_text(ED25519)
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> u32 {
        key_id(&self.name, ED25519, self.key.as_bytes())
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
        let note = Note::parse(note)?;
        self.check(&note)?;
        Ok(note.text())
    }

    /// Checks this key's signatures on a note: there is one, and none that does not verify.
    pub fn check(&self, note: &Note<'_>) -> Result<(), NoteError> {
        let mut found = Err(NoteError::Unsigned(self.name.clone()));
        for (_, signature) in note.signatures(&self.name, self.id()) {
            let forged = |_| NoteError::Forged(self.name.clone());
            let signature = Signature::from_slice(signature).map_err(forged)?;
            found = Ok(self.key.verify_strict(note.text().as_bytes(), &signature).map_err(forged)?);
        }
        found
    }
}

/// Checks the signatures of all `known` keys on `note` and returns the signed text: at least one of them signed, and
/// none of their signatures is bad. Unknown keys' lines are ignored.
pub fn open<'a>(note: &'a str, known: &[Verifier]) -> Result<&'a str, NoteError> {
    let note = Note::parse(note)?;
    let mut signed = false;
    for key in known {
        match key.check(&note) {
            Ok(()) => signed = true,
            Err(NoteError::Unsigned(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let names = || known.iter().map(Verifier::name).collect::<Vec<_>>().join(", ");
    if signed { Ok(note.text()) } else { Err(NoteError::Unsigned(names())) }
}

/// Adds a signature line, newline included, to a note. The note is read, so that a line cannot be anything else.
pub fn append(note: &str, line: &str) -> Result<String, NoteError> {
    let longer = format!("{note}{line}");
    let signatures = |note| Note::parse(note).map(|note| (note.text, note.signatures.len()));
    let ((before, count), (after, longer_count)) = (signatures(note)?, signatures(&longer)?);
    let is_one = before == after && longer_count == count + 1;
    if is_one { Ok(longer) } else { Err(NoteError::Form("signature line")) }
}

/// A note taken apart, its signatures not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    signatures: Vec<SignatureLine<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SignatureLine<'a> {
    line: &'a str,
    name: &'a str,
    id: u32,
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(NoteError::Form("control character"));
        }
        let at = note.rfind("\n\n").ok_or(NoteError::Form("no signature block"))?;
        let (text, block) = (&note[..=at], &note[at + 2..]);
        let block = block.strip_suffix('\n').ok_or(NoteError::Form("no newline after the signatures"))?;
        if block.split('\n').count() > MAX_SIGNATURES {
            return Err(NoteError::Form("too many signatures"));
        }
        let signatures = block.split('\n').map(SignatureLine::parse).collect::<Result<_, _>>()?;
        Ok(Self { text, signatures })
    }

    /// The text that is signed, its last newline included.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The note with nothing but the first signature line of each of these keys. None is checked.
    pub fn signed_by(&self, keys: &[Verifier]) -> String {
        let lines = keys.iter().filter_map(|key| self.signatures(&key.name, key.id()).next());
        lines.fold(format!("{}\n", self.text), |note, (line, _)| note + line + "\n")
    }

    /// What a key signed, if its word is to be taken: each line without its newline, and its signature.
    pub(crate) fn signatures(&self, name: &str, id: u32) -> impl Iterator<Item = (&'a str, &[u8])> {
        let by_key = self.signatures.iter().filter(move |line| line.name == name && line.id == id);
        by_key.map(|line| (line.line, line.signature.as_slice()))
    }
}

impl<'a> SignatureLine<'a> {
    fn parse(line: &'a str) -> Result<Self, NoteError> {
        let malformed = || NoteError::Form("signature line");
        let (name, value) = line
            .strip_prefix(SIGNATURE_PREFIX)
            .and_then(|rest| rest.split_once(' '))
            .ok_or_else(malformed)?;
        check_name(name).map_err(|_| malformed())?;
        let value = BASE64.decode(value).map_err(|_| NoteError::Form("signature is no base64"))?;
        match value.split_first_chunk() {
            Some((id, signature)) if !signature.is_empty() => {
                Ok(Self { line, name, id: u32::from_be_bytes(*id), signature: signature.to_vec() })
            }
            _ => Err(NoteError::Form("short signature")),
        }
    }
}

/// A signature line, newline included.
pub(crate) fn signature_line(name: &str, id: u32, signature: &[u8]) -> String {
    let value = BASE64.encode([&id.to_be_bytes(), signature].concat());
    format!("{SIGNATURE_PREFIX}{name} {value}\n")
}

/// The first four bytes of SHA-256(name, newline, type, key).
pub(crate) fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> u32 {
    let digest =
        Sha256::new_with_prefix(name.as_bytes()).chain_update([b'\n', kind]).chain_update(key).finalize();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

pub(crate) fn check_name(name: &str) -> Result<(), NoteError> {
    let bad = name.is_empty() || name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+');
    if bad { Err(NoteError::Name(name.to_owned())) } else { Ok(()) }
}

/// A key as text, `<name>+<key id>+<base64 of type and key>`.
pub(crate) struct KeyText<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: u32,
    pub(crate) bytes: [u8; 32],
}

impl<'a> KeyText<'a> {
    /// Reads a verifier key of the type given. Whether the id is right is the caller's to check.
    pub(crate) fn public(text: &'a str, kind: u8) -> Result<Self, NoteError> {
        let key = Self::parse(text.trim_end(), kind).ok_or(NoteError::Key("verifier"))?;
        check_name(key.name).map(|()| key)
    }

    /// Reads a signing key of the type given.
    pub(crate) fn secret(text: &'a str, kind: u8) -> Result<Self, NoteError> {
        let rest = text.trim_end().strip_prefix(PRIVATE);
        rest.and_then(|rest| Self::parse(rest, kind)).ok_or(NoteError::Key("signing"))
    }

    fn parse(text: &'a str, kind: u8) -> Option<Self> {
        let (name, rest) = text.split_once('+')?;
        let (id, data) = rest.split_once('+')?;
        let is_id = id.len() == 8 && id.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let data = BASE64.decode(data).ok()?;
        let (&found, data) = data.split_first()?;
        if !is_id || found != kind {
            return None;
        }
        Some(Self { name, id: u32::from_str_radix(id, 16).ok()?, bytes: data.try_into().ok()? })
    }

    pub(crate) fn verifying_key(&self) -> Result<ed25519_dalek::VerifyingKey, NoteError> {
        ed25519_dalek::VerifyingKey::from_bytes(&self.bytes).map_err(|_| NoteError::Key("verifier"))
    }

    pub(crate) fn to_text(&self, kind: u8) -> String {
        let data = BASE64.encode([&[kind], &self.bytes[..]].concat());
        format!("{}+{:08x}+{data}", self.name, self.id)
    }

    pub(crate) fn to_secret(&self, kind: u8) -> Secret {
        Secret::new(format!("{PRIVATE}{}", self.to_text(kind)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    fn many_may_sign_one_note() {
        let signer = |seed: u8| Signer::new(&format!("key{seed}"), &[seed; 32]).unwrap();
        let line = |seed| signer(seed).sign("text\n").split_once("\n\n").unwrap().1.to_owned();
        let note = (2..=16).fold(signer(1).sign("text\n"), |note, seed| append(&note, &line(seed)).unwrap());
        for seed in 1..=16 {
            assert_eq!(signer(seed).verifier().open(&note).unwrap(), "text\n");
        }
        let known = |seeds: &[u8]| seeds.iter().map(|seed| signer(*seed).verifier()).collect::<Vec<_>>();
        assert_eq!(open(&note, &known(&[99, 3])).unwrap(), "text\n");
        assert_eq!(open(&note, &known(&[99, 98])), Err(NoteError::Unsigned("key99, key98".into())));
        assert_eq!(
            Note::parse(&note).unwrap().signed_by(&known(&[16, 99, 2])),
            format!("text\n\n{}{}", line(16), line(2))
        );
        // A bad signature by a key that is not known is no matter; by one that is, it spoils the note.
        let bad = signer(17).sign("other\n").split_once("\n\n").unwrap().1.to_owned();
        let note = append(&note, &bad).unwrap();
        assert!(open(&note, &known(&[3])).is_ok());
        assert_eq!(open(&note, &known(&[3, 17])), Err(NoteError::Forged("key17".into())));
    }

    #[test]
    fn what_is_no_signature_line_is_not_appended() {
        let note = Signer::new("log", &[1; 32]).unwrap().sign("text\n");
        let line = note.split_once("\n\n").unwrap().1;
        assert!(append(&note, line).is_ok());
        let two = format!("{line}{line}");
        for line in
            ["", "\n", &line[4..], line.trim_end(), &format!("\n{line}"), &two, "\u{2014} a+b AAAAAAA=\n"]
        {
            assert!(append(&note, line).is_err(), "{line:?}");
        }
        let many = line.repeat(MAX_SIGNATURES - 1);
        assert!(Note::parse(&format!("{note}{many}")).is_ok());
        assert!(Note::parse(&format!("{note}{many}{line}")).is_err());
    }

    proptest! {
        #[test]
        fn no_note_is_too_strange_to_be_refused(text in "(\u{2014} |[a-z+\n =A-Z]|\\PC){0,60}") {
            let _ = Note::parse(&text);
            let _ = Verifier::from_text(&text);
            let _ = Signer::from_text(&text);
        }
    }

    #[test]
    fn names_that_would_break_the_form_are_refused() {
        for name in ["", "a b", "a+b", "a\nb"] {
            assert!(Signer::new(name, &[0; 32]).is_err(), "{name:?}");
        }
    }
}
