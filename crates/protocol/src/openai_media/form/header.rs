//! Header values with parameters: `form-data; name="model"`, `multipart/form-data; boundary=x`.

/// A header's value, read.
pub(super) struct Value<'a> {
    /// What stands before the parameters.
    pub(super) kind: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl<'a> Value<'a> {
    /// Reads a value. What is no parameter is passed over.
    pub(super) fn read(text: &'a str) -> Self {
        let (kind, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let mut parameters = Vec::new();
        while !rest.is_empty() {
            let end = rest.find([';', '=']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at(end);
            let (value, left) = match behind.strip_prefix('=').map(str::trim_start) {
                Some(behind) => match behind.strip_prefix('"') {
                    Some(quoted) => unquoted(quoted),
                    None => token(behind),
                },
                None => (String::new(), behind),
            };
            if behind.starts_with('=') {
                parameters.push((name.trim(), value));
            }
            // What is between a value and the next semicolon is nobody's.
            rest = left.split_once(';').map_or("", |(_, rest)| rest);
        }
        Self { kind: kind.trim(), parameters }
    }

    /// The first parameter of this name, in any case.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A value that stands as it is, and what follows it.
fn token(text: &str) -> (String, &str) {
    let (value, rest) = text.split_at(text.find(';').unwrap_or(text.len()));
    (value.trim().to_owned(), rest)
}

/// A quoted value whose first quote is behind us, and what follows it. Only a quote and a backslash are escaped:
/// names of files with other backslashes in them come from systems where those part folders.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => {
                let escaped = characters.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(escaped.map_or('\\', |(_, next)| next));
            }
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_with_their_quotes() {
        let value = Value::read(
            r#" form-data ; name = "a \"b\" \\ c;d" ; filename="C:\dir\x; name=model.wav" junk; NAME=late;x=;="y";z"#,
        );
        assert_eq!(value.kind, "form-data");
        assert_eq!(value.parameter("name"), Some(r#"a "b" \ c;d"#));
        assert_eq!(value.parameter("Filename"), Some(r"C:\dir\x; name=model.wav"));
        assert_eq!((value.parameter("x"), value.parameter("z")), (Some(""), None));
        assert_eq!(Value::read("multipart/form-data; boundary=a-b ").parameter("boundary"), Some("a-b"));
        assert_eq!(Value::read("form-data; name=\"half").parameter("name"), Some("half"));
    }
}
