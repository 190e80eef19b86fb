//! Streams: every event is an answer of which only a piece has come.

use serde_json::json;
use waymark_types::Usage;

use super::part::{self, Piece};
use super::reply::Said;
use super::signature::{self, Signature};
use super::wire::{self, Candidate, Content, Part, Response, Tokens};
use crate::crossing::{Blocks, Kind, call_id, stop_of};
use crate::dialogue::{EventReader, EventWriter};
use crate::neutral::{Event, Stop};
use crate::sse::Frame;

/// Reads a stream. It ends with its body: only then is it known that nothing follows a stated reason to stop.
#[derive(Default)]
pub(super) struct Reader {
    id: Option<String>,
    started: bool,
    ended: bool,
    blocks: Blocks,
    calls: usize,
    usage: Option<Usage>,
    stop: Option<Stop>,
}

impl EventReader for Reader {
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event> {
        let data = frame.data.trim_ascii();
        if self.ended || data == b"[DONE]" {
            return Vec::new();
        }
        if data.is_empty() {
            return vec![Event::Ping];
        }
        let failed = |code, message| vec![Event::Error { code, message }];
        let said = match Said::read(data) {
            Ok(Said { error: Some((code, message)), .. }) => {
                self.ended = true;
                return failed(code, message);
            }
            Ok(said) => said,
            Err(error) => {
                self.ended = true;
                return failed(None, format!("the stream holds an event that cannot be read: {error}"));
            }
        };
        let mut events = Vec::new();
        self.chunk(said, &mut events);
        events
    }

    fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let Some(stop) = self.stop.take().filter(|_| !self.ended) else { return events };
        self.ended = true;
        self.blocks.close(&mut events);
        events.extend(self.usage.map(|usage| Event::Usage { usage }));
        let stop = if stop == Stop::End && self.calls > 0 { Stop::ToolCalls } else { stop };
        events.extend([Event::Stop { stop }, Event::End]);
        events
    }
}

impl Reader {
    fn chunk(&mut self, said: Said, events: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            self.id.clone_from(&said.id);
            events.push(Event::Start { id: said.id, model: said.model });
        }
        for read in said.parts {
            self.part(read, events);
        }
        if let Some(text) = said.blocked {
            let index = self.blocks.single(events);
            events.push(Event::RefusalStart { index });
            events.push(Event::RefusalDelta { index, text });
            events.push(Event::BlockEnd { index });
        }
        if let Some(tokens) = said.tokens {
            self.usage.get_or_insert_default().update(&tokens.usage());
        }
        self.stop = said.stop.or(self.stop.take());
    }

    fn part(&mut self, read: part::Read, events: &mut Vec<Event>) {
        let mut signature = read.signature;
        match read.piece {
            Some(Piece::Text(text)) if !text.is_empty() => {
                let index = self.blocks.open(Kind::Text, events);
                events.push(Event::TextDelta { index, text });
            }
            Some(Piece::Thought(text)) if !text.is_empty() || signature.is_some() => {
                let index = self.blocks.open(Kind::Thinking, events);
                if !text.is_empty() {
                    events.push(Event::ThinkingDelta { index, text });
                }
                // A signature ends the block that it proves.
                if let Some(proof) = signature.take() {
                    events.push(Event::ThinkingSignature { index, signature: proof.neutral() });
                    self.blocks.close(events);
                }
            }
            Some(Piece::Call { id, name, arguments }) => {
                let index = self.blocks.single(events);
                let id =
                    id.filter(|id| !id.is_empty()).unwrap_or_else(|| call_id(self.id.as_deref(), self.calls));
                self.calls += 1;
                let token = part::token(signature.take());
                events.push(Event::ToolCallStart { index, id, name, signature: token });
                events.push(Event::ToolCallDelta { index, arguments });
                events.push(Event::BlockEnd { index });
            }
            _ => {}
        }
        match signature {
            Some(Signature::Redacted(data)) => {
                let index = self.blocks.single(events);
                events.push(Event::RedactedThinking { index, data });
            }
            Some(proof) => {
                self.blocks.close(events);
                let index = self.blocks.open(Kind::Thinking, events);
                events.push(Event::ThinkingSignature { index, signature: proof.neutral() });
                self.blocks.close(events);
            }
            None => {}
        }
    }
}

/// Writes a stream.
pub(super) struct Writer {
    model: String,
    id: Option<String>,
    /// The open tool call, which leaves whole: id, name, signature and the arguments so far.
    call: Option<(String, String, Option<String>, String)>,
    /// Whether any tool call has left.
    called: bool,
    /// Whether the open block of reasoning has shown any text.
    thought_aloud: bool,
    /// Whether the model declines.
    declined: bool,
    /// Whether any part has left.
    spoken: bool,
    usage: Usage,
    stop: Option<Stop>,
}

impl Writer {
    pub(super) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            id: None,
            call: None,
            called: false,
            thought_aloud: false,
            declined: false,
            spoken: false,
            usage: Usage::default(),
            stop: None,
        }
    }

    fn chunk(&mut self, part: Part) -> Vec<u8> {
        self.spoken = true;
        self.frame(Some(part), None, None)
    }

    fn frame(&self, part: Option<Part>, finish_reason: Option<String>, usage: Option<Tokens>) -> Vec<u8> {
        let content = part.map(|part| Content { role: Some("model"), parts: vec![part] });
        let json = wire::bytes(&Response {
            candidates: [Candidate { content, finish_reason, index: 0 }],
            usage_metadata: usage,
            model_version: &self.model,
            response_id: self.id.as_deref(),
        });
        [b"data: ", &json[..], b"\n\n"].concat()
    }

    fn last(&self) -> Vec<u8> {
        // Google's clients take a content without parts for a broken one; a refused prompt has no content at all.
        let part = self.spoken.then(|| part::text(""));
        // Only a reason, and be it an unknown one, says that a stream is whole.
        let unknown = Stop::Other(String::new());
        let stop = stop_of(self.stop.as_ref(), self.declined).unwrap_or(&unknown);
        self.frame(part, Some(wire::finish_reason(Some(stop))), Tokens::of(&self.usage))
    }
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event) -> Vec<u8> {
        match event {
            Event::Start { id, model } => {
                self.id.clone_from(id);
                self.model = model.clone().unwrap_or_else(|| std::mem::take(&mut self.model));
            }
            Event::TextDelta { text, .. } | Event::RefusalDelta { text, .. } => {
                return self.chunk(part::text(text));
            }
            Event::ThinkingStart { .. } => self.thought_aloud = false,
            Event::ThinkingDelta { text, .. } => {
                self.thought_aloud = true;
                return self.chunk(part::thought(text, None));
            }
            Event::ThinkingSignature { signature, .. } => {
                let (thought, proof) = (self.thought_aloud, signature::for_clients(signature));
                return self.chunk(Part { thought, ..part::thought("", Some(proof)) });
            }
            Event::ToolCallStart { id, name, signature, .. } => {
                self.call = Some((id.clone(), name.clone(), signature.clone(), String::new()));
            }
            Event::ToolCallDelta { arguments: more, .. } => {
                if let Some((.., arguments)) = &mut self.call {
                    arguments.push_str(more);
                }
            }
            Event::BlockEnd { .. } => {
                if let Some((id, name, signature, arguments)) = self.call.take() {
                    let mut call = [part::call(&id, &name, &arguments, signature.as_ref())];
                    if !std::mem::replace(&mut self.called, true) {
                        part::sign_first_call(&mut call, signature::NO_PROOF_FOR_CLIENTS);
                    }
                    let [call] = call;
                    return self.chunk(call);
                }
            }
            Event::Usage { usage } => self.usage.update(usage),
            Event::Stop { stop } => self.stop = Some(stop.clone()),
            Event::End => return self.last(),
            Event::Error { code, message } => return error(code.as_deref(), message),
            // An empty line is nothing to every client; a comment is an error to some of Google's own.
            Event::Ping => return b"\n\n".to_vec(),
            Event::RedactedThinking { data, .. } => {
                return self.chunk(part::thought("", Some(signature::redacted(data))));
            }
            Event::RefusalStart { .. } => self.declined = true,
            Event::TextStart { .. } => {}
        }
        Vec::new()
    }
}

fn error(code: Option<&str>, message: &str) -> Vec<u8> {
    let status = wire::code_of(code.unwrap_or_default());
    let body = json!({"error": { "code": status, "message": message, "status": wire::status(status) }});
    wire::error_event(body.to_string().as_bytes())
}
