//! The endpoints: paths to dialects, bodies to calls, and everything else to a clear error.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::oneshot;
use waymark_protocol::{Addressed, ErrorKind, Fault};
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
        .route("/v1/messages", post(messages))
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

/// Takes a request in and hands it to the path, which runs on by itself: when the client goes away this future
/// is dropped, and the path sees its reply channel close.
async fn take(state: Arc<State>, dialect: Dialect, request: Request) -> Response {
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
    let addressed = Addressed::default();
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
    } else {
        Dialect::OpenAiChat
    }
}

async fn not_found(request: Request) -> Response {
    let message = format!(
        "there is nothing at {}; this Waymark answers /v1/chat/completions, /v1/completions, /v1/messages and \
         /v1/models",
        request.uri().path()
    );
    refuse(&request, ErrorKind::NotFound, "not_found", message)
}

async fn wrong_method(request: Request) -> Response {
    let path = request.uri().path();
    let asks = ["/v1/chat/completions", "/v1/completions", "/v1/messages"].contains(&path);
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
