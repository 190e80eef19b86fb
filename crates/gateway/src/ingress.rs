//! The endpoints: paths to dialects, bodies to calls, and everything else to a clear error.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State as Shared};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use tokio::sync::oneshot;
use waymark_protocol::{Addressed, ErrorKind, Fault};
use waymark_types::Dialect;

use crate::bodies::Unread;
use crate::path::{self, Call};
use crate::relay::{Client, Head, error_response, tracked};
use crate::state::State;
use crate::{admin, clock, dashboard, feedback, guard, lists, log};

/// Everything this server answers.
pub(crate) fn router(state: Arc<State>) -> Router {
    // Clients add `/v1` to a base, or expect it there, or both.
    let router = ["", "/v1", "/v1/v1"].into_iter().fold(Router::new(), versioned);
    router
        .route("/v1beta/models", get(lists::gemini))
        .route("/v1beta/models/{call}", get(lists::gemini_one).post(gemini))
        .route("/api/version", get(lists::ollama_version))
        .route("/api/tags", get(lists::ollama_tags))
        .route("/api/ps", get(lists::ollama_loaded))
        .route("/api/show", post(lists::ollama_show))
        .route("/api/chat", asked_in(Dialect::OllamaChat))
        .route("/api/generate", asked_in(Dialect::OllamaGenerate))
        .route("/api/embed", asked_in(Dialect::OllamaEmbed))
        .route("/api/embeddings", asked_to("embeddings", Dialect::OllamaEmbed))
        .route("/infill", asked_in(Dialect::LlamaInfill))
        .route("/healthz", get(admin::healthz))
        .route("/metrics", get(admin::metrics))
        .route("/admin/status", get(admin::status))
        .route("/admin/keys", get(admin::keys))
        .route("/admin/records", get(admin::records))
        .route("/admin/records/{id}", get(admin::record))
        .route("/log/checkpoint", get(log::checkpoint))
        .route("/log/vkey", get(log::vkey))
        .route("/log/tile/{*path}", get(log::tile))
        .route("/", get(dashboard::page))
        .route("/assets/{name}", get(dashboard::asset))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), guard::guard))
        .with_state(state)
}

/// Adds what stands below `/v1` at its providers.
fn versioned(router: Router<Arc<State>>, base: &str) -> Router<Arc<State>> {
    let endpoints = [
        ("/chat/completions", asked_in(Dialect::OpenAiChat)),
        ("/completions", asked_in(Dialect::OpenAiCompletions)),
        ("/responses", asked_in(Dialect::OpenAiResponses)),
        ("/embeddings", asked_in(Dialect::OpenAiEmbeddings)),
        ("/images/generations", asked_in(Dialect::OpenAiImages)),
        ("/images/edits", asked_to("edits", Dialect::OpenAiImages)),
        ("/images/variations", asked_to("variations", Dialect::OpenAiImages)),
        ("/audio/transcriptions", asked_in(Dialect::OpenAiTranscriptions)),
        ("/audio/translations", asked_to("translations", Dialect::OpenAiTranscriptions)),
        ("/audio/speech", asked_in(Dialect::OpenAiSpeech)),
        ("/messages", asked_in(Dialect::AnthropicMessages)),
        ("/messages/count_tokens", asked_to(path::count::COUNT, Dialect::AnthropicMessages)),
        ("/fim/completions", asked_in(Dialect::MistralFim)),
        ("/models", get(lists::models)),
        ("/feedback", post(feedback::take)),
        ("/models/{call}", post(gemini)),
    ];
    endpoints
        .into_iter()
        .fold(router, |router, (path, answer)| router.route(&format!("{base}{path}"), answer))
}

/// An endpoint whose requests are all of one dialect.
fn asked_in(dialect: Dialect) -> MethodRouter<Arc<State>> {
    asked(dialect, None)
}

/// The same for an endpoint beside the one that a dialect is named for.
fn asked_to(method: &'static str, dialect: Dialect) -> MethodRouter<Arc<State>> {
    asked(dialect, Some(method))
}

fn asked(dialect: Dialect, method: Option<&'static str>) -> MethodRouter<Arc<State>> {
    post(move |Shared(state): Shared<Arc<State>>, request: Request| {
        take(state, Asked { dialect, method, addressed: Addressed::default() }, request)
    })
}

/// What the address says of a request.
struct Asked {
    dialect: Dialect,
    method: Option<&'static str>,
    addressed: Addressed,
}

/// `POST /v1beta/models/{model}:{method}`; the official clients of other versions say `/v1`.
async fn gemini(Shared(state): Shared<Arc<State>>, Path(call): Path<String>, request: Request) -> Response {
    let Some((model, method)) = call.rsplit_once(':') else { return not_found(request).await };
    let (dialect, method, stream) = match method {
        "generateContent" => (Dialect::Gemini, None, false),
        "streamGenerateContent" => (Dialect::Gemini, None, true),
        "countTokens" => (Dialect::Gemini, Some(path::count::GEMINI_COUNT), false),
        "embedContent" => (Dialect::GeminiEmbed, Some("embedContent"), false),
        "batchEmbedContents" => (Dialect::GeminiEmbed, Some("batchEmbedContents"), false),
        _ => return not_found(request).await,
    };
    let addressed = Addressed { model: Some(model.to_owned()), stream: Some(stream), content_type: None };
    take(state, Asked { dialect, method, addressed }, request).await
}

/// Takes a request in and hands it to the path, which runs on by itself: when the client goes away this future
/// is dropped, and the path sees its reply channel close.
async fn take(state: Arc<State>, asked: Asked, request: Request) -> Response {
    let Asked { dialect, method, mut addressed } = asked;
    let (parts, body) = request.into_parts();
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    addressed.content_type = content_type.map(str::to_owned);
    let arrived = state.clock.now();
    let body = match state.bodies.read(&parts.headers, body).await {
        Ok(body) => body,
        Err(unread) => return unread_response(dialect, &unread),
    };
    let (Ok(record), Ok(salt)) = (clock::record_id(arrived), clock::random()) else {
        let message = "the system gives no randomness for a record id".to_owned();
        let fault = Fault { kind: ErrorKind::Unavailable, code: "no_randomness", message };
        return error_response(dialect, &fault, None, None);
    };
    let query = parts.uri.query().map(str::to_owned);
    let call = Call {
        dialect,
        query,
        method,
        addressed,
        headers: parts.headers,
        body,
        redacted: None,
        arrived,
        record,
        salt,
    };
    let (reply, answer) = oneshot::channel();
    let tracker = state.answers.clone();
    tracker.spawn(async move { path::answer(&state, call, Client::Waiting(reply)).await });
    let response = answer.await.unwrap_or_else(|_| {
        let message = "this is a fault in Waymark; its log says more".to_owned();
        let fault = Fault { kind: ErrorKind::Upstream, code: "internal", message };
        error_response(dialect, &fault, None, None)
    });
    tracked(response, tracker.token())
}

/// The answer to a request whose body was not read, which leaves no record.
pub(crate) fn unread_response(dialect: Dialect, unread: &Unread) -> Response {
    let mut response = error_response(dialect, &unread.fault(), None, None);
    response.headers_mut().extend(unread.advice());
    response
}

/// The dialect an error is told in where no endpoint settles it.
pub(crate) fn dialect_of(path: &str, headers: &HeaderMap) -> Dialect {
    let below = |base: &str| path.trim_start_matches("/v1").starts_with(base);
    if below("/messages") || headers.contains_key("anthropic-version") {
        Dialect::AnthropicMessages
    } else if path.starts_with("/v1beta") || headers.contains_key("x-goog-api-key") {
        Dialect::Gemini
    } else if path.starts_with("/api/") {
        Dialect::OllamaChat
    } else if below("/fim/") {
        Dialect::MistralFim
    } else if below("/infill") {
        Dialect::LlamaInfill
    } else {
        Dialect::OpenAiChat
    }
}

async fn not_found(request: Request) -> Response {
    let message = format!(
        "there is nothing at {}; this Waymark answers /v1/chat/completions, /v1/responses, /v1/completions, \
         /v1/messages, /v1beta/models/MODEL:generateContent, /api/chat and /v1/models",
        path::shortened(request.uri().path())
    );
    refuse(&request, ErrorKind::NotFound, "not_found", message)
}

async fn wrong_method(request: Request) -> Response {
    let takes = if request.method() == Method::POST { "GET" } else { "POST" };
    let path = path::shortened(request.uri().path());
    let message = format!("{path} takes {takes}, not {}", path::shortened(request.method().as_str()));
    refuse(&request, ErrorKind::MethodNotAllowed, "method_not_allowed", message)
}

fn refuse(request: &Request, kind: ErrorKind, code: &'static str, message: String) -> Response {
    let dialect = dialect_of(request.uri().path(), request.headers());
    error_response(dialect, &Fault { kind, code, message }, None, None)
}

/// A JSON answer of our own.
pub(crate) fn json(value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => Head::new(200, "application/json").with(Body::from(body)),
        Err(_) => Head::new(500, "application/json").with(Body::empty()),
    }
}
