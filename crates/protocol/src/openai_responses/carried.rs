//! What other providers want back, carried by this dialect's clients.
//!
//! A client of this dialect keeps the `encrypted_content` of reasoning items without looking into it and hands it back
//! with the next request. So whatever another provider wants back with its reasoning or its tool calls travels there,
//! behind a mark that tells it from OpenAI's own. OpenAI refuses content it did not encrypt itself: before such a
//! request goes to a provider of this dialect as it came, [`without_foreign`] takes the marked items out.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Starts OpenAI's own encrypted content in the neutral form, as other dialects' marks start theirs: whose it is then
/// shows wherever it is carried. The mark is whole groups of base64.
const OWN: &str = "waymark/openai//////";
/// Starts every mark of this dialect's.
const MARK: &str = "waymark.";
/// Another provider's reasoning, shown as the item's summary; its signature follows, or nothing.
const THINKING: &str = "waymark.thinking.";
/// Reasoning another provider shows to nobody.
const REDACTED: &str = "waymark.redacted.";
/// The token another provider wants back with the tool call that follows.
const CALL: &str = "waymark.call.";

/// The neutral form of OpenAI's own encrypted content.
pub(super) fn own(encrypted: &str) -> String {
    format!("{OWN}{encrypted}")
}

/// OpenAI's own encrypted content, if the neutral form's signature is that.
pub(super) fn read_own(signature: &str) -> Option<&str> {
    signature.strip_prefix(OWN)
}

/// What a marked `encrypted_content` carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried<'a> {
    /// Another provider's signature of the reasoning in the summary, if it has one.
    Thinking(Option<&'a str>),
    /// Another provider's redacted reasoning.
    Redacted(&'a str),
    /// The token of the tool call that follows.
    Call(&'a str),
}

impl<'a> Carried<'a> {
    /// Reads an `encrypted_content`; `None` for OpenAI's own.
    pub(super) fn read(content: &'a str) -> Option<Self> {
        let thinking = content.strip_prefix(THINKING);
        thinking
            .map(|signature| Self::Thinking(Some(signature).filter(|signature| !signature.is_empty())))
            .or_else(|| content.strip_prefix(REDACTED).map(Self::Redacted))
            .or_else(|| content.strip_prefix(CALL).map(Self::Call))
    }

    /// The `encrypted_content` that carries it.
    pub(super) fn write(self) -> String {
        match self {
            Self::Thinking(signature) => format!("{THINKING}{}", signature.unwrap_or_default()),
            Self::Redacted(data) => format!("{REDACTED}{data}"),
            Self::Call(token) => format!("{CALL}{token}"),
        }
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: &'a RawValue,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    encrypted_content: String,
}

/// The body without the reasoning of other providers, which OpenAI would refuse; `None` when it has none. Everything
/// else stays as it came, byte for byte.
pub(crate) fn without_foreign(raw: &Bytes) -> Option<Bytes> {
    // Nearly every body has none, and looking through the bytes is all that it costs.
    memchr::memmem::find(raw, MARK.as_bytes())?;
    let input = serde_json::from_slice::<Body<'_>>(raw).ok()?.input.get();
    let items: Vec<&RawValue> = serde_json::from_str(input).ok()?;
    let kept: Vec<&str> = items.iter().map(|item| item.get()).filter(|item| !is_foreign(item)).collect();
    if kept.len() == items.len() {
        return None;
    }
    // A raw value is a slice of the body, so its place in it is the difference of the addresses.
    let start = input.as_ptr() as usize - raw.as_ptr() as usize;
    let mut body = BytesMut::with_capacity(raw.len());
    body.extend_from_slice(raw.get(..start)?);
    body.extend_from_slice(b"[");
    body.extend_from_slice(kept.join(",").as_bytes());
    body.extend_from_slice(b"]");
    body.extend_from_slice(raw.get(start + input.len()..)?);
    Some(body.freeze())
}

fn is_foreign(item: &str) -> bool {
    serde_json::from_str::<Item>(item)
        .is_ok_and(|item| item.kind == "reasoning" && Carried::read(&item.encrypted_content).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_comes_back() {
        for carried in [
            Carried::Thinking(Some("waymark/anthropic///EqQB")),
            Carried::Thinking(None),
            Carried::Redacted("data"),
            Carried::Call("token"),
        ] {
            assert_eq!(Carried::read(&carried.write()), Some(carried));
        }
        assert_eq!(Carried::read("gAAAAABo"), None);
        assert_eq!(read_own(&own("gAAAAABo")), Some("gAAAAABo"));
        assert_eq!(read_own("waymark/anthropic///EqQB"), None);
        assert_eq!(OWN.len() % 4, 0);
    }

    #[test]
    fn only_marked_reasoning_is_taken_out() {
        let body = br#"{"model":"m", "input" : [ {"type":"message","role":"user","content":"waymark.call.x"},
            {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"} ,
            {"encrypted_content":"waymark.thinking.EqQB","type":"reasoning","id":"rs_2","summary":[]}, {"type":"function_call_output","call_id":"c","output":"1.50"} ],"temperature":1.0}"#;
        let left = without_foreign(&Bytes::from_static(body)).unwrap();
        let expected = br#"{"model":"m", "input" : [{"type":"message","role":"user","content":"waymark.call.x"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"},{"type":"function_call_output","call_id":"c","output":"1.50"}],"temperature":1.0}"#;
        assert_eq!(String::from_utf8_lossy(&left), String::from_utf8_lossy(expected));
        for untouched in [
            &br#"{"input":"waymark.thinking."}"#[..],
            br#"{"input":[{"type":"message","content":"waymark.redacted.x"}]}"#,
            b"waymark.",
            b"{}",
        ] {
            assert_eq!(without_foreign(&Bytes::copy_from_slice(untouched)), None);
        }
    }
}
