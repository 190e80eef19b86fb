//! Ollama `POST /api/chat`.
//!
//! It streams unless told not to, one JSON object a line. Conversions leave the durations out of its answers:
//! nobody knows them.

mod message;
mod read;
mod reply;
mod stream;
mod write;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::{Dialect, Usage};

use crate::answer::{Answer, Progress};
use crate::dialogue::{Dialogue, EventReader, EventWriter};
use crate::error::Fault;
use crate::neutral::{Loss, Prompt, Reply, Unsayable};
use crate::openai::error_text;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) struct OllamaChat;

/// What an answer or a line of one says of itself.
#[derive(Deserialize)]
struct Glance {
    model: Option<String>,
    /// The model that answered where Ollama asked another server.
    remote_model: Option<String>,
    done: Option<bool>,
    done_reason: Option<String>,
    prompt_eval_count: Option<u64>,
    eval_count: Option<u64>,
    error: Option<Value>,
}

impl Glance {
    fn note(self, answer: &mut Answer) -> Progress {
        let served = self.remote_model.or(self.model).filter(|model| !model.is_empty());
        answer.served_model = served.or(answer.served_model.take());
        answer.usage.update(&Usage {
            input: self.prompt_eval_count,
            output: self.eval_count,
            ..Usage::default()
        });
        answer.finish = self.done_reason.or(answer.finish.take());
        match self.error.filter(|error| !error.is_null()) {
            Some(error) => {
                answer.error = Some(error_text(&error));
                Progress::Failed
            }
            None if self.done == Some(true) => Progress::Last,
            None => Progress::Ongoing,
        }
    }
}

impl Codec for OllamaChat {
    /// No messages at all ask for the model to be loaded, or unloaded.
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        request::streaming_envelope(Dialect::OllamaChat, raw)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        json!({ "error": fault.message }).to_string().into_bytes()
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        [&self.error_body(fault)[..], b"\n"].concat()
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        if let Ok(glance) = serde_json::from_slice::<Glance>(body) {
            glance.note(answer);
        }
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        serde_json::from_slice::<Glance>(&frame.data).map_or(Progress::Ongoing, |glance| glance.note(answer))
    }
}

impl Dialogue for OllamaChat {
    fn read_prompt(&self, body: &[u8]) -> Result<Prompt, ParseError> {
        read::prompt(body)
    }

    fn write_prompt(
        &self,
        prompt: &Prompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable> {
        write::body(prompt, model, losses)
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError> {
        reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        reply::write(reply, model, created)
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        reply::read_error(body)
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::<stream::Reader>::default()
    }

    fn event_writer(&self, _prompt: &Prompt, model: &str, created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(stream::Writer::new(model, created))
    }
}
