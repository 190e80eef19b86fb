//! The dialect's example cases, and what only it has.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use waymark_types::{Dialect, Usage};

use super::*;
use crate::neutral::{
    Block, CacheMark, Effort, Event, Media, OutputFormat, Reasoning, Role, Stop, Tool, ToolChoice, Turn,
};
use crate::testing::{
    CREATED, case, codes, events, is_in_order, own_words_come_back, prompt, read_anything, reply, stream,
};

const CHAT: Dialect = Dialect::OllamaChat;

fn text(text: &str) -> Block {
    Block::text(text)
}

fn says(role: Role, blocks: Vec<Block>) -> Turn {
    Turn { role, blocks }
}

fn write(prompt: &Prompt) -> (Value, Vec<Loss>) {
    let mut losses = Vec::new();
    let body = OllamaChat.write_prompt(prompt, "qwen3.5:9b", &mut losses).unwrap();
    (serde_json::from_slice(&body).unwrap(), losses)
}

fn inline(media_type: &str, data: &str) -> Media {
    Media::Inline { media_type: media_type.into(), data: data.into() }
}

fn image(media: Media) -> Block {
    Block::Image { media, detail: None, cache: None }
}

fn thought(reasoning: Reasoning) -> Prompt {
    Prompt { reasoning: Some(reasoning), ..Prompt::default() }
}

#[test]
fn own_words_come_back_as_they_were() {
    own_words_come_back(CHAT, "qwen3.5:9b");
}

#[test]
fn a_stream_is_asked_for_unless_it_is_not() {
    assert!(prompt(CHAT, "text").stream);
    let whole = prompt(CHAT, "text_whole");
    assert!(!whole.stream);
    assert_eq!(codes(&whole.losses), ["option:num_ctx", "keep_alive"]);
    for (name, stream) in [("text", true), ("text_whole", false)] {
        let body = Bytes::from(case(CHAT, &format!("{name}.request.json")));
        let request = OllamaChat.parse(&body, &Addressed::default()).unwrap();
        assert_eq!((request.stream, request.messages), (stream, 1), "{name}");
    }
}

#[test]
fn instructions_are_read_where_they_stand() {
    let prompt = prompt(CHAT, "system");
    assert_eq!(prompt.system, [text("You are a careful reviewer of Rust code.")]);
    assert_eq!(prompt.turns[2], says(Role::System, vec![text("Be shorter.")]));
}

#[test]
fn pictures_are_known_by_their_first_bytes() {
    let blocks = prompt(CHAT, "image").turns.remove(0).blocks;
    let kinds = blocks.iter().filter_map(|block| match block {
        Block::Image { media: Media::Inline { media_type, .. }, .. } => Some(media_type.as_str()),
        _ => None,
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["image/png", "image/jpeg"]);
    assert_eq!(blocks[2], text("What differs between these two?"));
    let body = br#"{"messages":[{"role":"user","images":["UklGRiQAAABXRUJQVlA4","UklGRiQAAABXQVZFZm10","aGVsbG8="]}]}"#;
    let blocks = OllamaChat.read_prompt(body).unwrap().turns.remove(0).blocks;
    assert!(
        matches!(&blocks[0], Block::Image { media: Media::Inline { media_type, .. }, .. } if media_type == "image/webp")
    );
    assert!(
        matches!(&blocks[1], Block::Audio { media: Media::Inline { media_type, .. } } if media_type == "audio/wav")
    );
    assert!(matches!(&blocks[2], Block::Image { .. }));
}

#[test]
fn tools_calls_and_results_are_read() {
    let tools = prompt(CHAT, "tools").tools;
    assert_eq!(
        (tools[0].name.as_str(), tools[0].parameters["required"][0].as_str()),
        ("read_file", Some("path"))
    );
    let prompt_ = prompt(CHAT, "parallel_tools");
    let Block::ToolCall { id, arguments, .. } = &prompt_.turns[1].blocks[1] else { panic!() };
    assert_eq!((id.as_str(), arguments.as_str()), ("call_x1", r#"{"path":"src/a.rs","lines":20}"#));
    let Block::ToolResult { id, name, content, .. } = &prompt_.turns[3].blocks[0] else { panic!() };
    assert_eq!((id.as_str(), name.as_deref()), ("call_x2", Some("read_file")));
    assert_eq!(content, &[text("error: no such file: src/b.rs")]);
    let without = prompt(CHAT, "parallel_tools_without_ids");
    let answered = without.turns[2..].iter().map(|turn| match &turn.blocks[0] {
        Block::ToolResult { id, name, .. } => (id.as_str(), name.as_deref().unwrap()),
        other => panic!("{other:?}"),
    });
    let expected = [("call_1", "now"), ("call_0", "read_file"), ("call_2", "read_file")];
    assert_eq!(answered.collect::<Vec<_>>(), expected);
}

#[test]
fn forms_settings_and_reasoning_are_read() {
    assert!(matches!(prompt(CHAT, "schema").output, Some(OutputFormat::JsonSchema { .. })));
    assert_eq!(prompt(CHAT, "json").output, Some(OutputFormat::JsonObject));
    let sampling = prompt(CHAT, "sampling");
    assert_eq!(
        (sampling.max_output, sampling.sampling.top_k, sampling.sampling.seed),
        (Some(64), Some(40), Some(42))
    );
    assert_eq!(sampling.sampling.stop, ["END", "\n\n"]);
    assert_eq!(codes(&sampling.losses), ["option:num_ctx", "option:repeat_penalty", "option:min_p"]);
    let level = prompt(CHAT, "reasoning");
    let high = Reasoning { effort: Some(Effort::High), visible: true, ..Reasoning::default() };
    assert_eq!(level.reasoning, Some(high));
    assert!(matches!(&level.turns[1].blocks[0], Block::Thinking { text, .. } if text == "I spell the word."));
    assert!(prompt(CHAT, "reasoning_off").reasoning.unwrap().off);
    assert!(prompt(CHAT, "reasoning_on").reasoning.unwrap().visible);
}

#[test]
fn answers_are_read() {
    let plain = reply(CHAT, "text");
    assert_eq!((plain.model.as_deref(), plain.stop), (Some("qwen3.5:9b"), Some(Stop::End)));
    assert_eq!(plain.usage, Usage { input: Some(26), output: Some(14), ..Usage::default() });
    let calls = reply(CHAT, "parallel_tools");
    assert_eq!((calls.blocks.len(), calls.stop), (3, Some(Stop::ToolCalls)));
    let Block::ToolCall { id, .. } = &reply(CHAT, "parallel_tools_without_ids").blocks[1] else { panic!() };
    assert_eq!(id, "call_0261123T155958123456789Z_1");
    assert_eq!(reply(CHAT, "reasoning").blocks.len(), 2);
    assert_eq!(reply(CHAT, "max_tokens").stop, Some(Stop::MaxTokens));
    let remote = reply(CHAT, "cached_usage");
    assert_eq!((remote.model.as_deref(), remote.usage.input), (Some("gpt-oss:120b"), None));
    let body = case(CHAT, "error.body.json");
    assert_eq!(OllamaChat.read_error(&body), (None, "model 'llama9' not found".into()));
    assert!(OllamaChat.read_reply(&body).is_err());
}

#[test]
fn streams_are_read_and_end_with_their_last_line() {
    let plain = stream(CHAT, "text");
    assert_eq!(plain.last(), Some(&Event::End));
    assert!(stream(CHAT, "parallel_tools").contains(&Event::Stop { stop: Stop::ToolCalls }));
    let usage = Usage { input: Some(9), output: Some(202), ..Usage::default() };
    assert!(stream(CHAT, "reasoning").contains(&Event::Usage { usage }));
    assert!(stream(CHAT, "usage_only_at_end").contains(&Event::Stop { stop: Stop::MaxTokens }));
    let broken = stream(CHAT, "error_mid_stream");
    let message = "an error was encountered while running the model".to_owned();
    assert_eq!(broken.last(), Some(&Event::Error { code: None, message }));
    let bytes = case(CHAT, "text.stream.txt");
    let cut = events(CHAT, &[&bytes[..bytes.len() / 2]]);
    is_in_order(&cut);
    assert!(!cut.contains(&Event::End));
}

#[test]
fn looking_on_learns_the_same() {
    let (bytes, mut answer) = (case(CHAT, "text.stream.txt"), Answer::default());
    let steps = bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| answer.read_event(CHAT, &crate::sse::read_line(line)));
    assert_eq!(steps.last(), Some(Progress::Last));
    assert_eq!((answer.finish.as_deref(), answer.usage.output), (Some("stop"), Some(14)));
    let failed = answer.read_event(CHAT, &crate::sse::read_line(b"{\"error\":\"out of memory\"}\n"));
    assert_eq!((failed, answer.error.as_deref()), (Progress::Failed, Some("out of memory")));
    let mut remote = Answer::default();
    remote.read_body(CHAT, &case(CHAT, "cached_usage.reply.json"));
    assert_eq!(remote.served_model.as_deref(), Some("gpt-oss:120b"));
    let fault = Fault { kind: crate::ErrorKind::Upstream, code: "x", message: "gone".into() };
    assert_eq!(OllamaChat.error_event(&fault), b"{\"error\":\"gone\"}\n");
}

#[test]
fn turns_become_messages_in_their_order() {
    let result = |id: &str, is_error| Block::ToolResult {
        id: id.into(),
        name: None,
        content: vec![text("out"), image(inline("image/png", "aGk="))],
        is_error,
        cache: None,
    };
    let call = Block::ToolCall {
        id: "a".into(),
        name: "look".into(),
        arguments: "{\n \"z\": 1, \"a\": 2 }".into(),
        cache: None,
        signature: Some("token".into()),
    };
    let prompt = Prompt {
        system: vec![text("one"), text("two")],
        turns: vec![
            says(
                Role::User,
                vec![text("this:"), image(inline("image/png", "aGk=")), text("and"), text("that")],
            ),
            says(
                Role::Assistant,
                vec![Block::Thinking { text: "hm".into(), signature: Some("s".into()), id: None }, call],
            ),
            says(Role::User, vec![result("a", true), result("b", false), text("go on")]),
        ],
        ..Prompt::default()
    };
    let (body, losses) = write(&prompt);
    let expected = json!([
        {"role": "system", "content": "one\n\ntwo"},
        {"role": "user", "content": "this:"},
        {"role": "user", "content": "and\n\nthat", "images": ["aGk="]},
        {"role": "assistant", "content": "", "thinking": "hm",
            "tool_calls": [{"id": "a", "function": {"index": 0, "name": "look", "arguments": {"z": 1, "a": 2}}}]},
        {"role": "tool", "content": "out", "images": ["aGk="], "tool_name": "look", "tool_call_id": "a"},
        {"role": "tool", "content": "out", "images": ["aGk="], "tool_call_id": "b"},
        {"role": "user", "content": "go on"},
    ]);
    assert_eq!(body["messages"], expected);
    assert_eq!(codes(&losses), ["thinking_signature", "tool_call_signature", "tool_result_is_error"]);
    assert_eq!(
        (&body["stream"], &body["truncate"], body.get("options")),
        (&json!(false), &json!(false), None)
    );
}

#[test]
fn what_cannot_be_said_is_lost_by_name_or_refused() {
    let tool =
        Tool { name: "t".into(), description: None, parameters: json!({}), strict: Some(true), cache: None };
    let prompt = Prompt {
        turns: vec![says(
            Role::User,
            vec![Block::Text { text: "hi".into(), cache: Some(CacheMark { ttl: None }) }],
        )],
        tools: vec![tool],
        tool_choice: Some(ToolChoice::None),
        parallel_tools: Some(false),
        user: Some("u".into()),
        ..Prompt::default()
    };
    let (body, losses) = write(&prompt);
    assert_eq!(codes(&losses), ["cache_mark", "user", "parallel_tools", "tool_strict"]);
    assert_eq!(body.get("tools"), None);
    let refused =
        |prompt: &Prompt| OllamaChat.write_prompt(prompt, "m", &mut Vec::new()).unwrap_err().to_string();
    for choice in [ToolChoice::Required, ToolChoice::Named("t".into())] {
        let message = refused(&Prompt { tool_choice: Some(choice), ..prompt.clone() });
        assert_eq!(message, "a tool call that must be made cannot be said in ollama-chat");
    }
    let document = Block::Document { media: inline("application/pdf", ""), name: None, cache: None };
    for block in [
        document,
        image(Media::Url { url: "https://example.com/a.png".into() }),
        image(Media::Uploaded { id: "f".into() }),
    ] {
        refused(&Prompt { turns: vec![says(Role::User, vec![block])], ..Prompt::default() });
    }
}

#[test]
fn reasoning_is_asked_for_only_where_it_must_be() {
    let think = |reasoning: Reasoning| {
        let (body, losses) = write(&thought(reasoning));
        (body.get("think").cloned(), codes(&losses).join(","))
    };
    let some = Reasoning { visible: true, ..Reasoning::default() };
    assert_eq!(think(some.clone()), (Some(json!(true)), String::new()));
    assert_eq!(think(Reasoning { adaptive: true, ..some }), (None, String::new()));
    assert_eq!(think(Reasoning { budget: Some(1024), ..some }), (None, "reasoning_budget".into()));
    assert_eq!(
        think(Reasoning { effort: Some(Effort::Minimal), ..some }),
        (Some(json!("low")), String::new())
    );
    assert_eq!(think(Reasoning { off: true, ..some }), (Some(json!(false)), String::new()));
}

#[test]
fn streams_are_written_as_lines() {
    let mut writer = OllamaChat.event_writer(&Prompt::default(), "auto", CREATED);
    let told = [
        Event::Start { id: Some("x".into()), model: None },
        Event::Ping,
        Event::RefusalStart { index: 0 },
        Event::RefusalDelta { index: 0, text: "No.".into() },
        Event::BlockEnd { index: 0 },
        Event::Stop { stop: Stop::End },
        Event::End,
    ];
    let written: Vec<u8> = told.iter().flat_map(|event| writer.write(event)).collect();
    let lines: Vec<Value> = written
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let line = |content: &str| {
        json!({
            "model": "auto", "created_at": "2026-11-23T16:00:00.000000Z",
            "message": {"role": "assistant", "content": content}, "done": false,
        })
    };
    assert_eq!(lines[..2], [line(""), line("No.")]);
    let mut last = line("");
    (last["done"], last["done_reason"]) = (json!(true), json!("refusal"));
    assert_eq!(lines[2..], [last]);
}

/// JSON like this dialect's, with anything in any place.
fn anything() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "model",
        "messages",
        "role",
        "content",
        "thinking",
        "images",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "index",
        "id",
        "tool_name",
        "tool_call_id",
        "tools",
        "parameters",
        "format",
        "think",
        "options",
        "stop",
        "seed",
        "num_predict",
        "stream",
        "message",
        "done",
        "done_reason",
        "error",
        "eval_count",
        "created_at",
        "type",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        prop::sample::select(vec!["user", "assistant", "tool", "system", "json", "UklGRABCDEFGéé"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn anything_can_be_read(value in anything(), bytes: Vec<u8>) {
        read_anything(CHAT, value.to_string().as_bytes());
        read_anything(CHAT, &bytes);
    }
}
