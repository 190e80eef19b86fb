//! Ollama `POST /api/embed`, and `POST /api/embeddings` before it. Vectors of different models mean different things,
//! so that these requests only ever pass through.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::ollama_chat::OllamaChat;
use crate::openai_embeddings::inputs;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) struct OllamaEmbed;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    /// The word of the older endpoint.
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
}

impl Codec for OllamaEmbed {
    /// No input at all, which Ollama takes for a wish to have the model loaded, counts as nothing to embed.
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        let mut request = request::envelope(Dialect::OllamaEmbed, raw)?;
        let body: Body<'_> = serde_json::from_slice(raw)?;
        request.inputs = match body.input.or(body.prompt) {
            Some(input) => inputs(Some(input))?,
            None => 0,
        };
        request.warm_up = request.inputs == 0;
        request.stream = false;
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

    /// There are no streams.
    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        OllamaChat.read_event(frame, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    #[test]
    fn both_endpoints_are_read() {
        let cases = [
            (r#"{"model":"nomic-embed-text","input":["a","b"],"truncate":true}"#, 2, false),
            (r#"{"model":"nomic-embed-text","input":"a"}"#, 1, false),
            (r#"{"model":"nomic-embed-text","prompt":"a"}"#, 1, false),
            (r#"{"model":"nomic-embed-text"}"#, 0, true),
            (r#"{"model":"nomic-embed-text","input":[]}"#, 0, true),
        ];
        for (body, inputs, warm_up) in cases {
            let body = Bytes::from_static(body.as_bytes());
            let request = parse(Dialect::OllamaEmbed, &body, &Addressed::default()).unwrap();
            assert_eq!((request.inputs, request.warm_up, request.stream), (inputs, warm_up, false));
        }
    }

    #[test]
    fn answers_tell_their_model_and_usage() {
        let body = br#"{"model":"nomic-embed-text","embeddings":[[0.1,0.2]],"total_duration":14143917,
            "load_duration":1019500,"prompt_eval_count":8}"#;
        let mut answer = Answer::default();
        answer.read_body(Dialect::OllamaEmbed, body);
        assert_eq!(answer.served_model.as_deref(), Some("nomic-embed-text"));
        assert_eq!((answer.usage.input, answer.error.as_deref()), (Some(8), None));
        answer.read_body(Dialect::OllamaEmbed, br#"{"error":"model \"x\" not found"}"#);
        assert_eq!(answer.error.as_deref(), Some("model \"x\" not found"));
    }
}
