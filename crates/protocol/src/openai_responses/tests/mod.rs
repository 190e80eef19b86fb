//! The dialect's examples, read, written and read again.

mod answers;
mod requests;
mod tools;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use waymark_types::Dialect;

use crate::dialogue::{Dialogue, dialogue};
use crate::neutral::{Block, Event, Prompt, Reply};
use crate::sse::Splitter;
use crate::testing::{CREATED, own_words_come_back, read_anything};
use crate::{sse, testing};

const OWN: Dialect = Dialect::OpenAiResponses;

fn talk() -> &'static dyn Dialogue {
    dialogue(OWN).unwrap()
}

fn prompt(name: &str) -> Prompt {
    testing::prompt(OWN, name)
}

fn reply(name: &str) -> Reply {
    testing::reply(OWN, name)
}

fn read(body: &Value) -> Prompt {
    talk().read_prompt(body.to_string().as_bytes()).unwrap()
}

fn written(prompt: &Prompt, model: &str) -> (Value, Vec<String>) {
    let mut losses = Vec::new();
    let body = talk().write_prompt(prompt, model, &mut losses).unwrap();
    (serde_json::from_slice(&body).unwrap(), losses.into_iter().map(|loss| loss.code).collect())
}

fn texts(blocks: &[Block]) -> Vec<&str> {
    blocks
        .iter()
        .filter_map(|block| if let Block::Text { text, .. } = block { Some(text.as_str()) } else { None })
        .collect()
}

/// The events of a written stream, by name.
fn frames(bytes: &[u8]) -> Vec<(String, Value)> {
    let mut splitter = Splitter::default();
    splitter.push(bytes);
    let mut frames = Vec::new();
    while let Some(event) = splitter.next_event().unwrap() {
        let frame = sse::read(&event);
        let data: Value = serde_json::from_slice(&frame.data).unwrap_or_default();
        frames.push((frame.event.unwrap_or_default().to_owned(), data));
    }
    frames
}

fn stream_for(prompt: &Prompt, events: &[Event]) -> Vec<(String, Value)> {
    let mut writer = talk().event_writer(prompt, "auto", CREATED);
    frames(&events.iter().flat_map(|event| writer.write(event)).collect::<Vec<u8>>())
}

fn call(id: &str, name: &str, arguments: &str) -> Vec<Event> {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    vec![
        Event::ToolCallStart { index: 0, id, name, signature: None },
        Event::ToolCallDelta { index: 0, arguments },
        Event::BlockEnd { index: 0 },
    ]
}

#[test]
fn own_words_survive() {
    own_words_come_back(OWN, "gpt-5.6-sol");
}

fn json_value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "type",
        "message",
        "input_text",
        "output_text",
        "reasoning",
        "function_call",
        "custom_tool_call",
        "response",
        "item",
        "content",
        "input",
        "tools",
        "name",
        "text",
        "id",
        "call_id",
        "arguments",
        "output",
        "summary",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
        "delta",
        "namespace",
        "waymark.call.x",
        "encrypted_content",
        "local_shell_call",
        "action",
        "tool_choice",
        "role",
        "output_index",
        "response.custom_tool_call_input.delta",
        "response.output_text.delta",
        "status",
        "usage",
        "error",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2_i64..3).prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..6).prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<serde_json::Map<_, _>>()
                .into()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
        read_anything(OWN, &bytes);
        let _ = crate::openai_responses::without_foreign_reasoning(&Bytes::from(bytes));
    }

    #[test]
    fn any_json_is_read_without_harm(value in json_value()) {
        read_anything(OWN, value.to_string().as_bytes());
        read_anything(OWN, format!("data: {value}\n\n").as_bytes());
        // What can be read can be written, if it is said that it can.
        if let Ok(prompt) = talk().read_prompt(value.to_string().as_bytes()) {
            let _ = talk().write_prompt(&prompt, "gpt-5.6", &mut Vec::new());
        }
    }

    /// Whatever events come, the neutral order is kept.
    #[test]
    fn any_events_come_in_order(values in prop::collection::vec(json_value(), 0..12)) {
        let mut reader = talk().event_reader();
        let mut events = Vec::new();
        for value in values {
            events.extend(reader.read(&sse::read(format!("data: {value}\n\n").as_bytes())));
        }
        events.extend(reader.finish());
        events.retain(|event| *event != Event::Ping);
        if !events.is_empty() {
            testing::is_in_order(&events);
        }
    }

    /// Freeform text survives the object that other dialects get it in.
    #[test]
    fn freeform_text_survives(text: String) {
        let arguments = json!({"input": text}).to_string();
        let frames = stream_for(&prompt("codex"), &call("c", "apply_patch", &arguments));
        prop_assert_eq!(&frames.last().unwrap().1["item"]["input"], &json!(text));
    }
}
