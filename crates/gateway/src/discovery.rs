//! Looking for models that are there: keys in the environment, and servers on their usual loopback ports.
//!
//! Keys are only seen, never sent: nothing leaves the machine until a request is routed to that provider.

use std::time::Duration;

use futures_util::future::join_all;
use serde::Deserialize;
use waymark_types::ProviderKind;

/// How long a local server may take to answer a probe.
const PROBE_TIMEOUT: Duration = Duration::from_millis(400);

/// Models taken from one local server; some list hundreds.
const MOST_MODELS: usize = 16;

/// A provider found, and models of it for the ladder, cheapest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The provider's name in the configuration.
    pub provider: &'static str,
    /// How it is spoken to.
    pub kind: ProviderKind,
    /// Where it is.
    pub base_url: String,
    /// The variable that holds its key.
    pub api_key_env: Option<&'static str>,
    /// The provider's names for its models.
    pub models: Vec<String>,
    /// Whether it runs on this machine, and so costs nothing per token.
    pub local: bool,
    /// What gave it away.
    pub how: String,
}

/// What was found and what was looked for in vain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// Providers found, local ones first.
    pub found: Vec<Found>,
    /// Names of what is not there.
    pub absent: Vec<&'static str>,
}

/// A provider reached by a key: its name, kind, address, variable, and models from small to large as of
/// 2026-11.
struct Hosted {
    provider: &'static str,
    kind: ProviderKind,
    base_url: &'static str,
    variable: &'static str,
    models: &'static [&'static str],
}

const HOSTED: [Hosted; 5] = [
    Hosted {
        provider: "anthropic",
        kind: ProviderKind::Anthropic,
        base_url: "https://api.anthropic.com",
        variable: "ANTHROPIC_API_KEY",
        models: &["claude-haiku-4-5", "claude-opus-4-8"],
    },
    Hosted {
        provider: "openai",
        kind: ProviderKind::OpenAi,
        base_url: "https://api.openai.com/v1",
        variable: "OPENAI_API_KEY",
        models: &["gpt-5-mini", "gpt-5.4"],
    },
    Hosted {
        provider: "gemini",
        kind: ProviderKind::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        variable: "GEMINI_API_KEY",
        models: &["gemini-flash-latest", "gemini-pro-latest"],
    },
    Hosted {
        provider: "mistral",
        kind: ProviderKind::Mistral,
        base_url: "https://api.mistral.ai/v1",
        variable: "MISTRAL_API_KEY",
        models: &["mistral-small-latest", "mistral-large-latest"],
    },
    Hosted {
        provider: "openrouter",
        kind: ProviderKind::OpenAi,
        base_url: "https://openrouter.ai/api/v1",
        variable: "OPENROUTER_API_KEY",
        models: &["openrouter/auto"],
    },
];

/// Local servers and their usual ports.
const LOCAL: [(&str, u16); 4] = [("ollama", 11434), ("lm-studio", 1234), ("llama-cpp", 8080), ("vllm", 8000)];

/// Looks for models, all places at once. `environment` looks variables up.
pub async fn discover(environment: &(dyn Fn(&str) -> Option<String> + Sync)) -> Discovery {
    discover_at(environment, &LOCAL).await
}

async fn discover_at(
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
    local: &[(&'static str, u16)],
) -> Discovery {
    let mut discovery = Discovery::default();
    let probes = local.iter().map(|&(provider, port)| async move { (provider, probe(provider, port).await) });
    for (provider, found) in join_all(probes).await {
        match found {
            Some(found) => discovery.found.push(found),
            None => discovery.absent.push(provider),
        }
    }
    for hosted in HOSTED {
        let set = environment(hosted.variable).is_some_and(|key| !key.trim().is_empty());
        if set {
            discovery.found.push(Found {
                provider: hosted.provider,
                kind: hosted.kind,
                base_url: hosted.base_url.to_owned(),
                api_key_env: Some(hosted.variable),
                models: hosted.models.iter().map(|&model| model.to_owned()).collect(),
                local: false,
                how: format!("{} is set", hosted.variable),
            });
        } else {
            discovery.absent.push(hosted.variable);
        }
    }
    discovery
}

#[derive(Deserialize)]
struct List {
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    owned_by: Option<String>,
}

/// Asks a loopback port for its models, as every server of OpenAI's dialect lists them.
async fn probe(provider: &'static str, port: u16) -> Option<Found> {
    let client = reqwest::Client::builder()
        .no_proxy()
        // Nothing on a loopback port may send this elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PROBE_TIMEOUT)
        .build()
        .ok()?;
    let response = client.get(format!("http://127.0.0.1:{port}/v1/models")).send().await.ok()?;
    let body = response.error_for_status().ok()?.bytes().await.ok()?;
    listed(provider, port, &body)
}

/// What a server's list of its models tells of it; `None` when none of them answers questions.
fn listed(provider: &'static str, port: u16, body: &[u8]) -> Option<Found> {
    let list: List = serde_json::from_slice(body).ok()?;
    // llama.cpp says who it is, whatever its port.
    let is_llama = list.data.iter().any(|listed| listed.owned_by.as_deref() == Some("llamacpp"));
    let (kind, version) = if is_llama { (ProviderKind::LlamaCpp, "") } else { (ProviderKind::OpenAi, "/v1") };
    // Embedding models answer no questions; their names say so.
    let chat = |model: &String| !["embed", "rerank"].iter().any(|kind| model.to_lowercase().contains(kind));
    let models: Vec<String> =
        list.data.into_iter().map(|listed| listed.id).filter(chat).take(MOST_MODELS).collect();
    (!models.is_empty()).then(|| Found {
        provider,
        kind,
        base_url: format!("http://127.0.0.1:{port}{version}"),
        api_key_env: None,
        models,
        local: true,
        how: format!("answered on 127.0.0.1:{port}"),
    })
}

#[cfg(test)]
mod tests {
    use waymark_testkit::Upstream;

    use super::*;

    #[tokio::test]
    async fn keys_are_seen_and_silent_ports_skipped() {
        let set = |name: &str| match name {
            "ANTHROPIC_API_KEY" => Some("k".to_owned()),
            "OPENAI_API_KEY" => Some("  ".to_owned()),
            _ => None,
        };
        let discovery = discover_at(&set, &[("ollama", 1)]).await;
        let names: Vec<_> =
            discovery.found.iter().map(|found| (found.provider, found.how.as_str())).collect();
        assert_eq!(names, [("anthropic", "ANTHROPIC_API_KEY is set")]);
        assert!(discovery.absent.contains(&"ollama") && discovery.absent.contains(&"OPENAI_API_KEY"));
    }

    #[tokio::test]
    async fn a_local_server_is_asked_for_its_models() {
        let upstream = Upstream::start();
        let discovery = discover_at(&|_| None, &[("vllm", upstream.address().port())]).await;
        assert_eq!(discovery.found.len(), 1);
        assert!(discovery.found[0].local && !discovery.found[0].models.is_empty());
    }

    #[test]
    fn llama_cpp_is_known_by_its_own_word() {
        let told = |owner: &str| {
            let list = format!(r#"{{"object":"list","data":[{{"id":"coder","owned_by":"{owner}"}}]}}"#);
            let found = listed("vllm", 8000, list.as_bytes()).unwrap();
            (found.kind, found.base_url)
        };
        assert_eq!(told("llamacpp"), (ProviderKind::LlamaCpp, "http://127.0.0.1:8000".to_owned()));
        assert_eq!(told("vllm"), (ProviderKind::OpenAi, "http://127.0.0.1:8000/v1".to_owned()));
    }
}
