//! Whether the gateway held out, and the figures that say so.

use std::fmt::{self, Display, Formatter};

use waymark_testkit::Output;

use crate::books::{Books, Ending, Kept};
use crate::samples::{Sample, Samples, growth};

/// By how much memory may grow over the last two thirds of the load, in MiB an hour.
const GROWTH: f64 = 16.0;
/// What a short run may grow by in all, in MiB: extrapolated to an hour, an allocator's rounding would look like a leak.
const ROUNDING: f64 = 4.0;
const ENDINGS: [(Ending, &str); 5] = [
    (Ending::Whole, "whole"),
    (Ending::Refused, "refused"),
    (Ending::CutOff, "cut off"),
    (Ending::Left, "left"),
    (Ending::Unanswered, "unanswered"),
];

/// What was found, in words.
pub(crate) struct Verdict {
    table: String,
    /// What was looked at, and whether it is as it must be.
    findings: Vec<(bool, String)>,
}

impl Verdict {
    pub(crate) fn of(
        before: &Sample,
        samples: &Samples,
        drained: &Sample,
        books: &Books,
        kept: &Kept,
        stopped: &Output,
    ) -> Self {
        let mut findings = vec![memory(samples), left(before, drained)];
        findings.push(match books.against(kept) {
            Ok(told) => (true, format!("records: {told}")),
            Err(told) => (false, format!("records: {told}")),
        });
        findings.push(all_answered(books));
        let is_well = stopped.code == Some(0) && !stopped.stderr.contains("panicked");
        let code = stopped.code;
        findings.push((is_well, format!("the server ended with code {code:?} and told of no panic")));
        Self { table: format!("{}\n{}", moments(before, samples, drained), requests(books)), findings }
    }

    /// Whether everything is as it must be.
    pub(crate) fn is_well(&self) -> bool {
        self.findings.iter().all(|(is_well, _)| *is_well)
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.table)?;
        for (is_well, told) in &self.findings {
            writeln!(f, "{} {told}", if *is_well { "ok  " } else { "BAD " })?;
        }
        Ok(())
    }
}

fn memory(samples: &Samples) -> (bool, String) {
    let settled = samples.settled();
    let growth = growth(settled);
    let hours =
        settled.last().zip(settled.first()).map_or(0.0, |(last, first)| last.second - first.second) / 3_600.0;
    let allowed = GROWTH.max(ROUNDING / hours.max(f64::MIN_POSITIVE));
    let told = format!(
        "memory grows by {growth:+.1} MiB an hour over the last two thirds, {:+.2} MiB in all; {allowed:.0} an hour allowed",
        growth * hours
    );
    (growth <= allowed && settled.len() > 1, told)
}

fn left(before: &Sample, drained: &Sample) -> (bool, String) {
    let told = format!(
        "{:.0} s after the load: {} sockets ({} before), {} files ({}), {} tasks ({}), {} answers under way",
        drained.second,
        drained.sockets,
        before.sockets,
        drained.files,
        before.files,
        known(drained.tasks),
        known(before.tasks),
        known(drained.answers)
    );
    (drained.is_as_idle_as(before), told)
}

/// Sessions, whole answers and completions have an upstream that answers.
fn all_answered(books: &Books) -> (bool, String) {
    use crate::books::Kind;
    let of =
        |kind, ending| books.counts.get(&kind).and_then(|endings| endings.get(&ending)).copied().unwrap_or(0);
    let bad: usize = [Kind::Session, Kind::Whole, Kind::Broken, Kind::Completion]
        .into_iter()
        .flat_map(|kind| [Ending::Refused, Ending::CutOff, Ending::Unanswered].map(|ending| of(kind, ending)))
        .sum();
    let feigned = of(Kind::Down, Ending::Whole) + of(Kind::Silent, Ending::Whole);
    let told = format!(
        "{bad} answers failed whose model had not, or had a stand-in; {feigned} look whole whose model is down or silent"
    );
    (bad == 0 && feigned == 0, told)
}

/// What the process took, at five moments.
fn moments(before: &Sample, samples: &Samples, drained: &Sample) -> String {
    let during = [1.0 / 3.0, 2.0 / 3.0, 1.0].map(|share| samples.at(share).copied());
    let [Some(third), Some(thirds), Some(end)] = during else { return String::new() };
    let all = [before, &third, &thirds, &end, drained];
    let mut lines = vec![row("", &["before", "1/3", "2/3", "end", "drained"].map(str::to_owned))];
    lines.push(row("memory, MiB", &all.map(|sample| format!("{:.1}", sample.memory))));
    lines.push(row("sockets", &all.map(|sample| sample.sockets.to_string())));
    lines.push(row("files", &all.map(|sample| sample.files.to_string())));
    lines.push(row("threads", &all.map(|sample| sample.threads.to_string())));
    lines.push(row("tasks", &all.map(|sample| known(sample.tasks))));
    lines.push(row("answers under way", &all.map(|sample| known(sample.answers))));
    lines.concat()
}

/// What was asked and how it ended.
fn requests(books: &Books) -> String {
    let mut lines = vec![row("requests", &ENDINGS.map(|(_, name)| name.to_owned()))];
    for (kind, endings) in &books.counts {
        let counts = ENDINGS.map(|(ending, _)| endings.get(&ending).copied().unwrap_or(0).to_string());
        lines.push(row(&format!("{kind:?}").to_lowercase(), &counts));
    }
    for ((kind, status, reason), count) in &books.refusals {
        lines.push(format!("refused {:<12}{status} {reason}: {count}\n", format!("{kind:?}").to_lowercase()));
    }
    lines.concat()
}

/// `?` where the binary does not tell.
fn known(count: Option<usize>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| count.to_string())
}

fn row(name: &str, cells: &[String; 5]) -> String {
    let cells: String = cells.iter().map(|cell| format!("{cell:>12}")).collect();
    format!("{name:<18}{cells}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::tests::sample;

    fn growing(mib_an_hour: f64, seconds: u32) -> Samples {
        let mut samples = Samples::default();
        let at = |second: u32| 30.0 + mib_an_hour * f64::from(second) / 3_600.0;
        (0..seconds).for_each(|second| samples.add(sample(f64::from(second), at(second))));
        samples
    }

    #[test]
    fn a_leak_is_told_from_rounding() {
        assert!(memory(&growing(10.0, 1_800)).0);
        assert!(!memory(&growing(20.0, 1_800)).0);
        // Two minutes: a megabyte or two says nothing, ten do.
        assert!(memory(&growing(100.0, 120)).0);
        assert!(!memory(&growing(400.0, 120)).0);
        assert!(!memory(&Samples::default()).0, "nothing was seen");
    }

    #[test]
    fn what_outlasts_the_load_is_bad() {
        let before = sample(0.0, 30.0);
        assert!(left(&before, &before).0);
        for worse in [
            Sample { sockets: before.sockets + 1, ..before },
            Sample { files: before.files + 9, ..before },
            Sample { tasks: Some(18), ..before },
            Sample { answers: Some(1), ..before },
        ] {
            assert!(!left(&before, &worse).0, "{worse:?}");
        }
    }
}
