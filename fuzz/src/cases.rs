//! The examples that the protocol's own tests use, as seeds and as a source of words.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use waymark_types::Dialect;

/// An example of something on the wire.
#[derive(Debug)]
pub struct Case {
    /// Whose words it is in.
    pub dialect: Dialect,
    /// `request`, `reply`, `stream` or `body`.
    pub kind: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Every example.
pub static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/protocol/tests/cases");
    let mut cases = Vec::new();
    for &dialect in Dialect::ALL {
        let Ok(entries) = std::fs::read_dir(root.join(dialect.as_str().replace('-', "_"))) else { continue };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap().to_str().unwrap();
            let kind = name.split('.').nth(1).unwrap_or_default().to_owned();
            cases.push(Case { dialect, kind, bytes: std::fs::read(&path).unwrap() });
        }
    }
    cases
});

/// Parts of the examples: every JSON value in them that is not large.
pub static PARTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let mut parts = BTreeSet::new();
    values(|value| {
        let text = value.to_string();
        if text.len() <= 300 {
            parts.insert(text);
        }
    });
    parts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
});

/// The examples' words: names of fields, and short texts.
pub static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut words = BTreeSet::new();
    values(|value| match value {
        Value::String(text) => drop(words.insert(text.clone())),
        Value::Object(fields) => words.extend(fields.keys().cloned()),
        _ => {}
    });
    words.into_iter().filter(|word| (1..=40).contains(&word.len())).collect()
});

/// The examples' words as libFuzzer reads a dictionary.
pub fn dictionary() -> String {
    let escaped = |word: &String| word.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    let quoted = WORDS.iter().map(|word| format!("\"\\\"{}\\\"\"\n", escaped(word)));
    let plain =
        ["data: ", "event: ", "\n\n", "\r\n\r\n", "\r", "\\u0000", "\\ud800", "\\udc00", "1e400", "-0"];
    quoted.chain(plain.iter().map(|word| format!("\"{}\"\n", escaped(&(*word).to_owned())))).collect()
}

/// Visits every JSON value within the examples.
fn values(mut visit: impl FnMut(&Value)) {
    for case in CASES.iter() {
        if let Ok(value) = serde_json::from_slice(&case.bytes) {
            walk(&value, &mut visit);
        }
        for line in case.bytes.split(|&byte| byte == b'\n') {
            let line = line.strip_prefix(b"data:").unwrap_or(line);
            if let Ok(value) = serde_json::from_slice(line) {
                walk(&value, &mut visit);
            }
        }
    }
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(fields) => fields.values().for_each(|field| walk(field, visit)),
        _ => {}
    }
}
