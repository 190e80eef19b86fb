//! Gemini `:embedContent` and `:batchEmbedContents`. The address names the model; a body may name it, too, and a batch
//! does so in each of its requests.

use bytes::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use waymark_types::Dialect;

use crate::answer::{Answer, Progress};
use crate::crossing::{lose, lose_rest};
use crate::dialogue::Dialogue as _;
use crate::embed::{self, EmbedDialogue, Inputs, Vector, VectorForm, Vectors};
use crate::error::Fault;
use crate::fim::{Text, object};
use crate::gemini::Gemini;
use crate::json::Fields;
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

pub(crate) struct GeminiEmbed;

/// Fields that no other dialect has.
const KNOWN: &[&str] = &["task_type", "title"];

const MISSING: &str = "missing; send a content, or `requests` to `:batchEmbedContents`";

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    content: Option<IgnoredAny>,
    #[serde(borrow)]
    requests: Option<Vec<Named<'a>>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

impl Codec for GeminiEmbed {
    fn parse(&self, raw: &Bytes, addressed: &Addressed) -> Result<Request, ParseError> {
        let body: Body<'_> = serde_json::from_slice(raw)?;
        if body.requests.is_none() && body.content.is_none() {
            return Err(ParseError::Field { field: "content", problem: MISSING.to_owned() });
        }
        let inputs = body.requests.as_ref().map_or(1, Vec::len);
        let named = body.requests.into_iter().flatten().filter_map(|request| request.model);
        let named = body.model.into_iter().chain(named);
        let mut spans: Vec<_> = named.map(|model| request::span(raw, model)).collect();
        spans.sort_unstable_by_key(|span| span.start);
        let model = addressed.model.clone().unwrap_or_default();
        let mut request = Request::addressed(Dialect::GeminiEmbed, raw, model, spans);
        request.inputs = inputs;
        Ok(request)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        Gemini.error_body(fault)
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        Gemini.error_event(fault)
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        Gemini.read_body(body, answer);
        embed::nothing_written(&mut answer.usage);
    }

    /// There are no streams.
    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        Gemini.read_event(frame, answer)
    }
}

/// What either endpoint is asked.
struct Asked<'a> {
    requests: Vec<One<'a>>,
    is_batch: bool,
    rest: Fields<'a>,
}

/// A request for one vector, with what has not been read of it.
struct One<'a> {
    content: &'a RawValue,
    rest: Fields<'a>,
}

impl<'a> Asked<'a> {
    fn read(body: &'a [u8]) -> Result<Self, ParseError> {
        let mut fields = Fields::read(body)?;
        fields.raw("model");
        if fields.has("requests") {
            let requests = fields.list("requests")?;
            let requests = requests.into_iter().map(|raw| One::of(Fields::of(raw, "requests")?));
            return Ok(Self { requests: requests.collect::<Result<_, _>>()?, is_batch: true, rest: fields });
        }
        Ok(Self { requests: vec![One::of(fields)?], is_batch: false, rest: Fields::none() })
    }
}

impl<'a> One<'a> {
    fn of(mut fields: Fields<'a>) -> Result<Self, ParseError> {
        let content = embed::required(&mut fields, "content", MISSING)?;
        fields.raw("model");
        Ok(Self { content, rest: fields })
    }

    /// Adds the text, and returns how long its vector should be.
    fn add_to(mut self, inputs: &mut Inputs) -> Result<Option<u64>, ParseError> {
        let text = text_of(self.content, inputs)?;
        inputs.texts.push(text);
        // A newer place for the same settings.
        let mut config = self.rest.object("embedContentConfig")?.unwrap_or(Fields::none());
        let dimensions = self.rest.count("outputDimensionality")?;
        let dimensions = config.count("outputDimensionality")?.or(dimensions);
        if config.raw("autoTruncate").is_some() {
            lose(&mut inputs.losses, "truncate");
        }
        lose_rest(&mut inputs.losses, self.rest.rest().chain(config.rest()), KNOWN);
        Ok(dimensions)
    }
}

/// The text of a content, its parts a line each.
fn text_of(content: &RawValue, inputs: &mut Inputs) -> Result<String, ParseError> {
    let mut texts = Vec::new();
    for part in Fields::of(content, "content")?.list("parts")? {
        let mut part = Fields::of(part, "parts")?;
        match part.raw("text") {
            Some(raw) => {
                let Text { text, is_mended } = Text::read(raw, "text")?;
                if is_mended {
                    lose(&mut inputs.losses, "lone_surrogate");
                }
                texts.push(text);
            }
            None => {
                let kind = part.rest().next().unwrap_or_default();
                inputs.unsayable.push(format!("`content`: a part that is no text ({kind})"));
            }
        }
    }
    Ok(texts.join("\n"))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    #[serde(flatten)]
    vectors: Found,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_metadata: Option<Tokens>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Found {
    Embedding(Values),
    Embeddings(Vec<Values>),
}

#[derive(Serialize)]
struct Values {
    values: Vector,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    prompt_token_count: u64,
}

impl EmbedDialogue for GeminiEmbed {
    fn read_inputs(&self, body: &[u8]) -> Result<Inputs, ParseError> {
        let asked = Asked::read(body)?;
        let form = if asked.is_batch { VectorForm::List } else { VectorForm::Single };
        let mut inputs = Inputs { form, ..Inputs::default() };
        let mut dimensions = Vec::new();
        for request in asked.requests {
            dimensions.push(request.add_to(&mut inputs)?);
        }
        lose_rest(&mut inputs.losses, asked.rest.rest(), KNOWN);
        dimensions.dedup();
        match dimensions[..] {
            [] => {
                let problem = "empty; send at least one request".to_owned();
                return Err(ParseError::Field { field: "requests", problem });
            }
            [all] => inputs.dimensions = all,
            _ => inputs.unsayable.push("`outputDimensionality`: a different one in each request".to_owned()),
        }
        Ok(inputs)
    }

    /// A batch, be it of one.
    fn write_inputs(&self, inputs: &Inputs, model: &str) -> Vec<u8> {
        let model = if model.contains('/') { model.to_owned() } else { format!("models/{model}") };
        let request = |text: &String| {
            object([
                ("model", Some(json!(model))),
                ("content", Some(json!({"parts": [{"text": text}]}))),
                ("outputDimensionality", inputs.dimensions.map(|dimensions| json!(dimensions))),
            ])
        };
        let requests: Vec<_> = inputs.texts.iter().map(request).collect();
        json!({ "requests": requests }).to_string().into_bytes()
    }

    fn read_vectors(&self, body: &[u8]) -> Result<Vectors, ParseError> {
        let mut fields = Fields::read(body)?;
        let found = match fields.raw("embedding") {
            Some(one) => vec![one],
            None => fields.list("embeddings")?,
        };
        let values = |raw| {
            let mut embedding = Fields::of(raw, "embeddings")?;
            Vector::read(embed::required(&mut embedding, "values", "missing")?, "values")
        };
        let vectors = found.into_iter().map(values).collect::<Result<_, _>>()?;
        let mut answer = Answer::default();
        self.read_body(body, &mut answer);
        Ok(Vectors { vectors, model: answer.served_model, usage: answer.usage })
    }

    fn write_vectors(&self, inputs: &Inputs, vectors: &Vectors, _model: &str) -> Vec<u8> {
        let values = |vector: &Vector| Values { values: vector.clone() };
        let found = match inputs.form {
            VectorForm::Single => Found::Embedding(Values { values: vectors.single() }),
            VectorForm::List | VectorForm::Base64 => {
                Found::Embeddings(vectors.vectors.iter().map(values).collect())
            }
        };
        let tokens = vectors.usage.input.map(|prompt_token_count| Tokens { prompt_token_count });
        serde_json::to_vec(&Answered { vectors: found, usage_metadata: tokens }).unwrap_or_default()
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        Gemini.read_error(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse;

    fn read(body: &'static str) -> Result<Request, ParseError> {
        let addressed =
            Addressed { model: Some("auto".to_owned()), stream: Some(false), ..Addressed::default() };
        parse(Dialect::GeminiEmbed, &Bytes::from_static(body.as_bytes()), &addressed)
    }

    #[test]
    fn every_name_of_the_model_is_replaced_and_nothing_else() {
        let batch = r#"{ "requests": [ {"model":"models/auto", "content":{"parts":[{"text":"models/auto"}]}},
            {"content":{"parts":[{"text":"b"}]}, "model" : "models/auto"}, {"content":{"parts":[]}}], "x":1, "model":"models/auto"}"#;
        let request = read(batch).unwrap();
        assert_eq!((request.inputs, request.model.as_str()), (3, "auto"));
        assert_eq!(request.body_for("auto"), batch);
        let mut other = batch.to_owned();
        for (old, new) in [
            (r#""model":"models/auto""#, r#""model":"models/other-1""#),
            (r#""model" : "models/auto""#, r#""model" : "models/other-1""#),
        ] {
            other = other.replace(old, new);
        }
        assert_eq!(request.body_for("other-1"), other);
        let single = read(r#"{"content":{"parts":[{"text":"a"}]},"model":"models/auto"}"#).unwrap();
        assert_eq!(single.inputs, 1);
        assert_eq!(
            single.body_for("tunedModels/t-1"),
            r#"{"content":{"parts":[{"text":"a"}]},"model":"tunedModels/t-1"}"#
        );
    }

    #[test]
    fn what_asks_for_nothing_is_refused() {
        assert!(matches!(read(r#"{"model":"m"}"#), Err(ParseError::Field { field: "content", .. })));
        assert!(matches!(read(" "), Err(ParseError::Empty)));
        assert!(GeminiEmbed.read_inputs(br#"{"requests":[]}"#).is_err());
    }

    #[test]
    fn settings_are_read_from_either_place() {
        for body in [
            r#"{"content":{"parts":[{"text":"a"}]},"output_dimensionality":8,"taskType":"RETRIEVAL_QUERY"}"#,
            r#"{"content":{"parts":[{"text":"a"}]},
                "embedContentConfig":{"outputDimensionality":8,"taskType":"RETRIEVAL_QUERY"}}"#,
        ] {
            let inputs = GeminiEmbed.read_inputs(body.as_bytes()).unwrap();
            assert_eq!(inputs.dimensions, Some(8));
            assert_eq!(
                inputs.losses.iter().map(|loss| loss.code.as_str()).collect::<Vec<_>>(),
                ["task_type"]
            );
        }
    }
}
