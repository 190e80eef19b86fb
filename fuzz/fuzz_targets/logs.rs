//! What logs and witnesses say to the world: paths, bundles, proofs, requests to cosign, and whole static logs.
#![no_main]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use waymark_fuzz::Input;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::cosignature;
use waymark_ledger::note::{self, NoteError, Signer};
use waymark_ledger::proof_file::Proof;
use waymark_ledger::static_log::{CHECKPOINT, StaticLog};
use waymark_ledger::tiles::{Bundle, HEIGHT, Resource, Tile, WIDTH, encode_entries, encode_hashes};
use waymark_ledger::tree::{Coordinate, Frontier, leaf_hash};
use waymark_ledger::witness::{Request, parse_cosignature, parse_size};

waymark_fuzz::target!(check);

const SIZE: u64 = 300;

static SIGNER: LazyLock<Signer> = LazyLock::new(|| Signer::new("waymark/fuzz", &[7; 32]).unwrap());
static WITNESS: LazyLock<cosignature::Signer> =
    LazyLock::new(|| cosignature::Signer::new("witness/fuzz", &[8; 32]).unwrap());
static LOG: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(log);

fn check(input: Input<'_>) {
    bundle(input);
    static_log(input);
    let Ok(text) = std::str::from_utf8(input.body) else { return };
    path(text);
    proof(text);
    request(text);
    answer(text);
}

/// What is read as a path is written the same.
fn path(text: &str) {
    let Some(resource) = Resource::parse(text) else { return };
    assert_eq!(resource.path(), text);
    let (positions, width) = match resource {
        Resource::Tile(tile) => (tile.positions(), tile.width),
        Resource::Bundle(bundle) => (bundle.positions(), bundle.width),
    };
    assert!((1..=WIDTH).contains(&width) && positions.end - positions.start <= width.into());
}

/// What is read as a bundle is written the same.
fn bundle(input: Input<'_>) {
    let bundle = Bundle { index: u64::MAX >> (input.choice % 64), width: u16::from(input.seed) % 8 + 1 };
    if let Some(entries) = bundle.decode(input.body) {
        assert_eq!(encode_entries(entries).unwrap(), input.body);
    }
    assert!(!bundle.is_in_tree(0) && !bundle.tile().is_in_tree(0));
}

/// A proof reads back as it was, and proves nothing of what was never signed.
fn proof(text: &str) {
    let Ok(proof) = Proof::parse(text) else { return };
    assert_eq!(proof.to_text(), text);
    let proven = proof.verify(b"leaf", &[SIGNER.verifier()], &[WITNESS.verifier()]);
    assert!(proven.is_err(), "the leaf is in no tree that was signed");
}

/// A request reads back as it was, and nothing is accepted that the log did not sign.
fn request(text: &str) {
    let Ok(request) = Request::parse(text) else { return };
    assert_eq!(request.to_text(), text);
    if let Ok(Checkpoint { size, root, .. }) = request.judge(&[SIGNER.verifier()], None) {
        assert_eq!((size, root, request.old), (SIZE, root_of(), 0));
    }
}

/// No cosignature is taken that the witness did not give, whatever stands in the answer.
fn answer(text: &str) {
    let note = Checkpoint::sign(1, &[9; 32], &SIGNER);
    assert!(parse_cosignature(&note, text, &WITNESS.verifier()).is_err());
    if let Some(size) = parse_size(text) {
        assert_eq!(size.to_string(), text.trim_end_matches('\n'));
    }
    if let Ok(longer) = note::append(&note, text) {
        // A line that names the log's own key, and does not verify, spoils the note; nothing else does.
        let opened = SIGNER.verifier().open(&longer);
        assert!(opened == SIGNER.verifier().open(&note) || matches!(opened, Err(NoteError::Forged(_))));
    }
}

/// With one file exchanged, a log is refused, unless the file is what it was.
fn static_log(input: Input<'_>) {
    let exchanged = input.of(&LOG.keys().collect::<Vec<_>>()).as_str();
    let read = |path: &str| {
        let file = if path == exchanged { Some(input.body.to_vec()) } else { LOG.get(path).cloned() };
        file.ok_or(Missing)
    };
    let checked = StaticLog::open(&[SIGNER.verifier()], read).and_then(|mut log| log.check(|_, _| ()));
    let is_same = exchanged == CHECKPOINT || input.body == LOG[exchanged];
    assert!(checked.is_err() || is_same, "{exchanged}");
}

fn log() -> BTreeMap<String, Vec<u8>> {
    let (mut frontier, mut nodes) = (Frontier::default(), BTreeMap::new());
    for index in 0..SIZE {
        frontier.append(leaf_hash(&[index as u8]), |node| {
            nodes.insert(node.at, node.hash);
        });
    }
    let tiles = Tile::of_tree(SIZE).map(|tile| {
        let at = |index| nodes[&Coordinate { level: tile.level * HEIGHT, index }];
        (tile.path(), encode_hashes(&tile.positions().map(at).collect::<Vec<_>>()))
    });
    let bundles = Bundle::of_tree(SIZE).map(|bundle| {
        let entries: Vec<_> = bundle.positions().map(|index| [index as u8]).collect();
        (bundle.path(), encode_entries(entries.iter().map(|entry| &entry[..])).unwrap())
    });
    let checkpoint = Checkpoint::sign(SIZE, &frontier.root(), &SIGNER);
    tiles.chain(bundles).chain([(CHECKPOINT.to_owned(), checkpoint.into_bytes())]).collect()
}

fn root_of() -> [u8; 32] {
    let note = String::from_utf8(LOG[CHECKPOINT].clone()).unwrap();
    Checkpoint::open(&note, &SIGNER.verifier()).unwrap().root
}

#[derive(Debug)]
struct Missing;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such file")
    }
}

impl std::error::Error for Missing {}
