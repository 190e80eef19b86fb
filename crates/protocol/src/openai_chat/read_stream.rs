//! Reads a stream.
//!
//! Chunks name no blocks, so these are made here: text opens a block, a call opens another. The first call's arguments
//! pass as they come. Whatever else comes while a call is open (another call's pieces, text) waits until the finish
//! reason says that no more pieces can come, since only then is it certain that the call is whole.

use serde::Deserialize;
use serde_json::Value;
use waymark_types::Usage;

use super::reply::{Says, stop};
use super::wire::{Call, Content, Detail, Message};
use super::{error, parts};
use crate::dialogue::EventReader;
use crate::neutral::{Block, Event, Stop};
use crate::openai::Tokens;
use crate::sse::Frame;

#[derive(Deserialize)]
struct Chunk {
    id: Option<String>,
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<Tokens>,
    #[serde(default)]
    error: Value,
}

impl Chunk {
    /// Nothing that a chunk says is here.
    fn is_silent(&self) -> bool {
        self.choices.is_none() && self.usage.is_none()
    }
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Message>,
    finish_reason: Option<String>,
    #[serde(default)]
    stop_reason: Value,
    #[serde(default)]
    error: Value,
}

/// Reads one stream.
#[derive(Default)]
pub(super) struct Reader {
    blocks: Blocks,
    started: bool,
    over: bool,
    usage: Usage,
    stop: Option<Stop>,
}

impl EventReader for Reader {
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event> {
        let data = frame.data.trim_ascii();
        match data {
            _ if self.over => Vec::new(),
            // Comments keep the connection open.
            b"" => vec![Event::Ping],
            b"[DONE]" => self.end(),
            _ => match serde_json::from_slice::<Chunk>(data) {
                Ok(chunk) if frame.event != Some("error") && !chunk.is_silent() => self.chunk(chunk),
                Ok(_) => self.no_chunk(data, frame.event == Some("error")),
                Err(problem) => {
                    self.failed((None, format!("a piece of the stream could not be read: {problem}")))
                }
            },
        }
    }

    fn finish(&mut self) -> Vec<Event> {
        if self.over {
            return Vec::new();
        }
        if self.stop.is_some() {
            // Some servers leave `[DONE]` out.
            return self.end();
        }
        self.over = true;
        // Usage stands behind blocks, and one that is open was cut off.
        let is_behind = self.started && self.blocks.open.is_none();
        self.known_usage().filter(|_| is_behind).into_iter().collect()
    }
}

impl Reader {
    fn chunk(&mut self, chunk: Chunk) -> Vec<Event> {
        let choices = chunk.choices.unwrap_or_default();
        let choice = choices.into_iter().find(|choice| choice.index == 0);
        let fault = choice.as_ref().map_or(&Value::Null, |choice| &choice.error);
        for wrong in [&chunk.error, fault] {
            if !wrong.is_null() {
                return self.failed(error(wrong));
            }
        }
        let stated = |word: Option<String>| word.filter(|word| !word.is_empty());
        let (id, model) = (stated(chunk.id), stated(chunk.model));
        // Azure's first chunk is about the prompt and names nothing.
        if !self.started && (choice.is_some() || id.is_some()) {
            self.started = true;
            self.blocks.events.push(Event::Start { id, model });
        }
        if let Some(tokens) = chunk.usage {
            self.usage.update(&tokens.into());
        }
        if let Some(choice) = choice {
            if let Some(delta) = choice.delta {
                self.blocks.delta(delta);
            }
            if let Some(word) = choice.finish_reason.filter(|word| !word.is_empty()) {
                self.blocks.settle();
                self.stop = Some(stop(&word, &choice.stop_reason, self.blocks.says));
            }
        }
        std::mem::take(&mut self.blocks.events)
    }

    /// The end of a whole answer. Usage and the stop wait until here, for usage comes behind the finish reason.
    fn end(&mut self) -> Vec<Event> {
        self.over = true;
        if !self.started {
            self.blocks.events.push(Event::Start { id: None, model: None });
        }
        self.blocks.settle();
        let mut events = std::mem::take(&mut self.blocks.events);
        events.extend(self.known_usage());
        events.extend(self.stop.take().map(|stop| Event::Stop { stop }));
        events.push(Event::End);
        events
    }

    fn known_usage(&self) -> Option<Event> {
        (self.usage != Usage::default()).then_some(Event::Usage { usage: self.usage })
    }

    fn failed(&mut self, (code, message): (Option<String>, String)) -> Vec<Event> {
        self.over = true;
        vec![Event::Error { code, message }]
    }

    /// JSON that is no chunk: an error whose members stand without `error` around them, or nothing.
    fn no_chunk(&mut self, data: &[u8], named: bool) -> Vec<Event> {
        let value: Value = serde_json::from_slice(data).unwrap_or_default();
        let inner = value.get("error").filter(|inner| !inner.is_null());
        let told =
            named || inner.is_some() || value.get("message").is_some() || value.get("detail").is_some();
        if told { self.failed(error(inner.unwrap_or(&value))) } else { Vec::new() }
    }
}

/// What is being said now.
enum Open {
    Text,
    Refusal,
    Thinking { text: String, signed: bool },
    Call(usize),
}

/// What is said once the open call is whole.
enum Later {
    Text(String),
    Refusal(String),
    Thinking(Detail),
    Call(usize),
}

/// A call, as far as it has come.
struct Pieces {
    /// Its number on the wire; some servers use one for several calls.
    index: Option<u64>,
    id: String,
    name: String,
    signature: Option<String>,
    /// Arguments that could not be passed on yet.
    held: String,
}

/// Makes blocks out of deltas.
#[derive(Default)]
struct Blocks {
    events: Vec<Event>,
    next: usize,
    open: Option<Open>,
    calls: Vec<Pieces>,
    later: Vec<Later>,
    says: Says,
}

impl Blocks {
    fn delta(&mut self, mut delta: Message) {
        let details = delta.take_details();
        let plain = delta.take_reasoning();
        let told = plain.is_some();
        if let Some(text) = plain {
            self.thinking(Detail::plain(text));
        }
        for mut detail in details {
            if told {
                // The same text again.
                detail.take_text();
            }
            self.thinking(detail);
        }
        match delta.content.take() {
            None => {}
            Some(Content::Text(text)) => self.text(text),
            Some(content) => self.content(content),
        }
        if let Some(text) = delta.refusal.take() {
            self.refusal(text);
        }
        for call in delta.tool_calls.take().into_iter().flatten() {
            self.call(call);
        }
        if let Some(function) = delta.function_call.take() {
            self.call(Call::legacy(function));
        }
    }

    /// Mistral's models send parts.
    fn content(&mut self, content: Content) {
        let mut blocks = Vec::new();
        parts::read(Some(content), &mut blocks, &mut Vec::new());
        for block in blocks {
            match block {
                Block::Text { text, .. } => self.text(text),
                Block::Refusal { text } => self.refusal(text),
                Block::Thinking { text, .. } => self.thinking(Detail::plain(text)),
                _ => {}
            }
        }
    }

    /// Whether a call is open, behind which everything else waits.
    fn calling(&self) -> bool {
        matches!(self.open, Some(Open::Call(_)))
    }

    fn text(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        if self.calling() {
            match self.later.last_mut() {
                Some(Later::Text(held)) => held.push_str(&text),
                _ => self.later.push(Later::Text(text)),
            }
            return;
        }
        if !matches!(self.open, Some(Open::Text)) {
            let index = self.open(Open::Text);
            self.events.push(Event::TextStart { index });
        }
        self.events.push(Event::TextDelta { index: self.current(), text });
    }

    fn refusal(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        self.says.refusal = true;
        if self.calling() {
            match self.later.last_mut() {
                Some(Later::Refusal(held)) => held.push_str(&text),
                _ => self.later.push(Later::Refusal(text)),
            }
            return;
        }
        if !matches!(self.open, Some(Open::Refusal)) {
            let index = self.open(Open::Refusal);
            self.events.push(Event::RefusalStart { index });
        }
        self.events.push(Event::RefusalDelta { index: self.current(), text });
    }

    fn thinking(&mut self, mut detail: Detail) {
        if self.calling() {
            self.later.push(Later::Thinking(detail));
            return;
        }
        if let Some(data) = detail.take_data() {
            self.close();
            let index = self.next;
            self.next += 1;
            self.events.push(Event::RedactedThinking { index, data });
            return;
        }
        let mut text = detail.take_text();
        let signature = detail.take_signature();
        if text.is_empty() && signature.is_none() {
            return;
        }
        match &self.open {
            // A signature may come with the whole text once more.
            Some(Open::Thinking { text: so_far, .. }) if signature.is_some() && *so_far == text => {
                text.clear();
            }
            Some(Open::Thinking { signed: false, .. }) => {}
            _ => {
                let index = self.open(Open::Thinking { text: String::new(), signed: false });
                self.events.push(Event::ThinkingStart { index, id: detail.id.take() });
            }
        }
        let index = self.current();
        if let Some(Open::Thinking { text: so_far, signed }) = &mut self.open {
            so_far.push_str(&text);
            *signed |= signature.is_some();
        }
        if !text.is_empty() {
            self.events.push(Event::ThinkingDelta { index, text });
        }
        self.events.extend(signature.map(|signature| Event::ThinkingSignature { index, signature }));
    }

    fn call(&mut self, mut call: Call) {
        self.says.calls = true;
        let (place, waits) = (self.place(&call), self.calling());
        let signature = call.signature();
        let mut function = call.function.take().unwrap_or_default();
        let arguments = function.take_arguments();
        let pieces = &mut self.calls[place];
        pieces.signature = signature.or(pieces.signature.take());
        if let Some(name) = function.name.filter(|_| pieces.name.is_empty()) {
            pieces.name = name;
        }
        if let Some(id) = call.id.filter(|id| !id.is_empty()) {
            pieces.id = id;
        }
        if matches!(self.open, Some(Open::Call(open)) if open == place) {
            self.arguments(arguments);
            return;
        }
        pieces.held.push_str(&arguments);
        // A call opens when its name is known.
        if !waits && !pieces.name.is_empty() {
            self.later.retain(|later| !matches!(later, Later::Call(waiting) if *waiting == place));
            self.open_call(place);
        }
    }

    /// Which call a piece belongs to: the latest of its number, unless its id says that it is another.
    fn place(&mut self, call: &Call) -> usize {
        let id = call.id.as_deref().filter(|id| !id.is_empty());
        let same_number = |pieces: &Pieces| call.index.is_none() || pieces.index == call.index;
        let same_id = |pieces: &Pieces| id.is_none_or(|id| pieces.id.is_empty() || pieces.id == id);
        if let Some(place) = self.calls.iter().rposition(|pieces| same_number(pieces) && same_id(pieces)) {
            return place;
        }
        let place = self.calls.len();
        self.calls.push(Pieces {
            index: call.index,
            id: String::new(),
            name: String::new(),
            signature: None,
            held: String::new(),
        });
        self.later.push(Later::Call(place));
        place
    }

    fn open_call(&mut self, place: usize) {
        let index = self.open(Open::Call(place));
        let pieces = &mut self.calls[place];
        if pieces.id.is_empty() {
            pieces.id = format!("call_0_{place}");
        }
        self.events.push(Event::ToolCallStart {
            index,
            id: pieces.id.clone(),
            name: pieces.name.clone(),
            signature: pieces.signature.take(),
        });
        let held = std::mem::take(&mut pieces.held);
        self.arguments(held);
    }

    fn arguments(&mut self, arguments: String) {
        if !arguments.is_empty() {
            self.events.push(Event::ToolCallDelta { index: self.current(), arguments });
        }
    }

    /// Says everything that waited: no more pieces can come.
    fn settle(&mut self) {
        self.close();
        for later in std::mem::take(&mut self.later) {
            match later {
                Later::Text(text) => self.text(text),
                Later::Refusal(text) => self.refusal(text),
                Later::Thinking(detail) => self.thinking(detail),
                Later::Call(place) => {
                    self.open_call(place);
                    self.close();
                }
            }
        }
        self.close();
    }

    fn open(&mut self, open: Open) -> usize {
        self.close();
        self.open = Some(open);
        self.next += 1;
        self.current()
    }

    fn current(&self) -> usize {
        self.next.saturating_sub(1)
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.events.push(Event::BlockEnd { index: self.current() });
        }
    }
}
