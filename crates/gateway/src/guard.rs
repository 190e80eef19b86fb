//! The guard at the door: pages in a browser must not reach this server behind their user's back.
//!
//! A foreign page can post to a loopback address, and by rebinding its own name to that address it can read the
//! answer too. Either would spend the user's keys. So a request is refused when its `Origin` is anything but this
//! server's own page or an editor's window, and when its `Host` is a name that a page could have made up.

use std::sync::Arc;

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use waymark_protocol::{ErrorKind, Fault};

use crate::ingress;
use crate::relay::{error_response, mark_unrecorded};
use crate::state::State;

/// Refuses foreign pages and paths that are no text, and marks every answer that has no record of its own.
pub(crate) async fn guard(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let foreign = |message| Fault { kind: ErrorKind::Forbidden, code: "foreign_origin", message };
    let refused = objection(request.headers(), &state.config.hosts).map(foreign);
    let mut response = match refused.or_else(|| unreadable(request.uri().path())) {
        None => next.run(request).await,
        Some(fault) => {
            let dialect = ingress::dialect_of(request.uri().path(), request.headers());
            error_response(dialect, &fault, None, None)
        }
    };
    mark_unrecorded(&mut response);
    response
}

fn objection(headers: &HeaderMap, hosts: &[String]) -> Option<String> {
    // A header that is no text is none that a tool would send.
    let text = |name| headers.get(name).map(|value: &header::HeaderValue| value.to_str().unwrap_or("?.?"));
    let host = text(header::HOST).unwrap_or_default();
    let name = host_name(host);
    if !is_near(name) && !hosts.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Some(format!(
            "this server is not known as `{name}`; use its address or `localhost`, or name it in `server.hosts`"
        ));
    }
    let origin = text(header::ORIGIN)?;
    let own = ["http://", "https://"].iter().any(|scheme| origin.strip_prefix(scheme) == Some(host));
    let editor = EDITORS.iter().any(|scheme| origin.starts_with(scheme));
    (!own && !editor).then(|| format!("pages of `{origin}` may not use this server"))
}

/// A path whose escapes are no UTF-8 names nothing.
fn unreadable(path: &str) -> Option<Fault> {
    percent_encoding::percent_decode_str(path).decode_utf8().err().map(|error| {
        let message = format!("the path is not valid UTF-8 from byte {} on, decoded", error.valid_up_to());
        Fault { kind: ErrorKind::InvalidRequest, code: "bad_request", message }
    })
}

/// Origins of editors' own windows, which no web page can claim.
const EDITORS: [&str; 2] = ["vscode-webview://", "vscode-file://"];

/// The host without its port.
fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a name can only mean this machine as its user addressed it: an IP address, `localhost`, or a name
/// without a dot. A page's own name always has one.
fn is_near(name: &str) -> bool {
    let bare = name.trim_matches(['[', ']']);
    bare.parse::<std::net::IpAddr>().is_ok() || bare == "localhost" || !bare.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(host: &str, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, header::HeaderValue::from_bytes(host.as_bytes()).unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, header::HeaderValue::from_bytes(origin.as_bytes()).unwrap());
        }
        objection(&headers, &["waymark.corp.example".to_owned()]).is_some()
    }

    #[test]
    fn tools_and_the_own_page_pass() {
        for (host, origin) in [
            ("127.0.0.1:4114", None),
            ("localhost:4114", Some("http://localhost:4114")),
            ("[::1]:4114", Some("http://[::1]:4114")),
            ("192.168.1.7:4114", None),
            ("gateway:4114", None),
            ("waymark.corp.example:4114", Some("https://waymark.corp.example:4114")),
            ("127.0.0.1:4114", Some("vscode-webview://1a2b")),
        ] {
            assert!(!objects(host, origin), "{host} {origin:?}");
        }
    }

    #[test]
    fn foreign_pages_do_not() {
        for (host, origin) in [
            ("127.0.0.1:4114", Some("https://evil.example")),
            ("evil.example:4114", None),
            ("evil.example", Some("http://evil.example")),
            ("127.0.0.1:4114", Some("http://")),
            ("127.0.0.1:4114", Some("null")),
            ("127.0.0.1:4114", Some("http://203.0.113.5")),
            ("127.0.0.1:4114", Some("http://127.0.0.1:3000")),
            ("localhost:4114", Some("http://intranet")),
            ("localhost:4114", Some("chrome-extension://abc")),
            ("127.0.0.1:4114", Some("http://é")),
            ("é", None),
        ] {
            assert!(objects(host, origin), "{host} {origin:?}");
        }
    }
}
