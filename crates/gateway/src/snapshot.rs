//! From configuration to the snapshot that decisions are made under.

use waymark_ledger::canonical::{self, CanonicalError};
use waymark_ledger::commitment::hex;
use waymark_ledger::tree::Hash;
use waymark_routing::{Model, Policy, Route, Snapshot, StockNames};
use waymark_types::{Dialect, Price, ProviderKind};

use crate::config::{Config, ModelConfig, ProviderConfig};

/// The embedded model's family; its full version also names its corpus, which changes with every saved file and
/// is therefore no part of a snapshot.
const EMBEDDED_ID: &str = "waymark-flash-1";

/// The policy of a configuration, and its digest.
pub(crate) fn snapshot(config: &Config) -> Result<Snapshot, CanonicalError> {
    let models =
        config.models.iter().filter_map(|(name, model)| Some((name.clone(), resolve(config, model)?)));
    let routes = config.routes.iter().map(|(name, route)| {
        let route = Route { ladder: route.ladder.clone(), fallback: route.fallback.clone() };
        (name.clone(), route)
    });
    let (models, routes) = (models.collect(), routes.collect());
    let policy = Policy { models, routes, aliases: config.aliases.clone(), stock: StockNames::shipped()? };
    let digest = sha256(&canonical::to_bytes(&policy)?);
    Ok(Snapshot { policy, digest: hex(&digest) })
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
