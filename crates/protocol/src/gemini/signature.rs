//! Whose reasoning it is: signatures that keep their owner when they cross into another dialect and back.
//!
//! Gemini refuses signatures it did not make, and none tells whose it is. So in the neutral form Gemini's own proofs
//! of reasoning start with a mark, and only marked ones are sent to Gemini. Its clients in turn carry what other
//! providers want back behind marks of its own; before a request with such goes to Gemini as it came,
//! [`without_foreign`] takes them out. Clients decode signatures and encode them again, in either alphabet: what is
//! carried is Base64, and marks are whole groups of it.
//!
//! The token of a tool call has no mark: no other provider has one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use serde_json::value::RawValue;

use crate::json::Fields;

/// Starts Gemini's own signatures in the neutral form.
const OWN: &str = "waymark/gemini//////";
/// Starts other providers' signatures in this dialect.
const FOREIGN: &str = "waymark/foreign/////";
/// Starts other providers' redacted reasoning in this dialect.
const REDACTED: &str = "waymark/redacted////";

/// The signature that Google documents for calls which its own models did not make, as those of an earlier turn that
/// another model answered; later generations refuse calls without any.
pub(super) const NO_PROOF: &str = "skip_thought_signature_validator";
/// The same for clients, of which some decode the standard alphabet only.
pub(super) const NO_PROOF_FOR_CLIENTS: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// What a part's `thoughtSignature` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Signature {
    /// Gemini's own, as it came.
    Own(String),
    /// Another provider's, as the neutral form had it.
    Foreign(String),
    /// Another provider's reasoning, shown to nobody.
    Redacted(String),
}

impl Signature {
    /// Reads a `thoughtSignature`; `None` for what proves nothing.
    pub(super) fn read(wire: String) -> Option<Self> {
        if wire.is_empty() || wire == NO_PROOF || wire == NO_PROOF_FOR_CLIENTS {
            return None;
        }
        let carried = |mark: &str| Some(standard(wire.get(mark.len()..)?)).filter(|_| is_marked(&wire, mark));
        let text = |carried: String| String::from_utf8(STANDARD.decode(carried).ok()?).ok();
        if let Some(carried) = carried(FOREIGN) {
            return text(carried).map(Self::Foreign);
        }
        match carried(REDACTED) {
            Some(carried) => text(carried).map(Self::Redacted),
            None => Some(Self::Own(wire)),
        }
    }

    /// The neutral form of a proof of reasoning.
    pub(super) fn neutral(self) -> String {
        match self {
            Self::Own(wire) => format!("{OWN}{wire}"),
            Self::Foreign(neutral) | Self::Redacted(neutral) => neutral,
        }
    }
}

/// Gemini's own signature behind a neutral one, if it is that.
pub(super) fn own(neutral: &str) -> Option<&str> {
    neutral.strip_prefix(OWN)
}

/// What Gemini's clients carry for a neutral signature.
pub(super) fn for_clients(neutral: &str) -> String {
    own(neutral).map_or_else(|| format!("{FOREIGN}{}", STANDARD.encode(neutral)), str::to_owned)
}

/// What Gemini's clients carry for redacted reasoning.
pub(super) fn redacted(data: &str) -> String {
    format!("{REDACTED}{}", STANDARD.encode(data))
}

/// Base64 in the standard alphabet, padded, whatever it was written in.
pub(super) fn standard(data: &str) -> String {
    let mut data = data.replace('-', "+").replace('_', "/");
    while !data.len().is_multiple_of(4) {
        data.push('=');
    }
    data
}

fn is_marked(wire: &str, mark: &str) -> bool {
    wire.get(..mark.len()).is_some_and(|start| start.replace('_', "/") == mark)
}

fn is_foreign(wire: &str) -> bool {
    is_marked(wire, FOREIGN) || is_marked(wire, REDACTED)
}

/// The body without what other providers want back, which Gemini would refuse; `None` when it has none. All but the
/// list of contents stays as it came, byte for byte.
pub fn without_foreign(raw: &Bytes) -> Option<Bytes> {
    // Nearly every body has none, and looking through the bytes is all that it costs.
    memchr::memmem::find(raw, b"waymark/").or_else(|| memchr::memmem::find(raw, b"waymark_"))?;
    let contents = Fields::read(raw).ok()?.raw("contents")?.get();
    let all: Vec<&RawValue> = serde_json::from_str(contents).ok()?;
    let left: Vec<Option<String>> = all.iter().map(|content| left_of(content)).collect();
    if left.iter().zip(&all).all(|(left, content)| left.as_deref() == Some(content.get())) {
        return None;
    }
    let left: Vec<String> = left.into_iter().flatten().collect();
    // A raw value is a slice of the body, so its place in it is the difference of the addresses.
    let start = contents.as_ptr() as usize - raw.as_ptr() as usize;
    let mut body = BytesMut::with_capacity(raw.len());
    body.extend_from_slice(raw.get(..start)?);
    body.extend_from_slice(format!("[{}]", left.join(",")).as_bytes());
    body.extend_from_slice(raw.get(start + contents.len()..)?);
    Some(body.freeze())
}

/// What is left of a content; `None` when nothing is.
fn left_of(content: &RawValue) -> Option<String> {
    let text = content.get();
    let parts = Fields::of(content, "contents").ok().and_then(|mut fields| fields.raw("parts"));
    let Some(parts) = parts else { return Some(text.to_owned()) };
    let Ok(all) = serde_json::from_str::<Vec<&RawValue>>(parts.get()) else { return Some(text.to_owned()) };
    let left: Vec<String> = all.iter().filter_map(|part| left_of_part(part)).collect();
    if left.iter().zip(&all).all(|(left, part)| left == part.get()) && left.len() == all.len() {
        return Some(text.to_owned());
    }
    let start = parts.get().as_ptr() as usize - text.as_ptr() as usize;
    let (before, after) = (text.get(..start)?, text.get(start + parts.get().len()..)?);
    (!left.is_empty()).then(|| format!("{before}[{}]{after}", left.join(",")))
}

/// Foreign reasoning goes as a whole; where a client put its signature beside words, the words stay.
fn left_of_part(part: &RawValue) -> Option<String> {
    let text = part.get();
    let whole = || Some(text.to_owned());
    let Ok(mut fields) = Fields::of(part, "parts") else { return whole() };
    let Some(signature) = fields.raw("thoughtSignature") else { return whole() };
    if !serde_json::from_str::<String>(signature.get()).is_ok_and(|signature| is_foreign(&signature)) {
        return whole();
    }
    let is_thought = fields.take("thought").ok().flatten().unwrap_or(false);
    let words: Option<String> = fields.take("text").ok().flatten();
    if is_thought || words.is_some_and(|words| words.is_empty()) {
        return None;
    }
    let start = signature.get().as_ptr() as usize - text.as_ptr() as usize;
    let (before, after) = (text.get(..start)?, text.get(start + signature.get().len()..)?);
    Some(format!("{before}\"{NO_PROOF}\"{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signature_comes_back_as_it_was() {
        for mark in [OWN, FOREIGN, REDACTED] {
            assert!(mark.len() % 4 == 0 && STANDARD.decode(mark).is_ok(), "{mark}");
        }
        let read = |wire: &str| Signature::read(wire.to_owned());
        for foreign in ["waymark/anthropic///EqQB+/==", "gAAAAABo-_x=", "no base64: ü"] {
            let wire = for_clients(foreign);
            // As clients in other languages hand it back.
            for wire in [wire.clone(), wire.replace('+', "-").replace('/', "_")] {
                assert_eq!(read(&wire), Some(Signature::Foreign(foreign.to_owned())));
            }
        }
        assert_eq!(read(&redacted("data")), Some(Signature::Redacted("data".to_owned())));
        assert_eq!(own(&read("CqAB").unwrap().neutral()), Some("CqAB"));
        assert_eq!(for_clients(&read("CqAB").unwrap().neutral()), "CqAB");
        assert_eq!(STANDARD.encode(NO_PROOF), NO_PROOF_FOR_CLIENTS);
        assert_eq!([read(""), read(NO_PROOF), read(NO_PROOF_FOR_CLIENTS)], [None, None, None]);
    }

    #[test]
    fn only_what_is_foreign_is_taken_out() {
        let foreign = for_clients("gAAA");
        let body = format!(
            r#"{{"contents" : [ {{"role":"user","parts":[ {{"text":"waymark/ hi"}} ]}},
            {{"role":"model","parts":[ {{"text":"hm","thought":true,"thoughtSignature":"{foreign}"}}, {{"text":"ok"}} , {{"text":"and","thought_signature":"{foreign}"}}]}},
            {{"parts":[{{"text":"","thoughtSignature":"{foreign}"}}],"role":"model"}} ],"generationConfig":{{"topP":0.50}}}}"#
        );
        let left = without_foreign(&Bytes::from(body)).unwrap();
        let expected = format!(
            r#"{{"contents" : [{{"role":"user","parts":[ {{"text":"waymark/ hi"}} ]}},{{"role":"model","parts":[{{"text":"ok"}},{{"text":"and","thought_signature":"{NO_PROOF}"}}]}}],"generationConfig":{{"topP":0.50}}}}"#
        );
        assert_eq!(String::from_utf8_lossy(&left), expected);
        for untouched in [
            r#"{"contents":[{"parts":[{"text":"waymark/foreign/////"}]}]}"#,
            r#"{"contents":"waymark_"}"#,
            "waymark/",
        ] {
            assert_eq!(without_foreign(&Bytes::from(untouched)), None);
        }
    }
}
