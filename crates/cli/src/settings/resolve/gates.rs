//! Output gates: a kind, and for a command what is run.

use std::collections::BTreeMap;

use waymark_gateway::GateConfig;
use waymark_types::GateKind;

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::origin::Origin;
use crate::settings::problem::Fault;

impl Resolver<'_> {
    pub(super) fn gates(&mut self) -> BTreeMap<String, GateConfig> {
        let named = self.layers.named("gates");
        named.into_iter().filter_map(|(name, at)| Some((name.to_owned(), self.gate(name, at)?))).collect()
    }

    fn gate(&mut self, name: &str, declared: &Origin) -> Option<GateConfig> {
        let table = KeyPath::new(["gates", name]);
        let (kind, _) = self.needed(&table, "kind", declared)?;
        let kind: GateKind = kind.parse().ok()?;
        let key = table.child("command");
        let command = self.layers.get(&key).and_then(|entry| Some((entry.value.list()?, &entry.origin)));
        match (kind, command) {
            (GateKind::Command, None) => self.missing(&table, "command", declared),
            (GateKind::Json | GateKind::Schema, Some((_, origin))) => {
                let fault = Fault::new(format!("has no use: a gate of kind `{kind}` runs no command"));
                self.refuse(&key, fault.hint("leave it out, or make the kind `command`"), origin);
            }
            _ => {}
        }
        Some(GateConfig {
            kind,
            command: command.map_or_else(Vec::new, |(words, _)| words.to_vec()),
            timeout: self.span(&table.child("timeout")),
            budget_day: self.dollars(&table.child("budget_day")),
        })
    }

    /// The gates of a route, which must be there.
    pub(super) fn gates_of(&mut self, key: &KeyPath) -> Vec<String> {
        let Some(entry) = self.layers.get(key) else { return Vec::new() };
        let names = entry.value.list().unwrap_or_default();
        for name in names {
            self.check_target(key, name, &["gates"], &entry.origin);
        }
        names.to_vec()
    }
}
