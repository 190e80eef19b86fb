//! Secrets in a text: found by what they look like, which ships with Waymark as data with its date.
//!
//! One pass looks for the keywords of all patterns; a pattern is tried only where one of its keywords stands, anchored
//! there. It reads bodies as they came, JSON escapes and all: patterns know that a quote, a slash or the end of a line may
//! have backslashes before it, at any depth of JSON within JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What secrets look like, with the date.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SecretPatterns {
    /// The day they were looked up.
    pub as_of: String,
    /// What no secret contains, in small letters: what stands where one would.
    pub placeholders: Vec<String>,
    /// The patterns; several may share a name.
    pub patterns: Vec<SecretPattern>,
}

/// What one kind of secret looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretPattern {
    /// Its name, a stable code.
    pub name: String,
    /// Counts the changes of its meaning.
    pub version: u32,
    /// Texts of which one begins every such secret, or what names it.
    pub keywords: Vec<String>,
    /// The regular expression, anchored at the keyword. The group `secret`, where there is one, is the secret itself.
    pub pattern: String,
    /// How many bytes before the keyword the expression begins.
    #[serde(default)]
    pub before: usize,
    /// Whether no letter or digit may stand right before it.
    #[serde(default)]
    pub word: bool,
    /// Whether it must look drawn at random: digits among letters, and no words joined by signs.
    #[serde(default)]
    pub random: bool,
    /// The least Shannon entropy, in hundredths of a bit for each byte.
    #[serde(default)]
    pub entropy: u32,
    /// Texts that look like such a secret and are none: those of documentation.
    #[serde(default)]
    pub known: Vec<String>,
}

/// A pattern cannot be used.
#[derive(Debug, Error)]
pub enum SecretError {
    /// A pattern is no regular expression.
    #[error("the pattern of `{0}` is no regular expression")]
    Pattern(String, #[source] Box<regex_automata::meta::BuildError>),
    /// The keywords cannot be looked for.
    #[error("the keywords of secrets cannot be looked for")]
    Keywords(#[from] Box<aho_corasick::BuildError>),
}

impl SecretPatterns {
    /// The patterns that ship with this version.
    pub fn shipped() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("secrets.json"))
    }

    /// The names there are, each once.
    pub fn names(&self) -> BTreeSet<&str> {
        self.patterns.iter().map(|pattern| pattern.name.as_str()).collect()
    }
}

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// The name of its pattern.
    pub name: String,
    /// The version of its pattern.
    pub version: u32,
    /// Where it stands.
    pub place: Range<usize>,
}

/// Patterns made ready.
pub struct SecretScanner {
    keywords: AhoCorasick,
    /// For each keyword the patterns it may begin.
    begins: Vec<Vec<usize>>,
    patterns: Vec<(SecretPattern, Regex)>,
    placeholders: Vec<String>,
}

impl SecretScanner {
    /// Makes the patterns named in `names` ready; `None` is all of them.
    pub fn new(shipped: &SecretPatterns, names: Option<&BTreeSet<&str>>) -> Result<Self, SecretError> {
        let wanted =
            |pattern: &&SecretPattern| names.is_none_or(|names| names.contains(pattern.name.as_str()));
        let patterns = shipped
            .patterns
            .iter()
            .filter(wanted)
            .map(|pattern| Ok((pattern.clone(), regex(pattern)?)))
            .collect::<Result<Vec<_>, SecretError>>()?;
        let mut starts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, (pattern, _)) in patterns.iter().enumerate() {
            for keyword in &pattern.keywords {
                starts.entry(keyword).or_default().push(number);
            }
        }
        let keywords = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(starts.keys())
            .map_err(Box::new)?;
        let begins = starts.into_values().collect();
        Ok(Self { keywords, begins, patterns, placeholders: shipped.placeholders.clone() })
    }

    /// The secrets in `text`, in order, none within another. What has a form of its own is told by that, whatever it is
    /// called: the same secret is the same kind everywhere.
    pub fn find(&self, text: &[u8]) -> Vec<Secret> {
        let mut found: Vec<(Secret, bool)> = Vec::new();
        for keyword in self.keywords.find_iter(text) {
            let within = found.last().filter(|(last, _)| keyword.start() < last.place.end);
            let named = match within {
                None => false,
                // Told by what it is called alone: its form may tell more.
                Some((_, true)) => true,
                Some((_, false)) => continue,
            };
            let begun = self.begins.get(keyword.pattern().as_usize()).into_iter().flatten();
            let begun = begun.filter_map(|&number| self.patterns.get(number));
            let secret =
                begun.filter(|(pattern, _)| !(named && pattern.random)).find_map(|(pattern, regex)| {
                    let place = self.place(text, keyword.start(), pattern, regex)?;
                    let secret = Secret { name: pattern.name.clone(), version: pattern.version, place };
                    Some((secret, pattern.random))
                });
            if named && secret.is_some() {
                found.pop();
            }
            found.extend(secret);
        }
        found.into_iter().map(|(secret, _)| secret).collect()
    }

    /// Where the secret stands that `pattern` finds at the keyword at `at`.
    fn place(&self, text: &[u8], at: usize, pattern: &SecretPattern, regex: &Regex) -> Option<Range<usize>> {
        let start = at.checked_sub(pattern.before)?;
        if pattern.word && !begins_word(text, start) {
            return None;
        }
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes);
        let mut groups = regex.create_captures();
        regex.search_captures(&input, &mut groups);
        let place = groups.get_group_by_name("secret").or(groups.get_group(0))?.range();
        let secret = text.get(place.clone())?;
        (!self.is_harmless(secret, pattern)).then_some(place)
    }

    /// Whether what fits a pattern is none all the same: a placeholder, an example, a reference to a variable.
    fn is_harmless(&self, secret: &[u8], pattern: &SecretPattern) -> bool {
        let small = secret.to_ascii_lowercase();
        let contains = |text: &String| memchr::memmem::find(&small, text.as_bytes()).is_some();
        let is_known = |text: &String| match text.len() {
            ..20 => small == text.as_bytes(),
            _ => memchr::memmem::find(secret, text.as_bytes()).is_some(),
        };
        // Of a block of text the signs around it say nothing.
        let is_block = secret.starts_with(b"-----");
        (!is_block && self.placeholders.iter().any(contains))
            || pattern.known.iter().any(is_known)
            || entropy(secret) < f64::from(pattern.entropy) / 100.0
            || (pattern.random && !is_random(secret))
    }
}

fn regex(pattern: &SecretPattern) -> Result<Regex, SecretError> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build(&pattern.pattern)
        .map_err(|error| SecretError::Pattern(pattern.name.clone(), Box::new(error)))
}

/// Whether no word reaches up to `at`. The letter of an escape, `\n` say, is no word.
fn begins_word(text: &[u8], at: usize) -> bool {
    match text.get(..at).unwrap_or_default() {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => true,
        [.., last] => !(last.is_ascii_alphanumeric() || *last == b'_'),
        [] => true,
    }
}

/// Shannon's entropy of a text's bytes, in bits for each.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in text {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = text.len() as f64;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / total;
            -share * share.log2()
        })
        .sum()
}

/// Whether a text looks drawn at random: it has letters and digits, and they stand together somewhere. `prod-db-2024` and
/// `user_token_v2` are words.
fn is_random(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    let pieces = text.split(|byte| !byte.is_ascii_alphanumeric());
    let mut mixed = pieces.filter(|piece| {
        let digits = piece.iter().filter(|byte| byte.is_ascii_digit()).count();
        // A version, or a word with its number: `v2`, `sha256`, `base64`.
        let numbered =
            piece.iter().rev().skip_while(|byte| byte.is_ascii_digit()).all(u8::is_ascii_lowercase);
        digits > 0 && digits < piece.len() && !numbered
    });
    has(u8::is_ascii_alphabetic) && has(u8::is_ascii_digit) && mixed.next().is_some()
}

#[cfg(test)]
mod tests;
