//! From merged layers to the server's configuration: what holds between values is checked here.

mod anchors;
mod content;
mod gates;
mod limits;
mod models;
mod providers;
mod routes;
mod rules;
mod store;
mod telemetry;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use waymark_gateway::{Config, LedgerConfig, OnFailure, Payloads, Witness};

use super::duration;
use super::key::KeyPath;
use super::layers::{Entry, Layers};
use super::origin::Origin;
use super::problem::{Fault, Problem, SettingsError, echo, suggestion};
use super::schema;
use super::value::{self, Value};
use super::{Environment, Settings};

pub(super) use anchors::anchors;
pub(super) use store::store;

/// Resolves what the layers said.
pub(super) fn resolve(mut layers: Layers, environment: Environment<'_>) -> Result<Settings, SettingsError> {
    models::complete_prices(&mut layers);
    routes::complete_auto(&mut layers);
    let mut resolver = Resolver { layers: &layers, environment, problems: Vec::new(), warnings: Vec::new() };
    let config = resolver.config();
    let Resolver { mut problems, warnings, .. } = resolver;
    let (entries, of_layers) = layers.into_parts();
    problems.extend(of_layers);
    problems.sort_by_key(|problem| problem.origin.rank());
    match config {
        Some(config) if problems.is_empty() => Ok(Settings { config, entries, warnings }),
        _ => Err(SettingsError::Invalid(problems)),
    }
}

struct Resolver<'a> {
    layers: &'a Layers,
    environment: Environment<'a>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl<'a> Resolver<'a> {
    /// The configuration; `None` only where a problem says why.
    fn config(&mut self) -> Option<Config> {
        let providers = self.providers();
        let models = self.models();
        let routes = self.routes();
        let (aliases, rules, gates) = (self.aliases(), self.rules(), self.gates());
        let content = self.content_rules();
        let listen = self.fixed("server.listen").and_then(|text| text.parse().ok());
        let data_dir = self.data_dir();
        let store = data_dir.as_deref().and_then(|data_dir| self.store(data_dir));
        let anchors = self.anchors();
        let telemetry = self.telemetry();
        let limits = self.limits();
        Some(Config {
            listen: listen?,
            max_concurrent: self.count(&KeyPath::fixed("server.max_concurrent")).map(|most| most as usize),
            hosts: match self.layers.get(&KeyPath::fixed("server.hosts")) {
                Some(Entry { value: Value::List(names), .. }) => names.clone(),
                _ => Vec::new(),
            },
            data_dir: data_dir?,
            store: store?,
            repository: self.fixed("repository.path").map(PathBuf::from),
            flash_threshold: match self.layers.get(&KeyPath::fixed("embedded.threshold")) {
                Some(Entry { value: Value::Fraction(threshold), .. }) => Some(*threshold),
                _ => None,
            },
            ledger: LedgerConfig {
                on_failure: match self.fixed("ledger.on_failure") {
                    Some("serve") => OnFailure::Serve,
                    _ => OnFailure::Refuse,
                },
                payloads: match self.fixed("ledger.payloads") {
                    Some("keep") => Payloads::Keep,
                    _ => Payloads::Discard,
                },
                keep_payloads_for: self.duration("ledger.keep_payloads_for"),
                keep_records_for: self.duration("ledger.keep_records_for"),
            },
            anchors: anchors?,
            witnesses: self.witnesses(),
            telemetry,
            limits,
            providers,
            models,
            routes,
            aliases,
            rules,
            gates,
            content,
        })
    }

    /// Who cosigns checkpoints, each checked when it was read.
    fn witnesses(&self) -> Vec<Witness> {
        let entry = self.layers.get(&KeyPath::fixed("ledger.witnesses"));
        let named = entry.and_then(|entry| entry.value.list()).unwrap_or_default();
        named.iter().filter_map(|text| value::witness(text).ok()).collect()
    }

    /// The span of time at a path, checked when it was read.
    fn duration(&self, path: &'static str) -> Option<Duration> {
        self.fixed(path).and_then(|text| duration::parse(text).ok())
    }

    fn data_dir(&mut self) -> Option<PathBuf> {
        let key = KeyPath::fixed("server.data_dir");
        let found = self.layers.text(&key).map(|(text, _)| PathBuf::from(text));
        if found.is_none() && !self.layers.doubts(&key) {
            let fault = Fault::new("has no value: this platform names no data directory");
            self.refuse(&key, fault.hint("name one with --data-dir"), &Origin::Default);
        }
        found
    }

    fn aliases(&mut self) -> BTreeMap<String, String> {
        let table = KeyPath::fixed("aliases");
        let aliases = self.layers.below(&table);
        for &(name, entry) in &aliases {
            let key = table.child(name);
            if let Some(target) = entry.value.text() {
                self.check_target(&key, target, &["models", "routes"], &entry.origin);
            }
            for (kind, table) in [("model", "models"), ("route", "routes")] {
                if self.is_named(table, name) {
                    self.warn(
                        &entry.origin,
                        &format!("`{key}` is never used: there is a {kind} of that name"),
                    );
                }
            }
        }
        aliases
            .into_iter()
            .filter_map(|(name, entry)| Some((name.to_owned(), entry.value.text()?.to_owned())))
            .collect()
    }

    /// The text at a path that has no names of the user's choice.
    fn fixed(&self, path: &'static str) -> Option<&'a str> {
        self.layers.text(&KeyPath::fixed(path)).map(|(text, _)| text)
    }

    /// The text at `key`, which the table declared at `origin` needs.
    fn needed(
        &mut self,
        table: &KeyPath,
        name: &'static str,
        origin: &Origin,
    ) -> Option<(&'a str, &'a Origin)> {
        let key = table.child(name);
        let found = self.layers.text(&key);
        if found.is_none() {
            self.missing(table, name, origin);
        }
        found
    }

    fn missing(&mut self, table: &KeyPath, name: &str, origin: &Origin) {
        let key = table.child(name);
        if !self.layers.doubts(&key) {
            let fault = Fault::new(format!("has no `{name}`"));
            let doc = schema::find(&key).map(|key| format!("{name} is {}", key.doc));
            self.refuse(table, Fault { hint: doc, ..fault }, origin);
        }
    }

    fn is_named(&self, table: &str, name: &str) -> bool {
        self.layers.named(table).iter().any(|(known, _)| *known == name)
    }

    /// Checks that `name`, the value of `key`, is declared in one of `tables`.
    fn check_target(&mut self, key: &KeyPath, name: &str, tables: &[&str], origin: &Origin) {
        if tables.iter().any(|table| self.is_named(table, name)) {
            return;
        }
        if tables.iter().any(|table| self.layers.doubts(&KeyPath::new([*table]))) {
            return;
        }
        let kinds = tables.iter().map(|table| table.trim_end_matches('s')).collect::<Vec<_>>().join(" or ");
        let known: Vec<&str> =
            tables.iter().flat_map(|table| self.layers.named(table)).map(|(name, _)| name).collect();
        let elsewhere = [("providers", "a provider"), ("models", "a model"), ("routes", "a route")]
            .into_iter()
            .find(|(table, _)| self.is_named(table, name))
            .map(|(_, kind)| format!("it is {kind}; known here: {}", known.join(", ")));
        let hint = elsewhere.or_else(|| suggestion(name, known));
        let fault = Fault::new(format!("names {}, which is no {kinds}", echo(name)));
        self.refuse(key, Fault { hint, ..fault }, origin);
    }

    fn refuse(&mut self, key: &KeyPath, fault: Fault, origin: &Origin) {
        let message = format!("`{key}` {}", fault.message);
        self.problems.push(Problem { origin: origin.clone(), message, hint: fault.hint });
    }

    fn warn(&mut self, origin: &Origin, message: &str) {
        self.warnings.push(format!("{}: {message}", origin.place()));
    }
}
