//! Answers as clients ask for them, and the code in them: `FORM PATH` and then each line with its sign.

mod agents;
mod aider;
mod any;
mod apart;
mod broken;
mod chat;
mod codex;
mod completions;
mod diffs;
mod editors;
mod friends;
mod scripts;
mod tags;
mod within;

use serde_json::Value;

use super::written;
use crate::{Role, Written};

/// What was written, for people to read.
fn told(written: &[Written]) -> String {
    let mut told = String::new();
    for Written { path, form, lines, everywhere, .. } in written {
        let everywhere = if *everywhere { " everywhere" } else { "" };
        told.push_str(&format!("{form:?} {}{everywhere}\n", path.as_deref().unwrap_or("?")));
        for line in lines {
            let sign = match line.role {
                Role::Added => '+',
                Role::Context => ' ',
                Role::Removed => '-',
            };
            told.push_str(&format!("{sign}{}\n", line.text));
        }
    }
    told
}

/// What one call writes.
fn called(tool: &str, arguments: &Value) -> String {
    called_with(tool, &arguments.to_string())
}

fn called_with(tool: &str, arguments: &str) -> String {
    told(&written("", &[(tool.to_owned(), arguments.to_owned())]))
}

/// What a text shows.
fn said(text: &str) -> String {
    told(&written(text, &[]))
}
