//! Whose reasoning it is: signatures that keep their owner when they cross into another dialect and back.
//!
//! Anthropic answers 400 to a thinking block it did not sign itself, and a signature does not tell whose it is. So:
//!
//! - In the neutral form Anthropic's own signatures start with a mark. Other dialects' clients hand them back as they
//!   came, and only marked ones are sent to Anthropic as thinking. The marks are whole groups of base64, for dialects
//!   that decode what they carry.
//! - Reasoning of other providers reaches an Anthropic client as thinking whose signature starts with a mark of its
//!   own. Read back, it is again what it was; passed on to Anthropic it has to be taken out first ([`without_foreign`]).
//!   The same way carries the token that Gemini wants back with a tool call: as an empty thinking block before it.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Starts Anthropic's signatures in the neutral form: 20 bytes, five groups of base64.
const OWN: &str = "waymark/anthropic///";
/// Starts Anthropic's redacted thinking in the neutral form.
const OWN_REDACTED: &str = "waymark/anthropicRED";
/// Starts other providers' signatures in Anthropic's dialect; the reasoning's id and a colon follow.
const FOREIGN: &str = "waymark:thinking:";
/// Starts a tool call's token in Anthropic's dialect.
const CALL: &str = "waymark:call:";

/// A signature as Anthropic's dialect carries it, or what a neutral one is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Signature<'a> {
    /// Anthropic's own.
    Own(&'a str),
    /// Anthropic's own redacted thinking.
    OwnRedacted(&'a str),
    /// Another provider's, or none.
    Foreign { id: Option<&'a str>, signature: Option<&'a str> },
    /// The token of the tool call that follows.
    Call(&'a str),
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// Reads a signature of the neutral form.
pub(super) fn neutral<'a>(id: Option<&'a str>, signature: Option<&'a str>) -> Signature<'a> {
    match signature {
        Some(text) if text.starts_with(OWN) => Signature::Own(&text[OWN.len()..]),
        Some(text) if text.starts_with(OWN_REDACTED) => Signature::OwnRedacted(&text[OWN_REDACTED.len()..]),
        _ => Signature::Foreign { id, signature: signature.and_then(some) },
    }
}

/// Reads a signature of Anthropic's dialect.
pub(super) fn wire(text: &str) -> Signature<'_> {
    if let Some(token) = text.strip_prefix(CALL) {
        return Signature::Call(token);
    }
    match text.strip_prefix(FOREIGN) {
        Some(rest) => {
            let (id, signature) = rest.split_once(':').unwrap_or(("", rest));
            Signature::Foreign { id: some(id), signature: some(signature) }
        }
        None if text.is_empty() => Signature::Foreign { id: None, signature: None },
        None => Signature::Own(text),
    }
}

/// The neutral form of Anthropic's own signature.
pub(super) fn own(text: &str) -> String {
    format!("{OWN}{text}")
}

/// The neutral form of redacted thinking's data.
pub(super) fn own_redacted(data: &str) -> String {
    match data.strip_prefix(FOREIGN) {
        Some(foreign) => foreign.to_owned(),
        None => format!("{OWN_REDACTED}{data}"),
    }
}

/// What Anthropic's dialect carries for other providers' reasoning.
pub(super) fn foreign(id: Option<&str>, signature: Option<&str>) -> String {
    format!("{FOREIGN}{}:{}", id.unwrap_or_default(), signature.unwrap_or_default())
}

/// Redacted thinking's data in Anthropic's dialect.
pub(super) fn wire_redacted(data: &str) -> String {
    match data.strip_prefix(OWN_REDACTED) {
        Some(own) => own.to_owned(),
        None => format!("{FOREIGN}{data}"),
    }
}

/// What Anthropic's dialect carries for a tool call's token.
pub(super) fn call(token: &str) -> String {
    format!("{CALL}{token}")
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    signature: String,
    #[serde(default)]
    data: String,
}

/// The body without the reasoning of other providers, which Anthropic would refuse; `None` when it has none. Every
/// other byte stays as it came.
pub(crate) fn without_foreign(raw: &Bytes) -> Option<Bytes> {
    // Nearly every body has none, and looking through the bytes is all that it costs.
    memchr::memmem::find(raw, b"waymark:")?;
    let envelope: Envelope<'_> = serde_json::from_slice(raw).ok()?;
    let place = |value: &RawValue| {
        let start = value.get().as_ptr() as usize - raw.as_ptr() as usize;
        start..start + value.get().len()
    };
    let mut cuts = Vec::new();
    let whole = envelope.messages.iter().map(|message| {
        let content = serde_json::from_str::<Message<'_>>(message.get()).map(|message| message.content);
        let blocks = content.and_then(|content| serde_json::from_str::<Vec<&RawValue>>(content.get()));
        let blocks = blocks.unwrap_or_default();
        let kept = blocks.iter().map(|block| !is_foreign(block)).collect::<Vec<_>>();
        // A message that had nothing else goes as a whole.
        let stays = blocks.is_empty() || kept.contains(&true);
        if stays {
            cuts.extend(cut(&blocks.iter().map(|block| place(block)).collect::<Vec<_>>(), &kept));
        }
        stays
    });
    let whole = whole.collect::<Vec<_>>();
    cuts.extend(cut(&envelope.messages.iter().map(|message| place(message)).collect::<Vec<_>>(), &whole));
    if cuts.is_empty() {
        return None;
    }
    cuts.sort_by_key(|cut| cut.start);
    let (mut body, mut at) = (BytesMut::with_capacity(raw.len()), 0);
    for cut in cuts {
        body.extend_from_slice(raw.get(at..cut.start)?);
        at = cut.end;
    }
    body.extend_from_slice(raw.get(at..)?);
    Some(body.freeze())
}

fn is_foreign(block: &RawValue) -> bool {
    let Ok(block) = serde_json::from_str::<Block>(block.get()) else { return false };
    let starts = |text: &str| text.starts_with(FOREIGN) || text.starts_with(CALL);
    match block.kind.as_str() {
        "thinking" => starts(&block.signature),
        "redacted_thinking" => starts(&block.data),
        _ => false,
    }
}

/// The bytes to leave out so that only the kept elements of an array stay, each with the comma it needs.
fn cut(places: &[Range<usize>], kept: &[bool]) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut last_kept = None;
    for (at, place) in places.iter().enumerate() {
        if kept[at] {
            last_kept = Some(place.end);
            continue;
        }
        // Behind a kept element the comma before goes, at the front the one after.
        match (last_kept, places.get(at + 1)) {
            (Some(_), _) => cuts.push(places[at - 1].end..place.end),
            (None, Some(next)) => cuts.push(place.start..next.start),
            (None, None) => cuts.push(place.clone()),
        }
    }
    cuts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_signature_comes_back_as_it_was() {
        let own = own("EqQB");
        assert_eq!(own.len() % 4, 0);
        assert_eq!(neutral(None, Some(&own)), Signature::Own("EqQB"));
        assert_eq!(neutral(None, Some(&own_redacted("data"))), Signature::OwnRedacted("data"));
        assert_eq!(wire("EqQB"), Signature::Own("EqQB"));
        assert_eq!(wire(&call("token")), Signature::Call("token"));
        let carried = foreign(Some("rs_1"), Some("gAAA:A"));
        assert_eq!(wire(&carried), Signature::Foreign { id: Some("rs_1"), signature: Some("gAAA:A") });
        assert_eq!(wire(&foreign(None, None)), Signature::Foreign { id: None, signature: None });
        assert_eq!(wire_redacted(&own_redacted("data")), "data");
        assert_eq!(own_redacted(&wire_redacted("else")), "else");
    }

    #[test]
    fn only_what_is_foreign_is_taken_out() {
        let body = br#"{"model":"m", "messages" : [ {"role":"user","content":"waymark: hi"},
            {"content":[ {"type":"thinking","thinking":"a","signature":"waymark:thinking::"} , {"type":"text","text":"b"},
              {"signature":"waymark:call:t","type":"thinking","thinking":""} ],"role":"assistant"},
            {"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"waymark:thinking::"}]}, {"role":"user","content":"go on"}],"n":1.50}"#;
        let left = without_foreign(&Bytes::from_static(body)).unwrap();
        let expected = br#"{"model":"m", "messages" : [ {"role":"user","content":"waymark: hi"},
            {"content":[ {"type":"text","text":"b"} ],"role":"assistant"}, {"role":"user","content":"go on"}],"n":1.50}"#;
        assert_eq!(String::from_utf8_lossy(&left), String::from_utf8_lossy(expected));
    }

    #[test]
    fn a_body_without_foreign_reasoning_is_left_alone() {
        for body in [
            &br#"{"messages":[{"role":"user","content":"hello"}]}"#[..],
            br#"{"messages":[{"role":"user","content":[{"type":"text","text":"waymark:thinking::"}]}]}"#,
            b"waymark: no json",
        ] {
            assert_eq!(without_foreign(&Bytes::copy_from_slice(body)), None);
        }
    }

    proptest! {
        /// Whatever mixture of blocks, what stays is what was not foreign.
        #[test]
        fn the_rest_stays_in_order(turns in prop::collection::vec(prop::collection::vec(any::<bool>(), 0..5), 0..5)) {
            let block = |foreign: bool, n: usize| match foreign {
                true => json!({"type": "thinking", "thinking": "", "signature": "waymark:thinking::"}),
                false => json!({"type": "text", "text": format!("waymark: {n}")}),
            };
            let message = |turn: &[bool], keep: bool| {
                let blocks = turn.iter().enumerate().filter(|(_, foreign)| keep || !**foreign);
                json!({"content": blocks.map(|(n, foreign)| block(*foreign, n)).collect::<Vec<_>>()})
            };
            let body = json!({"messages": turns.iter().map(|turn| message(turn, true)).collect::<Vec<_>>()});
            let left: Vec<Value> = turns.iter().filter(|turn| turn.is_empty() || turn.contains(&false))
                .map(|turn| message(turn, false)).collect();
            let raw = Bytes::from(body.to_string());
            let got = without_foreign(&raw).unwrap_or(raw);
            prop_assert_eq!(serde_json::from_slice::<Value>(&got).unwrap(), json!({"messages": left}));
        }
    }
}
