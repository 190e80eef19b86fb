//! OpenAI `POST /v1/responses`, the only wire that Codex CLI speaks.
//!
//! What an answer looks like depends on how the request declared its tools (as functions, in groups, freeform), so
//! answers are written to their request. What Codex needs of a stream, measured with version 0.169.0: every item in a
//! `response.output_item.done`, a call's `namespace` as it was declared, freeform calls as `custom_tool_call`, and at
//! the end `response.completed`, or `response.failed`, whose message alone it shows. A model in `response.model` that is
//! not the one asked for it takes as it is; in the header `openai-model` it takes it for a safety measure.

mod carried;
mod item;
mod output;
mod parts;
mod read_prompt;
mod read_reply;
mod read_stream;
mod shape;
#[cfg(test)]
mod tests;
mod tools;
mod wire;
mod write_prompt;
mod write_stream;

pub(crate) use self::carried::without_foreign as without_foreign_reasoning;

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};
use waymark_types::Dialect;

use self::read_reply::Seen;
use crate::answer::{Answer, Progress};
use crate::dialogue::{Dialogue, EventReader, EventWriter};
use crate::error::Fault;
use crate::neutral::{Loss, Prompt, Reply, Unsayable};
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, openai};

pub(crate) struct OpenAiResponses;

impl Codec for OpenAiResponses {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        shape::complete(request::envelope(Dialect::OpenAiResponses, raw)?)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        openai::error_body(fault)
    }

    /// Codex shows the message of this event only; of an `error` event it shows nothing.
    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        write_stream::failed(fault.code, &fault.message)
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        if let Some(seen) = Seen::read(body) {
            seen.tell(answer);
        }
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        // Most events are deltas and items, which say nothing that is recorded.
        let kind = match frame.event {
            Some(kind) => Cow::Borrowed(kind),
            None => Cow::Owned(read_reply::event_kind(&frame.data)),
        };
        let (is_last, has_failed) = match &*kind {
            "response.completed" | "response.incomplete" => (true, false),
            "response.failed" | "response.cancelled" | "error" => (false, true),
            "response.created" | "response.in_progress" | "response.queued" => (false, false),
            _ => return Progress::Ongoing,
        };
        self.read_body(&frame.data, answer);
        if has_failed {
            answer.error.get_or_insert_with(|| kind.into_owned());
        }
        match (is_last, answer.error.is_some()) {
            (_, true) => Progress::Failed,
            (true, false) => Progress::Last,
            (false, false) => Progress::Ongoing,
        }
    }
}

impl Dialogue for OpenAiResponses {
    fn read_prompt(&self, body: &[u8]) -> Result<Prompt, ParseError> {
        read_prompt::read(body)
    }

    fn write_prompt(
        &self,
        prompt: &Prompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable> {
        write_prompt::write(prompt, model, losses)
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError> {
        read_reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        self.write_reply_to(&Prompt::default(), reply, model, created)
    }

    fn write_reply_to(&self, prompt: &Prompt, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        write_stream::whole(prompt, reply, model, created)
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        let text = || String::from_utf8_lossy(body).trim().to_owned();
        match serde_json::from_slice::<Value>(body) {
            Ok(body) => {
                let (code, message) = read_reply::error(body.get("error").unwrap_or(&body));
                (code, if message.is_empty() { text() } else { message })
            }
            Err(_) => (None, text()),
        }
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::new(read_stream::Reader::default())
    }

    fn event_writer(&self, prompt: &Prompt, model: &str, created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(write_stream::Writer::new(prompt, model, created))
    }
}

/// An event with its name.
fn frame(kind: &str, mut data: Value) -> Vec<u8> {
    data["type"] = json!(kind);
    format!("event: {kind}\ndata: {data}\n\n").into_bytes()
}
