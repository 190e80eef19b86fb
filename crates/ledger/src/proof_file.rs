//! Proofs to be checked offline, in C2SP's form (c2sp.org/tlog-proof): a leaf's place, its inclusion proof, and the
//! checkpoint with all its signatures. Such a file is named `.tlog-proof`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use thiserror::Error;

use crate::checkpoint::{Checkpoint, decimal, parse_root, root_text};
use crate::cosignature;
use crate::note::{Note, NoteError, Verifier};
use crate::tree::{Hash, leaf_hash, root_from_inclusion};

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// No tree of at most 2^63 leaves has longer proofs.
const MAX_HASHES: usize = 63;

/// A proof that cannot be read, or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError {
    /// The text has the wrong form.
    #[error("malformed proof: {0}")]
    Form(&'static str),
    /// The checkpoint or one of its signatures does not hold.
    #[error("the proof's checkpoint does not hold")]
    Checkpoint(#[from] NoteError),
    /// The leaf is not where the proof says.
    #[error("the leaf is not at index {index} of the {size} leaves that the checkpoint covers")]
    Inclusion {
        /// The place claimed.
        index: u64,
        /// The checkpoint's size.
        size: u64,
    },
}

/// That a leaf is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What an application adds for itself. Nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The leaf's position.
    pub index: u64,
    /// Its inclusion proof, leaf to root.
    pub hashes: Vec<Hash>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

/// What a proof was found to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// What the log signed.
    pub checkpoint: Checkpoint,
    /// The witnesses among those asked about that cosigned it, by name, with the seconds since 1970 at which they did.
    pub cosigned: Vec<(String, u64)>,
}

impl Proof {
    /// Writes the proof's text.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            let _ = writeln!(text, "extra {}", BASE64.encode(extra));
        }
        let _ = writeln!(text, "index {}", self.index);
        for hash in &self.hashes {
            let _ = writeln!(text, "{}", root_text(hash));
        }
        format!("{text}\n{}", self.checkpoint)
    }

    /// Reads a proof's text. Nothing in it is checked but its form.
    pub fn parse(text: &str) -> Result<Self, ProofError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Form("no checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(ProofError::Form("it does not begin with the line of its version"));
        }
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra.and_then(|line| line.strip_prefix("extra ")).map(|extra| BASE64.decode(extra));
        let extra = extra.transpose().map_err(|_| ProofError::Form("extra data is no base64"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or(ProofError::Form("index"))?;
        let hashes = parse_hashes(lines).ok_or(ProofError::Form("hash"))?;
        Note::parse(checkpoint)?;
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks that `leaf` is in the log whose keys are given. Of `witnesses`, each that cosigned must have done so
    /// rightly; how many of them are enough is the caller's to say.
    pub fn verify(
        &self,
        leaf: &[u8],
        log: &[Verifier],
        witnesses: &[cosignature::Verifier],
    ) -> Result<Proven, ProofError> {
        let checkpoint = Checkpoint::open_any(&self.checkpoint, log)?;
        let note = Note::parse(&self.checkpoint)?;
        let mut cosigned = Vec::new();
        for witness in witnesses {
            match witness.check(&note) {
                Ok(cosignature) => cosigned.push((witness.name().to_owned(), cosignature.time)),
                Err(NoteError::Unsigned(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let size = checkpoint.size;
        let root = root_from_inclusion(leaf_hash(leaf), self.index, size, &self.hashes);
        if root != Some(checkpoint.root) {
            return Err(ProofError::Inclusion { index: self.index, size });
        }
        Ok(Proven { checkpoint, cosigned })
    }
}

/// Reads a proof's hashes, one a line; `None` when one is malformed or they are too many.
pub(crate) fn parse_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<Hash>> {
    let hashes = lines.take(MAX_HASHES + 1).map(parse_root).collect::<Option<Vec<_>>>()?;
    (hashes.len() <= MAX_HASHES).then_some(hashes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::note::{self, Signer};
    use crate::tree::node_hash;

    const WITNESS: &str = "witness.example/w1";

    fn signer() -> Signer {
        Signer::new("example.com/log", &[1; 32]).unwrap()
    }

    fn witness(seed: u8) -> cosignature::Signer {
        cosignature::Signer::new(WITNESS, &[seed; 32]).unwrap()
    }

    /// The second of two leaves, witnessed.
    fn proof(extra: Option<&[u8]>) -> Proof {
        let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
        let note = Checkpoint::sign(2, &node_hash(&left, &right), &signer());
        let line = witness(2).sign(Note::parse(&note).unwrap().text(), 1000);
        let checkpoint = note::append(&note, &line).unwrap();
        Proof { extra: extra.map(<[u8]>::to_vec), index: 1, hashes: vec![left], checkpoint }
    }

    #[test]
    fn proofs_read_back() {
        for extra in [None, Some(&b""[..]), Some(b"more")] {
            let proof = proof(extra);
            assert_eq!(Proof::parse(&proof.to_text()).unwrap(), proof);
        }
        let text = proof(Some(b"more")).to_text();
        let hash = root_text(&leaf_hash(b"left"));
        assert!(
            text.starts_with(&format!("{HEADER}\nextra bW9yZQ==\nindex 1\n{hash}\n\nexample.com/log\n2\n"))
        );
    }

    #[test]
    fn what_is_proven_is_said() {
        let (log, witnesses) = ([signer().verifier()], [witness(2).verifier(), witness(3).verifier()]);
        let proven = proof(None).verify(b"right", &log, &witnesses).unwrap();
        assert_eq!((proven.checkpoint.size, proven.cosigned), (2, vec![(WITNESS.to_owned(), 1000)]));
        assert_eq!(proof(None).verify(b"right", &log, &[]).unwrap().cosigned, []);
    }

    #[test]
    fn what_is_not_proven_is_refused() {
        let log = [signer().verifier()];
        let not_there = Err(ProofError::Inclusion { index: 1, size: 2 });
        assert_eq!(proof(None).verify(b"left", &log, &[]), not_there);
        let moved = Proof { index: 0, ..proof(None) };
        assert!(matches!(moved.verify(b"right", &log, &[]), Err(ProofError::Inclusion { .. })));
        let short = Proof { hashes: vec![], ..proof(None) };
        assert_eq!(short.verify(b"right", &log, &[]), not_there);
        let stranger = [Signer::new("example.com/log", &[9; 32]).unwrap().verifier()];
        assert!(matches!(proof(None).verify(b"right", &stranger, &[]), Err(ProofError::Checkpoint(_))));
        let text = proof(None).to_text();
        let (start, line) = text.rsplit_once("w1 ").unwrap();
        let forged = format!("{start}w1 {}AAAA{}", &line[..12], &line[16..]);
        let forged = Proof::parse(&forged).unwrap();
        assert!(forged.verify(b"right", &log, &[]).is_ok());
        let known = [witness(2).verifier()];
        assert_eq!(
            forged.verify(b"right", &log, &known),
            Err(ProofError::Checkpoint(NoteError::Forged(WITNESS.into())))
        );
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let text = proof(None).to_text();
        let (hash, note) = (root_text(&[5; 32]), &proof(None).checkpoint);
        let head = |head: &str| format!("{head}\n\n{note}");
        for (number, wrong) in [
            String::new(),
            text.replace("@v1", "@v2"),
            text.replace("index 1", "index 01"),
            text.replace("index 1", "index"),
            text.replace("index 1", "extra !\nindex 1"),
            text.replace("index 1", "index 1\nextra AAAA"),
            text.replace("index 1", "index 1\nAAAA"),
            text.replace('\n', "\r\n"),
            text.replace("\n\n", "\n"),
            head(&format!("{HEADER}\nindex 1{}", format!("\n{hash}").repeat(64))),
            format!("{HEADER}\nindex 1\n\nnot a note"),
        ]
        .iter()
        .enumerate()
        {
            assert!(Proof::parse(wrong).is_err(), "{number}: {wrong}");
        }
        assert!(Proof::parse(&head(&format!("{HEADER}\nindex 1{}", format!("\n{hash}").repeat(63)))).is_ok());
    }

    proptest! {
        #[test]
        fn no_proof_is_too_strange(text in "(c2sp.org/tlog-proof@v1\n|index |extra |\n|[0-9]|\u{2014} |\\PC){0,40}") {
            if let Ok(proof) = Proof::parse(&text) {
                prop_assert_eq!(proof.to_text(), text);
            }
        }
    }
}
