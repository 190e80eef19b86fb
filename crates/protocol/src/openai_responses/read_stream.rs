//! Reads a stream.
//!
//! Blocks of the neutral form come one after another. Items here may overlap, so each has a slot: the first slot that
//! is still open passes on what comes, those behind it wait.

use std::collections::{HashSet, VecDeque};

use serde_json::Value;

use super::carried::{Carried, own};
use super::output::{Items, built_in_call, call, call_id, reasoning_text};
use super::read_reply::{self, Said, stop};
use super::wire::{kind, list, read_usage, text, word};
use crate::dialogue::EventReader;
use crate::neutral::Event;
use crate::sse::Frame;

/// What a block is.
#[derive(Debug)]
enum Kind {
    Text,
    Refusal,
    Thinking { id: Option<String> },
    Redacted { data: String },
    Call { id: String, name: String, signature: Option<String> },
}

impl Kind {
    fn takes(&self, piece: &Piece) -> bool {
        match self {
            Self::Thinking { .. } => true,
            Self::Text | Self::Refusal | Self::Call { .. } => matches!(piece, Piece::Delta(_)),
            // It came whole.
            Self::Redacted { .. } => false,
        }
    }
}

/// A piece of a block that waits for its turn.
#[derive(Debug)]
enum Piece {
    Delta(String),
    Signature(String),
}

/// A block that is not all passed on.
#[derive(Debug)]
struct Slot {
    /// The item's `output_index`.
    item: u64,
    /// The `content_index` of a message's part.
    part: u64,
    kind: Kind,
    is_open: bool,
    /// Whether it has begun to be passed on.
    has_begun: bool,
    /// Whether any of its text has come.
    has_text: bool,
    waiting: Vec<Piece>,
    /// The part that its reasoning has come to, and which number says so: the summary's or the reasoning's own.
    reasoning: Option<(&'static str, u64)>,
}

/// Reads one stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    has_begun: bool,
    has_ended: bool,
    slots: VecDeque<Slot>,
    /// The number of the first slot's block.
    index: usize,
    /// The places of blocks that are closed, so that what repeats them is not taken for new.
    closed: HashSet<(u64, u64)>,
    /// The ids of items whose events do not say their places.
    unplaced: Vec<String>,
    items: Items,
    said: Said,
    events: Vec<Event>,
}

impl EventReader for Reader {
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event> {
        if self.has_ended {
            return Vec::new();
        }
        if let Ok(event) = serde_json::from_slice::<Value>(&frame.data) {
            let name = match kind(&event) {
                "" => frame.event.unwrap_or_default(),
                name => name,
            };
            self.event(name, &event);
        } else if frame.data.is_empty() {
            self.events.push(Event::Ping);
        }
        std::mem::take(&mut self.events)
    }

    /// A stream that is whole ends with an event, so what its end leaves open was cut off.
    fn finish(&mut self) -> Vec<Event> {
        Vec::new()
    }
}

impl Reader {
    fn event(&mut self, name: &str, event: &Value) {
        let item = self.place(event);
        let part = event.get("content_index").and_then(Value::as_u64).unwrap_or(0);
        let delta = || text(event, "delta").unwrap_or_default();
        match name {
            "response.created" | "response.in_progress" => self.begin(event),
            "response.output_item.added" => self.added(item, event),
            "response.output_item.done" => self.done(item, event),
            "response.content_part.added" => self.part_added(item, part, event),
            "response.output_text.delta" => self.part_delta(item, part, Kind::Text, delta()),
            "response.refusal.delta" => self.part_delta(item, part, Kind::Refusal, delta()),
            "response.content_part.done" => {
                self.part_done(item, part, event.get("part").unwrap_or(&Value::Null));
            }
            "response.function_call_arguments.delta" => self.delta(item, 0, delta()),
            "response.custom_tool_call_input.delta" => self.delta(item, 0, &escaped(delta())),
            "response.reasoning_summary_text.delta" => self.reasoning(item, event, "summary_index"),
            "response.reasoning_text.delta" => self.reasoning(item, event, "content_index"),
            "response.completed" | "response.incomplete" => self.end(event),
            "response.failed" | "response.cancelled" | "error" => self.fail(name, event),
            "keepalive" => self.events.push(Event::Ping),
            _ => {}
        }
        self.pass_on();
    }

    /// The place of the item that an event is about; by its id where a server leaves the place out.
    fn place(&mut self, event: &Value) -> u64 {
        if let Some(place) = event.get("output_index").and_then(Value::as_u64) {
            return place;
        }
        let id = text(event, "item_id").or_else(|| text(event.get("item")?, "id")).unwrap_or_default();
        let known = self.unplaced.iter().position(|known| known == id);
        let place = known.unwrap_or_else(|| {
            self.unplaced.push(id.to_owned());
            self.unplaced.len() - 1
        });
        // Behind every place that a server could say.
        u64::from(u32::MAX) + place as u64
    }

    fn begin(&mut self, event: &Value) {
        if !std::mem::replace(&mut self.has_begun, true) {
            let response = event.get("response").unwrap_or(event);
            let field = |name| word(response, name).map(str::to_owned);
            self.events.push(Event::Start { id: field("id"), model: field("model") });
        }
    }

    fn added(&mut self, index: u64, event: &Value) {
        let Some(item) = event.get("item") else { return };
        self.open_item(index, item);
    }

    /// Opens the slot of an item that is one block; a message's parts open their own.
    fn open_item(&mut self, index: u64, item: &Value) {
        if self.slot(index, 0).is_some() || self.closed.contains(&(index, 0)) {
            return;
        }
        match kind(item) {
            "message" => {}
            "reasoning" => match word(item, "encrypted_content").and_then(Carried::read) {
                Some(Carried::Call(token)) => {
                    self.items.hold_call_token(token);
                    self.closed.insert((index, 0));
                }
                Some(Carried::Redacted(data)) => {
                    self.open(index, 0, Kind::Redacted { data: data.to_owned() });
                }
                Some(Carried::Thinking(_)) => self.open(index, 0, Kind::Thinking { id: None }),
                None => {
                    let id = word(item, "id").map(str::to_owned);
                    self.open(index, 0, Kind::Thinking { id });
                }
            },
            kind => {
                let Some((name, _)) = call(item) else { return };
                self.said.call = true;
                let signature = self.items.take_call_token();
                self.open(index, 0, Kind::Call { id: call_id(item), name, signature });
                if kind == "custom_tool_call" {
                    self.push(index, 0, Piece::Delta("{\"input\":\"".to_owned()));
                }
            }
        }
    }

    /// What an item says at its end: all that has not come before.
    fn done(&mut self, index: u64, event: &Value) {
        let Some(item) = event.get("item") else { return };
        if kind(item) == "message" {
            for (part, content) in (0..).zip(list(item, "content")) {
                self.part_done(index, part, content);
            }
        } else if !self.closed.contains(&(index, 0)) {
            self.open_item(index, item);
            let has_text = self.slot(index, 0).is_some_and(|slot| slot.has_text);
            match kind(item) {
                "reasoning" => self.reasoning_done(index, item, has_text),
                "custom_tool_call" => {
                    if !has_text {
                        self.push(index, 0, Piece::Delta(escaped(text(item, "input").unwrap_or_default())));
                    }
                    self.push(index, 0, Piece::Delta("\"}".to_owned()));
                }
                _ if !has_text || built_in_call(item).is_some() => {
                    let arguments = call(item).map(|(_, arguments)| arguments).unwrap_or_default();
                    self.delta(index, 0, &arguments);
                }
                _ => {}
            }
        }
        self.close(index);
    }

    fn reasoning_done(&mut self, index: u64, item: &Value, has_text: bool) {
        if !has_text {
            self.delta(index, 0, &reasoning_text(item));
        }
        let encrypted = word(item, "encrypted_content");
        let signature = match encrypted.and_then(Carried::read) {
            Some(Carried::Thinking(signature)) => signature.map(str::to_owned),
            Some(_) => None,
            None => encrypted.map(own),
        };
        if let Some(signature) = signature {
            self.push(index, 0, Piece::Signature(signature));
        }
    }

    fn part_added(&mut self, item: u64, part: u64, event: &Value) {
        let content = event.get("part").unwrap_or(&Value::Null);
        match kind(content) {
            "output_text" => {
                self.part_delta(item, part, Kind::Text, text(content, "text").unwrap_or_default());
            }
            "refusal" => {
                self.part_delta(item, part, Kind::Refusal, text(content, "refusal").unwrap_or_default());
            }
            _ => {}
        }
    }

    /// Text of a message's part, which opens with the first of it.
    fn part_delta(&mut self, item: u64, part: u64, kind: Kind, delta: &str) {
        if self.closed.contains(&(item, part)) {
            return;
        }
        if self.slot(item, part).is_none() {
            self.said.refusal |= matches!(kind, Kind::Refusal);
            self.open(item, part, kind);
        }
        self.delta(item, part, delta);
    }

    fn part_done(&mut self, item: u64, part: u64, content: &Value) {
        let (block, said) = match kind(content) {
            "output_text" => (Kind::Text, text(content, "text")),
            "refusal" => (Kind::Refusal, text(content, "refusal")),
            _ => return,
        };
        let has_text = self.slot(item, part).is_some_and(|slot| slot.has_text);
        self.part_delta(item, part, block, if has_text { "" } else { said.unwrap_or_default() });
        if let Some(slot) = self.slot(item, part) {
            slot.is_open = false;
            self.closed.insert((item, part));
        }
    }

    /// Reasoning comes as a summary or as it is; whichever comes first is taken. Parts of it are paragraphs.
    fn reasoning(&mut self, item: u64, event: &Value, index: &'static str) {
        let part = event.get(index).and_then(Value::as_u64).unwrap_or(0);
        let delta = text(event, "delta").unwrap_or_default();
        let place = (index, part);
        let Some(slot) = self.slot(item, 0) else { return };
        let before = slot.reasoning.replace(place);
        match before {
            Some(before) if before.0 != index => slot.reasoning = Some(before),
            Some(before) if before != place => self.delta(item, 0, &format!("\n\n{delta}")),
            _ => self.delta(item, 0, delta),
        }
    }

    fn end(&mut self, event: &Value) {
        self.begin(event);
        let response = event.get("response").unwrap_or(event);
        if self.index == 0 && self.slots.is_empty() {
            self.whole(response);
        }
        self.slots.iter_mut().for_each(|slot| slot.is_open = false);
        self.pass_on();
        if let Some(usage) = read_usage(response) {
            self.events.push(Event::Usage { usage });
        }
        self.events.push(Event::Stop { stop: stop(response, self.said) });
        self.events.push(Event::End);
        self.has_ended = true;
    }

    /// A server may put everything into the last event.
    fn whole(&mut self, response: &Value) {
        for (index, item) in (0..).zip(list(response, "output")) {
            self.done(index, &serde_json::json!({"item": item}));
        }
    }

    fn fail(&mut self, name: &str, event: &Value) {
        self.begin(event);
        let response = event.get("response").unwrap_or(event);
        let stated = response.get("error").filter(|error| !error.is_null());
        let (code, message) = read_reply::error(stated.unwrap_or(event));
        let message = if message.is_empty() { name.to_owned() } else { message };
        self.slots.clear();
        self.events.push(Event::Error { code, message });
        self.has_ended = true;
    }

    fn slot(&mut self, item: u64, part: u64) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.item == item && slot.part == part)
    }

    fn open(&mut self, item: u64, part: u64, kind: Kind) {
        if !self.has_begun {
            self.has_begun = true;
            self.events.push(Event::Start { id: None, model: None });
        }
        self.slots.push_back(Slot {
            item,
            part,
            kind,
            is_open: true,
            has_begun: false,
            has_text: false,
            waiting: Vec::new(),
            reasoning: None,
        });
    }

    fn delta(&mut self, item: u64, part: u64, delta: &str) {
        if !delta.is_empty() {
            self.push(item, part, Piece::Delta(delta.to_owned()));
            if let Some(slot) = self.slot(item, part) {
                slot.has_text = true;
            }
        }
    }

    /// Adds to a block what can be part of it: a text is not signed, even where an item claims to be another at its end.
    fn push(&mut self, item: u64, part: u64, piece: Piece) {
        if let Some(slot) = self.slot(item, part)
            && slot.kind.takes(&piece)
        {
            slot.waiting.push(piece);
        }
    }

    fn close(&mut self, item: u64) {
        for slot in self.slots.iter_mut().filter(|slot| slot.item == item && slot.is_open) {
            slot.is_open = false;
            self.closed.insert((slot.item, slot.part));
        }
    }

    /// Passes on what the first slot has, and whatever comes to the front when it is closed.
    fn pass_on(&mut self) {
        while let Some(slot) = self.slots.front_mut() {
            let index = self.index;
            if !std::mem::replace(&mut slot.has_begun, true) {
                self.events.push(start(&slot.kind, index));
            }
            for piece in slot.waiting.drain(..) {
                self.events.push(delta(&slot.kind, index, piece));
            }
            if slot.is_open {
                return;
            }
            if !matches!(slot.kind, Kind::Redacted { .. }) {
                self.events.push(Event::BlockEnd { index });
            }
            self.index += 1;
            self.slots.pop_front();
        }
    }
}

fn start(kind: &Kind, index: usize) -> Event {
    match kind {
        Kind::Text => Event::TextStart { index },
        Kind::Refusal => Event::RefusalStart { index },
        Kind::Thinking { id } => Event::ThinkingStart { index, id: id.clone() },
        Kind::Redacted { data } => Event::RedactedThinking { index, data: data.clone() },
        Kind::Call { id, name, signature } => {
            Event::ToolCallStart { index, id: id.clone(), name: name.clone(), signature: signature.clone() }
        }
    }
}

fn delta(kind: &Kind, index: usize, piece: Piece) -> Event {
    match (kind, piece) {
        (Kind::Thinking { .. } | Kind::Redacted { .. }, Piece::Delta(text)) => {
            Event::ThinkingDelta { index, text }
        }
        (Kind::Refusal, Piece::Delta(text)) => Event::RefusalDelta { index, text },
        (Kind::Call { .. }, Piece::Delta(arguments)) => Event::ToolCallDelta { index, arguments },
        (Kind::Text, Piece::Delta(text)) => Event::TextDelta { index, text },
        (_, Piece::Signature(signature)) => Event::ThinkingSignature { index, signature },
    }
}

/// Text as a JSON string holds it, without the quotes.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
