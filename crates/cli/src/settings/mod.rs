//! Settings: from the command line, the environment, a file and what was found at start to one configuration.
//!
//! Layers are laid over each other, the strongest last; every value remembers where it came from, and everything
//! wrong is told at once. Loading reads one file and nothing else of the outside: callers pass the environment in
//! and show what comes out.

mod duration;
mod file;
mod key;
mod layers;
mod origin;
mod problem;
#[cfg(test)]
mod reference;
mod resolve;
mod schema;
#[cfg(test)]
mod tests;
mod url;
mod usd;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use waymark_gateway::{AnchorConfig, Config};
use waymark_store::Address;
use waymark_types::MicroUsd;

pub(crate) use key::KeyPath;
pub(crate) use origin::Origin;
pub(crate) use problem::SettingsError;
pub(crate) use value::Value;

use layers::{Entry, Layers};

/// How an environment variable is looked up.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything settings are made from, weakest first.
pub(crate) struct Sources<'a> {
    /// Where data goes by default; [`platform_data_dir`] knows.
    pub(crate) platform_data_dir: Option<&'a Path>,
    /// What was found at start.
    pub(crate) discovered: &'a [Discovered],
    /// The configuration file. One that is named must be there.
    pub(crate) file: Option<&'a Path>,
    /// The process environment, for settings and for the keys of providers.
    pub(crate) environment: Environment<'a>,
    /// Key path, value and the flag that gave it, dashes included.
    pub(crate) flags: &'a [(&'static str, String, &'static str)],
}

/// A value found at start: a provider whose key is set, a model a local server has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Discovered {
    /// Where it goes: `KeyPath::new(["providers", "anthropic", "kind"])`.
    pub(crate) key: KeyPath,
    /// What goes there.
    pub(crate) value: Value,
    /// What gave it away, for people: `ANTHROPIC_API_KEY is set`.
    pub(crate) how: String,
}

/// The settings in effect.
pub(crate) struct Settings {
    config: Config,
    entries: BTreeMap<KeyPath, Entry>,
    warnings: Vec<String>,
}

impl Settings {
    /// What the server is told.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Every value in effect and where it came from, sorted by key. Secrets are not among them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&KeyPath, &Value, &Origin)> {
        self.entries.iter().map(|(key, entry)| (key, &entry.value, &entry.origin))
    }

    /// What is allowed and probably not meant, a line each.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Loads the settings, or tells everything that is wrong with them.
pub(crate) fn load(sources: &Sources<'_>) -> Result<Settings, SettingsError> {
    let mut layers = Layers::default();
    layers.defaults(sources.platform_data_dir.and_then(Path::to_str));
    layers.discovered(sources.discovered);
    if let Some(path) = sources.file {
        file::read(path, &mut layers)?;
    }
    layers.environment(sources.environment);
    layers.flags(sources);
    resolve::resolve(layers, sources.environment)
}

/// Waymark's place in the platform's data directory, if the platform names one.
pub(crate) fn platform_data_dir() -> Option<PathBuf> {
    dirs::data_dir().map(|directory| directory.join("waymark"))
}

/// Where data is kept, by the same layers, without looking at anything else: commands that only read the ledger
/// need no provider to be right.
pub(crate) fn data_dir(sources: &Sources<'_>) -> Result<Option<PathBuf>, SettingsError> {
    Ok(one(sources, "server.data_dir")?.map(PathBuf::from))
}

/// Where records are kept, by the same layers, for commands that need no provider.
pub(crate) fn store(sources: &Sources<'_>, data_dir: &Path) -> Result<Address, SettingsError> {
    let layers = laid(sources)?;
    if ["store.url", "store.password_env"].iter().any(|path| layers.doubts(&KeyPath::fixed(path))) {
        return Err(SettingsError::Invalid(layers.into_parts().1));
    }
    resolve::store(&layers, sources.environment, data_dir)
        .map_err(|problem| SettingsError::Invalid(vec![problem]))
}

/// Where the server listens, by the same layers, for commands that only point at it.
pub(crate) fn listen(sources: &Sources<'_>) -> Result<Option<String>, SettingsError> {
    one(sources, "server.listen")
}

/// Where the ledger's checkpoints are anchored, by the same layers, for commands that need no provider.
pub(crate) fn anchors(sources: &Sources<'_>) -> Result<AnchorConfig, SettingsError> {
    let layers = laid(sources)?;
    let concerned = |path: &str| path.starts_with("ledger.anchor.") || path == "repository.path";
    let mut keys = schema::KEYS.iter().filter(|key| concerned(key.path));
    // What is said and not understood must not lead to another place, or to none.
    if keys.any(|key| layers.doubts(&KeyPath::fixed(key.path))) {
        return Err(SettingsError::Invalid(layers.into_parts().1));
    }
    resolve::anchors(&layers, sources.environment).map_err(|problem| SettingsError::Invalid(vec![problem]))
}

/// Reads an amount of US dollars, exactly; what is wrong with it otherwise, in words.
pub(crate) fn dollars(text: &str) -> Result<MicroUsd, String> {
    usd::parse(text).map_err(|fault| fault.message)
}

fn laid(sources: &Sources<'_>) -> Result<Layers, SettingsError> {
    let mut layers = Layers::default();
    layers.defaults(sources.platform_data_dir.and_then(Path::to_str));
    if let Some(path) = sources.file {
        file::read(path, &mut layers)?;
    }
    layers.environment(sources.environment);
    layers.flags(sources);
    Ok(layers)
}

fn one(sources: &Sources<'_>, path: &'static str) -> Result<Option<String>, SettingsError> {
    let layers = laid(sources)?;
    let key = KeyPath::fixed(path);
    // What is said and not understood must not lead to another directory's ledger, or another address.
    if layers.doubts(&key) {
        let (_, problems) = layers.into_parts();
        return Err(SettingsError::Invalid(problems));
    }
    Ok(layers.text(&key).map(|(text, _)| text.to_owned()))
}
