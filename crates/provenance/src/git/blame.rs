//! Which commit wrote a line, by `git blame`.
//!
//! Lines that moved within their file (`-M`) and lines that were only indented anew (`-w`) stay with the commit that wrote
//! them, but not what was written again beside what stays ([`super::copies`]). Commits that a repository wants ignored are not: what they changed is theirs.
//!
//! A walk may end early, at a commit from which on the answer is known or asked for in another way: a file in the working
//! tree is blamed down to `HEAD`, and `HEAD`'s file from there; a file blamed once is blamed down to where it was blamed
//! before ([`super::kept`]).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use super::content::{self, Content};
use super::copies;
use super::kept::Kept;
use super::moves;
use super::porcelain::{Origin, parse};
use super::process::{ask, malformed, tell};
use super::{Blob, CommitId, GitError, Kind, NotText, Repository};

const OPERATION: &str = "blame";
/// More separate stretches of lines than these are not asked for one by one.
const MOST_STRETCHES: usize = 100;
/// A walk that ended at more places than these is done again, without ending early.
const MOST_ENDS: usize = 8;
/// How many more walks short lines may take, for one question; beyond, git's first answer stands.
const MOST_AGAIN: usize = 200;
/// One line of a file, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlameLine {
    /// Its number, from 1.
    pub number: u32,
    /// The commit that wrote it; nothing for a line that is not committed.
    pub commit: Option<CommitId>,
    /// Its number in that commit's file, from 1.
    pub original: u32,
    /// The file's path in that commit.
    pub path: Arc<str>,
    /// The commit before, and the file's path there; nothing where the file was new.
    pub previous: Option<(CommitId, Arc<str>)>,
    /// Whether a shallow clone ends at that commit: it or any before it wrote the line.
    pub is_boundary: bool,
    /// Its bytes without the line feed; UTF-16 as UTF-8.
    pub text: Vec<u8>,
}

/// Lines by their number.
type Origins = BTreeMap<u32, Origin>;

/// A commit's file.
type Place = (CommitId, Arc<str>);
/// A line's number, and its number in another file.
type Pair = (u32, u32);

/// Whether lines that moved within their file are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moves {
    Followed,
    Ignored,
}

/// A file whose lines can be told apart.
struct File {
    commit: CommitId,
    path: Arc<str>,
    texts: Vec<Vec<u8>>,
}

impl File {
    fn is_most(&self, wanted: &[u32]) -> bool {
        wanted.len() * 2 > self.texts.len()
    }
}

impl Repository {
    /// Where the lines of a file come from: all of them, or some, from 1. `at` is the commit whose file it is; nothing for
    /// the working tree's, where lines may be uncommitted.
    ///
    /// To ask for few lines is quick where they are young. To ask for all of them makes later questions about the file
    /// quick, if there is a shadow.
    pub fn blame(
        &self,
        at: Option<&CommitId>,
        path: &str,
        lines: Option<RangeInclusive<u32>>,
    ) -> Result<Vec<BlameLine>, GitError> {
        if path.is_empty() {
            return Err(GitError::NotAFile { path: ".".to_owned(), kind: Kind::Folder });
        }
        let Some(commit) = at else { return self.blame_working(path, lines) };
        let bytes = self.committed(commit, path)?;
        let file = File { commit: *commit, path: path.into(), texts: texts(path, &bytes)? };
        self.blame_file(&file, lines)
    }

    fn blame_file(
        &self,
        file: &File,
        lines: Option<RangeInclusive<u32>>,
    ) -> Result<Vec<BlameLine>, GitError> {
        let wanted = wanted(&file.path, file.texts.len(), lines)?;
        let origins = self.origins_apart(file, &wanted)?;
        self.assembled(&wanted, origins, &file.texts)
    }

    /// Where lines of a commit's file come from: those that were written again have an origin of their own. What is kept
    /// is what git says.
    fn origins_apart(&self, file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        let mut origins = self.origins(file, &copies::with_alike(&file.texts, wanted))?;
        let shared = copies::shared(&origins, &file.texts);
        if !shared.is_empty() {
            let plain = self.walk_for(&[file.commit.to_string()], file, &shared, Moves::Ignored)?;
            copies::set_apart(&mut origins, &plain, &shared);
        }
        Ok(origins)
    }

    fn assembled(
        &self,
        wanted: &[u32],
        mut origins: Origins,
        texts: &[Vec<u8>],
    ) -> Result<Vec<BlameLine>, GitError> {
        let line = |&number: &u32| {
            let Origin { commit, line, path, previous, .. } = origins.remove(&number)?;
            let is_boundary = commit.is_some_and(|commit| self.boundary.contains(&commit));
            let text = texts.get(number as usize - 1)?.clone();
            Some(BlameLine { number, commit, original: line, path, previous, is_boundary, text })
        };
        wanted.iter().map(line).collect::<Option<_>>().ok_or_else(|| malformed(OPERATION))
    }

    /// The bytes of a commit's file.
    fn committed(&self, commit: &CommitId, path: &str) -> Result<Vec<u8>, GitError> {
        match self.blob(&format!("{commit}:{path}"), content::MOST)? {
            Blob::Text(bytes) => Ok(bytes),
            Blob::TooLarge(_) => Err(GitError::NotText { path: path.to_owned(), form: NotText::TooLarge }),
            Blob::Missing | Blob::NotABlob => Err(self.why_not(commit, path)?),
        }
    }

    /// Why a commit has no file at a path.
    fn why_not(&self, commit: &CommitId, path: &str) -> Result<GitError, GitError> {
        let nowhere = || GitError::NoSuchPath { path: path.to_owned(), commit: Some(*commit) };
        Ok(match self.entry(commit, path)? {
            None => nowhere(),
            Some(entry) => match entry.kind {
                kind @ (Kind::Submodule | Kind::Folder) => GitError::NotAFile { path: entry.path, kind },
                _ => GitError::Missing { what: format!("blob {} (`{path}`)", entry.id) },
            },
        })
    }

    /// Where lines of a commit's file come from.
    fn origins(&self, file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        let shadow = self.usable_shadow();
        if let Some(shadow) = shadow
            && let Some(kept) = Kept::load(&shadow.blames(), &file.path)
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
            Kept { commit: file.commit, path: file.path.clone(), origins }.store(&shadow.blames());
        }
    }

    /// The same with what is kept; nothing where that does not help.
    fn origins_since(&self, kept: &Kept, file: &File, wanted: &[u32]) -> Result<Option<Origins>, GitError> {
        let Some(origins) = self.since(kept, file, wanted)? else { return Ok(None) };
        if kept.commit == file.commit {
            return Ok(Some(origins));
        }
        self.with_short_moves(origins, &file.texts, Some(kept)).map(Some)
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
            Ok(walked) => self.followed(walked, Some(kept)),
            Err(_) => Ok(None),
        }
    }

    /// The same, walking as far as it takes.
    fn origins_walked(&self, file: &File, wanted: &[u32]) -> Result<Origins, GitError> {
        let revision = [file.commit.to_string()];
        let origins = self.walk(&revision, file, if file.is_most(wanted) { &[] } else { wanted })?;
        self.with_short_moves(origins, &file.texts, None)
    }

    /// Git knows a short line as moved only together with others ([`super::moves`]). So the commits that seem to have written
    /// such lines are asked again, each for the one step from its parents with the whole of its file, where that may give
    /// another answer; and lines that moved are followed from there.
    fn with_short_moves(
        &self,
        mut origins: Origins,
        texts: &[Vec<u8>],
        kept: Option<&Kept>,
    ) -> Result<Origins, GitError> {
        let mut again: Vec<u32> = origins.keys().copied().collect();
        let mut asked = 0;
        while !again.is_empty() && asked < MOST_AGAIN {
            let mut ends: BTreeMap<Place, Vec<Pair>> = BTreeMap::new();
            for (place, (before, numbers)) in short_lines(&origins, texts, &again) {
                if asked < MOST_AGAIN && self.may_have_moved(&place, &before, texts, &numbers) {
                    asked += 1;
                    self.step(place, &numbers, &mut ends)?;
                }
            }
            again.clear();
            for ((commit, path), lines) in ends {
                asked += 1;
                let file = File { commit, path, texts: Vec::new() };
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
        // Files that are not to be read as text have no lines to move.
        let Ok(old) = self.lines_of(before) else { return false };
        if !moves::any_in(numbers.iter().map(|&(number, _)| &*texts[number as usize - 1]), &old) {
            return false;
        }
        let Ok(new) = self.lines_of(place) else { return false };
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
        let file = File { commit, path, texts: Vec::new() };
        let step = self.walk(&[format!("{commit}^!")], &file, &[])?;
        for &(number, line) in numbers {
            if let Some(Origin { commit: Some(before), path, line, is_boundary: true, .. }) = step.get(&line)
            {
                ends.entry((*before, path.clone())).or_default().push((number, *line));
            }
        }
        Ok(())
    }

    fn lines_of(&self, (commit, path): &Place) -> Result<Vec<Vec<u8>>, GitError> {
        texts(path, &self.committed(commit, path)?)
    }

    /// Goes on where a walk ended early; nothing where it ended in too many places.
    fn followed(&self, mut walked: Origins, kept: Option<&Kept>) -> Result<Option<Origins>, GitError> {
        let mut ends: BTreeMap<Place, Vec<Pair>> = BTreeMap::new();
        for (&number, origin) in &mut walked {
            let Some(commit) = origin.commit.filter(|_| origin.is_boundary) else { continue };
            let here = kept.filter(|kept| kept.commit == commit && kept.path == origin.path);
            match here.and_then(|kept| kept.origins.get(origin.line as usize - 1)) {
                Some(known) => *origin = known.clone(),
                None => ends.entry((commit, origin.path.clone())).or_default().push((number, origin.line)),
            }
        }
        if ends.len() > MOST_ENDS {
            return Ok(None);
        }
        for ((commit, path), lines) in ends {
            let texts = texts(&path, &self.committed(&commit, &path)?)?;
            let file = File { commit, path, texts };
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
        let stretches = stretches(wanted);
        if stretches.len() <= MOST_STRETCHES {
            for (first, last) in stretches {
                command.arg("-L").arg(format!("{first},{last}"));
            }
        }
        let answer = ask(command.args(revisions).arg("--").arg(&*file.path), OPERATION)?;
        Ok(parse(&answer).ok_or_else(|| malformed(OPERATION))?.into_iter().collect())
    }
}

impl Repository {
    fn blame_working(
        &self,
        path: &str,
        lines: Option<RangeInclusive<u32>>,
    ) -> Result<Vec<BlameLine>, GitError> {
        let top = self.top.as_ref().ok_or(GitError::NoWorkingTree)?;
        let head = self.head()?;
        if self.is_in_submodule(head.as_ref(), path)? {
            return Err(GitError::NotAFile { path: path.to_owned(), kind: Kind::Submodule });
        }
        let bytes = working(&top.join(path), path)?;
        let texts = texts(path, &bytes)?;
        let wanted = wanted(path, texts.len(), lines)?;
        let Some(head) = head else {
            return self.assembled(&wanted, uncommitted(path, &wanted), &texts);
        };
        let before = match self.blob(&format!("{head}:{path}"), content::MOST)? {
            Blob::Text(before) => Some(before),
            _ => None,
        };
        if before.as_ref() == Some(&bytes) {
            let file = File { commit: head, path: path.into(), texts };
            let origins = self.origins_apart(&file, &wanted)?;
            return self.assembled(&wanted, origins, &file.texts);
        }
        if before.as_deref().is_some_and(|before| content::lines(before) == Content::LfsPointer) {
            return Err(GitError::NotText { path: path.to_owned(), form: NotText::LfsPointer });
        }
        let asked = copies::with_alike(&texts, &wanted);
        let overlay = |moves| match self.overlay(&head, path, &bytes, before.is_some(), moves) {
            Ok(walked) => Ok(walked),
            // Nor was it renamed from a file that is.
            Err(GitError::Failed { message, .. }) if message.starts_with("no such path") => {
                Ok(uncommitted(path, &asked))
            }
            Err(error) => Err(error),
        };
        let mut walked = overlay(Moves::Followed)?;
        walked.retain(|number, _| asked.binary_search(number).is_ok());
        let shared = copies::shared(&walked, &texts);
        if !shared.is_empty() {
            copies::set_apart(&mut walked, &overlay(Moves::Ignored)?, &shared);
        }
        walked.retain(|number, _| wanted.binary_search(number).is_ok());
        let origins = self.followed(walked, None)?.ok_or_else(|| malformed(OPERATION))?;
        self.assembled(&wanted, origins, &texts)
    }

    fn is_in_submodule(&self, head: Option<&CommitId>, path: &str) -> Result<bool, GitError> {
        let Some((head, top)) = head.zip(self.top.as_ref()) else { return Ok(false) };
        let folders = Path::new(path).ancestors().filter(|part| !part.as_os_str().is_empty());
        // It is a folder, and has a `.git` of its own once it is checked out.
        let may_be =
            top.join(path).is_dir() || folders.into_iter().any(|part| top.join(part).join(".git").exists());
        Ok(may_be && self.entry(head, path)?.is_some_and(|entry| entry.kind == Kind::Submodule))
    }

    /// Which of a working file's lines are not those of `HEAD`: a walk of one step. It runs in the user's repository, as
    /// git takes the working file for a child of the ref `HEAD`. The index says what was renamed, and is not read where it
    /// need not be.
    fn overlay(
        &self,
        head: &CommitId,
        path: &str,
        bytes: &[u8],
        is_in_head: bool,
        moves: Moves,
    ) -> Result<Origins, GitError> {
        let mut command = self.git();
        if is_in_head {
            command.env("GIT_INDEX_FILE", self.git_dir.join("no-index"));
        }
        // Attributes name programs that git runs on a working file; this tree has none.
        command.env("GIT_ATTR_SOURCE", self.empty_tree());
        command.args(["-c", "core.autocrlf=false"]);
        let mut command = arguments(command, moves);
        command.args(["--contents", "-", &format!("^{head}"), "--", path]);
        let answer = tell(&mut command, OPERATION, bytes)?;
        Ok(parse(&answer).ok_or_else(|| malformed(OPERATION))?.into_iter().collect())
    }
}

/// What every blame is asked with. Settings that would change the answer are set.
fn arguments(mut command: Command, moves: Moves) -> Command {
    command.args(["-c", "diff.algorithm=myers", "-c", "diff.indentHeuristic=true", OPERATION]);
    command.args(["--porcelain", "--root", "-w", "--no-ignore-revs-file", "--no-textconv"]);
    if moves == Moves::Followed {
        command.arg("-M");
    }
    command
}

/// The bytes of a file in the working tree, as git would take them.
fn working(file: &Path, path: &str) -> Result<Vec<u8>, GitError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            GitError::NoSuchPath { path: path.to_owned(), commit: None }
        }
        _ => GitError::File { path: file.to_owned(), source },
    };
    let facts = file.symlink_metadata().map_err(failed)?;
    if facts.is_symlink() {
        let target = std::fs::read_link(file).map_err(failed)?;
        return Ok(target.into_os_string().into_encoded_bytes());
    }
    if !facts.is_file() {
        return Err(GitError::NotAFile { path: path.to_owned(), kind: Kind::Folder });
    }
    if facts.len() > content::MOST {
        return Err(GitError::NotText { path: path.to_owned(), form: NotText::TooLarge });
    }
    std::fs::read(file).map_err(failed)
}

/// The texts of a file's lines, numbered as git numbers them.
fn texts(path: &str, bytes: &[u8]) -> Result<Vec<Vec<u8>>, GitError> {
    let not_text = |form| GitError::NotText { path: path.to_owned(), form };
    let lines = match content::lines(bytes) {
        Content::Lines(lines) => lines,
        Content::Binary => return Err(not_text(NotText::Binary)),
        Content::LfsPointer => return Err(not_text(NotText::LfsPointer)),
        Content::TooLarge => return Err(not_text(NotText::TooLarge)),
    };
    let split: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    if content::is_utf_16(bytes) {
        // Git ends a line at every such byte, also at one inside a character: then the numbers are not ours.
        let feeds = split.len() - 1;
        let ends = lines.len() - usize::from(!ends_in_feed(bytes));
        let counts_alike = feeds == ends;
        return if counts_alike {
            Ok(lines.into_iter().map(String::into_bytes).collect())
        } else {
            Err(not_text(NotText::Binary))
        };
    }
    let open = split.last().is_some_and(|last| !last.is_empty());
    Ok(split[..split.len() - usize::from(!open)].iter().map(|line| line.to_vec()).collect())
}

/// Whether UTF-16 text ends its last line.
fn ends_in_feed(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\n\0") && bytes[0] == 0xff || bytes.ends_with(b"\0\n") && bytes[0] == 0xfe
}

/// The numbers asked for, which must all be there.
fn wanted(path: &str, count: usize, lines: Option<RangeInclusive<u32>>) -> Result<Vec<u32>, GitError> {
    let count = count as u32;
    let Some(lines) = lines else { return Ok((1..=count).collect()) };
    let beyond = [*lines.start(), *lines.end()].into_iter().find(|line| !(1..=count).contains(line));
    match beyond {
        Some(line) => Err(GitError::NoSuchLine { path: path.to_owned(), line, lines: count }),
        None => Ok(lines.collect()),
    }
}

fn uncommitted(path: &str, wanted: &[u32]) -> Origins {
    let path: Arc<str> = path.into();
    let origin = |line| Origin { commit: None, line, path: path.clone(), previous: None, is_boundary: false };
    wanted.iter().map(|&line| (line, origin(line))).collect()
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
fn short_lines(origins: &Origins, texts: &[Vec<u8>], lines: &[u32]) -> Short {
    let mut short = Short::new();
    for &number in lines {
        let Some((origin, text)) = origins.get(&number).zip(texts.get(number as usize - 1)) else { continue };
        if let (Some(commit), Some(before)) = (origin.commit, origin.previous.clone())
            && !origin.is_boundary
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
    fn lines_are_numbered_as_git_numbers_them() {
        let count = |bytes: &[u8]| texts("f", bytes).map(|texts| texts.len());
        assert_eq!(count(b"").unwrap(), 0);
        assert_eq!(count(b"a\r\nb").unwrap(), 2);
        assert_eq!(count(b"a\rb\n\n").unwrap(), 2);
        assert_eq!(count(b"\xff\xfea\0\n\0").unwrap(), 1);
        assert_eq!(count(b"\xfe\xff\0a\0\n\0b").unwrap(), 2);
        assert!(count(b"\xff\xfe\x0a\x01\n\0").is_err(), "U+010A is one line end to git, and none to us");
        assert!(count(b"a\0b").is_err());
    }

    #[test]
    fn lines_that_are_not_there_are_told() {
        assert_eq!(wanted("f", 3, None).unwrap(), [1, 2, 3]);
        assert_eq!(wanted("f", 3, Some(2..=3)).unwrap(), [2, 3]);
        for lines in [0..=1, 3..=4, 9..=9] {
            let error = wanted("f", 3, Some(lines)).unwrap_err();
            assert!(matches!(error, GitError::NoSuchLine { lines: 3, .. }), "{error}");
        }
    }

    #[test]
    fn numbers_become_stretches() {
        assert_eq!(stretches(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 7), (9, 10)]);
    }
}
