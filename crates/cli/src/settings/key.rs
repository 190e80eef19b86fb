//! Key paths: where a value sits in the tables of the configuration.

use std::fmt;

use super::value::quoted;

/// The way to one value or table, from the top of the file: `models.large.id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct KeyPath(Vec<String>);

impl KeyPath {
    /// The path through `segments`. A segment may be any text, dots included.
    pub(crate) fn new<'a>(segments: impl IntoIterator<Item = &'a str>) -> Self {
        Self(segments.into_iter().map(str::to_owned).collect())
    }

    /// The path written as `path`, whose segments hold no dots themselves.
    pub(crate) fn fixed(path: &'static str) -> Self {
        Self::new(path.split('.'))
    }

    /// The path to `segment` in this table.
    pub(crate) fn child(&self, segment: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.to_owned());
        Self(segments)
    }

    /// The names on the way.
    pub(crate) fn segments(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !segment.is_empty() && segment.chars().all(bare) {
                f.write_str(segment)?;
            } else {
                f.write_str(&quoted(segment))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_that_are_no_bare_keys_are_quoted() {
        assert_eq!(KeyPath::fixed("server.data_dir").to_string(), "server.data_dir");
        assert_eq!(KeyPath::new(["models", "gpt-4.1", "id"]).to_string(), "models.\"gpt-4.1\".id");
        assert_eq!(KeyPath::new(["aliases", ""]).to_string(), "aliases.\"\"");
    }
}
