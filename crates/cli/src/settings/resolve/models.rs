//! Models: a provider that exists, the provider's name for the model, a whole price.

use std::collections::BTreeMap;

use waymark_gateway::{DeploymentConfig, ModelConfig};
use waymark_types::{Capability, MicroUsd, Price, ProviderKind, Task};

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::layers::{Entry, Layers};
use crate::settings::origin::Origin;
use crate::settings::problem::{Fault, echo};
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
        let mut deployments = self.deployments(&table, name);
        if deployments.is_empty() || self.layers.text(&table.child("provider")).is_some() {
            let (provider, origin) = self.needed(&table, "provider", declared)?;
            self.check_target(&table.child("provider"), provider, &["providers"], origin);
            let (provider, id) = (provider.to_owned(), self.id(&table, provider, declared)?);
            deployments.insert(0, DeploymentConfig { name: name.to_owned(), provider, id, weight: 1 });
        }
        let first = deployments.first()?;
        let (provider, id) = (first.provider.clone(), first.id.clone());
        if let [_] = deployments.as_slice() {
            deployments.clear();
        }
        let (context, can) = (self.count(&table.child("context")), self.can(&table.child("can")));
        Some(ModelConfig { provider, id, price, tasks, context, can, deployments })
    }

    fn can(&self, key: &KeyPath) -> Option<Vec<Capability>> {
        let names = self.layers.get(key)?.value.list()?;
        Some(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// The places where a model is served beside its own provider.
    fn deployments(&mut self, table: &KeyPath, model: &str) -> Vec<DeploymentConfig> {
        let table_of_all = table.child("deployments");
        let mut deployments: Vec<DeploymentConfig> = Vec::new();
        for (name, declared) in self.layers.tables_below(&table_of_all) {
            let of_one = table_of_all.child(name);
            let Some((provider, origin)) = self.needed(&of_one, "provider", declared) else { continue };
            self.check_target(&of_one.child("provider"), provider, &["providers"], origin);
            let kind = self.layers.text(&KeyPath::new(["providers", provider, "kind"]));
            if kind.is_some_and(|(kind, _)| kind == ProviderKind::Embedded.as_str()) {
                let fault =
                    Fault::new("names the provider of the embedded model, which is at one place only");
                self.refuse(&of_one.child("provider"), fault, origin);
                continue;
            }
            let own = self.layers.text(&table.child("id"));
            let Some((id, _)) = self.layers.text(&of_one.child("id")).or(own) else {
                self.missing(&of_one, "id", declared);
                continue;
            };
            let weight = self.small_count(&of_one.child("weight")).unwrap_or(1);
            let (provider, id) = (provider.to_owned(), id.to_owned());
            let own_provider = self.layers.text(&table.child("provider")).map(|(own, _)| own);
            let is_own = own_provider == Some(&provider) && own.is_some_and(|(own, _)| own == id);
            if is_own || deployments.iter().any(|one| one.provider == provider && one.id == id) {
                let fault = Fault::new(format!(
                    "is the same place as another one: {} at {}",
                    echo(&id),
                    echo(&provider)
                ));
                self.refuse(
                    &of_one,
                    fault.hint("leave one of them out, or give it another provider or id"),
                    declared,
                );
                continue;
            }
            deployments.push(DeploymentConfig { name: format!("{model}/{name}"), provider, id, weight });
        }
        deployments
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
