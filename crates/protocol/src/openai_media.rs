//! OpenAI `POST /v1/images/generations`, `/v1/audio/transcriptions` and `/v1/audio/speech`. They only ever pass through:
//! what routing needs is read, and what an answer says of itself.

mod form;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use waymark_types::{Dialect, Usage};

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::openai::{self, error_text};
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

/// One of the three, all of which answer alike.
pub(crate) struct OpenAiMedia(pub(crate) Dialect);

#[derive(Deserialize)]
struct Reply {
    model: Option<String>,
    usage: Option<Tokens>,
    error: Option<Value>,
    /// In a stream, what the event is.
    r#type: Option<String>,
}

/// Tokens, as these endpoints count them; of what is billed by the minute there are none.
#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Codec for OpenAiMedia {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        match self.0 {
            // A sound is sent in a form, beside the model's name.
            Dialect::OpenAiTranscriptions => form::parse(raw),
            dialect => request::envelope(dialect, raw),
        }
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        openai::error_body(fault)
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        openai::error_event(fault)
    }

    /// Pictures, sounds and plain texts say nothing of themselves.
    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        note(body, answer);
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        let kind = note(&frame.data, answer).unwrap_or_default();
        match kind.as_str() {
            "error" => Progress::Failed,
            _ if answer.error.is_some() => Progress::Failed,
            "image_generation.completed" | "transcript.text.done" | "speech.audio.done" => Progress::Last,
            _ => Progress::Ongoing,
        }
    }
}

/// Notes what an answer or an event says of itself, and returns the event's type.
fn note(body: &[u8], answer: &mut Answer) -> Option<String> {
    let reply: Reply = serde_json::from_slice(body).ok()?;
    answer.served_model = reply.model.filter(|model| !model.is_empty()).or(answer.served_model.take());
    if let Some(tokens) = reply.usage {
        let (input, output) = (tokens.input_tokens, tokens.output_tokens);
        answer.usage.update(&Usage { input, output, ..Usage::default() });
    }
    let error = reply.error.filter(|error| !error.is_null()).map(|error| error_text(&error));
    answer.error = error.or(answer.error.take());
    reply.r#type
}
