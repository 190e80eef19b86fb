//! Which headers pass through, in either direction.

use axum::http::HeaderMap;
use axum::http::header::{self, HeaderName, HeaderValue};
use waymark_types::Dialect;

/// Headers that belong to one connection (RFC 9110, section 7.6.1) or that are set anew for it.
const CONNECTION: [HeaderName; 10] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What else is the client's own: its credentials, which only this server may see, and what its browser or
/// library says to the host it believes it speaks to. Answers are asked for unencoded so that they can be read.
const CLIENT: [HeaderName; 11] = [
    header::ACCEPT_ENCODING,
    header::AUTHORIZATION,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::ORIGIN,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-goog-api-key"),
];

/// The client's headers as the provider gets them.
pub(crate) fn to_upstream(headers: &HeaderMap) -> HeaderMap {
    let mut sent =
        without(headers, |name| CONNECTION.contains(name) || CLIENT.contains(name) || is_ours(name));
    sent.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    sent
}

/// How headers begin that are meant for the provider a client was written for. Codex's tell it the folders and the git
/// remotes of the workspace.
const VENDORS: [&str; 7] =
    ["anthropic-", "openai-", "x-claude-code-", "x-codex-", "x-goog-", "x-openai-", "x-stainless-"];

/// The client's headers as a provider of another dialect gets them: without those that belong to the client's.
pub(crate) fn across(headers: &HeaderMap, dialect: Dialect) -> HeaderMap {
    let foreign = |name: &HeaderName| {
        VENDORS.iter().any(|start| name.as_str().starts_with(start)) || name == header::CONTENT_TYPE
    };
    let mut sent = without(headers, foreign);
    sent.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if dialect == Dialect::AnthropicMessages {
        let version = HeaderName::from_static("anthropic-version");
        sent.insert(version, HeaderValue::from_static("2023-06-01"));
    }
    sent
}

/// The provider's headers as the client gets them.
pub(crate) fn to_client(headers: &HeaderMap) -> HeaderMap {
    without(headers, |name| CONNECTION.contains(name) || is_ours(name))
}

fn is_ours(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-waymark-")
}

fn without(headers: &HeaderMap, dropped: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    // `Connection` also names further headers that end here.
    let named = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
    let ends_here = |name: &HeaderName| named.iter().any(|named| name.as_str().eq_ignore_ascii_case(named));
    headers
        .iter()
        .filter(|(name, _)| !dropped(name) && !ends_here(name))
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
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("openai-organization", "theirs"),
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
                ("accept-encoding", "identity"),
                ("anthropic-beta", "a,b"),
                ("anthropic-beta", "c"),
                ("anthropic-version", "2023-06-01"),
                ("x-claude-code-session-id", "s")
            ]
        );
    }

    #[test]
    fn what_is_meant_for_one_vendor_does_not_cross_to_another() {
        let mut headers = HeaderMap::new();
        for name in [
            "anthropic-beta",
            "openai-beta",
            "x-claude-code-session-id",
            "x-codex-turn-metadata",
            "x-openai-subagent",
            "x-stainless-os",
            "content-type",
            "session-id",
            "user-agent",
        ] {
            headers.insert(name, "theirs".parse().unwrap());
        }
        let sent = across(&headers, Dialect::AnthropicMessages);
        let theirs = sent.iter().filter(|(_, value)| *value == "theirs").map(|(name, _)| name.as_str());
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort_unstable();
        assert_eq!(theirs, ["session-id", "user-agent"]);
    }
}
