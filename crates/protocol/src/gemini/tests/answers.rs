//! Whole answers and streams.

use bytes::Bytes;
use serde_json::{Value, json};
use waymark_types::{Dialect, Usage};

use super::text;
use crate::answer::Answer;
use crate::dialogue::Dialogue;
use crate::gemini::{Gemini, without_foreign};
use crate::neutral::{Block, Event, Prompt, Reply, Stop};
use crate::testing::{case, events, is_in_order, reply, stream};

#[test]
fn answers_are_read() {
    let plain = reply(Dialect::Gemini, "text");
    assert_eq!(plain.blocks[0], text("Sunlight is scattered by the air, blue most of all."));
    assert!(matches!(&plain.blocks[1], Block::Thinking { text, signature: Some(_), .. } if text.is_empty()));
    assert_eq!((plain.model.as_deref(), plain.stop), (Some("gemini-3.5-flash-001"), Some(Stop::End)));
    let usage = Usage { input: Some(11), output: Some(56), reasoning: Some(42), ..Usage::default() };
    assert_eq!(plain.usage, usage);
    let calls = reply(Dialect::Gemini, "parallel_tools");
    assert_eq!(calls.stop, Some(Stop::ToolCalls));
    let Block::ToolCall { id, signature, .. } = &calls.blocks[1] else { panic!() };
    assert_eq!((id.as_str(), signature.is_some()), ("call_8WYVabjkGa1nsEPnq3_0", true));
    assert_eq!(reply(Dialect::Gemini, "max_tokens").stop, Some(Stop::MaxTokens));
    assert_eq!(reply(Dialect::Gemini, "cached_usage").usage.cached_input, Some(16384));
    let refused = reply(Dialect::Gemini, "refusal");
    assert_eq!((refused.stop, refused.blocks.len(), refused.usage.output), (Some(Stop::Refusal), 0, Some(0)));
    let told = br#"{"promptFeedback":{"blockReason":"SAFETY","blockReasonMessage":"No."}}"#;
    assert_eq!(Gemini.read_reply(told).unwrap().blocks, [Block::Refusal { text: "No.".into() }]);
    let thought = reply(Dialect::Gemini, "reasoning");
    assert!(
        matches!(&thought.blocks[0], Block::Thinking { text, .. } if text == "**Counting**\n\nI spell the word.")
    );
}

#[test]
fn an_answer_without_a_reason_or_with_an_error_says_so() {
    let reply = Gemini.read_reply(br#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#).unwrap();
    assert_eq!((reply.stop, reply.usage), (None, Usage::default()));
    let body = case(Dialect::Gemini, "error.body.json");
    assert!(Gemini.read_reply(&body).is_err());
    let (code, message) = Gemini.read_error(&body);
    assert_eq!(code.as_deref(), Some("RESOURCE_EXHAUSTED"));
    assert!(message.starts_with("Resource has been exhausted"));
    let array = [b"[", &body[..], b"]"].concat();
    assert_eq!(Gemini.read_error(&array).0.as_deref(), Some("RESOURCE_EXHAUSTED"));
    assert_eq!(Gemini.read_error(b" 502 Bad Gateway\n"), (None, "502 Bad Gateway".into()));
}

#[test]
fn streams_are_read() {
    let plain = stream(Dialect::Gemini, "text");
    assert_eq!(plain.last(), Some(&Event::End));
    let calls = stream(Dialect::Gemini, "parallel_tools");
    let started = calls.iter().filter_map(|event| match event {
        Event::ToolCallStart { index, id, signature, .. } => Some((*index, id.as_str(), signature.is_some())),
        _ => None,
    });
    let expected = [(1, "call_8WYVabjkGa1nsEPnq3_0", true), (2, "call_8WYVabjkGa1nsEPnq3_1", false)];
    assert_eq!(started.collect::<Vec<_>>(), expected);
    assert!(calls.contains(&Event::Stop { stop: Stop::ToolCalls }));
    let thought = stream(Dialect::Gemini, "reasoning");
    let usage = Usage {
        input: Some(9),
        cached_input: Some(4),
        output: Some(202),
        reasoning: Some(200),
        cache_write: None,
    };
    assert!(thought.contains(&Event::Usage { usage }));
    for name in ["refusal", "blocked"] {
        assert!(stream(Dialect::Gemini, name).contains(&Event::Stop { stop: Stop::Refusal }), "{name}");
    }
    let broken = stream(Dialect::Gemini, "error_mid_stream");
    let Some(Event::Error { code, message }) = broken.last() else { panic!("{broken:?}") };
    assert_eq!(code.as_deref(), Some("UNAVAILABLE"));
    assert!(message.starts_with("The model is overloaded"));
}

#[test]
fn a_stream_cut_short_does_not_end() {
    let bytes = case(Dialect::Gemini, "text.stream.txt");
    let cut = events(Dialect::Gemini, &[&bytes[..bytes.len() / 2]]);
    is_in_order(&cut);
    assert!(!cut.contains(&Event::End));
    let mut answer = Answer::default();
    for event in bytes.split_inclusive(|&byte| byte == b'\n') {
        answer.read_event(Dialect::Gemini, &crate::sse::read(event));
        assert_eq!(answer.is_whole_without_end(Dialect::Gemini), answer.finish.is_some());
    }
    assert_eq!(answer.finish.as_deref(), Some("STOP"));
    assert_eq!(
        (answer.served_model.as_deref(), answer.usage.output),
        (Some("gemini-3.5-flash-001"), Some(14))
    );
}

#[test]
fn a_whole_stream_without_a_reason_is_read_as_whole() {
    let mut writer = Gemini.event_writer(&Prompt::default(), "m", 0);
    let told = [Event::Start { id: None, model: None }, Event::End];
    let written: Vec<u8> = told.iter().flat_map(|event| writer.write(event)).collect();
    let read = events(Dialect::Gemini, &[&written]);
    assert!(read.contains(&Event::Stop { stop: Stop::Other("OTHER".into()) }), "{read:?}");
    assert_eq!(read.last(), Some(&Event::End));
}

#[test]
fn a_refusal_in_words_is_no_common_end() {
    let reply = Reply {
        blocks: vec![Block::Refusal { text: "No.".into() }],
        stop: Some(Stop::End),
        ..Reply::default()
    };
    let body: Value = serde_json::from_slice(&Gemini.write_reply(&reply, "m", 0)).unwrap();
    assert_eq!(body["candidates"][0]["finishReason"], "SAFETY");
    let mut writer = Gemini.event_writer(&Prompt::default(), "m", 0);
    let told = [
        Event::RefusalStart { index: 0 },
        Event::RefusalDelta { index: 0, text: "No.".into() },
        Event::BlockEnd { index: 0 },
        Event::Stop { stop: Stop::End },
        Event::End,
    ];
    let written: Vec<u8> = told.iter().flat_map(|event| writer.write(event)).collect();
    assert!(events(Dialect::Gemini, &[&written]).contains(&Event::Stop { stop: Stop::Refusal }));
}

#[test]
fn foreign_proofs_travel_with_clients_of_this_dialect() {
    let foreign =
        Block::Thinking { text: "hm".into(), signature: Some("waymark/anthropic///EqQB".into()), id: None };
    let blocks = vec![foreign, Block::RedactedThinking { data: "waymark/anthropicREDx".into() }, text("ho")];
    let reply = Reply { blocks, stop: Some(Stop::End), ..Reply::default() };
    let body: Value = serde_json::from_slice(&Gemini.write_reply(&reply, "m", 0)).unwrap();
    let history = json!({"contents": [body["candidates"][0]["content"]]});
    let prompt = Gemini.read_prompt(history.to_string().as_bytes()).unwrap();
    assert_eq!(prompt.turns[0].blocks, reply.blocks);
    assert!(without_foreign(&Bytes::from(history.to_string())).is_some());
}
