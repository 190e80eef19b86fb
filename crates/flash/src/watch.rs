//! Follows the working tree: saved files become saved edits, a new commit becomes the new index.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::error::Error;
use crate::git::Git;
use crate::model::{Flash, from_disk};

/// So many files changed at once are a checkout, not typing: everything is read again when it is over.
const BURST: usize = 256;

/// How long a checkout must be silent before it counts as over.
const QUIET: Duration = Duration::from_millis(150);

/// Follows a repository until it is dropped.
#[derive(Debug)]
pub struct Watch {
    signals: Sender<Signal>,
    threads: Vec<JoinHandle<()>>,
}

/// What the following thread is woken by.
#[derive(Debug)]
enum Signal {
    Event(notify::Result<Event>),
    /// The index is new: there may be new directories to watch.
    Rebuilt,
    Stop,
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Without a receiver the threads have ended already.
        let _ = self.signals.send(Signal::Stop);
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to clean up.
            let _ = thread.join();
        }
    }
}

/// Starts following the model's repository.
pub(crate) fn start(flash: &Flash) -> Result<Watch, Error> {
    let git = flash.git().ok_or(Error::NothingToWatch)?.clone();
    let root = git.work_tree.clone().ok_or(Error::NothingToWatch)?;
    let (signals, receive) = channel();
    let seen = signals.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // The receiver is gone only when following has ended.
        let _ = seen.send(Signal::Event(event));
    })
    .map_err(Error::Watch)?;
    let mut follower = Follower { flash: flash.clone(), git, root, watcher, watched: BTreeSet::new() };
    follower.watch_directories()?;
    let (rebuild, rebuilds) = channel();
    let (rebuilder, rebuilt) = (flash.clone(), signals.clone());
    let threads = vec![
        spawn("waymark-flash-watch", move || follower.run(&receive, &rebuild))?,
        spawn("waymark-flash-index", move || rebuild_when_asked(&rebuilder, &rebuilds, &rebuilt))?,
    ];
    Ok(Watch { signals, threads })
}

fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(|source| Error::Thread { name, source })
}

fn rebuild_when_asked(flash: &Flash, asked: &Receiver<()>, rebuilt: &Sender<Signal>) {
    while asked.recv().is_ok() {
        while asked.try_recv().is_ok() {}
        if let Err(error) = flash.refresh() {
            tracing::warn!(%error, "the index could not be rebuilt");
        }
        // The receiver is gone only when following has ended.
        let _ = rebuilt.send(Signal::Rebuilt);
    }
}

struct Follower {
    flash: Flash,
    git: Git,
    root: PathBuf,
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

/// What a bunch of events comes to.
#[derive(Default)]
struct Changes {
    files: BTreeSet<String>,
    head: bool,
    everything: bool,
    rebuilt: bool,
    stop: bool,
}

impl Follower {
    /// Where HEAD's moves can be seen.
    fn git_directories(&self) -> Vec<PathBuf> {
        let mut directories = vec![self.git.git_dir.clone(), self.git.git_dir.join("logs")];
        if self.git.shared_dir != self.git.git_dir {
            directories.push(self.git.shared_dir.clone());
        }
        directories.retain(|directory| directory.is_dir());
        directories
    }

    /// Watches the directories that hold tracked files, and git's own, as far as they are not watched yet.
    fn watch_directories(&mut self) -> Result<(), Error> {
        for directory in self.git_directories() {
            self.watch_directory(directory)?;
        }
        let state = self.flash.state();
        let committed = state.base.files.iter().map(|file| file.path.as_str());
        let saved = state.overlay.keys().map(String::as_str);
        let directories: BTreeSet<&str> = committed
            .chain(saved)
            .map(|path| path.rsplit_once('/').map_or("", |(directory, _)| directory))
            .collect();
        for directory in directories.into_iter().chain([""]) {
            self.watch_directory(self.root.join(directory))?;
        }
        Ok(())
    }

    fn watch_directory(&mut self, directory: PathBuf) -> Result<(), Error> {
        if self.watched.contains(&directory) || !directory.is_dir() {
            return Ok(());
        }
        match self.watcher.watch(&directory, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.watched.insert(directory);
                Ok(())
            }
            // A directory may have gone meanwhile; only a full watch table is a fault.
            Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => Err(Error::Watch(error)),
            Err(error) => {
                tracing::debug!(%error, "a directory cannot be watched");
                Ok(())
            }
        }
    }

    fn run(mut self, signals: &Receiver<Signal>, rebuild: &Sender<()>) {
        // Git writes its log before it moves the ref: a HEAD that has not moved yet is looked at
        // until all is quiet.
        let mut look_again = false;
        loop {
            let first = match look_again {
                false => signals.recv().map_err(|_| RecvTimeoutError::Disconnected),
                true => signals.recv_timeout(QUIET),
            };
            let mut changes = Changes { head: look_again, ..Changes::default() };
            let quiet = first.is_err();
            match first {
                Ok(signal) => self.note(signal, &mut changes),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok(signal) = signals.try_recv() {
                self.note(signal, &mut changes);
            }
            if !changes.stop && (changes.files.len() > BURST || changes.everything) {
                changes.stop = self.wait_until_quiet(signals);
                changes.files.clear();
                // The index thread ends only after this one.
                let _ = rebuild.send(());
            }
            if changes.stop {
                return;
            }
            if changes.rebuilt
                && let Err(error) = self.watch_directories()
            {
                tracing::warn!(%error, "new directories cannot be watched");
            }
            self.save(changes.files);
            let moved = changes.head && self.head_moved();
            if moved {
                let _ = rebuild.send(());
            }
            look_again = changes.head && !moved && !quiet;
        }
    }

    /// Waits for a checkout to end; whether following should stop.
    fn wait_until_quiet(&self, signals: &Receiver<Signal>) -> bool {
        // A lock left behind by a git that died must not hold the index back for ever.
        let mut patience = 400;
        loop {
            match signals.recv_timeout(QUIET) {
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout)
                    if patience > 0 && self.git.git_dir.join("index.lock").exists() =>
                {
                    patience -= 1;
                }
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    fn note(&self, signal: Signal, changes: &mut Changes) {
        let event = match signal {
            Signal::Event(Ok(event)) => event,
            Signal::Event(Err(_)) => {
                changes.everything = true;
                return;
            }
            Signal::Rebuilt => {
                changes.rebuilt = true;
                return;
            }
            Signal::Stop => {
                changes.stop = true;
                return;
            }
        };
        changes.everything |= event.need_rescan();
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in &event.paths {
            if path.starts_with(&self.git.git_dir) || path.starts_with(&self.git.shared_dir) {
                let named = |name: &str| path.file_name() == Some(name.as_ref());
                changes.head |= named("HEAD") || named("packed-refs");
                // The first commit ever makes the directory of the logs.
                changes.everything |= named("logs");
            } else if let Some(path) = path.strip_prefix(&self.root).ok().and_then(Path::to_str) {
                changes.files.insert(path.replace('\\', "/"));
            }
        }
    }

    fn head_moved(&self) -> bool {
        match self.git.commit("HEAD") {
            Ok(commit) => commit != self.flash.state().base.commit,
            Err(error) => {
                tracing::debug!(%error, "HEAD cannot be read");
                false
            }
        }
    }

    fn save(&self, files: BTreeSet<String>) {
        let state = self.flash.state();
        let known = |path: &String| state.base.by_path.contains_key(path) || state.overlay.contains_key(path);
        let (mut tracked, unknown): (Vec<String>, Vec<String>) = files.into_iter().partition(known);
        match self.git.tracked(&unknown) {
            Ok(more) => tracked.extend(more),
            Err(error) => tracing::debug!(%error, "git cannot say which files it tracks"),
        }
        if !tracked.is_empty() {
            self.flash.save(tracked.into_iter().map(|path| from_disk(&self.root, path)));
        }
    }
}
