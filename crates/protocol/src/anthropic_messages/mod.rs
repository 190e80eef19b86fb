//! Anthropic `POST /v1/messages`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::{Dialect, Usage};

use crate::{Addressed, Codec};
use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::openai::error_text;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;

pub(crate) struct AnthropicMessages;

/// A message, whole or as `message_start` carries it, or one of the other events.
#[derive(Deserialize)]
struct Reply {
    #[serde(rename = "type")]
    kind: Option<String>,
    model: Option<String>,
    stop_reason: Option<String>,
    usage: Option<Tokens>,
    message: Option<Box<Reply>>,
    delta: Option<Delta>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Delta {
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

impl From<Tokens> for Usage {
    /// Anthropic counts cached input apart; the neutral count includes it.
    fn from(tokens: Tokens) -> Self {
        let (read, written) = (tokens.cache_read_input_tokens, tokens.cache_creation_input_tokens);
        Self {
            input: tokens.input_tokens.map(|fresh| fresh + read.unwrap_or(0) + written.unwrap_or(0)),
            cached_input: read,
            cache_write: written,
            output: tokens.output_tokens,
            reasoning: None,
        }
    }
}

fn read(reply: Reply, answer: &mut Answer) {
    if let Some(message) = reply.message {
        read(*message, answer);
    }
    answer.served_model = reply.model.filter(|model| !model.is_empty()).or(answer.served_model.take());
    answer.usage.update(&reply.usage.map(Usage::from).unwrap_or_default());
    let finish = reply.stop_reason.or_else(|| reply.delta.and_then(|delta| delta.stop_reason));
    answer.finish = finish.or(answer.finish.take());
    if reply.kind.as_deref() == Some("error") {
        answer.error = Some(reply.error.as_ref().map_or_else(|| "unspecified".to_owned(), error_text));
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
        if let Ok(reply) = serde_json::from_slice(body) {
            read(reply, answer);
        }
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        // Most events are text deltas, which say nothing that is recorded.
        if frame.event == Some("content_block_delta") {
            return Progress::Ongoing;
        }
        self.read_body(&frame.data, answer);
        match frame.event {
            Some("message_stop") => Progress::Last,
            Some("error") => Progress::Failed,
            _ => Progress::Ongoing,
        }
    }
}
