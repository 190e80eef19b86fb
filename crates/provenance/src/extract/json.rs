//! Reads JSON as far as it goes.
//!
//! Arguments of calls are JSON as a model put it out: a stream may break off within a string, a line break may stand where
//! an escape should, a comma may be missing. What is there is read; whole JSON is read as any reader would.

/// How deep lists and objects are read.
const DEEPEST: usize = 64;

/// A value, as far as it is there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A string without its end.
    Cut(String),
    /// A list.
    List(Vec<Value>),
    /// An object's fields, in order.
    Object(Vec<(String, Value)>),
    /// `true`.
    True,
    /// A number, `false`, `null`, or what is no JSON.
    Other,
}

/// Reads the value that `json` begins with.
pub(super) fn read(json: &str) -> Value {
    Reader { json, at: 0 }.value(0)
}

impl Value {
    /// Every string in it, names of fields apart.
    pub(super) fn texts<'v>(&'v self, found: &mut Vec<&'v str>) {
        match self {
            Self::Text(text) | Self::Cut(text) => found.push(text),
            Self::List(values) => values.iter().for_each(|value| value.texts(found)),
            Self::Object(fields) => fields.iter().for_each(|(_, value)| value.texts(found)),
            Self::True | Self::Other => {}
        }
    }
}

struct Reader<'j> {
    json: &'j str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space.
    fn next(&mut self) -> Option<u8> {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.peek()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.next() {
            Some(b'"') => self.text(),
            Some(b'{') if depth < DEEPEST => self.object(depth + 1),
            Some(b'[') if depth < DEEPEST => self.list(depth + 1),
            Some(b'{' | b'[') => {
                self.at = self.json.len();
                Value::Other
            }
            _ => self.word(),
        }
    }

    /// A number, `true`, `false` or `null`; whatever is none of them is passed over just so.
    fn word(&mut self) -> Value {
        let start = self.at;
        while self.peek().is_some_and(|byte| !byte.is_ascii_whitespace() && !b",]}:\"".contains(&byte)) {
            self.at += 1;
        }
        if self.json.get(start..self.at) == Some("true") { Value::True } else { Value::Other }
    }

    fn list(&mut self, depth: usize) -> Value {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            match self.next() {
                Some(b']') => {
                    self.at += 1;
                    break;
                }
                Some(b',') => self.at += 1,
                Some(b'}' | b':') | None => break,
                Some(_) => values.push(self.value(depth)),
            }
        }
        Value::List(values)
    }

    fn object(&mut self, depth: usize) -> Value {
        self.at += 1;
        let mut fields = Vec::new();
        loop {
            match self.next() {
                Some(b'}') => {
                    self.at += 1;
                    break;
                }
                Some(b',') => self.at += 1,
                Some(b'"') => {
                    let Value::Text(name) = self.text() else { break };
                    if self.next() != Some(b':') {
                        break;
                    }
                    self.at += 1;
                    let value = self.value(depth);
                    fields.push((name, value));
                }
                _ => break,
            }
        }
        Value::Object(fields)
    }

    fn text(&mut self) -> Value {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.json.get(self.at..).unwrap_or_default();
            let Some(end) = rest.find(['"', '\\']) else {
                text.push_str(rest);
                self.at = self.json.len();
                return Value::Cut(text);
            };
            text.push_str(&rest[..end]);
            self.at += end + 1;
            if rest.as_bytes().get(end) == Some(&b'"') {
                return Value::Text(text);
            }
            let Some(escaped) = rest[end + 1..].chars().next() else { return Value::Cut(text) };
            self.at += escaped.len_utf8();
            match escaped {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'b' => text.push('\u{8}'),
                'f' => text.push('\u{c}'),
                '"' | '\\' | '/' => text.push(escaped),
                'u' => match self.letter() {
                    Some(letter) => text.push(letter),
                    None => return Value::Cut(text),
                },
                other => text.extend(['\\', other]),
            }
        }
    }

    /// What `\u` stands for; nothing where its digits are not all there.
    fn letter(&mut self) -> Option<char> {
        let Some(unit) = self.unit() else {
            self.at = self.json.len();
            return None;
        };
        if !(0xd800..0xdc00).contains(&unit) {
            return Some(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.at;
        if self.json.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) {
            self.at += 2;
            if let Some(low) = self.unit().filter(|low| (0xdc00..0xe000).contains(low)) {
                return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            }
        }
        self.at = before;
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.json.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of_serde(value: &serde_json::Value) -> Value {
        match value {
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(values) => Value::List(values.iter().map(of_serde).collect()),
            serde_json::Value::Object(fields) => {
                Value::Object(fields.iter().map(|(name, value)| (name.clone(), of_serde(value))).collect())
            }
            serde_json::Value::Bool(true) => Value::True,
            _ => Value::Other,
        }
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    #[test]
    fn what_breaks_off_is_read_as_far_as_it_goes() {
        let object = |fields: Vec<(&str, Value)>| {
            Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let cut = |text: &str| Value::Cut(text.to_owned());
        for (json, wanted) in [
            (r#"{"a": "b", "c": "d\ne"#, object(vec![("a", text("b")), ("c", cut("d\ne"))])),
            (r#"{"a": "b\"#, object(vec![("a", cut("b"))])),
            (r#"{"a": "b\u00"#, object(vec![("a", cut("b"))])),
            (r#"{"a": "b", "c"#, object(vec![("a", text("b"))])),
            (
                r#"{"a": ["b", {"c": "d"#,
                object(vec![("a", Value::List(vec![text("b"), object(vec![("c", cut("d"))])]))]),
            ),
            ("{\"a\": \"b\nc\" \"d\": true}", object(vec![("a", text("b\nc")), ("d", Value::True)])),
            (r#"{"a": "\d\ud83d\ude00\ud83d"}"#, object(vec![("a", text("\\d\u{1f600}\u{fffd}"))])),
            ("", Value::Other),
            ("*** Begin Patch", Value::Other),
        ] {
            assert_eq!(read(json), wanted, "{json}");
        }
    }

    #[test]
    fn nothing_is_too_deep() {
        read(&"[".repeat(1_000_000));
        read(&"{\"a\":".repeat(100_000));
    }

    proptest! {
        #[test]
        fn whole_json_is_read_as_by_any_reader(value in json()) {
            prop_assert_eq!(read(&value.to_string()), of_serde(&value));
            prop_assert_eq!(read(&serde_json::to_string_pretty(&value).unwrap_or_default()), of_serde(&value));
        }

        #[test]
        fn anything_can_be_read(json in "(\\{|\\}|\\[|\\]|\"|\\\\|u|d8|:|,|true|é|.)*") {
            read(&json);
        }
    }
}
