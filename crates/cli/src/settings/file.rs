//! The layer of the configuration file: TOML with the place of every key.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::KeyPath;
use super::layers::Layers;
use super::origin::Origin;
use super::problem::{Fault, Problem, SettingsError};
use super::schema::{self, Kind};
use super::value::{Value, found, quoted};

/// Names under which people write a key itself, lower-case and without `-` and `_`.
const SECRET_NAMES: &[&str] =
    &["apikey", "key", "token", "apitoken", "authtoken", "accesstoken", "secret", "secretkey", "password"];

/// Lays the file at `path` over what `layers` hold.
pub(super) fn read(path: &Path, layers: &mut Layers) -> Result<(), SettingsError> {
    let name = path.display().to_string();
    let text =
        std::fs::read_to_string(path).map_err(|source| SettingsError::Read { path: name.clone(), source })?;
    let file = File { name, text: &text, directory: path.parent() };
    let top = DeTable::parse(&text).map_err(|error| file.syntax(&error))?;
    file.table(top.get_ref(), &KeyPath::default(), layers);
    Ok(())
}

struct File<'a> {
    name: String,
    text: &'a str,
    directory: Option<&'a Path>,
}

impl File<'_> {
    fn table(&self, table: &DeTable<'_>, path: &KeyPath, layers: &mut Layers) {
        let mut pairs: Vec<_> = table.iter().collect();
        // The parser sorts by name; the order of declaration is the order on the page.
        pairs.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in pairs {
            let name: &str = key.get_ref();
            let key_path = path.child(name);
            let origin = self.at(key.span().start);
            if name.trim().is_empty() {
                layers.refuse(key_path, Fault::new("needs a name that is not empty"), origin);
            } else if let Some(known) = schema::find(&key_path) {
                self.value(known.kind, value, key_path, origin, layers);
            } else if schema::is_table(&key_path) {
                self.inner_table(value, key_path, origin, layers);
            } else if SECRET_NAMES.contains(&name.to_lowercase().replace(['-', '_'], "").as_str()) {
                self.secret(path, &key_path, origin, layers);
            } else {
                layers.unknown(&key_path, origin);
            }
        }
    }

    fn inner_table(&self, value: &Spanned<DeValue<'_>>, key: KeyPath, origin: Origin, layers: &mut Layers) {
        if let DeValue::Table(table) = value.get_ref() {
            layers.declare(&key, &origin);
            self.table(table, &key, layers);
            return;
        }
        let fault = Fault::new(format!("must be a table, found {}", found(value.get_ref())));
        let known = schema::children(&key);
        let hint = if known == ["*"] {
            "it holds tables with names of your choice".to_owned()
        } else {
            format!("it holds {}", known.join(", "))
        };
        layers.refuse(key, fault.hint(hint), origin);
    }

    fn value(
        &self,
        kind: Kind,
        value: &Spanned<DeValue<'_>>,
        key: KeyPath,
        origin: Origin,
        layers: &mut Layers,
    ) {
        match kind.read_toml(value.get_ref()) {
            Ok(value) => layers.put(key, Ok(self.resolved(kind, value)), origin),
            Err((fault, at)) => {
                let at = at.unwrap_or(value.span().start);
                layers.put(key, Err(fault), self.at(at));
            }
        }
    }

    /// Paths in a file mean the same wherever it is read from.
    fn resolved(&self, kind: Kind, value: Value) -> Value {
        match (kind, value, self.directory) {
            (Kind::Path, Value::Text(text), Some(directory)) => {
                let path: PathBuf = directory.join(text).components().collect();
                Value::Text(path.to_string_lossy().into_owned())
            }
            (_, value, _) => value,
        }
    }

    /// A key in its own right has no place in a file that is shared, copied and committed.
    fn secret(&self, table: &KeyPath, key: &KeyPath, origin: Origin, layers: &mut Layers) {
        let instead = match table.segments() {
            [first, name] if first == "providers" => {
                layers.doubt(table.child("api_key_env"));
                let letters = name
                    .chars()
                    .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
                let variable: String = letters.collect();
                format!("api_key_env = {}", quoted(&format!("{variable}_API_KEY")))
            }
            _ => "api_key_env, in the provider's table".to_owned(),
        };
        layers.problem(Problem {
            origin,
            message: format!("`{key}` would be a secret in a file"),
            hint: Some(format!("put it into an environment variable and name that one: {instead}")),
        });
    }

    fn at(&self, offset: usize) -> Origin {
        let (line, column) = position(self.text, offset);
        Origin::File { path: self.name.clone(), line, column }
    }

    /// The parser's error, without the whole text that it carries: the text may hold secrets.
    fn syntax(&self, error: &toml::de::Error) -> SettingsError {
        let offset = error.span().map_or(self.text.len(), |span| span.start);
        let (line, column) = position(self.text, offset);
        let text = self.text.split('\n').nth(line - 1).unwrap_or_default().trim_end_matches('\r');
        let gutter = " ".repeat(line.to_string().len());
        // Tabs stay tabs, or the caret would stand elsewhere.
        let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
        let indent: String = text.chars().map(blank).chain(std::iter::repeat(' ')).take(column - 1).collect();
        let shown: String =
            masked(text).chars().map(|c| if c.is_control() && c != '\t' { '?' } else { c }).collect();
        SettingsError::Syntax {
            place: self.at(offset).place(),
            message: error.message().trim_end_matches(", expected nothing").to_owned(),
            excerpt: format!("  {line} | {shown}\n  {gutter} | {indent}^{}", advice(text, column)),
        }
    }
}

/// The line and column of a byte, both counted from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// What to do about a line that the parser stumbled over at `column`, where that is likely enough.
fn advice(line: &str, column: usize) -> &'static str {
    let Some((key, value)) = line.split_once('=') else { return "" };
    let bare = value.trim_start().starts_with(|c: char| c.is_alphanumeric() || "./~-".contains(c));
    if bare && column > key.chars().count() { "\n  hint: text stands in quotes: \"...\"" } else { "" }
}

/// The line with every letter and digit starred that may belong to a secret.
fn masked(line: &str) -> String {
    let lower = line.to_lowercase();
    let suspect = SECRET_NAMES.iter().any(|name| lower.contains(name))
        || ["api_key", "api-key"].iter().any(|name| lower.contains(name))
        || (lower.contains("://") && lower.contains('@'));
    if !suspect {
        return line.to_owned();
    }
    // Without a sign between key and value, all of it may be the value.
    let (key, value) = line.split_at(line.find(['=', ':']).map_or(0, |sign| sign + 1));
    let harmless = |c: char| c.is_ascii_uppercase() || c == '_' || c == '"' || c == '\'' || c.is_whitespace();
    if value.chars().all(harmless) {
        return line.to_owned();
    }
    let star = |c: char| if c.is_alphanumeric() || "_-+/.".contains(c) { '*' } else { c };
    format!("{key}{}", value.chars().map(star).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a = 1\nü = \"x\"\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 6), (2, 1));
        assert_eq!(position(text, 8), (2, 2));
        assert_eq!(position(text, text.len()), (3, 1));
        assert_eq!(position(text, 999), (3, 1));
    }

    #[test]
    fn lines_that_may_hold_a_secret_are_starred() {
        assert_eq!(masked("listen = \"127"), "listen = \"127");
        assert_eq!(masked("api_key = \"sk-Abc1"), "api_key = \"*******");
        assert_eq!(masked("a = { kind = 1, api-key = \"s3\""), "a = { **** = *, ******* = \"**\"");
        assert_eq!(masked("api_key_env = ACME_KEY"), "api_key_env = ACME_KEY");
        assert_eq!(masked("url = \"postgres://u:p@h/db"), "url = \"********:***:*@****");
        assert_eq!(masked("  api_key: sk-1"), "  api_key: ****");
        assert_eq!(masked("\"the key is sk-1"), "\"*** *** ** ****");
    }
}
