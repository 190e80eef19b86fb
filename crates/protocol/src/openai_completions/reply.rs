//! Answers, whole and in pieces.

use serde_json::{Value, json};

use crate::fim::{Ending, Head, Shape, choices};

/// How an answer is written.
pub(crate) struct Completion;

fn chunk(head: &Head, choices: &Value) -> Value {
    json!({
        "id": head.id,
        "object": "text_completion",
        "created": head.created.div_euclid(1_000_000),
        "model": head.model,
        "choices": choices,
    })
}

fn choice(text: &str, finish: Option<&str>) -> Value {
    json!([{"index": 0, "text": text, "logprobs": null, "finish_reason": finish}])
}

fn event(chunk: &Value) -> Vec<u8> {
    format!("data: {chunk}\n\n").into_bytes()
}

impl Shape for Completion {
    fn body(&self, head: &Head, text: &str, ending: &Ending<'_>) -> Vec<u8> {
        let mut body = chunk(head, &choice(text, ending.stop.map(choices::finish)));
        body["usage"] = choices::usage(&ending.usage);
        if let Some(waymark) = &ending.waymark {
            body["waymark"] = waymark.clone();
        }
        body.to_string().into_bytes()
    }

    fn piece(&self, head: &Head, text: &str) -> Vec<u8> {
        event(&chunk(head, &choice(text, None)))
    }

    fn end(&self, head: &Head, ending: &Ending<'_>) -> Vec<u8> {
        let mut last = chunk(head, &choice("", ending.stop.map(choices::finish)));
        if let Some(waymark) = &ending.waymark {
            last["waymark"] = waymark.clone();
        }
        let mut events = event(&last);
        if head.form.stream_usage {
            let mut counted = chunk(head, &json!([]));
            counted["usage"] = choices::usage(&ending.usage);
            events.extend(event(&counted));
        }
        events.extend_from_slice(b"data: [DONE]\n\n");
        events
    }

    fn error(&self, code: Option<&str>, message: &str) -> Vec<u8> {
        let kind = code.unwrap_or("upstream_error");
        event(&json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
    }
}
