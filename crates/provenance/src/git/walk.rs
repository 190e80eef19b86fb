//! Walks history for the lines of one file, as few times and as short as will do.
//!
//! A walk may end early, at a commit from which on the answer is kept ([`super::kept`]), and goes on where it is not. And
//! where git may not have known a line as moved, a commit is asked again ([`super::moves`]).

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use super::blame::{OPERATION, texts};
use super::copies;
use super::kept::Kept;
use super::moves;
use super::porcelain::{Origin, parse};
use super::process::{self, ask, malformed};
use super::{CommitId, GitError, Repository};

/// More separate stretches of lines than these are not asked for one by one.
const MOST_STRETCHES: usize = 100;
/// A walk that ended at more places than these is done again, without ending early.
const MOST_ENDS: usize = 8;
/// How many more walks short lines may take, for one question; beyond, git's first answer stands.
const MOST_AGAIN: usize = 200;

/// Lines by their number.
pub(crate) type Origins = BTreeMap<u32, Origin>;

/// A commit's file.
type Place = (CommitId, Arc<str>);
/// A line's number, and its number in another file.
type Pair = (u32, u32);

/// Whether lines that moved within their file are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moves {
    Followed,
    Ignored,
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
    /// Where lines of a commit's file come from: those that were written again have an origin of their own. What is kept
    /// is what git says.
    pub(crate) fn origins_apart(&self, file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        let mut origins = self.origins(file, &copies::with_alike(&file.texts, wanted))?;
        let shared = copies::shared(&origins, &file.texts, file.since);
        if !shared.is_empty() {
            let plain = self.walk_for(&[file.commit.to_string()], file, &shared, Moves::Ignored)?;
            copies::set_apart(&mut origins, &plain, &shared);
        }
        Ok(origins)
    }

    /// Where lines of a commit's file come from, as git says.
    fn origins(&self, file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        if wanted.is_empty() {
            return Ok(Origins::new());
        }
        if let Some(shadow) = self.usable_shadow()
            && let Some(kept) = Kept::load(&shadow.blames(), &file.path, file.since)
            // As far back as what is kept, so that it stays of use.
            && let file = &file.since(kept.since)
            && let Some(origins) = self.origins_since(&kept, file, wanted)?
        {
            if kept.commit != file.commit {
                self.keep(file, &origins);
            }
            return Ok(origins);
        }
        let origins = self.origins_walked(file, wanted)?;
        self.keep(file, &origins);
        Ok(origins)
    }

    /// Keeps a blame, if it is of the whole file.
    fn keep(&self, file: &File, origins: &Origins) {
        let Some(shadow) = self.usable_shadow() else { return };
        let lines = 1..=file.texts.len() as u32;
        let whole: Option<Vec<Origin>> = lines.map(|line| origins.get(&line).cloned()).collect();
        if let Some(origins) = whole {
            let (commit, path, since) = (file.commit, file.path.clone(), file.since);
            Kept { commit, path, since, origins }.store(&shadow.blames());
        }
    }

    /// The same with what is kept; nothing where that does not help.
    fn origins_since(&self, kept: &Kept, file: &File, wanted: &[u32]) -> Result<Option<Origins>, GitError> {
        let Some(origins) = self.since(kept, file, wanted)? else { return Ok(None) };
        if kept.commit == file.commit {
            return Ok(Some(origins));
        }
        self.with_short_moves(origins, file, Some(kept)).map(Some)
    }

    /// One walk down to what is kept.
    fn since(&self, kept: &Kept, file: &File, wanted: &[u32]) -> Result<Option<Origins>, GitError> {
        if kept.commit == file.commit && kept.path == file.path {
            let origin = |&line: &u32| Some((line, kept.origins.get(line as usize - 1)?.clone()));
            return Ok(wanted.iter().map(origin).collect());
        }
        // It fails where the file's commit is older than the one kept, or that one is gone: nothing is left to walk.
        let revisions = [format!("^{}", kept.commit), file.commit.to_string()];
        match self.walk(&revisions, file, wanted) {
            Ok(walked) => Ok(self.followed(walked, Some(kept), file.since).unwrap_or_default()),
            Err(_) => Ok(None),
        }
    }

    /// The same, walking as far as it takes.
    fn origins_walked(&self, file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        let revision = [file.commit.to_string()];
        let origins = self.walk(&revision, file, if file.is_most(wanted) { &[] } else { wanted })?;
        self.with_short_moves(origins, file, None)
    }

    /// Git knows a short line as moved only together with others ([`super::moves`]). So the commits that seem to have written
    /// such lines are asked again, each for the one step from its parents with the whole of its file, where that may give
    /// another answer; and lines that moved are followed from there.
    fn with_short_moves(
        &self,
        mut origins: Origins,
        File { texts, since, .. }: &File,
        kept: Option<&Kept>,
    ) -> Result<Origins, GitError> {
        let mut again: Vec<u32> = origins.keys().copied().collect();
        let mut asked = 0;
        while !again.is_empty() && asked < MOST_AGAIN {
            let mut ends: BTreeMap<Place, Vec<Pair>> = BTreeMap::new();
            for (place, (before, numbers)) in short_lines(&origins, texts, &again, *since) {
                if asked < MOST_AGAIN && self.may_have_moved(&place, &before, texts, &numbers) {
                    asked += 1;
                    self.step(place, &numbers, &mut ends)?;
                }
            }
            again.clear();
            for ((commit, path), lines) in ends {
                asked += 1;
                let file = File { commit, path, texts: Arc::default(), since: *since };
                let wanted = theirs(&lines);
                let known = kept.map_or(Ok(None), |kept| self.since(kept, &file, &wanted))?;
                let found = known.map_or_else(|| self.walk(&[commit.to_string()], &file, &wanted), Ok)?;
                for (number, line) in lines {
                    origins.insert(number, found.get(&line).ok_or_else(|| malformed(OPERATION))?.clone());
                    again.push(number);
                }
            }
            again.sort_unstable();
        }
        Ok(origins)
    }

    fn may_have_moved(&self, place: &Place, before: &Place, texts: &[Vec<u8>], numbers: &[Pair]) -> bool {
        // Git has read these files already, so they are there; one that is too large to be read again stays as git says.
        let Ok(old) = self.committed(&before.0, &before.1) else { return false };
        if !moves::any_in(numbers.iter().map(|&(number, _)| &*texts[number as usize - 1]), &old) {
            return false;
        }
        let Ok(new) = self.committed(&place.0, &place.1) else { return false };
        let blocks = moves::Blocks::new(&old, &new);
        numbers.iter().any(|&(_, line)| blocks.has(line as usize - 1))
    }

    /// Those of a commit's lines that its parents have, by where.
    fn step(
        &self,
        (commit, path): Place,
        numbers: &[Pair],
        ends: &mut BTreeMap<Place, Vec<Pair>>,
    ) -> Result<(), GitError> {
        let file = File { commit, path, texts: Arc::default(), since: None };
        let step = self.walk(&[format!("{commit}^!")], &file, &[])?;
        for &(number, line) in numbers {
            if let Some(Origin { commit: Some(before), path, line, is_boundary: true, .. }) = step.get(&line)
            {
                ends.entry((*before, path.clone())).or_default().push((number, *line));
            }
        }
        Ok(())
    }

    /// Goes on where a walk ended early, but not further back than is asked for. Nothing where it ended in too many places,
    /// and was to save time by it.
    pub(crate) fn followed(
        &self,
        mut walked: Origins,
        kept: Option<&Kept>,
        since: Option<i64>,
    ) -> Result<Option<Origins>, GitError> {
        let mut ends: BTreeMap<Place, Vec<Pair>> = BTreeMap::new();
        for (&number, origin) in &mut walked {
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
                Some(_) => self.origins_walked(&file, &wanted)?,
                None => self.origins_apart(&file, &wanted)?,
            };
            for (number, line) in lines {
                let origin = origins.get(&line).ok_or_else(|| malformed(OPERATION))?;
                walked.insert(number, origin.clone());
            }
        }
        Ok(Some(walked))
    }

    /// One `git blame` of a commit's file, of the lines named or, where none are, of all.
    fn walk(&self, revisions: &[String], file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        self.walk_for(revisions, file, wanted, Moves::Followed)
    }

    fn walk_for(
        &self,
        revisions: &[String],
        file: &File,
        wanted: &[u32],
        moves: Moves,
    ) -> Result<Origins, GitError> {
        let mut command = arguments(self.walker(), moves);
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
pub(crate) fn arguments(mut command: Command, moves: Moves) -> Command {
    command.args(["-c", "diff.algorithm=myers", "-c", "diff.indentHeuristic=true", OPERATION]);
    command.args(["--porcelain", "--root", "-w", "--no-ignore-revs-file", "--no-textconv"]);
    if moves == Moves::Followed {
        command.arg("-M");
    }
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

/// Where walks ended: the lines' numbers there, in order and each once.
fn theirs(lines: &[Pair]) -> Vec<u32> {
    let mut theirs: Vec<u32> = lines.iter().map(|&(_, line)| line).collect();
    theirs.sort_unstable();
    theirs.dedup();
    theirs
}

/// Lines by the file of the commit that seems to have written them, with the file before it.
type Short = BTreeMap<Place, (Place, Vec<Pair>)>;

/// Those of the lines that are too short for git to have looked for where they moved from, if they stood alone.
fn short_lines(origins: &Origins, texts: &[Vec<u8>], lines: &[u32], since: Option<i64>) -> Short {
    let mut short = Short::new();
    for &number in lines {
        let Some((origin, text)) = origins.get(&number).zip(texts.get(number as usize - 1)) else { continue };
        if let (Some(commit), Some(before)) = (origin.commit, origin.previous.clone())
            && !origin.is_boundary
            && !origin.is_before(since)
            && moves::letters(text) < moves::LEAST
        {
            let place = (commit, origin.path.clone());
            short.entry(place).or_insert((before, Vec::new())).1.push((number, origin.line));
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_stretches() {
        assert_eq!(stretches(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
    }
}
