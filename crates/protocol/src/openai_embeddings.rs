//! OpenAI `POST /v1/embeddings`, which Mistral, llama.cpp and others speak, too.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use waymark_types::{Dialect, Usage};

use crate::answer::{Answer, Progress};
use crate::crossing::{hash, lose_rest};
use crate::embed::{self, EmbedDialogue, Inputs, Vector, VectorForm, Vectors};
use crate::error::Fault;
use crate::fim::{choices, object};
use crate::json::{self, Fields};
use crate::neutral::Flavour;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec, openai};

pub(crate) struct OpenAiEmbeddings;

const MISSING: &str = "missing or empty; send a text or a list of texts";

/// Fields that no other dialect has.
const KNOWN: &[&str] = &["user", "metadata"];

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

/// How many texts there are: one, a list of them, or either as token ids.
pub(crate) fn inputs(input: Option<&RawValue>) -> Result<usize, ParseError> {
    let missing = || ParseError::Field { field: "input", problem: MISSING.to_owned() };
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
        embed::nothing_written(&mut answer.usage);
    }

    /// There are no streams.
    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        openai::read_event(frame, answer)
    }
}

#[derive(Serialize)]
struct Answered<'a> {
    /// OpenAI gives none; Mistral's client insists on one.
    id: String,
    object: &'static str,
    data: Vec<Entry<'a>>,
    model: &'a str,
    usage: Tokens,
}

#[derive(Serialize)]
struct Entry<'a> {
    object: &'static str,
    index: usize,
    embedding: Embedding<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Embedding<'a> {
    Numbers(&'a Vector),
    Packed(String),
}

#[derive(Serialize)]
struct Tokens {
    prompt_tokens: u64,
    total_tokens: u64,
}

impl EmbedDialogue for OpenAiEmbeddings {
    fn read_inputs(&self, body: &[u8]) -> Result<Inputs, ParseError> {
        let mut fields = Fields::read(body)?;
        fields.raw("model");
        let items = fields.list("input")?;
        if items.is_empty() {
            return Err(ParseError::Field { field: "input", problem: MISSING.to_owned() });
        }
        let mut inputs = Inputs::of(&items, "input")?;
        let mistrals = fields.count("output_dimension")?;
        inputs.dimensions = fields.count("dimensions")?.or(mistrals);
        match fields.take::<String>("encoding_format")?.as_deref() {
            None | Some("float") => {}
            Some("base64") => inputs.form = VectorForm::Base64,
            Some(other) => inputs.unsayable.push(format!("`encoding_format`: {other}")),
        }
        if let Some(other) = fields.take::<String>("output_dtype")?.filter(|kind| kind != "float") {
            inputs.unsayable.push(format!("`output_dtype`: {other}"));
        }
        lose_rest(&mut inputs.losses, fields.rest(), KNOWN);
        Ok(inputs)
    }

    /// Numbers are asked for: they can be put into any form.
    fn write_inputs(&self, inputs: &Inputs, model: &str) -> Vec<u8> {
        let dimensions = if inputs.flavour == Flavour::Mistral { "output_dimension" } else { "dimensions" };
        let fields = [
            ("model", Some(Value::from(model))),
            ("input", Some(Value::from(inputs.texts.as_slice()))),
            (dimensions, inputs.dimensions.map(Value::from)),
        ];
        object(fields).to_string().into_bytes()
    }

    fn read_vectors(&self, body: &[u8]) -> Result<Vectors, ParseError> {
        let mut fields = Fields::read(body)?;
        let mut vectors = Vec::new();
        for (at, raw) in fields.list("data")?.into_iter().enumerate() {
            let mut entry = Fields::of(raw, "data")?;
            let at = u64::try_from(at).unwrap_or(u64::MAX);
            let index = entry.count("index")?.unwrap_or(at);
            let raw = embed::required(&mut entry, "embedding", "missing")?;
            vectors.push((index, Vector::read(raw, "embedding")?));
        }
        vectors.sort_by_key(|(index, _)| *index);
        let mut answer = Answer::default();
        self.read_body(body, &mut answer);
        let vectors = vectors.into_iter().map(|(_, vector)| vector).collect();
        Ok(Vectors { vectors, model: answer.served_model, usage: answer.usage })
    }

    fn write_vectors(&self, inputs: &Inputs, vectors: &Vectors, model: &str) -> Vec<u8> {
        let embedding = |vector| match inputs.form {
            VectorForm::Base64 => Embedding::Packed(Vector::packed(vector)),
            VectorForm::List | VectorForm::Single => Embedding::Numbers(vector),
        };
        let entry = |(index, vector)| Entry { object: "embedding", index, embedding: embedding(vector) };
        let answer = Answered {
            id: format!("embd-{:016x}", hash(inputs.texts.concat().as_bytes())),
            object: "list",
            data: vectors.vectors.iter().enumerate().map(entry).collect(),
            model: vectors.model.as_deref().unwrap_or(model),
            usage: Tokens::of(&vectors.usage),
        };
        serde_json::to_vec(&answer).unwrap_or_default()
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        choices::error(body)
    }
}

impl Tokens {
    /// Clients take the counts for granted: what is not known is zero to them.
    fn of(usage: &Usage) -> Self {
        let tokens = usage.input.unwrap_or(0);
        Self { prompt_tokens: tokens, total_tokens: tokens }
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
        assert_eq!((answer.usage.input, answer.usage.output, answer.error), (Some(8), Some(0), None));
    }

    #[test]
    fn vectors_stand_in_the_order_of_their_texts() {
        let body = br#"{"data":[{"index":1,"embedding":[1]},{"index":0,"embedding":"AAAAAA=="}]}"#;
        let read = OpenAiEmbeddings.read_vectors(body).unwrap();
        let written = OpenAiEmbeddings.write_vectors(&Inputs::default(), &read, "m");
        let written: Value = serde_json::from_slice(&written).unwrap();
        let vectors = [0, 1].map(|index| written["data"][index]["embedding"].to_string());
        assert_eq!(vectors, ["[0.0]", "[1]"]);
    }

    #[test]
    fn mistral_has_a_word_of_its_own_for_dimensions() {
        let mut inputs =
            OpenAiEmbeddings.read_inputs(br#"{"model":"m","input":"a","output_dimension":8}"#).unwrap();
        assert_eq!((inputs.dimensions, &inputs.losses[..]), (Some(8), &[][..]));
        inputs.flavour = Flavour::Mistral;
        let written = OpenAiEmbeddings.write_inputs(&inputs, "m");
        assert_eq!(written, br#"{"input":["a"],"model":"m","output_dimension":8}"#);
    }
}
