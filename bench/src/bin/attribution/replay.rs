//! The replay itself: what was planned is asked for through the gateway, written, and committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use waymark_testkit::Random;

use crate::git::Git;
use crate::history::{History, Step};
use crate::house::House;
use crate::moments::Done;
use crate::plan::{Emission, Planner};
use crate::truth::{File, Page, Truth, Why};

/// Commits have seconds, records have less: nobody is asked in the second of a commit.
const SECOND: Duration = Duration::from_millis(1_050);

/// Files and who wrote their lines.
pub(crate) type Pages = BTreeMap<String, Page>;

/// A repository in the making.
pub(crate) struct Replay {
    pub(crate) git: Git,
    pub(crate) planner: Planner,
    /// Every emission and its record.
    pub(crate) made: BTreeMap<usize, Made>,
    /// The commits, by their numbers in the replay.
    commits: Vec<String>,
    committed: Instant,
    /// The batch under way: the commit before it, and what it touches.
    batch: Batch,
}

/// An emission that was asked for.
pub(crate) struct Made {
    pub(crate) emission: Emission,
    pub(crate) record: String,
}

/// Some commits on end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Batch {
    /// The commit before the first.
    pub(crate) base: String,
    /// The last.
    pub(crate) tip: String,
    /// The files that are there before, after all but the last, and after all.
    pub(crate) before: Pages,
    pub(crate) last_but_one: Pages,
    pub(crate) pages: Pages,
    /// The files that are there after all, as the planner has them.
    pub(crate) files: BTreeMap<String, File>,
    /// The number of the last commit.
    pub(crate) number: usize,
    pub(crate) touched: BTreeSet<String>,
    /// How its commits came about.
    pub(crate) done: Vec<Done>,
}

impl Replay {
    /// A repository with the history's base as its first commit.
    pub(crate) fn new(
        history: &History,
        folder: &Path,
        first_emission: usize,
        random: Random,
    ) -> Result<Self> {
        let git = Git::init(&folder.join(&history.name))?;
        for (path, text) in &history.base {
            git.write(path, &File::typed(text, 0).text())?;
        }
        let base = git.commit("base")?;
        Ok(Self {
            git,
            planner: Planner::new(history, first_emission, random),
            made: BTreeMap::new(),
            commits: vec![base],
            committed: Instant::now(),
            batch: Batch::default(),
        })
    }

    /// Replays some commits; what there then is to ask about.
    pub(crate) fn batch(&mut self, steps: &[Step], house: &House) -> Result<Batch> {
        self.batch = Batch { base: self.head(), before: self.pages(|_| true), ..Batch::default() };
        for (number, step) in steps.iter().enumerate() {
            if number + 1 == steps.len() {
                self.batch.last_but_one = self.pages(|_| true);
            }
            self.step(step, house).with_context(|| format!("commit {}", self.planner.commit))?;
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.tip = self.head();
        batch.number = self.planner.commit;
        batch.pages = self.pages(|path| batch.touched.contains(path));
        batch.last_but_one.retain(|path, _| batch.touched.contains(path));
        let files = self.planner.files.iter().filter(|(path, _)| batch.touched.contains(*path));
        batch.files = files.map(|(path, file)| (path.clone(), file.clone())).collect();
        Ok(batch)
    }

    /// The repository's name.
    fn name(&self) -> &str {
        self.git.folder().file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    fn head(&self) -> String {
        self.commits.last().cloned().unwrap_or_default()
    }

    fn pages(&self, wanted: impl Fn(&str) -> bool) -> Pages {
        let files = self.planner.files.iter().filter(|(path, _)| wanted(path));
        files.map(|(path, file)| (path.clone(), file.page())).collect()
    }

    fn step(&mut self, step: &Step, house: &House) -> Result<()> {
        let planned = self.planner.step(step);
        if !planned.emissions.is_empty() {
            std::thread::sleep(SECOND.saturating_sub(self.committed.elapsed()));
        }
        let mut emissions = planned.emissions;
        for (before, word) in &planned.words {
            let later = emissions.split_off(emissions.partition_point(|emission| emission.number < *before));
            self.makes(std::mem::replace(&mut emissions, later), house)?;
            let made = word.emission.and_then(|emission| self.made.get(&emission));
            house.says(word, made.map(|made| made.record.as_str()), self.name())?;
        }
        self.makes(emissions, house)?;
        for path in &planned.touched {
            match self.planner.files.get(path) {
                Some(file) => self.git.write(path, &file.text())?,
                // One that was made and taken away in between is not there.
                None => drop(std::fs::remove_file(self.git.folder().join(path))),
            }
        }
        let texts = planned.touched.iter();
        let texts = texts.map(|path| (path.clone(), self.planner.files.get(path).map(File::text)));
        self.batch.done.push(Done {
            subject: step.subject.clone(),
            moments: planned.moments,
            texts: texts.collect(),
        });
        self.commits.push(self.git.commit(&step.subject)?);
        self.committed = Instant::now();
        for path in &planned.touched {
            self.looks_at_blame(path)?;
        }
        self.batch.touched.extend(planned.touched);
        Ok(())
    }

    fn makes(&mut self, emissions: Vec<Emission>, house: &House) -> Result<()> {
        let mut records = house.asks(&emissions)?;
        for emission in emissions {
            let record = records.remove(&emission.number).context("an emission without a record")?;
            self.made.insert(emission.number, Made { emission, record });
        }
        Ok(())
    }

    /// Where git's own blame takes a line for another of the same text, nobody could tell whose it is.
    fn looks_at_blame(&mut self, path: &str) -> Result<()> {
        let Some(file) = self.planner.files.get_mut(path).filter(|file| file.lines().next().is_some()) else {
            return Ok(());
        };
        let told = self.git.run(&["blame", "-w", "--porcelain", "HEAD", "--", path])?;
        let lines = file.entries.iter_mut().filter_map(|entry| entry.live_mut());
        for (line, commit) in lines.zip(blamed(&told)) {
            if self.commits.get(line.born).is_none_or(|born| born != commit) {
                line.truth = Truth::Unclear(Why::Misplaced);
            }
        }
        Ok(())
    }
}

/// The commit of every line, in order.
fn blamed(porcelain: &str) -> impl Iterator<Item = &str> {
    let mut lines = porcelain.lines();
    std::iter::from_fn(move || {
        let (commit, _) = lines.next()?.split_once(' ')?;
        lines.find(|line| line.starts_with('\t'))?;
        Some(commit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blame_names_a_commit_for_every_line() {
        let told =
            "aaa 1 1 2\nauthor Ada\nfilename a\n\tone\naaa 2 2\n\ttwo\nbbb 1 3 1\nauthor Ada\n\tthree\n";
        assert_eq!(blamed(told).collect::<Vec<_>>(), ["aaa", "aaa", "bbb"]);
    }
}
