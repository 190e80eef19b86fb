//! What routing needs of a request beside the fields that all dialects share, read in one pass over the bytes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use crate::request::{ParseError, Request};

#[derive(Deserialize)]
struct Shape {
    #[serde(default)]
    input: Input,
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

/// How many items the conversation has, and how many tools they declare.
#[derive(Default)]
struct Input {
    items: usize,
    tools: usize,
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Input;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text or a list of items in `input`")
            }

            fn visit_unit<E: Error>(self) -> Result<Input, E> {
                Ok(Input::default())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Input, E> {
                Ok(Input { items: usize::from(!text.is_empty()), tools: 0 })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Input, A::Error> {
                let mut input = Input::default();
                while let Some(item) = items.next_element::<Item>()? {
                    input.items += 1;
                    input.tools += count(item.tools.as_deref());
                }
                Ok(input)
            }
        }

        deserializer.deserialize_any(Items)
    }
}

fn count(tools: Option<&[Declared]>) -> usize {
    tools.unwrap_or_default().iter().map(|tool| tool.tools.as_ref().map_or(1, Vec::len)).sum()
}

/// Adds what `raw` says to what all dialects share.
pub(super) fn complete(mut request: Request) -> Result<Request, ParseError> {
    let shape: Shape = serde_json::from_slice(request.raw())?;
    request.tools = count(shape.tools.as_deref()) + shape.input.tools;
    request.messages = shape.input.items;
    let kept = [shape.previous_response_id, shape.conversation, shape.prompt];
    if request.messages == 0 && kept.iter().all(Option::is_none) {
        let problem = "missing or empty; send text or a list of items".to_owned();
        return Err(ParseError::Field { field: "input", problem });
    }
    Ok(request)
}
