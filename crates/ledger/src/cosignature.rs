//! Timestamped Ed25519 cosignatures (c2sp.org/tlog-cosignature, key type 0x04): a witness's word that, at a time, a
//! checkpoint was the newest it had seen of a log and consistent with all it had seen before.

use ed25519_dalek::{Signature, Signer as _};
use waymark_types::Secret;

use crate::note::{KeyText, Note, NoteError, check_name, key_id, signature_line};

const COSIGNATURE: u8 = 0x04;
/// The latest time that a cosignature may state, in seconds since 1970.
const LATEST: u64 = i64::MAX as u64;

/// A named key that cosigns checkpoints. It cannot be printed.
///
/// What it signs does not say its name, so that a key belongs to one witness and to no log.
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
        let key = KeyText::secret(text, COSIGNATURE)?;
        let signer = Self::new(key.name, &key.bytes)?;
        if signer.verifier().id() == key.id { Ok(signer) } else { Err(NoteError::Key("signing")) }
    }

    /// The secret text form: a note key's, with this key's type.
    pub fn to_text(&self) -> Secret {
        let id = self.verifier().id();
        KeyText { name: &self.name, id, bytes: self.key.to_bytes() }.to_secret(COSIGNATURE)
    }

    /// The key that checks this one's cosignatures.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Cosigns a checkpoint's text at a time in seconds since 1970. Returns the signature line, newline included.
    pub fn sign(&self, text: &str, time: u64) -> String {
        let time = time.min(LATEST);
        let signature = self.key.sign(message(text, time).as_bytes()).to_bytes();
        let timed = [&time.to_be_bytes()[..], &signature].concat();
        signature_line(&self.name, self.verifier().id(), &timed)
    }
}

/// A named key that checks cosignatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

/// A cosignature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Its line, newline included.
    pub line: String,
    /// When it was given, in seconds since 1970.
    pub time: u64,
}

impl Verifier {
    /// Reads a verifier key, `<name>+<key id>+<base64>`, of type 0x04.
    pub fn from_text(text: &str) -> Result<Self, NoteError> {
        let key = KeyText::public(text, COSIGNATURE)?;
        let verifier = Self { name: key.name.to_owned(), key: key.verifying_key()? };
        if verifier.id() == key.id { Ok(verifier) } else { Err(NoteError::Key("verifier")) }
    }

    /// The text form, `<name>+<key id>+<base64>`.
    pub fn to_text(&self) -> String {
        KeyText { name: &self.name, id: self.id(), bytes: self.key.to_bytes() }.to_text(COSIGNATURE)
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> u32 {
        key_id(&self.name, COSIGNATURE, self.key.as_bytes())
    }

    /// The newest of this key's cosignatures on a note: there is one, and none that does not verify.
    pub fn check(&self, note: &Note<'_>) -> Result<Cosignature, NoteError> {
        let mut newest = None;
        for (line, value) in note.signatures(&self.name, self.id()) {
            let forged = || NoteError::Forged(self.name.clone());
            let time = self.verify(note.text(), value).ok_or_else(forged)?;
            if newest.as_ref().is_none_or(|newest: &Cosignature| newest.time < time) {
                newest = Some(Cosignature { line: format!("{line}\n"), time });
            }
        }
        newest.ok_or_else(|| NoteError::Unsigned(self.name.clone()))
    }

    /// The time that a signature states and covers.
    fn verify(&self, text: &str, value: &[u8]) -> Option<u64> {
        let (time, signature) = value.split_first_chunk()?;
        let time = u64::from_be_bytes(*time);
        let signature = Signature::from_slice(signature).ok()?;
        self.key.verify_strict(message(text, time).as_bytes(), &signature).ok()?;
        (time <= LATEST).then_some(time)
    }
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note;

    const TEXT: &str = "log\n1\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n";

    fn signer() -> Signer {
        Signer::new("witness.example/w1", &[4; 32]).unwrap()
    }

    /// The log's note with these lines below it.
    fn note_with(lines: &[String]) -> String {
        let note = note::Signer::new("log", &[1; 32]).unwrap().sign(TEXT);
        lines.iter().fold(note, |note, line| note::append(&note, line).unwrap())
    }

    #[test]
    fn keys_read_back_and_cosign() {
        let again = Signer::from_text(signer().to_text().expose()).unwrap();
        let verifier = Verifier::from_text(&signer().verifier().to_text()).unwrap();
        let line = again.sign(TEXT, 1_679_315_147);
        let note = note_with(std::slice::from_ref(&line));
        let found = verifier.check(&Note::parse(&note).unwrap()).unwrap();
        assert_eq!(found, Cosignature { line, time: 1_679_315_147 });
    }

    #[test]
    fn a_key_is_of_one_type() {
        let text = signer().verifier().to_text();
        assert_eq!(note::Verifier::from_text(&text), Err(NoteError::Key("verifier")));
        let log = note::Signer::new("log", &[4; 32]).unwrap();
        assert_eq!(Verifier::from_text(&log.verifier().to_text()), Err(NoteError::Key("verifier")));
        assert!(Signer::from_text(log.to_text().expose()).is_err());
    }

    #[test]
    fn the_newest_counts_and_a_bad_one_spoils_all() {
        let (old, new) = (signer().sign(TEXT, 7), signer().sign(TEXT, 9));
        let note = note_with(&[new.clone(), old.clone()]);
        let verifier = signer().verifier();
        assert_eq!(verifier.check(&Note::parse(&note).unwrap()).unwrap().line, new);
        let too_late = LATEST + 1;
        let signature = signer().key.sign(message(TEXT, too_late).as_bytes()).to_bytes();
        let timed = [&too_late.to_be_bytes()[..], &signature].concat();
        let too_late = signature_line("witness.example/w1", verifier.id(), &timed);
        for wrong in [signer().sign("another\n2\ntext\n", 9), too_late] {
            let note = note_with(&[old.clone(), wrong]);
            let checked = verifier.check(&Note::parse(&note).unwrap());
            assert_eq!(checked, Err(NoteError::Forged("witness.example/w1".into())));
        }
        let note = note_with(&[]);
        assert!(matches!(verifier.check(&Note::parse(&note).unwrap()), Err(NoteError::Unsigned(_))));
    }

    #[test]
    fn the_time_is_signed() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let line = signer().sign(TEXT, 5);
        let (start, value) = line.trim_end().rsplit_once(' ').unwrap();
        let mut bytes = STANDARD.decode(value).unwrap();
        bytes[4 + 7] = 6;
        let note = note_with(&[format!("{start} {}\n", STANDARD.encode(bytes))]);
        assert!(matches!(signer().verifier().check(&Note::parse(&note).unwrap()), Err(NoteError::Forged(_))));
    }
}
