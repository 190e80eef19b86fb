//! Providers: an address of the right form, and a key that is there.

use std::collections::BTreeMap;

use waymark_gateway::{Patience, ProviderConfig};
use waymark_types::{ProviderKind, Secret};

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::origin::Origin;
use crate::settings::problem::Fault;
use crate::settings::url::Url;
use crate::settings::value::Value;

/// How often a call is made again unless the configuration says otherwise.
const RETRIES: u32 = 2;

/// What clients of OpenAI's dialect add to a base URL themselves.
const OPENAI_ENDPOINTS: &[&str] =
    &["/chat/completions", "/fim/completions", "/completions", "/responses", "/embeddings", "/models"];

/// What a provider inside this program has no use for.
const NOT_EMBEDDED: &[&str] = &[
    "base_url",
    "api_version",
    "api_key_env",
    "dialects",
    "region",
    "connect_timeout",
    "first_byte_timeout",
    "stall_timeout",
    "retries",
    "breaker",
    "max_concurrent",
    "warm",
];

/// What is added to a base URL that has no version, by kind.
const ANTHROPIC_ENDPOINTS: &[&str] = &["/v1/messages", "/v1"];
const AZURE_ENDPOINTS: &[&str] = &["/openai/v1", "/openai/deployments", "/openai"];
const GEMINI_ENDPOINTS: &[&str] = &["/v1beta/openai", "/v1beta/models", "/v1beta", "/v1"];
const OLLAMA_ENDPOINTS: &[&str] = &["/api/chat", "/api/generate", "/api", "/v1"];
const LLAMA_ENDPOINTS: &[&str] = &["/infill", "/v1/completions", "/v1/chat/completions", "/v1"];

impl Resolver<'_> {
    pub(super) fn providers(&mut self) -> BTreeMap<String, ProviderConfig> {
        let named = self.layers.named("providers");
        named.into_iter().filter_map(|(name, at)| Some((name.to_owned(), self.provider(name, at)?))).collect()
    }

    fn provider(&mut self, name: &str, declared: &Origin) -> Option<ProviderConfig> {
        let table = KeyPath::new(["providers", name]);
        let (kind, _) = self.needed(&table, "kind", declared)?;
        let kind: ProviderKind = kind.parse().ok()?;
        if kind == ProviderKind::Embedded {
            for name in NOT_EMBEDDED {
                if let Some(entry) = self.layers.get(&table.child(name)) {
                    let fault = Fault::new("has no use: a provider of kind `embedded` is in this program");
                    self.refuse(&table.child(name), fault, &entry.origin);
                }
            }
            return Some(ProviderConfig {
                kind,
                base_url: String::new(),
                api_version: None,
                dialects: None,
                region: None,
                api_key: None,
                patience: Patience::default(),
                retries: 0,
                breaker: false,
                max_concurrent: None,
                warm: false,
            });
        }
        let key = self.layers.text(&table.child("api_key_env"));
        let url = self.needed(&table, "base_url", declared);
        if let Some((url, origin)) = url {
            self.check_url(&table.child("base_url"), kind, url, key.is_some(), origin);
        }
        let api_key = key.and_then(|(variable, origin)| self.api_key(&table, variable, origin));
        let api_version = self.api_version(&table, kind);
        let dialects = self.layers.get(&table.child("dialects")).and_then(|entry| entry.value.list());
        let dialects = dialects.map(|names| names.iter().filter_map(|name| name.parse().ok()).collect());
        Some(ProviderConfig {
            kind,
            base_url: url?.0.to_owned(),
            api_version,
            dialects,
            region: self.layers.text(&table.child("region")).map(|(region, _)| region.to_owned()),
            api_key,
            patience: self.patience(&table),
            retries: self.small_count(&table.child("retries")).unwrap_or(RETRIES),
            breaker: self.is_on(&table, "breaker"),
            max_concurrent: self.count(&table.child("max_concurrent")).map(|most| most as usize),
            warm: self.is_on(&table, "warm"),
        })
    }

    /// Whether a switch is on, as it is unless the configuration says otherwise.
    fn is_on(&self, table: &KeyPath, name: &str) -> bool {
        self.layers.get(&table.child(name)).is_none_or(|entry| entry.value != Value::Switch(false))
    }

    fn patience(&self, table: &KeyPath) -> Patience {
        let usual = Patience::default();
        Patience {
            connect: self.span(&table.child("connect_timeout")).unwrap_or(usual.connect),
            first_byte: self.span(&table.child("first_byte_timeout")).unwrap_or(usual.first_byte),
            stall: self.span(&table.child("stall_timeout")).unwrap_or(usual.stall),
        }
    }

    fn api_version(&mut self, table: &KeyPath, kind: ProviderKind) -> Option<String> {
        let key = table.child("api_version");
        let (version, origin) = self.layers.text(&key)?;
        if kind != ProviderKind::AzureOpenAi {
            let fault =
                Fault::new(format!("has no use: only `azure-openai` has one, this provider is `{kind}`"));
            self.refuse(&key, fault, origin);
        }
        Some(version.to_owned())
    }

    fn api_key(&mut self, table: &KeyPath, variable: &str, origin: &Origin) -> Option<Secret> {
        let state = match (self.environment)(variable) {
            Some(text) if !text.trim().is_empty() => return Some(Secret::new(text)),
            Some(_) => "empty",
            None => "not set",
        };
        let fault = Fault::new(format!("names {variable}, which is {state}"))
            .hint(format!("set {variable} to the provider's key, or leave api_key_env out to send none"));
        self.refuse(&table.child("api_key_env"), fault, origin);
        None
    }

    fn check_url(&mut self, key: &KeyPath, kind: ProviderKind, text: &str, keyed: bool, origin: &Origin) {
        let Ok(url) = Url::parse(text) else { return };
        let added = match kind {
            ProviderKind::OpenAi | ProviderKind::Mistral => OPENAI_ENDPOINTS,
            ProviderKind::AzureOpenAi => AZURE_ENDPOINTS,
            ProviderKind::Anthropic => ANTHROPIC_ENDPOINTS,
            ProviderKind::Gemini => GEMINI_ENDPOINTS,
            ProviderKind::Ollama => OLLAMA_ENDPOINTS,
            ProviderKind::LlamaCpp => LLAMA_ENDPOINTS,
            ProviderKind::Embedded => &[],
        };
        if let Some((end, begin)) = added.iter().find_map(|end| Some((end, url.path().strip_suffix(end)?))) {
            let fault = Fault::new(format!("ends in {end}, which is added to it"));
            let right = url.with_path(begin);
            self.refuse(key, fault.hint(format!("write base_url = \"{right}\"")), origin);
        } else if matches!(kind, ProviderKind::OpenAi | ProviderKind::Mistral) && !url.has_version() {
            self.warn(
                origin,
                &format!("`{key}` has no version in its path; most providers want one, like {url}/v1"),
            );
        }
        if keyed && url.is_open() {
            self.warn(origin, &format!("`{key}` is http: the key and every request can be read on the way"));
        }
    }
}
