//! Asks after a rewrite, keeps the score, and says what went wrong in enough detail to see why.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use waymark_testkit::Waymark;

use crate::ask::{self, Said};
use crate::history::History;
use crate::replay::Replay;
use crate::rewrites::{Rewrite, Rewritten};
use crate::score::{Case, Kind, Score, Verdict};
use crate::truth::{Truth, share};

/// So many are asked at a time.
const WORKERS: usize = 2;
/// So many examples of what went wrong are shown: a person's line that was taken, a model's that was not found.
const SHOWN: [usize; 2] = [20, 20];

/// What was found so far.
pub(crate) struct Report {
    seed: u64,
    out: PathBuf,
    score: Score,
    thefts: Vec<String>,
    /// By the kind of evidence, in all rewrites.
    kinds: BTreeMap<String, usize>,
    wrongs: Vec<String>,
    /// Questions that had to be asked again.
    failures: Vec<String>,
    histories: Vec<serde_json::Value>,
}

impl Report {
    pub(crate) fn new(seed: u64, out: &Path) -> Result<Self> {
        std::fs::create_dir_all(out).context("the folder for the report")?;
        let (thefts, wrongs, histories) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self {
            seed,
            out: out.to_owned(),
            score: Score::default(),
            thefts,
            kinds: BTreeMap::new(),
            failures: Vec::new(),
            wrongs,
            histories,
        })
    }

    /// Asks about every file.
    pub(crate) fn asks(
        &mut self,
        rewrite: Rewrite,
        waymark: &Waymark,
        rewritten: &Rewritten,
        replay: &Replay,
    ) -> Result<()> {
        for (path, said) in answers(waymark, rewritten, &mut self.failures)? {
            let page = &rewritten.pages[&path];
            ensure!(said.len() == page.len(), "{path}: {} lines, {} answers", page.len(), said.len());
            for (number, ((text, truth), said)) in page.iter().zip(&said).enumerate() {
                ensure!(said.text == *text, "{path}:{}: {text:?} is told as {:?}", number + 1, said.text);
                let made = truth.origin().and_then(|origin| replay.made.get(&origin.emission));
                let record = made.map(|made| made.record.as_str());
                let assistant = made.map(|made| made.emission.assistant.name());
                let case = Case { text, truth, record, assistant, said };
                let list = match self.score.add(rewrite, &case) {
                    Verdict::Theft => {
                        let kind = said.evidence["kind"].as_str().unwrap_or("no kind").to_owned();
                        *self.kinds.entry(kind).or_default() += 1;
                        &mut self.thefts
                    }
                    Verdict::Wrong
                        if !matches!(Kind::of(text, truth), Kind::TrivialHuman | Kind::TrivialModel) =>
                    {
                        &mut self.wrongs
                    }
                    _ => continue,
                };
                let place = format!("{}: {path}:{}", rewrite.name(), number + 1);
                list.push(told(&place, &case, replay));
            }
        }
        Ok(())
    }

    /// Keeps what a replay has put out.
    pub(crate) fn takes_in(&mut self, history: &History, replay: &Replay) -> Result<()> {
        let emissions = replay.made.values().map(|made| {
            let emission = &made.emission;
            json!({"number": emission.number, "assistant": emission.assistant.name(), "path": emission.path,
                "fate": format!("{:?}", emission.fate).to_lowercase(), "record": made.record,
                "answer": emission.answer.told(), "request": emission.asked.body})
        });
        let lines: String = emissions.map(|emission| format!("{emission}\n")).collect();
        let file = self.out.join(format!("emissions-{}.jsonl", history.name));
        std::fs::write(&file, lines).context("the emissions")?;
        self.histories.push(json!({"name": history.name, "commits": history.steps.len(),
            "emissions": replay.made.len()}));
        Ok(())
    }

    /// Prints everything and writes the report; how many targets are missed.
    pub(crate) fn ends(&self) -> Result<usize> {
        for (shown, list) in SHOWN.iter().zip([&self.thefts, &self.wrongs]) {
            list.iter().take(*shown).for_each(|told| println!("{told}\n"));
        }
        println!("{}", self.score);
        if !self.kinds.is_empty() {
            println!("lines of people called a model's, after all rewrites, by evidence: {:?}", self.kinds);
        }
        let mut misses = self.score.misses();
        if let Some(first) = self.failures.first() {
            misses.push(format!("{} questions had to be asked again, first: {first}", self.failures.len()));
        }
        misses.iter().for_each(|miss| println!("BAD  {miss}"));
        let mut report = self.score.to_json();
        report["seed"] = self.seed.into();
        report["histories"] = self.histories.clone().into();
        report["taken_by_evidence"] = json!(self.kinds);
        report["taken_from_people"] = self.thefts.clone().into();
        report["not_found"] = self.wrongs.clone().into();
        let file = self.out.join("attribution.json");
        std::fs::write(&file, format!("{report:#}\n")).context("the report")?;
        println!("seed {}, report: {}", self.seed, file.display());
        Ok(misses.len())
    }
}

/// What is said of every file, asked by several at a time.
fn answers(
    waymark: &Waymark,
    rewritten: &Rewritten,
    failures: &mut Vec<String>,
) -> Result<Vec<(String, Vec<Said>)>> {
    let paths: Vec<&String> =
        rewritten.pages.iter().filter(|(_, page)| !page.is_empty()).map(|(path, _)| path).collect();
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let failures = Mutex::new(failures);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while let Some(path) = paths.get(next.fetch_add(1, Ordering::SeqCst)) {
                        let ask = || ask::blame(waymark, rewritten.git.folder(), path);
                        let said = match ask() {
                            Ok(said) => said,
                            Err(error) => {
                                failures
                                    .lock()
                                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                                    .push(format!("{error:#}"));
                                ask()?
                            }
                        };
                        let mut answers = answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        answers.push(((*path).clone(), said));
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            match worker.join() {
                Ok(asked) => asked?,
                Err(panicked) => std::panic::resume_unwind(panicked),
            }
        }
        Ok::<_, anyhow::Error>(())
    })?;
    let mut answers = answers.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    answers.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(answers)
}

/// What went wrong with a line.
fn told(place: &str, case: &Case<'_>, replay: &Replay) -> String {
    let Case { text, truth, said, .. } = case;
    let is = match truth {
        Truth::Human => "a person's".to_owned(),
        Truth::Emitted(origin) => {
            format!("emission {} ({})", origin.emission, case.assistant.unwrap_or_default())
        }
        Truth::Changed(origin, how) => format!(
            "emission {} ({}), {}: {:?}",
            origin.emission,
            case.assistant.unwrap_or_default(),
            format!("{how:?}").to_lowercase(),
            origin.text
        ),
        Truth::Unclear(why) => format!("unclear: {why:?}"),
    };
    let named =
        said.record.as_ref().and_then(|record| replay.made.values().find(|made| made.record == *record));
    let named = named.map_or_else(String::new, |made| {
        let emission = &made.emission;
        let answer = emission.answer.told().replace("\\n", "\n");
        let nearest = answer.lines().min_by(|a, b| share(a, text).total_cmp(&share(b, text)));
        format!(
            "\n  named: emission {} ({}, {}, {:?}), nearest line {:?}",
            emission.number,
            emission.assistant.name(),
            emission.path,
            emission.fate,
            nearest.unwrap_or_default()
        )
    });
    format!(
        "{place} {text:?}\n  is: {is}, record {}\n  said: {} {} others {:?}, commit {}, evidence {}{named}",
        case.record.unwrap_or("none"),
        said.class.name(),
        said.record.as_deref().unwrap_or("none"),
        said.others,
        said.commit,
        said.evidence
    )
}
