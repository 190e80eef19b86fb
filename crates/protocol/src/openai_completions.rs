//! OpenAI `POST /v1/completions`, the legacy endpoint that editors still complete code with.

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

impl Completions for OpenAiCompletions {
    type Shape = reply::Completion;
    const SHAPE: Self::Shape = reply::Completion;
    const MAY_END_SILENTLY: bool = true;

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
