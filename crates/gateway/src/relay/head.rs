//! The status and headers of an answer, and the three that every answer carries.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use waymark_protocol::Fault;
use waymark_protocol::sse::{self, Framing};
use waymark_types::{Dialect, RecordId};

const RECORD: HeaderName = HeaderName::from_static("x-waymark-record");
const MODEL: HeaderName = HeaderName::from_static("x-waymark-model");
const ROUTE: HeaderName = HeaderName::from_static("x-waymark-route");

/// The status and headers of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
}

impl Head {
    /// A head of our own making.
    pub(crate) fn new(status: u16, content_type: &'static str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if content_type == "text/event-stream" {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        Self { status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), headers }
    }

    /// How the answer comes in `dialect`; `None` where it is one object.
    pub(crate) fn framing(&self, dialect: Dialect) -> Option<Framing> {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        sse::framing_of(dialect, kind.unwrap_or_default())
    }

    /// Says when the same request may be answered.
    pub(crate) fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        self
    }

    /// Adds the three headers every answer carries.
    pub(crate) fn marked(mut self, record: Option<RecordId>, model: Option<&str>, route: &str) -> Self {
        let none = || HeaderValue::from_static("none");
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| none());
        self.headers.insert(RECORD, record.map_or_else(none, |record| value(&record.to_string())));
        self.headers.insert(MODEL, model.map_or_else(none, value));
        self.headers.insert(ROUTE, value(route));
        self
    }

    pub(crate) fn with(self, body: Body) -> Response {
        let mut response = Response::new(body);
        (*response.status_mut(), *response.headers_mut()) = (self.status, self.headers);
        response
    }
}

/// An error answer in the client's dialect.
pub(crate) fn error_response(
    dialect: Dialect,
    fault: &Fault,
    record: Option<RecordId>,
    model: Option<&str>,
) -> Response {
    let body = waymark_protocol::error_body(dialect, fault);
    Head::new(fault.kind.status(), "application/json").marked(record, model, fault.code).with(body.into())
}

/// Marks an answer that no model gave and no record stands behind.
pub(crate) fn mark_unrecorded(response: &mut Response) {
    for name in [RECORD, MODEL, ROUTE] {
        response.headers_mut().entry(name).or_insert_with(|| HeaderValue::from_static("none"));
    }
}
