//! Input of any kind whatsoever.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// JSON made of this dialect's own words.
fn json_value() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "messages",
        "role",
        "content",
        "type",
        "text",
        "user",
        "assistant",
        "tool",
        "tool_calls",
        "function",
        "custom",
        "name",
        "arguments",
        "id",
        "index",
        "image_url",
        "url",
        "data:a;base64,b",
        "file",
        "file_data",
        "input_audio",
        "format",
        "choices",
        "delta",
        "message",
        "finish_reason",
        "stop",
        "usage",
        "prompt_tokens",
        "error",
        "tools",
        "tool_choice",
        "allowed_tools",
        "response_format",
        "json_schema",
        "reasoning",
        "reasoning_details",
        "thinking",
        "signature",
        "reasoning_content",
        "waymark/other",
        "model",
        "stream_options",
        "extra_content",
        "functions",
        "function_call",
        "refusal",
        "detail",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(words.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    /// Whatever JSON comes, reading ends in a value or an error, and what was read can be written.
    #[test]
    fn any_json_can_be_read(value in json_value(), messages in prop::collection::vec(json_value(), 0..4)) {
        let mut messages = messages;
        messages.push(json!({"role": "assistant", "content": value, "reasoning_details": [{"signature": "waymark/x"}]}));
        let whole = json!({"messages": messages, "tools": [value], "tool_choice": value, "response_format": value});
        for body in [value.to_string(), whole.to_string()] {
            if let Ok(prompt) = OpenAiChat.read_prompt(body.as_bytes()) {
                let _ = OpenAiChat.write_prompt(&prompt, "m", &mut Vec::new());
            }
            let body = body.as_bytes();
            if let Ok(reply) = OpenAiChat.read_reply(body) {
                OpenAiChat.write_reply(&reply, "m", 0);
            }
            OpenAiChat.read_error(body);
            if let Some(left) = without_foreign_details(&Bytes::copy_from_slice(body)) {
                prop_assert!(serde_json::from_slice::<Value>(&left).is_ok());
            }
        }
        let chunk = json!({"choices": [{"index": 0, "delta": value}]});
        let frames = format!("data: {value}\n\ndata: {chunk}\n\ndata: {chunk}\n\ndata: [DONE]\n\n");
        events(&[frames.as_bytes()]);
    }

    /// Whatever bytes come, nothing panics.
    #[test]
    fn any_bytes_can_be_read(bytes: Vec<u8>) {
        let _ = without_foreign_details(&Bytes::copy_from_slice(&bytes));
        let _ = (OpenAiChat.read_prompt(&bytes), OpenAiChat.read_reply(&bytes), OpenAiChat.read_error(&bytes));
        events(&[b"data: ", &bytes, b"\n\n", &bytes]);
    }
}
