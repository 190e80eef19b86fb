//! Answers in the shapes of Mistral's chat and fill-in-the-middle, plain and streamed.
//!
//! Unlike OpenAI's: tool calls come whole, the last chunk always states usage, and ids are nine letters and digits.

use serde_json::{Value, json};

use super::ToolCall;
use super::dialect::{Answer, Body, Wants};
use super::openai::{envelope, finish_reason, with_end};

pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    if wants.is_stream() {
        return with_end(Body::events(chunks(model, answer)));
    }
    let message = match answer {
        Answer::Text(_) => json!({"role": "assistant", "content": answer.text(), "tool_calls": null}),
        Answer::Tools(made) => json!({"role": "assistant", "content": "", "tool_calls": calls(made)}),
    };
    let choice = json!({"index": 0, "message": message, "finish_reason": finish_reason(answer)});
    Body::json(200, &envelope("chat.completion", model, &json!([choice]), Some(answer)))
}

fn chunks(model: &str, answer: &Answer<'_>) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    match answer {
        Answer::Text(words) => {
            deltas.extend(words.iter().map(|word| json!({"content": word})));
            deltas.push(json!({"content": ""}));
        }
        Answer::Tools(made) => deltas.push(json!({"content": "", "tool_calls": calls(made)})),
    }
    let last = deltas.len() - 1;
    let chunk = |(at, delta): (usize, Value)| {
        let finish = (at == last).then(|| finish_reason(answer));
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        envelope("chat.completion.chunk", model, &choices, (at == last).then_some(answer))
    };
    deltas.into_iter().enumerate().map(chunk).collect()
}

fn calls(calls: &[ToolCall]) -> Vec<Value> {
    let call = |(index, call): (usize, &ToolCall)| {
        json!({"index": index, "id": id(&call.id),
            "function": {"name": call.name, "arguments": call.arguments}})
    };
    calls.iter().enumerate().map(call).collect()
}

/// An id as Mistral makes them.
pub(crate) fn id(id: &str) -> String {
    let plain = id.chars().filter(char::is_ascii_alphanumeric).chain(std::iter::repeat('0'));
    plain.take(9).collect()
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "unauthorized",
        429 => "rate_limited",
        400..=499 => "invalid_request_error",
        _ => "internal_server_error",
    };
    json!({"object": "error", "message": message, "type": kind, "param": null, "code": null})
}
