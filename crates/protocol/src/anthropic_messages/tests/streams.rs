//! Streamed answers.

use proptest::prelude::*;
use serde_json::{Value, json};
use waymark_types::Usage;

use super::*;
use crate::neutral::{Event, Stop};
use crate::sse::{self, Splitter};

/// What a stream that comes in these pieces says.
fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let (mut splitter, mut reader) = (Splitter::default(), AnthropicMessages.event_reader());
    let mut events = Vec::new();
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            events.extend(reader.read(&sse::read(&event)));
        }
    }
    events.extend(reader.finish());
    events
}

fn stream(name: &str) -> Vec<Event> {
    events(&[&case(&format!("{name}.stream.txt"))])
}

fn rewritten(events: &[Event]) -> Vec<u8> {
    let mut writer = AnthropicMessages.event_writer(&Prompt::default(), "asked-for", 1_700_000_000);
    events.iter().flat_map(|event| writer.write(event)).collect()
}

/// The events of a written stream, by their names and data; both must agree.
fn frames(bytes: &[u8]) -> Vec<(String, Value)> {
    let mut splitter = Splitter::default();
    splitter.push(bytes);
    let mut frames = Vec::new();
    while let Some(event) = splitter.next_event().unwrap() {
        let frame = sse::read(&event);
        let data: Value = serde_json::from_slice(&frame.data).unwrap();
        assert_eq!(frame.event, data["type"].as_str());
        frames.push((frame.event.unwrap().to_owned(), data));
    }
    assert!(splitter.rest().is_empty());
    frames
}

/// Whether events keep to the order that they promise.
fn check_order(events: &[Event]) {
    let (mut next, mut open, mut stage) = (0, None, 0);
    for event in events {
        let value = serde_json::to_value(event).unwrap();
        let kind = value["kind"].as_str().unwrap();
        let index = value["index"].as_u64();
        match kind {
            "ping" => continue,
            "start" => assert_eq!(stage, 0),
            "redacted_thinking" => {
                assert_eq!((index, open), (Some(next), None));
                next += 1;
            }
            "block_end" => {
                assert_eq!(index, open.take());
                next += 1;
            }
            _ if kind.ends_with("_start") => {
                assert_eq!((index, open), (Some(next), None));
                open = index;
            }
            _ if index.is_some() => assert_eq!(index, open),
            "usage" => assert_eq!((stage, open), (1, None)),
            "stop" => stage = 2,
            "end" => {
                assert!(stage >= 1);
                stage = 4;
            }
            "error" => stage = 4,
            _ => panic!("{kind}"),
        }
        stage = stage.max(1);
    }
}

#[test]
fn every_stream_reads_again_as_it_was() {
    for name in cases(".stream.txt") {
        let read = events(&[&case(&name)]);
        check_order(&read);
        let mut again = events(&[&rewritten(&read)]);
        let mut expected = read.clone();
        if name.starts_with("refusal_explained") {
            // Words of refusal are shown as text, and are not told twice.
            expected =
                serde_json::from_str(&serde_json::to_string(&expected).unwrap().replace("refusal_", "text_"))
                    .unwrap();
        }
        again.retain(|event| *event != Event::Ping);
        expected.retain(|event| *event != Event::Ping);
        if name.starts_with("usage_only_at_end") || name.starts_with("cut") {
            // What nobody stated is written as 0.
            again.retain(|event| !matches!(event, Event::Usage { .. }));
            expected.retain(|event| !matches!(event, Event::Usage { .. }));
        }
        assert_eq!(again, expected, "{name}");
    }
}

#[test]
fn it_does_not_matter_where_a_stream_is_cut() {
    for name in cases(".stream.txt") {
        let bytes = case(&name);
        let whole = events(&[&bytes]);
        for at in 0..=bytes.len() {
            assert_eq!(events(&[&bytes[..at], &bytes[at..]]), whole, "{name} at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(events(&single), whole, "{name} byte by byte");
    }
}

fn usage(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::default() }
}

#[test]
fn text_is_told_piece_by_piece() {
    let text = |text: &str| Event::TextDelta { index: 0, text: text.to_owned() };
    let cached = Usage { cached_input: Some(0), cache_write: Some(0), ..usage(25, 15) };
    let expected = [
        Event::Start {
            id: Some("msg_01EcyWo6m4hyW8KHs2y2pei5".to_owned()),
            model: Some("claude-sonnet-5".to_owned()),
        },
        Event::TextStart { index: 0 },
        Event::Ping,
        text("Hello"),
        text(" — wörld"),
        text("!\n"),
        Event::BlockEnd { index: 0 },
        Event::Usage { usage: cached },
        Event::Stop { stop: Stop::End },
        Event::End,
    ];
    assert_eq!(stream("text"), expected);
}

#[test]
fn calls_have_whole_arguments() {
    let arguments = |index: usize| {
        let deltas = stream("parallel_tools").into_iter().filter_map(move |event| match event {
            Event::ToolCallDelta { index: own, arguments } if own == index => Some(arguments),
            _ => None,
        });
        deltas.collect::<String>()
    };
    assert_eq!(arguments(1), r#"{"path": "a.rs", "limit": 10}"#);
    // A tool without arguments is called with none, which is an object too.
    assert_eq!(arguments(2), "{}");
    assert!(stream("parallel_tools").contains(&Event::Stop { stop: Stop::ToolCalls }));
}

#[test]
fn reasoning_is_signed_or_hidden() {
    let read = stream("reasoning");
    let signatures = read.iter().filter(|event| {
        matches!(event, Event::ThinkingSignature { signature, .. } if signature.starts_with("waymark/anthropic///Eq"))
    });
    assert_eq!(signatures.count(), 2);
    assert!(
        read.contains(&Event::RedactedThinking { index: 1, data: "waymark/anthropicREDEmwKAhgB".to_owned() })
    );
    let counted =
        Usage { cached_input: Some(40), cache_write: Some(0), reasoning: Some(201), ..usage(130, 240) };
    assert!(read.contains(&Event::Usage { usage: counted }));
}

#[test]
fn refusals_are_told_with_their_reason() {
    assert!(stream("refusal").contains(&Event::Stop { stop: Stop::Refusal }));
    let told = Event::RefusalDelta { index: 1, text: "This request was refused due to policy.".to_owned() };
    assert!(stream("refusal_explained").contains(&told));
}

#[test]
fn what_only_the_provider_reads_is_left_out() {
    let blocks =
        stream("server_tools").iter().filter(|event| matches!(event, Event::BlockEnd { .. })).count();
    assert_eq!(blocks, 2);
    assert!(stream("fallback").contains(&Event::TextDelta { index: 1, text: "here it is.".to_owned() }));
}

#[test]
fn a_broken_stream_is_never_whole() {
    let failed = stream("error_mid_stream");
    let error = Event::Error { code: Some("overloaded_error".to_owned()), message: "Overloaded".to_owned() };
    assert_eq!(failed.last(), Some(&error));
    assert!(!failed.contains(&Event::End) && !stream("cut").contains(&Event::End));
}

#[test]
fn errors_are_heard_in_whatever_shape() {
    let told = |bytes: &str| events(&[bytes.as_bytes()]).pop();
    let error = |message: &str| Some(Event::Error { code: None, message: message.to_owned() });
    assert_eq!(told("event: error\ndata: {\"type\":\"error\",\"message\":\"gone\"}\n\n"), error("gone"));
    assert_eq!(told("event: error\ndata: upstream connect error\n\n"), error("upstream connect error"));
    assert_eq!(told("data: {\"type\":\"error\",\"error\":\"gone\"}\n\n"), error("gone"));
}

#[test]
fn the_order_is_what_the_clients_expect() {
    let names: Vec<String> = frames(&rewritten(&stream("text"))).into_iter().map(|(name, _)| name).collect();
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names, expected);
    let written = rewritten(&stream("text"));
    let start = &frames(&written)[0].1["message"];
    assert_eq!(
        *start,
        json!({"id": "msg_01EcyWo6m4hyW8KHs2y2pei5", "type": "message", "role": "assistant",
        "model": "claude-sonnet-5", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 0, "output_tokens": 0}})
    );
    let delta = &frames(&written)[7].1;
    assert_eq!(
        *delta,
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
        "usage": {"input_tokens": 25, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 15}})
    );
}

#[test]
fn other_providers_streams_are_whole_here() {
    let foreign = [
        Event::Start { id: None, model: None },
        Event::ThinkingStart { index: 0, id: None },
        Event::ThinkingDelta { index: 0, text: "hm".to_owned() },
        Event::BlockEnd { index: 0 },
        Event::ToolCallStart {
            index: 1,
            id: "a:0".to_owned(),
            name: "read".to_owned(),
            signature: Some("token".to_owned()),
        },
        Event::ToolCallDelta { index: 1, arguments: "{}".to_owned() },
        Event::BlockEnd { index: 1 },
        Event::Stop { stop: Stop::End },
        Event::End,
    ];
    let frames = frames(&rewritten(&foreign));
    let about: Vec<(&str, Option<u64>)> =
        frames.iter().map(|(name, data)| (name.as_str(), data["index"].as_u64())).collect();
    let expected = [
        ("message_start", None),
        ("content_block_start", Some(0)),
        ("content_block_delta", Some(0)),
        ("content_block_delta", Some(0)),
        ("content_block_stop", Some(0)),
        ("content_block_start", Some(1)),
        ("content_block_delta", Some(1)),
        ("content_block_stop", Some(1)),
        ("content_block_start", Some(2)),
        ("content_block_delta", Some(2)),
        ("content_block_stop", Some(2)),
        ("message_delta", None),
        ("message_stop", None),
    ];
    assert_eq!(about, expected);
    assert_eq!(frames[3].1["delta"], json!({"type": "signature_delta", "signature": "waymark:thinking::"}));
    assert_eq!(frames[6].1["delta"]["signature"], "waymark:call:token");
    assert_eq!(frames[8].1["content_block"]["input"], json!({}));
    assert_eq!(frames[11].1["delta"]["stop_reason"], "tool_use");
}

#[test]
fn errors_have_the_dialects_kinds() {
    let kind = |code: Option<&str>| {
        let error = Event::Error { code: code.map(str::to_owned), message: "m".to_owned() };
        frames(&rewritten(&[error]))[0].1["error"]["type"].clone()
    };
    assert_eq!(kind(None), "api_error");
    assert_eq!(kind(Some("overloaded_error")), "overloaded_error");
    assert_eq!(kind(Some("rate_limit_exceeded")), "rate_limit_error");
    assert_eq!(kind(Some("UNAVAILABLE")), "overloaded_error");
    assert_eq!(kind(Some("context_length_exceeded")), "invalid_request_error");
}

proptest! {
    /// Whatever events come, the reader keeps to its order, and what it says can be written.
    #[test]
    fn no_event_stops_a_reader(frames in prop::collection::vec(any_json(), 0..12), kinds in prop::collection::vec(0..9usize, 12),
        raw in prop::collection::vec(any::<u8>(), 0..64)) {
        let names = ["message_start", "content_block_start", "content_block_start", "content_block_delta",
            "content_block_delta", "content_block_stop", "message_delta", "message_stop", "error"];
        let blocks = ["text", "thinking", "tool_use", "redacted_thinking", "other"];
        let mut stream = raw;
        stream.extend_from_slice(b"\n\n");
        for (at, frame) in frames.iter().enumerate() {
            let mut frame = frame.clone();
            if let Value::Object(members) = &mut frame {
                members.insert("type".to_owned(), json!(names[kinds[at]]));
                members.entry("index").or_insert(json!(at % 2));
                members.entry("content_block").or_insert(json!({"type": blocks[at % 5], "text": "t", "signature": "s"}));
                members.entry("delta").or_insert(json!({"text": "t", "partial_json": "{", "stop_reason": "refusal"}));
            }
            stream.extend_from_slice(format!("data: {frame}\n\n").as_bytes());
        }
        let read = events(&[&stream]);
        check_order(&read);
        rewritten(&read);
    }
}
