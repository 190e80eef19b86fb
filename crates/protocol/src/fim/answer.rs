//! Answers to completions: one text, whole or in pieces. What the dialects have in common; each adds its [`Shape`].

use serde_json::Value;
use waymark_types::Usage;

use crate::crossing::{Blocks, Kind};
use crate::dialogue::{EventReader, EventWriter};
use crate::neutral::{Block, Event, Reply, Stop};
use crate::sse::Frame;

use super::{FimPrompt, ReplyForm, Suggestion};

/// What stays the same through an answer.
pub(crate) struct Head {
    pub(crate) id: String,
    pub(crate) model: String,
    /// In microseconds since 1970.
    pub(crate) created: i64,
    pub(crate) form: ReplyForm,
}

impl Head {
    /// For an answer whose provider may yet say its id and model.
    pub(crate) fn new(prompt: &FimPrompt, model: &str, created: i64) -> Self {
        let created = created.saturating_mul(1_000_000);
        Self { id: format!("cmpl-{created}"), model: model.to_owned(), created, form: prompt.form.clone() }
    }

    fn note(&mut self, id: Option<&String>, model: Option<&String>) {
        self.id = id.cloned().unwrap_or_else(|| std::mem::take(&mut self.id));
        self.model = model.cloned().unwrap_or_else(|| std::mem::take(&mut self.model));
    }
}

/// How an answer ends.
#[derive(Default)]
pub(crate) struct Ending<'a> {
    pub(crate) stop: Option<&'a Stop>,
    pub(crate) usage: Usage,
    /// What the embedded model says beside its text.
    pub(crate) waymark: Option<Value>,
}

/// How a dialect writes an answer.
pub(crate) trait Shape: Send {
    /// A whole answer.
    fn body(&self, head: &Head, text: &str, ending: &Ending<'_>) -> Vec<u8>;
    /// A piece of a stream with text.
    fn piece(&self, head: &Head, text: &str) -> Vec<u8>;
    /// What ends a stream.
    fn end(&self, head: &Head, ending: &Ending<'_>) -> Vec<u8>;
    /// What breaks a stream off.
    fn error(&self, code: Option<&str>, message: &str) -> Vec<u8>;
    /// What keeps the connection open.
    fn ping(&self, _head: &Head) -> Vec<u8> {
        b": ping\n\n".to_vec()
    }
}

/// Writes a whole answer.
pub(crate) fn whole(shape: &dyn Shape, mut head: Head, reply: &Reply) -> Vec<u8> {
    head.note(reply.id.as_ref(), reply.model.as_ref());
    let text = head.form.echo.clone().unwrap_or_default() + &text_of(reply);
    shape.body(&head, &text, &Ending { stop: reply.stop.as_ref(), usage: reply.usage, waymark: None })
}

/// Writes a suggestion, as a body or a whole stream.
pub(crate) fn suggested(shape: &dyn Shape, prompt: &FimPrompt, suggestion: &Suggestion<Value>) -> Vec<u8> {
    let head = Head {
        id: format!("cmpl-{}", suggestion.record),
        model: suggestion.model.clone(),
        created: suggestion.created.as_micros(),
        form: prompt.form.clone(),
    };
    let text = head.form.echo.clone().unwrap_or_default() + suggestion.text.as_deref().unwrap_or_default();
    let waymark = Some(suggestion.waymark());
    let ending = Ending { stop: Some(&Stop::End), usage: suggestion.usage, waymark };
    match prompt.stream {
        true if text.is_empty() => shape.end(&head, &ending),
        true => [shape.piece(&head, &text), shape.end(&head, &ending)].concat(),
        false => shape.body(&head, &text, &ending),
    }
}

/// Writes the answer to a request that only warms up, as a body or a whole stream.
pub(crate) fn warmed_up(
    shape: &dyn Shape,
    prompt: &FimPrompt,
    model: &str,
    created: i64,
    stop: &Stop,
) -> Vec<u8> {
    let head = Head::new(prompt, model, created);
    let usage = Usage { input: Some(0), output: Some(0), ..Usage::default() };
    let ending = Ending { stop: Some(stop), usage, waymark: None };
    if prompt.stream { shape.end(&head, &ending) } else { shape.body(&head, "", &ending) }
}

/// An object of the fields that have a value.
pub(crate) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The text of an answer. Reasoning and refusals are no code and would be put into the file.
fn text_of(reply: &Reply) -> String {
    let texts = reply.blocks.iter().filter_map(|block| match block {
        Block::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// Writes a stream.
pub(crate) struct Writer<S> {
    shape: S,
    head: Head,
    has_begun: bool,
    usage: Usage,
    stop: Option<Stop>,
}

impl<S: Shape> Writer<S> {
    pub(crate) fn new(shape: S, head: Head) -> Self {
        Self { shape, head, has_begun: false, usage: Usage::default(), stop: None }
    }

    /// A piece of text, the first one behind what the client wants to hear again.
    fn piece(&mut self, text: &str) -> Vec<u8> {
        let first = !std::mem::replace(&mut self.has_begun, true);
        match self.head.form.echo.as_deref().filter(|_| first) {
            Some(echo) => self.shape.piece(&self.head, &[echo, text].concat()),
            None if text.is_empty() => Vec::new(),
            None => self.shape.piece(&self.head, text),
        }
    }
}

impl<S: Shape> EventWriter for Writer<S> {
    fn write(&mut self, event: &Event) -> Vec<u8> {
        match event {
            Event::Start { id, model } => self.head.note(id.as_ref(), model.as_ref()),
            Event::TextDelta { text, .. } => return self.piece(text),
            Event::Usage { usage } => self.usage.update(usage),
            Event::Stop { stop } => self.stop = Some(stop.clone()),
            Event::End => {
                let echo = if self.has_begun { Vec::new() } else { self.piece("") };
                let ending = Ending { stop: self.stop.as_ref(), usage: self.usage, waymark: None };
                return [echo, self.shape.end(&self.head, &ending)].concat();
            }
            Event::Error { code, message } => return self.shape.error(code.as_deref(), message),
            Event::Ping => return self.shape.ping(&self.head),
            _ => {}
        }
        Vec::new()
    }
}

/// What a frame of a stream says.
pub(crate) enum Said {
    /// Nothing of the answer.
    Nothing,
    /// More of the answer.
    Piece(Piece),
    /// The answer has ended.
    End,
    /// The answer failed.
    Error {
        /// The provider's word for the kind.
        code: Option<String>,
        /// What it says.
        message: String,
    },
}

/// More of an answer.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) text: String,
    pub(crate) stop: Option<Stop>,
    pub(crate) usage: Usage,
    /// Nothing comes behind it.
    pub(crate) is_last: bool,
}

/// Reads a stream.
pub(crate) struct Reader {
    said: fn(&[u8]) -> Said,
    /// Whether a stream that has said why it stops may end without its dialect's last frame.
    may_end_silently: bool,
    started: bool,
    ended: bool,
    blocks: Blocks,
    stop: Option<Stop>,
    usage: Usage,
}

impl Reader {
    /// Of frames that `said` reads.
    pub(crate) fn new(said: fn(&[u8]) -> Said, may_end_silently: bool) -> Self {
        let (stop, usage) = (None, Usage::default());
        Self { said, may_end_silently, started: false, ended: false, blocks: Blocks::default(), stop, usage }
    }

    fn piece(&mut self, piece: Piece, events: &mut Vec<Event>) {
        if !std::mem::replace(&mut self.started, true) {
            events.push(Event::Start { id: piece.id, model: piece.model });
        }
        if !piece.text.is_empty() {
            let index = self.blocks.open(Kind::Text, events);
            events.push(Event::TextDelta { index, text: piece.text });
        }
        self.usage.update(&piece.usage);
        self.stop = piece.stop.or(self.stop.take());
        if piece.is_last {
            self.end(events);
        }
    }

    fn end(&mut self, events: &mut Vec<Event>) {
        self.ended = true;
        if !self.started {
            events.push(Event::Start { id: None, model: None });
        }
        self.blocks.close(events);
        if self.usage != Usage::default() {
            events.push(Event::Usage { usage: self.usage });
        }
        events.extend(self.stop.take().map(|stop| Event::Stop { stop }));
        events.push(Event::End);
    }
}

impl EventReader for Reader {
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event> {
        let data = frame.data.trim_ascii();
        let mut events = Vec::new();
        if self.ended || data.is_empty() {
            return events;
        }
        match (self.said)(data) {
            Said::Nothing => {}
            Said::Piece(piece) => self.piece(piece, &mut events),
            Said::End => self.end(&mut events),
            Said::Error { code, message } => {
                self.ended = true;
                events.push(Event::Error { code, message });
            }
        }
        events
    }

    fn finish(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        if !self.ended && self.may_end_silently && self.stop.is_some() {
            self.end(&mut events);
        }
        events
    }
}
