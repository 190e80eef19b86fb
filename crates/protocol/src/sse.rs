//! Server-sent events (WHATWG HTML, section 9.2): cut into events without changing a byte.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use thiserror::Error;

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

/// Cuts a stream into whole events.
#[derive(Debug, Default)]
pub struct Splitter {
    pending: BytesMut,
    /// Bytes of `pending` known to hold no end of an event.
    searched: usize,
    /// Whether the line being searched has any byte before `searched`.
    in_line: bool,
}

impl Splitter {
    /// Takes the next piece of the stream.
    pub fn push(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
    }

    /// The next whole event with the empty line that ends it, byte for byte; `None` when more must come.
    pub fn next_event(&mut self) -> Result<Option<Bytes>, EventTooLarge> {
        match self.find_end() {
            Some(end) => {
                (self.searched, self.in_line) = (0, false);
                Ok(Some(self.pending.split_to(end).freeze()))
            }
            None if self.pending.len() > MAX_EVENT => Err(EventTooLarge),
            None => Ok(None),
        }
    }

    /// What is left when the stream has ended: an event that was not finished, or nothing.
    pub fn rest(&mut self) -> Bytes {
        (self.searched, self.in_line) = (0, false);
        self.pending.split().freeze()
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

/// Reads an event's fields.
pub fn read(event: &[u8]) -> Frame<'_> {
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
        let (mut splitter, mut events) = (Splitter::default(), Vec::new());
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

    proptest! {
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
