//! Whether an emission can be for a file at all: by its repository and its path.

use rustc_hash::FxHashSet;
use waymark_ledger::emission::{Emission, Emissions, place};

use super::{File, Place};
use crate::fingerprint::parts;

/// How an emission's place fits a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is for another repository.
    Other,
    /// It is for another file of this repository.
    Elsewhere,
    /// It does not say what it is for.
    Nowhere,
    /// It may be for this file: its path is one ending of several, or its repository is not known.
    Loose,
    /// It is for this file.
    Here,
}

/// What places are held against.
pub(super) struct Fits<'a> {
    place: &'a Place<'a>,
    /// The repository's names, in small letters.
    names: FxHashSet<String>,
    /// Those of the file's folders: an assistant may have been started in one of them.
    folders: FxHashSet<String>,
    path: Vec<u64>,
    /// Marks of the path with the repository's names before it.
    named: FxHashSet<u64>,
    /// The same with the name twice: a folder may be called as the repository that it is in.
    named_twice: FxHashSet<u64>,
    /// Marks of the file's name in the repository's own folder, the same way.
    above: FxHashSet<u64>,
}

impl<'a> Fits<'a> {
    pub(super) fn new(file: &File<'_>, place: &'a Place<'a>) -> Self {
        let folders = parts(file.path).into_iter().rev().skip(1).map(str::to_lowercase).collect();
        let names = place.names.iter().map(|name| name.to_lowercase()).collect();
        let within = |path: &str| -> FxHashSet<u64> {
            let named = |name: &String| place.key.path(&format!("{name}/{path}")).last().copied();
            place.names.iter().filter_map(named).collect()
        };
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let above = if name == file.path { FxHashSet::default() } else { within(name) };
        let twice = |name: &String| place.key.path(&format!("{name}/{name}/{}", file.path)).last().copied();
        let named_twice = place.names.iter().filter_map(twice).collect();
        let (path, named) = (place.key.path(file.path), within(file.path));
        Self { place, names, folders, path, named, named_twice, above }
    }

    pub(super) fn of(&self, emissions: &Emissions, emission: &Emission) -> Fit {
        let home = emissions.repository.as_ref().map(|name| name.to_lowercase());
        let is_named_so = home.as_ref().map(|name| self.names.contains(name));
        let is_in_folder = is_named_so == Some(false);
        let is_ours = home.as_ref().map(|name| !is_in_folder || self.folders.contains(name));
        if is_ours == Some(false) {
            return Fit::Other;
        }
        let theirs = &emission.path;
        if theirs.is_empty() {
            return Fit::Nowhere;
        }
        let (ours, common) = (self.path.len(), self.common(theirs));
        if common < ours.min(theirs.len()) {
            return Fit::Elsewhere;
        }
        let is_named = theirs.get(ours).is_some_and(|mark| self.named.contains(mark));
        if is_named && self.is_in_namesake(theirs) {
            return Fit::Elsewhere;
        }
        match (emission.absolute, is_ours) {
            _ if is_named => Fit::Here,
            // The same number of parts, all alike.
            (false, Some(true)) if theirs.len() == ours => Fit::Here,
            _ if !is_in_folder && self.is_anothers(theirs) => Fit::Elsewhere,
            // One folder of the repository was worked in, whose name its record has.
            (false, Some(true)) if theirs.len() < ours && theirs.len() > 1 => Fit::Here,
            (true, Some(true)) if ours > 1 => Fit::Here,
            _ => Fit::Loose,
        }
    }

    /// Whether the tree has a file that a path fits better than this one: one at the path itself, or, of the same name, in
    /// the repository's own folder, which may be called as one of its folders.
    fn is_anothers(&self, theirs: &[u64]) -> bool {
        let (ours, looked_up) = (place(&self.path), place(theirs));
        let has = |mark: Option<&u64>| mark.is_some_and(|mark| (self.place.has)(*mark));
        let is_above = theirs.get(1).is_some_and(|mark| self.above.contains(mark));
        (looked_up != ours && has(looked_up.as_ref())) || (is_above && has(theirs.first()))
    }

    /// Whether a path that ends as this file's in the repository's folder is of the file that the tree has in a folder of the
    /// same name within it. A path with the name once may be either's: some assistants begin every path with it.
    fn is_in_namesake(&self, theirs: &[u64]) -> bool {
        let ours = self.path.len();
        let is_twice = theirs.get(ours + 1).is_some_and(|mark| self.named_twice.contains(mark));
        is_twice && theirs.get(ours).is_some_and(|mark| (self.place.has)(*mark))
    }

    fn common(&self, theirs: &[u64]) -> usize {
        self.path.iter().zip(theirs).take_while(|(ours, theirs)| ours == theirs).count()
    }
}
