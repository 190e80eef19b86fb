//! OpenAI `POST /v1/completions`, the legacy endpoint that editors still complete code with.

use bytes::Bytes;
use serde::Deserialize;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::fim::Fim;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, openai};

pub(crate) struct OpenAiCompletions;

#[derive(Deserialize)]
struct Body {
    prompt: Option<Prompt>,
    suffix: Option<String>,
    max_tokens: Option<u32>,
    waymark: Option<Extension>,
}

/// A prompt may come as one text or as a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    One(String),
    Many(Vec<String>),
}

/// Our own request field: what the standard ones cannot say.
#[derive(Deserialize)]
struct Extension {
    path: Option<String>,
}

impl Codec for OpenAiCompletions {
    fn parse(&self, raw: &Bytes, _: &Addressed) -> Result<Request, ParseError> {
        let mut request = request::envelope(Dialect::OpenAiCompletions, raw)?;
        let body: Body = serde_json::from_slice(raw)?;
        let invalid = |problem: &str| ParseError::Field { field: "prompt", problem: problem.to_owned() };
        let prompt = match body.prompt {
            Some(Prompt::One(prompt)) => prompt,
            Some(Prompt::Many(prompts)) => match <[String; 1]>::try_from(prompts) {
                Ok([prompt]) => prompt,
                Err(_) => {
                    return Err(invalid("send one text; several prompts in one request are not supported"));
                }
            },
            None => return Err(invalid("missing; send the text before the cursor")),
        };
        request.fim = Some(Fim::new(
            prompt,
            body.suffix.unwrap_or_default(),
            body.max_tokens,
            body.waymark.and_then(|extension| extension.path),
        ));
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
