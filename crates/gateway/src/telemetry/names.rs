//! From what a record says to names that the configuration gives: no other ever becomes a label.

use std::collections::BTreeMap;

use waymark_ledger::Completion;
use waymark_types::ProviderKind;

use crate::config::Config;

/// The label of what has no name in the configuration.
pub(super) const NONE: &str = "none";

/// The names the configuration gives.
#[derive(Clone, Default)]
pub(super) struct Names {
    /// Models, by their provider and its name for them.
    models: BTreeMap<String, BTreeMap<String, String>>,
    /// The embedded models, by their provider: their own name changes with what they have learnt.
    embedded: BTreeMap<String, String>,
    kinds: BTreeMap<String, ProviderKind>,
}

impl Names {
    pub(super) fn of(config: &Config) -> Self {
        let kinds: BTreeMap<_, _> =
            config.providers.iter().map(|(name, provider)| (name.clone(), provider.kind)).collect();
        let mut models: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut embedded = BTreeMap::new();
        for (name, model) in &config.models {
            if kinds.get(&model.provider) == Some(&ProviderKind::Embedded) {
                embedded.insert(model.provider.clone(), name.clone());
            } else {
                let of_provider = models.entry(model.provider.clone()).or_default();
                of_provider.entry(model.id.clone()).or_insert_with(|| name.clone());
            }
            for one in &model.deployments {
                let of_provider = models.entry(one.provider.clone()).or_default();
                of_provider.entry(one.id.clone()).or_insert_with(|| name.clone());
            }
        }
        Self { models, embedded, kinds }
    }

    /// The configured name of a provider's model.
    pub(super) fn model(&self, provider: &str, id: &str) -> &str {
        let named = self.models.get(provider).and_then(|models| models.get(id));
        named.or_else(|| self.embedded.get(provider)).map_or(NONE, String::as_str)
    }

    /// The configured name of the model that answered, or was tried last.
    pub(super) fn resolved(&self, completion: &Completion) -> &str {
        let attempts = completion.attempts.as_deref().unwrap_or_default();
        let served = attempts.iter().find(|attempt| attempt.served).or(attempts.last());
        served.map_or(NONE, |attempt| self.model(&attempt.provider, &attempt.model))
    }

    /// A provider's name, if the configuration knows it.
    pub(super) fn provider<'a>(&self, provider: &'a str) -> &'a str {
        if self.kinds.contains_key(provider) { provider } else { NONE }
    }

    /// How a provider is spoken to.
    pub(super) fn kind(&self, provider: &str) -> Option<ProviderKind> {
        self.kinds.get(provider).copied()
    }
}
