//! What Waymark's own `blame` says, as an answer beside those of other tools.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use waymark_testkit::Waymark;

use super::{Answer, Named};
use crate::ask;

/// Asks about a file; `records` says which emission a record is of.
pub(crate) fn blame(
    waymark: &Waymark,
    folder: &Path,
    path: &str,
    records: &BTreeMap<&str, usize>,
) -> Result<Vec<Answer>> {
    read(&ask::told(waymark, folder, path)?, records).with_context(|| format!("what is said of {path}"))
}

fn read(text: &str, records: &BTreeMap<&str, usize>) -> Result<Vec<Answer>> {
    let told: Value = serde_json::from_str(text).context("it is no JSON")?;
    ensure!(told["lines"].is_array(), "it has no lines: {told}");
    let lines = told["lines"].as_array().into_iter().flatten();
    let answer = |line: &Value| {
        let others = line["others"].as_array().into_iter().flatten();
        let named = others.chain([&line["record"]]).filter_map(Value::as_str).filter_map(|record| {
            let emission = *records.get(record)?;
            let model = |word: &str| told["records"][record][word].as_str().map(str::to_owned);
            Some(Named { emission, asked: model("requested_model"), served: model("served_model") })
        });
        let is_model = matches!(line["class"].as_str(), Some("ai" | "ai_modified"));
        Answer { is_model, named: named.collect() }
    };
    Ok(lines.map(answer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_the_emissions_they_are_of() {
        let text = r#"{"lines": [{"class": "ai", "record": "r", "others": ["s"]}, {"class": "human"}],
            "records": {"r": {"served_model": "gpt-1"}}}"#;
        let answers = read(text, &BTreeMap::from([("r", 4), ("s", 5)])).unwrap();
        assert!(answers[0].is_model && !answers[1].is_model);
        let named = |emission, served: Option<&str>| Named {
            emission,
            asked: None,
            served: served.map(str::to_owned),
        };
        assert_eq!(answers[0].named, [named(5, None), named(4, Some("gpt-1"))]);
        assert!(read("{}", &BTreeMap::new()).is_err());
    }
}
