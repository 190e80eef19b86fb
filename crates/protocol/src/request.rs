//! The neutral request: what routing needs to know, beside the bytes as they came.

use std::fmt;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use thiserror::Error;
use waymark_types::Dialect;

use crate::fim::Fim;
use crate::json;
use crate::spoken::{Ends, Spoken};

/// A request in neutral form.
#[derive(Debug, Clone)]
pub struct Request {
    /// The client's dialect.
    pub dialect: Dialect,
    /// The model the client asked for.
    pub model: String,
    /// Whether it asked for a stream.
    pub stream: bool,
    /// How many tools the model may call.
    pub tools: usize,
    /// How many messages the conversation has.
    pub messages: usize,
    /// The code around the cursor, for completions.
    pub fim: Option<Fim>,
    /// How many texts are to be embedded.
    pub inputs: usize,
    /// Nothing is to be written: the client only wants the model, or its cache, to be ready.
    pub warm_up: bool,
    /// Whether the body is a form, where a name stands as it is.
    pub(crate) is_form: bool,
    raw: Bytes,
    spoken: Spoken,
    /// Where the body names the model, in order; nowhere where only the address does.
    model_spans: Vec<Range<usize>>,
}

/// The request cannot be read.
#[derive(Debug, Error)]
pub enum ParseError {
    /// The body is not JSON, or a field has the wrong type.
    #[error("could not read the request body: {0}")]
    Json(#[from] serde_json::Error),
    /// The body is empty.
    #[error("the request body is empty; send a JSON object")]
    Empty,
    /// The body is no text.
    #[error("the request body is not valid UTF-8 from byte {0} on")]
    Encoding(usize),
    /// The body is something else.
    #[error("the request body is no JSON object; send one")]
    NoObject,
    /// A field's value cannot be read, told in the value's own words.
    #[error("`{field}`: {problem}")]
    Value {
        /// The field's name.
        field: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
    /// A field's value is not one this endpoint takes.
    #[error("`{field}`: {problem}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl ParseError {
    /// Where the request is wrong, without a word of the request itself.
    pub fn place(&self) -> String {
        match self {
            Self::Json(error) => {
                format!("the request cannot be read from line {} column {} on", error.line(), error.column())
            }
            Self::Empty => "the request body is empty".to_owned(),
            Self::Encoding(_) | Self::NoObject => self.to_string(),
            Self::Value { field, .. } => format!("`{field}` cannot be read"),
            Self::Field { field, problem } => format!("`{field}`: {problem}"),
        }
    }
}

impl Request {
    /// The body as it came.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// A request whose model is known. A body that names it does so at `model_spans`.
    pub(crate) fn addressed(
        dialect: Dialect,
        raw: &Bytes,
        model: String,
        model_spans: Vec<Range<usize>>,
    ) -> Self {
        let (raw, fim) = (raw.clone(), None);
        let (stream, tools, messages, inputs, warm_up, is_form) = (false, 0, 0, 0, false, false);
        let spoken = Spoken::default();
        Self {
            dialect,
            model,
            stream,
            tools,
            messages,
            fim,
            inputs,
            warm_up,
            is_form,
            raw,
            spoken,
            model_spans,
        }
    }

    pub(crate) fn spoken(&self) -> &Spoken {
        &self.spoken
    }

    pub(crate) fn spoken_mut(&mut self) -> &mut Spoken {
        &mut self.spoken
    }

    /// The body for an upstream that speaks the same dialect: the bytes as they came, but for the model's name
    /// (promise 3). Where only the address names the model, the body is as it came.
    pub fn body_for(&self, model: &str) -> Bytes {
        if model == self.model || self.model_spans.is_empty() {
            return self.raw.clone();
        }
        let name = match self.dialect {
            _ if self.is_form => model.to_owned(),
            // Tuned models have a collection of their own.
            Dialect::Gemini | Dialect::GeminiEmbed if !model.contains('/') => {
                quoted(&format!("models/{model}"))
            }
            _ => quoted(model),
        };
        let mut body = BytesMut::with_capacity(self.raw.len() + self.model_spans.len() * name.len());
        let mut copied = 0;
        for span in &self.model_spans {
            body.extend_from_slice(&self.raw[copied..span.start]);
            body.extend_from_slice(name.as_bytes());
            copied = span.end;
        }
        body.extend_from_slice(&self.raw[copied..]);
        body.freeze()
    }
}

/// Whether a body can be what all but forms are. Lists would otherwise be taken for objects without names, and bytes
/// that are no text would reach a provider wherever no field is read.
pub(crate) fn is_object(raw: &[u8]) -> Result<(), ParseError> {
    let text = std::str::from_utf8(raw).map_err(|error| ParseError::Encoding(error.valid_up_to()))?;
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => Ok(()),
        Some(_) => Err(ParseError::NoObject),
        None => Err(ParseError::Empty),
    }
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

/// Where in `raw` a value stands that was read from it: a raw value is a slice of its input, so its place is the
/// difference of the addresses.
pub(crate) fn span(raw: &Bytes, value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr() as usize - raw.as_ptr() as usize;
    start..start + value.get().len()
}

/// The fields that dialects share.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    model: Option<&'a RawValue>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    tools: Option<Count>,
    #[serde(default, borrow)]
    messages: Option<Ends<'a>>,
    #[serde(default, borrow)]
    system: Option<&'a RawValue>,
    #[serde(default, borrow)]
    instructions: Option<&'a RawValue>,
    #[serde(default, borrow)]
    prompt_cache_key: Option<&'a RawValue>,
    #[serde(default, borrow)]
    conversation: Option<&'a RawValue>,
    #[serde(default, borrow)]
    metadata: Option<&'a RawValue>,
}

/// How many items a list has. None is kept: a list may have as many as its body has bytes.
#[derive(Default)]
struct Count(usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Count, A::Error> {
                let mut count = 0;
                while items.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Count(count))
            }
        }

        deserializer.deserialize_seq(Items)
    }
}

/// Reads what all dialects share; a dialect's module adds the rest.
pub(crate) fn envelope(dialect: Dialect, raw: &Bytes) -> Result<Request, ParseError> {
    named(envelope_or(dialect, raw, false)?)
}

/// The same for dialects that need not name a model: who names none gets what the route `auto` chooses.
pub(crate) fn unnamed_envelope(dialect: Dialect, raw: &Bytes) -> Result<Request, ParseError> {
    let mut request = envelope_or(dialect, raw, false)?;
    // An editor that is set up without a model sends an empty name.
    if request.model.is_empty() {
        request.model = "auto".to_owned();
    }
    Ok(request)
}

fn named(request: Request) -> Result<Request, ParseError> {
    if request.model_spans.is_empty() {
        return Err(ParseError::Json(serde::de::Error::missing_field("model")));
    }
    Ok(request)
}

/// The same for dialects that stream unless told not to.
pub(crate) fn streaming_envelope(dialect: Dialect, raw: &Bytes) -> Result<Request, ParseError> {
    named(envelope_or(dialect, raw, true)?)
}

fn envelope_or(dialect: Dialect, raw: &Bytes, stream: bool) -> Result<Request, ParseError> {
    let envelope: Envelope<'_> = serde_json::from_slice(raw)?;
    let model = envelope.model.map(|model| json::parse::<String>(model, "model")).transpose()?;
    let at = |value: Option<&RawValue>| value.map(|value| span(raw, value));
    let messages = envelope.messages.unwrap_or_default();
    Ok(Request {
        dialect,
        model: model.unwrap_or_default(),
        stream: envelope.stream.unwrap_or(stream),
        tools: envelope.tools.unwrap_or_default().0,
        messages: messages.count,
        spoken: Spoken {
            system: at(envelope.system.or(envelope.instructions)),
            key: at(envelope.prompt_cache_key.or(envelope.conversation)),
            metadata: at(envelope.metadata),
            ..Spoken::of(&messages, raw)
        },
        fim: None,
        inputs: 0,
        warm_up: false,
        is_form: false,
        model_spans: envelope.model.map(|model| span(raw, model)).into_iter().collect(),
        raw: raw.clone(),
    })
}

/// Requires the conversation that chat endpoints are about.
pub(crate) fn conversation(dialect: Dialect, raw: &Bytes) -> Result<Request, ParseError> {
    let request = envelope(dialect, raw)?;
    if request.messages == 0 {
        let problem = "missing or empty; send at least one message".to_owned();
        return Err(ParseError::Field { field: "messages", problem });
    }
    Ok(request)
}
