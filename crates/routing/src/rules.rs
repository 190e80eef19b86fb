//! The rules by which a conversation climbs: data that ships with its date, and that a configuration may change and add
//! to without code.

use std::collections::BTreeMap;

use regex::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use waymark_types::Signal;

/// A whole weight: what it takes to climb, where a route says nothing else.
pub const WHOLE: u32 = 1_000;
/// The most memory that a rule's compiled patterns may take, in bytes.
const PATTERN_MEMORY: usize = 4 << 20;

/// Every rule, and what all of them go by.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rules {
    /// The day the words were looked up in the assistants' own programs.
    pub as_of: String,
    /// What a tool's result says when it is an error and its client does not mark it as one.
    pub errors: Vec<String>,
    /// What a call's result says when a person did not allow it or stopped it, which is no failure of the model's.
    #[serde(default)]
    pub stopped: Vec<String>,
    /// The names of tools that change files.
    pub edits: Vec<String>,
    /// The rules by name.
    pub rules: BTreeMap<String, Rule>,
}

/// One rule. It fires when what it looks for was there `at_least` so many times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Which version of the rule this is; a configuration that changes a rule makes it version 0.
    pub version: u32,
    /// What is looked for.
    pub signal: Signal,
    /// Regular expressions, any of which must be found where the signal looks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
    /// For `rising`: what each level of severity looks like, the least severe first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Vec<String>>,
    /// Only calls of tools with such a name; `edits` stands for all that change files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Only calls with such arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// How often it must have been there.
    pub at_least: u32,
    /// Among so many events before the request; 0 is all since the present rung was taken.
    #[serde(default)]
    pub within: u32,
    /// Whether a call that went well starts the count anew.
    #[serde(default)]
    pub in_a_row: bool,
    /// What it counts for when it fires, in thousandths; every further time adds as much again.
    pub weight: u32,
    /// Whether it is used.
    pub enabled: bool,
}

impl Rules {
    /// The rules that ship with this version.
    pub fn shipped() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("rules.json"))
    }
}

/// A pattern that is no regular expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("rule `{rule}`: {problem}")]
pub struct RuleError {
    /// The rule.
    pub rule: String,
    /// What is wrong with its pattern.
    pub problem: String,
}

/// Rules ready to be looked for.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    pub(crate) errors: RegexSet,
    pub(crate) stopped: RegexSet,
    pub(crate) edits: RegexSet,
    pub(crate) rules: Vec<CompiledRule>,
}

/// One rule ready to be looked for.
#[derive(Debug, Clone)]
pub(crate) struct CompiledRule {
    pub(crate) name: String,
    pub(crate) rule: Rule,
    pub(crate) patterns: RegexSet,
    pub(crate) levels: Vec<RegexSet>,
    /// `None` is any tool.
    pub(crate) tools: Option<RegexSet>,
    /// Any tool that changes files.
    pub(crate) only_edits: bool,
    pub(crate) commands: Option<RegexSet>,
}

/// The name under `tools` for all that change files.
const EDITS: &str = "edits";

impl Compiled {
    /// Compiles the rules that are enabled.
    pub fn of(rules: &Rules) -> Result<Self, RuleError> {
        let all = |name: &str, patterns: &[String]| {
            compile(patterns).map_err(|problem| RuleError { rule: name.to_owned(), problem })
        };
        let enabled = rules.rules.iter().filter(|(_, rule)| rule.enabled);
        let compiled = enabled.map(|(name, rule)| {
            let some = |patterns: &[String]| {
                if patterns.is_empty() { Ok(None) } else { all(name, patterns).map(Some) }
            };
            let (edits, tools): (Vec<_>, Vec<_>) = rule.tools.iter().cloned().partition(|tool| tool == EDITS);
            Ok(CompiledRule {
                name: name.clone(),
                patterns: all(name, &rule.patterns)?,
                levels: rule.levels.iter().map(|level| all(name, level)).collect::<Result<_, _>>()?,
                tools: some(&tools)?,
                only_edits: !edits.is_empty(),
                commands: some(&rule.commands)?,
                rule: rule.clone(),
            })
        });
        let rules_compiled = compiled.collect::<Result<_, RuleError>>()?;
        let (errors, edits) = (all("errors", &rules.errors)?, all("edits", &rules.edits)?);
        let stopped = all("stopped", &rules.stopped)?;
        Ok(Self { errors, stopped, edits, rules: rules_compiled })
    }
}

/// Whether a text is a regular expression as rules take them; else what is wrong with it.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    compile(&[pattern.to_owned()]).map(|_| ())
}

fn compile(patterns: &[String]) -> Result<RegexSet, String> {
    // What the library says of a bad pattern ends in the part that matters.
    let words = |error: regex::Error| error.to_string().lines().last().unwrap_or_default().trim().to_owned();
    RegexSetBuilder::new(patterns).size_limit(PATTERN_MEMORY).build().map_err(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_that_ship_compile_and_have_all_they_need() {
        let rules = Rules::shipped().unwrap();
        let compiled = Compiled::of(&rules).unwrap();
        assert_eq!(compiled.rules.len(), rules.rules.values().filter(|rule| rule.enabled).count());
        for (name, rule) in &rules.rules {
            assert!(rule.version > 0 && rule.at_least > 0 && rule.weight > 0, "{name}");
            let needs_patterns = matches!(rule.signal, Signal::UserSays | Signal::ResultSays);
            assert!(!needs_patterns || !rule.patterns.is_empty(), "{name}");
            assert_eq!(rule.signal == Signal::Rising, !rule.levels.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_bad_pattern_is_told_with_its_rule() {
        let mut rules = Rules::shipped().unwrap();
        let mut rule = rules.rules["refusal"].clone();
        rule.patterns = vec!["(open".to_owned()];
        rules.rules.insert("ours".to_owned(), rule);
        let error = Compiled::of(&rules).unwrap_err();
        assert_eq!(error.to_string(), "rule `ours`: error: unclosed group");
    }
}
