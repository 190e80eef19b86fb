//! What providers refuse before they read what a request says: keys that are missing, fields they do not know.
//!
//! OpenAI and Anthropic are not here: they pass over much, and what they insist on is about the conversation.

use serde_json::{Value, json};

use super::dialect::{Body, Wants};
use super::endpoint::{Endpoint, Provider};
use super::shapes;

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    message: String,
    /// The body, where it is not the provider's usual one.
    body: Option<Value>,
}

impl Refusal {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), body: None }
    }

    /// Why, in words.
    pub(super) fn told(self) -> String {
        self.body.map_or(self.message, |body| body.to_string())
    }

    pub(super) fn body(self, wants: &Wants) -> Body {
        match self.body {
            Some(body) => Body::json(self.status, &body),
            None => wants.error(self.status, &self.message),
        }
    }
}

pub(super) fn refusal(wants: &Wants) -> Option<Refusal> {
    match wants.address.provider {
        Provider::Azure => azure(wants),
        Provider::Gemini => gemini(wants),
        Provider::Mistral => mistral(wants),
        Provider::Ollama => ollama(wants),
        Provider::OpenAi | Provider::Anthropic | Provider::LlamaCpp => None,
    }
}

fn azure(wants: &Wants) -> Option<Refusal> {
    if wants.headers.get("api-key").is_none() && wants.headers.get("authorization").is_none() {
        let message = "Access denied due to invalid subscription key or wrong API endpoint.";
        return Some(Refusal::new(401, message));
    }
    let lacks_version = wants.address.is_deployment() && wants.address.query("api-version").is_none();
    lacks_version.then(|| Refusal::new(404, "Resource not found"))
}

fn gemini(wants: &Wants) -> Option<Refusal> {
    let key = wants.headers.get("x-goog-api-key").or(wants.headers.get("authorization"));
    if key.or(wants.address.query("key")).is_none() {
        let message = "Method doesn't allow unregistered callers (callers without established identity). \
            Please use API Key or other form of API consumer identity to call this API.";
        return Some(Refusal::new(403, message));
    }
    let shape = match wants.endpoint() {
        Endpoint::Generate | Endpoint::GenerateStream => "GenerateContentRequest",
        Endpoint::CountTokens => "CountTokensRequest",
        Endpoint::EmbedContent => "EmbedContentRequest",
        Endpoint::BatchEmbedContents => "BatchEmbedContentsRequest",
        _ => return None,
    };
    let (field, place) = shapes::unknown(shapes::GEMINI, shape, &wants.body)?;
    let at = if place.is_empty() { String::new() } else { format!(" at '{place}'") };
    let message = format!("Invalid JSON payload received. Unknown name \"{field}\"{at}: Cannot find field.");
    Some(Refusal::new(400, message))
}

fn mistral(wants: &Wants) -> Option<Refusal> {
    let shape = match wants.endpoint() {
        Endpoint::Chat => "ChatCompletionRequest",
        Endpoint::Fim => "FIMCompletionRequest",
        Endpoint::Embeddings => "EmbeddingRequest",
        _ => return None,
    };
    if let Some((field, place)) = shapes::unknown(shapes::MISTRAL, shape, &wants.body) {
        let steps = place.split(['.', '[', ']']).filter(|step| !step.is_empty());
        let place: Vec<&str> = std::iter::once("body").chain(steps).chain([field.as_str()]).collect();
        let detail =
            json!([{"type": "extra_forbidden", "loc": place, "msg": "Extra inputs are not permitted"}]);
        let body = json!({"object": "error", "message": {"detail": detail}, "type": "invalid_request_error",
            "param": null, "code": null});
        return Some(Refusal { status: 422, message: String::new(), body: Some(body) });
    }
    let messages = wants.body["messages"].as_array()?.iter();
    let ids = messages.flat_map(|message| {
        let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| &call["id"]);
        calls.chain(message.get("tool_call_id"))
    });
    let is_id = |id: &str| id.len() == 9 && id.chars().all(|letter| letter.is_ascii_alphanumeric());
    let wrong = ids.filter_map(Value::as_str).find(|id| !is_id(id))?;
    let message = format!("Tool call id was {wrong} but must be a-z, A-Z, 0-9, with a length of 9.");
    let body = json!({"object": "error", "message": message, "type": "invalid_function_call", "param": null,
        "code": "3280"});
    Some(Refusal { status: 400, message: String::new(), body: Some(body) })
}

/// Go's decoder passes over fields it does not know, and insists on the types of those it does.
fn ollama(wants: &Wants) -> Option<Refusal> {
    let body = &wants.body;
    if body["model"].as_str().is_none_or(str::is_empty) {
        return Some(Refusal::new(400, "model is required"));
    }
    let place = shapes::mistyped(shapes::OLLAMA, "Request", body)?;
    Some(Refusal::new(400, format!("json: cannot unmarshal into Go struct field {place}")))
}
