//! What answers and streams say.

use serde_json::{Value, json};
use waymark_types::Usage;

use super::{OWN, frames, prompt, read, reply, stream_for, talk, texts};
use crate::neutral::{Block, Event, Prompt, Stop};
use crate::sse::Splitter;
use crate::testing::{CREATED, case, events};
use crate::{Answer, ErrorKind, Fault, Progress, error_body, error_event, sse, testing};

#[test]
fn answers_are_read() {
    let text = reply("text");
    assert_eq!((texts(&text.blocks), text.stop), (vec!["It lints Rust code ✓."], Some(Stop::End)));
    assert_eq!(
        (text.model.as_deref(), text.usage.input, text.usage.output),
        (Some("gpt-5.5-2026-04-23"), Some(14), Some(7))
    );
    let calls = reply("parallel_tools");
    assert_eq!((calls.blocks.len(), calls.stop), (3, Some(Stop::ToolCalls)));
    let reasoning = reply("reasoning");
    assert!(
        matches!(&reasoning.blocks[0], Block::Thinking { id: Some(_), signature: Some(_), text } if text.ends_with("clock.\n\nSo it is flaky."))
    );
    assert_eq!((reasoning.usage.reasoning, reasoning.usage.cached_input), (Some(256), Some(1024)));
    assert_eq!(reply("refusal").stop, Some(Stop::Refusal));
    assert_eq!(reply("refusal").blocks, [Block::Refusal { text: "I can't help with that.".into() }]);
    assert_eq!(reply("max_tokens").stop, Some(Stop::MaxTokens));
    assert_eq!(reply("filtered").stop, Some(Stop::Refusal));
    assert_eq!(
        reply("cached_usage").usage,
        Usage {
            input: Some(20480),
            cached_input: Some(18432),
            cache_write: Some(1024),
            output: Some(5),
            reasoning: Some(0),
        }
    );
    let custom = reply("custom_tool");
    assert!(matches!(&custom.blocks[1], Block::ToolCall { name, arguments, .. }
        if name == "apply_patch" && arguments.starts_with("{\"input\":\"*** Begin Patch\\n")));
    assert!(matches!(&custom.blocks[2], Block::ToolCall { name, .. } if name == "multi_agent__spawn_agent"));
}

#[test]
fn streams_are_read() {
    let text = testing::stream(OWN, "text");
    assert!(matches!(&text[0], Event::Start { id: Some(id), model: Some(_) } if id.starts_with("resp_")));
    assert_eq!(text.iter().filter(|event| matches!(event, Event::TextDelta { .. })).count(), 3);
    assert_eq!(text.last(), Some(&Event::End));
    for name in ["parallel_tools", "interleaved_calls"] {
        let calls = testing::stream(OWN, name);
        assert!(calls.contains(&Event::Stop { stop: Stop::ToolCalls }), "{name}");
    }
    assert!(testing::stream(OWN, "refusal").contains(&Event::Stop { stop: Stop::Refusal }));
    assert!(testing::stream(OWN, "max_tokens").contains(&Event::Stop { stop: Stop::MaxTokens }));
    let failed = testing::stream(OWN, "error_mid_stream");
    let message = "The server had an error while processing your request.".to_owned();
    assert_eq!(failed.last(), Some(&Event::Error { code: Some("server_error".into()), message }));
    assert!(
        matches!(testing::stream(OWN, "error_event").last(), Some(Event::Error { code: Some(code), .. }) if code == "rate_limit_exceeded")
    );
    let terse = testing::stream(OWN, "terse");
    assert_eq!(terse.iter().filter(|event| matches!(event, Event::BlockEnd { .. })).count(), 2);
    let custom: String = testing::stream(OWN, "custom_tool")
        .iter()
        .filter_map(|event| match event {
            Event::ToolCallDelta { index: 1, arguments } => Some(arguments.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(serde_json::from_str::<Value>(&custom).unwrap()["input"], reply_patch());
    // A stream cut short has no end.
    let bytes = case(OWN, "text.stream.txt");
    assert!(!events(OWN, &[&bytes[..bytes.len() / 2]]).contains(&Event::End));
}

fn reply_patch() -> String {
    let reply: Value = serde_json::from_slice(&case(OWN, "custom_tool.reply.json")).unwrap();
    reply["output"][1]["input"].as_str().unwrap().to_owned()
}

#[test]
fn a_stream_says_what_its_whole_answer_says() {
    for name in ["text", "parallel_tools", "reasoning", "refusal", "custom_tool"] {
        let frames = stream_for(&prompt("codex"), &testing::stream(OWN, name));
        let last = &frames.last().unwrap().1["response"];
        let whole: Value =
            serde_json::from_slice(&talk().write_reply_to(&prompt("codex"), &reply(name), "auto", CREATED))
                .unwrap();
        assert_eq!(last["output"], whole["output"], "{name}");
        assert_eq!((&last["usage"], &last["status"]), (&whole["usage"], &whole["status"]), "{name}");
    }
}

#[test]
fn a_part_may_have_any_number() {
    let delta = |index: &str, number: u64, said: &str| {
        let kind = format!(
            "response.reasoning_{}text.delta",
            if index == "summary_index" { "summary_" } else { "" }
        );
        format!("data: {}\n\n", json!({"type": kind, "output_index": 0, index: number, "delta": said}))
    };
    let bytes = [
        format!(
            "data: {}\n\n",
            json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1"}})
        ),
        delta("summary_index", u64::MAX - 1, "one"),
        delta("content_index", 0, "the same at length"),
        delta("summary_index", u64::MAX, "two"),
    ]
    .concat();
    let said = events(OWN, &[bytes.as_bytes()]);
    let said = said.iter().filter_map(|event| match event {
        Event::ThinkingDelta { text, .. } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(said.collect::<String>(), "one\n\ntwo");
}

#[test]
fn an_item_that_ends_as_another_is_what_it_began_as() {
    let event = |kind: &str, what: Value| {
        let mut event = json!({"type": kind, "output_index": 0});
        event.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        format!("data: {event}\n\n")
    };
    let reasoning = json!({"item": {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAAA=="}});
    let bytes = [
        event("response.output_text.delta", json!({"content_index": 0, "delta": "Done."})),
        event("response.output_item.done", reasoning),
    ]
    .concat();
    let kinds: Vec<Event> = events(OWN, &[bytes.as_bytes()]);
    assert!(kinds.iter().any(|event| matches!(event, Event::TextDelta { text, .. } if text == "Done.")));
    assert!(!kinds.iter().any(|event| matches!(event, Event::ThinkingSignature { .. })), "{kinds:?}");
}

#[test]
fn written_streams_have_every_event_in_its_place() {
    let frames = stream_for(&Prompt::default(), &testing::stream(OWN, "parallel_tools"));
    let names: Vec<&str> = frames.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (at, (name, data)) in frames.iter().enumerate() {
        assert_eq!((&data["sequence_number"], &data["type"]), (&json!(at), &json!(name)));
    }
    assert_eq!(frames[4].1["item_id"], frames[2].1["item"]["id"]);
    assert_eq!((&frames[9].1["output_index"], &frames[14].1["output_index"]), (&json!(1), &json!(2)));
    assert_eq!(frames[13].1["item"]["arguments"], "{\"command\":\"cargo test\"}");
    assert_eq!(frames[19].1["response"]["output"].as_array().unwrap().len(), 3);
}

#[test]
fn foreign_reasoning_travels_with_the_answer() {
    let events = [
        Event::Start { id: None, model: None },
        Event::ThinkingStart { index: 0, id: None },
        Event::ThinkingDelta { index: 0, text: "Hm.".into() },
        Event::ThinkingSignature { index: 0, signature: "waymark/anthropic///EqQB".into() },
        Event::BlockEnd { index: 0 },
        Event::RedactedThinking { index: 1, data: "data".into() },
        Event::ThinkingStart { index: 2, id: None },
        Event::ThinkingDelta { index: 2, text: "Unsigned.".into() },
        Event::BlockEnd { index: 2 },
        Event::ToolCallStart {
            index: 3,
            id: "c".into(),
            name: "run".into(),
            signature: Some("token".into()),
        },
        Event::BlockEnd { index: 3 },
        Event::TextStart { index: 4 },
        Event::TextDelta { index: 4, text: "a".into() },
        Event::BlockEnd { index: 4 },
        Event::TextStart { index: 5 },
        Event::BlockEnd { index: 5 },
        Event::Stop { stop: Stop::ToolCalls },
        Event::End,
    ];
    let mut writer = talk().event_writer(&Prompt::default(), "auto", CREATED);
    let bytes: Vec<u8> = events.iter().flat_map(|event| writer.write(event)).collect();
    let mut again = testing::events(OWN, &[&bytes]);
    testing::is_in_order(&again);
    assert_eq!(again[0], Event::Start { id: Some(format!("resp_{CREATED:x}")), model: Some("auto".into()) });
    again[0] = events[0].clone();
    // A call without arguments has an empty object of them.
    let empty = again
        .iter()
        .position(|event| matches!(event, Event::ToolCallDelta { arguments, .. } if arguments == "{}"));
    again.remove(empty.unwrap());
    assert_eq!(again, events);
    let frames = frames(&bytes);
    let last = &frames.last().unwrap().1["response"];
    // Both texts are one message, the last that a client sees.
    assert_eq!(last["output"].as_array().unwrap().len(), 6);
    assert_eq!(last["output"][5]["content"].as_array().unwrap().len(), 2);
    let replayed = read(&json!({"input": last["output"]}));
    assert_eq!(replayed.turns[0].blocks.len(), 6);
    assert!(
        matches!(&replayed.turns[0].blocks[2], Block::Thinking { text, signature: None, id: None } if text == "Unsigned.")
    );
    assert!(
        matches!(&replayed.turns[0].blocks[3], Block::ToolCall { signature: Some(token), .. } if token == "token")
    );
}

#[test]
fn a_failure_is_told_in_the_dialects_words() {
    for (code, word) in [
        (None, "server_error"),
        (Some("overloaded_error"), "server_error"),
        (Some("RESOURCE_EXHAUSTED"), "rate_limit_exceeded"),
        (Some("context_length_exceeded"), "context_length_exceeded"),
    ] {
        let error = Event::Error { code: code.map(str::to_owned), message: "broke off".into() };
        let frames = stream_for(&Prompt::default(), &[error, Event::End]);
        let names: Vec<&str> = frames.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["response.created", "response.in_progress", "response.failed"]);
        assert_eq!(frames[2].1["response"]["error"], json!({"code": word, "message": "broke off"}));
    }
    let fault = Fault { kind: ErrorKind::Upstream, code: "upstream_failed", message: "broke off".into() };
    let frame = frames(&error_event(OWN, &fault)).remove(0);
    assert_eq!(frame.0, "response.failed");
    assert_eq!(frame.1["response"]["error"], json!({"code": "upstream_failed", "message": "broke off"}));
    let body = error_body(OWN, &fault);
    assert_eq!(talk().read_error(&body), (Some("upstream_failed".into()), "broke off".into()));
    assert_eq!(talk().read_error(b"bad gateway"), (None, "bad gateway".into()));
}

#[test]
fn what_the_record_needs_is_seen() {
    let mut answer = Answer::default();
    answer.read_body(OWN, &case(OWN, "cached_usage.reply.json"));
    assert_eq!(answer.served_model.as_deref(), Some("gpt-5.5-2026-04-23"));
    assert_eq!(
        (answer.usage.cached_input, answer.finish.as_deref(), answer.error),
        (Some(18432), Some("completed"), None)
    );
    let watch = |name: &str| {
        let mut answer = Answer::default();
        let mut splitter = Splitter::default();
        splitter.push(&case(OWN, &format!("{name}.stream.txt")));
        let mut last = Progress::Ongoing;
        while let Some(event) = splitter.next_event().unwrap() {
            assert_eq!(last, Progress::Ongoing);
            last = answer.read_event(OWN, &sse::read(&event));
        }
        (answer, last)
    };
    for name in ["text", "reasoning", "usage_only_at_end", "terse"] {
        let (answer, last) = watch(name);
        assert_eq!((last, answer.error), (Progress::Last, None), "{name}");
        assert!(answer.served_model.is_some() && answer.usage.output.is_some(), "{name}");
    }
    let (answer, last) = watch("max_tokens");
    assert_eq!((last, answer.finish.as_deref()), (Progress::Last, Some("max_output_tokens")));
    let (answer, last) = watch("error_mid_stream");
    assert_eq!(
        (last, answer.error.as_deref()),
        (Progress::Failed, Some("The server had an error while processing your request."))
    );
    assert_eq!(watch("error_event").1, Progress::Failed);
    // A server that does not name its events.
    let data = b"data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"model\":\"m\"}}\n\n";
    assert_eq!(Answer::default().read_event(OWN, &sse::read(data)), Progress::Last);
}
