//! Mistral `POST /v1/fim/completions`.

use bytes::Bytes;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, openai};

pub(crate) struct MistralFim;

impl Codec for MistralFim {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        request::envelope(Dialect::MistralFim, raw)
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
}
