//! Walks history for the lines of one file, as few times and as short as will do.
//!
//! A walk may end early, at a commit from which on the answer is kept ([`super::kept`]), and goes on where it is not. And
//! where a commit moved a line ([`super::moves`]), another walk begins at the commit before.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use super::blame::{OPERATION, texts};
use super::kept::Kept;
use super::moves;
use super::porcelain::{Origin, parse};
use super::process::{self, ask, malformed};
use super::{CommitId, GitError, Repository};

/// More separate stretches of lines than these are not asked for one by one.
const MOST_STRETCHES: usize = 100;
/// A walk that ended at more places than these is done again, without ending early.
const MOST_ENDS: usize = 8;
/// How many more walks and steps lines that may have moved take at most, for one question; beyond, they are said to be written
/// where they are.
const MOST_MOVES: usize = 400;

/// Lines by their number.
pub(crate) type Origins = BTreeMap<u32, Origin>;

/// A commit's file.
pub(crate) type Place = (CommitId, Arc<str>);
/// A line's number, and its number in another file.
pub(crate) type Pair = (u32, u32);

/// When a commit was made, the latest first, as git reads files in a row fast; the file before it, the commit, and the file's
/// path in it.
type Step<'a> = (Reverse<i64>, &'a Place, CommitId, &'a Arc<str>);

/// What a walk found.
pub(crate) struct Walked {
    pub(crate) origins: Origins,
    /// The lines that were written, or moved, on the way, in order; of the others all is known.
    written: Vec<u32>,
}

impl From<Origins> for Walked {
    fn from(origins: Origins) -> Self {
        let written = origins.iter().filter(|(_, origin)| !origin.is_boundary);
        Self { written: written.map(|(number, _)| *number).collect(), origins }
    }
}

/// A file whose lines can be told apart.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) commit: CommitId,
    pub(crate) path: Arc<str>,
    pub(crate) texts: Arc<[Vec<u8>]>,
    /// How far back its lines are asked for, in seconds since 1970: all the way, where it is not said.
    pub(crate) since: Option<i64>,
}

impl File {
    /// The same to be asked for as far back.
    fn since(&self, since: Option<i64>) -> Self {
        Self { since, ..self.clone() }
    }

    fn is_most(&self, wanted: &[u32]) -> bool {
        wanted.len() * 2 > self.texts.len()
    }
}

impl Repository {
    /// Where lines of a commit's file come from.
    pub(crate) fn origins(&self, file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        if wanted.is_empty() {
            return Ok(Origins::new());
        }
        if let Some(shadow) = self.usable_shadow()
            && let Some(kept) = Kept::load(&shadow.blames(), &file.path, file.since)
            // As far back as what is kept, so that it stays of use.
            && let file = &file.since(kept.since)
            && let Some(walked) = self.since(&kept, file, wanted)?
        {
            if kept.commit == file.commit {
                return Ok(walked.origins);
            }
            let walked = self.with_moves(walked, file.since, Some(&kept))?;
            self.keep(file, &walked);
            return Ok(walked.origins);
        }
        let walked = self.origins_walked(file, wanted)?;
        self.keep(file, &walked);
        Ok(walked.origins)
    }

    /// Keeps a blame, if it is of the whole file and all of it was followed.
    fn keep(&self, file: &File, Walked { origins, written }: &Walked) {
        let Some(shadow) = self.usable_shadow().filter(|_| written.is_empty()) else { return };
        let lines = 1..=file.texts.len() as u32;
        let whole: Option<Vec<Origin>> = lines.map(|line| origins.get(&line).cloned()).collect();
        if let Some(origins) = whole {
            let (commit, path, since) = (file.commit, file.path.clone(), file.since);
            Kept { commit, path, since, origins }.store(&shadow.blames());
        }
    }

    /// One walk down to what is kept; nothing where that does not help.
    fn since(&self, kept: &Kept, file: &File, wanted: &[u32]) -> Result<Option<Walked>, GitError> {
        if kept.commit == file.commit && kept.path == file.path {
            let origin = |&line: &u32| Some((line, kept.origins.get(line as usize - 1)?.clone()));
            let origins: Option<Origins> = wanted.iter().map(origin).collect();
            return Ok(origins.map(|origins| Walked { origins, written: Vec::new() }));
        }
        // It fails where the file's commit is older than the one kept, or that one is gone: nothing is left to walk.
        let revisions = [format!("^{}", kept.commit), file.commit.to_string()];
        match self.walk(&revisions, file, wanted) {
            Ok(walked) => Ok(self.followed(walked, Some(kept), file.since).unwrap_or_default()),
            Err(_) => Ok(None),
        }
    }

    /// Where lines come from, walking as far as it takes.
    fn origins_walked(&self, file: &File, wanted: &[u32]) -> Result<Walked, GitError> {
        let revision = [file.commit.to_string()];
        let origins = self.walk(&revision, file, if file.is_most(wanted) { &[] } else { wanted })?;
        self.with_moves(Walked::from(origins), file.since, None)
    }

    /// Follows lines that moved within their file ([`super::moves`]) to where they were before. Those that took too many walks
    /// stay among the written.
    pub(crate) fn with_moves(
        &self,
        Walked { mut origins, mut written }: Walked,
        since: Option<i64>,
        kept: Option<&Kept>,
    ) -> Result<Walked, GitError> {
        let mut left = MOST_MOVES;
        while !written.is_empty() && left > 0 {
            let ends = self.ends_of_moves(&origins, &mut written, since, &mut left)?;
            for ((commit, path), lines) in ends {
                if left == 0 {
                    written.extend(numbers(&lines));
                    continue;
                }
                left -= 1;
                let file = File { commit, path, texts: Arc::default(), since };
                let wanted = theirs(&lines);
                let known = kept.map_or(Ok(None), |kept| self.since(kept, &file, &wanted))?;
                let walk = || Ok(Walked::from(self.walk(&[commit.to_string()], &file, &wanted)?));
                let found = known.map_or_else(walk, Ok)?;
                for (number, line) in lines {
                    let origin = found.origins.get(&line).ok_or_else(|| malformed(OPERATION))?;
                    origins.insert(number, origin.clone());
                    if found.written.binary_search(&line).is_ok() {
                        written.push(number);
                    }
                }
            }
        }
        Ok(Walked { origins, written })
    }

    /// Of lines that commits seem to have written, those that moved there, by the file that they moved in. Those stay that are
    /// not looked at, for want of steps `left`.
    fn ends_of_moves(
        &self,
        origins: &Origins,
        written: &mut Vec<u32>,
        since: Option<i64>,
        left: &mut usize,
    ) -> Result<BTreeMap<Place, Vec<Pair>>, GitError> {
        let mut places: BTreeMap<Step<'_>, Vec<Pair>> = BTreeMap::new();
        let origins = written.drain(..).filter_map(|number| Some((number, origins.get(&number)?)));
        for (number, origin) in origins.filter(|(_, origin)| !origin.is_before(since)) {
            if let (Some(before), Some(commit)) = (&origin.previous, origin.commit) {
                let step = (Reverse(origin.time), before, commit, &origin.path);
                places.entry(step).or_default().push((number, origin.line));
            }
        }
        let mut ends: BTreeMap<Place, Vec<Pair>> = BTreeMap::new();
        for ((_, before, commit, path), lines) in places {
            // Git has read these files already, so they are there; of one that is too large nothing is said to have moved.
            // Of a merge, the other sides are looked at only where this one may have had the lines.
            let (Ok(old), Ok(new)) = (self.committed(&before.0, &before.1), self.committed(&commit, path))
            else {
                continue;
            };
            if !moves::may_be(&old, &new, lines.iter().map(|(_, line)| *line)) {
                continue;
            }
            if *left == 0 {
                written.extend(numbers(&lines));
                continue;
            }
            *left -= 1;
            let file = File { commit, path: path.clone(), texts: Arc::default(), since: None };
            let step = self.walk(&[format!("{commit}^!")], &file, &[])?;
            for (place, lines) in self.moved(&step, before, &new, &lines) {
                ends.entry(place).or_default().extend(lines);
            }
        }
        Ok(ends)
    }

    /// Of lines of a file that one step wrote, those that it moved, by the file before it. The step is of the whole file,
    /// which `new` holds; `before` is one that the file had before it.
    pub(crate) fn moved(
        &self,
        step: &Origins,
        before: &Place,
        new: &[u8],
        lines: &[Pair],
    ) -> BTreeMap<Place, Vec<Pair>> {
        let place =
            |origin: &Origin| Some((origin.commit.filter(|_| origin.is_boundary)?, origin.path.clone()));
        let mut kept: BTreeMap<Place, Vec<u32>> = BTreeMap::from([(before.clone(), Vec::new())]);
        for (place, line) in step.values().filter_map(|origin| Some((place(origin)?, origin.line))) {
            kept.entry(place).or_default().push(line);
        }
        let is_new = |origin: &Origin| !origin.is_boundary && origin.previous.as_ref() == Some(before);
        let came = || step.iter().filter(|(_, origin)| is_new(origin)).map(|(line, _)| *line);
        let (mut ends, mut left) = (BTreeMap::new(), lines.to_vec());
        for ((commit, path), kept) in kept {
            let Ok(old) = self.committed(&commit, &path) else { continue };
            let moved = moves::Change::new(&old, new, kept.into_iter(), came()).moved();
            let origin = |line: u32| moved.get(line as usize - 1).copied().flatten();
            let found = left.iter().filter_map(|(number, line)| Some((*number, origin(*line)?)));
            let found: Vec<Pair> = found.collect();
            left.retain(|(_, line)| origin(*line).is_none());
            if !found.is_empty() {
                ends.insert((commit, path), found);
            }
        }
        ends
    }

    /// Goes on where a walk ended early, but not further back than is asked for. Nothing where it ended in too many places,
    /// and was to save time by it.
    pub(crate) fn followed(
        &self,
        walked: Origins,
        kept: Option<&Kept>,
        since: Option<i64>,
    ) -> Result<Option<Walked>, GitError> {
        let mut walked = Walked::from(walked);
        let mut ends: BTreeMap<Place, Vec<Pair>> = BTreeMap::new();
        for (&number, origin) in &mut walked.origins {
            let goes_on = origin.is_boundary && !origin.is_before(since);
            let Some(commit) = origin.commit.filter(|_| goes_on) else { continue };
            let here = kept.filter(|kept| kept.commit == commit && kept.path == origin.path);
            match here.and_then(|kept| kept.origins.get(origin.line as usize - 1)) {
                Some(known) => *origin = known.clone(),
                None => ends.entry((commit, origin.path.clone())).or_default().push((number, origin.line)),
            }
        }
        if kept.is_some() && ends.len() > MOST_ENDS {
            return Ok(None);
        }
        for ((commit, path), lines) in ends {
            let texts = texts(&path, &self.committed(&commit, &path)?)?.into();
            let file = File { commit, path, texts, since };
            let wanted = theirs(&lines);
            // What is kept was of no use to this walk, or it is the kept one's own question.
            let origins = match kept {
                Some(_) => self.origins_walked(&file, &wanted)?.origins,
                None => self.origins(&file, &wanted)?,
            };
            for (number, line) in lines {
                let origin = origins.get(&line).ok_or_else(|| malformed(OPERATION))?;
                walked.origins.insert(number, origin.clone());
            }
        }
        Ok(Some(walked))
    }

    /// One `git blame` of a commit's file, of the lines named or, where none are, of all.
    fn walk(&self, revisions: &[String], file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        let mut command = arguments(self.walker());
        command.args(file.since.map(process::since));
        let stretches = stretches(wanted);
        if stretches.len() <= MOST_STRETCHES {
            for (first, last) in stretches {
                command.arg("-L").arg(format!("{first},{last}"));
            }
        }
        let answer = ask(command.args(revisions).arg("--").arg(&*file.path), OPERATION)?;
        answered(&answer)
    }
}

/// Reads what a blame says.
pub(crate) fn answered(answer: &[u8]) -> Result<Origins, GitError> {
    Ok(parse(answer).ok_or_else(|| malformed(OPERATION))?.into_iter().collect())
}

/// What every blame is asked with. Settings that would change the answer are set.
pub(crate) fn arguments(mut command: Command) -> Command {
    command.args(["-c", "diff.algorithm=myers", "-c", "diff.indentHeuristic=true", OPERATION]);
    command.args(["--porcelain", "--root", "-w", "--no-ignore-revs-file", "--no-textconv"]);
    command
}

/// First and last of each stretch of numbers that follow each other.
fn stretches(lines: &[u32]) -> Vec<(u32, u32)> {
    let mut stretches: Vec<(u32, u32)> = Vec::new();
    for &line in lines {
        match stretches.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => stretches.push((line, line)),
        }
    }
    stretches
}

/// Whose the lines are.
fn numbers(lines: &[Pair]) -> impl Iterator<Item = u32> {
    lines.iter().map(|(number, _)| *number)
}

/// Where walks ended: the lines' numbers there, in order and each once.
fn theirs(lines: &[Pair]) -> Vec<u32> {
    let mut theirs: Vec<u32> = lines.iter().map(|&(_, line)| line).collect();
    theirs.sort_unstable();
    theirs.dedup();
    theirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_stretches() {
        assert_eq!(stretches(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
    }
}
