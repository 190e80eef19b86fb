//! Ollama `POST /api/generate`.
//!
//! It completes code where the request has a `suffix`, markers, or a prompt that is to reach the model `raw`; else the
//! prompt is an instruction, a conversation of one turn ([`instruction`]). An empty prompt only has the model loaded,
//! or let go. Durations are left out of answers: nobody knows them.

mod instruction;
mod prompt;
mod reply;

pub use instruction::instruction_dialogue;

use bytes::Bytes;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::dialogue::Dialogue;
use crate::error::Fault;
use crate::fim::{self, Completions, FimPrompt, Said};
use crate::neutral::{Loss, Reply, Stop, Unsayable};
use crate::ollama_chat::OllamaChat;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) struct OllamaGenerate;

/// Errors, counts and the end of a stream are those of `/api/chat`.
impl Codec for OllamaGenerate {
    /// An instruction has no [`Request::fim`].
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        let mut request = request::streaming_envelope(Dialect::OllamaGenerate, raw)?;
        let prompt = prompt::read(raw)?;
        request.warm_up = prompt.warm_up;
        match prompt.unsayable.is_empty() {
            true => request.fim = Some(prompt.fim),
            false => request.messages = 1,
        }
        Ok(request)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        OllamaChat.error_body(fault)
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        OllamaChat.error_event(fault)
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        OllamaChat.read_body(body, answer);
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        OllamaChat.read_event(frame, answer)
    }
}

impl Completions for OllamaGenerate {
    type Shape = reply::Completion;
    const SHAPE: Self::Shape = reply::Completion;

    fn read(body: &[u8]) -> Result<FimPrompt, ParseError> {
        prompt::read(body)
    }

    fn write(prompt: &FimPrompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
        prompt::write(prompt, model, losses)
    }

    fn reply(body: &[u8]) -> Result<Reply, ParseError> {
        reply::read(body)
    }

    fn said(data: &[u8]) -> Said {
        reply::said(data)
    }

    fn error(body: &[u8]) -> (Option<String>, String) {
        OllamaChat.read_error(body)
    }

    fn warmed_up(prompt: &FimPrompt, model: &str, created: i64) -> Vec<u8> {
        // A load is one line, streamed or not.
        let (form, done) = (prompt.form.clone(), if prompt.form.unload { "unload" } else { "load" });
        let whole = FimPrompt { form, stream: false, ..FimPrompt::default() };
        let mut line = fim::warmed_up(&Self::SHAPE, &whole, model, created, &Stop::Other(done.to_owned()));
        if prompt.stream {
            line.push(b'\n');
        }
        line
    }
}
