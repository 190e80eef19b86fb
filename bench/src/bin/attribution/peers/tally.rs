//! What several tools say of the same lines, side by side. What is counted is what all of them can say: that a line is a
//! model's or not, and which emission it was.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Answer;
use crate::plan::Emission;
use crate::rewrites::Rewrite;
use crate::score::Kind;
use crate::truth::Truth;

/// How often something was done, and how long it took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    times: u32,
    time: Duration,
}

/// Lines of one kind after one rewrite.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Count {
    lines: usize,
    /// Said to be a model's.
    models: usize,
    /// And of the emission that it was.
    right: usize,
    /// And with the model that was asked for.
    asked: usize,
    /// And with the model that served it.
    served: usize,
}

/// What one tool said.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(Rewrite, Kind), Count>,
    /// Hooks around an assistant's change, both of them.
    pub(crate) hooks: Spent,
    pub(crate) commits: Spent,
    /// Until it had taken in a commit or a rewrite.
    pub(crate) waits: Spent,
    /// Questions about a file.
    pub(crate) blames: Spent,
}

/// A question to the tables.
struct Measure {
    title: &'static str,
    kind: Kind,
    of: fn(&Count) -> usize,
    is_share: bool,
}

const MEASURES: [Measure; 5] = [
    Measure {
        title: "as emitted: said to be a model's, %",
        kind: Kind::Emitted,
        of: |it| it.models,
        is_share: true,
    },
    Measure {
        title: "as emitted: and the emission named, %",
        kind: Kind::Emitted,
        of: |it| it.right,
        is_share: true,
    },
    Measure {
        title: "after a formatter: said to be a model's, %",
        kind: Kind::Formatted,
        of: |it| it.models,
        is_share: true,
    },
    Measure {
        title: "after a person's edit of up to a third: said to be a model's, %",
        kind: Kind::Edited,
        of: |it| it.models,
        is_share: true,
    },
    Measure {
        title: "people's lines: said to be a model's, lines",
        kind: Kind::Human,
        of: |it| it.models,
        is_share: false,
    },
];

impl Spent {
    pub(crate) fn add(&mut self, time: Duration) {
        self.times += 1;
        self.time += time;
    }

    fn milliseconds(&self) -> String {
        match self.times {
            0 => "-".to_owned(),
            times => format!("{:.0}", self.time.as_secs_f64() * 1_000.0 / f64::from(times)),
        }
    }
}

impl Tally {
    /// Takes in what is said of a line; `emission` is what it comes of.
    pub(crate) fn add(
        &mut self,
        rewrite: Rewrite,
        text: &str,
        truth: &Truth,
        emission: Option<&Emission>,
        answer: &Answer,
    ) {
        let count = self.counts.entry((rewrite, Kind::of(text, truth))).or_default();
        count.lines += 1;
        count.models += usize::from(answer.is_model);
        let Some(emission) = emission.filter(|_| answer.is_model) else { return };
        let Some(named) = answer.named.iter().find(|named| named.emission == emission.number) else { return };
        count.right += 1;
        count.served += usize::from(named.served == Some(emission.served()));
        // Each of those that ask the gateway has a number behind the name.
        let asked = named.asked.as_deref().unwrap_or_default();
        count.asked +=
            usize::from(asked.trim_end_matches(|c: char| c == '-' || c.is_ascii_digit()) == emission.model);
    }

    fn count(&self, rewrite: Rewrite, kind: Kind) -> Count {
        self.counts.get(&(rewrite, kind)).copied().unwrap_or_default()
    }

    fn to_json(&self) -> Value {
        let mut rewrites = serde_json::Map::new();
        for ((rewrite, kind), it) in &self.counts {
            rewrites.entry(rewrite.name()).or_insert_with(|| json!({}))[kind.name()] = json!({"lines": it.lines, "models": it.models, "right_emission": it.right,
                    "asked_model": it.asked, "served_model": it.served});
        }
        let spent = |spent: &Spent| json!({"times": spent.times, "seconds": spent.time.as_secs_f64()});
        json!({"rewrites": rewrites, "hooks": spent(&self.hooks), "commits": spent(&self.commits),
            "waits": spent(&self.waits), "blames": spent(&self.blames)})
    }
}

/// The tables, and the same for programs.
pub(crate) fn told(tallies: &[(String, Tally)]) -> (String, Value) {
    let mut text = String::new();
    for measure in &MEASURES {
        row(&mut text, measure.title, "lines", tallies, |(name, _)| name.clone());
        for rewrite in Rewrite::all() {
            let lines = tallies.iter().map(|(_, tally)| tally.count(rewrite, measure.kind).lines).max();
            let lines = lines.unwrap_or_default();
            if lines == 0 {
                continue;
            }
            row(&mut text, rewrite.name(), &lines.to_string(), tallies, |(_, tally)| {
                let count = tally.count(rewrite, measure.kind);
                match (count.lines, measure.is_share) {
                    (0, _) => "-".to_owned(),
                    (lines, true) => format!("{:.1}", (measure.of)(&count) as f64 * 100.0 / lines as f64),
                    (_, false) => (measure.of)(&count).to_string(),
                }
            });
        }
        text.push('\n');
    }
    let of = |pick: fn(&Tally) -> Spent| move |(_, tally): &(String, Tally)| pick(tally).milliseconds();
    row(&mut text, "milliseconds", "", tallies, |(name, _)| name.clone());
    row(&mut text, "both hooks of a change", "", tallies, of(|tally| tally.hooks));
    row(&mut text, "a commit", "", tallies, of(|tally| tally.commits));
    row(&mut text, "until it is taken in", "", tallies, of(|tally| tally.waits));
    row(&mut text, "a question about a file", "", tallies, of(|tally| tally.blames));
    text.push('\n');
    row(&mut text, "as committed, as emitted: the model is known, lines", "", tallies, |(name, _)| {
        name.clone()
    });
    let first = |tally: &Tally| tally.count(Rewrite::None, Kind::Emitted);
    row(&mut text, "as the client asked for it", "", tallies, |(_, tally)| first(tally).asked.to_string());
    row(&mut text, "as it served", "", tallies, |(_, tally)| first(tally).served.to_string());
    let json: serde_json::Map<String, Value> =
        tallies.iter().map(|(name, tally)| (name.clone(), tally.to_json())).collect();
    (text, json.into())
}

fn row(
    text: &mut String,
    head: &str,
    lines: &str,
    tallies: &[(String, Tally)],
    cell: impl Fn(&(String, Tally)) -> String,
) {
    let cells: String = tallies.iter().map(|tally| format!("{:>12}", cell(tally))).collect();
    text.push_str(&format!("{head:<66}{lines:>7}{cells}\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_counted_and_shown() {
        let mut tally = Tally::default();
        let model = Answer { is_model: true, ..Answer::default() };
        tally.add(Rewrite::None, "let total = sum(items);", &Truth::Human, None, &model);
        tally.add(Rewrite::None, "let total = sum(items);", &Truth::Human, None, &Answer::default());
        let count = tally.count(Rewrite::None, Kind::Human);
        assert_eq!((count.lines, count.models, count.right), (2, 1, 0));
        let (text, json) = told(&[("a tool".to_owned(), tally)]);
        assert!(text.contains("as committed"), "{text}");
        assert_eq!(json["a tool"]["rewrites"]["as committed"]["human"]["models"], 1);
    }
}
