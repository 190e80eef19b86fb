//! Whose reasoning it is: proofs that keep their owner when they cross into another dialect and back.
//!
//! OpenRouter wants signed and encrypted reasoning back as it came, in `reasoning_details`; other providers want theirs,
//! and clients of this dialect that know the field hand back whatever they got in it. So in the neutral form the proofs
//! of this dialect's servers start with a mark, behind which stand the detail's `format` and `id`, and only marked ones
//! are sent to such a server. Those of other providers start with marks of their own (`waymark/…`) and are carried as
//! they are; before a request with such goes to a server of this dialect as it came, [`without_foreign`] takes them out.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Starts this dialect's own proofs in the neutral form: whole groups of Base64, for dialects that decode what they
/// carry.
const OWN: &str = "waymark/chat////////";
/// Starts the proofs of every other dialect.
const FOREIGN: &str = "waymark/";

/// A proof of this dialect's, as `reasoning_details` has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Proof<'a> {
    pub(super) format: Option<&'a str>,
    pub(super) id: Option<&'a str>,
    pub(super) proof: &'a str,
}

/// The neutral form of a signature or of encrypted reasoning.
pub(super) fn neutral(proof: String, format: Option<&str>, id: Option<&str>) -> String {
    if proof.starts_with(FOREIGN) {
        return proof;
    }
    let plain = |word: Option<&str>| word.filter(|word| !word.contains(':')).unwrap_or_default().to_owned();
    format!("{OWN}{}:{}:{proof}", plain(format), plain(id))
}

/// This dialect's proof behind a neutral one, if it is that.
pub(super) fn own(neutral: &str) -> Option<Proof<'_>> {
    let (format, rest) = neutral.strip_prefix(OWN)?.split_once(':')?;
    let (id, proof) = rest.split_once(':')?;
    let some = |word| Some(word).filter(|word: &&str| !word.is_empty());
    Some(Proof { format: some(format), id: some(id), proof })
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Detail {
    signature: Option<String>,
    data: Option<String>,
}

/// The body without the reasoning of other providers, which servers of this dialect have no use for and may refuse;
/// `None` when it has none. Every other byte stays as it came.
pub(crate) fn without_foreign(raw: &Bytes) -> Option<Bytes> {
    // Nearly every body has none, and looking through the bytes is all that it costs.
    memchr::memmem::find(raw, FOREIGN.as_bytes())?;
    let messages = serde_json::from_slice::<Body<'_>>(raw).ok()?.messages;
    let (mut body, mut at) = (BytesMut::with_capacity(raw.len()), 0);
    for message in messages {
        let Some(left) = left_of(message.get()) else { continue };
        // A raw value is a slice of the body, so its place in it is the difference of the addresses.
        let start = message.get().as_ptr() as usize - raw.as_ptr() as usize;
        body.extend_from_slice(raw.get(at..start)?);
        body.extend_from_slice(left.as_bytes());
        at = start + message.get().len();
    }
    body.extend_from_slice(raw.get(at..)?);
    (at > 0).then(|| body.freeze())
}

/// The message without its reasoning; `None` when that is not another provider's.
fn left_of(message: &str) -> Option<String> {
    let Message { reasoning_details: Some(details), reasoning_content } =
        serde_json::from_str(message).ok()?
    else {
        return None;
    };
    let proofs: Vec<Detail> = serde_json::from_str(details.get()).ok()?;
    let mut proofs = proofs.into_iter().flat_map(|detail| [detail.signature, detail.data]).flatten();
    if !proofs.any(|proof| proof.starts_with(FOREIGN)) {
        return None;
    }
    // With it goes the same reasoning as plain text.
    let left = match reasoning_content {
        Some(text) => without_member(message, "reasoning_content", text)?,
        None => return without_member(message, "reasoning_details", details),
    };
    let details = serde_json::from_str::<Message<'_>>(&left).ok()?.reasoning_details?;
    without_member(&left, "reasoning_details", details)
}

/// An object's text without one of its members, whose value is a slice of it.
fn without_member(object: &str, name: &str, value: &RawValue) -> Option<String> {
    let start = value.get().as_ptr() as usize - object.as_ptr() as usize;
    let (before, after) = (object.get(..start)?, object.get(start + value.get().len()..)?);
    let before = &before[..before.rfind(&format!("\"{name}\""))?];
    // One of the commas around the member goes with it.
    Some(match after.trim_start().strip_prefix(',') {
        Some(after) => format!("{before}{}", after.trim_start()),
        None => format!("{}{after}", before.trim_end().trim_end_matches(',')),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proof_comes_back_as_it_was() {
        assert_eq!(OWN.len() % 4, 0);
        let kept = neutral("EqQB:+/==".to_owned(), Some("anthropic-claude-v1"), None);
        let expected = Proof { format: Some("anthropic-claude-v1"), id: None, proof: "EqQB:+/==" };
        assert_eq!(own(&kept), Some(expected));
        let kept = neutral("gAAA".to_owned(), None, Some("rs_1"));
        assert_eq!(own(&kept), Some(Proof { format: None, id: Some("rs_1"), proof: "gAAA" }));
        let foreign = neutral("waymark/anthropic///EqQB".to_owned(), Some("x"), None);
        assert_eq!((foreign.as_str(), own(&foreign)), ("waymark/anthropic///EqQB", None));
    }

    #[test]
    fn only_what_is_foreign_is_taken_out() {
        let body = br#"{"messages" : [ {"role":"user","content":"waymark/ hi"},
            {"role":"assistant","reasoning_details":[{"type":"reasoning.text","text":"a","signature":"EqQB"}],"content":"b"},
            {"role":"assistant", "reasoning_content": "c" , "content":"d","reasoning_details":[{"data":"waymark/anthropicREDx"}] },
            {"reasoning_details": [{"signature":"waymark/gemini//////y"}], "role":"assistant"}],"top_p":1.50}"#;
        let expected = br#"{"messages" : [ {"role":"user","content":"waymark/ hi"},
            {"role":"assistant","reasoning_details":[{"type":"reasoning.text","text":"a","signature":"EqQB"}],"content":"b"},
            {"role":"assistant", "content":"d" },
            {"role":"assistant"}],"top_p":1.50}"#;
        let left = without_foreign(&Bytes::from_static(body)).unwrap();
        assert_eq!(String::from_utf8_lossy(&left), String::from_utf8_lossy(expected));
    }

    #[test]
    fn a_body_without_foreign_reasoning_is_left_alone() {
        for body in [
            &br#"{"messages":[{"role":"user","content":"waymark/anthropic///"}]}"#[..],
            br#"{"messages":[{"role":"assistant","reasoning_details":[{"signature":"EqQB"}],"content":"waymark/"}]}"#,
            b"waymark/ no json",
        ] {
            assert_eq!(without_foreign(&Bytes::copy_from_slice(body)), None);
        }
    }
}
