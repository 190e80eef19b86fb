//! `docs/conversions.md`, made from the losses and refusals that the matrix shows, so that it stays true.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use waymark_types::Dialect;

use crate::cases::{Case, Converted, cases_of, convert, every_dialect, targets};
use crate::codes::meaning;
use crate::golden::updating;

const HEAD: &str = "\
# Conversions

When a client and a provider speak the same dialect, nothing is converted: the bytes pass as they came, but for the
model's name. Between different dialects a request is read into a neutral form and written from it; its answer comes
back the same way. What the target has no words for is **dropped**, with a reason code in the record, or, where
leaving it out would change what the request means, the conversion is **refused** and another model is tried.

Conversations, completions of code and embeddings each cross among their own kind. An instruction to Ollama's
`/api/generate` is a conversation of one turn and is asked as such; a request that only warms a model up is answered at
once where the provider has no words for it.

This page is made from the examples in `crates/protocol/tests/cases`, by the test that converts each of them into
every other dialect of its kind (`UPDATE=1 cargo test -p waymark-protocol`). The conversions themselves lie in
`crates/protocol/tests/golden`.
";

const ANSWERS: &str = "
## Answers

Text, reasoning, tool calls with their ids, names and arguments, refusals, the reason to stop and the token counts
arrive in every dialect, in whole answers and in streams. Signatures that a provider wants back are carried through the
client's dialect where it has a place for them. An error, also one in the middle of a stream, arrives as the client's
dialect's own. What answers lose has no code, since nobody could act on it:

- Ollama's tool calls have no ids.
- A dialect without refusals says them as text, and one with fewer reasons to stop gives the nearest.
- Vectors keep the digits of their numbers; where Base64 was asked for, it is that of 32-bit floats.
- Of OpenAI's several `choices` the first counts; more than one cannot be asked for. Probabilities of tokens,
  fingerprints and service tiers are not passed on.
";

#[test]
fn page() {
    let page = write_page(&all());
    let path = [env!("CARGO_MANIFEST_DIR"), "..", "..", "docs", "conversions.md"].iter().collect::<PathBuf>();
    if updating() {
        std::fs::write(path, page).unwrap();
    } else {
        let found = std::fs::read_to_string(path).unwrap_or_default();
        assert!(found == page, "docs/conversions.md is not what the matrix shows; run with UPDATE=1");
    }
}

#[test]
fn every_code_is_explained() {
    let codes: BTreeSet<String> = all().iter().flat_map(|row| row.1.losses()).map(str::to_owned).collect();
    let unknown: Vec<&String> = codes.iter().filter(|code| meaning(code).is_none()).collect();
    assert!(unknown.is_empty(), "say in tests/it/codes.rs what these mean: {unknown:?}");
}

type Row = (Case, Converted, Dialect);

fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    for target in every_dialect() {
        let others = cases_of(targets(target), ".request.json");
        rows.extend(
            others
                .into_iter()
                .map(|case| (convert(&case, target), case))
                .map(|(what, case)| (case, what, target)),
        );
    }
    rows
}

fn write_page(rows: &[Row]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("\n## Refused\n\n| what | in | seen in |\n|---|---|---|\n");
    for ((what, target), seen) in refusals(rows) {
        writeln!(page, "| {what} | {target} | {} |", join(&seen)).unwrap();
    }
    page.push_str("\n## Dropped\n\nBy the target, which has no words for it, or already on the way out of the client's dialect.\n");
    page.push_str("\n| code | what it is | dropped into | dropped out of |\n|---|---|---|---|\n");
    for (code, (into, out_of)) in losses(rows) {
        let meaning = meaning(&code).unwrap_or("–");
        writeln!(page, "| `{code}` | {meaning} | {} | {} |", join(&into), join(&out_of)).unwrap();
    }
    for source in every_dialect() {
        page.push_str(&from(source, rows));
    }
    page.push_str(ANSWERS);
    page
}

/// What is refused in which target, and where that is seen.
fn refusals(rows: &[Row]) -> BTreeMap<(String, Dialect), BTreeSet<String>> {
    let mut refusals = BTreeMap::<_, BTreeSet<String>>::new();
    for (case, converted, target) in rows {
        if let Err(refused) = &converted.body {
            let what = refused.split(" cannot be said").next().unwrap_or_default().to_owned();
            refusals.entry((what, *target)).or_default().insert(format!("{}/{}", case.source, case.name));
        }
    }
    refusals
}

/// Which targets have no words for what, and which sources' words have no place in the neutral form.
fn losses(rows: &[Row]) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let mut losses = BTreeMap::<String, (BTreeSet<String>, BTreeSet<String>)>::new();
    for (case, converted, target) in rows.iter().filter(|row| row.1.body.is_ok()) {
        for code in &converted.unsaid {
            losses.entry(code.clone()).or_default().0.insert(target.to_string());
        }
        for code in &converted.unread {
            losses.entry(code.clone()).or_default().1.insert(case.source.to_string());
        }
    }
    losses
}

/// What becomes of one dialect's examples.
fn from(source: Dialect, rows: &[Row]) -> String {
    let columns: Vec<Dialect> = targets(source).collect();
    let names: BTreeSet<&str> =
        rows.iter().filter(|row| row.0.source == source).map(|row| row.0.name.as_str()).collect();
    if names.is_empty() {
        return String::new();
    }
    let mut table = format!("\n## From {source}\n\n| example |");
    columns.iter().for_each(|target| write!(table, " {target} |").unwrap());
    table.push_str("\n|---|");
    columns.iter().for_each(|_| table.push_str("---|"));
    table.push('\n');
    for name in names {
        write!(table, "| {name} |").unwrap();
        for target in &columns {
            let row =
                rows.iter().find(|row| row.0.source == source && row.0.name == name && row.2 == *target);
            write!(table, " {} |", row.map(|row| cell(&row.1)).unwrap_or_default()).unwrap();
        }
        table.push('\n');
    }
    table
}

fn cell(converted: &Converted) -> String {
    if converted.body.is_err() {
        return "**refused**".to_owned();
    }
    let codes: Vec<String> = converted.losses().into_iter().map(|code| format!("`{code}`")).collect();
    if codes.is_empty() { "kept".to_owned() } else { codes.join(" ") }
}

fn join(items: &BTreeSet<String>) -> String {
    items.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
