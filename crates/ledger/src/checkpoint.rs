//! Checkpoints as C2SP specifies them (c2sp.org/tlog-checkpoint): origin, size and root in a signed note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::note::{self, NoteError, Signer, Verifier};
use crate::tree::Hash;

/// A root as checkpoints write it: base64.
pub fn root_text(root: &Hash) -> String {
    BASE64.encode(root)
}

/// Reads a hash as checkpoints and proofs write it.
pub(crate) fn parse_root(text: &str) -> Option<Hash> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// What a checkpoint states: the tree's root at one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which is its key's name too.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

impl Checkpoint {
    /// Signs the state of `signer`'s log as a note.
    pub fn sign(size: u64, root: &Hash, signer: &Signer) -> String {
        signer.sign(&format!("{}\n{size}\n{}\n", signer.name(), root_text(root)))
    }

    /// Checks the note's signature and origin and reads its statement.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, NoteError> {
        Self::of(verifier.open(note)?, verifier.name())
    }

    /// The same where each of several keys may have signed, as they may while a log changes its key: one of them did,
    /// and none of their signatures is bad. All go by the log's name.
    pub fn open_any(note: &str, known: &[Verifier]) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(note::open(note, known)?)?;
        let is_named = known.iter().all(|key| key.name() == checkpoint.origin);
        if is_named { Ok(checkpoint) } else { Err(OTHER_ORIGIN) }
    }

    fn of(text: &str, origin: &str) -> Result<Self, NoteError> {
        let checkpoint = Self::parse(text)?;
        if checkpoint.origin == origin { Ok(checkpoint) } else { Err(OTHER_ORIGIN) }
    }

    /// Reads the statement of a note's text, whoever may have signed it. Lines below the root are left to those who
    /// know them.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let text = text.strip_suffix('\n').ok_or(NoteError::Form("the text does not end in a newline"))?;
        let mut lines = text.split('\n');
        let mut line = |what| lines.next().filter(|line| !line.is_empty()).ok_or(NoteError::Form(what));
        let (origin, size, root) = (line("no origin")?, line("no size")?, line("no root")?);
        if lines.any(str::is_empty) {
            return Err(NoteError::Form("an empty line"));
        }
        let size = decimal(size).ok_or(NoteError::Form("size"))?;
        let root = parse_root(root).ok_or(NoteError::Form("root"))?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

const OTHER_ORIGIN: NoteError = NoteError::Form("origin is not the key's name");

/// A number as the formats write it: decimal digits, no sign and no leading zero.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back() {
        let signer = Signer::new("waymark/test", &[3; 32]).unwrap();
        let note = Checkpoint::sign(42, &[5; 32], &signer);
        let opened = Checkpoint::open(&note, &signer.verifier()).unwrap();
        assert_eq!(opened, Checkpoint { origin: "waymark/test".into(), size: 42, root: [5; 32] });
        assert!(note.starts_with("waymark/test\n42\nBQUF"));
    }

    #[test]
    fn a_log_may_have_several_keys_and_lines_of_its_own() {
        let root = BASE64.encode([0; 32]);
        let signer = |seed| Signer::new("log", &[seed; 32]).unwrap();
        let known = [signer(3).verifier(), signer(4).verifier()];
        let note = signer(4).sign(&format!("log\n0\n{root}\nmore\n"));
        assert_eq!(Checkpoint::open_any(&note, &known).unwrap().size, 0);
        assert!(Checkpoint::open_any(&note, &known[..1]).is_err());
        let other = Signer::new("other", &[5; 32]).unwrap();
        assert!(
            Checkpoint::open_any(&other.sign(&format!("log\n0\n{root}\n")), &[other.verifier()]).is_err()
        );
    }

    #[test]
    fn a_signed_note_that_is_no_checkpoint_is_refused() {
        let signer = Signer::new("log", &[3; 32]).unwrap();
        let root = BASE64.encode([0; 32]);
        for text in [
            "log\n".to_owned(),
            "log\n07\nx\n".to_owned(),
            format!("log\n07\n{root}\n"),
            format!("\n7\n{root}\n"),
            format!("log\n7\n{root}\n\nmore\n"),
            format!("log\n18446744073709551616\n{root}\n"),
            "log\n7\nAAAA\n".to_owned(),
            format!("log\n+7\n{root}\n"),
            format!("other\n7\n{root}\n"),
        ] {
            assert!(Checkpoint::open(&signer.sign(&text), &signer.verifier()).is_err(), "{text:?}");
        }
    }
}
