//! OpenAI `POST /v1/embeddings`. Vectors of different models mean different things, so that these requests only ever
//! pass through.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, json, openai};

pub(crate) struct OpenAiEmbeddings;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// How many texts there are: one, a list of them, or either as token ids.
pub(crate) fn inputs(input: Option<&RawValue>) -> Result<usize, ParseError> {
    let missing = || ParseError::Field {
        field: "input",
        problem: "missing; send a text or a list of texts".to_owned(),
    };
    let input = input.ok_or_else(missing)?;
    if !input.get().starts_with('[') {
        return Ok(1);
    }
    let items: Vec<&RawValue> = json::parse(input, "input")?;
    let is_token = |item: &&RawValue| item.get().starts_with(|letter: char| letter.is_ascii_digit());
    Ok(if items.first().is_some_and(is_token) { 1 } else { items.len() })
}

impl Codec for OpenAiEmbeddings {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        let mut request = request::envelope(Dialect::OpenAiEmbeddings, raw)?;
        let body: Body<'_> = serde_json::from_slice(raw)?;
        request.inputs = inputs(body.input)?;
        request.stream = false;
        Ok(request)
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

    /// There are no streams.
    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        openai::read_event(frame, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn read(body: &'static str) -> Result<Request, ParseError> {
        parse(Dialect::OpenAiEmbeddings, &Bytes::from_static(body.as_bytes()), &Addressed::default())
    }

    #[test]
    fn every_form_of_input_is_counted() {
        let cases = [
            (r#"{"model":"m","input":"fn main() {}"}"#, 1),
            (r#"{"model":"m","input":["a","\ud83d"],"encoding_format":"base64"}"#, 2),
            (r#"{"model":"m","input":[1,2,3]}"#, 1),
            (r#"{"model":"m","input":[[1,2],[3],[4]]}"#, 3),
            (r#"{"model":"m","input":[],"dimensions":8}"#, 0),
        ];
        for (body, count) in cases {
            let request = read(body).unwrap();
            assert_eq!((request.inputs, request.stream), (count, false), "{body}");
            assert_eq!(request.body_for("other"), body.replacen("\"m\"", "\"other\"", 1));
        }
        assert!(matches!(read(r#"{"model":"m"}"#), Err(ParseError::Field { field: "input", .. })));
    }

    #[test]
    fn answers_tell_their_model_and_usage() {
        let body = br#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-0.2]}],
            "model":"text-embedding-3-small","usage":{"prompt_tokens":8,"total_tokens":8}}"#;
        let mut answer = Answer::default();
        answer.read_body(Dialect::OpenAiEmbeddings, body);
        assert_eq!(answer.served_model.as_deref(), Some("text-embedding-3-small"));
        assert_eq!((answer.usage.input, answer.usage.output, answer.error), (Some(8), None, None));
    }
}
