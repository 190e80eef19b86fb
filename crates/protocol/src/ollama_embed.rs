//! Ollama `POST /api/embed`, and `POST /api/embeddings` before it, which takes one `prompt` and gives one vector.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::crossing::{lose, lose_rest};
use crate::dialogue::Dialogue as _;
use crate::embed::{self, EmbedDialogue, Inputs, Vector, VectorForm, Vectors};
use crate::error::Fault;
use crate::fim::object;
use crate::json::Fields;
use crate::ollama_chat::OllamaChat;
use crate::openai_embeddings::inputs;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, json};

pub(crate) struct OllamaEmbed;

/// Fields that no other dialect has.
const KNOWN: &[&str] = &["truncate", "keep_alive"];

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
        request.inputs = match body.input.or(body.prompt).filter(|input| !is_empty(input)) {
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
        embed::nothing_written(&mut answer.usage);
    }

    /// There are no streams.
    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        OllamaChat.read_event(frame, answer)
    }
}

fn is_empty(input: &RawValue) -> bool {
    input.get() == "\"\""
}

#[derive(Serialize)]
struct Answered<'a> {
    model: &'a str,
    embeddings: &'a [Vector],
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_eval_count: Option<u64>,
}

#[derive(Serialize)]
struct One {
    embedding: Vector,
}

impl EmbedDialogue for OllamaEmbed {
    fn read_inputs(&self, body: &[u8]) -> Result<Inputs, ParseError> {
        let mut fields = Fields::read(body)?;
        fields.raw("model");
        let (input, older) = (fields.raw("input"), fields.raw("prompt"));
        let form = if input.is_none() && older.is_some() { VectorForm::Single } else { VectorForm::List };
        let asked = input.or(older).filter(|input| !is_empty(input));
        let items = asked.map(|input| json::items(input, "input")).transpose()?.unwrap_or_default();
        let mut inputs = Inputs { form, ..Inputs::of(&items, "input")? };
        inputs.dimensions = fields.count("dimensions")?;
        for name in fields.object("options")?.unwrap_or(Fields::none()).rest() {
            lose(&mut inputs.losses, format!("option:{name}"));
        }
        lose_rest(&mut inputs.losses, fields.rest(), KNOWN);
        Ok(inputs)
    }

    fn write_inputs(&self, inputs: &Inputs, model: &str) -> Vec<u8> {
        let fields = [
            ("model", Some(Value::from(model))),
            ("input", Some(Value::from(inputs.texts.as_slice()))),
            ("dimensions", inputs.dimensions.map(Value::from)),
        ];
        object(fields).to_string().into_bytes()
    }

    fn read_vectors(&self, body: &[u8]) -> Result<Vectors, ParseError> {
        let mut fields = Fields::read(body)?;
        let vectors = match fields.raw("embedding") {
            Some(one) => vec![Vector::read(one, "embedding")?],
            None => Vector::read_all(&fields.list("embeddings")?, "embeddings")?,
        };
        let mut answer = Answer::default();
        self.read_body(body, &mut answer);
        Ok(Vectors { vectors, model: answer.served_model, usage: answer.usage })
    }

    fn write_vectors(&self, inputs: &Inputs, vectors: &Vectors, model: &str) -> Vec<u8> {
        let written = match inputs.form {
            VectorForm::Single => serde_json::to_vec(&One { embedding: vectors.single() }),
            VectorForm::List | VectorForm::Base64 => serde_json::to_vec(&Answered {
                model: vectors.model.as_deref().unwrap_or(model),
                embeddings: &vectors.vectors,
                prompt_eval_count: vectors.usage.input,
            }),
        };
        written.unwrap_or_default()
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        OllamaChat.read_error(body)
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
            (r#"{"model":"nomic-embed-text","input":""}"#, 0, true),
            (r#"{"model":"nomic-embed-text","prompt":""}"#, 0, true),
            (r#"{"model":"nomic-embed-text","input":[""]}"#, 1, false),
            (r#"{"model":"nomic-embed-text","input":[],"prompt":"a"}"#, 0, true),
        ];
        for (body, inputs, warm_up) in cases {
            let body = Bytes::from_static(body.as_bytes());
            let request = parse(Dialect::OllamaEmbed, &body, &Addressed::default()).unwrap();
            assert_eq!((request.inputs, request.warm_up, request.stream), (inputs, warm_up, false));
            assert_eq!(OllamaEmbed.read_inputs(&body).unwrap().texts.len(), inputs);
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

    #[test]
    fn a_request_without_a_text_is_answered_without_a_vector() {
        for (body, answer) in [
            (&br#"{"model":"m","input":[]}"#[..], &br#"{"model":"m","embeddings":[]}"#[..]),
            (br#"{"model":"m"}"#, br#"{"model":"m","embeddings":[]}"#),
            (br#"{"model":"m","prompt":""}"#, br#"{"embedding":[]}"#),
        ] {
            let inputs = OllamaEmbed.read_inputs(body).unwrap();
            assert!(inputs.texts.is_empty());
            assert_eq!(OllamaEmbed.write_vectors(&inputs, &Vectors::default(), "m"), answer);
        }
    }
}
