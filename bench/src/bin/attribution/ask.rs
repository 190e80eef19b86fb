//! Asks the binary who wrote the lines of a file. Everything that knows the shape of its answer is here.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use waymark_testkit::Waymark;

/// What is said of a line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) class: Class,
    pub(crate) record: Option<String>,
    /// Records that could have put it out as well.
    pub(crate) others: Vec<String>,
    pub(crate) commit: String,
    pub(crate) evidence: Value,
}

/// Whose a line is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Ai,
    AiModified,
    Human,
    Unknown,
}

impl Class {
    /// Whether it is said to come of a model.
    pub(crate) fn is_model(self) -> bool {
        matches!(self, Self::Ai | Self::AiModified)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ai => "ai",
            Self::AiModified => "ai_modified",
            Self::Human => "human",
            Self::Unknown => "unknown",
        }
    }

    fn of(name: &str) -> Result<Self> {
        let all = [Self::Ai, Self::AiModified, Self::Human, Self::Unknown];
        all.into_iter().find(|class| class.name() == name).with_context(|| format!("no class {name:?}"))
    }
}

/// Whether the binary can be asked at all.
pub(crate) fn can(waymark: &Waymark) -> bool {
    waymark.run_in(waymark.home(), &["blame", "--help"]).code == Some(0)
}

/// Asks about one file of the commit that is checked out in `folder`.
pub(crate) fn blame(waymark: &Waymark, folder: &Path, path: &str) -> Result<Vec<Said>> {
    read(&told(waymark, folder, path)?).with_context(|| format!("what blame says of {path}"))
}

/// What it prints when asked about that file.
pub(crate) fn told(waymark: &Waymark, folder: &Path, path: &str) -> Result<String> {
    let data = waymark.data_dir();
    let data = data.to_string_lossy();
    let output = waymark.run_in(folder, &["blame", path, "--rev", "HEAD", "--json", "--data-dir", &data]);
    ensure!(output.code == Some(0), "blame {path} in {}: {output:?}", folder.display());
    Ok(output.stdout)
}

/// Reads what `blame --json` prints.
fn read(text: &str) -> Result<Vec<Said>> {
    let answer: Value = serde_json::from_str(text).context("it is no JSON")?;
    let Some(lines) = answer["lines"].as_array() else { bail!("it has no lines: {answer}") };
    lines.iter().enumerate().map(|(number, line)| said(number, line)).collect()
}

fn said(number: usize, line: &Value) -> Result<Said> {
    ensure!(line["number"].as_u64() == Some(number as u64 + 1), "line {} is {}", number + 1, line["number"]);
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    let others = line["others"].as_array().into_iter().flatten();
    Ok(Said {
        text: text("text").context("a line without text")?,
        class: Class::of(line["class"].as_str().unwrap_or_default())?,
        record: text("record"),
        others: others.filter_map(|other| other.as_str().map(str::to_owned)).collect(),
        commit: text("commit").unwrap_or_default(),
        evidence: line["evidence"].clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_blame_says_is_read() {
        let text = r#"{"path":"a","commit":"c","lines":[
            {"number":1,"text":"fn a() {}","commit":"c","class":"ai_modified","record":"r","others":["s"],
                "evidence":{"kind":"write"}},
            {"number":2,"text":"","commit":"b","class":"human","record":null,"others":[],"evidence":null}
        ],"records":{}}"#;
        let said = read(text).unwrap();
        assert_eq!((said[0].class, said[0].record.as_deref()), (Class::AiModified, Some("r")));
        assert_eq!((said[1].class, said[1].record.as_deref()), (Class::Human, None));
        assert!(read(r#"{"lines":[{"number":2,"text":"","class":"human"}]}"#).is_err());
        assert!(read(r#"{"lines":[{"number":1,"text":"","class":"robot"}]}"#).is_err());
    }
}
