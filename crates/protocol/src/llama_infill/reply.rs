//! Answers, whole and in pieces: both are the same object, of which a piece has only some fields.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use waymark_types::Usage;

use crate::answer::{Answer, Progress};
use crate::fim::{Ending, Head, Piece, Said, Shape, choices};
use crate::neutral::{Reply, Stop};
use crate::request::ParseError;

/// How an answer is written.
pub(crate) struct Completion;

/// An answer, or a piece of one. A client may have asked for some fields only, inner ones by their path.
#[derive(Deserialize, Default)]
struct Content {
    content: Option<String>,
    stop: Option<bool>,
    model: Option<String>,
    tokens_predicted: Option<u64>,
    tokens_evaluated: Option<u64>,
    stop_type: Option<String>,
    stopping_word: Option<String>,
    timings: Option<Timings>,
    #[serde(rename = "timings/predicted_n")]
    predicted_n: Option<u64>,
    #[serde(rename = "timings/cache_n")]
    cache_n: Option<u64>,
}

/// How long it took, and what for; in other dialects, too, where it counts what a client did not ask to have counted.
/// `tokens_cached` is no part of usage: it is how much the cache holds afterwards.
#[derive(Deserialize)]
pub(crate) struct Timings {
    cache_n: Option<u64>,
    prompt_n: Option<u64>,
    predicted_n: Option<u64>,
}

impl Timings {
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            input: self.prompt_n.zip(self.cache_n).and_then(|(read, cached)| read.checked_add(cached)),
            cached_input: self.cache_n,
            output: self.predicted_n,
            ..Usage::default()
        }
    }
}

/// One answer, or as many as were asked for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Contents {
    One(Box<Content>),
    Many(Vec<Content>),
}

impl Content {
    fn usage(&self) -> Usage {
        let mut usage = self.timings.as_ref().map(Timings::usage).unwrap_or_default();
        usage.update(&Usage {
            input: self.tokens_evaluated,
            cached_input: self.cache_n,
            output: self.tokens_predicted.or(self.predicted_n),
            ..Usage::default()
        });
        usage
    }

    /// Every event but the last says that it is not the last. Only the last one is cut down to the fields that were
    /// asked for, and then may say nothing of it.
    fn is_last(&self) -> bool {
        self.stop != Some(false)
    }

    fn piece(self) -> Piece {
        let (usage, is_last) = (self.usage(), self.is_last());
        let stop = match self.stop_type.as_deref() {
            Some("limit") => Some(Stop::MaxTokens),
            Some("word") => Some(Stop::Sequence(self.stopping_word.filter(|word| !word.is_empty()))),
            Some("eos") => Some(Stop::End),
            Some(other) if is_last && other != "none" => Some(Stop::Other(other.to_owned())),
            _ => is_last.then_some(Stop::End),
        };
        let model = self.model.filter(|model| !model.is_empty());
        Piece { id: None, model, text: self.content.unwrap_or_default(), stop, usage, is_last }
    }
}

/// Looks on at an answer or a piece of one.
pub(super) fn note(json: &[u8], answer: &mut Answer) -> Progress {
    if let Some((_, message)) = problem(json) {
        answer.error = Some(message);
        return Progress::Failed;
    }
    let contents = match serde_json::from_slice(json) {
        Ok(Contents::One(one)) => vec![*one],
        Ok(Contents::Many(many)) => many,
        Err(_) => return Progress::Ongoing,
    };
    let several = contents.len() > 1;
    let mut output = 0;
    let mut progress = Progress::Ongoing;
    for content in contents {
        if content.is_last() {
            progress = Progress::Last;
        }
        let mut usage = content.usage();
        if several {
            // The prompt was read once, but every answer was written.
            output += usage.output.unwrap_or(0);
            usage.output = Some(output);
        }
        answer.usage.update(&usage);
        answer.finish = content.stop_type.filter(|kind| kind != "none").or(answer.finish.take());
        answer.served_model = content.model.filter(|model| !model.is_empty()).or(answer.served_model.take());
    }
    progress
}

/// An error has its own object; an answer has no `message`.
fn problem(json: &[u8]) -> Option<(Option<String>, String)> {
    // What is no error has no such word in it, and most pieces have not.
    memchr::memmem::find(json, b"\"error\"").and_then(|_| choices::problem(json))
}

/// Reads one event of a stream; the last one says that it is.
pub(super) fn said(data: &[u8]) -> Said {
    if let Some((code, message)) = problem(data) {
        return Said::Error { code, message };
    }
    if data == b"[DONE]" {
        return Said::Nothing;
    }
    match serde_json::from_slice::<Content>(data) {
        Ok(content) => Said::Piece(content.piece()),
        Err(error) => Said::Error { code: None, message: choices::unreadable(&error.into()) },
    }
}

/// Reads a whole answer; of several, the first.
pub(super) fn read(body: &[u8]) -> Result<Reply, ParseError> {
    if let Some((_, problem)) = problem(body) {
        return Err(ParseError::Field { field: "error", problem });
    }
    let content = match serde_json::from_slice(body)? {
        Contents::One(one) => *one,
        Contents::Many(many) => many.into_iter().next().unwrap_or_default(),
    };
    Ok(choices::answer(content.piece()))
}

/// The server's word for the kind of an error.
pub(super) fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 | 405 => "not_found_error",
        400..=499 => "invalid_request_error",
        501 => "not_supported_error",
        503 => "unavailable_error",
        _ => "server_error",
    }
}

/// An error.
pub(super) fn error(status: u16, kind: &str, message: &str) -> Value {
    json!({"error": {"code": status, "message": message, "type": kind}})
}

/// The last object of a stream, or the only one.
fn last(head: &Head, text: &str, ending: &Ending<'_>) -> Value {
    let (kind, word) = match ending.stop {
        Some(Stop::MaxTokens) => ("limit", ""),
        Some(Stop::Sequence(word)) => ("word", word.as_deref().unwrap_or_default()),
        None | Some(Stop::Other(_)) => ("none", ""),
        Some(_) => ("eos", ""),
    };
    let usage = &ending.usage;
    let (input, output) = (usage.input.unwrap_or(0), usage.output.unwrap_or(0));
    let cached = usage.cached_input.unwrap_or(0);
    let mut object = json!({
        "index": 0,
        "content": text,
        "tokens": [],
        "stop": true,
        "model": head.model,
        "tokens_predicted": output,
        "tokens_evaluated": input,
        // Clients look into it without asking whether it is there.
        "generation_settings": {},
        "has_new_line": text.contains('\n'),
        "truncated": false,
        "stop_type": kind,
        "stopping_word": word,
        "tokens_cached": cached,
        // How long it took nobody knows.
        "timings": {"cache_n": cached, "prompt_n": input.saturating_sub(cached), "predicted_n": output},
    });
    if !head.form.fields.is_empty() {
        object = chosen(&object, &head.form.fields);
    }
    if let Some(waymark) = &ending.waymark {
        object["waymark"] = waymark.clone();
    }
    object
}

/// Only the fields that were asked for, inner ones under their whole path.
fn chosen(object: &Value, fields: &[String]) -> Value {
    let field = |path: &String| {
        let value = path.split('/').try_fold(object, |object, name| object.get(name))?;
        Some((path.clone(), value.clone()))
    };
    Value::Object(fields.iter().filter_map(field).collect::<Map<_, _>>())
}

fn event(value: &Value) -> Vec<u8> {
    format!("data: {value}\n\n").into_bytes()
}

impl Shape for Completion {
    fn body(&self, head: &Head, text: &str, ending: &Ending<'_>) -> Vec<u8> {
        last(head, text, ending).to_string().into_bytes()
    }

    fn piece(&self, _: &Head, text: &str) -> Vec<u8> {
        event(&json!({"index": 0, "content": text, "tokens": [], "stop": false}))
    }

    fn end(&self, head: &Head, ending: &Ending<'_>) -> Vec<u8> {
        event(&last(head, "", ending))
    }

    fn error(&self, _: Option<&str>, message: &str) -> Vec<u8> {
        event(&error(500, kind(500), message))
    }
}
