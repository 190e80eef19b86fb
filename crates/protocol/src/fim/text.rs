//! Texts as editors send them: JavaScript cuts strings in the middle of a surrogate pair and still calls it JSON.

use serde_json::value::RawValue;

use crate::json::{self, Fields};
use crate::request::ParseError;

/// A text, and whether halves of surrogate pairs in it had to be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) is_mended: bool,
}

impl Text {
    /// Reads a JSON string. Half of a surrogate pair, which is no text, becomes a replacement character.
    pub(crate) fn read(raw: &RawValue, field: &'static str) -> Result<Self, ParseError> {
        match serde_json::from_str(raw.get()) {
            Ok(text) => Ok(Self { text, is_mended: false }),
            Err(error) if !raw.get().starts_with('"') => Err(json::unreadable(field, &error)),
            Err(_) => {
                let mended = RawValue::from_string(mend(raw.get())).unwrap_or_default();
                Ok(Self { text: json::parse(&mended, field)?, is_mended: true })
            }
        }
    }

    /// The field `name`, empty where it is absent.
    pub(crate) fn take(fields: &mut Fields<'_>, name: &'static str) -> Result<Self, ParseError> {
        fields.raw(name).map_or_else(|| Ok(Self::default()), |raw| Self::read(raw, name))
    }
}

/// Replaces the escapes of lone surrogates in a JSON string.
fn mend(json: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(json.len()), json);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let (kept, length) = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (escape.get(..12), 12),
            (Some(0xD800..=0xDFFF), _) => (Some("\\ufffd"), 6),
            (Some(_), _) => (escape.get(..6), 6),
            (None, _) => (escape.get(..2), 2),
        };
        out.push_str(kept.unwrap_or_default());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The code unit that an escape `\uXXXX` at the start of `text` stands for.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Text {
        Text::read(serde_json::from_str(json).unwrap(), "prompt").unwrap()
    }

    #[test]
    fn halves_of_pairs_are_replaced_and_pairs_kept() {
        let cases = [
            (r#""plain \ud83d\ude00 \\ud83d""#, "plain 😀 \\ud83d", false),
            (r#""cut \ud83d""#, "cut \u{fffd}", true),
            (r#""\ude00 \ud83d\ude00 \n\ud83dx""#, "\u{fffd} 😀 \n\u{fffd}x", true),
            (r#""\ud83d\ud83d\ude00\\""#, "\u{fffd}😀\\", true),
        ];
        for (json, text, is_mended) in cases {
            assert_eq!(read(json), Text { text: text.to_owned(), is_mended }, "{json}");
        }
    }

    proptest! {
        /// Whatever code units a client escapes, the text is what UTF-16 makes of them.
        #[test]
        fn any_code_units_can_be_read(units: Vec<u16>) {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            prop_assert_eq!(read(&format!("\"{escaped}\"")).text, String::from_utf16_lossy(&units));
        }
    }
}
