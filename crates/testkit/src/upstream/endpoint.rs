//! Whose endpoint a request's target names.

/// The endpoints a scripted upstream knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// OpenAI `POST /v1/chat/completions`.
    Chat,
    /// OpenAI `POST /v1/completions`.
    Completions,
    /// OpenAI `POST /v1/responses`.
    Responses,
    /// OpenAI `POST /v1/embeddings`.
    Embeddings,
    /// OpenAI `POST /v1/images/generations`, `/edits` and `/variations`.
    Images,
    /// OpenAI `POST /v1/audio/transcriptions` and `/translations`.
    Transcriptions,
    /// OpenAI `POST /v1/audio/speech`.
    Speech,
    /// Anthropic `POST /v1/messages`.
    Messages,
    /// Anthropic `POST /v1/messages/count_tokens`.
    MessageTokens,
    /// Mistral `POST /v1/fim/completions`.
    Fim,
    /// llama.cpp `POST /infill`.
    Infill,
    /// Gemini `POST /v1beta/models/MODEL:generateContent`.
    Generate,
    /// Gemini `POST /v1beta/models/MODEL:streamGenerateContent`.
    GenerateStream,
    /// Gemini `POST /v1beta/models/MODEL:countTokens`.
    CountTokens,
    /// Gemini `POST /v1beta/models/MODEL:embedContent`.
    EmbedContent,
    /// Gemini `POST /v1beta/models/MODEL:batchEmbedContents`.
    BatchEmbedContents,
    /// Gemini `GET /v1beta/models`.
    GeminiModels,
    /// Ollama `POST /api/chat`.
    OllamaChat,
    /// Ollama `POST /api/generate`.
    OllamaGenerate,
    /// Ollama `POST /api/embed`.
    OllamaEmbed,
    /// Ollama `POST /api/embeddings`, which came before it.
    OllamaEmbeddings,
    /// Ollama `POST /api/show`.
    OllamaShow,
    /// Ollama `GET /api/tags`.
    OllamaTags,
    /// Ollama `GET /api/version`.
    OllamaVersion,
    /// `GET /v1/models`, in OpenAI's or Anthropic's shape.
    Models,
    /// Anything else.
    Unknown,
}

/// Who serves it: the same path is answered in several ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    OpenAi,
    /// Below `/openai`.
    Azure,
    /// Below `/mistral`.
    Mistral,
    Anthropic,
    Gemini,
    Ollama,
    LlamaCpp,
}

/// What a target names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) provider: Provider,
    pub(crate) endpoint: Endpoint,
    /// The model, where the path names it.
    pub(crate) model: Option<String>,
    query: String,
}

impl Address {
    pub(crate) fn of(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut model = None;
        let (provider, endpoint) = if let Some(rest) = path.strip_prefix("/mistral") {
            (Provider::Mistral, shared(rest))
        } else if let Some(rest) = path.strip_prefix("/openai/deployments/") {
            let (deployment, rest) = rest.split_once('/').unwrap_or((rest, ""));
            model = Some(deployment.to_owned());
            (Provider::Azure, shared(&format!("/v1/{rest}")))
        } else if let Some(rest) = path.strip_prefix("/openai") {
            // Responses have no deployment in their address, whatever the version.
            (Provider::Azure, if rest == "/responses" { Endpoint::Responses } else { shared(rest) })
        } else if let Some(rest) = gemini_path(path) {
            let (name, endpoint) = gemini(rest);
            model = name;
            (Provider::Gemini, endpoint)
        } else if let Some(rest) = path.strip_prefix("/api/") {
            (Provider::Ollama, ollama(rest))
        } else {
            let endpoint = shared(path);
            let provider = match endpoint {
                Endpoint::Messages | Endpoint::MessageTokens => Provider::Anthropic,
                Endpoint::Infill => Provider::LlamaCpp,
                Endpoint::Fim => Provider::Mistral,
                _ => Provider::OpenAi,
            };
            (provider, endpoint)
        };
        Self { provider, endpoint, model, query: query.to_owned() }
    }

    /// A parameter of the query.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Whether the path is that of one deployment, as Azure's older interface has it.
    pub(crate) fn is_deployment(&self) -> bool {
        self.provider == Provider::Azure && self.model.is_some()
    }
}

fn shared(path: &str) -> Endpoint {
    match path {
        "/v1/chat/completions" => Endpoint::Chat,
        "/v1/completions" => Endpoint::Completions,
        "/v1/responses" => Endpoint::Responses,
        "/v1/embeddings" => Endpoint::Embeddings,
        "/v1/images/generations" | "/v1/images/edits" | "/v1/images/variations" => Endpoint::Images,
        "/v1/audio/transcriptions" | "/v1/audio/translations" => Endpoint::Transcriptions,
        "/v1/audio/speech" => Endpoint::Speech,
        "/v1/messages" => Endpoint::Messages,
        "/v1/messages/count_tokens" => Endpoint::MessageTokens,
        "/v1/fim/completions" => Endpoint::Fim,
        "/infill" => Endpoint::Infill,
        "/v1/models" => Endpoint::Models,
        _ => Endpoint::Unknown,
    }
}

/// What follows the version: Google serves `v1` too, where only calls of a method tell it from OpenAI.
fn gemini_path(path: &str) -> Option<&str> {
    let v1 = || path.strip_prefix("/v1/").filter(|rest| rest.starts_with("models/") && rest.contains(':'));
    path.strip_prefix("/v1beta/").or_else(v1)
}

fn gemini(rest: &str) -> (Option<String>, Endpoint) {
    if rest == "models" {
        return (None, Endpoint::GeminiModels);
    }
    let Some((model, method)) = rest.strip_prefix("models/").and_then(|rest| rest.split_once(':')) else {
        return (None, Endpoint::Unknown);
    };
    let endpoint = match method {
        "generateContent" => Endpoint::Generate,
        "streamGenerateContent" => Endpoint::GenerateStream,
        "countTokens" => Endpoint::CountTokens,
        "embedContent" => Endpoint::EmbedContent,
        "batchEmbedContents" => Endpoint::BatchEmbedContents,
        _ => Endpoint::Unknown,
    };
    (Some(model.to_owned()), endpoint)
}

fn ollama(rest: &str) -> Endpoint {
    match rest {
        "chat" => Endpoint::OllamaChat,
        "generate" => Endpoint::OllamaGenerate,
        "embed" => Endpoint::OllamaEmbed,
        "embeddings" => Endpoint::OllamaEmbeddings,
        "show" => Endpoint::OllamaShow,
        "tags" => Endpoint::OllamaTags,
        "version" => Endpoint::OllamaVersion,
        _ => Endpoint::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_names_provider_endpoint_and_sometimes_the_model() {
        let seen = |target: &str| {
            let address = Address::of(target);
            (address.provider, address.endpoint, address.model)
        };
        assert_eq!(seen("/v1/chat/completions?a=b"), (Provider::OpenAi, Endpoint::Chat, None));
        assert_eq!(seen("/mistral/v1/chat/completions"), (Provider::Mistral, Endpoint::Chat, None));
        assert_eq!(seen("/openai/v1/responses"), (Provider::Azure, Endpoint::Responses, None));
        assert_eq!(seen("/openai/responses?api-version=x"), (Provider::Azure, Endpoint::Responses, None));
        let deployed = "/openai/deployments/large/chat/completions?api-version=2024-10-21";
        assert_eq!(seen(deployed), (Provider::Azure, Endpoint::Chat, Some("large".to_owned())));
        assert_eq!(Address::of(deployed).query("api-version"), Some("2024-10-21"));
        let gemini = seen("/v1beta/models/m-1:streamGenerateContent?alt=sse");
        assert_eq!(gemini, (Provider::Gemini, Endpoint::GenerateStream, Some("m-1".to_owned())));
        let stable = seen("/v1/models/m-1:countTokens");
        assert_eq!(stable, (Provider::Gemini, Endpoint::CountTokens, Some("m-1".to_owned())));
        assert_eq!(seen("/api/chat"), (Provider::Ollama, Endpoint::OllamaChat, None));
        assert_eq!(seen("/infill"), (Provider::LlamaCpp, Endpoint::Infill, None));
        assert_eq!(seen("/api/pull").1, Endpoint::Unknown);
    }
}
