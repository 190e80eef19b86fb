//! OpenAI `POST /v1/chat/completions`, as OpenAI and the many servers that imitate it speak it.
//!
//! What is read goes beyond OpenAI's own reference: reasoning as DeepSeek, vLLM, Mistral and OpenRouter put it into
//! messages and deltas, cache marks as OpenAI and OpenRouter spell them, Gemini's thought signatures as Google's own
//! compatible endpoint carries them. What is written to a provider keeps to OpenAI's reference, because strict servers
//! refuse a request with a field they do not know; the one exception is reasoning, see `write_prompt`.

mod carried;
mod flavour;
mod parts;
mod read_prompt;
mod read_stream;
mod reply;
#[cfg(test)]
mod tests;
mod wire;
mod write_prompt;
mod write_stream;

pub(crate) use carried::without_foreign as without_foreign_details;

use bytes::Bytes;
use serde_json::Value;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::dialogue::{Dialogue, EventReader, EventWriter};
use crate::error::Fault;
use crate::neutral::{Loss, Prompt, Reply, Unsayable};
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, openai};

pub(crate) struct OpenAiChat;

impl Codec for OpenAiChat {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        request::conversation(Dialect::OpenAiChat, raw)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        openai::error_body(fault)
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        openai::error_event(fault)
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        openai::read(body, answer);
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        openai::read_event(frame, answer)
    }

    /// Some providers leave `[DONE]` out.
    fn may_end_silently(&self) -> bool {
        true
    }
}

impl Dialogue for OpenAiChat {
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
        reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        reply::write(reply, &reply::Forms::new(), model, created)
    }

    fn write_reply_to(&self, prompt: &Prompt, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        reply::write(reply, &prompt.tool_forms, model, created)
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => error(value.get("error").unwrap_or(&value)),
            Err(_) => (None, String::from_utf8_lossy(body).trim().to_owned()),
        }
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::<read_stream::Reader>::default()
    }

    fn event_writer(&self, prompt: &Prompt, model: &str, created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(write_stream::Writer::new(prompt, model, created))
    }
}

/// The code and message of an error object. The `code` says more than the `type`; some servers put a status there.
fn error(error: &Value) -> (Option<String>, String) {
    let word = |key: &str| match error.get(key) {
        Some(Value::String(word)) if !word.is_empty() => Some(word.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    let message = error.get("message").or_else(|| error.get("detail")).unwrap_or(error);
    let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    (word("code").or_else(|| word("type")), message)
}

/// Whether a client's word may stand in a loss's code.
fn is_word(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=40).contains(&word.len()) && word.bytes().all(plain)
}
