//! Streams, read as the gateway reads them.

use waymark_protocol::neutral::{Block, Event};
use waymark_protocol::sse::{Splitter, framing};
use waymark_protocol::{Answer, ErrorKind, EventReader, EventWriter, Fault, error_event};
use waymark_types::Dialect;

use crate::is_in_proportion;
use crate::order::gather;

/// What a stream says that comes in these pieces.
pub fn read(dialect: Dialect, mut reader: Box<dyn EventReader + Send>, pieces: &[&[u8]]) -> Vec<Event> {
    let framing = framing(dialect);
    let mut splitter = Splitter::new(framing);
    let mut events = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            events.extend(reader.read(&framing.read(&event)));
        }
    }
    if let Some(event) = splitter.last_event() {
        events.extend(reader.read(&framing.read(&event)));
    }
    events.extend(reader.finish());
    events
}

/// The bytes of a stream that says this: each event's are whole frames, and its dialect's own looking on agrees.
pub fn write(
    dialect: Dialect,
    mut writer: Box<dyn EventWriter + Send>,
    events: &[Event],
    source: &[u8],
) -> Vec<u8> {
    let framing = framing(dialect);
    let mut written = Vec::new();
    let mut answer = Answer::default();
    for event in events {
        let bytes = writer.write(event);
        let mut splitter = Splitter::new(framing);
        splitter.push(&bytes);
        while let Some(frame) = splitter.next_event().unwrap() {
            answer.read_event(dialect, &framing.read(&frame));
        }
        let rest = splitter.rest();
        // Google sends an error outside of any event.
        let outside = matches!(event, Event::Error { .. }) && framing.read(&rest).data.starts_with(b"{");
        assert!(rest.is_empty() || outside, "half a frame: {}", String::from_utf8_lossy(&rest));
        written.extend(bytes);
    }
    is_in_proportion(&written, source);
    let failed = events.iter().any(|event| matches!(event, Event::Error { .. }));
    assert_eq!(answer.error.is_some(), failed, "{}", String::from_utf8_lossy(&written));
    written
}

/// How a stream in this dialect ends that broke off.
pub fn broken(dialect: Dialect) -> Vec<u8> {
    let message = "the stream broke off".to_owned();
    error_event(dialect, &Fault { kind: ErrorKind::Upstream, code: "stream_broken", message })
}

/// What arrives of a stream, whatever dialect it is in.
#[derive(Debug, PartialEq)]
pub struct Heard {
    /// The text, refusals included.
    pub text: String,
    /// The names of the tools called.
    pub calls: Vec<String>,
    /// Whether it is whole.
    pub ended: bool,
    /// Whether it failed.
    pub failed: bool,
}

/// Gathers what events say; panics where they break the order that readers promise.
#[track_caller]
pub fn heard(events: &[Event], whose: &str) -> Heard {
    let said = gather(events, whose);
    let calls = calls(&said.blocks);
    Heard { text: text(&said.blocks), calls, ended: said.ended, failed: said.error.is_some() }
}

/// The text that blocks hold, refusals included.
pub fn text(blocks: &[Block]) -> String {
    let texts = blocks.iter().filter_map(|block| match block {
        Block::Text { text, .. } | Block::Refusal { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The names of the tools that blocks call.
pub fn calls(blocks: &[Block]) -> Vec<String> {
    let calls = blocks.iter().filter_map(|block| match block {
        Block::ToolCall { name, .. } => Some(name.clone()),
        _ => None,
    });
    calls.collect()
}
