//! What content rules find in a request, and the request without the secrets that they take out.

use axum::http::HeaderMap;
use bytes::Bytes;
use waymark_protocol::redact::{Plain, redacted};
use waymark_protocol::{Addressed, ParseError, Request};
use waymark_routing::content::{ContentRules, Evidence, Finding};

/// The header by which a client labels a request: names, separated by commas.
const LABEL: &str = "x-waymark-label";

/// A request that was looked through.
pub(super) struct Inspected {
    /// The request as it may go on.
    pub(super) request: Request,
    /// What the rules found in it.
    pub(super) findings: Vec<Finding>,
    /// Its body without the secrets that were taken out of it; `None` where none were.
    pub(super) redacted: Option<Bytes>,
}

/// Looks a request through. Where secrets are to be taken out, what goes on from here is without them; it fails where
/// what is left then is no request.
pub(super) fn inspect(
    rules: &ContentRules,
    headers: &HeaderMap,
    addressed: &Addressed,
    repository: Option<&str>,
    request: Request,
) -> Result<Inspected, ParseError> {
    let plain = Plain::of(request.raw());
    let secrets = rules.secrets(plain.text());
    let paths = if rules.ask_for_paths() { request.files() } else { Vec::new() };
    let labels = labels(headers);
    let evidence = Evidence { paths: &paths, labels: &labels, repository, secrets: &secrets };
    let findings = rules.judge(&evidence);
    let taken = secrets.iter().filter(|secret| rules.takes_out(secret));
    let mut places = taken.map(|secret| (plain.place(&secret.place), secret.name.as_str())).peekable();
    if places.peek().is_none() {
        return Ok(Inspected { request, findings, redacted: None });
    }
    let body = redacted(request.raw(), places);
    let request = waymark_protocol::parse(request.dialect, &body, addressed)?;
    Ok(Inspected { request, findings, redacted: Some(body) })
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
