//! Why a provider gave no answer, told from its status, its headers and its words.
//!
//! A status alone says little: 429 is a rate that passes or a budget that is spent, and 400 a wrong request, a
//! conversation that is too long, or an unpaid bill. The words were looked up on 2026-11-27 in the providers' references
//! and in reports of their users.

mod wait;
mod words;

use std::time::Duration;

use serde_json::Value;
use waymark_types::{Cause, Timestamp};

use words::{PHRASES, WORDS};

/// How much of an error is read, in bytes: none is longer, and what is no error may be.
const MOST: usize = 64 << 10;
/// How deep an error is looked into.
const DEEPEST: usize = 8;

/// What a call that failed was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Why it failed.
    pub cause: Cause,
    /// How long the provider wants to be left alone, where it says.
    pub wait: Option<Duration>,
    /// Whether the provider says that the same call may go better, where it says.
    pub retry: Option<bool>,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, wait: None, retry: None }
    }
}

impl Failure {
    /// Reads a whole error answer, be its status one that claims success.
    pub fn read<'h>(
        status: u16,
        header: impl Fn(&str) -> Option<&'h str>,
        body: &[u8],
        now: Timestamp,
    ) -> Self {
        let said = Said::of(body);
        let retry = header("x-should-retry").and_then(|text| text.trim().parse().ok());
        let wait = wait::of_headers(&header, now).or(said.wait);
        Self { cause: said.cause(status), wait, retry }
    }

    /// Reads an event that says, within a stream, that the answer failed.
    pub fn of_event(data: &[u8]) -> Self {
        let said = Said::of(data);
        Self { cause: said.cause(200), wait: said.wait, retry: None }
    }
}

/// What an error says, wherever in it.
#[derive(Debug, Default)]
struct Said {
    /// Its codes and kinds, in small letters.
    words: Vec<String>,
    /// Its sentences, in small letters.
    sentences: String,
    /// A status within the body.
    status: Option<u16>,
    wait: Option<Duration>,
}

impl Said {
    fn of(body: &[u8]) -> Self {
        let mut said = Self::default();
        match serde_json::from_slice::<Value>(&body[..body.len().min(MOST)]) {
            Ok(value) => said.gather("error", &value, DEEPEST),
            Err(_) => said.hear(&String::from_utf8_lossy(&body[..body.len().min(1_000)])),
        }
        said
    }

    /// Takes note of what stands under `key`. Only what belongs to errors is followed: an answer that failed half-way may
    /// hold the conversation as well.
    fn gather(&mut self, key: &str, value: &Value, depth: usize) {
        match value {
            _ if depth == 0 => {}
            Value::Object(fields) if FOLLOWED.contains(&key) => {
                for (key, value) in fields {
                    self.gather(key, value, depth - 1);
                }
            }
            Value::Array(items) if FOLLOWED.contains(&key) => {
                for item in items {
                    self.gather(key, item, depth - 1);
                }
            }
            Value::String(text) => self.note(key, text, depth),
            Value::Number(number) if matches!(key, "code" | "status") => {
                self.status = self.status.or_else(|| u16::try_from(number.as_u64()?).ok());
            }
            _ => {}
        }
    }

    fn note(&mut self, key: &str, text: &str, depth: usize) {
        match key {
            "code" | "status" | "type" | "reason" | "quotaId" => {
                self.status = self.status.or_else(|| text.parse().ok());
                self.words.push(text.to_ascii_lowercase());
            }
            "retryDelay" => self.wait = wait::span(text),
            // What the provider behind this one said.
            "raw" => match serde_json::from_str::<Value>(text) {
                Ok(value) => self.gather("error", &value, depth - 1),
                Err(_) => self.hear(text),
            },
            "message" | "detail" | "error" | "msg" => self.hear(text),
            _ => {}
        }
    }

    fn hear(&mut self, text: &str) {
        let text: String = text.chars().take(1_000).collect();
        self.sentences.push_str(&text.to_ascii_lowercase());
        self.sentences.push('\n');
        self.wait = self.wait.or_else(|| wait::in_words(&self.sentences));
    }

    fn cause(&self, status: u16) -> Cause {
        let status = match self.status {
            Some(own) if status < 400 && (400..600).contains(&own) => own,
            _ => status,
        };
        let special = [
            Cause::QuotaExhausted,
            Cause::ContextOverflow,
            Cause::ContentRefused,
            Cause::Overloaded,
            Cause::RateLimited,
        ];
        let found = special.into_iter().find(|&cause| may_mean(status, cause) && self.means(cause));
        found.or_else(|| of_status(status)).or_else(|| self.by_word()).unwrap_or(Cause::ServerError)
    }

    fn means(&self, cause: Cause) -> bool {
        if cause == Cause::QuotaExhausted && self.passes_soon() {
            return false;
        }
        let word = self.words.iter().any(|said| WORDS.contains(&(said.as_str(), cause)));
        let phrase = |(phrase, of): &(&str, Cause)| *of == cause && self.sentences.contains(phrase);
        word || PHRASES.iter().any(phrase) || (cause == Cause::QuotaExhausted && self.is_daily())
    }

    /// Gemini says that the quota is exceeded of one that is counted by the minute as well.
    fn passes_soon(&self) -> bool {
        let by = |span: &str| self.words.iter().any(|word| word.contains(span));
        (by("perminute") || by("persecond")) && !self.is_daily()
    }

    fn is_daily(&self) -> bool {
        self.words.iter().any(|word| word.contains("perday"))
    }

    fn by_word(&self) -> Option<Cause> {
        self.words
            .iter()
            .find_map(|said| WORDS.iter().find_map(|(word, cause)| (word == said).then_some(*cause)))
    }
}

/// Where in an error more of it may stand.
const FOLLOWED: [&str; 9] =
    ["error", "errors", "detail", "details", "innererror", "message", "metadata", "response", "violations"];

/// Whether an answer of this status may have failed for this cause: a wrong request's text may be part of its error, and
/// hold any word.
fn may_mean(status: u16, cause: Cause) -> bool {
    let claims_success = status < 400;
    claims_success
        || match cause {
            Cause::QuotaExhausted => matches!(status, 400 | 402 | 403 | 429),
            Cause::ContextOverflow => matches!(status, 400 | 413 | 422 | 500),
            Cause::ContentRefused => matches!(status, 400 | 403 | 422 | 451),
            Cause::Overloaded => status == 429 || status >= 500,
            Cause::RateLimited => status == 429,
            _ => false,
        }
}

/// What a status says by itself; `None` when it claims success.
fn of_status(status: u16) -> Option<Cause> {
    Some(match status {
        401 | 403 | 407 => Cause::Auth,
        402 => Cause::QuotaExhausted,
        404 | 410 | 501 => Cause::NotFound,
        408 | 504 | 524 => Cause::Timeout,
        409 | 425 => Cause::ServerError,
        429 => Cause::RateLimited,
        451 => Cause::ContentRefused,
        400..=499 => Cause::BadRequest,
        503 | 529 => Cause::Overloaded,
        500.. => Cause::ServerError,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
