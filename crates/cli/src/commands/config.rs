//! `waymark config`: the settings in effect, and where each value came from.

use std::io::{self, Write};

use serde::Serialize;
use waymark_routing::StockNames;

use crate::settings::{Origin, Settings, Value};

/// Beyond this, a line's origin follows at once instead of standing in the column of the others.
const WIDEST: usize = 60;

/// One value, for programs.
#[derive(Serialize)]
struct Row<'a> {
    key: String,
    value: &'a Value,
    origin: &'a Origin,
}

/// Prints every setting in effect: as lines of TOML, or as JSON, which always has the origins.
pub(crate) fn print(settings: &Settings, origin: bool, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        let rows: Vec<Row<'_>> = settings
            .entries()
            .map(|(key, value, origin)| Row { key: key.to_string(), value, origin })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        return writeln!(out);
    }
    let lines: Vec<(String, &Origin)> =
        settings.entries().map(|(key, value, origin)| (format!("{key} = {value}"), origin)).collect();
    let widths = lines.iter().map(|(line, _)| line.chars().count());
    let column = widths.filter(|width| *width <= WIDEST).max().unwrap_or(0);
    for (line, from) in lines {
        if origin {
            writeln!(out, "{line:column$}  # {from}")?;
        } else {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// Prints the names that clients ask for by themselves, the first that fits counting, or the whole table as JSON.
pub(crate) fn print_stock_names(stock: &StockNames, json: bool, out: &mut dyn Write) -> io::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, stock)?;
        return writeln!(out);
    }
    writeln!(out, "# as of {}", stock.as_of)?;
    for row in &stock.names {
        let routes = stock.routes.get(&row.tier).into_iter().flatten().map(String::as_str);
        let routes: Vec<&str> = routes.chain(["auto"]).collect();
        writeln!(out, "{:<13} {}  # route {}", row.tier, row.like.join(" "), routes.join(", else "))?;
    }
    Ok(())
}
