//! A log of ours as files in a folder.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use waymark_ledger::checkpoint::Checkpoint;
use waymark_ledger::cosignature;
use waymark_ledger::note::{self, Note, Signer};
use waymark_ledger::proof_file::Proof;
use waymark_ledger::tiles::{Bundle, HEIGHT, MAX_ENTRY, Tile, encode_entries, encode_hashes};
use waymark_ledger::tree::{Coordinate, Frontier, Hash, inclusion_steps, leaf_hash, prove};

/// A log that grows, and whose files stay.
pub(crate) struct Written {
    folder: TempDir,
    signer: Signer,
    frontier: Frontier,
    nodes: HashMap<Coordinate, Hash>,
    entries: Vec<Vec<u8>>,
    /// The checkpoints written so far, outside the log.
    pub(crate) checkpoints: Vec<PathBuf>,
}

impl Written {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            signer: Signer::new("waymark/test", &[11; 32]).unwrap(),
            frontier: Frontier::default(),
            nodes: HashMap::new(),
            entries: Vec::new(),
            checkpoints: Vec::new(),
        }
    }

    /// The verifier key's text.
    pub(crate) fn key(&self) -> String {
        self.signer.verifier().to_text()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Adds entries up to a size, and writes what that adds to the files.
    pub(crate) fn grow(&mut self, size: u64) {
        for index in self.frontier.size()..size {
            let entry = match index {
                100 => vec![7; MAX_ENTRY],
                _ if index.is_multiple_of(13) => Vec::new(),
                _ => format!("{{\"n\":{index}}}").into_bytes(),
            };
            let nodes = &mut self.nodes;
            self.frontier.append(leaf_hash(&entry), |node| {
                nodes.insert(node.at, node.hash);
            });
            self.entries.push(entry);
        }
        for tile in Tile::of_tree(size) {
            let at = |index| self.nodes[&Coordinate { level: tile.level * HEIGHT, index }];
            self.write(&tile.path(), &encode_hashes(&tile.positions().map(at).collect::<Vec<_>>()));
        }
        for bundle in Bundle::of_tree(size) {
            let entries = bundle.positions().map(|index| self.entries[index as usize].as_slice());
            self.write(&bundle.path(), &encode_entries(entries).unwrap());
        }
        self.write("checkpoint", self.checkpoint().as_bytes());
        let saved = self.folder.path().join(format!("checkpoint-{size}"));
        fs::write(&saved, self.checkpoint()).unwrap();
        self.checkpoints.push(saved);
    }

    /// The newest checkpoint, signed by the log and by a witness that nobody knows.
    fn checkpoint(&self) -> String {
        let note = Checkpoint::sign(self.frontier.size(), &self.frontier.root(), &self.signer);
        let witness = cosignature::Signer::new("witness", &[12; 32]).unwrap();
        let line = witness.sign(Note::parse(&note).unwrap().text(), 1_700_000_000);
        note::append(&note, &line).unwrap()
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // What is written once stays as it is, but for the checkpoint.
        if path.ends_with("checkpoint") || !path.exists() {
            fs::write(path, bytes).unwrap();
        }
    }

    /// Writes the proof of an entry and the entry itself, beside the log.
    pub(crate) fn prove(&self, index: u64) -> (PathBuf, PathBuf) {
        let size = self.frontier.size();
        let hashes =
            prove(&inclusion_steps(index, size), |at| self.nodes.get(&at).copied().ok_or(at)).unwrap();
        let extra = index.is_multiple_of(2).then(|| b"more".to_vec());
        let proof = Proof { extra, index, hashes, checkpoint: self.checkpoint() };
        let (file, leaf) = (self.beside("proof"), self.beside("leaf"));
        fs::write(&file, proof.to_text()).unwrap();
        fs::write(&leaf, &self.entries[index as usize]).unwrap();
        (file, leaf)
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Changes one bit of a file.
pub(crate) fn spoil(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}
