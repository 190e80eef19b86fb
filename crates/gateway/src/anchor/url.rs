//! Anchors at an address: each checkpoint posted, as text.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use waymark_types::Secret;

use super::{AnchorError, Signed};
use crate::upstream::Upstreams;

/// How long the address may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Posts a checkpoint to `url`, with one header more where one is given.
pub(super) async fn anchor(
    upstreams: &Upstreams,
    url: &str,
    header: Option<&Secret>,
    signed: &Signed,
) -> Result<(), AnchorError> {
    let unreachable = |source: reqwest::Error| AnchorError::Unreachable {
        url: url.to_owned(),
        source: source.without_url(),
    };
    let mut post = upstreams.post(url).timeout(TIMEOUT);
    post = post.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(signed.note.clone());
    if let Some(header) = header {
        let (name, value) = read(header).ok_or(AnchorError::Header)?;
        post = post.header(name, value);
    }
    let status = post.send().await.map_err(unreachable)?.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(AnchorError::Refused { url: url.to_owned(), status: status.as_u16() })
    }
}

/// The header's name and value. The value is marked so that no log shows it.
fn read(header: &Secret) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = header.expose().split_once(':')?;
    let mut value = HeaderValue::try_from(value.trim()).ok()?;
    value.set_sensitive(true);
    Some((HeaderName::try_from(name.trim()).ok()?, value))
}
