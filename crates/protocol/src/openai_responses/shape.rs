//! What routing needs of a request beside the fields that all dialects share, read in one pass over the bytes.

use std::fmt;

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::request::{ParseError, Request};
use crate::spoken::{Ends, Spoken};

#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(default, borrow)]
    input: Input<'a>,
    tools: Option<Vec<Declared>>,
    previous_response_id: Option<IgnoredAny>,
    conversation: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
}

/// A tool, or a group of them.
#[derive(Deserialize)]
struct Declared {
    tools: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
struct Item {
    /// Tools declared in the middle of the conversation.
    #[serde(default)]
    tools: Option<Vec<Declared>>,
}

/// The conversation's items, and how many tools they declare.
#[derive(Default)]
enum Input<'a> {
    #[default]
    Nothing,
    Text,
    Items {
        items: Ends<'a>,
        tools: usize,
    },
}

impl<'de: 'a, 'a> Deserialize<'de> for Input<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Input<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of items in `input`")
            }

            fn visit_unit<E: Error>(self) -> Result<Input<'de>, E> {
                Ok(Input::Nothing)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Input<'de>, E> {
                Ok(if text.is_empty() { Input::Nothing } else { Input::Text })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Input<'de>, A::Error> {
                let (mut items, mut tools) = (Ends::default(), 0);
                while let Some(item) = seq.next_element::<&RawValue>()? {
                    tools += declared_in(item).map_err(A::Error::custom)?;
                    items.push(item);
                }
                Ok(Input::Items { items, tools })
            }
        }

        deserializer.deserialize_any(Items)
    }
}

/// How many tools an item declares. Most items are not looked into.
fn declared_in(item: &RawValue) -> Result<usize, serde_json::Error> {
    let text = item.get();
    if text.starts_with('{') && memmem::find(text.as_bytes(), b"\"tools\"").is_none() {
        return Ok(0);
    }
    Ok(count(serde_json::from_str::<Item>(text)?.tools.as_deref()))
}

fn count(tools: Option<&[Declared]>) -> usize {
    tools.unwrap_or_default().iter().map(|tool| tool.tools.as_ref().map_or(1, Vec::len)).sum()
}

/// Adds what `raw` says to what all dialects share.
pub(super) fn complete(mut request: Request) -> Result<Request, ParseError> {
    let raw = request.raw().clone();
    let shape: Shape<'_> = serde_json::from_slice(&raw)?;
    request.tools = count(shape.tools.as_deref());
    let items = match shape.input {
        Input::Nothing => Ends::default(),
        Input::Text => text_of(&raw)?,
        Input::Items { items, tools } => {
            request.tools += tools;
            items
        }
    };
    request.messages = items.count;
    let Spoken { opening, latest, .. } = Spoken::of(&items, &raw);
    let spoken = request.spoken_mut();
    (spoken.opening, spoken.latest) = (opening, latest);
    let kept = [shape.previous_response_id, shape.conversation, shape.prompt];
    if request.messages == 0 && kept.iter().all(Option::is_none) {
        let problem = "missing or empty; send text or a list of items".to_owned();
        return Err(ParseError::Field { field: "input", problem });
    }
    Ok(request)
}

/// `input`, which is a text as such.
fn text_of(raw: &Bytes) -> Result<Ends<'_>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Text<'a> {
        #[serde(borrow)]
        input: &'a RawValue,
    }
    Ok(std::iter::once(serde_json::from_slice::<Text<'_>>(raw)?.input).collect())
}
