//! A log read from its static files, ours or anybody's: nothing is believed but what the signed root says.
//!
//! Memory stays the same whatever the log's size: one tile a level, and one bundle.

use std::error::Error as StdError;

use thiserror::Error;

use crate::checkpoint::Checkpoint;
use crate::note::{NoteError, Verifier};
use crate::tiles::{Bundle, HEIGHT, MAX_ENTRY, Resource, Tile, WIDTH, perfect};
use crate::tree::{self, Coordinate, Frontier, Hash, Step, consistency_steps, inclusion_steps, leaf_hash};

/// Where the checkpoint is.
pub const CHECKPOINT: &str = "checkpoint";
/// No file of a log is larger than a full bundle of the largest entries, in bytes.
pub const LARGEST_FILE: usize = WIDTH as usize * (2 + MAX_ENTRY);

/// A log whose files cannot be read, or do not lead to its root.
#[derive(Debug, Error)]
pub enum StaticLogError<E: StdError + 'static> {
    /// A file cannot be read.
    #[error("could not read {path}")]
    Read {
        /// Where it should be.
        path: String,
        /// Why not.
        source: E,
    },
    /// The checkpoint does not hold.
    #[error("the checkpoint does not hold")]
    Checkpoint(#[from] NoteError),
    /// The right edge of the tree is not what the checkpoint signs: one of the partial tiles is wrong, or the root is.
    #[error("the partial tiles do not lead to the checkpoint's root")]
    Root,
    /// A file has the wrong form, or is not what the tree above it says.
    #[error("{path} {problem}")]
    Wrong {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An entry is not what its hash in the tree says.
    #[error("entry {index}, in {path}, is not the leaf that the tree has there")]
    Entry {
        /// Its position in the log.
        index: u64,
        /// The bundle it is in.
        path: String,
    },
    /// A leaf, or a size, beyond what the checkpoint covers.
    #[error("the log has {size} leaves, and {asked} was asked for")]
    Outside {
        /// What was asked for.
        asked: u64,
        /// The checkpoint's size.
        size: u64,
    },
}

/// A log behind a function that reads its files.
pub struct StaticLog<R> {
    read: R,
    note: String,
    checkpoint: Checkpoint,
    /// Of each level the partial tile, where it has one, and the full tile last used.
    held: Vec<(Tile, Vec<Hash>)>,
}

impl<R, E> StaticLog<R>
where
    R: FnMut(&str) -> Result<Vec<u8>, E>,
    E: StdError + 'static,
{
    /// Reads the checkpoint, signed by one of the keys of the log, and the right edge of its tree.
    ///
    /// `read` is given paths below the log's prefix, without a slash before them.
    pub fn open(known: &[Verifier], mut read: R) -> Result<Self, StaticLogError<E>> {
        let path = CHECKPOINT.to_owned();
        let bytes = read(CHECKPOINT).map_err(|source| StaticLogError::Read { path, source })?;
        let note = String::from_utf8(bytes).map_err(|_| NoteError::Form("not UTF-8"))?;
        let checkpoint = Checkpoint::open_any(&note, known)?;
        let mut log = Self { read, note, checkpoint, held: Vec::new() };
        for tile in Tile::partial(log.size()) {
            let hashes = log.read_tile(tile)?;
            log.held.push((tile, hashes));
        }
        let subtrees = Frontier::coordinates(log.size());
        let subtrees = subtrees.into_iter().map(|at| log.node(at)).collect::<Result<_, _>>()?;
        let root = Frontier::resume(log.size(), subtrees).map(|edge| edge.root());
        if root == Some(log.checkpoint.root) { Ok(log) } else { Err(StaticLogError::Root) }
    }

    /// What the checkpoint states.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The checkpoint as it was read, with all its signatures.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Reads everything: each tile is what the root says, and each entry what its leaf says. Entries go to `entry`, with
    /// their positions, once they are checked.
    pub fn check(&mut self, mut entry: impl FnMut(u64, &[u8])) -> Result<(), StaticLogError<E>> {
        Bundle::of_tree(self.size()).try_for_each(|bundle| self.bundle(bundle, &mut entry))
    }

    /// One entry, checked against the root.
    pub fn entry(&mut self, index: u64) -> Result<Vec<u8>, StaticLogError<E>> {
        let tile = Tile::around(Coordinate { level: 0, index }, self.size());
        let tile = tile.ok_or_else(|| self.outside(index))?;
        let mut found = Vec::new();
        self.bundle(Bundle { index: tile.index, width: tile.width }, |at, entry| {
            if at == index {
                found = entry.to_vec();
            }
        })?;
        Ok(found)
    }

    /// The inclusion proof of a leaf.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, StaticLogError<E>> {
        if index >= self.size() {
            return Err(self.outside(index));
        }
        self.prove(&inclusion_steps(index, self.size()))
    }

    /// The consistency proof from an older size.
    pub fn consistency(&mut self, old: u64) -> Result<Vec<Hash>, StaticLogError<E>> {
        if old > self.size() {
            return Err(self.outside(old));
        }
        self.prove(&consistency_steps(old, self.size()))
    }

    fn prove(&mut self, steps: &[Step]) -> Result<Vec<Hash>, StaticLogError<E>> {
        tree::prove(steps, |at| self.node(at))
    }

    fn size(&self) -> u64 {
        self.checkpoint.size
    }

    fn outside(&self, asked: u64) -> StaticLogError<E> {
        StaticLogError::Outside { asked, size: self.size() }
    }

    /// The hash of a perfect subtree.
    fn node(&mut self, at: Coordinate) -> Result<Hash, StaticLogError<E>> {
        let tile = Tile::around(at, self.size()).ok_or_else(|| self.outside(at.index))?;
        let hashes = self.tile(tile)?;
        tile.node(hashes, at).ok_or_else(|| wrong(tile.path(), MISSHAPEN))
    }

    /// A tile of this tree, checked: a partial one when the log was opened, a full one against the tile above it.
    fn tile(&mut self, tile: Tile) -> Result<&[Hash], StaticLogError<E>> {
        let held = |log: &Self| log.held.iter().position(|(held, _)| *held == tile);
        let at = match held(self) {
            Some(at) => at,
            None => {
                let above = self.node(Coordinate { level: (tile.level + 1) * HEIGHT, index: tile.index })?;
                let hashes = self.read_tile(tile)?;
                if perfect(&hashes) != Some(above) {
                    return Err(wrong(tile.path(), "is not what the tree above it says"));
                }
                self.held.retain(|(held, _)| held.level != tile.level || held.width < WIDTH);
                self.held.push((tile, hashes));
                self.held.len() - 1
            }
        };
        Ok(&self.held[at].1)
    }

    /// Reads a bundle and hands over its entries, each once it is the leaf that the tree has there.
    fn bundle(&mut self, bundle: Bundle, mut entry: impl FnMut(u64, &[u8])) -> Result<(), StaticLogError<E>> {
        let hashes = self.tile(bundle.tile())?.to_vec();
        let (bytes, width) = self.read(bundle.width, |width| Resource::Bundle(Bundle { width, ..bundle }))?;
        let found = Bundle { width, ..bundle };
        let entries = found.decode(&bytes).ok_or_else(|| wrong(found.path(), MISSHAPEN))?;
        for ((index, body), hash) in bundle.positions().zip(entries).zip(hashes) {
            if leaf_hash(body) != hash {
                return Err(StaticLogError::Entry { index, path: found.path() });
            }
            entry(index, body);
        }
        Ok(())
    }

    fn read_tile(&mut self, tile: Tile) -> Result<Vec<Hash>, StaticLogError<E>> {
        let (bytes, width) = self.read(tile.width, |width| Resource::Tile(Tile { width, ..tile }))?;
        let found = Tile { width, ..tile };
        let mut hashes = found.decode(&bytes).ok_or_else(|| wrong(found.path(), MISSHAPEN))?;
        hashes.truncate(usize::from(tile.width));
        Ok(hashes)
    }

    /// Reads a file, or the full one that has come in a partial one's place since: a log may delete the partial one then.
    /// Tells the width of what was read.
    fn read(
        &mut self,
        width: u16,
        file: impl Fn(u16) -> Resource,
    ) -> Result<(Vec<u8>, u16), StaticLogError<E>> {
        let path = file(width).path();
        let source = match (self.read)(&path) {
            Ok(bytes) => return Ok((bytes, width)),
            Err(source) => source,
        };
        match (self.read)(&file(WIDTH).path()) {
            Ok(bytes) if width < WIDTH => Ok((bytes, WIDTH)),
            _ => Err(StaticLogError::Read { path, source }),
        }
    }
}

const MISSHAPEN: &str = "has not the form or the length that its path says";

fn wrong<E: StdError + 'static>(path: String, problem: &'static str) -> StaticLogError<E> {
    StaticLogError::Wrong { path, problem }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::note::Signer;
    use crate::tiles::{encode_entries, encode_hashes};
    use crate::tree::{is_consistent, root_from_inclusion};

    #[derive(Debug, Error)]
    #[error("no such file")]
    struct Missing;

    type Files = BTreeMap<String, Vec<u8>>;

    fn signer() -> Signer {
        Signer::new("log", &[6; 32]).unwrap()
    }

    fn leaf(index: u64) -> Vec<u8> {
        vec![index as u8; (index % 7) as usize]
    }

    /// A log's files, and its roots by size.
    fn log(size: u64) -> (Files, Vec<Hash>) {
        let (mut frontier, mut nodes) = (Frontier::default(), BTreeMap::new());
        let mut roots = vec![frontier.root()];
        for index in 0..size {
            frontier.append(leaf_hash(&leaf(index)), |node| {
                nodes.insert(node.at, node.hash);
            });
            roots.push(frontier.root());
        }
        let mut files = Files::new();
        for tile in Tile::of_tree(size) {
            let at = |index| nodes[&Coordinate { level: tile.level * HEIGHT, index }];
            files.insert(tile.path(), encode_hashes(&tile.positions().map(at).collect::<Vec<_>>()));
        }
        for bundle in Bundle::of_tree(size) {
            let entries: Vec<_> = bundle.positions().map(leaf).collect();
            files.insert(bundle.path(), encode_entries(entries.iter().map(Vec::as_slice)).unwrap());
        }
        files.insert(CHECKPOINT.to_owned(), Checkpoint::sign(size, &frontier.root(), &signer()).into_bytes());
        (files, roots)
    }

    type Read<'a> = Box<dyn FnMut(&str) -> Result<Vec<u8>, Missing> + 'a>;

    fn open(files: &Files) -> Result<StaticLog<Read<'_>>, StaticLogError<Missing>> {
        let read: Read<'_> = Box::new(|path| files.get(path).cloned().ok_or(Missing));
        StaticLog::open(&[signer().verifier()], read)
    }

    fn check(files: &Files) -> Result<u64, StaticLogError<Missing>> {
        let mut next = 0;
        open(files)?.check(|index, entry| {
            assert_eq!((index, entry), (next, leaf(next).as_slice()));
            next += 1;
        })?;
        Ok(next)
    }

    #[test]
    fn whole_logs_are_read_whole() {
        for size in [0, 1, 2, 255, 256, 257, 511, 512, 1000, 65_536, 65_537] {
            assert_eq!(check(&log(size).0).unwrap(), size, "{size}");
        }
    }

    #[test]
    fn proofs_are_made_from_tiles() {
        let (files, roots) = log(1000);
        let mut log = open(&files).unwrap();
        let root = log.checkpoint().root;
        for index in (0..1000).step_by(37) {
            let (proof, entry) = (log.inclusion(index).unwrap(), log.entry(index).unwrap());
            assert_eq!(root_from_inclusion(leaf_hash(&entry), index, 1000, &proof), Some(root));
            let proof = log.consistency(index).unwrap();
            assert!(is_consistent(index, &roots[index as usize], 1000, &root, &proof));
        }
        assert!(matches!(log.entry(1000), Err(StaticLogError::Outside { asked: 1000, size: 1000 })));
        assert!(log.inclusion(1000).is_err() && log.consistency(1001).is_err());
    }

    #[test]
    fn every_changed_byte_is_noticed_and_its_file_named() {
        let (files, _) = log(600);
        for (path, bytes) in &files {
            for at in (0..bytes.len()).step_by(if path == CHECKPOINT { 1 } else { 97 }) {
                let mut files = files.clone();
                files.get_mut(path).unwrap()[at] ^= 4;
                let error = check(&files).unwrap_err();
                let is_edge = path.contains(".p/") && !path.contains("entries");
                let is_named = match &error {
                    StaticLogError::Checkpoint(_) => path == CHECKPOINT,
                    StaticLogError::Root => is_edge,
                    other => other.to_string().contains(path.as_str()),
                };
                assert!(is_named, "{path} at {at}: {error}");
            }
        }
    }

    #[test]
    fn every_missing_or_cut_file_is_named() {
        let (files, _) = log(600);
        for path in files.keys() {
            let mut missing = files.clone();
            missing.remove(path);
            assert!(check(&missing).unwrap_err().to_string().ends_with(path.as_str()));
            let mut cut = files.clone();
            cut.get_mut(path).unwrap().pop();
            let error = check(&cut).unwrap_err();
            assert!(path == CHECKPOINT || error.to_string().contains(path.as_str()), "{path}: {error}");
        }
    }

    #[test]
    fn a_full_file_stands_in_for_a_partial_one() {
        let (old, _) = log(600);
        let (mut files, _) = log(1000);
        files.insert(CHECKPOINT.to_owned(), old[CHECKPOINT].clone());
        // The tile of level 1 is still partial, and kept; those of level 0 are full by now.
        files.insert("tile/1/000.p/2".to_owned(), old["tile/1/000.p/2"].clone());
        assert_eq!(check(&files).unwrap(), 600);
    }

    #[test]
    fn another_log_s_files_are_not_taken() {
        let (mut files, _) = log(300);
        let stranger = Signer::new("log", &[7; 32]).unwrap();
        let root = open(&files).unwrap().checkpoint().root;
        files.insert(CHECKPOINT.to_owned(), Checkpoint::sign(300, &root, &stranger).into_bytes());
        assert!(matches!(open(&files).err(), Some(StaticLogError::Checkpoint(NoteError::Unsigned(_)))));
        files.insert(CHECKPOINT.to_owned(), vec![0xff]);
        assert!(matches!(open(&files).err(), Some(StaticLogError::Checkpoint(NoteError::Form(_)))));
    }
}
