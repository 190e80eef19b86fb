//! Answers in the shape of Anthropic's messages, plain and streamed.

use serde_json::{Value, json};

use super::dialect::{Answer, Body, CREATED_AT, EVENT_STREAM, INPUT_TOKENS, SIGNATURE, THOUGHT, Wants};
use super::endpoint::Endpoint;

pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    if wants.endpoint() == Endpoint::MessageTokens {
        return Body::json(200, &json!({"input_tokens": INPUT_TOKENS}));
    }
    let asked = matches!(wants.body["thinking"]["type"].as_str(), Some("enabled" | "adaptive"));
    let thinks = wants.thinks && asked && matches!(answer, Answer::Tools(_));
    if wants.is_stream() {
        let events = events(model, answer, thinks);
        let name = |event: &Value| event["type"].as_str().unwrap_or_default().to_owned();
        return Body::stream(
            EVENT_STREAM,
            events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", name(event))),
        );
    }
    Body::json(200, &message(model, answer, thinks))
}

fn message(model: &str, answer: &Answer<'_>, thinks: bool) -> Value {
    let mut content: Vec<Value> = match answer {
        Answer::Text(_) => vec![json!({"type": "text", "text": answer.text()})],
        Answer::Tools(calls) => calls
            .iter()
            .map(|call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.object()}))
            .collect(),
    };
    if thinks {
        content.insert(0, json!({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}));
    }
    json!({"id": "msg_scripted", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop_reason(answer), "stop_sequence": null,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": answer.output_tokens()}})
}

fn stop_reason(answer: &Answer<'_>) -> &'static str {
    if matches!(answer, Answer::Tools(_)) { "tool_use" } else { "end_turn" }
}

fn events(model: &str, answer: &Answer<'_>, thinks: bool) -> Vec<Value> {
    let started = json!({"id": "msg_scripted", "type": "message", "role": "assistant", "model": model,
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": 1}});
    let mut events = vec![json!({"type": "message_start", "message": started})];
    match answer {
        Answer::Text(words) => {
            let deltas = words.iter().map(|word| json!({"type": "text_delta", "text": word}));
            events.extend(block(0, &json!({"type": "text", "text": ""}), deltas));
        }
        Answer::Tools(calls) => {
            if thinks {
                let deltas = [
                    json!({"type": "thinking_delta", "thinking": THOUGHT}),
                    json!({"type": "signature_delta", "signature": SIGNATURE}),
                ];
                events.extend(block(
                    0,
                    &json!({"type": "thinking", "thinking": "", "signature": ""}),
                    deltas,
                ));
            }
            for (index, call) in calls.iter().enumerate().map(|(at, call)| (at + usize::from(thinks), call)) {
                let deltas = call.deltas();
                let deltas =
                    deltas.iter().map(|part| json!({"type": "input_json_delta", "partial_json": part}));
                let opening = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
                events.extend(block(index, &opening, deltas));
            }
        }
    }
    events.insert(2, json!({"type": "ping"}));
    events.push(json!({"type": "message_delta",
        "delta": {"stop_reason": stop_reason(answer), "stop_sequence": null},
        "usage": {"output_tokens": answer.output_tokens()}}));
    events.push(json!({"type": "message_stop"}));
    events
}

fn block(index: usize, opening: &Value, deltas: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut events = vec![json!({"type": "content_block_start", "index": index, "content_block": opening})];
    events.extend(
        deltas
            .into_iter()
            .map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
    );
    events.push(json!({"type": "content_block_stop", "index": index}));
    events
}

pub(super) fn models(model: &str) -> Value {
    let entry = json!({"type": "model", "id": model, "display_name": "Mock", "created_at": CREATED_AT});
    json!({"data": [entry], "has_more": false, "first_id": model, "last_id": model})
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"})
}
