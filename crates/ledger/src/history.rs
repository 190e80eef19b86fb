//! A ledger against the checkpoints that were saved outside it: its history was only appended to since each of them,
//! or what became of it instead.

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::note::{NoteError, Verifier};
use crate::tree::Hash;

/// A checkpoint saved outside the ledger, signed by the ledger's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where it was kept, for people.
    pub place: String,
    /// What it states.
    pub checkpoint: Checkpoint,
}

/// A note that says nothing about the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotOurs {
    /// It is about another log.
    #[error("it is a checkpoint of another log, {0}")]
    OtherLog(String),
    /// It names the log, and another key signed it.
    #[error("it names this log but is signed by another key than the ledger's")]
    OtherKey,
    /// It was signed by the log's key, and changed since.
    #[error("it was changed after the ledger's key signed it")]
    Changed,
    /// It is no checkpoint.
    #[error("it is no checkpoint: {0}")]
    Form(NoteError),
}

impl Saved {
    /// Reads a note kept at `place`, which must be a checkpoint of `key`'s log.
    pub fn open(place: &str, note: &str, key: &Verifier) -> Result<Self, NotOurs> {
        let checkpoint = match Checkpoint::open(note, key) {
            Ok(checkpoint) => checkpoint,
            Err(error @ NoteError::Form(_)) if !note.contains("\n\n") => return Err(NotOurs::Form(error)),
            Err(error) => return Err(not_ours(note, key, error)),
        };
        Ok(Self { place: place.to_owned(), checkpoint })
    }
}

fn not_ours(note: &str, key: &Verifier, error: NoteError) -> NotOurs {
    match note.lines().next() {
        Some(origin) if origin != key.name() => NotOurs::OtherLog(origin.to_owned()),
        _ => match error {
            NoteError::Unsigned(_) => NotOurs::OtherKey,
            NoteError::Forged(_) => NotOurs::Changed,
            error => NotOurs::Form(error),
        },
    }
}

/// What was done to a ledger since a checkpoint was saved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Broken {
    /// Leaves that the key had signed are gone.
    #[error("rolled back: the ledger has {held} leaves and its key signed {} ({})", saved.checkpoint.size, saved.place)]
    RolledBack {
        /// Leaves there are.
        held: u64,
        /// The checkpoint of the most leaves.
        saved: Saved,
    },
    /// Leaves were replaced by others, and the key has not signed those.
    #[error(
        "rewritten after leaf {agreed}: the ledger's first {} leaves are not those that its key signed ({})",
        saved.checkpoint.size, saved.place
    )]
    Rewritten {
        /// How many leaves are surely the same, by the newest older checkpoint that holds.
        agreed: u64,
        /// The first checkpoint that does not hold.
        saved: Saved,
    },
    /// Leaves were replaced by others, and the key has signed both.
    #[error(
        "forked: the key signed two histories of {} leaves; they agree up to leaf {agreed}, and the one saved ({}) is not \
         the ledger's",
        saved.checkpoint.size, saved.place
    )]
    Forked {
        /// How many leaves are surely the same, by the newest older checkpoint that holds.
        agreed: u64,
        /// The first checkpoint that is of the other history.
        saved: Saved,
    },
}

impl Broken {
    /// The checkpoint that shows it.
    pub fn saved(&self) -> &Saved {
        match self {
            Self::RolledBack { saved, .. } | Self::Rewritten { saved, .. } | Self::Forked { saved, .. } => {
                saved
            }
        }
    }
}

/// What was saved of a ledger, met with what it holds, in the order of its leaves.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By size.
    saved: Vec<Saved>,
    met: usize,
    /// The largest size up to which everything saved was the ledger's.
    agreed: u64,
    first_other: Option<Saved>,
}

impl History {
    /// Starts with everything that was saved.
    pub fn new(mut saved: Vec<Saved>) -> Self {
        // A stable order: of several at one size, the first place named is told.
        saved.sort_by_key(|saved| saved.checkpoint.size);
        Self { saved, ..Self::default() }
    }

    /// The next size at which the ledger's root is asked for.
    pub fn next_size(&self) -> Option<u64> {
        self.saved.get(self.met).map(|saved| saved.checkpoint.size)
    }

    /// Meets what was saved at [`History::next_size`] with the root that the ledger has there.
    pub fn meet(&mut self, root: &Hash) {
        let Some(size) = self.next_size() else { return };
        let here = self.saved[self.met..].iter().take_while(|saved| saved.checkpoint.size == size);
        let others = here.clone().find(|saved| saved.checkpoint.root != *root);
        self.met += here.count();
        match others {
            Some(other) if self.first_other.is_none() => self.first_other = Some(other.clone()),
            None if self.first_other.is_none() => self.agreed = size,
            _ => {}
        }
    }

    /// What the checkpoints met so far say against a ledger whose own newest checkpoint that holds has the size
    /// `signed`.
    pub fn changed(&self, signed: u64) -> Option<Broken> {
        let (agreed, saved) = (self.agreed, self.first_other.clone()?);
        let is_signed = signed >= saved.checkpoint.size;
        Some(if is_signed { Broken::Forked { agreed, saved } } else { Broken::Rewritten { agreed, saved } })
    }

    /// Judges a ledger of `held` leaves that was met whole; its own newest checkpoint that holds has the size `signed`.
    /// Says how many saved checkpoints it was met with.
    pub fn judge(self, held: u64, signed: u64) -> Result<usize, Broken> {
        if let Some(broken) = self.changed(signed) {
            return Err(broken);
        }
        let agreed = self.agreed;
        let beyond: Vec<&Saved> = self.saved.iter().filter(|saved| saved.checkpoint.size > held).collect();
        let two = beyond.windows(2).find(|pair| {
            pair[0].checkpoint.size == pair[1].checkpoint.size
                && pair[0].checkpoint.root != pair[1].checkpoint.root
        });
        if let Some(pair) = two {
            return Err(Broken::Forked { agreed, saved: pair[1].clone() });
        }
        match beyond.last() {
            Some(&saved) => Err(Broken::RolledBack { held, saved: saved.clone() }),
            None => Ok(self.saved.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::Signer;
    use crate::tree::{Frontier, leaf_hash};

    const LEAVES: u8 = 20;

    fn signer() -> Signer {
        Signer::new("waymark/test", &[3; 32]).unwrap()
    }

    /// The roots of a ledger whose leaves from `fork` on are others.
    fn roots(fork: u64) -> Vec<Hash> {
        let mut frontier = Frontier::default();
        let mut roots = vec![frontier.root()];
        for leaf in 0..LEAVES {
            let other = u64::from(leaf) >= fork;
            frontier.append(leaf_hash(&[leaf, u8::from(other)]), |_| ());
            roots.push(frontier.root());
        }
        roots
    }

    fn saved(sizes: &[u64], fork: u64) -> Vec<Saved> {
        let roots = roots(fork);
        let at = |&size: &u64| {
            let note = Checkpoint::sign(size, &roots[size as usize], &signer());
            Saved::open("a file", &note, &signer().verifier()).unwrap()
        };
        sizes.iter().map(at).collect()
    }

    /// Judges a ledger with the leaves of `fork`, `held` of them.
    fn judge(saved: Vec<Saved>, fork: u64, held: u64, signed: u64) -> Result<usize, String> {
        let (mut history, roots) = (History::new(saved), roots(fork));
        while let Some(size) = history.next_size().filter(|&size| size <= held) {
            history.meet(&roots[size as usize]);
        }
        history.judge(held, signed).map_err(|broken| broken.to_string())
    }

    #[test]
    fn growth_is_clean() {
        assert_eq!(judge(saved(&[9, 0, 4, 20, 4], 99), 99, 20, 20), Ok(5));
        assert_eq!(judge(vec![], 99, 0, 0), Ok(0));
    }

    #[test]
    fn a_ledger_with_fewer_leaves_was_rolled_back() {
        let told = "rolled back: the ledger has 8 leaves and its key signed 12 (a file)";
        assert_eq!(judge(saved(&[4, 9, 12], 99), 99, 8, 8), Err(told.to_owned()));
    }

    #[test]
    fn a_tail_that_nobody_signed_was_rewritten() {
        let told = judge(saved(&[4, 7, 9, 12], 99), 8, 20, 7).unwrap_err();
        assert!(told.starts_with("rewritten after leaf 7: the ledger's first 9 leaves are not"), "{told}");
    }

    #[test]
    fn a_tail_that_the_key_signed_is_a_fork() {
        let told = judge(saved(&[4, 7, 9, 12], 99), 8, 20, 20).unwrap_err();
        assert!(
            told.starts_with("forked: the key signed two histories of 9 leaves; they agree up to leaf 7"),
            "{told}"
        );
        // Longer than both, and a saved one of the other side changes nothing.
        let mut both = saved(&[4, 12], 99);
        both.extend(saved(&[10, 14], 8));
        let told = judge(both, 8, 20, 20).unwrap_err();
        assert!(told.contains("two histories of 12 leaves; they agree up to leaf 10"), "{told}");
    }

    #[test]
    fn two_histories_beyond_the_ledger_are_a_fork_as_well() {
        let mut both = saved(&[4, 12], 99);
        both.extend(saved(&[12], 8));
        let told = judge(both, 99, 6, 6).unwrap_err();
        assert!(told.starts_with("forked: the key signed two histories of 12 leaves"), "{told}");
    }

    #[test]
    fn notes_of_others_are_named_as_what_they_are() {
        let (key, root) = (signer().verifier(), [5; 32]);
        let of = |signer: &Signer| Saved::open("x", &Checkpoint::sign(3, &root, signer), &key).map(|_| ());
        assert_eq!(of(&Signer::new("log/b", &[3; 32]).unwrap()), Err(NotOurs::OtherLog("log/b".into())));
        assert_eq!(of(&Signer::new("waymark/test", &[4; 32]).unwrap()), Err(NotOurs::OtherKey));
        let note = Checkpoint::sign(3, &root, &signer()).replace("\n3\n", "\n4\n");
        assert_eq!(Saved::open("x", &note, &key), Err(NotOurs::Changed));
        assert!(matches!(Saved::open("x", "hello\n", &key), Err(NotOurs::Form(_))));
        assert!(matches!(Saved::open("x", &signer().sign("waymark/test\n"), &key), Err(NotOurs::Form(_))));
    }
}
