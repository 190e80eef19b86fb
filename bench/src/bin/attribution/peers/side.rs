//! Waymark and the other tools side by side: which are there, what each says, and the table of it.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::json;
use waymark_testkit::Random;

use super::git_ai::GitAi;
use super::tally::{Tally, told};
use super::whogitit::Whogitit;
use super::{Peer, PeerReplay, replay, waymark};
use crate::history::History;
use crate::house::House;
use crate::replay::{Batch, Replay};
use crate::rewrites::Rewrite;

/// The tools that there are.
#[derive(Default)]
pub(crate) struct Tools {
    peers: Vec<Box<dyn Peer>>,
}

/// The tools at work.
pub(crate) struct Side<'a> {
    tools: &'a Tools,
    /// Each tool twice: with the hooks that it comes with, and as if every assistant had one.
    replays: Vec<PeerReplay<'a>>,
    /// Waymark first, then as above.
    tallies: Vec<(String, Tally)>,
    /// The same without any hook, as committed.
    bare: Vec<(String, Tally)>,
}

impl Tools {
    pub(crate) fn new(git_ai: Option<&Path>, whogitit: Option<&Path>) -> Result<Self> {
        let found = |program: &Path| {
            let told = || format!("there is no program at {}", program.display());
            program.canonicalize().with_context(told)
        };
        let mut peers: Vec<Box<dyn Peer>> = Vec::new();
        if let Some(program) = git_ai {
            peers.push(Box::new(GitAi::new(&found(program)?)?));
        }
        if let Some(program) = whogitit {
            peers.push(Box::new(Whogitit::new(&found(program)?)?));
        }
        Ok(Self { peers })
    }

    /// Each of them with the hooks that it comes with, and as if every assistant had one.
    fn ways(&self) -> impl Iterator<Item = (&dyn Peer, bool)> {
        self.peers.iter().flat_map(|peer| [(&**peer, false), (&**peer, true)])
    }
}

impl<'a> Side<'a> {
    pub(crate) fn new(tools: &'a Tools) -> Self {
        let name = |(peer, is_everywhere): (&dyn Peer, bool)| PeerReplay::named(peer, is_everywhere);
        let names = std::iter::once("Waymark".to_owned()).chain(tools.ways().map(name));
        let bare = std::iter::once("Waymark").chain(tools.peers.iter().map(|peer| peer.name()));
        Self {
            tools,
            replays: Vec::new(),
            tallies: names.map(|name| (name, Tally::default())).collect(),
            bare: bare.map(|name| (name.to_owned(), Tally::default())).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tools.peers.is_empty()
    }

    /// A repository for each.
    pub(crate) fn begins(&mut self, history: &History, folder: &Path) -> Result<()> {
        let ways = self.tools.ways().enumerate();
        let replays = ways.map(|(number, (peer, is_everywhere))| {
            PeerReplay::new(peer, is_everywhere, history, &folder.join(format!("peer-{number}")))
        });
        self.replays = replays.collect::<Result<_>>()?;
        Ok(())
    }

    /// The batch through each, and every rewrite of it; then everybody is asked.
    pub(crate) fn replays(
        &mut self,
        house: &House,
        replay: &Replay,
        batch: &Batch,
        random: &mut Random,
        wanted: &[String],
    ) -> Result<()> {
        let records = replay.made.iter().map(|(number, made)| (&*made.record, *number)).collect();
        let mut batches = Vec::new();
        for (peer, (name, tally)) in self.replays.iter_mut().zip(self.tallies.iter_mut().skip(1)) {
            batches.push(peer.batch(batch, replay, tally).with_context(|| name.clone())?);
        }
        for rewrite in Rewrite::all() {
            let seed = random.bits();
            if !wanted.is_empty() && !wanted.iter().any(|name| name == rewrite.name()) {
                continue;
            }
            let scratch = tempfile::tempdir().context("a folder for rewrites")?;
            let own = scratch.path().join("waymark");
            let rewritten = rewrite.apply(&replay.git, &own, batch, &mut Random::seeded(seed))?;
            rewritten.holds().with_context(|| rewrite.name())?;
            let waymark = |path: &str, _: usize| {
                waymark::blame(house.waymark(), rewritten.git.folder(), path, &records)
            };
            replay::asks(rewrite, &rewritten, replay, &mut self.tallies[0].1, waymark)?;
            if rewrite == Rewrite::None {
                replay::asks(rewrite, &rewritten, replay, &mut self.bare[0].1, waymark)?;
                for (peer, (name, tally)) in self.tools.peers.iter().zip(self.bare.iter_mut().skip(1)) {
                    let blame = |path: &str, lines: usize| peer.blame(&rewritten.git, path, lines);
                    replay::asks(rewrite, &rewritten, replay, tally, blame).with_context(|| name.clone())?;
                }
            }
            for (number, peer) in self.replays.iter().enumerate() {
                let (name, tally) = &mut self.tallies[number + 1];
                let told = || format!("{name}, {}", rewrite.name());
                let folder = scratch.path().join(number.to_string());
                let mut random = Random::seeded(seed);
                let rewritten = rewrite.apply(peer.git(), &folder, &batches[number], &mut random);
                let rewritten = rewritten.with_context(told)?;
                rewritten.holds().with_context(told)?;
                peer.asks(rewrite, &rewritten, replay, tally).with_context(told)?;
            }
        }
        Ok(())
    }

    /// Prints the tables and writes them.
    pub(crate) fn ends(&self, out: &Path, seed: u64) -> Result<()> {
        let (text, tables) = told(&self.tallies);
        println!("{text}");
        println!("* as if every assistant had a hook, those that the tool comes without included\n");
        let (text, bare) = told(&self.bare);
        let first: Vec<&str> = text.lines().take(2).collect();
        println!("no hook in git, in an editor or in an assistant:\n{}\n", first.join("\n"));
        let mut versions = serde_json::Map::new();
        for peer in &self.tools.peers {
            versions.insert(peer.name().to_owned(), peer.version()?.into());
        }
        println!("seed {seed}, {versions:?}");
        let report = json!({"seed": seed, "versions": versions, "tools": tables, "no_hooks": bare});
        std::fs::write(out.join("peers.json"), format!("{report:#}\n")).context("the report")
    }
}
