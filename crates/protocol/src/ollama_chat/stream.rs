//! Streams: every line is an answer of which only a piece has come, and the last one says `done`.

use serde_json::json;
use waymark_types::Usage;

use super::message::{self, Call, Message, Response};
use super::reply::Said;
use crate::crossing::{Blocks, Kind, call_id, stop_of};
use crate::dialogue::{EventReader, EventWriter};
use crate::neutral::{Event, Stop};
use crate::sse::Frame;

/// Reads a stream.
#[derive(Default)]
pub(super) struct Reader {
    started: bool,
    ended: bool,
    blocks: Blocks,
    calls: usize,
}

impl EventReader for Reader {
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event> {
        let data = frame.data.trim_ascii();
        if self.ended || data.is_empty() {
            return Vec::new();
        }
        let message = match Said::read(data) {
            Ok(Said { error: Some(message), .. }) => message,
            Ok(said) => {
                let mut events = Vec::new();
                self.line(said, &mut events);
                return events;
            }
            Err(error) => format!("the stream holds a line that cannot be read: {error}"),
        };
        self.ended = true;
        vec![Event::Error { code: None, message }]
    }

    fn finish(&mut self) -> Vec<Event> {
        Vec::new()
    }
}

impl Reader {
    fn line(&mut self, said: Said, events: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            events.push(Event::Start { id: None, model: said.model });
        }
        if !said.thinking.is_empty() {
            let index = self.blocks.open(Kind::Thinking, events);
            events.push(Event::ThinkingDelta { index, text: said.thinking });
        }
        if !said.content.is_empty() {
            let index = self.blocks.open(Kind::Text, events);
            events.push(Event::TextDelta { index, text: said.content });
        }
        for (id, name, arguments) in said.calls {
            let index = self.blocks.single(events);
            let id = id.unwrap_or_else(|| call_id(said.created.as_deref(), self.calls));
            self.calls += 1;
            events.push(Event::ToolCallStart { index, id, name, signature: None });
            events.push(Event::ToolCallDelta { index, arguments });
            events.push(Event::BlockEnd { index });
        }
        if said.done {
            self.ended = true;
            self.blocks.close(events);
            events.push(Event::Usage { usage: said.usage });
            let stop = message::stop(said.reason.as_deref(), self.calls > 0);
            events.extend([Event::Stop { stop }, Event::End]);
        }
    }
}

/// Writes a stream.
pub(super) struct Writer {
    model: String,
    created: String,
    /// The open tool call, which leaves whole: id, name and the arguments so far.
    call: Option<(String, String, String)>,
    calls: usize,
    /// Whether the model declines.
    declined: bool,
    usage: Usage,
    stop: Option<Stop>,
}

impl Writer {
    pub(super) fn new(model: &str, created: i64) -> Self {
        let (model, created) = (model.to_owned(), message::time(created));
        Self { model, created, call: None, calls: 0, declined: false, usage: Usage::default(), stop: None }
    }

    fn line(&self, message: Message) -> Vec<u8> {
        let mut line = Response {
            model: &self.model,
            created_at: &self.created,
            message: Message { role: "assistant", ..message },
            done_reason: None,
            done: false,
            prompt_eval_count: None,
            eval_count: None,
        }
        .bytes();
        line.push(b'\n');
        line
    }
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event) -> Vec<u8> {
        match event {
            Event::Start { model, .. } => {
                self.model = model.clone().unwrap_or_else(|| std::mem::take(&mut self.model));
            }
            Event::TextDelta { text, .. } | Event::RefusalDelta { text, .. } => {
                return self.line(Message { content: text.clone(), ..Message::default() });
            }
            Event::ThinkingDelta { text, .. } => {
                return self.line(Message { thinking: text.clone(), ..Message::default() });
            }
            Event::ToolCallStart { id, name, .. } => {
                self.call = Some((id.clone(), name.clone(), String::new()));
            }
            Event::ToolCallDelta { arguments: more, .. } => {
                if let Some((.., arguments)) = &mut self.call {
                    arguments.push_str(more);
                }
            }
            Event::BlockEnd { .. } => {
                if let Some((id, name, arguments)) = self.call.take() {
                    let call = Call::new(&id, self.calls, &name, &arguments);
                    self.calls += 1;
                    return self.line(Message { tool_calls: vec![call], ..Message::default() });
                }
            }
            Event::RefusalStart { .. } => self.declined = true,
            Event::Usage { usage } => self.usage.update(usage),
            Event::Stop { stop } => self.stop = Some(stop.clone()),
            Event::End => {
                let message = Message { role: "assistant", ..Message::default() };
                let stop = stop_of(self.stop.as_ref(), self.declined);
                let last = Response::last(&self.model, &self.created, message, stop, &self.usage);
                return [&last.bytes()[..], b"\n"].concat();
            }
            Event::Error { message, .. } => return format!("{}\n", json!({ "error": message })).into_bytes(),
            // Clients read every line as JSON, so that there is no way to say nothing but an empty message.
            Event::Ping => return self.line(Message::default()),
            Event::TextStart { .. }
            | Event::ThinkingStart { .. }
            | Event::ThinkingSignature { .. }
            | Event::RedactedThinking { .. } => {}
        }
        Vec::new()
    }
}
