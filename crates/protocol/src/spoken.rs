//! What a conversation says at its ends, and the key its client gave it: read from their places in the request's
//! bytes, and only where someone asks.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::request::{Request, span};

/// How many messages are looked through for instructions and the user's first words, and from the end for the last:
/// agents add notes of their own around them.
const OPENING: usize = 16;
const LATEST: usize = 3;

/// A list, of which the ends are kept: it may have as many items as its body has bytes.
#[derive(Default)]
pub(crate) struct Ends<'a> {
    /// How many items there are.
    pub(crate) count: usize,
    opening: Vec<&'a RawValue>,
    latest: VecDeque<&'a RawValue>,
}

impl<'a> Ends<'a> {
    /// Adds the next item.
    pub(crate) fn push(&mut self, item: &'a RawValue) {
        self.count += 1;
        if self.opening.len() < OPENING {
            self.opening.push(item);
        }
        if self.latest.len() == LATEST {
            self.latest.pop_front();
        }
        self.latest.push_back(item);
    }
}

impl<'a> FromIterator<&'a RawValue> for Ends<'a> {
    fn from_iter<T: IntoIterator<Item = &'a RawValue>>(items: T) -> Self {
        let mut ends = Self::default();
        items.into_iter().for_each(|item| ends.push(item));
        ends
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Ends<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Ends<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Ends<'de>, A::Error> {
                let mut ends = Ends::default();
                while let Some(item) = items.next_element()? {
                    ends.push(item);
                }
                Ok(ends)
            }
        }

        deserializer.deserialize_seq(Items)
    }
}

/// Where a request's body has its conversation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spoken {
    /// Instructions that are a field of their own.
    pub(crate) system: Option<Range<usize>>,
    /// The first messages, items or contents.
    pub(crate) opening: Vec<Range<usize>>,
    /// The last ones, in their order.
    pub(crate) latest: Vec<Range<usize>>,
    /// `prompt_cache_key`, or the id that Responses keep a conversation under.
    pub(crate) key: Option<Range<usize>>,
    /// Anthropic's `metadata`.
    pub(crate) metadata: Option<Range<usize>>,
}

impl Spoken {
    /// A conversation of these messages.
    pub(crate) fn of(messages: &Ends<'_>, raw: &Bytes) -> Self {
        let opening = messages.opening.iter().map(|message| span(raw, message)).collect();
        let latest = messages.latest.iter().map(|message| span(raw, message)).collect();
        Self { opening, latest, ..Self::default() }
    }
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    System,
    User,
    Other,
}

/// A message of any dialect.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(default, borrow)]
    role: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    content: Option<Content<'a>>,
    /// Gemini's name for them.
    #[serde(default, borrow)]
    parts: Option<Content<'a>>,
}

/// Text as such, or in blocks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Blocks(#[serde(borrow)] Vec<Block<'a>>),
    One(#[serde(borrow)] Block<'a>),
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(default, borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    parts: Option<Vec<Block<'a>>>,
}

impl Request {
    /// The texts of the instructions that the conversation opens with, block by block.
    pub fn instructions(&self) -> Vec<Cow<'_, str>> {
        let spoken = self.spoken();
        let own = spoken.system.iter().filter_map(|place| self.read::<Content<'_>>(place)).flat_map(texts);
        let opening = spoken.opening.iter().map_while(|place| match self.message(place)? {
            (Voice::System, texts) => Some(texts),
            _ => None,
        });
        own.chain(opening.flatten()).collect()
    }

    /// The texts of the first words of the user, block by block.
    pub fn first_words(&self) -> Vec<Cow<'_, str>> {
        self.of_user(self.spoken().opening.iter())
    }

    /// The texts of the last words of the user, block by block; empty where the conversation ends on something else.
    pub fn last_words(&self) -> Vec<Cow<'_, str>> {
        self.of_user(self.spoken().latest.iter().rev())
    }

    /// The key that the body gives the conversation, where its client gives one.
    pub fn conversation_key(&self) -> Option<Cow<'_, str>> {
        let spoken = self.spoken();
        let named = spoken.key.as_ref().and_then(|place| self.read::<Named<'_>>(place)).and_then(Named::name);
        named.or_else(|| spoken.metadata.as_ref().and_then(|place| self.session_of_user(place)))
    }

    /// The session that Claude Code puts into the user's id: as JSON, in earlier versions behind `_session_`. Any
    /// other id names the user and no conversation.
    fn session_of_user(&self, metadata: &Range<usize>) -> Option<Cow<'_, str>> {
        #[derive(Deserialize)]
        struct Metadata<'a> {
            #[serde(borrow)]
            user_id: Cow<'a, str>,
        }
        #[derive(Deserialize)]
        struct User {
            session_id: String,
        }
        let user = self.read::<Metadata<'_>>(metadata)?.user_id;
        let session = match serde_json::from_str::<User>(&user) {
            Ok(user) => user.session_id,
            Err(_) => user.rsplit_once("_session_")?.1.to_owned(),
        };
        (!session.is_empty()).then_some(Cow::Owned(session))
    }

    fn of_user<'a>(&'a self, mut turns: impl Iterator<Item = &'a Range<usize>>) -> Vec<Cow<'a, str>> {
        let said = turns.find_map(|place| match self.message(place)? {
            (Voice::User, texts) if !texts.is_empty() => Some(texts),
            _ => None,
        });
        said.unwrap_or_default()
    }

    fn message(&self, place: &Range<usize>) -> Option<(Voice, Vec<Cow<'_, str>>)> {
        // `input` may be a text as such, which the user says.
        if self.raw().get(place.start) == Some(&b'"') {
            return Some((Voice::User, vec![self.read(place)?]));
        }
        let message: Message<'_> = self.read(place)?;
        let voice = match message.role.as_deref() {
            Some("system" | "developer") => Voice::System,
            Some("user") => Voice::User,
            _ => Voice::Other,
        };
        Some((voice, message.content.or(message.parts).map(texts).unwrap_or_default()))
    }

    fn read<'a, T: Deserialize<'a>>(&'a self, place: &Range<usize>) -> Option<T> {
        serde_json::from_slice(self.raw().get(place.clone())?).ok()
    }
}

/// A key as such, or as an object that has it as its id.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named<'a> {
    Name(#[serde(borrow)] Cow<'a, str>),
    Object {
        #[serde(borrow)]
        id: Cow<'a, str>,
    },
}

impl<'a> Named<'a> {
    fn name(self) -> Option<Cow<'a, str>> {
        let (Self::Name(name) | Self::Object { id: name }) = self;
        (!name.is_empty()).then_some(name)
    }
}

fn texts(content: Content<'_>) -> Vec<Cow<'_, str>> {
    match content {
        Content::Text(text) => vec![text],
        Content::Blocks(blocks) => blocks.into_iter().flat_map(block).collect(),
        Content::One(one) => block(one).collect(),
    }
}

fn block(block: Block<'_>) -> impl Iterator<Item = Cow<'_, str>> {
    let inner = block.parts.into_iter().flatten().filter_map(|part| part.text);
    block.text.into_iter().chain(inner)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use waymark_types::Dialect;

    use super::*;
    use crate::Addressed;

    fn request(dialect: Dialect, body: &Value) -> Request {
        let addressed = Addressed { model: Some("m".to_owned()), ..Addressed::default() };
        crate::parse(dialect, &Bytes::from(body.to_string()), &addressed).unwrap()
    }

    #[test]
    fn every_dialect_tells_how_it_opens_and_what_was_said_last() {
        let messages = json!([
            {"role": "user", "content": "first \"words\""},
            {"role": "assistant", "content": "answer"},
            {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "last"}]},
            {"role": "system", "content": "a note"},
        ]);
        let mut instructed = messages.clone();
        instructed.as_array_mut().unwrap().insert(0, json!({"role": "system", "content": "be brief"}));
        let item = |role: &str, text: &str| json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]});
        for (dialect, body) in [
            (
                Dialect::AnthropicMessages,
                json!({"model": "m", "system": [{"type": "text", "text": "be brief"}], "messages": messages}),
            ),
            (Dialect::OpenAiChat, json!({"model": "m", "messages": instructed})),
            (Dialect::OllamaChat, json!({"model": "m", "messages": instructed})),
            (
                Dialect::OpenAiResponses,
                json!({"model": "m", "instructions": "be brief", "input": [
                    {"type": "additional_tools", "tools": []},
                    item("user", "first \"words\""), {"type": "reasoning"}, item("user", "last"),
                ]}),
            ),
            (
                Dialect::Gemini,
                json!({"systemInstruction": {"parts": [{"text": "be brief"}]}, "contents": [
                    {"role": "user", "parts": [{"text": "first \"words\""}]},
                    {"role": "model", "parts": [{"text": "answer"}]},
                    {"role": "user", "parts": [{"functionResponse": {}}, {"text": "last"}]},
                ]}),
            ),
        ] {
            let request = request(dialect, &body);
            assert_eq!(request.instructions(), ["be brief"], "{dialect}");
            assert_eq!(request.first_words(), ["first \"words\""], "{dialect}");
            assert_eq!(request.last_words(), ["last"], "{dialect}");
        }
    }

    #[test]
    fn of_a_long_conversation_only_the_ends_are_kept() {
        let turns: Vec<Value> =
            (0..1_000).map(|n| json!({"role": "user", "content": format!("turn {n}")})).collect();
        let long = request(Dialect::OpenAiChat, &json!({"model": "m", "messages": turns}));
        assert_eq!(
            (long.messages, long.first_words(), long.last_words()),
            (1_000, vec!["turn 0".into()], vec!["turn 999".into()])
        );
        assert_eq!((long.spoken().opening.len(), long.spoken().latest.len()), (OPENING, LATEST));
    }

    #[test]
    fn instructions_are_read_up_to_the_first_other_voice() {
        let input = json!([
            {"role": "developer", "content": "one"}, {"role": "developer", "content": "two"},
            {"role": "user", "content": "hello"}, {"role": "developer", "content": "three"},
        ]);
        let said = request(Dialect::OpenAiResponses, &json!({"model": "m", "input": input}));
        assert_eq!(said.instructions(), ["one", "two"]);
        let said = request(Dialect::OpenAiResponses, &json!({"model": "m", "input": "just text"}));
        assert_eq!((said.instructions().len(), said.first_words()), (0, vec!["just text".into()]));
    }

    #[test]
    fn a_conversation_is_named_by_its_cache_key_or_by_the_session_in_its_user() {
        let turn = json!([{"role": "user", "content": "hello"}]);
        let chat = |key: &str, value: Value| {
            request(Dialect::OpenAiChat, &json!({"model": "m", "messages": turn, key: value}))
        };
        assert_eq!(chat("prompt_cache_key", json!("k1")).conversation_key().as_deref(), Some("k1"));
        assert_eq!(chat("prompt_cache_key", json!("")).conversation_key(), None);
        assert_eq!(chat("prompt_cache_key", json!(7)).conversation_key(), None);
        assert_eq!(chat("user", json!("me")).conversation_key(), None, "a user is no conversation");
        for conversation in [json!("c1"), json!({"id": "c1"})] {
            let body = json!({"model": "m", "input": "hello", "conversation": conversation});
            let said = request(Dialect::OpenAiResponses, &body);
            assert_eq!(said.conversation_key().as_deref(), Some("c1"));
        }
        let message = |user: &str| {
            let body = json!({"model": "m", "messages": turn, "metadata": {"user_id": user}});
            request(Dialect::AnthropicMessages, &body).conversation_key().map(Cow::into_owned)
        };
        let now = r#"{"device_id":"d","account_uuid":"","session_id":"s1"}"#;
        assert_eq!(message(now).as_deref(), Some("s1"));
        assert_eq!(message("user_ab_account__session_s2").as_deref(), Some("s2"));
        assert_eq!(message("somebody"), None);
    }
}
