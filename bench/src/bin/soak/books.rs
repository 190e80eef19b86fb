//! What clients got, against what the ledger holds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::house::House;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A step of an agent's session.
    Session,
    /// A chat that is not streamed.
    Whole,
    /// A code completion.
    Completion,
    /// A stream whose client leaves in the middle.
    Leaves,
    /// One that no upstream answers.
    Silent,
    /// One that the cheap model fails at.
    Broken,
    /// One for a model that is down.
    Down,
    /// One whose stream breaks off.
    Cut,
}

/// How an answer ended, as its client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// Whole, with status 200.
    Whole,
    /// Whole, with another status.
    Refused,
    /// It broke off.
    CutOff,
    /// The client left in the middle.
    Left,
    /// Nothing came.
    Unanswered,
}

/// What clients got.
#[derive(Debug, Default)]
pub(crate) struct Books {
    /// Requests by kind and ending.
    pub(crate) counts: BTreeMap<Kind, BTreeMap<Ending, usize>>,
    /// Answers with another status than 200, by kind, status and reason.
    pub(crate) refusals: BTreeMap<(Kind, u16, String), usize>,
    /// Every record that an answer named.
    pub(crate) records: Vec<String>,
    /// Requests that came to nothing their client saw, of which there may be a record.
    pub(crate) unnamed: usize,
}

/// What the ledger holds.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) records: BTreeSet<String>,
    /// Records without a completion.
    pub(crate) open: usize,
    /// Records as `verify` counts them.
    pub(crate) verified: u64,
}

impl Books {
    pub(crate) fn enter(&mut self, kind: Kind, ending: Ending, record: Option<String>) {
        *self.counts.entry(kind).or_default().entry(ending).or_default() += 1;
        match record {
            Some(record) => self.records.push(record),
            None => self.unnamed += 1,
        }
    }

    pub(crate) fn refused(&mut self, kind: Kind, status: u16, reason: &str) {
        *self.refusals.entry((kind, status, reason.to_owned())).or_default() += 1;
    }

    pub(crate) fn take_in(&mut self, other: Self) {
        for (kind, endings) in other.counts {
            for (ending, count) in endings {
                *self.counts.entry(kind).or_default().entry(ending).or_default() += count;
            }
        }
        for (refusal, count) in other.refusals {
            *self.refusals.entry(refusal).or_default() += count;
        }
        self.records.extend(other.records);
        self.unnamed += other.unnamed;
    }

    /// Verifies the ledger and lists what it holds.
    pub(crate) fn read(house: &House) -> Result<Kept> {
        let verified = house.waymark.run(&["verify", "--json"]);
        ensure!(verified.code == Some(0), "not verified: {} {}", verified.stdout, verified.stderr);
        let told: Value = serde_json::from_str(&verified.stdout).context("what verify says")?;
        let mut export = house.waymark.command();
        export.args(["export", "--format", "jsonl", "--data-dir"]).arg(house.waymark.data_dir());
        let mut export = export.stdout(Stdio::piped()).spawn().context("the export")?;
        let mut records = BTreeSet::new();
        for line in BufReader::new(export.stdout.take().context("its output")?).lines() {
            let line: Value = serde_json::from_str(&line?).context("a line of the export")?;
            records.extend(line["record"].as_str().map(str::to_owned));
        }
        ensure!(export.wait()?.success(), "the export failed");
        let open = told["open"].as_array().map_or(0, Vec::len);
        Ok(Kept { records, open, verified: told["records"].as_u64().unwrap_or_default() })
    }

    /// What is wrong with what the ledger holds, if anything.
    pub(crate) fn against(&self, kept: &Kept) -> Result<String, String> {
        let named: BTreeSet<&String> = self.records.iter().collect();
        let missing = named.iter().filter(|record| !kept.records.contains(**record)).count();
        let beyond = kept.records.len().saturating_sub(named.len());
        let told = format!(
            "{} answers name a record, {} records are kept, {} requests got no answer that names one",
            self.records.len(),
            kept.records.len(),
            self.unnamed
        );
        let is_well = named.len() == self.records.len()
            && missing == 0
            && beyond <= self.unnamed
            && kept.open == 0
            && kept.verified == kept.records.len() as u64;
        if is_well {
            return Ok(told);
        }
        Err(format!(
            "{told}; {missing} missing, {} named twice, {beyond} that nobody asked for, {} open, {} verified",
            self.records.len() - named.len(),
            kept.open,
            kept.verified
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn books(records: &[&str], unnamed: usize) -> Books {
        let mut books = Books::default();
        records.iter().for_each(|record| books.enter(Kind::Whole, Ending::Whole, Some((*record).to_owned())));
        (0..unnamed).for_each(|_| books.enter(Kind::Silent, Ending::Unanswered, None));
        books
    }

    fn kept(records: &[&str], open: usize) -> Kept {
        let records: BTreeSet<String> = records.iter().map(|record| (*record).to_owned()).collect();
        Kept { verified: records.len() as u64, records, open }
    }

    #[test]
    fn every_named_record_must_be_kept_and_nothing_else_but_the_unanswered() {
        assert!(books(&["a", "b"], 1).against(&kept(&["a", "b", "c"], 0)).is_ok());
        assert!(books(&["a", "b"], 0).against(&kept(&["a"], 0)).is_err(), "one is missing");
        assert!(books(&["a"], 0).against(&kept(&["a", "b"], 0)).is_err(), "nobody asked for one");
        assert!(books(&["a", "a"], 0).against(&kept(&["a"], 0)).is_err(), "one is named twice");
        assert!(books(&["a"], 0).against(&kept(&["a"], 1)).is_err(), "one is open");
    }
}
