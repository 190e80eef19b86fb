//! llama.cpp `POST /infill`.
//!
//! A server of one model needs no name for it, so that most requests have none. A request for no tokens at all warms
//! the server's cache up: editors send one whenever the code around the cursor changes.

mod prompt;
mod reply;

use bytes::Bytes;
use serde_json::Value;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::dialogue::{EventReader, EventWriter};
use crate::error::Fault;
use crate::fim::{self, FimDialogue, FimPrompt, Suggestion, choices};
use crate::neutral::{Loss, Reply, Stop, Unsayable};
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) use reply::Timings;

pub(crate) struct LlamaInfill;

impl Codec for LlamaInfill {
    /// Texts given as token ids are for upstreams only: such a request has no [`Request::fim`].
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        let mut request = request::unnamed_envelope(Dialect::LlamaInfill, raw)?;
        let prompt = prompt::read(raw)?;
        request.warm_up = prompt.warm_up;
        request.fim = prompt.unsayable.is_empty().then_some(prompt.fim);
        Ok(request)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        reply::error(fault.kind.status(), reply::kind(fault.kind.status()), &fault.message)
            .to_string()
            .into_bytes()
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        [b"data: ", &self.error_body(fault)[..], b"\n\n"].concat()
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        reply::note(body, answer);
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        reply::note(&frame.data, answer)
    }
}

impl FimDialogue for LlamaInfill {
    fn read_fim(&self, body: &[u8]) -> Result<FimPrompt, ParseError> {
        prompt::read(body)
    }

    fn write_fim(
        &self,
        prompt: &FimPrompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable> {
        prompt::write(prompt, model, losses)
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError> {
        reply::read(body)
    }

    fn write_reply(&self, prompt: &FimPrompt, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        fim::whole(&reply::Completion, fim::Head::new(prompt, model, created), reply)
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        choices::error(body)
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::new(fim::Reader::new(reply::said, false))
    }

    fn event_writer(&self, prompt: &FimPrompt, model: &str, created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(fim::Writer::new(reply::Completion, fim::Head::new(prompt, model, created)))
    }

    fn write_suggestion(&self, prompt: &FimPrompt, suggestion: &Suggestion<Value>) -> Vec<u8> {
        fim::suggested(&reply::Completion, prompt, suggestion)
    }

    fn write_warm_up(&self, prompt: &FimPrompt, model: &str, created: i64) -> Vec<u8> {
        fim::warmed_up(&reply::Completion, prompt, model, created, &Stop::MaxTokens)
    }
}
