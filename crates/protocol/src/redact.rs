//! Taking secrets out of a request: what stood there is replaced, and every other byte stays as it came.
//!
//! A body is looked through as it came. Letters that it writes as escapes (`\u0041`), at whatever depth of JSON within
//! JSON, are put in their place first ([`Plain`]); all other escapes are for who looks to know.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

/// What follows a backslash where an ASCII letter or sign is written by its number.
const ESCAPE: &[u8] = b"u00";

/// A body without escaped ASCII letters, and where its bytes stood in the body.
pub struct Plain<'a> {
    text: Cow<'a, [u8]>,
    /// For each escape the byte that stands for it in the text, and where it stood.
    escapes: Vec<(usize, Range<usize>)>,
}

impl<'a> Plain<'a> {
    /// Reads a body. One without escaped letters is not copied.
    pub fn of(body: &'a [u8]) -> Self {
        let mut text = Vec::new();
        let mut escapes = Vec::new();
        let mut copied = 0;
        for at in memmem::find_iter(body, ESCAPE) {
            let Some((letter, place)) = escape(body, at) else { continue };
            text.extend_from_slice(body.get(copied..place.start).unwrap_or_default());
            copied = place.end;
            escapes.push((text.len(), place));
            text.push(letter);
        }
        if escapes.is_empty() {
            return Self { text: Cow::Borrowed(body), escapes };
        }
        text.extend_from_slice(body.get(copied..).unwrap_or_default());
        Self { text: Cow::Owned(text), escapes }
    }

    /// The text to look through.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where a piece of the text stands in the body.
    pub fn place(&self, piece: &Range<usize>) -> Range<usize> {
        let begins = |at: usize| {
            let before = self.escapes.partition_point(|(escape, _)| *escape < at);
            match before.checked_sub(1).and_then(|last| self.escapes.get(last)) {
                // What stands between the escape and here is as long in both.
                Some((escape, place)) => place.end + (at - escape - 1),
                None => at,
            }
        };
        begins(piece.start)..begins(piece.end)
    }
}

/// The letter that is written by its number at `at`, with the backslashes that are its own: one at the first depth, and at
/// each further depth twice as many. Others before them are escaped backslashes. Quotes and backslashes stay as they are
/// written: in their own place they would mean something else.
fn escape(body: &[u8], at: usize) -> Option<(u8, Range<usize>)> {
    let slashes = body.get(..at)?.iter().rev().take_while(|byte| **byte == b'\\').count();
    let end = at + ESCAPE.len() + 2;
    let digits = std::str::from_utf8(body.get(at + ESCAPE.len()..end)?).ok()?;
    let letter = u8::from_str_radix(digits, 16).ok()?;
    let plain = letter.is_ascii_graphic() && !matches!(letter, b'"' | b'\\' | b'\'');
    let own = slashes & slashes.wrapping_neg();
    (own > 0 && plain).then_some((letter, at - own..end))
}

/// The body with `[redacted:NAME]` at each of `places`, which are in order and apart from each other. The same name is
/// the same text each time, so that a prompt stays the one that a provider has in its cache.
pub fn redacted<'n>(body: &[u8], places: impl IntoIterator<Item = (Range<usize>, &'n str)>) -> Bytes {
    let mut out = Vec::with_capacity(body.len());
    let mut copied = 0;
    for (place, name) in places {
        out.extend_from_slice(body.get(copied..place.start).unwrap_or_default());
        out.extend_from_slice(format!("[redacted:{name}]").as_bytes());
        copied = place.end;
    }
    out.extend_from_slice(body.get(copied..).unwrap_or_default());
    out.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn escaped_letters_are_put_in_their_place() {
        let body = br#"{"a":"x\u0041K\\u0049A \u00e9 \u0022 \u000a u0041 \\u0041 \\\u0042 \\\\u0043"}"#;
        let plain = Plain::of(body);
        let text = std::str::from_utf8(plain.text()).unwrap();
        assert_eq!(text, r#"{"a":"xAKIA \u00e9 \u0022 \u000a u0041 A \\B C"}"#);
        let start = text.find("AKIA").unwrap();
        let place = plain.place(&(start..start + 4));
        assert_eq!(&body[place], br"\u0041K\\u0049A");
        let place = plain.place(&(text.len() - 3..text.len()));
        assert_eq!(&body[place], br#"\\\\u0043"}"#);
        assert!(matches!(Plain::of(b"{}").text, Cow::Borrowed(_)));
        for cut in [&b"u0041"[..], br"\u00", br"\u004", br"\u00zz", b"\\u00\xff\xff"] {
            assert_eq!(Plain::of(cut).text(), cut);
        }
    }

    #[test]
    fn only_the_places_change() {
        let body = b"{\"a\" : \"one two one\"}";
        let out = redacted(body, [(8..11, "x"), (16..19, "x")]);
        assert_eq!(&out[..], b"{\"a\" : \"[redacted:x] two [redacted:x]\"}");
        assert_eq!(&redacted(body, [])[..], body);
    }

    /// A value that holds `text` at a depth of JSON within JSON, its letters escaped where `escaped`.
    fn nested(text: &str, depth: usize, escaped: bool) -> Value {
        let mut value = json!({ "text": text });
        for _ in 0..depth {
            let mut inner = value.to_string();
            if escaped {
                inner = inner.replace("SECRET", r"\u0053ECRE\u0054");
            }
            value = json!({ "arguments": inner });
        }
        value
    }

    proptest! {
        /// What is left is JSON at every depth, and says the same but for the secrets.
        #[test]
        fn a_redacted_body_is_the_same_but_for_its_secrets(
            around in "(\\PC|[\n\"\\\\]){0,12}",
            after in "(\\PC|[\n\"\\\\]){0,12}",
            depth in 0..4_usize,
            escaped: bool,
            pretty: bool,
        ) {
            let text = format!("{around}SECRET{after}SECRET");
            let value = nested(&text, depth, escaped);
            let mut body = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            if escaped {
                body = body.replace("SECRET", r"S\u0045CRET");
            }
            let plain = Plain::of(body.as_bytes());
            let places: Vec<_> = memmem::find_iter(plain.text(), b"SECRET").collect();
            prop_assert_eq!(places.len(), 2);
            let places = places.iter().map(|&at| (plain.place(&(at..at + 6)), "kind"));
            let mut left: Value = serde_json::from_slice(&redacted(body.as_bytes(), places)).unwrap();
            for _ in 0..depth {
                left = serde_json::from_str(left["arguments"].as_str().unwrap()).unwrap();
            }
            prop_assert_eq!(left["text"].as_str().unwrap(), text.replace("SECRET", "[redacted:kind]"));
        }
    }
}
