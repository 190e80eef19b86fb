//! Aligned columns.

use std::io::{self, Write};

use crate::terminal::{BOLD, DIM};

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Words, on the left.
    Words,
    /// Numbers, on the right.
    Number,
    /// What stands behind a number, paler.
    Aside,
}

/// A heading and rows of as many fields.
pub(super) struct Table<'a> {
    columns: &'a [(Column, &'a str)],
    rows: Vec<Vec<String>>,
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: &'a [(Column, &'a str)]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(super) fn row(&mut self, fields: impl IntoIterator<Item = String>) {
        self.rows.push(fields.into_iter().collect());
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let heading: Vec<String> = self.columns.iter().map(|(_, heading)| (*heading).to_owned()).collect();
        let width = |at| {
            let fields = self.rows.iter().chain([&heading]).filter_map(|row| row.get(at));
            fields.map(|field: &String| field.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heading.len()).map(width).collect();
        let line = |row: &[String]| {
            let fields = self.columns.iter().zip(row.iter().zip(&widths)).enumerate();
            let fields = fields.map(|(at, ((column, _), (field, &width)))| match column {
                Column::Words => format!("{field:<width$}  "),
                Column::Number => format!("{field:>width$} "),
                // Nothing follows the last, not even blanks.
                Column::Aside if at + 1 == widths.len() && field.is_empty() => String::new(),
                Column::Aside if at + 1 == widths.len() => format!("{DIM}{field}{DIM:#}"),
                Column::Aside => format!("{DIM}{field:<width$}{DIM:#}   "),
            });
            fields.collect::<String>().trim_end().to_owned()
        };
        writeln!(out, "{BOLD}{}{BOLD:#}", line(&heading).trim_end())?;
        for row in &self.rows {
            writeln!(out, "{}", line(row))?;
        }
        Ok(())
    }
}
