//! Answers, streams and errors.

use serde_json::{Value, json};
use waymark_types::Usage;

use super::*;
use crate::neutral::Stop;
use crate::testing::is_in_order;

#[test]
fn replies_come_back_as_they_went() {
    for name in cases(".reply.json") {
        let reply = OpenAiChat.read_reply(&case(&name)).unwrap();
        let body = OpenAiChat.write_reply(&reply, "m", 1_795_000_000);
        assert_eq!(OpenAiChat.read_reply(&body).unwrap(), reply, "{name}");
    }
}

#[test]
fn streams_come_back_as_they_went() {
    let asked = Prompt { stream: true, stream_usage: true, ..Prompt::default() };
    for name in cases(".stream.txt") {
        let read = events(&[&case(&name)]);
        let mut writer = OpenAiChat.event_writer(&asked, "m", 1_795_000_000);
        let bytes: Vec<u8> = read.iter().flat_map(|event| writer.write(event)).collect();
        assert_eq!(events(&[&bytes]), read, "{name}");
    }
}

#[test]
fn streams_may_be_cut_anywhere() {
    for name in cases(".stream.txt") {
        let bytes = case(&name);
        let whole = events(&[&bytes]);
        for at in 0..bytes.len() {
            assert_eq!(events(&[&bytes[..at], &bytes[at..]]), whole, "{name} cut at {at}");
        }
    }
}

#[test]
fn answers_are_read() {
    let calls = reply("parallel_tools");
    assert_eq!(calls.blocks[0], call("call_a1", "run_command", r#"{"command": "cargo test"}"#));
    assert_eq!(
        (calls.stop, calls.usage.input, calls.usage.cached_input),
        (Some(Stop::ToolCalls), Some(310), Some(256))
    );
    let thought = reply("reasoning");
    assert!(matches!(&thought.blocks[..], [Block::Thinking { .. }, Block::Text { .. }]));
    assert_eq!(thought.usage.reasoning, Some(212));
    let refused = reply("refusal");
    assert!(matches!(&refused.blocks[..], [Block::Refusal { .. }]));
    assert_eq!((refused.stop, reply("max_tokens").stop), (Some(Stop::Refusal), Some(Stop::MaxTokens)));
    assert_eq!(reply("cached_usage").usage.cache_write, Some(4000));
    assert_eq!(reply("text").model.as_deref(), Some("gpt-5.4-2026-03-05"));
    for body in [r#"{"error":{"message":"overloaded","code":503}}"#, r#"{"choices":[]}"#, "{}"] {
        assert!(OpenAiChat.read_reply(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn streams_are_read_in_order() {
    let text = stream("text");
    assert!(
        matches!(&text[0], Event::Start { id: Some(_), model: Some(model) } if model == "gpt-5.4-2026-03-05")
    );
    assert!(matches!(
        &text[text.len() - 3..],
        [Event::Usage { .. }, Event::Stop { stop: Stop::End }, Event::End]
    ));
    // The second call's pieces came between the first's; they wait until the first is whole.
    let calls: Vec<Event> = stream("parallel_tools").into_iter().skip(4).collect();
    let expected = [
        Event::ToolCallStart { index: 1, id: "call_a1".into(), name: "run_command".into(), signature: None },
        Event::ToolCallDelta { index: 1, arguments: "{\"comm".into() },
        Event::ToolCallDelta { index: 1, arguments: "and\": \"cargo test\"}".into() },
        Event::BlockEnd { index: 1 },
        Event::ToolCallStart { index: 2, id: "call_b2".into(), name: "read_file".into(), signature: None },
        Event::ToolCallDelta { index: 2, arguments: "{\"path\":\"Cargo.toml\"}".into() },
        Event::BlockEnd { index: 2 },
    ];
    assert_eq!(calls[..expected.len()], expected);
    assert_eq!(stream("reasoning")[0], Event::Ping);
    let signed = stream("reasoning_signed");
    assert!(signed.iter().any(|event| matches!(event, Event::ThinkingSignature { index: 0, .. })));
    assert!(stream("refusal").contains(&Event::Stop { stop: Stop::Refusal }));
    let broken = stream("error_mid_stream");
    assert!(matches!(broken.last(), Some(Event::Error { code: Some(code), .. }) if code == "server_error"));
}

#[test]
fn servers_habits_are_understood() {
    let delta = |delta: Value| json!({"index": 0, "delta": delta});
    let name = |event: &Event| match event {
        Event::ToolCallStart { id, name, .. } => Some(format!("{id} {name}")),
        _ => None,
    };
    let names = |choices: &[Value]| of_choices(choices).iter().filter_map(name).collect::<Vec<_>>();
    // Every call has the index 0, and only the ids differ.
    let both = |index: Value, id: &str, tool: &str| {
        delta(
            json!({"tool_calls": [{"index": index, "id": id, "function": {"name": tool, "arguments": "{}"}}]}),
        )
    };
    assert_eq!(names(&[both(json!(0), "x", "one"), both(json!(0), "y", "two")]), ["x one", "y two"]);
    assert_eq!(names(&[both(Value::Null, "x", "one"), both(Value::Null, "y", "two")]), ["x one", "y two"]);
    // No ids at all, and arguments that are an object.
    let bare = json!({"tool_calls": [{"index": 0, "function": {"name": "one", "arguments": {"a": 1}}}]});
    let read = of_choices(&[delta(bare)]);
    assert_eq!(read.iter().filter_map(name).collect::<Vec<_>>(), ["call_0_0 one"]);
    assert!(read.contains(&Event::ToolCallDelta { index: 0, arguments: "{\"a\":1}".into() }));
    // Calls although the reason says `stop`.
    let stopped = [both(json!(0), "x", "one"), json!({"index": 0, "delta": {}, "finish_reason": "stop"})];
    assert!(of_choices(&stopped).contains(&Event::Stop { stop: Stop::ToolCalls }));
    // Text behind a call waits for the call's end.
    let mixed =
        [both(json!(0), "x", "one"), delta(json!({"content": "and"})), delta(json!({"content": " so on"}))];
    let mixed = of_choices(&mixed);
    assert!(mixed.contains(&Event::TextDelta { index: 1, text: "and so on".into() }), "{mixed:?}");
    // Mistral's parts.
    let parts = json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]});
    assert!(of_choices(&[delta(parts)]).contains(&Event::ThinkingDelta { index: 0, text: "hm".into() }));
    // Azure's first chunk names nothing.
    let azure = b"data: {\"choices\":[],\"id\":\"\",\"model\":\"\",\"prompt_filter_results\":[]}\n\n";
    assert_eq!(events(&[azure]), []);
}

#[test]
fn only_a_whole_stream_ends() {
    let bytes = case("text.stream.txt");
    let text = std::str::from_utf8(&bytes).unwrap();
    let without_done = text.strip_suffix("data: [DONE]\n\n").unwrap();
    assert_eq!(events(&[without_done.as_bytes()]), stream("text"));
    let cut = &text[..text.find("\"finish_reason\":\"stop\"").unwrap()];
    assert!(!events(&[cut.as_bytes()]).contains(&Event::End));
    for error in [
        "data: {\"error\":{\"message\":\"m\",\"code\":\"c\"},\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
        "event: error\ndata: {\"message\":\"m\",\"code\":\"c\"}\n\n",
        "data: {\"object\":\"error\",\"message\":\"m\",\"type\":\"c\"}\n\n",
    ] {
        assert_eq!(
            events(&[error.as_bytes()]),
            [Event::Error { code: Some("c".into()), message: "m".into() }]
        );
    }
    assert!(matches!(events(&[b"data: <html>\n\n"]).as_slice(), [Event::Error { .. }]));
}

#[test]
fn usage_stands_behind_whole_blocks_or_nowhere() {
    let usage = r#"{"id":"c","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":4}}"#;
    let cut = r#"{"id":"c","choices":[{"index":0,"delta":{"content":"Ren"}}]}"#;
    let stream = |chunks: &[&str]| {
        let bytes: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        let told = events(&[bytes.as_bytes()]);
        is_in_order(&told);
        told.iter().any(|event| matches!(event, Event::Usage { .. }))
    };
    assert!(stream(&[usage]));
    assert!(!stream(&[cut, usage]));
    assert!(!stream(&[&usage.replace(r#""id":"c","#, "")]));
}

#[test]
fn errors_of_many_shapes_are_read() {
    let read = |body: &str| OpenAiChat.read_error(body.as_bytes());
    let told = |code: &str, message: &str| (Some(code.to_owned()), message.to_owned());
    assert_eq!(read(r#"{"error":{"message":"m","type":"t","code":"c"}}"#), told("c", "m"));
    assert_eq!(read(r#"{"error":{"message":"m","type":"t","code":null}}"#), told("t", "m"));
    assert_eq!(read(r#"{"object":"error","message":"m","type":"t","code":404}"#), told("404", "m"));
    assert_eq!(read(r#"{"error":"model not found"}"#), (None, "model not found".into()));
    assert_eq!(read(r#"{"detail":"Not Found"}"#), (None, "Not Found".into()));
    assert_eq!(read("<h1>Bad Gateway</h1>\n"), (None, "<h1>Bad Gateway</h1>".into()));
}

#[test]
fn calls_of_text_tools_are_written_as_declared() {
    let prompt = prompt("custom_tool");
    let called = call("c", "apply_patch", r#"{"input":"*** \"x\""}"#);
    let reply = Reply { blocks: vec![called], ..Reply::default() };
    let body: Value = serde_json::from_slice(&OpenAiChat.write_reply_to(&prompt, &reply, "m", 0)).unwrap();
    let expected =
        json!([{"id": "c", "type": "custom", "custom": {"name": "apply_patch", "input": "*** \"x\""}}]);
    assert_eq!(body["choices"][0]["message"]["tool_calls"], expected);

    let mut writer = OpenAiChat.event_writer(&prompt, "m", 0);
    let text: Vec<u8> = [
        Event::ToolCallStart { index: 0, id: "c".into(), name: "apply_patch".into(), signature: None },
        Event::ToolCallDelta { index: 0, arguments: "{\"input\":\"***".into() },
        Event::ToolCallDelta { index: 0, arguments: " x\"}".into() },
        Event::BlockEnd { index: 0 },
    ]
    .iter()
    .flat_map(|event| writer.write(event))
    .collect();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains(
        r#""tool_calls":[{"custom":{"input":"","name":"apply_patch"},"id":"c","index":0,"type":"custom"}]"#
    ));
    assert!(text.contains(r#""tool_calls":[{"custom":{"input":"*** x"},"index":0}]"#), "{text}");
}

#[test]
fn llama_cpp_counts_without_being_asked() {
    let (mut splitter, mut answer) = (Splitter::default(), Answer::default());
    splitter.push(&case("llama_cpp.stream.txt"));
    while let Some(event) = splitter.next_event().unwrap() {
        answer.read_event(Dialect::OpenAiChat, &sse::read(&event));
    }
    let usage = Usage { input: Some(254), cached_input: Some(253), output: Some(81), ..Usage::default() };
    assert_eq!((answer.usage, answer.finish.as_deref()), (usage, Some("tool_calls")));
}

#[test]
fn a_client_that_did_not_ask_gets_no_usage() {
    let mut writer = OpenAiChat.event_writer(&Prompt { stream: true, ..Prompt::default() }, "m", 0);
    let bytes: Vec<u8> = stream("text").iter().flat_map(|event| writer.write(event)).collect();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("usage") && text.ends_with("data: [DONE]\n\n"));
}
