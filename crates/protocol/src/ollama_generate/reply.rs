//! Answers, whole and in lines.

use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::{Timestamp, Usage};

use crate::fim::{Ending, Head, Piece, Said, Shape, choices};
use crate::neutral::{Reply, Stop};
use crate::openai::error_text;
use crate::request::ParseError;

/// How an answer is written.
pub(crate) struct Completion;

/// An answer, or a line of one.
#[derive(Deserialize)]
struct Line {
    model: Option<String>,
    /// The model that answered where Ollama asked another server.
    remote_model: Option<String>,
    response: Option<String>,
    done: Option<bool>,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

impl Line {
    fn piece(self) -> Piece {
        let usage = Usage { input: self.prompt_eval_count, output: self.eval_count, ..Usage::default() };
        let is_last = self.done == Some(true);
        let model = self.remote_model.or(self.model).filter(|model| !model.is_empty());
        let stop = is_last.then(|| stop(self.done_reason.as_deref()));
        Piece { id: None, model, text: self.response.unwrap_or_default(), stop, usage, is_last }
    }
}

fn stop(reason: Option<&str>) -> Stop {
    match reason {
        // Older servers do not say.
        None | Some("stop" | "") => Stop::End,
        Some("length") => Stop::MaxTokens,
        Some("refusal") => Stop::Refusal,
        Some(other) => Stop::Other(other.to_owned()),
    }
}

/// Reads one line of a stream; the last one says that it is.
pub(super) fn said(data: &[u8]) -> Said {
    match serde_json::from_slice::<Line>(data) {
        Ok(Line { error: Some(error), .. }) if !error.is_null() => {
            Said::Error { code: None, message: error_text(&error) }
        }
        Ok(line) => Said::Piece(line.piece()),
        Err(error) => Said::Error { code: None, message: choices::unreadable(&error.into()) },
    }
}

/// Reads a whole answer.
pub(super) fn read(body: &[u8]) -> Result<Reply, ParseError> {
    let line: Line = serde_json::from_slice(body)?;
    match &line.error {
        Some(error) if !error.is_null() => {
            Err(ParseError::Field { field: "error", problem: error_text(error) })
        }
        _ => Ok(choices::answer(line.piece())),
    }
}

fn line(head: &Head, text: &str, done: bool) -> Value {
    let created = Timestamp::from_micros(head.created).to_string();
    json!({"model": head.model, "created_at": created, "response": text, "done": done})
}

fn last(head: &Head, text: &str, ending: &Ending<'_>) -> Value {
    let mut line = line(head, text, true);
    let reason = match ending.stop {
        Some(Stop::MaxTokens) => "length",
        Some(Stop::Refusal) => "refusal",
        Some(Stop::Other(word)) => word,
        _ => "stop",
    };
    line["done_reason"] = reason.into();
    for (name, count) in [("prompt_eval_count", ending.usage.input), ("eval_count", ending.usage.output)] {
        if let Some(count) = count {
            line[name] = count.into();
        }
    }
    if let Some(waymark) = &ending.waymark {
        line["waymark"] = waymark.clone();
    }
    line
}

impl Shape for Completion {
    fn body(&self, head: &Head, text: &str, ending: &Ending<'_>) -> Vec<u8> {
        last(head, text, ending).to_string().into_bytes()
    }

    fn piece(&self, head: &Head, text: &str) -> Vec<u8> {
        format!("{}\n", line(head, text, false)).into_bytes()
    }

    fn end(&self, head: &Head, ending: &Ending<'_>) -> Vec<u8> {
        format!("{}\n", last(head, "", ending)).into_bytes()
    }

    fn error(&self, _: Option<&str>, message: &str) -> Vec<u8> {
        format!("{}\n", json!({ "error": message })).into_bytes()
    }

    /// Clients read every line as JSON, so that there is no way to say nothing but an empty piece.
    fn ping(&self, head: &Head) -> Vec<u8> {
        self.piece(head, "")
    }
}
