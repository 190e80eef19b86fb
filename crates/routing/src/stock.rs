//! The names that clients ask for by themselves, which ship with Waymark as data with its date.
//!
//! A stock name says what a client expects: a model that the configuration knows by its provider's id, or else a tier,
//! which takes a route of the team's where it has one. Every client's small and background model is in here, so that
//! none needs an alias to be written first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waymark_types::Task;

/// What clients put before a name so that a picker shows it: Claude Code lists only what begins like this.
pub const PICKER: &str = "claude-";

/// The names as they ship, with their date.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StockNames {
    /// The day they were looked up.
    pub as_of: String,
    /// For each tier the routes that take it: one that is called like the request's task, else the first that is
    /// there; else the route `auto` does.
    pub routes: BTreeMap<String, Vec<String>>,
    /// The names, the first that fits.
    pub names: Vec<StockName>,
}

/// Some names of one tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockName {
    /// What is expected of the model.
    pub tier: String,
    /// What the names look like: `*` is any text.
    pub like: Vec<String>,
}

impl StockNames {
    /// The names that ship with this version.
    pub fn shipped() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("stock.json"))
    }

    /// The pattern that `name` fits, and its tier.
    pub(crate) fn tier(&self, name: &str) -> Option<(&str, &str)> {
        let name = plain(name).to_ascii_lowercase();
        self.names.iter().find_map(|row| {
            let pattern = row.like.iter().find(|pattern| fits(&name, pattern))?;
            Some((pattern.as_str(), row.tier.as_str()))
        })
    }

    /// The routes that may take a request for a tier, in order.
    pub(crate) fn routes_of(&self, tier: &str, task: Task) -> Vec<&str> {
        let mut routes: Vec<&str> = self.routes.get(tier).into_iter().flatten().map(String::as_str).collect();
        routes.sort_by_key(|route| *route != task.as_str());
        routes
    }
}

/// How well a name that a client asks for names the model that its provider calls `id`: the same name, the same but
/// for what clients add to it, or the same where only one of the two says which date's. `None` where it does not.
pub(crate) fn likeness(asked: &str, id: &str) -> Option<u8> {
    let (plain_asked, plain_id) = (plain(asked), plain(id));
    if asked == id {
        Some(0)
    } else if plain_asked == plain_id {
        Some(1)
    } else if undated(plain_asked) == plain_id || plain_asked == undated(plain_id) {
        Some(2)
    } else {
        None
    }
}

/// A name without what clients and services add to it: a path before it (`models/`, `anthropic/`), the window asked for
/// (`[1m]`), and that it is the newest (`:latest`, `-latest`).
fn plain(name: &str) -> &str {
    let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
    let name = name.strip_suffix(']').and_then(|name| name.rsplit_once('[')).map_or(name, |(name, _)| name);
    name.strip_suffix(":latest").or_else(|| name.strip_suffix("-latest")).unwrap_or(name)
}

/// A name without the date it ends in: `-20251001`, `@20251001` or `-2024-08-06`.
fn undated(name: &str) -> &str {
    let ends = |forms: &[&str]| {
        forms.iter().find_map(|form| {
            let at = name.len().checked_sub(form.len())?;
            let same =
                |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
            name.bytes().skip(at).zip(form.bytes()).all(same).then_some(at)
        })
    };
    ends(&["-00000000", "@00000000", "-0000-00-00"]).and_then(|at| name.get(..at)).unwrap_or(name)
}

/// Whether `name` is like `pattern`, in which `*` is any text.
pub(crate) fn fits(name: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => name == pattern,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|after| {
            rest.is_empty() || after.char_indices().any(|(at, _)| fits(&after[at..], rest)) || fits("", rest)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_clients_stock_names_have_their_tier() {
        let stock = StockNames::shipped().unwrap();
        for (tier, names) in [
            (
                "small",
                "claude-haiku-4-5 claude-haiku-4-5-20251001 claude-3-5-haiku-latest anthropic/claude-haiku-4.5 haiku \
                 gpt-5-mini gpt-4o-mini gpt-5.4-mini gpt-4.1-nano gpt-5.1-codex-mini gpt-5-mini-2025-08-07 gpt-5.6-luna \
                 o4-mini codex-mini-latest gemini-2.5-flash-lite models/gemini-3.1-flash-lite-preview \
                 mistral-small-latest ministral-8b-latest copilot-fast mai-code-1.1-flash",
            ),
            (
                "large",
                "claude-opus-4-8 claude-sonnet-5[1m] claude-fable-5 sonnet gpt-6.1-terra gpt-5.3-codex GPT-4o o3 \
                 gemini-3.1-pro-preview gemini-2.5-flash mistral-large-latest devstral-2512 copilot-base",
            ),
            ("completion", "codestral-latest codestral-2508 gpt-41-copilot gpt-3.5-turbo-instruct"),
            // Mistral's embedding model of code is no model of completions.
            ("embedding", "text-embedding-3-small gemini-embedding-001 mistral-embed codestral-embed-2505"),
            ("image", "gpt-image-1 dall-e-3"),
            ("transcription", "whisper-1 gpt-4o-mini-transcribe"),
            ("speech", "tts-1-hd gpt-4o-mini-tts"),
        ] {
            for name in names.split_whitespace() {
                let told = stock.tier(name).map(|(_, tier)| tier);
                assert_eq!(told, Some(tier), "{name}");
            }
        }
        for stranger in ["auto", "my-model", "my-claude-haiku", "minimax", "gemma", "", "*", "gpt", "o5"] {
            assert_eq!(stock.tier(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn the_table_has_a_date_and_says_which_routes_take_each_tier() {
        let stock = StockNames::shipped().unwrap();
        let date = stock.as_of.split('-').map(str::len).collect::<Vec<_>>();
        assert_eq!(date, [4, 2, 2], "{}", stock.as_of);
        for row in &stock.names {
            assert!(stock.routes.contains_key(&row.tier), "{row:?}");
            let lower = row.like.iter().all(|pattern| *pattern == pattern.to_ascii_lowercase());
            assert!(lower && !row.like.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn a_name_is_a_models_when_it_differs_in_nothing_that_names_another() {
        for (asked, id, likeness_is) in [
            ("claude-haiku-4-5", "claude-haiku-4-5", Some(0)),
            ("models/gemini-2.5-pro", "gemini-2.5-pro", Some(1)),
            ("claude-sonnet-5[1m]", "claude-sonnet-5", Some(1)),
            ("qwen3:latest", "qwen3", Some(1)),
            ("anthropic/claude-opus-5", "claude-opus-5", Some(1)),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5", Some(2)),
            ("claude-haiku-4-5", "claude-haiku-4-5-20251001", Some(2)),
            ("claude-haiku-4-5@20251001", "claude-haiku-4-5", Some(2)),
            ("gpt-4o", "gpt-4o-2024-08-06", Some(2)),
            ("gpt-4o-2024-11-20", "gpt-4o-2024-08-06", None),
            ("claude-haiku-4-5", "claude-haiku-4", None),
            ("gpt-5", "gpt-5-mini", None),
            ("gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash", None),
            ("mistral-large-2512", "mistral-large-2407", None),
        ] {
            assert_eq!(likeness(asked, id), likeness_is, "{asked} for {id}");
        }
    }

    #[test]
    fn a_star_is_any_text() {
        for (name, pattern, does) in [
            ("ab", "ab", true),
            ("ab", "a*", true),
            ("a", "a*", true),
            ("ab", "*b", true),
            ("axbxc", "a*b*c", true),
            ("ac", "a*b*c", false),
            ("abc", "a*b", false),
            ("zürich", "z*ich", true),
            ("", "*", true),
        ] {
            assert_eq!(fits(name, pattern), does, "{name} {pattern}");
        }
    }
}
