//! What was measured, as tables for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::machine::Load;

/// Everything one run measured.
pub(crate) struct Report {
    machine: String,
    load: Load,
    at_end: Option<Load>,
    tables: Vec<Table>,
}

/// One table; the first column names its rows.
pub(crate) struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<Cell>)>,
    notes: Vec<String>,
}

/// One figure.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// A figure and how many decimals are worth printing.
    Figure(f64, usize),
    /// Something in words.
    Words(String),
    /// Not measured.
    None,
}

impl Cell {
    /// A whole number.
    pub(crate) fn count(value: usize) -> Self {
        Self::Figure(value as f64, 0)
    }

    fn text(&self) -> String {
        match self {
            Self::Figure(value, _) if !value.is_finite() => "-".to_owned(),
            Self::Figure(value, decimals) => format!("{value:.decimals$}"),
            Self::Words(words) => words.clone(),
            Self::None => "-".to_owned(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Figure(value, 0) if value.is_finite() => json!(value.round() as i64),
            Self::Figure(value, decimals) => format!("{value:.decimals$}").parse::<f64>().ok().into(),
            Self::Words(words) => json!(words),
            Self::None => Value::Null,
        }
    }
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        Self { title: title.to_owned(), columns, rows: Vec::new(), notes: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, name: &str, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push((name.to_owned(), cells.into_iter().collect()));
    }

    /// Adds a line below.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn to_text(&self) -> String {
        let lines: Vec<Vec<String>> = std::iter::once(self.columns.clone())
            .chain(self.rows.iter().map(|(name, cells)| {
                std::iter::once(name.clone()).chain(cells.iter().map(Cell::text)).collect()
            }))
            .collect();
        let width = |column: usize| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let mut text = format!("\n{}\n", self.title);
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let _ = match column {
                    0 => write!(text, "  {cell:<width$}", width = width(0)),
                    _ => write!(text, "  {cell:>width$}", width = width(column)),
                };
            }
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "  {note}");
        }
        text
    }

    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|(name, cells)| {
            let named = std::iter::once((self.columns[0].clone(), json!(name)));
            let figures = self.columns[1..].iter().cloned().zip(cells.iter().map(Cell::json));
            Value::Object(named.chain(figures).collect::<Map<_, _>>())
        });
        json!({"title": self.title, "rows": rows.collect::<Vec<_>>(), "notes": self.notes})
    }
}

impl Report {
    /// An empty report of a machine under this load.
    pub(crate) fn new(load: &Load) -> Self {
        let machine = crate::machine::describe();
        Self { machine, load: load.clone(), at_end: None, tables: Vec::new() }
    }

    /// Adds a table.
    pub(crate) fn add(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Notes the machine's state when everything is done.
    pub(crate) fn closing(&mut self, load: &Load) {
        self.at_end = Some(load.clone());
    }

    fn others(&self) -> Option<f64> {
        self.at_end.as_ref().and_then(|at_end| at_end.others_since(&self.load))
    }

    /// For people.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{}; load average {:.2} before\n", self.machine, self.load.average);
        if let Some(others) = self.others() {
            let _ =
                writeln!(text, "other processes took {:.1} % of the processors meanwhile", others * 100.0);
        }
        text + &self.tables.iter().map(Table::to_text).collect::<String>()
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "machine": self.machine, "load_average_before": self.load.average, "others_share": self.others(),
            "tables": self.tables.iter().map(Table::to_json).collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_reads_the_same_both_ways() {
        let mut table = Table::new("calls", &["side", "ms", "note"]);
        table.row("direct", [Cell::Figure(0.1234, 2), Cell::None]);
        table.row("waymark", [Cell::Figure(12.0, 2), Cell::Words("x".to_owned())]);
        assert_eq!(
            table.to_text(),
            "\ncalls\n  side        ms  note\n  direct    0.12     -\n  waymark  12.00     x\n"
        );
        let rows = &table.to_json()["rows"];
        assert_eq!(rows[0], json!({"side": "direct", "ms": 0.12, "note": null}));
        assert_eq!(rows[1]["note"], "x");
    }
}
