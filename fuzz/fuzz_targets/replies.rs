//! Whole answers and errors, read and written in every other dialect.
#![no_main]

use waymark_fuzz::crossing::{CLIENTS, PROVIDERS};
use waymark_fuzz::{CREATED, Input, MODEL, is_json, streams};
use waymark_protocol::{Answer, ErrorKind, Failure, Fault, error_body, error_event, sse};
use waymark_types::{Dialect, Timestamp};

waymark_fuzz::target!(check);

fn check(input: Input<'_>) {
    Answer::default().read_body(*input.of(Dialect::ALL), input.body);
    let text = std::str::from_utf8(input.body).ok();
    Failure::read(input.seed as u16 % 600, |_| text, input.body, Timestamp::from_micros(CREATED * 1_000_000));
    Failure::of_event(input.body);
    let provider = input.of(&PROVIDERS);
    let (_, message) = provider.talk.read_error(input.body);
    if !message.is_empty() {
        faults(&message, input);
    }
    let Ok(reply) = provider.talk.read_reply(input.body) else { return };
    let client = input.other(&CLIENTS);
    let written = client.talk.write_reply_to(client.prompt(input.seed), &reply, MODEL, CREATED);
    is_json(&written, input.body);
    let whose = format!("{}: {}", client.dialect, String::from_utf8_lossy(&written));
    let again = client.talk.read_reply(&written).unwrap_or_else(|error| panic!("{error}: {whose}"));
    assert_eq!(streams::text(&again.blocks), streams::text(&reply.blocks), "{whose}");
    if client.dialect.is_conversation() {
        assert_eq!(streams::calls(&again.blocks).len(), streams::calls(&reply.blocks).len(), "{whose}");
    }
    let mut answer = Answer::default();
    answer.read_body(client.dialect, &written);
    assert_eq!(answer.error, None, "{whose}");
}

/// Any message arrives as it was said, in any dialect's error.
fn faults(message: &str, input: Input<'_>) {
    let fault = Fault { kind: ErrorKind::Upstream, code: "upstream_error", message: message.to_owned() };
    let dialect = *input.other(Dialect::ALL);
    let body = error_body(dialect, &fault);
    is_json(&body, input.body);
    let mut answer = Answer::default();
    answer.read_body(dialect, &body);
    assert_eq!(answer.error.as_deref(), Some(message), "{dialect}: {}", String::from_utf8_lossy(&body));
    // Vectors come whole.
    if dialect.is_embedding() {
        return;
    }
    let (event, framing) = (error_event(dialect, &fault), sse::framing(dialect));
    let mut splitter = sse::Splitter::new(framing);
    splitter.push(&event);
    let frame = splitter.next_event().unwrap().expect("an event that is whole");
    let mut answer = Answer::default();
    answer.read_event(dialect, &framing.read(&frame));
    assert_eq!(answer.error.as_deref(), Some(message), "{dialect}: {}", String::from_utf8_lossy(&event));
}
