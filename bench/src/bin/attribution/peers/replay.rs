//! A history put through a tool: the same hands over the same files, and its hooks called as they would be.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::tally::Tally;
use super::{Answer, Peer};
use crate::git::Git;
use crate::history::History;
use crate::moments::{By, Done, Moment};
use crate::replay::{Batch, Replay};
use crate::rewrites::{Rewrite, Rewritten};
use crate::truth::File;

/// A tool at work on a repository.
pub(crate) struct PeerReplay<'a> {
    peer: &'a dyn Peer,
    /// Assistants without a hook are taken to have one.
    is_everywhere: bool,
    git: Git,
    tip: String,
    /// Nobody else's hand is on a file before then.
    rests_until: Instant,
}

impl<'a> PeerReplay<'a> {
    /// A repository with the history's base as its first commit.
    pub(crate) fn new(
        peer: &'a dyn Peer,
        is_everywhere: bool,
        history: &History,
        folder: &Path,
    ) -> Result<Self> {
        let git = Git::init_with(&folder.join(&history.name), peer.environment())?;
        peer.readies(&git)?;
        for (path, text) in &history.base {
            git.write(path, &File::typed(text, 0).text())?;
        }
        let tip = git.commit("base")?;
        peer.settles(&git)?;
        Ok(Self { peer, is_everywhere, git, tip, rests_until: Instant::now() })
    }

    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// How it is named in the tables.
    pub(crate) fn named(peer: &dyn Peer, is_everywhere: bool) -> String {
        format!("{}{}", peer.name(), if is_everywhere { "*" } else { "" })
    }

    /// Replays what was replayed; the batch with the commits that it has here.
    pub(crate) fn batch(&mut self, batch: &Batch, replay: &Replay, tally: &mut Tally) -> Result<Batch> {
        let base = self.tip.clone();
        for done in &batch.done {
            self.tip = self.commits(done, replay, tally).with_context(|| done.subject.clone())?;
        }
        Ok(Batch { base, tip: self.tip.clone(), ..batch.clone() })
    }

    fn commits(&mut self, done: &Done, replay: &Replay, tally: &mut Tally) -> Result<String> {
        for moment in &done.moments {
            self.passes(moment, replay, tally)?;
        }
        for (path, text) in &done.texts {
            let file = self.git.folder().join(path);
            match text {
                Some(text) => {
                    let is = std::fs::read_to_string(&file).unwrap_or_default();
                    ensure!(is == *text, "{path} came out otherwise than it was committed");
                }
                None => drop(std::fs::remove_file(file)),
            }
        }
        let began = Instant::now();
        let tip = self.git.commit(&done.subject)?;
        tally.commits.add(began.elapsed());
        self.settles(tally)?;
        Ok(tip)
    }

    fn settles(&self, tally: &mut Tally) -> Result<()> {
        let began = Instant::now();
        self.peer.settles(&self.git)?;
        tally.waits.add(began.elapsed());
        Ok(())
    }

    /// One hand goes over one file.
    fn passes(&mut self, moment: &Moment, replay: &Replay, tally: &mut Tally) -> Result<()> {
        let Moment { path, by, text } = moment;
        let emission = match by {
            By::Assistant(number) => replay.made.get(number).map(|made| &made.emission),
            By::Person | By::Formatter => None,
        };
        let emission = emission.filter(|it| self.is_everywhere || self.peer.has_hook(it.assistant));
        let is = std::fs::read_to_string(self.git.folder().join(path)).ok();
        if is.as_deref() == Some(text) {
            return Ok(());
        }
        if emission.is_none() {
            std::thread::sleep(self.rests_until.saturating_duration_since(Instant::now()));
        }
        let mut spent = Duration::ZERO;
        let mut timed = |hook: &dyn Fn() -> Result<()>| {
            let began = Instant::now();
            let done = hook();
            spent += began.elapsed();
            done
        };
        if let Some(emission) = emission {
            timed(&|| self.peer.before(&self.git, path, emission))?;
        }
        self.git.write(path, text)?;
        match (by, emission) {
            (By::Assistant(_), Some(emission)) => {
                timed(&|| self.peer.after(&self.git, path, emission))?;
                tally.hooks.add(spent);
                self.rests_until = Instant::now() + self.peer.rests(emission);
            }
            (By::Person, _) => timed(&|| self.peer.typed(&self.git, path))?,
            // Nobody tells of these.
            (By::Assistant(_) | By::Formatter, _) => {}
        }
        Ok(())
    }

    /// Asks after a rewrite of its own repository.
    pub(crate) fn asks(
        &self,
        rewrite: Rewrite,
        rewritten: &Rewritten,
        replay: &Replay,
        tally: &mut Tally,
    ) -> Result<()> {
        self.settles(tally)?;
        let blame = |path: &str, lines: usize| self.peer.blame(&rewritten.git, path, lines);
        asks(rewrite, rewritten, replay, tally, blame)
    }
}

/// Asks a tool about every file of a repository; `blame` takes a path and how many lines it has.
pub(crate) fn asks(
    rewrite: Rewrite,
    rewritten: &Rewritten,
    replay: &Replay,
    tally: &mut Tally,
    blame: impl Fn(&str, usize) -> Result<Vec<Answer>>,
) -> Result<()> {
    for (path, page) in rewritten.pages.iter().filter(|(_, page)| !page.is_empty()) {
        let began = Instant::now();
        let answers = blame(path, page.len())?;
        tally.blames.add(began.elapsed());
        for ((text, truth), answer) in page.iter().zip(&answers) {
            let made = truth.origin().and_then(|origin| replay.made.get(&origin.emission));
            tally.add(rewrite, text, truth, made.map(|made| &made.emission), answer);
        }
    }
    Ok(())
}
