//! Streams cut into events without changing a byte: server-sent events (WHATWG HTML, section 9.2), lines of JSON, and
//! bytes that say nothing of where they end.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use serde::de::IgnoredAny;
use thiserror::Error;
use waymark_types::Dialect;

/// The largest event that is waited for, in bytes.
pub const MAX_EVENT: usize = 64 << 20;

/// An event has grown past [`MAX_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an event of the stream is larger than {MAX_EVENT} bytes")]
pub struct EventTooLarge;

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its `event` field.
    pub event: Option<&'a str>,
    /// Its `data` fields, joined by newlines.
    pub data: Cow<'a, [u8]>,
}

/// How a stream is cut into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Server-sent events, each ended by an empty line.
    #[default]
    Sse,
    /// One JSON object a line (NDJSON).
    Lines,
    /// A sound or a text. An event is whatever has arrived but for its last byte, which may be the whole body's.
    Bytes,
}

/// How `dialect` cuts its streams.
pub fn framing(dialect: Dialect) -> Framing {
    match dialect {
        Dialect::OllamaChat | Dialect::OllamaGenerate => Framing::Lines,
        _ => Framing::Sse,
    }
}

/// How an answer of this content type comes in `dialect`; `None` where it is one object.
pub fn framing_of(dialect: Dialect, content_type: &str) -> Option<Framing> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match dialect {
        _ if kind == framing(dialect).content_type() => Some(framing(dialect)),
        _ if kind.contains("json") => None,
        Dialect::OpenAiTranscriptions => Some(Framing::Bytes),
        // A text is no sound: a proxy's page, say.
        Dialect::OpenAiSpeech if !kind.starts_with("text/") => Some(Framing::Bytes),
        _ => None,
    }
}

/// What a client of `dialect` is sent while its answer takes time, and takes no notice of; `None` where every word would
/// be taken for the answer's.
pub fn keep_alive(dialect: Dialect) -> Option<&'static [u8]> {
    match dialect {
        Dialect::AnthropicMessages => Some(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"),
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::OpenAiCompletions | Dialect::MistralFim => {
            Some(b": keep-alive\n\n")
        }
        _ => None,
    }
}

impl Framing {
    /// The media type of such a stream.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream",
            Self::Lines => "application/x-ndjson",
            Self::Bytes => "application/octet-stream",
        }
    }

    /// Reads an event that [`Splitter::next_event`] cut out.
    pub fn read(self, event: &[u8]) -> Frame<'_> {
        match self {
            Self::Sse => read(event),
            Self::Lines => read_line(event),
            Self::Bytes => Frame { event: None, data: Cow::Borrowed(event) },
        }
    }
}

/// Cuts a stream into whole events.
#[derive(Debug, Default)]
pub struct Splitter {
    framing: Framing,
    pending: BytesMut,
    /// Bytes of `pending` known to hold no end of an event.
    searched: usize,
    /// Whether the line being searched has any byte (among lines: any that is not blank) before `searched`.
    in_line: bool,
}

impl Splitter {
    /// For a stream of this framing.
    pub fn new(framing: Framing) -> Self {
        Self { framing, ..Self::default() }
    }

    /// For a stream of lines. Empty lines belong to the event behind them.
    pub fn lines() -> Self {
        Self::new(Framing::Lines)
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
    }

    /// The next whole event with the line end or empty line that ends it, byte for byte; `None` when more must come.
    pub fn next_event(&mut self) -> Result<Option<Bytes>, EventTooLarge> {
        let end = match self.framing {
            Framing::Sse => self.find_end(),
            Framing::Lines => self.find_line_end(),
            Framing::Bytes => self.pending.len().checked_sub(1).filter(|&most| most > 0),
        };
        match end {
            Some(end) => {
                (self.searched, self.in_line) = (0, false);
                Ok(Some(self.pending.split_to(end).freeze()))
            }
            None if self.pending.len() > MAX_EVENT => Err(EventTooLarge),
            None => Ok(None),
        }
    }

    /// What is left when the stream has ended: an event that was not finished, the last of bytes, or nothing.
    pub fn rest(&mut self) -> Bytes {
        (self.searched, self.in_line) = (0, false);
        self.pending.split().freeze()
    }

    /// The last event of a stream that ended without the line end behind it; `None` where what is left is not whole.
    pub fn last_event(&mut self) -> Option<Bytes> {
        let frame = self.framing.read(&self.pending);
        let data = frame.data.trim_ascii();
        let is_whole = data.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(data).is_ok();
        (is_whole || data == b"[DONE]").then(|| self.rest())
    }

    fn find_line_end(&mut self) -> Option<usize> {
        while let Some(found) = memchr::memchr(b'\n', &self.pending[self.searched..]) {
            let (start, after) = (self.searched, self.searched + found + 1);
            self.searched = after;
            // What was searched before this piece came may already hold part of the line.
            if self.in_line || !self.pending[start..after].trim_ascii().is_empty() {
                return Some(after);
            }
        }
        self.in_line |= !self.pending[self.searched..].trim_ascii().is_empty();
        self.searched = self.pending.len();
        None
    }

    fn find_end(&mut self) -> Option<usize> {
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &self.pending[self.searched..]) {
            let at = self.searched + found;
            // A carriage return at the end may be half of a CRLF: only the next byte tells.
            let after = match (self.pending[at], self.pending.get(at + 1)) {
                (b'\r', None) => {
                    self.in_line |= found > 0;
                    self.searched = at;
                    return None;
                }
                (b'\r', Some(b'\n')) => at + 2,
                _ => at + 1,
            };
            let empty = found == 0 && !self.in_line;
            (self.searched, self.in_line) = (after, false);
            if empty {
                return Some(after);
            }
        }
        self.in_line |= self.searched < self.pending.len();
        self.searched = self.pending.len();
        None
    }
}

/// Reads a line of a stream of lines.
pub fn read_line(event: &[u8]) -> Frame<'_> {
    Frame { event: None, data: Cow::Borrowed(event.trim_ascii()) }
}

/// Reads an event's fields.
///
/// Some providers break a stream off with a JSON object that no field name precedes; such an event is all data.
pub fn read(event: &[u8]) -> Frame<'_> {
    if event.trim_ascii_start().starts_with(b"{") {
        return read_line(event);
    }
    let mut frame = Frame { event: None, data: Cow::Borrowed(b"") };
    let mut has_data = false;
    for line in event.split(|&byte| byte == b'\n' || byte == b'\r') {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &b""[..]),
        };
        match name {
            b"event" => frame.event = std::str::from_utf8(value).ok(),
            b"data" if !has_data => (frame.data, has_data) = (Cow::Borrowed(value), true),
            b"data" => {
                let data = frame.data.to_mut();
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            _ => {}
        }
    }
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(pieces: &[&[u8]]) -> (Vec<Bytes>, Bytes) {
        cut_by(Splitter::default(), pieces)
    }

    fn cut_by(mut splitter: Splitter, pieces: &[&[u8]]) -> (Vec<Bytes>, Bytes) {
        let mut events = Vec::new();
        for piece in pieces {
            splitter.push(piece);
            while let Some(event) = splitter.next_event().unwrap() {
                events.push(event);
            }
        }
        (events, splitter.rest())
    }

    #[test]
    fn all_line_ends_and_comments_are_kept() {
        let stream: &[u8] = b"data: a\n\n: ping\r\n\r\nevent: x\rdata: b\r\rdata: c\n\r\ndata: half";
        let (events, rest) = cut(&[stream]);
        let expected: [&[u8]; 4] =
            [b"data: a\n\n", b": ping\r\n\r\n", b"event: x\rdata: b\r\r", b"data: c\n\r\n"];
        assert_eq!(events, expected);
        assert_eq!(rest, b"data: half"[..]);
    }

    #[test]
    fn fields_are_read_as_the_standard_says() {
        let frame = read(b"event: message_stop\r\ndata:{\"a\":1}\r\ndata:  two\r\nid\r\n\r\n");
        assert_eq!(frame.event, Some("message_stop"));
        assert_eq!(frame.data, &b"{\"a\":1}\n two"[..]);
    }

    #[test]
    fn an_object_without_a_field_name_is_data() {
        let broken: &[u8] = b"{\n  \"error\": {\n    \"code\": 503\n  }\n}\n\n";
        let (events, _) = cut(&[broken]);
        assert_eq!(events, [broken]);
        assert_eq!(read(&events[0]).data, broken.trim_ascii());
    }

    #[test]
    fn lines_are_events_and_empty_lines_are_kept() {
        let stream: &[u8] = b"{\"a\":1}\n\r\n \n{\"b\":2}\r\n{\"half\"";
        let (events, rest) = cut_by(Splitter::lines(), &[stream]);
        let expected: [&[u8]; 2] = [b"{\"a\":1}\n", b"\r\n \n{\"b\":2}\r\n"];
        assert_eq!(events, expected);
        assert_eq!(rest, b"{\"half\""[..]);
        assert_eq!(read_line(&events[1]).data, &b"{\"b\":2}"[..]);
        assert_eq!(framing(Dialect::OllamaChat).read(&events[0]).data, &b"{\"a\":1}"[..]);
    }

    #[test]
    fn a_last_event_needs_no_line_end_and_is_whole() {
        let last = |framing, stream: &[u8]| {
            let mut splitter = Splitter::new(framing);
            splitter.push(stream);
            assert_eq!(splitter.next_event(), Ok(None));
            let event = splitter.last_event();
            assert_eq!(splitter.rest().is_empty(), event.is_some());
            event.is_some()
        };
        for whole in [
            "data: {\"a\":1}",
            "data: {\"a\":1}\r\n",
            "event: x\ndata: {}\n",
            "{\"error\":\n1}\n",
            "data: [DONE]",
        ] {
            assert!(last(Framing::Sse, whole.as_bytes()), "{whole}");
        }
        for cut in ["data: {\"a\":1", "data: 12", "event: x\n", "data: [DO"] {
            assert!(!last(Framing::Sse, cut.as_bytes()), "{cut}");
        }
        assert!(last(Framing::Lines, b"{\"done\":true}"));
        assert!(!last(Framing::Lines, b"{\"done\":tr"));
    }

    #[test]
    fn bytes_leave_at_once_but_for_the_last() {
        let (events, rest) = cut_by(Splitter::new(Framing::Bytes), &[b"RIFF", b"\n", b"", b"\n\nWAVE"]);
        let expected: [&[u8]; 3] = [b"RIF", b"F", b"\n\n\nWAV"];
        assert_eq!((events, rest), (expected.map(Bytes::from_static).to_vec(), Bytes::from_static(b"E")));
        assert_eq!(cut_by(Splitter::new(Framing::Bytes), &[b"\n"]), (Vec::new(), Bytes::from_static(b"\n")));
    }

    #[test]
    fn an_answers_content_type_says_how_it_comes() {
        use Dialect::{OllamaChat, OpenAiChat, OpenAiImages, OpenAiSpeech, OpenAiTranscriptions};
        for (dialect, content_type, expected) in [
            (OpenAiChat, "text/event-stream; charset=utf-8", Some(Framing::Sse)),
            (OpenAiChat, "text/html", None),
            (OllamaChat, "application/x-ndjson", Some(Framing::Lines)),
            (OpenAiImages, "Text/Event-Stream", Some(Framing::Sse)),
            (OpenAiImages, "image/png", None),
            (OpenAiTranscriptions, "text/event-stream", Some(Framing::Sse)),
            (OpenAiTranscriptions, "application/json", None),
            (OpenAiTranscriptions, "text/vtt", Some(Framing::Bytes)),
            (OpenAiTranscriptions, "application/x-subrip", Some(Framing::Bytes)),
            (OpenAiSpeech, "audio/mpeg", Some(Framing::Bytes)),
            (OpenAiSpeech, "", Some(Framing::Bytes)),
            (OpenAiSpeech, "text/html", None),
            (OpenAiSpeech, "application/json", None),
        ] {
            assert_eq!(framing_of(dialect, content_type), expected, "{dialect} {content_type}");
        }
    }

    proptest! {
        /// Wherever a stream of lines is cut into pieces, the lines are the same and no byte is lost.
        #[test]
        fn pieces_of_lines_do_not_matter(stream in "(\\{\"a\":1\\}|x| |\t)?(\n|\r|\r\n|[a-z]| |\n\n){0,40}", cuts: Vec<prop::sample::Index>) {
            let bytes = stream.as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (events, rest) = cut_by(Splitter::lines(), &pieces);
            prop_assert_eq!([events.concat(), rest.to_vec()].concat(), bytes);
            prop_assert!(events.iter().all(|event| !read_line(event).data.is_empty() && event.ends_with(b"\n")));
            prop_assert_eq!((events, rest), cut_by(Splitter::lines(), &[bytes]));
        }

        /// No bytes whatsoever make reading or cutting fail.
        #[test]
        fn any_bytes_can_be_cut_and_read(bytes: Vec<u8>) {
            for framing in [Framing::Sse, Framing::Lines, Framing::Bytes] {
                let (events, rest) = cut_by(Splitter::new(framing), &[&bytes]);
                prop_assert_eq!([events.concat(), rest.to_vec()].concat(), bytes.clone());
                events.iter().for_each(|event| drop(framing.read(event)));
            }
        }

        /// Wherever the stream is cut into pieces, the events are the same and no byte is lost.
        #[test]
        fn pieces_do_not_matter(stream in "(data: [a-z]{0,4}|event: x|:|)?(\n|\r|\r\n|[a-z]|\n\n){0,40}", cuts: Vec<prop::sample::Index>) {
            let bytes = stream.as_bytes();
            let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            let (events, rest) = cut(&pieces);
            let (whole, whole_rest) = cut(&[bytes]);
            prop_assert_eq!([events.concat(), rest.to_vec()].concat(), bytes);
            // Only whether a final CR is already the end of a line can differ, and it is settled at the end.
            prop_assert_eq!(events, whole);
            prop_assert_eq!(rest, whole_rest);
        }
    }
}
