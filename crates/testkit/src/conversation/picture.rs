//! Pictures inside a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The bytes that are here in Base64.
pub(super) fn bytes(data: &Value) -> Result<Vec<u8>, String> {
    let text = data.as_str().ok_or_else(|| format!("a picture that is not here: {data}"))?;
    STANDARD.decode(text).map_err(|error| format!("a picture that is no Base64: {error}"))
}

/// The same in either alphabet, as Google reads it.
pub(super) fn bytes_in_any_alphabet(data: &Value) -> Result<Vec<u8>, String> {
    let text = data.as_str().ok_or_else(|| format!("a picture that is not here: {data}"))?;
    bytes(&text.replace('-', "+").replace('_', "/").into())
}

/// The bytes in a `data:` address.
pub(super) fn inline(url: &Value) -> Result<Vec<u8>, String> {
    let (head, data) = url.as_str().and_then(|url| url.split_once(',')).unwrap_or_default();
    if !(head.starts_with("data:image/") && head.ends_with(";base64")) {
        return Err(format!("a picture that is not here: {url}"));
    }
    bytes(&data.into())
}
