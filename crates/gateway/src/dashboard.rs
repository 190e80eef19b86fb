//! The page at `/`: four files inside the binary, and a policy that lets it load nothing else.

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

use crate::relay::Head;

const PAGE: &str = include_str!("dashboard/index.html");
const STYLE: &str = include_str!("dashboard/dashboard.css");
const SCRIPT: &str = include_str!("dashboard/dashboard.js");
const FILTERS: &str = include_str!("dashboard/filters.js");

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) async fn page() -> Response {
    file(200, "text/html; charset=utf-8", PAGE)
}

pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "dashboard.css" => file(200, "text/css; charset=utf-8", STYLE),
        "dashboard.js" => file(200, "text/javascript; charset=utf-8", SCRIPT),
        "filters.js" => file(200, "text/javascript; charset=utf-8", FILTERS),
        _ => file(404, "text/plain; charset=utf-8", "no such file\n"),
    }
}

fn file(status: u16, content_type: &'static str, text: &'static str) -> Response {
    let mut head = Head::new(status, content_type);
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("referrer-policy"), "no-referrer"),
    ] {
        head.headers.insert(name, HeaderValue::from_static(value));
    }
    head.with(Body::from(text))
}
