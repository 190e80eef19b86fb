//! Gemini `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent` and `:countTokens`.
//!
//! The address names the model and says whether to stream. Google reads field names in camel case and with
//! underscores alike; so does this, and it writes camel case. Streams are server-sent events when the address says
//! `alt=sse`, as every official client does; a client without it gets one JSON array, made from those ([`Array`]).

mod array;
mod config;
pub mod count_tokens;
mod model;
mod part;
mod read;
mod reply;
mod schema;
mod signature;
mod stream;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub use array::Array;
pub use signature::without_foreign;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::dialogue::{Dialogue, EventReader, EventWriter};
use crate::error::Fault;
use crate::json::{Fields, parse};
use crate::neutral::{Loss, Prompt, Reply, Unsayable};
use crate::openai::error_text;
use crate::request::{self, ParseError, Request};
use crate::spoken::{Ends, Spoken};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) struct Gemini;

/// What an answer or a chunk of one says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Glance {
    model_version: Option<String>,
    usage_metadata: Option<wire::Tokens>,
    candidates: Option<Vec<GlancedCandidate>>,
    prompt_feedback: Option<wire::Feedback>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GlancedCandidate {
    finish_reason: Option<String>,
}

impl Glance {
    fn note(self, answer: &mut Answer) {
        answer.served_model =
            self.model_version.filter(|model| !model.is_empty()).or(answer.served_model.take());
        answer.usage.update(&self.usage_metadata.map(|tokens| tokens.usage()).unwrap_or_default());
        let stopped = self.candidates.into_iter().flatten().find_map(|candidate| candidate.finish_reason);
        let blocked = self.prompt_feedback.and_then(|feedback| feedback.block_reason);
        answer.finish = stopped.or(blocked).or(answer.finish.take());
        let error = self.error.filter(|error| !error.is_null()).map(|error| error_text(&error));
        answer.error = error.or(answer.error.take());
    }
}

impl Codec for Gemini {
    fn parse(&self, raw: &Bytes, addressed: &Addressed) -> Result<Request, ParseError> {
        let mut fields = Fields::read(raw)?;
        // A request to count tokens may hold the whole request to be counted.
        if let Some(counted) = fields.object("generateContentRequest")? {
            fields = counted;
        }
        let named = fields.raw("model");
        let model = match (&addressed.model, named) {
            (Some(model), _) => model.clone(),
            (None, Some(raw)) => parse(raw, "model")?,
            (None, None) => {
                let problem =
                    "missing; it is part of the path: /v1beta/models/{model}:generateContent".to_owned();
                return Err(ParseError::Field { field: "model", problem });
            }
        };
        let model = model.strip_prefix("models/").unwrap_or(&model).to_owned();
        let spans = named.map(|named| request::span(raw, named)).into_iter().collect();
        let mut request = Request::addressed(Dialect::Gemini, raw, model, spans);
        request.stream = addressed.stream.unwrap_or(false);
        let contents: Ends<'_> = fields.list("contents")?.into_iter().collect();
        request.messages = contents.count;
        let system = fields.raw("systemInstruction").map(|system| request::span(raw, system));
        *request.spoken_mut() = Spoken { system, ..Spoken::of(&contents, raw) };
        for tool in fields.list("tools")? {
            let declared = Fields::of(tool, "tools")?.list("functionDeclarations")?.len();
            // A tool that declares nothing is one that Google runs.
            request.tools += declared.max(1);
        }
        if request.messages == 0 {
            let problem = "missing or empty; send at least one content".to_owned();
            return Err(ParseError::Field { field: "contents", problem });
        }
        Ok(request)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        let code = fault.kind.status();
        json!({"error": {
            "code": code, "message": fault.message, "status": wire::status(code),
            "details": [{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": fault.code, "domain": "waymark",
            }],
        }})
        .to_string()
        .into_bytes()
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        wire::error_event(&self.error_body(fault))
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        // Without `alt=sse` a stream and its error are an array.
        if body.trim_ascii_start().starts_with(b"[") {
            let glances: Vec<Glance> = serde_json::from_slice(body).unwrap_or_default();
            glances.into_iter().for_each(|glance| glance.note(answer));
        } else if let Ok(glance) = serde_json::from_slice::<Glance>(body) {
            glance.note(answer);
        }
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        self.read_body(&frame.data, answer);
        if answer.error.is_some() { Progress::Failed } else { Progress::Ongoing }
    }

    /// A stream ends with its body; only a stated reason to stop tells that it is whole.
    fn may_end_silently(&self) -> bool {
        true
    }
}

impl Dialogue for Gemini {
    /// Whether a stream is asked for is not in the body: [`Prompt::stream`] is for the caller to set.
    fn read_prompt(&self, body: &[u8]) -> Result<Prompt, ParseError> {
        read::prompt(body)
    }

    fn write_prompt(
        &self,
        prompt: &Prompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable> {
        let body = write::body(prompt, &model::Model::named(model), losses)?;
        Ok(wire::bytes(&body))
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError> {
        reply::read(body)
    }

    fn write_reply(&self, reply: &Reply, model: &str, _created: i64) -> Vec<u8> {
        reply::write(reply, model)
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        reply::read_error(body)
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::<stream::Reader>::default()
    }

    fn event_writer(&self, _prompt: &Prompt, model: &str, _created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(stream::Writer::new(model))
    }
}
