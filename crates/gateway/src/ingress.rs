//! The endpoints: paths to dialects, bodies to calls, and everything else to a clear error.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::oneshot;
use waymark_protocol::{Addressed, ErrorKind, Fault, count_tokens};
use waymark_types::Dialect;

use crate::path::{self, Call};
use crate::relay::{Client, Head, error_response, tracked};
use crate::state::State;
use crate::{admin, clock, dashboard, guard};

/// The largest request body taken, in bytes.
const MAX_BODY: usize = 64 << 20;

/// Everything this server answers.
pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(completions))
        .route("/v1/responses", post(responses))
        .route("/v1/messages", post(messages))
        .route("/v1/messages/count_tokens", post(estimate_tokens))
        .route("/v1beta/models/{call}", post(gemini))
        .route("/v1/models/{call}", post(gemini))
        .route("/api/chat", post(ollama_chat))
        .route("/api/generate", post(ollama_generate))
        .route("/infill", post(infill))
        .route("/v1/fim/completions", post(mistral_fim))
        .route("/v1/embeddings", post(embeddings))
        .route("/v1/models", get(admin::models))
        .route("/healthz", get(admin::healthz))
        .route("/admin/status", get(admin::status))
        .route("/admin/records", get(admin::records))
        .route("/admin/records/{id}", get(admin::record))
        .route("/", get(dashboard::page))
        .route("/assets/{name}", get(dashboard::asset))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), guard::guard))
        .with_state(state)
}

async fn chat(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::OpenAiChat, request).await
}

async fn completions(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::OpenAiCompletions, request).await
}

async fn messages(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::AnthropicMessages, request).await
}

async fn responses(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::OpenAiResponses, request).await
}

async fn ollama_generate(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::OllamaGenerate, request).await
}

async fn infill(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::LlamaInfill, request).await
}

async fn mistral_fim(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::MistralFim, request).await
}

async fn embeddings(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::OpenAiEmbeddings, request).await
}

async fn ollama_chat(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    take(state, Dialect::OllamaChat, request).await
}

/// `POST /v1beta/models/{model}:{method}`; the official clients of other versions say `/v1`.
async fn gemini(Shared(state): Shared<Arc<State>>, Path(call): Path<String>, request: Request) -> Response {
    let stream = match call.rsplit_once(':') {
        Some((_, "generateContent")) => false,
        Some((_, "streamGenerateContent")) => true,
        _ => return not_found(request).await,
    };
    let model = call.rsplit_once(':').map(|(model, _)| model.to_owned());
    take_addressed(state, Dialect::Gemini, Addressed { model, stream: Some(stream) }, request).await
}

/// `POST /v1/messages/count_tokens`: an estimate, since a count by one provider says little of another's.
async fn estimate_tokens(request: Request) -> Response {
    let dialect = Dialect::AnthropicMessages;
    let body = match to_bytes(request.into_body(), MAX_BODY).await {
        Ok(body) => body,
        Err(error) => return error_response(dialect, &unreadable(&error), None, None),
    };
    match count_tokens::read(&body) {
        Ok(prompt) => {
            let answer = count_tokens::write_answer(count_tokens::estimate(&prompt));
            Head::new(200, "application/json").with(Body::from(answer))
        }
        Err(error) => {
            let message = error.to_string();
            let fault = Fault { kind: ErrorKind::InvalidRequest, code: "bad_request", message };
            error_response(dialect, &fault, None, None)
        }
    }
}

async fn take(state: Arc<State>, dialect: Dialect, request: Request) -> Response {
    take_addressed(state, dialect, Addressed::default(), request).await
}

/// Takes a request in and hands it to the path, which runs on by itself: when the client goes away this future
/// is dropped, and the path sees its reply channel close.
async fn take_addressed(
    state: Arc<State>,
    dialect: Dialect,
    addressed: Addressed,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let arrived = state.clock.now();
    let body = match to_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(error) => return error_response(dialect, &unreadable(&error), None, None),
    };
    let (Ok(record), Ok(salt)) = (clock::record_id(arrived), clock::random()) else {
        let message = "the system gives no randomness for a record id".to_owned();
        let fault = Fault { kind: ErrorKind::Unavailable, code: "no_randomness", message };
        return error_response(dialect, &fault, None, None);
    };
    let query = parts.uri.query().map(str::to_owned);
    let call = Call { dialect, query, addressed, headers: parts.headers, body, arrived, record, salt };
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

fn unreadable(error: &axum::Error) -> Fault {
    let too_large = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source())
        .any(|cause| cause.to_string().contains("length limit"));
    if too_large {
        let message = format!("the request body is larger than {} MiB", MAX_BODY >> 20);
        Fault { kind: ErrorKind::TooLarge, code: "too_large", message }
    } else {
        let message = "the request body broke off".to_owned();
        Fault { kind: ErrorKind::InvalidRequest, code: "bad_request", message }
    }
}

/// The dialect an error is told in where no endpoint settles it.
pub(crate) fn dialect_of(path: &str, headers: &HeaderMap) -> Dialect {
    if path.starts_with("/v1/messages") || headers.contains_key("anthropic-version") {
        Dialect::AnthropicMessages
    } else if path.starts_with("/v1beta/") {
        Dialect::Gemini
    } else if path.starts_with("/api/") {
        Dialect::OllamaChat
    } else {
        Dialect::OpenAiChat
    }
}

async fn not_found(request: Request) -> Response {
    let message = format!(
        "there is nothing at {}; this Waymark answers /v1/chat/completions, /v1/responses, /v1/completions, \
         /v1/messages, /v1beta/models/MODEL:generateContent, /api/chat and /v1/models",
        request.uri().path()
    );
    refuse(&request, ErrorKind::NotFound, "not_found", message)
}

async fn wrong_method(request: Request) -> Response {
    let path = request.uri().path();
    let asks =
        path != "/v1/models" && ["/v1/", "/v1beta/", "/api/"].iter().any(|start| path.starts_with(start));
    let message = format!("{path} takes {}, not {}", if asks { "POST" } else { "GET" }, request.method());
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
