//! Content rules: which provider may be sent a request, by what is in it.
//!
//! A rule is about file paths, labels, repositories and secrets; one that is about nothing is about every request.
//! What a request has of it are [`Finding`]s, made before the decision and part of its features, so that a past
//! decision can be made again without the request's text. They never hold any of that text.

mod paths;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use waymark_types::{ContentAction, ProviderKind};

use crate::features::Features;
use crate::policy::{Home, Model};
use paths::Paths;
pub use secrets::{Secret, SecretError, SecretPattern, SecretPatterns, SecretScanner};

/// What stands for all patterns of secrets.
pub const ALL: &str = "all";

/// The version of how paths, labels and repositories are compared. Patterns of secrets have versions of their own.
const VERSION: u32 = 1;

/// What may be sent to whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Content {
    /// The rules in force, by name.
    pub rules: BTreeMap<String, ContentRule>,
    /// What secrets look like.
    pub secrets: SecretPatterns,
}

/// A rule. What it is about are alternatives: one is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContentRule {
    /// Patterns of file paths.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Labels that clients give their requests; `*` is any text.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Repositories; `*` is any text.
    #[serde(default)]
    pub repositories: Vec<String>,
    /// Names of patterns of secrets, or [`ALL`].
    #[serde(default)]
    pub secrets: Vec<String>,
    /// What follows.
    pub action: ContentAction,
    /// Providers that may be sent it all the same.
    #[serde(default)]
    pub providers: Vec<String>,
    /// Regions whose providers may be sent it all the same.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// What a rule found in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's name.
    pub rule: String,
    /// What was found: `path`, `label`, `repository`, the name of a pattern of secrets, or `request` for a rule that is
    /// about every request.
    pub what: String,
    /// The version of what found it.
    pub version: u32,
    /// How often.
    pub count: usize,
}

impl Finding {
    /// The reason that a record carries: `content:RULE.WHAT:VERSION:COUNT`.
    pub fn reason(&self) -> String {
        format!("content:{}.{}:{}:{}", self.rule, self.what, self.version, self.count)
    }

    /// Reads a record's reason back; `None` for any other reason.
    pub fn of_reason(reason: &str) -> Option<Self> {
        let (found, count) = reason.strip_prefix("content:")?.rsplit_once(':')?;
        let (found, version) = found.rsplit_once(':')?;
        let (rule, what) = found.rsplit_once('.')?;
        let (rule, what) = (rule.to_owned(), what.to_owned());
        Some(Self { rule, what, version: version.parse().ok()?, count: count.parse().ok()? })
    }
}

/// What of a request rules are about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// The files it speaks of.
    pub paths: &'a [String],
    /// Its labels.
    pub labels: &'a [&'a str],
    /// Its repository.
    pub repository: Option<&'a str>,
    /// The secrets in it.
    pub secrets: &'a [Secret],
}

/// Rules cannot be used.
#[derive(Debug, Error)]
pub enum ContentError {
    /// A pattern of paths is none.
    #[error("`{rule}` has a pattern of paths that is none")]
    Paths {
        /// The rule's name.
        rule: String,
        /// What is wrong.
        source: Box<globset::Error>,
    },
    /// The patterns of secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretError),
}

/// Rules made ready.
pub struct ContentRules {
    rules: Vec<Ready>,
    scanner: Option<SecretScanner>,
}

struct Ready {
    name: String,
    rule: ContentRule,
    paths: Paths,
}

impl ContentRules {
    /// Makes rules ready.
    pub fn new(content: &Content) -> Result<Self, ContentError> {
        let ready = |(name, rule): (&String, &ContentRule)| {
            let paths = Paths::new(&rule.paths)
                .map_err(|source| ContentError::Paths { rule: name.clone(), source: Box::new(source) })?;
            Ok(Ready { name: name.clone(), rule: rule.clone(), paths })
        };
        let rules = content.rules.iter().map(ready).collect::<Result<Vec<_>, ContentError>>()?;
        let named: BTreeSet<&str> =
            content.rules.values().flat_map(|rule| &rule.secrets).map(String::as_str).collect();
        let names = (!named.contains(ALL)).then_some(&named);
        let scanner = (!named.is_empty()).then(|| SecretScanner::new(&content.secrets, names)).transpose()?;
        Ok(Self { rules, scanner })
    }

    /// Whether any rule is about paths, which take looking for.
    pub fn ask_for_paths(&self) -> bool {
        self.rules.iter().any(|ready| !ready.rule.paths.is_empty())
    }

    /// Whether any rule is about secrets, which take looking for.
    pub fn ask_for_secrets(&self) -> bool {
        self.scanner.is_some()
    }

    /// The secrets in `text`, where any rule is about secrets.
    pub fn secrets(&self, text: &[u8]) -> Vec<Secret> {
        self.scanner.as_ref().map(|scanner| scanner.find(text)).unwrap_or_default()
    }

    /// Whether a secret of this kind must not stay in what is sent or kept.
    pub fn takes_out(&self, secret: &Secret) -> bool {
        self.rules.iter().any(|Ready { rule, .. }| {
            matches!(rule.action, ContentAction::Redact | ContentAction::Refuse)
                && rule.is_about(&secret.name)
        })
    }

    /// What the rules find in a request, in the order of their names.
    pub fn judge(&self, evidence: &Evidence<'_>) -> Vec<Finding> {
        self.rules.iter().flat_map(|ready| ready.judge(evidence)).collect()
    }
}

impl Ready {
    fn judge(&self, evidence: &Evidence<'_>) -> Vec<Finding> {
        let finding = |what: &str, version, count| {
            let (rule, what) = (self.name.clone(), what.to_owned());
            (count > 0).then_some(Finding { rule, what, version, count })
        };
        let paths: BTreeSet<&String> =
            evidence.paths.iter().filter(|path| self.paths.contain(path)).collect();
        let labels = evidence.labels.iter().filter(|label| any_like(&self.rule.labels, label));
        let repository = evidence.repository.iter().filter(|name| any_like(&self.rule.repositories, name));
        let mut kinds: BTreeMap<(&str, u32), usize> = BTreeMap::new();
        for secret in evidence.secrets.iter().filter(|secret| self.rule.is_about(&secret.name)) {
            *kinds.entry((&secret.name, secret.version)).or_default() += 1;
        }
        let always = finding("request", VERSION, usize::from(self.rule.is_about_everything()));
        let secrets = kinds.into_iter().filter_map(|((name, version), count)| finding(name, version, count));
        [
            always,
            finding("path", VERSION, paths.len()),
            finding("label", VERSION, labels.count()),
            finding("repository", VERSION, repository.count()),
        ]
        .into_iter()
        .flatten()
        .chain(secrets)
        .collect()
    }
}

impl ContentRule {
    /// Whether it is about every request.
    pub fn is_about_everything(&self) -> bool {
        [&self.paths, &self.labels, &self.repositories, &self.secrets].iter().all(|about| about.is_empty())
    }

    fn is_about(&self, secret: &str) -> bool {
        self.secrets.iter().any(|name| name == secret || name == ALL)
    }

    /// Whether a model may be given a request that the rule fits, where it is served.
    fn lets(&self, home: &Home<'_>) -> bool {
        let named = self.providers.iter().any(|name| name == home.provider);
        let near = home.region.is_some_and(|region| self.regions.iter().any(|name| name == region));
        match self.action {
            _ if home.kind == ProviderKind::Embedded => true,
            ContentAction::Record | ContentAction::Redact => true,
            ContentAction::Restrict => named || near,
            ContentAction::Refuse => false,
        }
    }
}

impl Content {
    /// The finding that keeps a request from `model` wherever its client can be served from, if any.
    pub(crate) fn barrier<'f>(&self, features: &'f Features, model: &Model) -> Option<&'f Finding> {
        let (dialect, shape) = (features.dialect, features.shape);
        let homes = model.homes().into_iter().filter(|home| home.reached_in(dialect, shape).is_some());
        let mut barriers = homes.map(|home| self.bars(&features.content, &home));
        let first = barriers.next().flatten()?;
        barriers.all(|barrier| barrier.is_some()).then_some(first)
    }

    /// The finding that keeps a request from where a model is served, if any.
    pub(crate) fn bars<'f>(&self, findings: &'f [Finding], home: &Home<'_>) -> Option<&'f Finding> {
        findings.iter().find(|finding| self.rules.get(&finding.rule).is_some_and(|rule| !rule.lets(home)))
    }
}

/// Whether a name is like one of `patterns`, in which `*` is any text. Capitals do not count.
fn any_like(patterns: &[String], name: &str) -> bool {
    let name = name.to_lowercase();
    patterns.iter().any(|pattern| crate::stock::fits(&name, &pattern.to_lowercase()))
}

#[cfg(test)]
mod tests;
