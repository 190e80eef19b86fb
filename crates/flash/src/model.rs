//! The model's handle: open a repository, complete, take saved files in, follow commits.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;

use crate::base::Base;
use crate::complete;
use crate::corpus::{Reader, Skipped};
use crate::error::Error;
use crate::git::Git;
use crate::overlay::{Origin, Overlay, SavedFile};
use crate::request::{Completion, CompletionRequest, Progress, Stats};
use crate::state::{Save, State};
use crate::watch::{self, Watch};

/// The embedded code model over one repository. Clones share it.
#[derive(Clone)]
pub struct Flash {
    inner: Arc<Inner>,
}

struct Inner {
    git: Option<Git>,
    state: ArcSwap<State>,
    /// Held while a next state is made from the current one.
    writing: Mutex<()>,
}

impl std::fmt::Debug for Flash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Flash").field("version", &self.version()).finish_non_exhaustive()
    }
}

impl Flash {
    /// Indexes the commit at HEAD of the repository that holds `repo`, and takes tracked files that were saved
    /// since as saved edits.
    pub fn open(repo: &Path, progress: &dyn Fn(Progress)) -> Result<Self, Error> {
        let git = Git::discover(repo)?;
        let state = read(&git, progress)?;
        let saves = dirty(&git, &state)?;
        let state = if saves.is_empty() { state } else { state.with_saves(saves) };
        progress(Progress::Done);
        Ok(Self::with(Some(git), state))
    }

    /// A model without a corpus: it knows the live buffer only.
    pub fn empty() -> Self {
        let state = State::new(Arc::new(Base::default()), Overlay::new(), Arc::new(Skipped::new()), 0.0);
        Self::with(None, state)
    }

    fn with(git: Option<Git>, state: State) -> Self {
        Self { inner: Arc::new(Inner { git, state: ArcSwap::from_pointee(state), writing: Mutex::new(()) }) }
    }

    /// What the model holds.
    pub fn stats(&self) -> Stats {
        self.inner.state.load().stats()
    }

    /// The working tree's folder, when there is one.
    pub fn work_tree(&self) -> Option<&Path> {
        self.git()?.work_tree.as_deref()
    }

    /// The indexed files with the most tokens, largest first, relative to the working tree.
    pub fn largest_files(&self, limit: usize) -> Vec<String> {
        let state = self.state();
        let mut files: Vec<_> = state.base.files.iter().collect();
        files.sort_by_key(|file| (std::cmp::Reverse(file.lexed.len()), &file.path));
        files.into_iter().take(limit).map(|file| file.path.clone()).collect()
    }

    /// Names everything an answer depends on: corpus, saved edits, lexer, ranking, calibration.
    pub fn version(&self) -> String {
        self.inner.state.load().version.clone()
    }

    /// The rest of the line at a cursor, or nothing. Never fails, never blocks on a write in progress.
    pub fn complete(&self, request: &CompletionRequest<'_>) -> Completion {
        let state = self.inner.state.load();
        let path = request.path.and_then(|path| self.relative(path));
        complete::complete(&state, request, path.as_deref())
    }

    /// Takes a file as saved with this text: it hides its committed version until they are equal.
    pub fn saved(&self, path: &str, text: &str) {
        if let Some(path) = self.relative(path) {
            self.save([Save { path, text: Some(text.to_owned()), origin: Origin::Told }]);
        }
    }

    /// Follows the working tree and HEAD until the guard is dropped.
    pub fn watch(&self) -> Result<Watch, Error> {
        watch::start(self)
    }

    /// The repository, when there is one.
    pub(crate) fn git(&self) -> Option<&Git> {
        self.inner.git.as_ref()
    }

    /// The current state.
    pub(crate) fn state(&self) -> Arc<State> {
        self.inner.state.load_full()
    }

    /// Takes several files as saved.
    pub(crate) fn save(&self, saves: impl IntoIterator<Item = Save>) {
        let _writing = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.inner.state.load().with_saves(saves);
        self.inner.state.store(Arc::new(next));
    }

    /// Reads HEAD and the working tree again and swaps them in.
    pub(crate) fn refresh(&self) -> Result<(), Error> {
        let Some(git) = self.git() else { return Ok(()) };
        let fresh = read(git, &|_| {})?;
        let _writing = self.inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // What callers handed over stays until the commit or the disk says the same or something newer.
        let current = self.inner.state.load();
        let told = current.overlay.iter().filter(|(_, saved)| saved.origin == Origin::Told);
        let mut saves: Vec<Save> = told.map(|(path, saved)| carried(path, saved)).collect();
        for save in dirty(git, &fresh)? {
            if !saves.iter().any(|told| told.path == save.path) {
                saves.push(save);
            }
        }
        self.inner.state.store(Arc::new(fresh.with_saves(saves)));
        Ok(())
    }

    /// A path as the repository's tree writes it; nothing for one that climbs out of it.
    pub(crate) fn relative(&self, path: &str) -> Option<String> {
        let path = path.strip_prefix("file://").unwrap_or(path).replace('\\', "/");
        let root = self.git().and_then(|git| git.work_tree.as_deref());
        let inside = match root {
            Some(root) if Path::new(&path).is_absolute() => below(root, Path::new(&path))?,
            _ => path,
        };
        let parts: Vec<&str> = inside.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        (!parts.is_empty() && !parts.contains(&"..")).then(|| parts.join("/"))
    }
}

/// An absolute path as seen from a root; nothing when it lies elsewhere.
fn below(root: &Path, path: &Path) -> Option<String> {
    if let Ok(inside) = path.strip_prefix(root) {
        return inside.to_str().map(str::to_owned);
    }
    // The editor may reach the working tree through a symbolic link.
    let directory = path.parent()?.canonicalize().ok()?;
    let inside = directory.strip_prefix(root).ok()?.join(path.file_name()?);
    inside.to_str().map(str::to_owned)
}

fn carried(path: &str, saved: &SavedFile) -> Save {
    Save { path: path.to_owned(), text: Some(saved.lexed.text().to_owned()), origin: Origin::Told }
}

fn read(git: &Git, progress: &dyn Fn(Progress)) -> Result<State, Error> {
    let started = Instant::now();
    let commit = git.commit("HEAD")?;
    let (base, skipped) = Reader::new(git).read(commit, progress)?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(State::new(Arc::new(base), Overlay::new(), Arc::new(skipped), seconds))
}

/// Tracked files whose text on disk is not the commit's.
fn dirty(git: &Git, state: &State) -> Result<Vec<Save>, Error> {
    let Some(root) = &git.work_tree else { return Ok(Vec::new()) };
    let paths = git.dirty(state.base.commit.as_deref())?;
    Ok(paths.into_iter().map(|path| from_disk(root, path)).collect())
}

/// A file as it stands in the working tree.
pub(crate) fn from_disk(root: &Path, path: String) -> Save {
    let file = root.join(&path);
    let plain = std::fs::symlink_metadata(&file)
        .is_ok_and(|facts| facts.is_file() && facts.len() <= crate::selection::LONGEST_FILE);
    let text =
        if plain { std::fs::read(&file).ok().and_then(|bytes| String::from_utf8(bytes).ok()) } else { None };
    Save { path, text, origin: Origin::Disk }
}
