//! JSON objects read field by field: both spellings of a name in camel case are found, and what nobody asked for is
//! known by name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::request::ParseError;

/// The fields of an object that have not been taken yet.
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    entries.push((name, map.next_value()?));
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_map(Entries).map(Self)
    }
}

/// A field's name, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A number, which JSON made from protocol buffers may put in quotes.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Number {
    Int(i64),
    Float(f64),
    Text(String),
}

impl<'a> Fields<'a> {
    /// Reads an object's text.
    pub(crate) fn read(json: &'a [u8]) -> Result<Self, ParseError> {
        Ok(serde_json::from_slice(json)?)
    }

    /// An object without fields.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads an object found in the field `field`.
    pub(crate) fn of(raw: &'a RawValue, field: &'static str) -> Result<Self, ParseError> {
        parse(raw, field)
    }

    /// Whether there is a field `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, value)| is_same(own, name) && value.get() != "null")
    }

    /// The field `name`, which in camel case stands for its spelling with underscores, too; `null` is as good as absent.
    pub(crate) fn raw(&mut self, name: &str) -> Option<&'a RawValue> {
        let mut found = None;
        self.0.retain(|(own, value)| {
            let is_it = is_same(own, name);
            if is_it {
                found = Some(*value);
            }
            !is_it
        });
        found.filter(|value| value.get() != "null")
    }

    /// The field `name`, read.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, ParseError> {
        self.raw(name).map(|raw| parse(raw, name)).transpose()
    }

    /// The field `name` as an object.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Option<Self>, ParseError> {
        self.raw(name).map(|raw| Self::of(raw, name)).transpose()
    }

    /// The items of the field `name`; what is no list is a list of one.
    pub(crate) fn list(&mut self, name: &'static str) -> Result<Vec<&'a RawValue>, ParseError> {
        self.raw(name).map_or_else(|| Ok(Vec::new()), |raw| items(raw, name))
    }

    /// The texts of the field `name`; a single text is a list of one.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Vec<String>, ParseError> {
        self.list(name)?.into_iter().map(|raw| parse(raw, name)).collect()
    }

    /// The field `name` as a number.
    pub(crate) fn number(&mut self, name: &'static str) -> Result<Option<f64>, ParseError> {
        Ok(self.take(name)?.and_then(|number| match number {
            // No setting here comes near 2^53.
            Number::Int(int) => Some(int as f64),
            Number::Float(float) => Some(float),
            Number::Text(text) => text.parse().ok(),
        }))
    }

    /// The field `name` as a whole number; clients in languages with one kind of number write `40.0`.
    pub(crate) fn int(&mut self, name: &'static str) -> Result<Option<i64>, ParseError> {
        Ok(self.take(name)?.and_then(|number| match number {
            Number::Int(int) => Some(int),
            Number::Float(float) => (float.fract() == 0.0).then_some(float as i64),
            Number::Text(text) => text.parse().ok(),
        }))
    }

    /// The field `name` as a count; negative numbers, which stand for "no limit", are as good as absent.
    pub(crate) fn count(&mut self, name: &'static str) -> Result<Option<u64>, ParseError> {
        Ok(self.int(name)?.and_then(|int| u64::try_from(int).ok()))
    }

    /// The names nobody took, with underscores; what is no plain name is `other`.
    pub(crate) fn rest(self) -> impl Iterator<Item = String> {
        self.0.into_iter().filter(|(_, value)| value.get() != "null").map(|(name, _)| snake(&name))
    }
}

/// The items of a list, the value of the field `field`; what is no list is a list of one.
pub(crate) fn items<'a>(raw: &'a RawValue, field: &'static str) -> Result<Vec<&'a RawValue>, ParseError> {
    if raw.get().starts_with('[') { parse(raw, field) } else { Ok(vec![raw]) }
}

/// Reads the value of the field `field`.
pub(crate) fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue, field: &'static str) -> Result<T, ParseError> {
    serde_json::from_str(raw.get()).map_err(|error| unreadable(field, &error))
}

/// The value of the field `field` cannot be read. Where in the value is not told: it would be taken for a place in the
/// body.
pub(crate) fn unreadable(field: &'static str, error: &serde_json::Error) -> ParseError {
    let (problem, place) =
        (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    ParseError::Value { field, problem: problem.strip_suffix(&place).unwrap_or(&problem).to_owned() }
}

/// A name with underscores, fit to be part of a code.
pub(crate) fn snake(name: &str) -> String {
    let is_plain = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_plain || name.is_empty() {
        return "other".to_owned();
    }
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// The same JSON without white space between its tokens, and so on one line.
pub(crate) fn compact(json: &str) -> String {
    let (mut out, mut in_text, mut escaped) = (String::with_capacity(json.len()), false, false);
    for letter in json.chars() {
        if in_text {
            (in_text, escaped) = (letter != '"' || escaped, letter == '\\' && !escaped);
        } else if letter.is_ascii_whitespace() {
            continue;
        } else {
            in_text = letter == '"';
        }
        out.push(letter);
    }
    out
}

/// A tool call's arguments as the object that some dialects want, its fields in their order.
///
/// A model cut off in the middle leaves what is no object: it is kept as text, so that the tool refuses it.
pub(crate) fn arguments(text: &str) -> Box<RawValue> {
    let object = match text.trim() {
        "" => "{}".to_owned(),
        text if text.starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok() => compact(text),
        text => serde_json::json!({ "arguments": text }).to_string(),
    };
    RawValue::from_string(object).unwrap_or_default()
}

/// Whether a field's own name is `name`, or `name` in camel case written with underscores. Any other spelling is another
/// name: a field that one reader of a request takes and another does not is worse than one that nobody knows.
fn is_same(own: &str, name: &str) -> bool {
    let snake = name.bytes().flat_map(|letter| {
        let boundary = letter.is_ascii_uppercase().then_some(b'_');
        boundary.into_iter().chain([letter.to_ascii_lowercase()])
    });
    own == name || own.bytes().eq(snake)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_spellings_are_found_and_the_rest_is_named() {
        let json = br#"{"top_p":0.5,"topK":40.0,"seed":"7","maxOutputTokens":-1,"x":null,"safetySettings":[],"a b":1}"#;
        let mut fields = Fields::read(json).unwrap();
        assert_eq!(fields.number("topP").unwrap(), Some(0.5));
        assert_eq!(fields.count("topK").unwrap(), Some(40));
        assert_eq!(fields.int("seed").unwrap(), Some(7));
        assert_eq!(fields.count("maxOutputTokens").unwrap(), None);
        assert_eq!(fields.rest().collect::<Vec<_>>(), ["safety_settings", "other"]);
    }

    #[test]
    fn other_spellings_are_other_names() {
        let json = br#"{"Suffix":1,"suffIx":2,"inputPrefix":3,"top_K":4,"topk":5}"#;
        for name in ["suffix", "input_prefix", "topK"] {
            assert_eq!(Fields::read(json).unwrap().int(name).unwrap(), None, "{name}");
        }
    }

    #[test]
    fn arguments_keep_their_order_and_lose_only_white_space() {
        let text = "{\n  \"z\": \"a \\\" b\\\\\",\n  \"a\": [1, 2]\n}";
        assert_eq!(arguments(text).get(), r#"{"z":"a \" b\\","a":[1,2]}"#);
        assert_eq!(arguments("").get(), "{}");
        assert_eq!(arguments("{\"cut\": \"of").get(), r#"{"arguments":"{\"cut\": \"of"}"#);
        assert_eq!(arguments("[1]").get(), r#"{"arguments":"[1]"}"#);
    }

    proptest! {
        /// Taking the white space out changes nothing of what JSON says.
        #[test]
        fn compact_json_says_the_same(texts: Vec<String>, number: i32) {
            let value = serde_json::json!({ "texts": texts, "number": number, "nested": { "": [null, true] } });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), value.to_string());
        }
    }
}
