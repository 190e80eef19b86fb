//! The witness protocol (c2sp.org/tlog-witness): what a log asks of a witness, and what the witness may answer.
//!
//! A witness remembers the newest checkpoint it cosigned of each log, and cosigns only what adds to that. Whoever shows
//! a log's users different histories then needs the witness's help, which it does not give.

use std::fmt::Write as _;

use thiserror::Error;

use crate::checkpoint::{Checkpoint, decimal, root_text};
use crate::cosignature::{self, Cosignature};
use crate::note::{self, Note, NoteError, Verifier};
use crate::proof_file::parse_hashes;
use crate::tree::{Hash, empty_root, is_consistent};

/// Where a witness takes requests, below its prefix.
pub const ADD_CHECKPOINT: &str = "add-checkpoint";
/// The media type of an answer that tells the size last cosigned.
pub const SIZE_TYPE: &str = "text/x.tlog.size";
/// The largest request that need be read, in bytes: its proof, and a note with 16 of the largest signatures.
pub const LARGEST_REQUEST: usize = 128 << 10;

/// A checkpoint to be cosigned, and the proof that it adds to the one cosigned last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The size that was cosigned last, or 0.
    pub old: u64,
    /// The consistency proof from that size.
    pub proof: Vec<Hash>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

/// What a witness remembers of a log: what it cosigned last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latest {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

/// Why a checkpoint is not cosigned.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The request has the wrong form.
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    /// Nobody told the witness of this log.
    #[error("the log {0:?} is not known here")]
    UnknownLog(String),
    /// The log did not sign it.
    #[error("the checkpoint is not signed by its log")]
    Unsigned(#[source] NoteError),
    /// It is signed, and yet no checkpoint.
    #[error("what is signed is no checkpoint")]
    NoCheckpoint(#[source] NoteError),
    /// The old size is beyond the new one.
    #[error("the old size is larger than the checkpoint's")]
    Shrunk,
    /// The old size is not what was cosigned last.
    #[error("the size last cosigned is {0}")]
    Stale(u64),
    /// The checkpoint does not add to what was cosigned last.
    #[error("the checkpoint is not proven to add to the {old} leaves cosigned last")]
    Inconsistent {
        /// The size cosigned last.
        old: u64,
    },
}

impl Request {
    /// Writes the request's body.
    pub fn to_text(&self) -> String {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            let _ = writeln!(text, "{}", root_text(hash));
        }
        format!("{text}\n{}", self.checkpoint)
    }

    /// Reads a request's body. Nothing in it is checked but its form.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(Refusal::Malformed("no empty line before a checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old = old.ok_or(Refusal::Malformed("the line of the old size"))?;
        let proof = parse_hashes(lines).ok_or(Refusal::Malformed("the consistency proof"))?;
        Note::parse(checkpoint).map_err(|_| Refusal::Malformed("the checkpoint is no signed note"))?;
        Ok(Self { old, proof, checkpoint: checkpoint.to_owned() })
    }

    /// The log that the checkpoint claims to be of.
    pub fn origin(&self) -> &str {
        self.checkpoint.split('\n').next().unwrap_or_default()
    }

    /// Decides, given the keys that the witness trusts for [`Request::origin`], none when it does not know that log, and
    /// what it cosigned of it last, if anything. An accepted checkpoint must be what is remembered before the
    /// cosignature leaves, with no other decision on the same log in between.
    pub fn judge(&self, known: &[Verifier], latest: Option<&Latest>) -> Result<Checkpoint, Refusal> {
        if known.is_empty() || known.iter().any(|key| key.name() != self.origin()) {
            return Err(Refusal::UnknownLog(self.origin().to_owned()));
        }
        let text = note::open(&self.checkpoint, known).map_err(Refusal::Unsigned)?;
        let checkpoint = Checkpoint::parse(text).map_err(Refusal::NoCheckpoint)?;
        if self.old > checkpoint.size {
            return Err(Refusal::Shrunk);
        }
        let Latest { size: old, root } = latest.copied().unwrap_or(Latest { size: 0, root: empty_root() });
        if self.old != old {
            return Err(Refusal::Stale(old));
        }
        let is_empty_right = checkpoint.size > 0 || checkpoint.root == empty_root();
        let adds = is_consistent(old, &root, checkpoint.size, &checkpoint.root, &self.proof);
        if is_empty_right && adds { Ok(checkpoint) } else { Err(Refusal::Inconsistent { old }) }
    }
}

impl Refusal {
    /// The HTTP status that the protocol has for it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::NoCheckpoint(_) | Self::Shrunk => 400,
            Self::Unsigned(_) => 403,
            Self::UnknownLog(_) => 404,
            Self::Stale(_) => 409,
            Self::Inconsistent { .. } => 422,
        }
    }
}

/// The size that a refusal as stale tells.
pub fn parse_size(answer: &str) -> Option<u64> {
    decimal(answer.strip_suffix('\n').unwrap_or(answer))
}

/// What a witness gave for a checkpoint: the cosignature by the key it is known by, checked. Lines by other keys are
/// ignored.
pub fn parse_cosignature(
    checkpoint: &str,
    answer: &str,
    key: &cosignature::Verifier,
) -> Result<Cosignature, NoteError> {
    // Only what is in the answer counts, not what the checkpoint may carry already.
    let cosigned = format!("{}\n{answer}", Note::parse(checkpoint)?.text());
    let cosignature = key.check(&Note::parse(&cosigned)?)?;
    if cosignature.time == 0 { Err(NoteError::Form("a cosignature without a time")) } else { Ok(cosignature) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::note::Signer;
    use crate::tree::{Frontier, consistency_steps, leaf_hash, prove};

    /// A log of ten leaves, or one that went another way after five.
    struct Grown {
        nodes: HashMap<crate::tree::Coordinate, Hash>,
        roots: Vec<Hash>,
    }

    impl Grown {
        fn new(forked: bool) -> Self {
            let (mut frontier, mut nodes) = (Frontier::default(), HashMap::new());
            let mut roots = vec![frontier.root()];
            for index in 0..10_u8 {
                let leaf = leaf_hash(&[index, u8::from(forked && index >= 5)]);
                frontier.append(leaf, |node| {
                    nodes.insert(node.at, node.hash);
                });
                roots.push(frontier.root());
            }
            Self { nodes, roots }
        }

        fn latest(&self, size: u64) -> Latest {
            Latest { size, root: self.roots[size as usize] }
        }

        fn request(&self, old: u64, new: u64) -> Request {
            let proof =
                prove(&consistency_steps(old, new), |at| self.nodes.get(&at).copied().ok_or(at)).unwrap();
            let checkpoint = Checkpoint::sign(new, &self.roots[new as usize], &signer());
            Request { old, proof, checkpoint }
        }
    }

    fn signer() -> Signer {
        Signer::new("log", &[3; 32]).unwrap()
    }

    fn judge(request: &Request, latest: Option<Latest>) -> Result<u64, Refusal> {
        request.judge(&[signer().verifier()], latest.as_ref()).map(|checkpoint| checkpoint.size)
    }

    #[test]
    fn requests_read_back() {
        let request = Grown::new(false).request(3, 7);
        assert_eq!(Request::parse(&request.to_text()).unwrap(), request);
        let first = Grown::new(false).request(0, 7);
        assert!(first.to_text().starts_with("old 0\n\nlog\n7\n"));
        assert_eq!(Request::parse(&first.to_text()).unwrap(), first);
    }

    #[test]
    fn growth_is_accepted() {
        let log = Grown::new(false);
        for new in 0..=10 {
            assert_eq!(judge(&log.request(0, new), None), Ok(new));
            for old in 0..=new {
                assert_eq!(judge(&log.request(old, new), Some(log.latest(old))), Ok(new), "{old} to {new}");
            }
        }
    }

    #[test]
    fn each_refusal_has_its_status() {
        let (log, fork) = (Grown::new(false), Grown::new(true));
        let request = log.request(3, 7);
        let at = |size| Some(log.latest(size));
        let status = |request: &Request, latest| judge(request, latest).unwrap_err().status();
        assert_eq!(judge(&request, at(5)), Err(Refusal::Stale(5)));
        assert_eq!(judge(&request, None), Err(Refusal::Stale(0)));
        assert_eq!((status(&request, at(5)), status(&request, at(9))), (409, 409));
        assert_eq!(status(&Request { old: 8, ..request.clone() }, at(8)), 400);
        // A rollback, told as what it is or as growth from what it was.
        assert_eq!(status(&log.request(3, 5), at(7)), 409);
        assert_eq!(status(&Request { old: 7, ..log.request(0, 5) }, at(7)), 400);
        // A fork, at the same size and beyond it.
        assert_eq!(status(&fork.request(7, 7), at(7)), 422);
        assert_eq!(status(&fork.request(7, 9), at(7)), 422);
        assert_eq!(judge(&fork.request(4, 9), at(4)), Ok(9));
        let unproven = |proof: &[Hash]| Request { proof: proof.to_vec(), ..request.clone() };
        assert_eq!(status(&unproven(&[]), at(3)), 422);
        assert_eq!(status(&unproven(&request.proof[1..]), at(3)), 422);
        assert_eq!(status(&Request { proof: request.proof.clone(), ..log.request(0, 7) }, None), 422);
        assert_eq!(status(&Request { proof: request.proof.clone(), ..log.request(7, 7) }, at(7)), 422);
        let of_nothing =
            Request { old: 0, proof: vec![], checkpoint: Checkpoint::sign(0, &[1; 32], &signer()) };
        assert_eq!(status(&of_nothing, None), 422);
    }

    #[test]
    fn only_the_log_s_own_word_counts() {
        let request = Grown::new(false).request(0, 7);
        let named = |name: &str, seed| Signer::new(name, &[seed; 32]).unwrap();
        let status = |request: &Request, known: &[Verifier]| request.judge(known, None).unwrap_err().status();
        assert_eq!(status(&request, &[]), 404);
        assert_eq!(status(&request, &[named("other", 3).verifier()]), 404);
        assert_eq!(status(&request, &[named("log", 4).verifier()]), 403);
        let forged = Request { checkpoint: request.checkpoint.replace("\n7\n", "\n8\n"), ..request.clone() };
        assert_eq!(status(&forged, &[signer().verifier()]), 403);
        let signed = Request { checkpoint: signer().sign("log\nseven\n"), ..request.clone() };
        assert_eq!(status(&signed, &[signer().verifier()]), 400);
        assert!(request.judge(&[named("log", 4).verifier(), signer().verifier()], None).is_ok());
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let text = Grown::new(false).request(3, 7).to_text();
        let line = "\nBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=";
        for wrong in [
            String::new(),
            text.replace("old 3", "old 03"),
            text.replace("old 3", "old +3"),
            text.replace("old 3", "old  3"),
            text.replace("old 3", "3"),
            text.replace("old 3", "old 3\nAAAA"),
            text.replace("old 3", "old 18446744073709551616"),
            text.replace("old 3", &format!("old 3{}", line.repeat(63))),
            text.replacen("\n\n", "\n", 1),
            text.trim_end().to_owned(),
            text.replace('\n', "\r\n"),
        ] {
            assert_eq!(Request::parse(&wrong).map_err(|refusal| refusal.status()), Err(400), "{wrong}");
        }
    }

    #[test]
    fn answers_are_read_for_what_they_say() {
        let sizes = ["7\n", "7", "0\n", "07\n", "7\n\n", "", "-7", "seven"].map(parse_size);
        assert_eq!(sizes, [Some(7), Some(7), Some(0), None, None, None, None, None]);
        let note = Grown::new(false).request(0, 7).checkpoint;
        let witness = |seed| cosignature::Signer::new("witness", &[seed; 32]).unwrap();
        let (text, key) = (Note::parse(&note).unwrap().text(), witness(1).verifier());
        let (line, other) = (witness(1).sign(text, 5), witness(2).sign(text, 6));
        let parse = |answer: &str| parse_cosignature(&note, answer, &key).map(|cosignature| cosignature.time);
        assert_eq!((parse(&line), parse(&format!("{other}{line}"))), (Ok(5), Ok(5)));
        assert_eq!(parse(&other), Err(NoteError::Unsigned("witness".into())));
        assert_eq!(parse(&witness(1).sign("other\n", 5)), Err(NoteError::Forged("witness".into())));
        for wrong in [witness(1).sign(text, 0), String::new(), line.trim_end().to_owned()] {
            assert!(matches!(parse(&wrong), Err(NoteError::Form(_))), "{wrong:?}");
        }
        assert!(parse(&format!("\n{line}")).is_err());
        let earlier = note::append(&note, &line).unwrap();
        assert!(parse_cosignature(&earlier, &other, &key).is_err());
    }

    proptest! {
        #[test]
        fn no_request_is_too_strange(text in "(old |\n|[0-9]|\u{2014} |log|[A-Za-z0-9+/=]|\\PC){0,60}") {
            if let Ok(request) = Request::parse(&text) {
                prop_assert_eq!(request.to_text(), text);
            }
        }
    }
}
