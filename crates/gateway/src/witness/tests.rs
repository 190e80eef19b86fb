//! A witness and a log that asks it, in one process.

use std::collections::HashMap;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::cosignature::{self, Cosignature};
use waymark_ledger::note::{self, Note, Signer};
use waymark_ledger::tree::{Coordinate, Frontier, Hash, consistency_steps, leaf_hash, prove};
use waymark_ledger::witness::{Refusal, Request};
use waymark_types::Timestamp;

use super::book::{Book, BookError, Unsigned, origin_digest};
use super::{AskError, Asker, RunningWitness, Witness, WitnessConfig, start_witness};
use crate::SystemClock;
use crate::keys::KeyError;

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A log of 40 leaves, or one that goes its own way after 20.
struct Log {
    nodes: HashMap<Coordinate, Hash>,
    roots: Vec<Hash>,
}

impl Log {
    fn new(fork: u8) -> Self {
        let (mut frontier, mut nodes) = (Frontier::default(), HashMap::new());
        let mut roots = vec![frontier.root()];
        for index in 0..40_u8 {
            frontier.append(leaf_hash(&[index, if index < 20 { 0 } else { fork }]), |node| {
                nodes.insert(node.at, node.hash);
            });
            roots.push(frontier.root());
        }
        Self { nodes, roots }
    }

    fn checkpoint(&self, size: u64) -> String {
        Checkpoint::sign(size, &self.roots[size as usize], &signer("log"))
    }

    fn proof(&self, old: u64, new: u64) -> Vec<Hash> {
        prove(&consistency_steps(old, new), |at| self.nodes.get(&at).copied().ok_or(at)).unwrap()
    }

    fn request(&self, old: u64, new: u64) -> Request {
        Request { old, proof: self.proof(old, new), checkpoint: self.checkpoint(new) }
    }

    async fn ask(&self, witness: &Witness, size: u64, known: u64) -> Result<Cosignature, AskError> {
        let proof = async |old, new| Ok::<_, Infallible>(self.proof(old, new));
        Asker::new().unwrap().ask(witness, &self.checkpoint(size), known, proof).await
    }
}

fn signer(name: &str) -> Signer {
    Signer::new(name, &[5; 32]).unwrap()
}

fn book(data_dir: &Path) -> Result<Book, BookError> {
    Book::open(data_dir, Some("witness"), vec![signer("log").verifier()])
}

async fn running(data_dir: &TempDir) -> (RunningWitness, Witness) {
    let config = WitnessConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: data_dir.path().to_owned(),
        prefix: "/some/where".into(),
        name: None,
        logs: vec![signer("log").verifier()],
    };
    let running = start_witness(config, Arc::new(SystemClock)).await.unwrap();
    let url = format!("http://{}/some/where/", running.address());
    let witness = Witness { url, key: running.key().clone() };
    (running, witness)
}

#[tokio::test]
async fn a_log_is_cosigned_as_it_grows() {
    let (folder, log) = (TempDir::new().unwrap(), Log::new(0));
    let (running, witness) = running(&folder).await;
    // What is known of the witness may be right, too little or too much.
    for (size, known) in [(1, 0), (8, 1), (9, 0), (20, 3), (20, 20), (33, 30), (40, 99)] {
        let cosigned = log.ask(&witness, size, known).await.unwrap();
        let note = note::append(&log.checkpoint(size), &cosigned.line).unwrap();
        assert_eq!(witness.key.check(&Note::parse(&note).unwrap()).unwrap(), cosigned, "{size}");
        assert!(cosigned.time > 1_700_000_000);
    }
    running.drain().await;
}

#[tokio::test]
async fn a_log_that_lost_or_changed_its_past_is_told_so() {
    let (folder, log) = (TempDir::new().unwrap(), Log::new(0));
    let (running, witness) = running(&folder).await;
    log.ask(&witness, 30, 0).await.unwrap();
    let error = log.ask(&witness, 25, 0).await.unwrap_err();
    assert!(matches!(error, AskError::Ahead { size: 30, asked: 25, .. }), "{error}");
    for size in [30, 35] {
        let error = Log::new(1).ask(&witness, size, 30).await.unwrap_err();
        assert!(matches!(error, AskError::Inconsistent { .. }), "{error}");
    }
    log.ask(&witness, 40, 30).await.unwrap();
    running.drain().await;
}

#[tokio::test]
async fn what_keeps_a_checkpoint_from_being_cosigned_is_said() {
    let (folder, log) = (TempDir::new().unwrap(), Log::new(0));
    let (running, witness) = running(&folder).await;
    let asker = Asker::new().unwrap();
    let proof = async |_, _| Err::<Vec<Hash>, _>("no such leaf");
    let unknown = Checkpoint::sign(40, &log.roots[40], &signer("other"));
    let error = asker.ask(&witness, &unknown, 0, proof).await.unwrap_err();
    assert!(matches!(error, AskError::Refused { status: 404, .. }), "{error}");
    let error = asker.ask(&witness, "no note", 0, proof).await.unwrap_err();
    assert!(matches!(error, AskError::Checkpoint { .. }), "{error}");
    let error = asker.ask(&witness, &log.checkpoint(40), 30, proof).await.unwrap_err();
    assert!(matches!(error, AskError::Proof { old: 30, .. }), "{error}");
    let stranger = cosignature::Signer::new(witness.key.name(), &[9; 32]).unwrap().verifier();
    let mistaken = Witness { key: stranger, ..witness.clone() };
    let error = log.ask(&mistaken, 40, 0).await.unwrap_err();
    assert!(matches!(error, AskError::Cosignature { .. }), "{error}");
    running.drain().await;
    let error = log.ask(&witness, 40, 40).await.unwrap_err();
    assert!(matches!(error, AskError::Transfer { .. }), "{error}");
}

#[test]
fn what_was_cosigned_outlives_the_process() {
    let (folder, log) = (TempDir::new().unwrap(), Log::new(0));
    let first = book(folder.path()).unwrap();
    assert_eq!(first.sizes().unwrap(), [("log".to_owned(), None)]);
    let line = first.add(&log.request(0, 25), NOW).unwrap();
    let again = book(folder.path()).unwrap();
    assert_eq!(again.sizes().unwrap(), [("log".to_owned(), Some(25))]);
    assert_eq!(again.verifier(), first.verifier());
    assert!(matches!(again.add(&log.request(0, 30), NOW), Err(Unsigned::Refused(Refusal::Stale(25)))));
    assert_eq!(again.note("no digest").unwrap(), None);
    let note = again.note(&origin_digest("log")).unwrap().unwrap();
    assert_eq!(note, log.checkpoint(25) + &line);
}

#[test]
fn lines_of_strangers_are_not_kept() {
    let (folder, log) = (TempDir::new().unwrap(), Log::new(0));
    let stranger = signer("stranger").sign("log\n").split_once("\n\n").unwrap().1.to_owned();
    let mut request = log.request(0, 25);
    request.checkpoint += &stranger.repeat(note::MAX_SIGNATURES - 1);
    let book = book(folder.path()).unwrap();
    let line = book.add(&request, NOW).unwrap();
    assert_eq!(book.note(&origin_digest("log")).unwrap().unwrap(), log.checkpoint(25) + &line);
}

#[test]
fn of_two_histories_asked_for_at_once_one_is_cosigned() {
    let (logs, old) = ([Log::new(1), Log::new(2), Log::new(3), Log::new(4)], 15);
    for _ in 0..20 {
        let folder = TempDir::new().unwrap();
        let book = book(folder.path()).unwrap();
        book.add(&logs[0].request(0, old), NOW).unwrap();
        let cosigned = std::thread::scope(|scope| {
            let asked =
                logs.each_ref().map(|log| scope.spawn(|| book.add(&log.request(old, 30), NOW).is_ok()));
            asked.map(|asked| asked.join().unwrap())
        });
        assert_eq!(cosigned.iter().filter(|cosigned| **cosigned).count(), 1);
    }
}

#[test]
fn nothing_is_cosigned_that_cannot_be_written_down() {
    let (folder, log) = (TempDir::new().unwrap(), Log::new(0));
    let book = book(folder.path()).unwrap();
    book.add(&log.request(0, 5), NOW).unwrap();
    let file = std::fs::read_dir(folder.path().join("checkpoints")).unwrap().next().unwrap().unwrap().path();
    // Where the new file is to be written there is a folder.
    let in_the_way = file.with_added_extension("new");
    std::fs::create_dir(&in_the_way).unwrap();
    let refused = book.add(&log.request(5, 9), NOW);
    assert!(matches!(refused, Err(Unsigned::Book(BookError::File(KeyError::File { .. })))));
    assert_eq!(book.sizes().unwrap()[0].1, Some(5));
    std::fs::remove_dir(&in_the_way).unwrap();
    assert!(book.add(&log.request(5, 9), NOW).is_ok());
}

#[test]
fn a_damaged_book_is_not_taken_for_an_empty_one() {
    let (folder, log) = (TempDir::new().unwrap(), Log::new(0));
    book(folder.path()).unwrap().add(&log.request(0, 5), NOW).unwrap();
    let file = std::fs::read_dir(folder.path().join("checkpoints")).unwrap().next().unwrap().unwrap().path();
    let note = std::fs::read_to_string(&file).unwrap();
    for damaged in ["", &note[..note.len() - 9], &log.checkpoint(5), &note.replace("\n5\n", "\n4\n")] {
        std::fs::write(&file, damaged).unwrap();
        assert!(matches!(book(folder.path()), Err(BookError::Damaged { .. })), "{damaged}");
    }
    std::fs::write(&file, &note).unwrap();
    assert!(book(folder.path()).is_ok());
    let nameless = Book::open(&folder.path().join("new"), Some("a b"), vec![]);
    assert!(matches!(nameless, Err(BookError::BadName(_))));
    let renamed = Book::open(folder.path(), Some("another"), vec![]);
    assert!(matches!(renamed, Err(BookError::Name { .. })));
    std::fs::remove_file(folder.path().join("witness.key")).unwrap();
    assert!(matches!(book(folder.path()), Err(BookError::KeyLost(_))));
}
