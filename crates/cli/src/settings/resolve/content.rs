//! Content rules: patterns that are some, providers and regions that exist, and an action that fits.

use std::collections::BTreeMap;

use waymark_routing::content::{ALL, Content, ContentRule, ContentRules, SecretPatterns};
use waymark_types::ContentAction;

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::layers::Entry;
use crate::settings::origin::Origin;
use crate::settings::problem::{Fault, echo, suggestion};
use crate::settings::value::Value;

impl Resolver<'_> {
    /// The content rules in force.
    pub(super) fn content_rules(&mut self) -> BTreeMap<String, ContentRule> {
        let named = self.layers.named("content");
        named.into_iter().filter_map(|(name, at)| Some((name.to_owned(), self.rule(name, at)?))).collect()
    }

    fn rule(&mut self, name: &str, declared: &Origin) -> Option<ContentRule> {
        let table = KeyPath::new(["content", name]);
        let enabled = self.layers.get(&table.child("enabled"));
        if matches!(enabled, Some(Entry { value: Value::Switch(false), .. })) {
            return None;
        }
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
        if !name.chars().all(plain) {
            let fault = Fault::new("has a name that records cannot carry");
            self.refuse(&table, fault.hint("use letters, digits, `_` and `-`"), declared);
        }
        let (action, origin) = self.needed(&table, "action", declared)?;
        let action: ContentAction = action.parse().ok()?;
        let texts = |name| self.layers.get(&table.child(name)).and_then(|entry| entry.value.list());
        let list = |name| texts(name).map(<[String]>::to_vec).unwrap_or_default();
        let rule = ContentRule {
            paths: list("paths"),
            labels: list("labels"),
            repositories: list("repositories"),
            secrets: list("secrets"),
            action,
            providers: list("providers"),
            regions: list("regions"),
        };
        self.check_action(&table, &rule, origin);
        self.check_secrets(&table.child("secrets"), &rule);
        self.check_recipients(&table, &rule);
        self.check_paths(&table.child("paths"), name, &rule);
        Some(rule)
    }

    /// What an action can be about.
    fn check_action(&mut self, table: &KeyPath, rule: &ContentRule, origin: &Origin) {
        let key = table.child("action");
        let elsewhere = [&rule.paths, &rule.labels, &rule.repositories].iter().any(|about| !about.is_empty());
        let fault = match rule.action {
            ContentAction::Redact if elsewhere || rule.secrets.is_empty() => Fault::new(
                "`redact` is for secrets",
            )
            .hint("name them in `secrets`, and put paths, labels and repositories into a rule of their own"),
            ContentAction::Refuse | ContentAction::Record if rule.is_about_everything() => {
                Fault::new(format!("`{}` would be about every request", rule.action.as_str()))
                    .hint("say what the rule is about: `paths`, `labels`, `repositories` or `secrets`")
            }
            _ => return,
        };
        self.refuse(&key, fault, origin);
    }

    fn check_secrets(&mut self, key: &KeyPath, rule: &ContentRule) {
        // Patterns that do not ship are a fault of this program's, which its start tells.
        let shipped = SecretPatterns::shipped().unwrap_or_default();
        let names = shipped.names();
        let Some(origin) = self.layers.get(key).map(|entry| &entry.origin) else { return };
        for name in &rule.secrets {
            if name != ALL && !names.contains(name.as_str()) {
                let hint = suggestion(name, names.iter().copied().chain([ALL]));
                let fault = Fault::new(format!("names {}, which is no pattern of secrets", echo(name)));
                self.refuse(key, Fault { hint, ..fault }, origin);
            }
        }
    }

    /// Only a rule that restricts lets some through, and only to those that there are.
    fn check_recipients(&mut self, table: &KeyPath, rule: &ContentRule) {
        for (name, given) in [("providers", &rule.providers), ("regions", &rule.regions)] {
            let key = table.child(name);
            let Some(origin) = self.layers.get(&key).map(|entry| &entry.origin) else { continue };
            if rule.action != ContentAction::Restrict {
                let fault = Fault::new(format!("has no use with `{}`", rule.action.as_str()));
                self.refuse(&key, fault.hint("write action = \"restrict\", or leave it out"), origin);
            }
            for text in given {
                if name == "providers" {
                    self.check_target(&key, text, &["providers"], origin);
                } else if !self.is_region(text) {
                    self.warn(
                        origin,
                        &format!("`{key}` names {}, which is no provider's region", echo(text)),
                    );
                }
            }
        }
    }

    fn is_region(&self, region: &str) -> bool {
        let named = self.layers.named("providers");
        named.iter().any(|(provider, _)| {
            let key = KeyPath::new(["providers", provider, "region"]);
            self.layers.text(&key).is_some_and(|(text, _)| text == region)
        })
    }

    fn check_paths(&mut self, key: &KeyPath, name: &str, rule: &ContentRule) {
        let Some(origin) = self.layers.get(key).map(|entry| &entry.origin) else { return };
        let only = ContentRule { paths: rule.paths.clone(), ..ContentRule::default() };
        let content = Content { rules: [(name.to_owned(), only)].into(), ..Content::default() };
        if let Err(error) = ContentRules::new(&content) {
            let problem = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            let fault = Fault::new(format!("holds a pattern that is none: {problem}"));
            self.refuse(
                key,
                fault.hint("write patterns like those of a .gitignore: `secrets/`, `*.pem`"),
                origin,
            );
        }
    }
}
