//! Answers, whole and in pieces.

use serde_json::{Value, json};

use crate::fim::{Ending, Head, Shape, choices};

/// How an answer is written.
pub(crate) struct Completion;

/// An error: the object itself, under no other field.
pub(super) fn error(kind: &str, code: Option<&str>, message: &str) -> Value {
    json!({"object": "error", "message": message, "type": kind, "param": null, "code": code})
}

fn envelope(head: &Head, object: &str, choice: &Value) -> Value {
    json!({
        "id": head.id,
        "object": object,
        "created": head.created.div_euclid(1_000_000),
        "model": head.model,
        "choices": [choice],
    })
}

fn chunk(head: &Head, delta: &Value, finish: Option<&str>) -> Value {
    envelope(head, "chat.completion.chunk", &json!({"index": 0, "delta": delta, "finish_reason": finish}))
}

fn event(value: &Value) -> Vec<u8> {
    format!("data: {value}\n\n").into_bytes()
}

/// The words clients know; they have none for a filter.
fn finish<'a>(ending: &Ending<'a>) -> &'a str {
    match ending.stop.map(choices::finish) {
        None | Some("content_filter") => "stop",
        Some(word) => word,
    }
}

impl Shape for Completion {
    fn body(&self, head: &Head, text: &str, ending: &Ending<'_>) -> Vec<u8> {
        let message = json!({"role": "assistant", "content": text, "tool_calls": null});
        let choice = json!({"index": 0, "message": message, "finish_reason": finish(ending)});
        let mut body = envelope(head, "chat.completion", &choice);
        body["usage"] = choices::usage(&ending.usage);
        if let Some(waymark) = &ending.waymark {
            body["waymark"] = waymark.clone();
        }
        body.to_string().into_bytes()
    }

    fn piece(&self, head: &Head, text: &str) -> Vec<u8> {
        event(&chunk(head, &json!({"role": "assistant", "content": text}), None))
    }

    fn end(&self, head: &Head, ending: &Ending<'_>) -> Vec<u8> {
        let mut last = chunk(head, &json!({"content": ""}), Some(finish(ending)));
        last["usage"] = choices::usage(&ending.usage);
        if let Some(waymark) = &ending.waymark {
            last["waymark"] = waymark.clone();
        }
        [&event(&last)[..], b"data: [DONE]\n\n"].concat()
    }

    fn error(&self, code: Option<&str>, message: &str) -> Vec<u8> {
        event(&error(code.unwrap_or("upstream_error"), code, message))
    }
}
