//! Anthropic `POST /v1/messages`.
//!
//! - [`prompt`] reads and writes requests, [`reply`] whole answers, [`stream`] streamed ones, [`count_tokens`] the
//!   neighbouring endpoint.
//! - [`generation`] knows which settings which model takes, [`schema`] which part of JSON Schema.
//! - [`signature`] keeps apart whose reasoning it is, [`ids`] names calls, [`usage`] counts tokens.

pub mod count_tokens;
mod generation;
mod ids;
mod prompt;
mod reply;
mod schema;
mod signature;
mod stream;
#[cfg(test)]
mod tests;
mod usage;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::Dialect;

pub(crate) use self::signature::without_foreign as without_foreign_thinking;
use self::usage::{Tokens, lenient};
use crate::answer::{Answer, Progress};
use crate::dialogue::{Dialogue, EventReader, EventWriter};
use crate::error::Fault;
use crate::neutral::{Loss, Prompt, Reply, Unsayable};
use crate::openai::error_text;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) struct AnthropicMessages;

/// A message, whole or as `message_start` carries it, or one of the other events.
#[derive(Deserialize)]
struct Seen {
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    stop_reason: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Tokens>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<Box<Seen>>,
    #[serde(default, deserialize_with = "lenient")]
    delta: Option<Delta>,
    #[serde(default, deserialize_with = "lenient")]
    content_block: Option<Fallback>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    stop_reason: Option<String>,
}

/// `{"type":"fallback","from":{"model":..},"to":{"model":..}}`: from here on another model speaks.
#[derive(Deserialize)]
struct Fallback {
    to: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    model: String,
}

/// Takes over what is said of the answer. The served model is the provider's last word: a fallback in mid-answer
/// overrules the name that the stream began with, and the run that served, by `usage.iterations`, both.
fn look_on(seen: Seen, answer: &mut Answer) {
    if let Some(message) = seen.message {
        look_on(*message, answer);
    }
    let fallback = seen.usage.as_ref().and_then(|usage| usage.fallback_model().map(str::to_owned));
    let spoken = seen.content_block.and_then(|block| block.to).map(|to| to.model);
    let model = fallback.or(spoken).or(seen.model).filter(|model| !model.is_empty());
    answer.served_model = model.or(answer.served_model.take());
    if let Some(usage) = &seen.usage {
        usage.update(&mut answer.usage);
    }
    let finish = seen.stop_reason.or_else(|| seen.delta.and_then(|delta| delta.stop_reason));
    answer.finish = finish.or(answer.finish.take());
    if seen.kind.as_deref() == Some("error") {
        answer.error = Some(seen.error.as_ref().map_or_else(|| "unspecified".to_owned(), error_text));
    }
}

impl Codec for AnthropicMessages {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        request::conversation(Dialect::AnthropicMessages, raw)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        json!({"type": "error", "error": {"type": fault.kind.anthropic(), "message": fault.message}})
            .to_string()
            .into_bytes()
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        [b"event: error\ndata: ", &self.error_body(fault)[..], b"\n\n"].concat()
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        if let Ok(seen) = serde_json::from_slice(body) {
            look_on(seen, answer);
        }
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        // Most events are text deltas, which say nothing that is recorded.
        if matches!(frame.event, Some("content_block_delta" | "ping")) || frame.data.is_empty() {
            return Progress::Ongoing;
        }
        let seen = serde_json::from_slice::<Seen>(&frame.data).ok();
        // Some servers leave out the event's name; its data has it too.
        let said = seen.as_ref().and_then(|seen| seen.kind.clone());
        if let Some(seen) = seen {
            look_on(seen, answer);
        }
        match frame.event.or(said.as_deref()) {
            Some("message_stop") => Progress::Last,
            Some("error") => {
                answer.error.get_or_insert_with(|| reply::read_error(&frame.data).1);
                Progress::Failed
            }
            _ => Progress::Ongoing,
        }
    }
}

impl Dialogue for AnthropicMessages {
    fn read_prompt(&self, body: &[u8]) -> Result<Prompt, ParseError> {
        prompt::read(body)
    }

    fn write_prompt(
        &self,
        prompt: &Prompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable> {
        prompt::write(prompt, model, losses)
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
        Box::new(stream::Reader::default())
    }

    fn event_writer(&self, prompt: &Prompt, model: &str, created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(stream::Writer::new(prompt, model, created))
    }
}
