//! Gemini `:embedContent` and `:batchEmbedContents`. The address names the model; a batch names it in each request, too.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::gemini::Gemini;
use crate::request::{ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) struct GeminiEmbed;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    requests: Option<Vec<&'a RawValue>>,
}

impl Codec for GeminiEmbed {
    fn parse(&self, raw: &Bytes, addressed: &Addressed) -> Result<Request, ParseError> {
        let body: Body<'_> = serde_json::from_slice(raw)?;
        let model = addressed.model.clone().unwrap_or_default();
        let mut request = Request::addressed(Dialect::GeminiEmbed, raw, model, None);
        request.inputs = match (body.requests, body.content) {
            (Some(requests), _) => requests.len(),
            (None, Some(_)) => 1,
            (None, None) => {
                let problem = "missing; send a content, or `requests` to `:batchEmbedContents`".to_owned();
                return Err(ParseError::Field { field: "content", problem });
            }
        };
        Ok(request)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        Gemini.error_body(fault)
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        Gemini.error_event(fault)
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        Gemini.read_body(body, answer);
    }

    /// There are no streams.
    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        Gemini.read_event(frame, answer)
    }
}
