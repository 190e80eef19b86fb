//! Reads a stream.

use serde::Deserialize;
use waymark_types::Usage;

use crate::anthropic_messages::reply::{self, Piece, StopDetails};
use crate::anthropic_messages::signature::{self, Signature};
use crate::anthropic_messages::usage::{Tokens, lenient};
use crate::dialogue::EventReader;
use crate::neutral::{Event, Stop};
use crate::sse::Frame;

/// One event, with the fields of all kinds.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "type")]
    kind: Option<String>,
    index: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    message: Option<Head>,
    content_block: Option<Piece>,
    delta: Option<Delta>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Head {
    id: Option<String>,
    model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Tokens>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    #[serde(deserialize_with = "lenient")]
    stop_details: Option<StopDetails>,
}

/// The block that is open.
#[derive(Debug)]
struct Open {
    /// Its number in the stream.
    wire: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text,
    /// Thinking; announced once it is known not to be a tool call's token.
    Thinking {
        announced: bool,
        signature: String,
    },
    /// A tool call, the arguments its start came with, and whether any have been told.
    ToolCall {
        given: String,
        told: bool,
    },
    /// One that only the provider itself can read.
    Skipped,
}

/// Reads one stream.
#[derive(Debug, Default)]
pub(in crate::anthropic_messages) struct Reader {
    started: bool,
    ended: bool,
    /// The number of the next block.
    next: usize,
    open: Option<Open>,
    /// The last block's text, to know a refusal's words again.
    said: String,
    token: Option<String>,
    usage: Usage,
    stop: Option<Stop>,
    refusal: Option<String>,
}

impl Reader {
    fn start(&mut self, head: Option<Head>, to: &mut Vec<Event>) {
        let (mut id, mut model) = (None, None);
        if let Some(head) = head {
            if let Some(tokens) = &head.usage {
                tokens.update(&mut self.usage);
            }
            (id, model) = (head.id, head.model);
        }
        if !self.started {
            self.started = true;
            to.push(Event::Start { id, model });
        }
    }

    fn open(&mut self, wire: u64, piece: Piece, to: &mut Vec<Event>) {
        self.start(None, to);
        // Blocks follow each other; one that was not closed ends where the next begins.
        self.close(to);
        let index = self.next;
        let kind = match piece.kind.as_str() {
            "text" => {
                to.push(Event::TextStart { index });
                self.said.clear();
                Kind::Text
            }
            "thinking" => Kind::Thinking { announced: false, signature: String::new() },
            "tool_use" => {
                let given = piece.arguments();
                let signature = self.token.take();
                let (id, name) =
                    (piece.id.clone().unwrap_or_default(), piece.name.clone().unwrap_or_default());
                to.push(Event::ToolCallStart { index, id, name, signature });
                Kind::ToolCall { given, told: false }
            }
            "redacted_thinking" => {
                let data = signature::own_redacted(piece.data.as_deref().unwrap_or_default());
                to.push(Event::RedactedThinking { index, data });
                self.next += 1;
                Kind::Skipped
            }
            _ => Kind::Skipped,
        };
        self.open = Some(Open { wire, kind });
        // Some servers put a block's beginning into its start.
        let delta = Delta {
            text: piece.text,
            thinking: piece.thinking,
            signature: piece.signature,
            ..Delta::default()
        };
        self.delta(wire, delta, to);
    }

    fn delta(&mut self, wire: u64, delta: Delta, to: &mut Vec<Event>) {
        let index = self.next;
        let Some(open) = self.open.as_mut().filter(|open| open.wire == wire) else { return };
        match &mut open.kind {
            Kind::Text => {
                if let Some(text) = delta.text.filter(|text| !text.is_empty()) {
                    self.said.push_str(&text);
                    to.push(Event::TextDelta { index, text });
                }
            }
            Kind::Thinking { announced, signature } => {
                if let Some(text) = delta.thinking.filter(|text| !text.is_empty()) {
                    announce(announced, index, to);
                    to.push(Event::ThinkingDelta { index, text });
                }
                signature.push_str(delta.signature.as_deref().unwrap_or_default());
            }
            Kind::ToolCall { told, .. } => {
                if let Some(arguments) = delta.partial_json.filter(|piece| !piece.is_empty()) {
                    *told = true;
                    to.push(Event::ToolCallDelta { index, arguments });
                }
            }
            Kind::Skipped => {}
        }
    }

    fn close(&mut self, to: &mut Vec<Event>) {
        let Some(open) = self.open.take() else { return };
        let index = self.next;
        match open.kind {
            Kind::Skipped => return,
            Kind::Text => {}
            Kind::ToolCall { told: true, .. } => {}
            Kind::ToolCall { given, .. } => to.push(Event::ToolCallDelta { index, arguments: given }),
            Kind::Thinking { mut announced, signature } => match signature::wire(&signature) {
                Signature::Call(token) if !announced => {
                    self.token = Some(token.to_owned());
                    return;
                }
                Signature::Foreign { id, signature } => {
                    if !announced {
                        to.push(Event::ThinkingStart { index, id: id.map(str::to_owned) });
                    }
                    if let Some(signature) = signature {
                        to.push(Event::ThinkingSignature { index, signature: signature.to_owned() });
                    }
                }
                Signature::Own(text) | Signature::OwnRedacted(text) | Signature::Call(text) => {
                    announce(&mut announced, index, to);
                    to.push(Event::ThinkingSignature { index, signature: signature::own(text) });
                }
            },
        }
        to.push(Event::BlockEnd { index });
        self.next += 1;
    }

    fn finish_message(&mut self, delta: Option<Delta>, tokens: Option<Tokens>) {
        if let Some(tokens) = tokens {
            tokens.update(&mut self.usage);
        }
        let Some(delta) = delta else { return };
        if let Some(word) = delta.stop_reason {
            self.stop = Some(reply::stop(&word, delta.stop_sequence));
        }
        let words = reply::refusal(self.stop.as_ref(), delta.stop_details);
        self.refusal = words.filter(|words| *words != self.said).or(self.refusal.take());
    }

    /// What was held back for the end: the provider may state usage and the stop more than once.
    fn settle(&mut self, to: &mut Vec<Event>) {
        self.start(None, to);
        self.close(to);
        if let Some(text) = self.refusal.take() {
            let index = self.next;
            self.next += 1;
            to.push(Event::RefusalStart { index });
            to.push(Event::RefusalDelta { index, text });
            to.push(Event::BlockEnd { index });
        }
        if self.usage != Usage::default() {
            to.push(Event::Usage { usage: self.usage });
        }
        to.extend(self.stop.take().map(|stop| Event::Stop { stop }));
    }
}

fn announce(announced: &mut bool, index: usize, to: &mut Vec<Event>) {
    if !std::mem::replace(announced, true) {
        to.push(Event::ThinkingStart { index, id: None });
    }
}

impl EventReader for Reader {
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event> {
        let mut events = Vec::new();
        if self.ended {
            return events;
        }
        let wire = serde_json::from_slice::<Wire>(&frame.data);
        let says_error = wire.as_ref().is_ok_and(|wire| wire.kind.as_deref() == Some("error"));
        if says_error || frame.event == Some("error") {
            let (code, message) = reply::read_error(&frame.data);
            self.ended = true;
            return vec![Event::Error { code, message }];
        }
        let Ok(wire) = wire else { return events };
        match wire.kind.as_deref().or(frame.event).unwrap_or_default() {
            "message_start" => self.start(wire.message, &mut events),
            "content_block_start" => {
                if let Some(piece) = wire.content_block {
                    self.open(wire.index.unwrap_or_default(), piece, &mut events);
                }
            }
            "content_block_delta" => {
                let delta = wire.delta.unwrap_or_default();
                self.delta(wire.index.unwrap_or_default(), delta, &mut events);
            }
            "content_block_stop" if self.open.as_ref().is_some_and(|open| Some(open.wire) == wire.index) => {
                self.close(&mut events);
            }
            "message_delta" => self.finish_message(wire.delta, wire.usage),
            "message_stop" => {
                self.settle(&mut events);
                events.push(Event::End);
                self.ended = true;
            }
            "ping" => events.push(Event::Ping),
            _ => {}
        }
        events
    }

    /// The dialect says when an answer is whole, so that the end of the body says nothing. What was held back is
    /// told once the provider has said why it stopped.
    fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if !self.ended && self.stop.is_some() {
            self.settle(&mut events);
        }
        self.ended = true;
        events
    }
}
