//! What a scripted upstream answers, and how it misbehaves while doing so.

use super::Captured;
use super::dialect::{Answer, Body, EVENT_STREAM, SERVED_MODEL, ToolCall, Wants};
use super::rules;
use crate::{Gate, Headers};

/// One scripted answer. Text, tool calls and errors take the shape of whatever endpoint was asked.
#[derive(Debug, Clone)]
pub struct Reply {
    content: Content,
    model: String,
    headers: Vec<(String, String)>,
    split: Split,
    pub(super) framing: Framing,
    cut_after: Option<usize>,
    thinks: bool,
    pub(super) head_gate: Option<Gate>,
    pub(super) piece_gate: Option<(usize, Gate)>,
}

#[derive(Debug, Clone)]
enum Content {
    Text(Vec<String>),
    Tools(Vec<ToolCall>),
    Error { status: u16, message: String },
    Body { status: u16, content_type: String, pieces: Vec<Vec<u8>> },
    Raw(Vec<u8>),
    Silence,
}

/// How a body is cut into writes; with chunked framing each write is one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// One write per event, or one for a plain body.
    Events,
    /// Writes of this many bytes.
    Every(usize),
    /// Two writes, with this many bytes in the first.
    At(usize),
    /// One write for everything.
    Whole,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Chunked for streams, a length for anything else.
    Usual,
    /// Chunked.
    Chunked,
    /// A content length.
    Length,
    /// By closing the connection.
    UntilClose,
}

/// A reply worked out for one request.
#[derive(Debug)]
pub(super) enum Script {
    /// Send these bytes and close.
    Raw(Vec<u8>),
    /// Send nothing.
    Silence,
    /// Send a response.
    Response(Composed),
}

/// A response ready to send.
#[derive(Debug)]
pub(super) struct Composed {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) pieces: Vec<Vec<u8>>,
    /// What the whole body's length would be.
    pub(super) length: usize,
    pub(super) is_stream: bool,
    pub(super) is_cut: bool,
}

impl Reply {
    /// An answer of this text, one stream event per word.
    pub fn text(text: &str) -> Self {
        Self::new(Content::Text(text.split_inclusive(' ').map(str::to_owned).collect()))
    }

    /// An answer with `count` content events.
    pub fn events(count: usize) -> Self {
        Self::new(Content::Text((0..count).map(|number| format!("word{number} ")).collect()))
    }

    /// An answer that calls tools.
    pub fn tools(calls: &[ToolCall]) -> Self {
        Self::new(Content::Tools(calls.to_vec()))
    }

    /// An error in the endpoint's own shape.
    pub fn error(status: u16, message: &str) -> Self {
        Self::new(Content::Error { status, message: message.to_owned() })
    }

    /// A body that is none of the above.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let pieces = vec![body.into()];
        Self::new(Content::Body { status, content_type: content_type.to_owned(), pieces })
    }

    /// An event stream of these bytes, one write per element.
    pub fn stream(pieces: Vec<Vec<u8>>) -> Self {
        Self::new(Content::Body { status: 200, content_type: EVENT_STREAM.to_owned(), pieces })
    }

    /// These bytes and nothing else, status line included, then the connection closes.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Content::Raw(bytes.into()))
    }

    /// No answer, ever; the connection stays open.
    pub fn silence() -> Self {
        Self::new(Content::Silence)
    }

    fn new(content: Content) -> Self {
        Self {
            content,
            model: SERVED_MODEL.to_owned(),
            headers: Vec::new(),
            split: Split::Events,
            framing: Framing::Usual,
            cut_after: None,
            thinks: false,
            head_gate: None,
            piece_gate: None,
        }
    }

    /// Names the model that answered.
    #[must_use]
    pub fn served_as(mut self, model: &str) -> Self {
        model.clone_into(&mut self.model);
        self
    }

    /// Puts a signed thought before tool calls, where the request asks for thinking or the provider always thinks.
    #[must_use]
    pub fn thinking(mut self) -> Self {
        self.thinks = true;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Cuts the body into writes some other way.
    #[must_use]
    pub fn split(mut self, split: Split) -> Self {
        self.split = split;
        self
    }

    /// Tells the end of the body some other way.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Closes the connection after this many events, whatever the framing has promised.
    #[must_use]
    pub fn cut_after(mut self, events: usize) -> Self {
        self.cut_after = Some(events);
        self
    }

    /// Sends nothing, not even the status line, before the gate opens.
    #[must_use]
    pub fn hold_head(mut self, gate: &Gate) -> Self {
        self.head_gate = Some(gate.clone());
        self
    }

    /// Sends this many writes of the body, and the others after the gate opens.
    #[must_use]
    pub fn hold_after(mut self, writes: usize, gate: &Gate) -> Self {
        self.piece_gate = Some((writes, gate.clone()));
        self
    }

    /// The exact body this reply gives to a request that `path` and `body` make, uncut.
    pub fn bytes(&self, path: &str, body: &[u8]) -> Vec<u8> {
        self.compose(Wants::of(path, &Headers::default(), body)).pieces.concat()
    }

    pub(super) fn script(&self, request: &Captured) -> Script {
        match &self.content {
            Content::Raw(bytes) => return Script::Raw(bytes.clone()),
            Content::Silence => return Script::Silence,
            _ => {}
        }
        let body = self.compose(request.wants());
        let length = body.pieces.iter().map(Vec::len).sum();
        let mut pieces = body.pieces;
        pieces.truncate(self.cut_after.unwrap_or(usize::MAX));
        let mut headers = vec![("content-type".to_owned(), body.content_type)];
        headers.extend(self.headers.iter().cloned());
        Script::Response(Composed {
            status: body.status,
            headers,
            pieces: recut(pieces, self.split),
            length,
            is_stream: body.is_stream,
            is_cut: self.cut_after.is_some(),
        })
    }

    fn compose(&self, mut wants: Wants) -> Body {
        wants.thinks = self.thinks;
        if let Some(list) = wants.listed(&self.model) {
            return list;
        }
        let answer = match &self.content {
            Content::Body { status, content_type, pieces } => {
                let is_stream = content_type == EVENT_STREAM;
                let (content_type, pieces) = (content_type.clone(), pieces.clone());
                return Body { status: *status, content_type, pieces, is_stream };
            }
            Content::Raw(bytes) => return Body::whole(0, "", bytes.clone()),
            Content::Silence => return Body::whole(0, "", Vec::new()),
            Content::Error { status, message } => return wants.error(*status, message),
            Content::Text(deltas) => Answer::Text(deltas),
            Content::Tools(calls) => Answer::Tools(calls),
        };
        match rules::refusal(&wants) {
            Some(refusal) => refusal.body(&wants),
            None => wants.answer(&self.model, &answer),
        }
    }
}

fn recut(pieces: Vec<Vec<u8>>, split: Split) -> Vec<Vec<u8>> {
    match split {
        Split::Events => pieces,
        Split::Whole => vec![pieces.concat()],
        Split::Every(bytes) => pieces.concat().chunks(bytes.max(1)).map(<[u8]>::to_vec).collect(),
        Split::At(bytes) => {
            let mut first = pieces.concat();
            let second = first.split_off(bytes.min(first.len()));
            [first, second].into_iter().filter(|piece| !piece.is_empty()).collect()
        }
    }
}
