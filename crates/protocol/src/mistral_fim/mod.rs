//! Mistral `POST /v1/fim/completions`. Its answers are shaped like those of a chat.

mod prompt;
mod reply;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::dialogue::{EventReader, EventWriter};
use crate::error::Fault;
use crate::fim::{self, Fim, FimDialogue, FimPrompt, Suggestion, Text, choices, limit};
use crate::neutral::{Loss, Reply, Stop, Unsayable};
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

impl FimDialogue for MistralFim {
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
        choices::reply(body)
    }

    fn write_reply(&self, prompt: &FimPrompt, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        fim::whole(&reply::Completion, fim::Head::new(prompt, model, created), reply)
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        choices::error(body)
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::new(fim::Reader::new(choices::said, false))
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
