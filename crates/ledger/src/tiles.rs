//! A log as static files, as C2SP specifies them (c2sp.org/tlog-tiles): the tree in tiles of 256 hashes, the leaves in
//! bundles of 256 entries.
//!
//! The tile of level `L` and index `N` holds the tree's nodes of level `8 L` from position `256 N` on. What lies between
//! those levels is folded from the tile below it.

use std::ops::Range;

use thiserror::Error;

use crate::tree::{Coordinate, Hash, node_hash};

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u16 = 256;
/// Levels of the tree between a tile's hashes and those of the tile above it.
pub const HEIGHT: u8 = 8;
/// The largest entry of a bundle, in bytes.
pub const MAX_ENTRY: usize = 65_535;

/// Tile levels that a tree of at most 2^64 - 1 leaves can have.
const LEVELS: u8 = 8;
/// The highest level that a path may name.
const HIGHEST: u8 = 63;
/// The first index whose positions would be beyond 2^64.
const INDEXES: u64 = 1 << 56;

/// Consecutive hashes of one level of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Level among tiles: its hashes stand on the tree's level `8 * level`.
    pub level: u8,
    /// Position within the level, from the left.
    pub index: u64,
    /// Number of hashes, 1 to 256. A tile of fewer than 256 is partial.
    pub width: u16,
}

/// Consecutive entries: the leaves whose hashes are in the tile of level 0 with the same index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle {
    /// Position, from the left.
    pub index: u64,
    /// Number of entries, 1 to 256.
    pub width: u16,
}

/// What a path below a log's prefix names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `tile/<L>/<N>[.p/<W>]`
    Tile(Tile),
    /// `tile/entries/<N>[.p/<W>]`
    Bundle(Bundle),
}

/// An entry that no bundle can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the entry has {0} bytes, more than the {MAX_ENTRY} of a bundle's")]
pub struct EntryTooLarge(pub usize);

impl Resource {
    /// Reads a path, without a slash before it. There is one way to write each, and any other is `None`.
    pub fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
            None => (rest, WIDTH),
        };
        let index = parse_index(index)?;
        let resource = match level {
            "entries" => Self::Bundle(Bundle { index, width }),
            level => {
                let level = level.parse().ok().filter(|level| *level <= HIGHEST)?;
                Self::Tile(Tile { level, index, width })
            }
        };
        (resource.path() == path).then_some(resource)
    }

    /// The path, without a slash before it.
    pub fn path(&self) -> String {
        match self {
            Self::Tile(tile) => tile.path(),
            Self::Bundle(bundle) => bundle.path(),
        }
    }
}

impl Tile {
    /// Every tile of a tree of `size` leaves, level by level: the full ones and at most one partial one on each.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Self> {
        (0..LEVELS).flat_map(move |level| {
            row(count(level, size)).map(move |(index, width)| Self { level, index, width })
        })
    }

    /// The partial tiles of a tree of `size` leaves, at most one a level: its right edge.
    pub fn partial(size: u64) -> impl Iterator<Item = Self> {
        (0..LEVELS).filter_map(move |level| {
            let count = count(level, size);
            let (index, width) = (count / u64::from(WIDTH), (count % u64::from(WIDTH)) as u16);
            (width > 0).then_some(Self { level, index, width })
        })
    }

    /// The tile from which a node is folded, as wide as a tree of `size` leaves has it; `None` when the tree does not
    /// have the node.
    pub fn around(at: Coordinate, size: u64) -> Option<Self> {
        let (level, below) = (at.level / HEIGHT, at.level % HEIGHT);
        let end = at.index.checked_add(1)?.checked_mul(1 << below)?;
        let count = count(level, size);
        if end > count {
            return None;
        }
        let index = (end - 1) / u64::from(WIDTH);
        let width = (count - index * u64::from(WIDTH)).min(u64::from(WIDTH));
        Some(Self { level, index, width: width as u16 })
    }

    /// Where a node's hashes are among this tile's; `None` when they are not all in it.
    fn part(&self, at: Coordinate) -> Option<Range<usize>> {
        let below = at.level % HEIGHT;
        let start = at.index.checked_mul(1 << below)?.checked_sub(self.positions().start)?;
        let end = start.checked_add(1 << below)?;
        let is_inside = at.level / HEIGHT == self.level && end <= u64::from(self.width);
        is_inside.then_some(start as usize..end as usize)
    }

    /// The hash of a node that is folded from this tile's `hashes`; `None` when it is folded from others.
    pub fn node(&self, hashes: &[Hash], at: Coordinate) -> Option<Hash> {
        perfect(hashes.get(self.part(at)?)?)
    }

    /// The positions of its hashes on their level.
    pub fn positions(&self) -> Range<u64> {
        positions(self.index, self.width)
    }

    /// Whether a tree of `size` leaves has all its hashes.
    pub fn is_in_tree(&self, size: u64) -> bool {
        self.level < LEVELS && self.positions().end <= count(self.level, size)
    }

    /// Its path, without a slash before it.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_path(self.index, self.width))
    }

    /// Its hashes, from its bytes; `None` when they are not as many.
    pub fn decode(&self, bytes: &[u8]) -> Option<Vec<Hash>> {
        let (hashes, rest) = bytes.as_chunks();
        (rest.is_empty() && hashes.len() == usize::from(self.width)).then(|| hashes.to_vec())
    }
}

impl Bundle {
    /// Every bundle of a tree of `size` leaves.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Self> {
        row(size).map(|(index, width)| Self { index, width })
    }

    /// The tile of its entries' hashes.
    pub fn tile(&self) -> Tile {
        Tile { level: 0, index: self.index, width: self.width }
    }

    /// The positions of its leaves.
    pub fn positions(&self) -> Range<u64> {
        positions(self.index, self.width)
    }

    /// Whether a tree of `size` leaves has all its entries.
    pub fn is_in_tree(&self, size: u64) -> bool {
        self.positions().end <= size
    }

    /// Its path, without a slash before it.
    pub fn path(&self) -> String {
        format!("tile/entries/{}", index_path(self.index, self.width))
    }

    /// Its entries, from its bytes; `None` when they are not as many, one is cut off or something follows.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
        let (mut entries, mut rest) = (Vec::with_capacity(usize::from(self.width)), bytes);
        for _ in 0..self.width {
            let (length, after) = rest.split_first_chunk()?;
            let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            entries.push(entry);
            rest = after;
        }
        rest.is_empty().then_some(entries)
    }
}

/// A tile's bytes: its hashes, one after the other.
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.as_flattened().to_vec()
}

/// A bundle's bytes: each entry after its length as a big-endian number of two bytes.
pub fn encode_entries<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, EntryTooLarge> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| EntryTooLarge(entry.len()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The root of a perfect tree, from its leaves' hashes; `None` unless they are as many as a power of two.
pub fn perfect(hashes: &[Hash]) -> Option<Hash> {
    if !hashes.len().is_power_of_two() {
        return None;
    }
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let (pairs, _) = row.as_chunks();
        row = pairs.iter().map(|[left, right]| node_hash(left, right)).collect();
    }
    row.first().copied()
}

/// How many hashes a tree of `size` leaves has on a tile level.
fn count(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(HEIGHT)).unwrap_or(0)
}

/// Indexes and widths of what holds `count` hashes or entries.
fn row(count: u64) -> impl Iterator<Item = (u64, u16)> {
    let (full, partial) = (count / u64::from(WIDTH), (count % u64::from(WIDTH)) as u16);
    (0..full).map(|index| (index, WIDTH)).chain((partial > 0).then_some((full, partial)))
}

fn positions(index: u64, width: u16) -> Range<u64> {
    let start = index.saturating_mul(u64::from(WIDTH));
    start..start.saturating_add(u64::from(width))
}

/// `<N>[.p/<W>]`: the index in groups of three digits, all but the last after an `x`.
fn index_path(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < WIDTH { format!("{path}.p/{width}") } else { path }
}

/// Reads the groups of an index; that they are written the one right way is checked by writing them again.
fn parse_index(path: &str) -> Option<u64> {
    let index = path.split('/').try_fold(0_u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        let value: u64 = digits.parse().ok().filter(|value| *value < 1000)?;
        index.checked_mul(1000)?.checked_add(value)
    })?;
    (index < INDEXES).then_some(index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tree::{Frontier, Node, leaf_hash};

    #[test]
    fn the_specification_s_paths() {
        let tile = |level, index, width| Tile { level, index, width };
        for (path, resource) in [
            ("tile/0/x001/x234/067", Resource::Tile(tile(0, 1_234_067, 256))),
            ("tile/0/273.p/112", Resource::Tile(tile(0, 273, 112))),
            ("tile/63/000.p/255", Resource::Tile(tile(63, 0, 255))),
            ("tile/entries/x001/000", Resource::Bundle(Bundle { index: 1000, width: 256 })),
            ("tile/entries/x001/000.p/1", Resource::Bundle(Bundle { index: 1000, width: 1 })),
        ] {
            assert_eq!(Resource::parse(path), Some(resource), "{path}");
            assert_eq!(resource.path(), path);
        }
    }

    #[test]
    fn each_path_is_written_in_one_way() {
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/x001/x000",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/+01",
            "tile/0/ 01",
            "tile/data/000",
            "tile/Entries/000",
            "tile/8/0/000",
            "tile/0/000.p",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/+1",
            "tile/0/000.p/1/2",
            "tile/0/000.p/1.p/1",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
            "tile/0/x072/x057/x594/x037/x927/936",
        ] {
            assert_eq!(Resource::parse(path), None, "{path}");
        }
    }

    #[test]
    fn the_specification_s_tree_of_70_000() {
        let tiles: Vec<_> = Tile::of_tree(70_000).collect();
        let of = |level, is_full| {
            let tiles = tiles.iter().filter(|tile| tile.level == level && (tile.width == WIDTH) == is_full);
            tiles.map(|tile| tile.width).collect::<Vec<_>>()
        };
        assert_eq!((of(0, true).len(), of(0, false)), (273, vec![112]));
        assert_eq!((of(1, true).len(), of(1, false)), (1, vec![17]));
        assert_eq!((of(2, true).len(), of(2, false)), (0, vec![1]));
        assert_eq!(tiles.len(), 273 + 1 + 1 + 1 + 1);
        let partial: Vec<_> = tiles.iter().filter(|tile| tile.width < WIDTH).copied().collect();
        assert_eq!(Tile::partial(70_000).collect::<Vec<_>>(), partial);
        assert_eq!(Tile::partial(u64::MAX).count(), 8);
        assert_eq!(Bundle::of_tree(70_000).count(), 274);
        let tile = |level, width| Tile { level, index: 0, width };
        assert_eq!(Tile::of_tree(256).collect::<Vec<_>>(), [tile(0, 256), tile(1, 1)]);
        assert_eq!(Tile::of_tree(0).count(), 0);
    }

    #[test]
    fn the_largest_tree_has_eight_levels() {
        let around = |level, index| Tile::around(Coordinate { level, index }, u64::MAX);
        assert_eq!(around(63, 0), Some(Tile { level: 7, index: 0, width: 255 }));
        assert_eq!((around(63, 1), around(64, 0), around(255, 0)), (None, None, None));
        assert_eq!(around(0, u64::MAX - 1).unwrap().width, 255);
        assert_eq!((around(0, u64::MAX), around(3, u64::MAX)), (None, None));
    }

    #[test]
    fn entries_read_back_and_nothing_else_does() {
        let entries: [&[u8]; 3] = [b"", b"one", &[7; MAX_ENTRY]];
        let bytes = encode_entries(entries).unwrap();
        let bundle = |width| Bundle { index: 0, width };
        assert_eq!(&bytes[..7], b"\0\0\0\x03one");
        assert_eq!(bundle(3).decode(&bytes).unwrap(), entries);
        for (width, bytes) in
            [(2, &bytes[..]), (4, &bytes), (3, &bytes[..bytes.len() - 1]), (1, b""), (1, b"\0")]
        {
            assert_eq!(bundle(width).decode(bytes), None);
        }
        assert_eq!(encode_entries([&[0; MAX_ENTRY + 1][..]]), Err(EntryTooLarge(MAX_ENTRY + 1)));
    }

    #[test]
    fn hashes_read_back_and_nothing_else_does() {
        let (hashes, tile) = ([[1; 32], [2; 32]], Tile { level: 0, index: 0, width: 2 });
        let bytes = encode_hashes(&hashes);
        assert_eq!(tile.decode(&bytes).unwrap(), hashes);
        assert_eq!((tile.decode(&bytes[..63]), tile.decode(&bytes[..32])), (None, None));
    }

    proptest! {
        #[test]
        fn every_node_is_folded_from_the_tile_around_it(size in 1_u64..1500, pick: prop::sample::Index) {
            let (mut frontier, mut nodes) = (Frontier::default(), Vec::<Node>::new());
            for index in 0..size {
                frontier.append(leaf_hash(&index.to_be_bytes()), |node| nodes.push(node));
            }
            let hash_at = |at| nodes.iter().find(|node| node.at == at).map(|node| node.hash);
            let node = nodes[pick.index(nodes.len())];
            let tile = Tile::around(node.at, size).unwrap();
            prop_assert!(tile.is_in_tree(size) && Tile::of_tree(size).any(|other| other == tile));
            let level = tile.level * HEIGHT;
            let hashes: Vec<_> =
                tile.positions().map(|index| hash_at(Coordinate { level, index }).unwrap()).collect();
            prop_assert_eq!(tile.node(&hashes, node.at), Some(node.hash));
            let next = Coordinate { index: (tile.index + 1) << (HEIGHT - node.at.level % HEIGHT), ..node.at };
            prop_assert_eq!(tile.node(&hashes, next), None);
        }

        #[test]
        fn paths_read_back(level in 0..=HIGHEST, index in 0..INDEXES, short: bool, width in 1..=WIDTH) {
            let index = if short { index % 5000 } else { index };
            for resource in [Resource::Tile(Tile { level, index, width }), Resource::Bundle(Bundle { index, width })] {
                prop_assert_eq!(Resource::parse(&resource.path()), Some(resource));
            }
        }

        #[test]
        fn no_path_is_too_strange(path in "(tile|entries|/|x|\\.p/|[0-9]|\\PC){0,30}") {
            if let Some(resource) = Resource::parse(&path) {
                prop_assert_eq!(resource.path(), path);
            }
        }

        #[test]
        fn no_bundle_is_too_strange(bytes: Vec<u8>, index: u64, width in 1..=WIDTH) {
            let bundle = Bundle { index, width };
            if let Some(entries) = bundle.decode(&bytes) {
                prop_assert_eq!(encode_entries(entries).unwrap(), bytes);
            }
            let _ = (bundle.positions(), bundle.tile().is_in_tree(index));
        }
    }
}
