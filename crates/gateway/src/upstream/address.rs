//! Where a request goes at its provider.

use waymark_types::{Dialect, ProviderKind};

use crate::config::ProviderConfig;

/// What of a provider is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The dialect it is spoken to in.
    pub(crate) dialect: Dialect,
    /// Its name for the model, which some dialects have in the address.
    pub(crate) model: &'a str,
    /// Whether a stream is asked for.
    pub(crate) stream: bool,
    /// What the endpoint does, where a dialect has several: counting, say.
    pub(crate) method: Option<&'a str>,
    /// The client's own query, where it is to be passed on.
    pub(crate) query: Option<&'a str>,
}

impl Target<'_> {
    /// The whole address.
    pub(super) fn address(&self, provider: &ProviderConfig) -> String {
        let base = provider.base_url.trim_end_matches('/');
        let query = self.query(provider);
        let query = if query.is_empty() { query } else { format!("?{query}") };
        match self.path() {
            Path::Versioned(path) => format!("{base}{}{path}{query}", self.version(provider)),
            // Kinds of which the base has a version know these endpoints beside it.
            Path::Whole(path) => format!("{}{path}{query}", base.strip_suffix("/v1").unwrap_or(base)),
        }
    }

    /// The endpoint, in the words of the dialect's own API.
    fn path(&self) -> Path {
        use Path::{Versioned, Whole};
        let slash = |method: Option<&str>| method.map(|method| format!("/{method}")).unwrap_or_default();
        match self.dialect {
            Dialect::OpenAiChat => Versioned("/chat/completions".to_owned()),
            Dialect::OpenAiCompletions => Versioned("/completions".to_owned()),
            Dialect::OpenAiResponses => Versioned("/responses".to_owned()),
            Dialect::OpenAiEmbeddings => Versioned("/embeddings".to_owned()),
            Dialect::OpenAiImages => Versioned(format!("/images/{}", self.method.unwrap_or("generations"))),
            Dialect::OpenAiTranscriptions => {
                Versioned(format!("/audio/{}", self.method.unwrap_or("transcriptions")))
            }
            Dialect::OpenAiSpeech => Versioned("/audio/speech".to_owned()),
            Dialect::AnthropicMessages => Versioned(format!("/messages{}", slash(self.method))),
            Dialect::MistralFim => Versioned("/fim/completions".to_owned()),
            Dialect::Gemini if self.stream => Whole(self.gemini("streamGenerateContent")),
            Dialect::Gemini => Whole(self.gemini(self.method.unwrap_or("generateContent"))),
            Dialect::GeminiEmbed => Whole(self.gemini(self.method.unwrap_or("batchEmbedContents"))),
            Dialect::OllamaChat => Whole("/api/chat".to_owned()),
            Dialect::OllamaGenerate => Whole("/api/generate".to_owned()),
            Dialect::OllamaEmbed => Whole(format!("/api/{}", self.method.unwrap_or("embed"))),
            Dialect::LlamaInfill => Whole("/infill".to_owned()),
        }
    }

    fn gemini(&self, method: &str) -> String {
        // Tuned models have a collection of their own.
        let collection = if self.model.contains('/') { "" } else { "models/" };
        format!("/v1beta/{collection}{}:{method}", self.model)
    }

    /// What stands between the base and a versioned endpoint.
    fn version(&self, provider: &ProviderConfig) -> String {
        match provider.kind {
            ProviderKind::OpenAi | ProviderKind::Mistral | ProviderKind::Embedded => String::new(),
            ProviderKind::Anthropic | ProviderKind::Ollama | ProviderKind::LlamaCpp => "/v1".to_owned(),
            ProviderKind::Gemini => "/v1beta/openai".to_owned(),
            ProviderKind::AzureOpenAi => match (&provider.api_version, self.dialect) {
                (None, _) => "/openai/v1".to_owned(),
                (Some(_), Dialect::OpenAiResponses) => "/openai".to_owned(),
                (Some(_), _) => format!("/openai/deployments/{}", self.model),
            },
        }
    }

    /// The client's query without what is its own, and with what the provider needs.
    fn query(&self, provider: &ProviderConfig) -> String {
        let own = |name: &str| {
            matches!(
                name,
                "key" | "api_key" | "api-key" | "access_token" | "api-version" | "alt" | "$alt" | "%24alt"
            )
        };
        let pairs = self.query.unwrap_or_default().split('&');
        let kept = pairs.filter(|pair| !pair.is_empty() && !own(pair.split('=').next().unwrap_or_default()));
        // Events are asked for always: an array for the client is made from them.
        let events = (self.dialect == Dialect::Gemini && self.stream).then(|| "alt=sse".to_owned());
        let version = provider.api_version.as_ref().map(|version| format!("api-version={version}"));
        kept.map(str::to_owned).chain(events).chain(version).collect::<Vec<_>>().join("&")
    }
}

/// An endpoint's path.
enum Path {
    /// Below the API's version.
    Versioned(String),
    /// From the root.
    Whole(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Patience;

    fn address(
        kind: ProviderKind,
        base: &str,
        dialect: Dialect,
        change: impl FnOnce(&mut Target<'_>, &mut ProviderConfig),
    ) -> String {
        let mut provider = ProviderConfig {
            kind,
            base_url: base.to_owned(),
            api_version: None,
            region: None,
            dialects: None,
            api_key: None,
            patience: Patience::default(),
            retries: 0,
            breaker: true,
            max_concurrent: None,
            warm: false,
        };
        let mut target = Target { dialect, model: "m-1", stream: false, method: None, query: None };
        change(&mut target, &mut provider);
        target.address(&provider)
    }

    #[test]
    fn every_kind_has_its_endpoints() {
        use ProviderKind::{Anthropic, AzureOpenAi, Gemini, LlamaCpp, Mistral, Ollama, OpenAi};
        let plain = |kind, base, dialect| address(kind, base, dialect, |_, _| {});
        for (kind, base, dialect, expected) in [
            (OpenAi, "http://h/v1", Dialect::OpenAiChat, "http://h/v1/chat/completions"),
            (OpenAi, "http://h/v1/", Dialect::OpenAiResponses, "http://h/v1/responses"),
            (OpenAi, "http://h/v1", Dialect::LlamaInfill, "http://h/infill"),
            (OpenAi, "http://h/v1", Dialect::AnthropicMessages, "http://h/v1/messages"),
            (AzureOpenAi, "https://r", Dialect::OpenAiChat, "https://r/openai/v1/chat/completions"),
            (Anthropic, "https://h", Dialect::AnthropicMessages, "https://h/v1/messages"),
            (OpenAi, "https://h/v1", Dialect::OpenAiImages, "https://h/v1/images/generations"),
            (AzureOpenAi, "https://r", Dialect::OpenAiSpeech, "https://r/openai/v1/audio/speech"),
            (Mistral, "https://h/v1", Dialect::OpenAiTranscriptions, "https://h/v1/audio/transcriptions"),
            (Gemini, "https://h", Dialect::Gemini, "https://h/v1beta/models/m-1:generateContent"),
            (Gemini, "https://h", Dialect::OpenAiChat, "https://h/v1beta/openai/chat/completions"),
            (Mistral, "https://h/v1", Dialect::MistralFim, "https://h/v1/fim/completions"),
            (Ollama, "http://h:11434", Dialect::OllamaChat, "http://h:11434/api/chat"),
            (Ollama, "http://h:11434", Dialect::OpenAiChat, "http://h:11434/v1/chat/completions"),
            (LlamaCpp, "http://h:8080", Dialect::LlamaInfill, "http://h:8080/infill"),
            (LlamaCpp, "http://h:8080", Dialect::OpenAiChat, "http://h:8080/v1/chat/completions"),
        ] {
            assert_eq!(plain(kind, base, dialect), expected);
        }
    }

    #[test]
    fn azure_deployments_are_addressed_under_a_version() {
        let asked_to = |method, dialect| {
            address(ProviderKind::AzureOpenAi, "https://r", dialect, |target, provider| {
                provider.api_version = Some("2024-10-21".to_owned());
                (target.query, target.method) = (Some("api-version=2023-05-15&x=1"), method);
            })
        };
        let with_version = |dialect| asked_to(None, dialect);
        assert_eq!(
            with_version(Dialect::OpenAiChat),
            "https://r/openai/deployments/m-1/chat/completions?x=1&api-version=2024-10-21"
        );
        assert_eq!(
            with_version(Dialect::OpenAiResponses),
            "https://r/openai/responses?x=1&api-version=2024-10-21"
        );
        for (method, dialect, path) in [
            (None, Dialect::OpenAiImages, "images/generations"),
            (Some("edits"), Dialect::OpenAiImages, "images/edits"),
            (None, Dialect::OpenAiTranscriptions, "audio/transcriptions"),
            (Some("translations"), Dialect::OpenAiTranscriptions, "audio/translations"),
            (None, Dialect::OpenAiSpeech, "audio/speech"),
        ] {
            let expected = format!("https://r/openai/deployments/m-1/{path}?x=1&api-version=2024-10-21");
            assert_eq!(asked_to(method, dialect), expected);
        }
    }

    #[test]
    fn queries_pass_without_credentials() {
        let address = address(ProviderKind::Gemini, "https://h", Dialect::Gemini, |target, _| {
            (target.stream, target.query) = (true, Some("key=secret&alt=json&trace=1"));
        });
        assert_eq!(address, "https://h/v1beta/models/m-1:streamGenerateContent?trace=1&alt=sse");
    }
}
