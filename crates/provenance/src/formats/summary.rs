//! What a change is made of, counted: for a review, or for whoever reads its JSON.
//!
//! People are counted and not named.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use waymark_types::RecordId;

use crate::Class;

/// The version of [`Summary`]'s form.
pub const SUMMARY_SCHEMA: &str = "waymark.provenance/1";

/// The lines of a change, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The form's name and version: [`SUMMARY_SCHEMA`].
    schema: String,
    /// The commits, in the order they were told.
    commits: Vec<String>,
    /// All lines.
    lines: Counts,
    /// Lines that models put out, sorted by model, route and class.
    models: Vec<Group>,
    /// The lines of each file, by its path.
    files: BTreeMap<String, Counts>,
}

/// Lines, by who put them there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// A model's, as it put them out.
    pub ai: u64,
    /// A model's, changed since.
    pub ai_modified: u64,
    /// A person's.
    pub human: u64,
    /// Nobody knows whose.
    pub unknown: u64,
}

/// Lines that one model put out by one route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The model that was served; `null` where nobody said.
    pub served_model: Option<String>,
    /// The route that led to it; `null` where there was none.
    pub route: Option<String>,
    /// Whether the lines were changed since.
    pub class: Class,
    /// How many.
    pub lines: u64,
    /// The records they come from.
    pub records: BTreeSet<RecordId>,
}

/// What is known of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineClass {
    /// Who put it there.
    pub class: Class,
    /// The model that was served.
    pub served_model: Option<String>,
    /// The route that led to it.
    pub route: Option<String>,
    /// The record of the answer.
    pub record: Option<RecordId>,
}

impl Counts {
    /// The lines of one class.
    pub fn of(&self, class: Class) -> u64 {
        match class {
            Class::Ai => self.ai,
            Class::AiModified => self.ai_modified,
            Class::Human => self.human,
            Class::Unknown => self.unknown,
        }
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        Class::ALL.iter().map(|class| self.of(*class)).sum()
    }

    /// Counts lines of a class.
    pub fn add(&mut self, class: Class, lines: u64) {
        let count = match class {
            Class::Ai => &mut self.ai,
            Class::AiModified => &mut self.ai_modified,
            Class::Human => &mut self.human,
            Class::Unknown => &mut self.unknown,
        };
        *count += lines;
    }
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            schema: SUMMARY_SCHEMA.to_owned(),
            commits: Vec::new(),
            lines: Counts::default(),
            models: Vec::new(),
            files: BTreeMap::new(),
        }
    }
}

impl Summary {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a commit in, by its object name; once.
    pub fn add_commit(&mut self, commit: &str) {
        if !self.commits.iter().any(|known| known == commit) {
            self.commits.push(commit.to_owned());
        }
    }

    /// Counts a line of a file in.
    pub fn add(&mut self, path: &str, line: &LineClass) {
        self.add_lines(path, line, 1);
    }

    /// Counts several lines of a file in, of which the same is known.
    pub fn add_lines(&mut self, path: &str, line: &LineClass, lines: u64) {
        if lines == 0 {
            return;
        }
        self.lines.add(line.class, lines);
        if let Some(counts) = self.files.get_mut(path) {
            counts.add(line.class, lines);
        } else {
            self.files.entry(path.to_owned()).or_default().add(line.class, lines);
        }
        if matches!(line.class, Class::Ai | Class::AiModified) {
            let group = self.group(line);
            group.lines += lines;
            group.records.extend(line.record);
        }
    }

    fn group(&mut self, line: &LineClass) -> &mut Group {
        let wanted = (&line.served_model, &line.route, line.class);
        let found = self
            .models
            .binary_search_by(|group| (&group.served_model, &group.route, group.class).cmp(&wanted));
        let at = found.unwrap_or_else(|at| {
            let (served_model, route) = (line.served_model.clone(), line.route.clone());
            let group = Group { served_model, route, class: line.class, lines: 0, records: BTreeSet::new() };
            self.models.insert(at, group);
            at
        });
        &mut self.models[at]
    }

    /// The commits.
    pub fn commits(&self) -> &[String] {
        &self.commits
    }

    /// All lines.
    pub fn lines(&self) -> Counts {
        self.lines
    }

    /// Lines that models put out, sorted by model, route and class.
    pub fn models(&self) -> &[Group] {
        &self.models
    }

    /// The lines of each file, by its path.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, Counts)> {
        self.files.iter().map(|(path, counts)| (path.as_str(), *counts))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::formats::attributed::samples::id;

    fn line(class: Class, model: Option<&str>, record: Option<u8>) -> LineClass {
        let route = model.map(|_| "auto".to_owned());
        LineClass { class, served_model: model.map(str::to_owned), route, record: record.map(id) }
    }

    #[test]
    fn lines_are_counted_by_model_and_by_file() {
        let mut summary = Summary::new();
        summary.add_commit("c0ffee");
        summary.add_commit("c0ffee");
        summary.add("b.rs", &line(Class::Ai, Some("small"), Some(2)));
        summary.add_lines("a.rs", &line(Class::Ai, Some("large"), Some(1)), 3);
        summary.add("a.rs", &line(Class::Ai, Some("large"), Some(2)));
        summary.add("a.rs", &line(Class::AiModified, Some("large"), None));
        summary.add("a.rs", &line(Class::Human, None, None));
        summary.add("b.rs", &line(Class::Unknown, None, None));
        summary.add_lines("c.rs", &line(Class::Unknown, None, None), 0);
        let json = serde_json::json!({
            "schema": "waymark.provenance/1",
            "commits": ["c0ffee"],
            "lines": {"ai": 5, "ai_modified": 1, "human": 1, "unknown": 1},
            "models": [
                {"served_model": "large", "route": "auto", "class": "ai", "lines": 4, "records": [id(1), id(2)]},
                {"served_model": "large", "route": "auto", "class": "ai_modified", "lines": 1, "records": []},
                {"served_model": "small", "route": "auto", "class": "ai", "lines": 1, "records": [id(2)]},
            ],
            "files": {
                "a.rs": {"ai": 4, "ai_modified": 1, "human": 1, "unknown": 0},
                "b.rs": {"ai": 1, "ai_modified": 0, "human": 0, "unknown": 1},
            },
        });
        assert_eq!(serde_json::to_value(&summary).unwrap(), json);
        assert_eq!(serde_json::from_value::<Summary>(json).unwrap(), summary);
    }

    proptest! {
        #[test]
        fn the_order_of_lines_is_nothing_to_it(
            lines in prop::collection::vec((0_usize..4, 0_usize..3, 0_u8..3, 0_usize..2), 0..30),
        ) {
            let count = |lines: &mut dyn Iterator<Item = &(usize, usize, u8, usize)>| {
                let mut summary = Summary::new();
                for &(class, model, record, path) in lines {
                    let model = [None, Some("large"), Some("small")][model];
                    summary.add(["a", "b"][path], &line(Class::ALL[class], model, Some(record)));
                }
                summary
            };
            let summary = count(&mut lines.iter());
            prop_assert_eq!(&summary, &count(&mut lines.iter().rev()));
            prop_assert_eq!(summary.lines().total(), lines.len() as u64);
            let by_file: u64 = summary.files().map(|(_, counts)| counts.total()).sum();
            prop_assert_eq!(by_file, lines.len() as u64);
            let by_model: u64 = summary.models().iter().map(|group| group.lines).sum();
            prop_assert_eq!(by_model, summary.lines().ai + summary.lines().ai_modified);
        }
    }
}
