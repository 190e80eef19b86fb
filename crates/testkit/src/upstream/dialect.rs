//! What a request asks for, and the answer in the shape of whichever endpoint was asked.

use serde_json::Value;

use super::endpoint::{Address, Endpoint, Provider};
use super::{anthropic, azure, embeddings, gemini, llama, media, mistral, ollama, openai, responses};
use crate::Headers;

/// The model a scripted upstream says it served unless told otherwise: a dated id, as providers give.
pub const SERVED_MODEL: &str = "mock-large-2026-01-01";

/// What a model that thinks has thought, signed; a provider takes it back unaltered or not at all.
pub(crate) const THOUGHT: &str = "The next step follows from the last.";
pub(crate) const SIGNATURE: &str = "c2lnbmVkIHRob3VnaHQ=";

pub(super) const JSON: &str = "application/json";
pub(super) const EVENT_STREAM: &str = "text/event-stream";
pub(super) const CREATED: u64 = 1_767_225_600;
/// The same day as text.
pub(super) const CREATED_AT: &str = "2026-01-01T00:00:00Z";
/// How many tokens any prompt has.
pub(super) const INPUT_TOKENS: usize = 21;

/// A tool call in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments, as JSON text or as a custom tool's free text; streamed in several deltas.
    pub arguments: String,
    /// Whether it is a custom tool of the Responses dialect, whose input is free text.
    pub is_custom: bool,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Wants {
    pub(super) address: Address,
    pub(super) headers: Headers,
    /// The body's JSON, or the fields of its form.
    pub(super) body: Value,
    /// A number that requests of different bodies do not share: answers are told apart by it.
    pub(super) serial: u32,
    /// Whether the model thinks before it calls tools, if it is asked to.
    pub(super) thinks: bool,
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    Text(&'a [String]),
    Tools(&'a [ToolCall]),
}

/// A body ready to be sent.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) pieces: Vec<Vec<u8>>,
    pub(super) is_stream: bool,
}

impl ToolCall {
    /// A call of `name` with these arguments.
    pub fn new(id: &str, name: &str, arguments: &Value) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_string(), is_custom: false }
    }

    /// A call of the custom tool `name` with this text.
    pub fn custom(id: &str, name: &str, input: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), arguments: input.to_owned(), is_custom: true }
    }

    /// The arguments in three deltas, none of which is JSON by itself.
    pub(super) fn deltas(&self) -> Vec<&str> {
        let text = self.arguments.as_str();
        let cut = |at: usize| (at..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        let (first, second) = (cut(text.len() / 3), cut(text.len() * 2 / 3));
        vec![&text[..first], &text[first..second], &text[second..]]
    }

    /// The arguments as an object.
    pub(super) fn object(&self) -> Value {
        serde_json::from_str(&self.arguments).unwrap_or_default()
    }
}

impl Answer<'_> {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(deltas) => deltas.concat(),
            Self::Tools(_) => String::new(),
        }
    }

    pub(super) fn output_tokens(&self) -> usize {
        match self {
            Self::Text(deltas) => deltas.len(),
            Self::Tools(calls) => calls.len() * 12,
        }
    }
}

impl Body {
    pub(super) fn whole(status: u16, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let pieces = vec![bytes.into()];
        Self { status, content_type: content_type.to_owned(), pieces, is_stream: false }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::whole(status, JSON, body.to_string())
    }

    pub(super) fn stream(content_type: &str, pieces: impl IntoIterator<Item = String>) -> Self {
        let pieces = pieces.into_iter().map(String::into_bytes).collect();
        Self { status: 200, content_type: content_type.to_owned(), pieces, is_stream: true }
    }

    /// Server-sent events of these data.
    pub(super) fn events(data: impl IntoIterator<Item = Value>) -> Self {
        Self::stream(EVENT_STREAM, data.into_iter().map(|data| format!("data: {data}\n\n")))
    }
}

impl Wants {
    pub(super) fn of(target: &str, headers: &Headers, body: &[u8]) -> Self {
        let address = Address::of(target);
        let serial = hash(body);
        let body = serde_json::from_slice(body).unwrap_or_else(|_| media::form(body));
        Self { address, headers: headers.clone(), body, serial, thinks: false }
    }

    pub(super) fn endpoint(&self) -> Endpoint {
        self.address.endpoint
    }

    /// Whether a stream is asked for; Ollama streams unless told not to.
    pub(super) fn is_stream(&self) -> bool {
        match self.endpoint() {
            Endpoint::GenerateStream => true,
            Endpoint::OllamaChat | Endpoint::OllamaGenerate => self.body["stream"] != false,
            _ => self.body["stream"] == true || self.body["stream"] == "true",
        }
    }

    /// A list that is the same whatever is scripted.
    pub(super) fn listed(&self, model: &str) -> Option<Body> {
        let list = match self.endpoint() {
            Endpoint::Models if self.headers.get("anthropic-version").is_some() => anthropic::models(model),
            Endpoint::Models if self.headers.get("x-goog-api-key").is_some() => gemini::models(model),
            Endpoint::Models => openai::models(model),
            Endpoint::GeminiModels => gemini::models(model),
            Endpoint::OllamaTags => ollama::tags(model),
            Endpoint::OllamaVersion => ollama::version(),
            _ => return None,
        };
        Some(Body::json(200, &list))
    }

    pub(super) fn error(&self, status: u16, message: &str) -> Body {
        let error = match self.address.provider {
            Provider::Anthropic => anthropic::error(status, message),
            Provider::OpenAi if self.headers.get("anthropic-version").is_some() => {
                anthropic::error(status, message)
            }
            Provider::OpenAi => openai::error(status, message),
            Provider::Azure => azure::error(status, message),
            Provider::Mistral => mistral::error(status, message),
            Provider::Gemini => return gemini::error(self, status, message),
            Provider::Ollama => ollama::error(message),
            Provider::LlamaCpp => llama::error(status, message),
        };
        Body::json(status, &error)
    }

    /// The answer in the endpoint's own shape.
    pub(super) fn answer(&self, model: &str, answer: &Answer<'_>) -> Body {
        match self.endpoint() {
            Endpoint::Chat if self.address.provider == Provider::Mistral => {
                mistral::answer(self, model, answer)
            }
            Endpoint::Chat if self.address.is_deployment() => azure::answer(self, model, answer),
            Endpoint::Chat | Endpoint::Completions => openai::answer(self, model, answer),
            Endpoint::Responses => responses::answer(self, model, answer),
            Endpoint::Embeddings => embeddings::openai(&self.body, model),
            Endpoint::Images | Endpoint::Transcriptions | Endpoint::Speech => media::answer(self, answer),
            Endpoint::Messages | Endpoint::MessageTokens => anthropic::answer(self, model, answer),
            Endpoint::Fim => mistral::answer(self, model, answer),
            Endpoint::Infill => llama::answer(self, model, answer),
            Endpoint::Generate | Endpoint::GenerateStream | Endpoint::CountTokens => {
                gemini::answer(self, model, answer)
            }
            Endpoint::EmbedContent | Endpoint::BatchEmbedContents => embeddings::gemini(&self.body),
            Endpoint::OllamaChat | Endpoint::OllamaGenerate | Endpoint::OllamaShow => {
                ollama::answer(self, model, answer)
            }
            Endpoint::OllamaEmbed => embeddings::ollama(&self.body, model),
            Endpoint::OllamaEmbeddings => embeddings::older_ollama(&self.body),
            Endpoint::Models
            | Endpoint::GeminiModels
            | Endpoint::OllamaTags
            | Endpoint::OllamaVersion
            | Endpoint::Unknown => self.error(404, "no such endpoint"),
        }
    }
}

/// FNV-1a.
pub(super) fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(2_166_136_261, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619))
}
