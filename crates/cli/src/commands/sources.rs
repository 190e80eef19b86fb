//! From what was typed and found to settings.

use std::path::{Path, PathBuf};

use waymark_gateway::{AnchorConfig, Discovery, Found};
use waymark_store::Address;

use crate::args::Common;
use crate::failure::{Failure, UNREACHABLE, USAGE};
use crate::settings::{self, Discovered, KeyPath, Settings, SettingsError, Sources, Value};

/// The process environment; an unset variable and one that is no text are the same.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What a server command was given beside the common flags.
#[derive(Default)]
pub(super) struct Given {
    pub(super) listen: Option<String>,
    pub(super) repository: Option<PathBuf>,
    pub(super) discovered: Vec<Discovered>,
}

/// Loads the settings and tells what is allowed but probably not meant.
pub(super) fn load(common: &Common, given: Given) -> Result<Settings, Failure> {
    let mut flags = flags(common);
    flags.extend(given.listen.map(|listen| ("server.listen", listen, "--listen")));
    let repository = given.repository.as_deref().and_then(Path::to_str).map(str::to_owned);
    flags.extend(repository.map(|repository| ("repository.path", repository, "--repo")));
    let platform = settings::platform_data_dir();
    let settings = settings::load(&Sources {
        platform_data_dir: platform.as_deref(),
        discovered: &given.discovered,
        file: common.config.as_deref(),
        environment: &environment,
        flags: &flags,
    })
    .map_err(|error| Failure::from_error(USAGE, &error))?;
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(settings)
}

/// Where the ledger is. Commands that only read it need no provider's key, so nothing else is looked at.
pub(super) fn data_dir(common: &Common) -> Result<PathBuf, Failure> {
    alone(common, settings::data_dir)?.ok_or_else(|| {
        Failure::new(UNREACHABLE, "this system names no data directory").hint("use --data-dir DIR")
    })
}

/// Where records are kept, by the settings alone.
pub(super) fn store(common: &Common, data_dir: &Path) -> Result<Address, Failure> {
    alone(common, |sources| settings::store(sources, data_dir))
}

/// Where the server listens, by the settings alone.
pub(super) fn listen(common: &Common) -> Result<Option<String>, Failure> {
    alone(common, settings::listen)
}

/// Where the ledger's checkpoints are anchored, by the settings alone.
pub(super) fn anchors(common: &Common) -> Result<AnchorConfig, Failure> {
    alone(common, settings::anchors)
}

/// Reads one thing, for commands that need no provider to be right: nothing else is looked at.
fn alone<T>(
    common: &Common,
    read: impl FnOnce(&Sources<'_>) -> Result<T, SettingsError>,
) -> Result<T, Failure> {
    let platform = settings::platform_data_dir();
    let found = read(&Sources {
        platform_data_dir: platform.as_deref(),
        discovered: &[],
        file: common.config.as_deref(),
        environment: &environment,
        flags: &flags(common),
    });
    found.map_err(|error| Failure::from_error(USAGE, &error))
}

fn flags(common: &Common) -> Vec<(&'static str, String, &'static str)> {
    let data_dir = common.data_dir.as_deref().map(|path| path.display().to_string());
    data_dir.map(|path| ("server.data_dir", path, "--data-dir")).into_iter().collect()
}

/// What was found at start, as settings: its providers, their models, and a ladder from free to dear. A
/// configuration file's own models would not be on that ladder, so beside a file it is left to the file.
pub(super) fn discovered(discovery: &Discovery, beside_a_file: bool) -> Vec<Discovered> {
    let mut settings = Vec::new();
    for found in &discovery.found {
        settings.extend(provider(found));
        settings.extend(found.models.iter().flat_map(|model| self::model(found, model)));
    }
    if !discovery.found.is_empty() && !beside_a_file {
        let how = "the models found, from free to dear".to_owned();
        let value = Value::List(ladder(discovery));
        settings.push(Discovered { key: KeyPath::fixed("routes.auto.ladder"), value, how });
    }
    settings
}

fn provider(found: &Found) -> Vec<Discovered> {
    let set = |name: &str, value: &str| Discovered {
        key: KeyPath::new(["providers", found.provider, name]),
        value: value.into(),
        how: found.how.clone(),
    };
    let mut settings = vec![set("kind", found.kind.as_str()), set("base_url", &found.base_url)];
    settings.extend(found.api_key_env.map(|variable| set("api_key_env", variable)));
    settings
}

fn model(found: &Found, model: &str) -> Vec<Discovered> {
    let name = name(found, model);
    let set = |key: &[&str], value: Value| Discovered {
        key: KeyPath::new(["models", &name].into_iter().chain(key.iter().copied())),
        value,
        how: found.how.clone(),
    };
    let mut settings = vec![set(&["provider"], found.provider.into()), set(&["id"], model.into())];
    if found.local {
        // What runs on this machine costs nothing per token.
        let free = || Value::Usd(waymark_types::MicroUsd(0));
        settings.extend([set(&["price", "input"], free()), set(&["price", "output"], free())]);
    }
    settings
}

/// The embedded model, one model of each local server, then every provider's small model, then the larger ones.
fn ladder(discovery: &Discovery) -> Vec<String> {
    let (local, hosted): (Vec<&Found>, Vec<&Found>) = discovery.found.iter().partition(|found| found.local);
    let mut ladder = vec!["flash".to_owned()];
    ladder.extend(local.iter().filter_map(|found| found.models.first().map(|model| name(found, model))));
    let most = hosted.iter().map(|found| found.models.len()).max().unwrap_or(0);
    for size in 0..most {
        ladder
            .extend(hosted.iter().filter_map(|found| found.models.get(size).map(|model| name(found, model))));
    }
    ladder
}

fn name(found: &Found, model: &str) -> String {
    format!("{}/{model}", found.provider)
}

#[cfg(test)]
mod tests {
    use waymark_types::ProviderKind;

    use super::*;

    fn found(provider: &'static str, models: &[&str], local: bool) -> Found {
        Found {
            provider,
            kind: ProviderKind::OpenAi,
            base_url: "http://127.0.0.1:1/v1".into(),
            api_key_env: None,
            models: models.iter().map(|&model| model.to_owned()).collect(),
            local,
            how: "found".into(),
        }
    }

    #[test]
    fn the_ladder_goes_from_free_to_dear() {
        let found = vec![
            found("ollama", &["qwen:7b", "llama:8b"], true),
            found("anthropic", &["haiku", "opus"], false),
            found("openai", &["mini", "big"], false),
        ];
        let discovery = Discovery { found, absent: vec![] };
        assert_eq!(
            ladder(&discovery),
            ["flash", "ollama/qwen:7b", "anthropic/haiku", "openai/mini", "anthropic/opus", "openai/big"]
        );
    }

    #[test]
    fn what_was_found_is_a_configuration_that_holds() {
        let discovery = Discovery { found: vec![found("vllm", &["m"], true)], absent: vec![] };
        let settings = settings::load(&Sources {
            platform_data_dir: Some(Path::new("/tmp")),
            discovered: &discovered(&discovery, false),
            file: None,
            environment: &|_| None,
            flags: &[],
        })
        .unwrap();
        assert_eq!(settings.config().routes["auto"].ladder, ["flash", "vllm/m"]);
        assert_eq!(settings.config().models["vllm/m"].price.unwrap().output.0, 0);
    }
}
