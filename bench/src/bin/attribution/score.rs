//! How often the answers are right, and the table that says so.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde_json::{Value, json};

use crate::ask::{Class, Said};
use crate::rewrites::Rewrite;
use crate::truth::{How, Truth, Why, is_trivial};

/// What a line is, for the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Emitted,
    Formatted,
    Edited,
    Human,
    Unclear,
    /// A model's, with nothing in it that could tell.
    TrivialModel,
    /// A person's, likewise.
    TrivialHuman,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Emitted, "emitted"),
    (Kind::Formatted, "formatted"),
    (Kind::Edited, "edited"),
    (Kind::Human, "human"),
    (Kind::Unclear, "unclear"),
    (Kind::TrivialModel, "trivial, a model's"),
    (Kind::TrivialHuman, "trivial, a person's"),
];

/// Of a thousand lines so many must be found: as emitted, formatted, edited up to a third.
const WANTED: [(Kind, usize); 3] = [(Kind::Emitted, 990), (Kind::Formatted, 950), (Kind::Edited, 900)];

/// Counts of one kind of line after one rewrite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) lines: usize,
    /// The right class, and of a model's lines the right record.
    pub(crate) right: usize,
    /// The right class, and the record is among those that could have been it as well.
    pub(crate) among: usize,
    /// What is said of the others, and of these.
    pub(crate) said: BTreeMap<Class, usize>,
}

/// One line to score.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) text: &'a str,
    pub(crate) truth: &'a Truth,
    /// The record of the emission that it comes of.
    pub(crate) record: Option<&'a str>,
    /// Who put it out.
    pub(crate) assistant: Option<&'static str>,
    pub(crate) said: &'a Said,
}

/// All counts.
#[derive(Debug, Default)]
pub(crate) struct Score {
    counts: BTreeMap<(Rewrite, Kind), Count>,
    /// As committed, by assistant.
    assistants: BTreeMap<(&'static str, Kind), Count>,
    unclear: BTreeMap<Why, usize>,
}

/// How an answer is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// Right, by a record among the others.
    Among,
    Wrong,
    /// A person's line is said to be a model's.
    Theft,
    /// There is no right answer.
    Open,
}

impl Kind {
    pub(crate) fn of(text: &str, truth: &Truth) -> Self {
        match truth {
            Truth::Unclear(_) => Self::Unclear,
            Truth::Human if is_trivial(text) => Self::TrivialHuman,
            _ if is_trivial(text) => Self::TrivialModel,
            Truth::Human => Self::Human,
            Truth::Emitted(_) => Self::Emitted,
            Truth::Changed(_, How::Formatted) => Self::Formatted,
            Truth::Changed(_, How::Edited) => Self::Edited,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }
}

impl Case<'_> {
    /// How the answer is to be taken. A formatter's line may be called either: it says the same.
    pub(crate) fn verdict(&self) -> Verdict {
        let class = self.said.class;
        let is_class = match self.truth {
            Truth::Unclear(_) => return Verdict::Open,
            Truth::Human if class.is_model() => return Verdict::Theft,
            Truth::Human => return Verdict::Right,
            Truth::Emitted(_) => class == Class::Ai,
            Truth::Changed(_, How::Formatted) => class.is_model(),
            Truth::Changed(_, How::Edited) => class == Class::AiModified,
        };
        if !is_class {
            Verdict::Wrong
        } else if self.said.record.as_deref() == self.record {
            Verdict::Right
        } else if self.said.others.iter().any(|other| Some(other.as_str()) == self.record) {
            Verdict::Among
        } else {
            Verdict::Wrong
        }
    }
}

impl Count {
    fn add(&mut self, class: Class, verdict: Verdict) {
        self.lines += 1;
        self.right += usize::from(verdict == Verdict::Right);
        self.among += usize::from(verdict == Verdict::Among);
        *self.said.entry(class).or_default() += 1;
    }

    fn found(&self) -> usize {
        self.right + self.among
    }

    /// Of a thousand lines so many are right; all where there are none.
    fn recall(&self) -> usize {
        (self.found() * 1_000).checked_div(self.lines).unwrap_or(1_000)
    }

    fn models(&self) -> usize {
        self.said.iter().filter(|(class, _)| class.is_model()).map(|(_, count)| count).sum()
    }
}

impl Score {
    pub(crate) fn add(&mut self, rewrite: Rewrite, case: &Case<'_>) -> Verdict {
        let (kind, verdict) = (Kind::of(case.text, case.truth), case.verdict());
        self.counts.entry((rewrite, kind)).or_default().add(case.said.class, verdict);
        if rewrite == Rewrite::None {
            if let Some(assistant) = case.assistant {
                self.assistants.entry((assistant, kind)).or_default().add(case.said.class, verdict);
            }
            if let Truth::Unclear(why) = case.truth {
                *self.unclear.entry(*why).or_default() += 1;
            }
        }
        if kind == Kind::TrivialHuman && verdict == Verdict::Theft { Verdict::Wrong } else { verdict }
    }

    fn count(&self, rewrite: Rewrite, kind: Kind) -> Count {
        self.counts.get(&(rewrite, kind)).cloned().unwrap_or_default()
    }

    /// Every target that is missed, in words.
    pub(crate) fn misses(&self) -> Vec<String> {
        let mut misses = Vec::new();
        for rewrite in Rewrite::all() {
            let name = rewrite.name();
            let stolen = self.count(rewrite, Kind::Human).models();
            if stolen > 0 {
                misses.push(format!("{name}: {stolen} lines of people are called a model's"));
            }
            for (kind, wanted) in WANTED {
                let count = self.count(rewrite, kind);
                if count.recall() < wanted {
                    let (found, lines) = (count.found(), count.lines);
                    misses.push(format!(
                        "{name}: {found} of {lines} lines {} are found, {}% wanted",
                        kind.name(),
                        wanted as f64 / 10.0
                    ));
                }
                let first = self.count(Rewrite::None, kind);
                if rewrite.keeps_lines() && count.lines > 0 && count.found() < first.found() {
                    misses.push(format!(
                        "{name}: {} lines {} are found where there were {}",
                        count.found(),
                        kind.name(),
                        first.found()
                    ));
                }
            }
        }
        misses
    }

    /// Of all that is said to be of this class, a thousand times the share that is, with the right record.
    fn precision(&self, rewrite: Rewrite, class: Class) -> Option<usize> {
        let told = [Kind::Emitted, Kind::Formatted, Kind::Edited, Kind::Human];
        let counts = told.map(|kind| (kind, self.count(rewrite, kind)));
        let said: usize = counts.iter().filter_map(|(_, count)| count.said.get(&class)).sum();
        // A line that is right is right by its class, but for a formatter's, which may have either.
        let right: usize = counts
            .iter()
            .map(|(kind, count)| match (kind, class) {
                (Kind::Emitted, Class::Ai) | (Kind::Edited, Class::AiModified) => count.found(),
                (Kind::Formatted, _) => count.found().min(count.said.get(&class).copied().unwrap_or(0)),
                _ => 0,
            })
            .sum();
        (right * 1_000).checked_div(said)
    }

    pub(crate) fn to_json(&self) -> Value {
        let count = |count: &Count| {
            let said: BTreeMap<&str, usize> =
                count.said.iter().map(|(class, count)| (class.name(), *count)).collect();
            json!({"lines": count.lines, "right": count.right, "among_others": count.among, "said": said})
        };
        let mut rewrites = serde_json::Map::new();
        for ((rewrite, kind), counted) in &self.counts {
            rewrites.entry(rewrite.name()).or_insert_with(|| json!({}))[kind.name()] = count(counted);
        }
        let mut assistants = serde_json::Map::new();
        for ((assistant, kind), counted) in &self.assistants {
            assistants.entry(*assistant).or_insert_with(|| json!({}))[kind.name()] = count(counted);
        }
        let unclear: BTreeMap<String, usize> =
            self.unclear.iter().map(|(why, count)| (format!("{why:?}").to_lowercase(), *count)).collect();
        json!({"rewrites": rewrites, "assistants": assistants, "unclear": unclear, "missed": self.misses()})
    }
}

impl Display for Score {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let percent = |thousands: Option<usize>| {
            thousands.map_or_else(|| "-".to_owned(), |share| format!("{:.1}", share as f64 / 10.0))
        };
        let found = |count: &Count| {
            let recall = (count.lines > 0).then(|| count.recall());
            format!("{}/{} {}", count.found(), count.lines, percent(recall))
        };
        let kinds = [Kind::Emitted, Kind::Formatted, Kind::Edited];
        writeln!(
            f,
            "{:<22}{:>18}{:>18}{:>18}{:>15}{:>9}{:>20}",
            "", "emitted", "formatted", "edited", "human", "unclear", "precision"
        )?;
        writeln!(
            f,
            "{:<22}{:>18}{:>18}{:>18}{:>15}{:>9}{:>20}",
            "lines found", "of   %", "of   %", "of   %", "of  taken", "", "ai / modified, %"
        )?;
        for rewrite in Rewrite::all() {
            write!(f, "{:<22}", rewrite.name())?;
            for kind in kinds {
                write!(f, "{:>18}", found(&self.count(rewrite, kind)))?;
            }
            let human = self.count(rewrite, Kind::Human);
            write!(f, "{:>15}", format!("{} {}", human.lines, human.models()))?;
            write!(f, "{:>9}", self.count(rewrite, Kind::Unclear).lines)?;
            let [ai, modified] =
                [Class::Ai, Class::AiModified].map(|class| percent(self.precision(rewrite, class)));
            writeln!(f, "{:>20}", format!("{ai} / {modified}"))?;
        }
        writeln!(f, "\nas committed, by assistant")?;
        let mut names: Vec<&str> = self.assistants.keys().map(|(name, _)| *name).collect();
        names.dedup();
        for name in names {
            write!(f, "{name:<22}")?;
            for kind in kinds {
                let count = self.assistants.get(&(name, kind)).cloned().unwrap_or_default();
                write!(f, "{:>18}", found(&count))?;
            }
            writeln!(f)?;
        }
        let among: usize = kinds.iter().map(|kind| self.count(Rewrite::None, *kind).among).sum();
        let trivial = |kind| self.count(Rewrite::None, kind);
        let (model, human) = (trivial(Kind::TrivialModel), trivial(Kind::TrivialHuman));
        writeln!(
            f,
            "\nas committed: {among} lines are found only among other records; trivial lines: {} of models, \
            {} of them called so, {} of people, {} of them called a model's",
            model.lines,
            model.models(),
            human.lines,
            human.models()
        )?;
        let unclear: Vec<String> = self
            .unclear
            .iter()
            .map(|(why, count)| format!("{count} {}", format!("{why:?}").to_lowercase()))
            .collect();
        writeln!(f, "left out, as nobody could tell: {}", unclear.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::Origin;

    fn said(class: Class, record: Option<&str>, others: &[&str]) -> Said {
        Said {
            text: "let total = 1;".to_owned(),
            class,
            record: record.map(str::to_owned),
            others: others.iter().map(|other| (*other).to_owned()).collect(),
            commit: "c".to_owned(),
            evidence: Value::Null,
        }
    }

    fn verdict(truth: &Truth, said: &Said) -> Verdict {
        let text = "let total = 1;";
        Case { text, truth, record: Some("r"), assistant: Some("a"), said }.verdict()
    }

    #[test]
    fn class_and_record_must_be_right() {
        let origin = Origin { emission: 1, text: "let total = 1;".to_owned() };
        let (emitted, edited) = (Truth::Emitted(origin.clone()), Truth::Changed(origin.clone(), How::Edited));
        let formatted = Truth::Changed(origin, How::Formatted);
        let ai = said(Class::Ai, Some("r"), &[]);
        let modified = said(Class::AiModified, Some("r"), &[]);
        assert_eq!(verdict(&emitted, &ai), Verdict::Right);
        assert_eq!(verdict(&emitted, &modified), Verdict::Wrong);
        assert_eq!(verdict(&edited, &modified), Verdict::Right);
        assert_eq!(verdict(&formatted, &ai), Verdict::Right);
        assert_eq!(verdict(&formatted, &modified), Verdict::Right);
        assert_eq!(verdict(&emitted, &said(Class::Ai, Some("s"), &["r"])), Verdict::Among);
        assert_eq!(verdict(&emitted, &said(Class::Ai, Some("s"), &[])), Verdict::Wrong);
        assert_eq!(verdict(&Truth::Human, &ai), Verdict::Theft);
        assert_eq!(verdict(&Truth::Human, &said(Class::Unknown, None, &[])), Verdict::Right);
        assert_eq!(verdict(&Truth::Unclear(Why::Moved), &ai), Verdict::Open);
    }

    #[test]
    fn one_line_taken_from_a_person_is_a_miss_and_so_is_a_hundredth_of_the_model_s() {
        let truth = Truth::Emitted(Origin { emission: 1, text: "let total = 1;".to_owned() });
        let (ai, human) = (said(Class::Ai, Some("r"), &[]), said(Class::Human, None, &[]));
        let mut score = Score::default();
        let case =
            |truth, said| Case { text: "let total = 1;", truth, record: Some("r"), assistant: None, said };
        for _ in 0..99 {
            score.add(Rewrite::None, &case(&truth, &ai));
        }
        score.add(Rewrite::None, &case(&truth, &human));
        assert_eq!(score.misses(), Vec::<String>::new());
        score.add(Rewrite::None, &case(&truth, &human));
        assert_eq!(score.misses().len(), 1);
        score.add(Rewrite::None, &case(&Truth::Human, &ai));
        assert_eq!(score.misses().len(), 2);
        for _ in 0..98 {
            score.add(Rewrite::Rebase, &case(&truth, &ai));
        }
        assert_eq!(score.misses().len(), 3, "fewer after a rebase: {:?}", score.misses());
        assert!(score.to_string().contains("rebase"));
        assert_eq!(score.to_json()["missed"].as_array().unwrap().len(), 3);
    }
}
