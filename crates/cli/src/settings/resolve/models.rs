//! Models: a provider that exists, the provider's name for the model, a whole price.

use std::collections::BTreeMap;

use waymark_gateway::ModelConfig;
use waymark_types::{Capability, MicroUsd, Price, ProviderKind, Task};

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::layers::{Entry, Layers};
use crate::settings::origin::Origin;
use crate::settings::problem::Fault;
use crate::settings::value::Value;

/// Cached input costs what input costs, unless the configuration says otherwise.
pub(super) fn complete_prices(layers: &mut Layers) {
    let names: Vec<String> = layers.named("models").iter().map(|(name, _)| (*name).to_owned()).collect();
    for name in names {
        let table = KeyPath::new(["models", name.as_str(), "price"]);
        let Some(input) = layers.get(&table.child("input")).map(|entry| entry.value.clone()) else {
            continue;
        };
        for part in ["cached_input", "cache_write"] {
            let key = table.child(part);
            if layers.get(&key).is_none() && !layers.doubts(&key) {
                layers.derive(key, input.clone());
            }
        }
    }
}

impl Resolver<'_> {
    pub(super) fn models(&mut self) -> BTreeMap<String, ModelConfig> {
        let named = self.layers.named("models");
        named.into_iter().filter_map(|(name, at)| Some((name.to_owned(), self.model(name, at)?))).collect()
    }

    fn model(&mut self, name: &str, declared: &Origin) -> Option<ModelConfig> {
        let table = KeyPath::new(["models", name]);
        if self.is_named("routes", name) {
            let fault = Fault::new(format!("and `{}` share a name", KeyPath::new(["routes", name])));
            self.refuse(
                &table,
                fault.hint("clients could never ask for the model: rename one of them"),
                declared,
            );
        }
        let price = self.price(&table, declared);
        let tasks = self.layers.get(&table.child("tasks")).and_then(|entry| entry.value.list());
        let tasks = tasks.map(|tasks| tasks.iter().filter_map(|task| task.parse::<Task>().ok()).collect());
        let (provider, origin) = self.needed(&table, "provider", declared)?;
        self.check_target(&table.child("provider"), provider, &["providers"], origin);
        let id = self.id(&table, provider, declared)?;
        let (context, can) = (self.count(&table.child("context")), self.can(&table.child("can")));
        Some(ModelConfig { provider: provider.to_owned(), id, price, tasks, context, can })
    }

    fn can(&self, key: &KeyPath) -> Option<Vec<Capability>> {
        let names = self.layers.get(key)?.value.list()?;
        Some(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The provider's name for the model; `None` while it is missing or nobody can say whether it is.
    fn id(&mut self, table: &KeyPath, provider: &str, declared: &Origin) -> Option<String> {
        let kind = self.layers.text(&KeyPath::new(["providers", provider, "kind"]));
        let kind = kind.and_then(|(kind, _)| kind.parse::<ProviderKind>().ok())?;
        if kind != ProviderKind::Embedded {
            return self.needed(table, "id", declared).map(|(id, _)| id.to_owned());
        }
        if let Some((_, origin)) = self.layers.text(&table.child("id")) {
            let fault = Fault::new("has no use: an embedded model is named after what it has learned");
            self.refuse(&table.child("id"), fault.hint("leave it out, or name another provider"), origin);
        }
        Some(String::new())
    }

    fn price(&mut self, table: &KeyPath, declared: &Origin) -> Option<Price> {
        let table = table.child("price");
        let parts = self.layers.below(&table);
        let written = parts.iter().map(|(_, entry)| &entry.origin).find(|origin| **origin != Origin::Default);
        let at = if parts.is_empty() { return None } else { written.unwrap_or(declared).clone() };
        let [input, cached_input, cache_write, output] = ["input", "cached_input", "cache_write", "output"]
            .map(|part| match self.layers.get(&table.child(part)) {
                Some(Entry { value: Value::Usd(amount), .. }) => Some(*amount),
                _ => None,
            });
        let need = |resolver: &mut Self, part: &str, amount: Option<MicroUsd>| {
            if amount.is_none() {
                resolver.missing(&table, part, &at);
            }
            amount
        };
        let (input, output) = (need(self, "input", input), need(self, "output", output));
        Some(Price { input: input?, cached_input: cached_input?, cache_write: cache_write?, output: output? })
    }
}
