//! What a witness answers (c2sp.org/tlog-witness).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use waymark_ledger::witness::{ADD_CHECKPOINT, LARGEST_REQUEST, Refusal, Request, SIZE_TYPE};
use waymark_types::Clock;

use super::book::{Book, BookError, Unsigned};

/// How long a request's body may take to come.
const WHOLE: Duration = Duration::from_secs(30);
/// Requests whose bodies are read or decided on at a time.
const AT_ONCE: usize = 256;
const TEXT: &str = "text/plain; charset=utf-8";

/// What the answers stand on.
pub(super) struct Desk {
    pub(super) book: Book,
    pub(super) clock: Arc<dyn Clock>,
    room: Semaphore,
}

impl Desk {
    pub(super) fn new(book: Book, clock: Arc<dyn Clock>) -> Self {
        Self { book, clock, room: Semaphore::new(AT_ONCE) }
    }
}

/// Everything a witness answers, below a prefix that begins with a slash or is empty.
pub(super) fn router(desk: Arc<Desk>, prefix: &str) -> Router {
    let router = Router::new()
        .route(&format!("{prefix}/{ADD_CHECKPOINT}"), post(add_checkpoint))
        .route(&format!("{prefix}/{{origin_hash}}/checkpoint"), get(checkpoint))
        .route("/", get(about));
    let router = if prefix.is_empty() { router } else { router.route(&format!("{prefix}/"), get(about)) };
    router.fallback(async || answer(404, TEXT, "no such page\n")).with_state(desk)
}

/// `POST <prefix>/add-checkpoint`
async fn add_checkpoint(State(desk): State<Arc<Desk>>, body: Body) -> Response {
    let Ok(_room) = desk.room.try_acquire() else {
        let mut busy = answer(503, TEXT, "too many requests at once\n");
        busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        return busy;
    };
    let request = match read(body).await {
        Ok(request) => request,
        Err(refused) => return refused,
    };
    let (origin, book) = (request.origin().to_owned(), Arc::clone(&desk));
    // It runs to its end even when the client goes away: nothing is half decided.
    let decided = tokio::task::spawn_blocking(move || book.book.add(&request, book.clock.now())).await;
    match decided {
        Ok(Ok(line)) => answer(200, TEXT, line),
        Ok(Err(Unsigned::Refused(refusal))) => refused(&origin, &refusal),
        Ok(Err(Unsigned::Book(error))) => failed(&error),
        Err(error) => failed(&error),
    }
}

async fn read(body: Body) -> Result<Request, Response> {
    let too_large = || answer(413, TEXT, format!("a request has at most {LARGEST_REQUEST} bytes\n"));
    if body.size_hint().lower() > LARGEST_REQUEST as u64 {
        return Err(too_large());
    }
    let bytes = match tokio::time::timeout(WHOLE, axum::body::to_bytes(body, LARGEST_REQUEST)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(too_large()),
        Err(_) => return Err(answer(408, TEXT, "the request did not come in time\n")),
    };
    let text = str::from_utf8(&bytes).map_err(|_| Refusal::Malformed("it is not UTF-8"));
    text.and_then(Request::parse).map_err(|refusal| refused("", &refusal))
}

fn refused(origin: &str, refusal: &Refusal) -> Response {
    match refusal {
        // Signed by the log: it may be proof that the log tells different histories.
        Refusal::Inconsistent { .. } => tracing::warn!(origin, "not cosigned: {refusal}"),
        _ => tracing::debug!(origin, "not cosigned: {refusal}"),
    }
    match refusal {
        Refusal::Stale(size) => answer(409, SIZE_TYPE, format!("{size}\n")),
        _ => answer(refusal.status(), TEXT, format!("{refusal}\n")),
    }
}

/// `GET <prefix>/<origin hash>/checkpoint`
async fn checkpoint(State(desk): State<Arc<Desk>>, Path(origin_hash): Path<String>) -> Response {
    match tokio::task::spawn_blocking(move || desk.book.note(&origin_hash)).await {
        Ok(Ok(Some(note))) => answer(200, TEXT, note),
        Ok(Ok(None)) => answer(404, TEXT, "no checkpoint of that log was cosigned here\n"),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// `GET /`
async fn about(State(desk): State<Arc<Desk>>) -> Response {
    let describe = move || -> Result<String, BookError> {
        let mut text = format!("Waymark witness\n\n{}\n\n", desk.book.verifier().to_text());
        for (name, size) in desk.book.sizes()? {
            let _ = match size {
                Some(size) => writeln!(text, "{name} {size}"),
                None => writeln!(text, "{name} nothing cosigned yet"),
            };
        }
        Ok(text)
    };
    match tokio::task::spawn_blocking(describe).await {
        Ok(Ok(text)) => answer(200, TEXT, text),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&error),
    }
}

/// The witness's own fault, which its operator is told of.
fn failed(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "a request could not be answered");
    answer(500, TEXT, "the witness failed\n")
}

fn answer(status: u16, content_type: &'static str, text: impl Into<Body>) -> Response {
    let headers = [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store")];
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, text.into()).into_response()
}
