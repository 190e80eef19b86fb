//! What content rules find in a request, and the request without the secrets that they take out.

use axum::http::HeaderMap;
use bytes::Bytes;
use waymark_protocol::redact::{Plain, redacted};
use waymark_protocol::{Addressed, ParseError, Request};
use waymark_routing::content::{ContentRules, Evidence, Finding, Secret};
use waymark_types::Dialect;

/// The header by which a client labels a request: names, separated by commas.
const LABEL: &str = "x-waymark-label";

/// The secrets in a body, and the body without those that rules take out, where there are any.
pub(super) fn secrets(rules: &ContentRules, body: &Bytes) -> (Vec<Secret>, Option<Bytes>) {
    if !rules.ask_for_secrets() {
        return (Vec::new(), None);
    }
    let plain = Plain::of(body);
    let secrets = rules.secrets(plain.text());
    let taken = secrets.iter().filter(|secret| rules.takes_out(secret));
    let mut places = taken.map(|secret| (plain.place(&secret.place), secret.name.as_str())).peekable();
    let redacted = places.peek().is_some().then(|| redacted(body, places));
    (secrets, redacted)
}

/// What the rules find in a request, among it these secrets.
pub(super) fn inspect(
    rules: &ContentRules,
    headers: &HeaderMap,
    repository: Option<&str>,
    request: &Request,
    secrets: &[Secret],
) -> Vec<Finding> {
    let paths = if rules.ask_for_paths() { request.files() } else { Vec::new() };
    let labels = labels(headers);
    rules.judge(&Evidence { paths: &paths, labels: &labels, repository, secrets })
}

/// The request that a body is. Where secrets were taken out of it, what is left may be none, and that is told apart from one
/// that never was.
pub(super) fn parse(
    dialect: Dialect,
    body: &Bytes,
    redacted: Option<&Bytes>,
    addressed: &Addressed,
) -> Result<Request, Unread> {
    let read = |body| waymark_protocol::parse(dialect, body, addressed);
    let Some(left) = redacted else { return read(body).map_err(Unread::NoRequest) };
    read(left).map_err(|error| read(body).err().map_or(Unread::Taken(error), Unread::NoRequest))
}

/// A body that is no request.
pub(super) enum Unread {
    /// It never was one.
    NoRequest(ParseError),
    /// It is none without its secrets.
    Taken(ParseError),
}

fn labels(headers: &HeaderMap) -> Vec<&str> {
    let values = headers.get_all(LABEL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|label| !label.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_may_stand_in_one_header_or_in_several() {
        let mut headers = HeaderMap::new();
        headers.append(LABEL, "secret, customer-a".parse().unwrap());
        headers.append(LABEL, "eu,,".parse().unwrap());
        assert_eq!(labels(&headers), ["secret", "customer-a", "eu"]);
    }
}
