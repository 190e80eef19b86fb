//! Streams cut into events: however their bytes arrive, the events are the same, and no byte is lost.
#![no_main]

use bytes::Bytes;
use waymark_fuzz::Input;
use waymark_fuzz::random::pieces;
use waymark_protocol::Answer;
use waymark_protocol::sse::{Framing, Splitter, framing};
use waymark_types::Dialect;

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    let framing = framing(*input.of(Dialect::ALL));
    let whole = split(framing, &[input.body]);
    assert_eq!(split(framing, &pieces(input.body, input.seed)), whole);
    assert_eq!(whole.concat(), input.body);
    let mut answer = Answer::default();
    for event in &whole {
        let frame = framing.read(event);
        assert!(frame.data.len() <= event.len());
        answer.read_event(*input.of(Dialect::ALL), &frame);
    }
}

/// The events, and last what is left.
fn split(framing: Framing, pieces: &[&[u8]]) -> Vec<Bytes> {
    let (mut splitter, mut events) = (Splitter::new(framing), Vec::new());
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            assert!(!event.is_empty());
            events.push(event);
        }
    }
    let last = splitter.last_event();
    events.push(last.unwrap_or_else(|| splitter.rest()));
    assert!(splitter.rest().is_empty());
    events
}
