//! Checkpoints as C2SP specifies them (c2sp.org/tlog-checkpoint): origin, size and root in a signed note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::note::{NoteError, Signer, Verifier};
use crate::tree::Hash;

/// A root as checkpoints write it: base64.
pub fn root_text(root: &Hash) -> String {
    BASE64.encode(root)
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
        let text = verifier.open(note)?;
        let mut lines = text.lines();
        let mut line = |what| lines.next().ok_or(NoteError::Form(what));
        let origin = line("no origin")?.to_owned();
        let size_text = line("no size")?;
        let size: u64 = size_text.parse().map_err(|_| NoteError::Form("size"))?;
        let root = BASE64.decode(line("no root")?).map_err(|_| NoteError::Form("root"))?;
        let root = root.try_into().map_err(|_| NoteError::Form("root"))?;
        if size.to_string() != size_text {
            return Err(NoteError::Form("size with a sign or a leading zero"));
        }
        if origin != verifier.name() {
            return Err(NoteError::Form("origin is not the key's name"));
        }
        Ok(Self { origin, size, root })
    }
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
    fn a_signed_note_that_is_no_checkpoint_is_refused() {
        let signer = Signer::new("log", &[3; 32]).unwrap();
        let root = BASE64.encode([0; 32]);
        for text in [
            "log\n".to_owned(),
            "log\n07\nx\n".to_owned(),
            format!("log\n+7\n{root}\n"),
            format!("other\n7\n{root}\n"),
        ] {
            assert!(Checkpoint::open(&signer.sign(&text), &signer.verifier()).is_err(), "{text:?}");
        }
    }
}
