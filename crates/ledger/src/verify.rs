//! Verification: leaves in order, as stored and not yet believed, against the tree, the checkpoints and one another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use waymark_types::RecordId;

use crate::checkpoint::Checkpoint;
use crate::commitment::{self, Salt};
use crate::emission::{self, Emissions, Emitted, MarkSum};
use crate::entry::{Commitment, Dropped, Entry, Erased};
use crate::leaf::{Kind, Statement, Week};
use crate::listing::Listing;
use crate::note;
use crate::subject::{Subject, Text};
use crate::tiles::HEIGHT;
use crate::tree::{Coordinate, Frontier, Hash, Node};

/// The first thing found that does not hold, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A record's leaf, or what belongs to it beside the tree, is not what it was.
    Record {
        /// Position of the leaf.
        leaf_index: u64,
        /// The record, when that much can still be read.
        record: Option<RecordId>,
        /// What is wrong.
        problem: String,
    },
    /// A stored tree node is not what its leaves give.
    Node {
        /// Where it stands.
        at: Coordinate,
        /// What is wrong.
        problem: String,
    },
    /// A stored checkpoint does not hold.
    Checkpoint {
        /// The size it is stored under.
        size: u64,
        /// What is wrong.
        problem: String,
    },
    /// A table that belongs to the ledger does not agree with it.
    Table {
        /// Which one.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { leaf_index, record: Some(record), problem } => {
                write!(f, "record {record} (leaf {leaf_index}): {problem}")
            }
            Self::Record { leaf_index, record: None, problem } => write!(f, "leaf {leaf_index}: {problem}"),
            Self::Node { at, problem } => {
                write!(f, "tree node at level {}, index {}: {problem}", at.level, at.index)
            }
            Self::Checkpoint { size, problem } => write!(f, "checkpoint of size {size}: {problem}"),
            Self::Table { name, problem } => write!(f, "table {name}: {problem}"),
        }
    }
}

/// A leaf as stored, with everything stored beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredLeaf {
    /// The record it is filed under.
    pub record: Vec<u8>,
    /// Its place among the record's entries.
    pub part: i64,
    /// Its kind's number.
    pub kind: i64,
    /// The commitment to its body.
    pub commitment: Vec<u8>,
    /// Its hash in the tree.
    pub hash: Vec<u8>,
    /// The salt of that commitment and the body, where they are still there.
    pub body: Option<(Vec<u8>, Vec<u8>)>,
    /// With an intent: the salt of the record's commitments to texts, where it is still there.
    pub salt: Option<Vec<u8>>,
    /// The text this half commits to, encrypted, where it is kept.
    pub text: Option<Vec<u8>>,
    /// With a completion: what the record is listed under.
    pub listing: Option<Listing>,
    /// With a completion or an editor's word: the emissions that belong to it, where they are still there.
    pub emissions: Option<Vec<u8>>,
}

impl StoredLeaf {
    /// What the leaf states, when that can be read.
    pub fn statement(&self) -> Option<Statement> {
        Some(Statement {
            record: RecordId::from_bytes(self.record.as_slice().try_into().ok()?)?,
            part: u32::try_from(self.part).ok()?,
            kind: Kind::from_number(self.kind)?,
            commitment: self.commitment.as_slice().try_into().ok()?,
        })
    }

    /// The entry its body says, when it is there and is what the leaf commits to.
    pub fn entry(&self) -> Result<Option<Entry>, String> {
        let Some((salt, body)) = &self.body else { return Ok(None) };
        let statement = self.statement().ok_or("the leaf cannot be read")?;
        let salt: &Salt = salt.as_slice().try_into().map_err(|_| "the salt has the wrong length")?;
        if commitment::mac(salt, body) != statement.commitment {
            return Err("what it says is not what was sealed".to_owned());
        }
        let entry = Entry::from_body(body).map_err(|error| error.to_string())?;
        let same = (entry.record(), entry.kind(), entry.part())
            == (statement.record, statement.kind, statement.part);
        if same { Ok(Some(entry)) } else { Err("it is filed under another record or kind".to_owned()) }
    }
}

/// What may be missing, by the ledger's own entries.
#[derive(Debug, Clone, Default)]
pub struct Absences {
    erased: HashSet<Erased>,
    dropped: HashSet<(Week, Dropped)>,
}

impl Absences {
    /// Takes note of an erasure or a retention.
    pub fn note(&mut self, entry: &Entry) {
        match entry {
            Entry::Erasure(erasure) => {
                self.erased.insert(erasure.erased.clone());
            }
            Entry::Retention(retention) => {
                self.dropped.insert((Week(retention.week), retention.dropped));
            }
            Entry::Intent(_)
            | Entry::Completion(_)
            | Entry::Snapshot(_)
            | Entry::Key(_)
            | Entry::Feedback(_) => {}
        }
    }

    /// Whether a week's records were dropped.
    pub fn records_dropped(&self, week: Week) -> bool {
        self.dropped.contains(&(week, Dropped::Records))
    }

    /// Whether the payloads of a week's records were dropped, by themselves or with the records.
    pub fn payloads_dropped(&self, week: Week) -> bool {
        self.records_dropped(week) || self.dropped.contains(&(week, Dropped::Payloads))
    }

    /// Whether this was erased.
    pub fn is_erased(&self, what: &Erased) -> bool {
        self.erased.contains(what)
    }
}

/// What a clean ledger was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Number of leaves.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// Records whose intent has no completion: in flight, or cut off and not yet closed.
    pub open: BTreeSet<RecordId>,
    /// Records with both halves.
    pub completed: u64,
    /// Checkpoints checked.
    pub checkpoints: u64,
    /// Signatures of witnesses checked.
    pub cosignatures: u64,
    /// Erasures on record.
    pub erasures: u64,
    /// Leaves whose body was dropped for its age.
    pub dropped: u64,
    /// Entries that are durable and not under the tree yet.
    pub pending: u64,
}

/// An intent without its completion yet.
struct Open {
    leaf_index: u64,
    /// None where its body was dropped.
    half: Option<Half>,
}

/// What of an intent its completion is checked with.
struct Half {
    listing: Listing,
    salt: Option<Salt>,
}

/// What was seen beside the tree, by week, to be compared with what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// Bodies.
    pub bodies: u64,
    /// Records.
    pub records: u64,
    /// Salts.
    pub salts: u64,
    /// Texts.
    pub texts: u64,
    /// Emissions.
    pub emissions: u64,
    /// What emissions are looked up by.
    pub marks: MarkSum,
}

/// Recomputes a ledger from its leaves.
pub struct Verifier {
    key: note::Verifier,
    absences: Absences,
    subjects: HashMap<String, Subject>,
    frontier: Frontier,
    open: BTreeMap<RecordId, Open>,
    seen: BTreeMap<Option<Week>, Seen>,
    completed: u64,
    checkpoints: u64,
    erasures: u64,
    dropped: u64,
    last_checkpoint: u64,
}

impl Verifier {
    /// Starts at the first leaf. Checkpoints must be signed by `key`; what may be missing is said by `absences`, and who
    /// is still known by `subjects`.
    pub fn new(key: note::Verifier, absences: Absences, subjects: Vec<Subject>) -> Self {
        Self {
            key,
            absences,
            subjects: subjects.into_iter().map(|subject| (subject.id().to_owned(), subject)).collect(),
            frontier: Frontier::default(),
            open: BTreeMap::new(),
            seen: BTreeMap::new(),
            completed: 0,
            checkpoints: 0,
            erasures: 0,
            dropped: 0,
            last_checkpoint: 0,
        }
    }

    /// The number of leaves taken so far.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of the leaves taken so far.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// What was seen beside the tree so far, by week; what belongs to none stays for good.
    pub fn seen(&self) -> &BTreeMap<Option<Week>, Seen> {
        &self.seen
    }

    /// The records without a completion so far, with what each is listed under.
    pub fn open(&self) -> impl Iterator<Item = (&RecordId, Option<&Listing>)> {
        self.open.iter().map(|(record, open)| (record, open.half.as_ref().map(|half| &half.listing)))
    }

    /// Takes the next leaf as stored. `node` gets every tile root it completes.
    pub fn leaf(&mut self, stored: &StoredLeaf, mut node: impl FnMut(Node)) -> Result<(), Fault> {
        let leaf_index = self.frontier.size();
        let record = stored.record.as_slice().try_into().ok().and_then(RecordId::from_bytes);
        let fault = |problem: String| Fault::Record { leaf_index, record, problem };
        let statement = stored.statement().ok_or_else(|| fault("the leaf cannot be read".to_owned()))?;
        let hash = statement.hash();
        if stored.hash != hash {
            return Err(fault("the leaf is not the one that was sealed".to_owned()));
        }
        self.frontier.append(hash, |completed| {
            if completed.at.level > 0 && completed.at.level.is_multiple_of(HEIGHT) {
                node(completed);
            }
        });
        self.account(leaf_index, &statement, stored).map_err(fault)
    }

    /// Checks what belongs to the leaf against it, and the leaf against those before it.
    fn account(&mut self, leaf_index: u64, statement: &Statement, stored: &StoredLeaf) -> Result<(), String> {
        let entry = stored.entry()?;
        let week = statement.kind.ages().then(|| Week::of(&statement.record));
        let seen = self.seen.entry(week).or_default();
        seen.bodies += u64::from(entry.is_some());
        seen.texts += u64::from(stored.text.is_some());
        if let Some(bytes) = &stored.emissions {
            seen.emissions += 1;
            let emissions = Emissions::from_bytes(bytes).map_err(|error| error.to_string())?;
            emissions.marks().into_iter().for_each(|mark| seen.marks.add(mark, &stored.record));
        }
        if statement.kind == Kind::Intent {
            seen.salts += u64::from(stored.salt.is_some());
            seen.records += u64::from(entry.is_some());
        }
        if entry.is_none() {
            let excused = week.is_some_and(|week| self.absences.records_dropped(week));
            if !excused {
                return Err("what it says is missing".to_owned());
            }
            self.dropped += 1;
        }
        match statement.kind {
            Kind::Intent => {
                let half = self.intent(statement, entry, stored)?;
                if let Some(earlier) = self.open.insert(statement.record, Open { leaf_index, half }) {
                    return Err(format!("a second intent; the first is leaf {}", earlier.leaf_index));
                }
            }
            Kind::Completion => {
                let open =
                    self.open.remove(&statement.record).ok_or("a completion without an open intent")?;
                self.completion(&statement.record, entry, open.half, stored)?;
                self.completed += 1;
            }
            Kind::Erasure => self.erasures += 1,
            Kind::Feedback => self.feedback(&statement.record, entry, stored)?,
            Kind::Snapshot | Kind::Retention | Kind::Key => {}
        }
        Ok(())
    }

    fn intent(
        &self,
        statement: &Statement,
        entry: Option<Entry>,
        stored: &StoredLeaf,
    ) -> Result<Option<Half>, String> {
        let Some(Entry::Intent(intent)) = entry else { return Ok(None) };
        let erased = self.absences.is_erased(&Erased::Record(statement.record));
        let forgotten = self.absences.is_erased(&Erased::Subject(intent.principal.clone()));
        if !forgotten && !self.subjects.contains_key(&intent.principal) {
            return Err("who asked is not among the subjects, and was not erased".to_owned());
        }
        let salt: Option<Salt> = match &stored.salt {
            Some(_) if erased => return Err("its salt is still there though it was erased".to_owned()),
            Some(salt) => {
                let salt = salt.as_slice().try_into().map_err(|_| "its salt has the wrong length")?;
                if commitment::salt_digest(&salt) != intent.salt_sha256 {
                    return Err("its salt is not the one that was sealed".to_owned());
                }
                Some(salt)
            }
            None if erased || forgotten || self.absences.payloads_dropped(Week::of(&statement.record)) => {
                None
            }
            None => return Err("its salt is missing".to_owned()),
        };
        let half = Half { listing: Listing::of(&intent), salt };
        self.text(
            &statement.record,
            Text::Request,
            &half,
            intent.redacted.as_ref().or(Some(&intent.request)),
            stored,
        )?;
        Ok(Some(half))
    }

    fn completion(
        &self,
        record: &RecordId,
        entry: Option<Entry>,
        half: Option<Half>,
        stored: &StoredLeaf,
    ) -> Result<(), String> {
        let (Some(Entry::Completion(completion)), Some(mut half)) = (entry, half) else { return Ok(()) };
        self.text(record, Text::Response, &half, completion.response.as_ref(), stored)?;
        self.emissions(record, &half.listing.principal, completion.emitted.as_ref(), stored)?;
        half.listing.complete(&completion);
        if stored.listing.as_ref() != Some(&half.listing) {
            return Err("it is not listed under what it says".to_owned());
        }
        Ok(())
    }

    fn feedback(&self, record: &RecordId, entry: Option<Entry>, stored: &StoredLeaf) -> Result<(), String> {
        let Some(Entry::Feedback(feedback)) = entry else { return Ok(()) };
        self.emissions(record, &feedback.principal, Some(&feedback.emitted), stored)
    }

    /// Checks emissions against the digest that seals them.
    fn emissions(
        &self,
        record: &RecordId,
        principal: &str,
        sealed: Option<&Emitted>,
        stored: &StoredLeaf,
    ) -> Result<(), String> {
        let is_erased = || {
            self.absences.is_erased(&Erased::Record(*record))
                || self.absences.is_erased(&Erased::Subject(principal.to_owned()))
        };
        match (&stored.emissions, sealed) {
            (None, None) => Ok(()),
            (None, Some(_)) if is_erased() => Ok(()),
            (None, Some(_)) => Err("its emissions are missing".to_owned()),
            (Some(_), _) if self.absences.is_erased(&Erased::Record(*record)) => {
                Err("its emissions are still there though it was erased".to_owned())
            }
            (Some(bytes), Some(sealed)) if emission::digest(bytes) == sealed.sha256 => Ok(()),
            (Some(_), _) => Err("its emissions are not those that were sealed".to_owned()),
        }
    }

    /// Checks a kept text against the commitment to it.
    fn text(
        &self,
        record: &RecordId,
        which: Text,
        half: &Half,
        sealed: Option<&Commitment>,
        stored: &StoredLeaf,
    ) -> Result<(), String> {
        let Some(text) = &stored.text else { return Ok(()) };
        let subject = self.subjects.get(&half.listing.principal);
        let (Some(subject), Some(salt)) = (subject, half.salt) else {
            return Err("a text is still there though its key was destroyed".to_owned());
        };
        let plain = subject.decrypt(record, which, &salt, text).map_err(|error| error.to_string())?;
        let holds = sealed == Some(&commitment::commit(&salt, &plain));
        holds.then_some(()).ok_or_else(|| "a kept text is not the one that was sealed".to_owned())
    }

    /// The size of the last stored checkpoint that held.
    pub fn signed(&self) -> u64 {
        self.last_checkpoint
    }

    /// Checks a checkpoint stored under the present size.
    pub fn checkpoint(&mut self, note: &str) -> Result<(), Fault> {
        let size = self.frontier.size();
        self.check_note(size, note).map_err(|problem| Fault::Checkpoint { size, problem })?;
        self.checkpoints += 1;
        self.last_checkpoint = size;
        Ok(())
    }

    fn check_note(&self, size: u64, note: &str) -> Result<(), String> {
        let checkpoint = Checkpoint::open(note, &self.key).map_err(|error| error.to_string())?;
        if checkpoint.size != size {
            return Err(format!("it states the size {}", checkpoint.size));
        }
        if checkpoint.root != self.frontier.root() {
            let problem = "its root is not that of the leaves stored: they are not those that were sealed";
            return Err(match self.last_checkpoint {
                0 => problem.to_owned(),
                last => format!("{problem}; up to leaf {last} they are"),
            });
        }
        Ok(())
    }

    /// Ends: every leaf must lie under the last checkpoint.
    pub fn finish(self) -> Result<Verified, Fault> {
        let size = self.frontier.size();
        if size > 0 && self.last_checkpoint != size {
            let problem = format!("missing; the last one covers {} leaves", self.last_checkpoint);
            return Err(Fault::Checkpoint { size, problem });
        }
        Ok(Verified {
            size,
            root: self.frontier.root(),
            open: self.open.into_keys().collect(),
            completed: self.completed,
            checkpoints: self.checkpoints,
            cosignatures: 0,
            erasures: self.erasures,
            dropped: self.dropped,
            pending: 0,
        })
    }
}
