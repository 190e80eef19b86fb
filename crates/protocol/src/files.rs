//! The files that a request speaks of: those its tool calls name, those its texts show under their path.
//!
//! Dialects and assistants differ in where a path stands, so all of a body is walked: fields that are called like a path,
//! commands, arguments that are JSON themselves, and what texts put before a file's content. A path too many does less
//! harm than one too few: this is for rules that keep files back.

mod text;

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::request::Request;

/// Fields whose text is a path, in small letters without signs between words.
const PATHS: [&str; 20] = [
    "path",
    "paths",
    "file",
    "files",
    "filepath",
    "filepaths",
    "filename",
    "filenames",
    "absolutepath",
    "relativepath",
    "relativeworkspacepath",
    "targetfile",
    "notebookpath",
    "oldpath",
    "newpath",
    "directory",
    "dir",
    "dirpath",
    "uri",
    "include",
];

/// Fields whose text is a command for a shell, or its words.
const COMMANDS: [&str; 5] = ["command", "cmd", "commands", "script", "args"];

/// Fields whose text may be JSON: a call's arguments.
const ARGUMENTS: [&str; 2] = ["arguments", "input"];

/// How deep JSON within JSON is looked into.
const DEEPEST: usize = 4;

impl Request {
    /// The files that the request speaks of, as it writes them, each once.
    pub fn files(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        // A form has no fields of JSON.
        if self.is_form || !read_json(self.raw(), &mut found, 0) {
            text::read(&String::from_utf8_lossy(self.raw()), &mut found);
        }
        found.extend(self.fim.iter().filter_map(|fim| fim.path.clone()));
        found.into_iter().filter(|path| !path.is_empty()).collect()
    }
}

/// Reads JSON, and tells whether it was any.
fn read_json(json: &[u8], found: &mut BTreeSet<String>, depth: usize) -> bool {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let walk = Walk { field: Field::Text, found, depth, is_body: depth == 0 };
    walk.deserialize(&mut deserializer).and_then(|()| deserializer.end()).is_ok()
}

/// What the field is that a value stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Path,
    Command,
    Arguments,
    Text,
}

impl Field {
    fn named(name: &str) -> Self {
        let plain: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        let is = |names: &[&str]| names.contains(&plain.as_str());
        match () {
            () if is(&PATHS) => Self::Path,
            () if is(&COMMANDS) => Self::Command,
            () if is(&ARGUMENTS) => Self::Arguments,
            () => Self::Text,
        }
    }
}

/// Walks one value.
struct Walk<'f> {
    field: Field,
    found: &'f mut BTreeSet<String>,
    /// How many texts of JSON it is within.
    depth: usize,
    /// Whether it is the request's body itself.
    is_body: bool,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, words: &str) -> Result<(), E> {
        let Self { field, found, depth, .. } = self;
        // A list of paths may be written as one text.
        if field == Field::Path && words.len() < 4_096 {
            found.extend(words.lines().map(|line| line.trim().to_owned()));
        }
        if field == Field::Command {
            text::command(words, found);
        }
        let may_be_json = field == Field::Arguments && words.trim_start().starts_with(['{', '[']);
        if !(may_be_json && depth < DEEPEST && read_json(words.as_bytes(), found, depth + 1)) {
            text::read(words, found);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { field, found, depth, .. } = self;
        while items.next_element_seed(Walk { field, found, depth, is_body: false })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { found, depth, is_body, .. } = self;
        while let Some(name) = map.next_key::<String>()? {
            // What tools there are says which fields there could be, not which there are.
            if name == "tools" && is_body {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Walk { field: Field::named(&name), found, depth, is_body: false })?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
