//! Streams for clients that ask without `alt=sse`: one JSON array, an element for each event.

use super::Glance;
use crate::sse::{self, Splitter};

/// Puts the events of a stream into one array, as they come.
#[derive(Debug, Clone, Default)]
pub struct Array {
    begun: bool,
    /// An error is the last element. It is one even where it was told in two ways (`wire::error_event`).
    failed: bool,
}

impl Array {
    /// The media type of such a stream.
    pub const CONTENT_TYPE: &'static str = "application/json; charset=UTF-8";

    /// Whether a request for a stream, by its address's query, wants an array.
    pub fn is_wanted(query: Option<&str>) -> bool {
        let wants_events = |pair: &str| matches!(pair, "alt=sse" | "$alt=sse" | "%24alt=sse");
        !query.unwrap_or_default().split('&').any(wants_events)
    }

    /// The elements for these events, which are whole.
    pub fn push(&mut self, events: &[u8]) -> Vec<u8> {
        let (mut splitter, mut elements) = (Splitter::default(), Vec::new());
        splitter.push(events);
        while let Ok(Some(event)) = splitter.next_event() {
            self.element(&event, &mut elements);
        }
        self.element(&splitter.rest(), &mut elements);
        elements
    }

    /// The elements for the last events, and the array's end.
    pub fn close(mut self, events: &[u8]) -> Vec<u8> {
        let mut elements = self.push(events);
        elements.extend_from_slice(if self.begun { b"]" } else { b"[]" });
        elements
    }

    fn element(&mut self, event: &[u8], elements: &mut Vec<u8>) {
        let frame = sse::read(event);
        let data = frame.data.trim_ascii();
        if data.is_empty() || self.failed {
            return;
        }
        let glance = serde_json::from_slice::<Glance>(data);
        self.failed = glance.is_ok_and(|glance| glance.error.is_some());
        let separator: &[u8] = if std::mem::replace(&mut self.begun, true) { b",\r\n" } else { b"[" };
        for piece in [separator, data, b"\n"] {
            elements.extend_from_slice(piece);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::{ErrorKind, Fault};
    use crate::{Codec as _, gemini::Gemini};

    fn array(pieces: &[&[u8]], last: &[u8]) -> Value {
        let mut array = Array::default();
        let mut all: Vec<u8> = pieces.iter().flat_map(|events| array.push(events)).collect();
        all.extend(array.close(last));
        serde_json::from_slice(&all)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&all)))
    }

    #[test]
    fn events_become_elements() {
        let said = array(
            &[b"data: {\"a\":1}\r\n\r\ndata: {\"a\":2}\r\n\r\n", b": quiet\n\n\n\n"],
            b"data: {\"a\":2}",
        );
        assert_eq!(said, json!([{"a": 1}, {"a": 2}, {"a": 2}]));
        assert_eq!(array(&[], b""), json!([]));
    }

    #[test]
    fn an_error_is_the_last_element_and_there_once() {
        let fault =
            Fault { kind: ErrorKind::Upstream, code: "stream_failed", message: "broke off".to_owned() };
        let said = array(&[b"data: {\"a\":1}\n\n"], &Gemini.error_event(&fault));
        assert_eq!(said.as_array().map(Vec::len), Some(2), "{said}");
        assert_eq!(said[1]["error"]["message"], "broke off");
        assert_eq!(array(&[], b"{\n \"error\": {\"code\": 503}\n}\n"), json!([{"error": {"code": 503}}]));
    }

    #[test]
    fn who_asks_for_events_gets_no_array() {
        assert!(Array::is_wanted(None) && Array::is_wanted(Some("key=k&alt=json")));
        assert!(!Array::is_wanted(Some("key=k&alt=sse")) && !Array::is_wanted(Some("%24alt=sse")));
    }
}
