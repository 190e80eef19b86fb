//! `cargo xtask tidy`: the house rules that no compiler knows. Each finding names the file and what to do.

mod layering;
mod lockfile;
mod manifests;
mod sources;
mod wording;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// A broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    place: String,
    advice: String,
}

/// A text file git has or would take.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: String,
    text: String,
}

impl Finding {
    fn new(place: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { place: place.into(), advice: advice.into() }
    }
}

impl SourceFile {
    /// The crate's folder, for a file below `crates/<room>/src/`.
    fn room(&self) -> Option<&str> {
        let (room, rest) = self.path.strip_prefix("crates/")?.split_once('/')?;
        rest.starts_with("src/").then_some(room)
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Checks every rule and prints every finding.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::load()?;
    let mut files = Vec::new();
    for path in workspace.files()? {
        let bytes =
            std::fs::read(workspace.root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(SourceFile { path, text });
        }
    }
    let mut findings = layering::check(&workspace.packages);
    findings.extend(manifests::check(&files));
    findings.extend(lockfile::check(&workspace, &files)?);
    findings.extend(sources::check(&files));
    findings.extend(wording::check(&files));
    for Finding { place, advice } in &findings {
        println!("{place}: {advice}");
    }
    if findings.is_empty() { Ok(()) } else { bail!("{} broken house rules", findings.len()) }
}
