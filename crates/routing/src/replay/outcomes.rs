//! The table: what each row, an agent with a model, did on each task, and what that cost.

use std::collections::BTreeMap;

use csv::StringRecord;
use thiserror::Error;

/// Per-task outcomes of several rows on the same tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcomes {
    tasks: Vec<Task>,
    rows: Vec<Row>,
}

/// A task, and the repository it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Task {
    /// The task's id.
    pub id: String,
    /// The repository: tasks of one are alike, so intervals are taken by repository.
    pub repository: String,
}

/// What one agent with one model did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `harness/model`; the model alone where the file names no harness for it.
    pub name: String,
    /// The model alone.
    pub model: String,
    /// What it did on each task, in the tasks' order; `None` where the file has no line.
    pub cells: Vec<Option<Cell>>,
}

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Whether it solved the task; `None` where the file does not say.
    pub resolved: Option<bool>,
    /// What it cost in micro-USD; `None` where the file does not say.
    pub cost: Option<u64>,
}

/// The text is no table of outcomes.
#[derive(Debug, Error)]
pub enum OutcomesError {
    /// The text breaks CSV's own rules.
    #[error("could not read the CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A column that is needed is not there.
    #[error("line 1 has no column `{0}`; it has {1}")]
    MissingColumn(&'static str, String),
    /// A column is there twice.
    #[error("line 1 has the column `{0}` twice")]
    TwiceColumn(&'static str),
    /// A line has fewer or more fields than the heading.
    #[error("line {line} has {found} fields where the heading has {expected}")]
    Fields {
        /// The line, from 1.
        line: usize,
        /// How many fields it has.
        found: usize,
        /// How many the heading has.
        expected: usize,
    },
    /// A field says nothing that its column can say.
    #[error("line {line}, column `{column}`: `{value}` is not {expected}")]
    Field {
        /// The line, from 1.
        line: usize,
        /// The column's name.
        column: &'static str,
        /// What it says.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A row has two outcomes on one task.
    #[error("line {line} is a second outcome of `{row}` on `{task}`, after line {first}")]
    Again {
        /// The line, from 1.
        line: usize,
        /// The line before it.
        first: usize,
        /// The row.
        row: String,
        /// The task.
        task: String,
    },
    /// A task is in two repositories.
    #[error("line {line} says that `{task}` is of `{now}`, an earlier line of `{before}`")]
    Moved {
        /// The line, from 1.
        line: usize,
        /// The task.
        task: String,
        /// The repository on this line.
        now: String,
        /// The one before.
        before: String,
    },
    /// There is a heading and nothing below it.
    #[error("there is no outcome in it")]
    Empty,
}

/// A name means no row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowError {
    /// No row has it.
    #[error("the file has no row `{name}`; the closest are {}", quoted(near))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The rows with the closest names, the closest first.
        near: Vec<String>,
    },
    /// Several rows are of that model.
    #[error("`{name}` may be {}", quoted(rows))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The rows it may be.
        rows: Vec<String>,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Row {
    /// How many tasks it solved; an outcome that is not stated counts as not solved.
    pub fn solved(&self) -> usize {
        self.cells.iter().flatten().filter(|cell| cell.resolved == Some(true)).count()
    }

    /// What its runs cost as stated, in micro-USD; what is not stated counts as nothing.
    pub fn stated_cost(&self) -> u64 {
        self.cells.iter().flatten().filter_map(|cell| cell.cost).sum()
    }

    /// The median of the costs stated, in micro-USD: what stands in for one that is missing or zero. `None` where no
    /// cost is stated at all.
    pub fn median_cost(&self) -> Option<f64> {
        let costs = self.cells.iter().flatten().filter_map(|cell| cell.cost).filter(|&cost| cost > 0);
        let mut costs: Vec<f64> = costs.map(|cost| cost as f64).collect();
        costs.sort_by(f64::total_cmp);
        let middle = costs.len() / 2;
        let upper = *costs.get(middle)?;
        Some(if costs.len() % 2 == 1 { upper } else { f64::midpoint(costs[middle - 1], upper) })
    }
}

impl Outcomes {
    /// Reads CSV with the columns `instance_id`, `harness`, `model`, `resolved` and `cost_usd`, in any order and with
    /// any others beside them. A task's repository is the column `repository` where there is one, else the part of its
    /// id before the last `-`.
    pub fn read(text: &str) -> Result<Self, OutcomesError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let columns = Columns::of(reader.headers()?)?;
        let mut table = Table::default();
        let mut lines = Lines { text, at: 0, line: 1 };
        let mut record = StringRecord::new();
        while reader.read_record(&mut record)? {
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            table.add(line, &columns.read(line, &record)?)?;
        }
        table.finish()
    }

    /// The tasks, by id.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The rows, by name.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row named `harness/model`, or that of a model that only one harness ran.
    pub fn row(&self, name: &str) -> Result<&Row, RowError> {
        if let Some(row) = self.rows.iter().find(|row| row.name == name) {
            return Ok(row);
        }
        let of_model: Vec<&Row> = self.rows.iter().filter(|row| row.model == name).collect();
        match of_model[..] {
            [row] => Ok(row),
            [] => Err(RowError::Unknown { name: name.to_owned(), near: self.near(name) }),
            _ => {
                let rows = of_model.iter().map(|row| row.name.clone()).collect();
                Err(RowError::Ambiguous { name: name.to_owned(), rows })
            }
        }
    }

    fn near(&self, name: &str) -> Vec<String> {
        let name = name.to_lowercase();
        let likeness = |row: &Row| {
            let to = |own: &str| strsim::jaro_winkler(&name, &own.to_lowercase());
            to(&row.name).max(to(&row.model))
        };
        let mut rows: Vec<(f64, &Row)> = self.rows.iter().map(|row| (likeness(row), row)).collect();
        rows.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        rows.into_iter().take(3).map(|(_, row)| row.name.clone()).collect()
    }
}

/// Where each column is.
struct Columns {
    count: usize,
    task: usize,
    harness: usize,
    model: usize,
    resolved: usize,
    cost: usize,
    repository: Option<usize>,
}

/// One line, read.
struct Line<'a> {
    task: &'a str,
    repository: &'a str,
    harness: &'a str,
    model: &'a str,
    cell: Cell,
}

impl Columns {
    fn of(heading: &StringRecord) -> Result<Self, OutcomesError> {
        let find = |name| {
            let mut found = heading.iter().enumerate().filter(|(_, column)| column.trim() == name);
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(OutcomesError::TwiceColumn(name)),
                (first, None) => Ok(first.map(|(at, _)| at)),
            }
        };
        let need = |name| {
            let missing = || {
                let there: Vec<String> = heading.iter().map(|column| column.trim().to_owned()).collect();
                let there = if heading.is_empty() { "nothing".to_owned() } else { quoted(&there) };
                OutcomesError::MissingColumn(name, there)
            };
            find(name)?.ok_or_else(missing)
        };
        Ok(Self {
            count: heading.len(),
            task: need("instance_id")?,
            harness: need("harness")?,
            model: need("model")?,
            resolved: need("resolved")?,
            cost: need("cost_usd")?,
            repository: find("repository")?,
        })
    }

    fn read<'a>(&self, line: usize, record: &'a StringRecord) -> Result<Line<'a>, OutcomesError> {
        if record.len() != self.count {
            return Err(OutcomesError::Fields { line, found: record.len(), expected: self.count });
        }
        let field = |at: usize| record.get(at).unwrap_or_default().trim();
        let wrong = |column, at, expected| OutcomesError::Field {
            line,
            column,
            value: field(at).to_owned(),
            expected,
        };
        let (task, model) = (field(self.task), field(self.model));
        if task.is_empty() {
            return Err(wrong("instance_id", self.task, "a task's id"));
        }
        if model.is_empty() {
            return Err(wrong("model", self.model, "a model's name"));
        }
        let resolved = resolved(field(self.resolved)).ok_or_else(|| {
            wrong("resolved", self.resolved, "1 or true, 0 or false, or empty where nobody knows")
        })?;
        let cost = cost(field(self.cost)).ok_or_else(|| {
            wrong("cost_usd", self.cost, "an amount of US dollars, as in 0.25, or empty where nobody knows")
        })?;
        let of_id = task.rsplit_once('-').map_or(task, |(repository, _)| repository);
        let repository = self.repository.map(field).filter(|name| !name.is_empty()).unwrap_or(of_id);
        let cell = Cell { resolved, cost };
        Ok(Line { task, repository, harness: field(self.harness), model, cell })
    }
}

fn resolved(text: &str) -> Option<Option<bool>> {
    match text {
        "" => Some(None),
        "1" | "true" | "True" => Some(Some(true)),
        "0" | "false" | "False" => Some(Some(false)),
        _ => None,
    }
}

/// An amount in micro-USD. No run costs a million dollars.
fn cost(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let usd: f64 = text.parse().ok()?;
    (0.0..1e6).contains(&usd).then(|| Some((usd * 1e6).round() as u64))
}

/// Counts lines up to where a record begins.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, record: u64) -> usize {
        let bytes = self.text.as_bytes();
        // A record's place is where the reader stood: blank lines and the end of the line before may come first.
        let start = usize::try_from(record).unwrap_or(usize::MAX).min(bytes.len());
        let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = &bytes[self.at..(start + blank).max(self.at)];
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count();
        self.at += passed.len();
        self.line
    }
}

/// The table as its lines come, in whatever order.
#[derive(Default)]
struct Table {
    tasks: BTreeMap<String, String>,
    rows: BTreeMap<String, Found>,
}

/// A row as its lines come: its model, and by task the line and what it says.
struct Found {
    model: String,
    cells: BTreeMap<String, (usize, Cell)>,
}

impl Table {
    fn add(&mut self, line: usize, read: &Line<'_>) -> Result<(), OutcomesError> {
        let repository = self.tasks.entry(read.task.to_owned()).or_insert_with(|| read.repository.to_owned());
        if repository != read.repository {
            return Err(OutcomesError::Moved {
                line,
                task: read.task.to_owned(),
                now: read.repository.to_owned(),
                before: repository.clone(),
            });
        }
        let name = match read.harness {
            "" => read.model.to_owned(),
            harness => format!("{harness}/{}", read.model),
        };
        let found = self
            .rows
            .entry(name.clone())
            .or_insert_with(|| Found { model: read.model.to_owned(), cells: BTreeMap::new() });
        match found.cells.insert(read.task.to_owned(), (line, read.cell)) {
            None => Ok(()),
            Some((first, _)) => {
                Err(OutcomesError::Again { line, first, row: name, task: read.task.to_owned() })
            }
        }
    }

    fn finish(self) -> Result<Outcomes, OutcomesError> {
        if self.tasks.is_empty() {
            return Err(OutcomesError::Empty);
        }
        let row = |(name, Found { model, cells })| Row {
            name,
            model,
            cells: self.tasks.keys().map(|task| cells.get(task).map(|(_, cell)| *cell)).collect(),
        };
        let rows = self.rows.into_iter().map(row).collect();
        let tasks =
            self.tasks.iter().map(|(id, repository)| Task { id: id.clone(), repository: repository.clone() });
        Ok(Outcomes { rows, tasks: tasks.collect() })
    }
}

#[cfg(test)]
mod tests;
