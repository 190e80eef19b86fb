//! OpenAI `POST /v1/completions`, the legacy endpoint that editors still complete code with.

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

pub(crate) struct OpenAiCompletions;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    prompt: Option<&'a RawValue>,
    #[serde(borrow)]
    suffix: Option<&'a RawValue>,
    max_tokens: Option<i64>,
    waymark: Option<Extension>,
}

/// Our own request field: what the standard ones cannot say.
#[derive(Deserialize)]
struct Extension {
    path: Option<String>,
}

impl Codec for OpenAiCompletions {
    /// Token ids and several prompts are for upstreams only: such a request has no [`Request::fim`].
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        let mut request = request::envelope(Dialect::OpenAiCompletions, raw)?;
        let body: Body<'_> = serde_json::from_slice(raw)?;
        let Some(said) = body.prompt else {
            let problem = "missing; send the text before the cursor".to_owned();
            return Err(ParseError::Field { field: "prompt", problem });
        };
        if let prompt::Said::Text(text) = prompt::said(said)? {
            let suffix = body.suffix.map(|raw| Text::read(raw, "suffix")).transpose()?.unwrap_or_default();
            let path = body.waymark.and_then(|extension| extension.path);
            request.fim = Some(Fim::new(text.text, suffix.text, limit(body.max_tokens), path));
        }
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

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        openai::read_event(frame, answer)
    }

    /// Some providers leave `[DONE]` out.
    fn may_end_silently(&self) -> bool {
        true
    }
}

impl FimDialogue for OpenAiCompletions {
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
        Box::new(fim::Reader::new(choices::said, true))
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
