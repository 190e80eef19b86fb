//! Which headers pass through, in either direction.

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName};

/// Headers that belong to one connection (RFC 9110, section 7.6.1) or that are set anew for it.
const CONNECTION: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// What else is the client's own: its credentials, which only this server may see, and what its browser or
/// library says to the host it believes it speaks to. Encodings are left out so that answers can be read.
const CLIENT: [HeaderName; 9] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::ORIGIN,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// The client's headers as the provider gets them.
pub(crate) fn to_upstream(headers: &HeaderMap) -> HeaderMap {
    without(headers, |name| CONNECTION.contains(name) || CLIENT.contains(name) || is_ours(name))
}

/// The provider's headers as the client gets them.
pub(crate) fn to_client(headers: &HeaderMap) -> HeaderMap {
    without(headers, |name| CONNECTION.contains(name) || is_ours(name))
}

fn is_ours(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-waymark-")
}

fn without(headers: &HeaderMap, dropped: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    headers
        .iter()
        .filter(|(name, _)| !dropped(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn betas_pass_and_credentials_do_not() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("anthropic-beta", "a,b"),
            ("anthropic-version", "2023-06-01"),
            ("x-api-key", "secret"),
            ("authorization", "Bearer secret"),
            ("api-key", "secret"),
            ("cookie", "secret"),
            ("host", "localhost:4114"),
            ("content-length", "5"),
            ("accept-encoding", "gzip"),
            ("x-waymark-record", "x"),
            ("x-claude-code-session-id", "s"),
        ] {
            headers.append(name, value.parse().unwrap());
        }
        headers.append("anthropic-beta", "c".parse().unwrap());
        let sent = to_upstream(&headers);
        let mut names: Vec<_> =
            sent.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                ("anthropic-beta", "a,b"),
                ("anthropic-beta", "c"),
                ("anthropic-version", "2023-06-01"),
                ("x-claude-code-session-id", "s")
            ]
        );
    }
}
