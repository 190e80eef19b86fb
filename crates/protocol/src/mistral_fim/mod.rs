//! Mistral `POST /v1/fim/completions`. Its answers are shaped like those of a chat.

mod prompt;
mod reply;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::fim::{Completions, Fim, FimPrompt, Said, Text, choices, limit};
use crate::neutral::{Loss, Reply, Unsayable};
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, openai};

pub(crate) struct MistralFim;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    suffix: Option<&'a RawValue>,
    max_tokens: Option<i64>,
}

impl Codec for MistralFim {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        let mut request = request::envelope(Dialect::MistralFim, raw)?;
        let body: Body<'_> = serde_json::from_slice(raw)?;
        let Some(prompt) = body.prompt else {
            let problem = "missing; send the text before the cursor".to_owned();
            return Err(ParseError::Field { field: "prompt", problem });
        };
        let prompt = Text::read(prompt, "prompt")?;
        let suffix = body.suffix.map(|raw| Text::read(raw, "suffix")).transpose()?.unwrap_or_default();
        request.fim = Some(Fim::new(prompt.text, suffix.text, limit(body.max_tokens), None));
        Ok(request)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        reply::error(fault.kind.openai(), Some(fault.code), &fault.message).to_string().into_bytes()
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        [b"data: ", &self.error_body(fault)[..], b"\n\n"].concat()
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        openai::read(body, answer);
        answer.error = choices::problem(body).map(|(_, message)| message).or(answer.error.take());
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        let progress = openai::read_event(frame, answer);
        match choices::problem(&frame.data) {
            Some((_, message)) => {
                answer.error = Some(message);
                Progress::Failed
            }
            None => progress,
        }
    }
}

impl Completions for MistralFim {
    type Shape = reply::Completion;
    const SHAPE: Self::Shape = reply::Completion;

    fn read(body: &[u8]) -> Result<FimPrompt, ParseError> {
        prompt::read(body)
    }

    fn write(prompt: &FimPrompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
        prompt::write(prompt, model, losses)
    }

    fn reply(body: &[u8]) -> Result<Reply, ParseError> {
        choices::reply(body)
    }

    fn said(data: &[u8]) -> Said {
        choices::said(data)
    }
}
