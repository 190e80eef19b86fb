//! llama.cpp `POST /infill`.
//!
//! A server of one model needs no name for it, so that most requests have none. A request for no tokens at all warms
//! the server's cache up: editors send one whenever the code around the cursor changes.

mod prompt;
mod reply;

use bytes::Bytes;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::fim::{Completions, FimPrompt, Said};
use crate::neutral::{Loss, Reply, Unsayable};
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

impl Completions for LlamaInfill {
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
}
