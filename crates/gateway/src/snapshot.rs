//! From configuration to the snapshot that decisions are made under.

use thiserror::Error;
use waymark_ledger::canonical::{self, CanonicalError};
use waymark_ledger::commitment::hex;
use waymark_ledger::tree::Hash;
use waymark_routing::content::{Content, SecretPatterns};
use waymark_routing::{
    CACHE_LIFE, Deployment, Model, PAYBACK_TURNS, Policy, Route, RuleError, Snapshot, StockNames, WHOLE,
};
use waymark_types::{Dialect, Price, ProviderKind};

use crate::config::{Config, DeploymentConfig, ModelConfig, ProviderConfig};

/// The embedded model's family; its full version also names its corpus, which changes with every saved file and
/// is therefore no part of a snapshot.
const EMBEDDED_ID: &str = "waymark-flash-1";

/// A configuration that is no policy.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// It has no canonical form.
    #[error("the configuration cannot be recorded")]
    Canonical(#[from] CanonicalError),
    /// A rule's pattern is none.
    #[error("the configuration has a rule that cannot be looked for: {0}")]
    Rule(#[from] RuleError),
}

/// The policy of a configuration, and its digest.
pub(crate) fn snapshot(config: &Config) -> Result<Snapshot, SnapshotError> {
    let models =
        config.models.iter().filter_map(|(name, model)| Some((name.clone(), resolve(config, model)?)));
    let routes = config.routes.iter().map(|(name, route)| {
        let route = Route {
            ladder: route.ladder.clone(),
            fallback: route.fallback.clone(),
            climb_at: route.climb_at.unwrap_or(WHOLE),
            payback_turns: route.payback_turns.unwrap_or(PAYBACK_TURNS),
            switch_limit: route.switch_limit,
            cache_life: route.cache_life.map_or(CACHE_LIFE, |life| life.as_secs()),
            shadow: route.shadow.clone(),
        };
        (name.clone(), route)
    });
    let (models, routes) = (models.collect(), routes.collect());
    let (aliases, stock) = (config.aliases.clone(), StockNames::shipped().map_err(CanonicalError::from)?);
    let secrets = SecretPatterns::shipped().map_err(CanonicalError::from)?;
    let content = Content { rules: config.content.clone(), secrets };
    let policy = Policy { models, routes, aliases, stock, rules: config.rules.clone(), content };
    let digest = sha256(&canonical::to_bytes(&policy)?);
    Ok(Snapshot::new(policy, hex(&digest))?)
}

fn resolve(config: &Config, model: &ModelConfig) -> Option<Model> {
    let provider = config.providers.get(&model.provider)?;
    let kind = provider.kind;
    let dialects = provider.dialects.clone().unwrap_or_else(|| usual_dialects(provider));
    let embedded = kind == ProviderKind::Embedded;
    Some(Model {
        provider: model.provider.clone(),
        kind,
        dialects,
        id: if embedded { EMBEDDED_ID.to_owned() } else { model.id.clone() },
        price: model.price.or(embedded.then(Price::default)),
        tasks: model.tasks.clone(),
        context: model.context,
        can: model.can.clone(),
        deployments: model.deployments.iter().filter_map(|one| deployment(config, one)).collect(),
        region: provider.region.clone(),
    })
}

fn deployment(config: &Config, deployment: &DeploymentConfig) -> Option<Deployment> {
    let provider = config.providers.get(&deployment.provider)?;
    Some(Deployment {
        name: deployment.name.clone(),
        provider: deployment.provider.clone(),
        kind: provider.kind,
        dialects: provider.dialects.clone().unwrap_or_else(|| usual_dialects(provider)),
        id: deployment.id.clone(),
        weight: deployment.weight,
        region: provider.region.clone(),
    })
}

/// The dialects of a provider of which nobody says which it knows.
fn usual_dialects(provider: &ProviderConfig) -> Vec<Dialect> {
    let mut dialects = Model::usual_dialects(provider.kind);
    // Elsewhere Responses are converted into chat, which all others know.
    if provider.kind == ProviderKind::OpenAi && provider.is_openai() {
        dialects.push(Dialect::OpenAiResponses);
    }
    dialects
}

fn sha256(bytes: &[u8]) -> Hash {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
