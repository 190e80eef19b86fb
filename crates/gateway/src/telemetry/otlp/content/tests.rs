use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use waymark_types::Dialect;

use super::*;
use crate::telemetry::samples;

/// The attribute `key` of a conversation in `dialect`, read as JSON.
fn told(dialect: Dialect, stream: bool, request: &str, response: &str, key: &str) -> Value {
    let intent = Intent { dialect, stream, ..samples::intent() };
    let room = Arc::new(AtomicUsize::new(1 << 20));
    let texts = Texts::copied(request.as_bytes(), Some(response.as_bytes()), &room).unwrap();
    let attributes = add(Attributes::default(), &intent, &texts).into_value();
    let pair = attributes.as_array().unwrap().iter().find(|pair| pair["key"] == key);
    pair.map_or(Value::Null, |pair| {
        serde_json::from_str(pair["value"]["stringValue"].as_str().unwrap()).unwrap()
    })
}

const CHAT: &str = r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello."},
    {"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":1}"}}]},
    {"role":"tool","tool_call_id":"c1","content":"nothing"}]}"#;

const REPLY: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"m",
    "choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}"#;

const STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hi \"}}\n\n\
    event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"there.\"}}\n\n\
    event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
    event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":{\"output_tokens\":2}}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[test]
fn a_conversation_is_told_as_messages() {
    let told = |key| told(Dialect::OpenAiChat, false, CHAT, REPLY, key);
    assert_eq!(told(name::SYSTEM_INSTRUCTIONS), json!([{"type": "text", "content": "Be brief."}]));
    let call = json!({"type": "tool_call", "id": "c1", "name": "look", "arguments": {"at": 1}});
    let result = json!({"type": "tool_call_response", "id": "c1", "response": [{"type": "text", "content": "nothing"}]});
    assert_eq!(
        told(name::INPUT_MESSAGES),
        json!([
            {"role": "user", "parts": [{"type": "text", "content": "Hello."}]},
            {"role": "assistant", "parts": [call]},
            {"role": "tool", "parts": [result]},
        ])
    );
    assert_eq!(
        told(name::OUTPUT_MESSAGES),
        json!([{"role": "assistant", "parts": [{"type": "text", "content": "Hi."}], "finish_reason": "stop"}])
    );
}

#[test]
fn a_stream_is_put_together() {
    let request =
        r#"{"model":"m","max_tokens":2,"stream":true,"messages":[{"role":"user","content":"Hello."}]}"#;
    let parts = json!([{"type": "text", "content": "Hi there."}]);
    assert_eq!(
        told(Dialect::AnthropicMessages, true, request, STREAM, name::OUTPUT_MESSAGES),
        json!([{"role": "assistant", "parts": parts, "finish_reason": "length"}])
    );
}

#[test]
fn what_is_no_conversation_or_cannot_be_read_is_left_out() {
    assert_eq!(told(Dialect::OpenAiCompletions, false, CHAT, REPLY, name::INPUT_MESSAGES), Value::Null);
    assert_eq!(told(Dialect::OpenAiChat, false, "[", "no answer", name::OUTPUT_MESSAGES), Value::Null);
}

#[test]
fn texts_beyond_the_room_are_not_copied_and_room_comes_back() {
    let room = Arc::new(AtomicUsize::new(10));
    let texts = Texts::copied(b"eight by", None, &room).unwrap();
    assert!(Texts::copied(b"three", None, &room).is_none());
    drop(texts);
    assert_eq!(room.load(Ordering::Relaxed), 10);
}
