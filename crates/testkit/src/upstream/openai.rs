//! Answers in the shapes of OpenAI's chat and legacy completions, plain and streamed.

use serde_json::{Value, json};

use super::dialect::{Answer, Body, CREATED, INPUT_TOKENS, Wants};
use super::endpoint::Endpoint;

pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    let is_legacy = wants.endpoint() == Endpoint::Completions;
    if wants.is_stream() {
        let chunks = if is_legacy { completion_chunks(model, answer) } else { chat_chunks(model, answer) };
        return events(wants, chunks, model, answer);
    }
    let body = if is_legacy {
        let choice = json!({"text": answer.text(), "index": 0, "logprobs": null, "finish_reason": "stop"});
        envelope("text_completion", model, &json!([choice]), Some(answer))
    } else {
        let choice = json!({"index": 0, "message": message(answer), "logprobs": null,
            "finish_reason": finish_reason(answer)});
        envelope("chat.completion", model, &json!([choice]), Some(answer))
    };
    Body::json(200, &body)
}

/// The chunks as events, with usage where it was asked for.
pub(super) fn events(wants: &Wants, mut chunks: Vec<Value>, model: &str, answer: &Answer<'_>) -> Body {
    if wants.body["stream_options"]["include_usage"] == true {
        let object = chunks[0]["object"].as_str().unwrap_or_default().to_owned();
        for chunk in &mut chunks {
            chunk["usage"] = Value::Null;
        }
        chunks.push(envelope(&object, model, &json!([]), Some(answer)));
    }
    with_end(Body::events(chunks))
}

/// The stream and its last event.
pub(super) fn with_end(mut body: Body) -> Body {
    body.pieces.push(b"data: [DONE]\n\n".to_vec());
    body
}

/// A chat answer's chunks, without usage.
pub(super) fn chat_chunks(model: &str, answer: &Answer<'_>) -> Vec<Value> {
    let mut deltas = vec![(json!({"role": "assistant", "content": ""}), None)];
    match answer {
        Answer::Text(words) => deltas.extend(words.iter().map(|word| (json!({"content": word}), None))),
        Answer::Tools(calls) => {
            for (index, call) in calls.iter().enumerate() {
                let opening = json!({"index": index, "id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": ""}});
                deltas.push((json!({"tool_calls": [opening]}), None));
                deltas.extend(call.deltas().into_iter().map(|part| {
                    let part = json!({"index": index, "function": {"arguments": part}});
                    (json!({"tool_calls": [part]}), None)
                }));
            }
        }
    }
    deltas.push((json!({}), Some(finish_reason(answer))));
    let choices = deltas.into_iter().map(
        |(delta, finish)| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]),
    );
    choices.map(|choices| envelope("chat.completion.chunk", model, &choices, None)).collect()
}

fn completion_chunks(model: &str, answer: &Answer<'_>) -> Vec<Value> {
    let choice = |text: &str, finish: Option<&str>| json!([{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}]);
    let mut choices = match answer {
        Answer::Text(words) => words.iter().map(|word| choice(word, None)).collect(),
        Answer::Tools(_) => Vec::new(),
    };
    choices.push(choice("", Some("stop")));
    choices.iter().map(|choices| envelope("text_completion", model, choices, None)).collect()
}

pub(super) fn envelope(object: &str, model: &str, choices: &Value, usage: Option<&Answer<'_>>) -> Value {
    let id = if object == "text_completion" { "cmpl-scripted" } else { "chatcmpl-scripted" };
    let mut body =
        json!({"id": id, "object": object, "created": CREATED, "model": model, "choices": choices});
    if let Some(answer) = usage {
        let output = answer.output_tokens();
        body["usage"] = json!({"prompt_tokens": INPUT_TOKENS, "completion_tokens": output,
            "total_tokens": INPUT_TOKENS + output});
    }
    body
}

pub(super) fn finish_reason(answer: &Answer<'_>) -> &'static str {
    if matches!(answer, Answer::Tools(_)) { "tool_calls" } else { "stop" }
}

fn message(answer: &Answer<'_>) -> Value {
    let Answer::Tools(calls) = answer else {
        return json!({"role": "assistant", "content": answer.text(), "refusal": null});
    };
    let calls: Vec<Value> = calls
        .iter()
        .map(|call| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}))
        .collect();
    json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": calls})
}

pub(super) fn models(model: &str) -> Value {
    let entry = json!({"id": model, "object": "model", "created": CREATED, "owned_by": "mock"});
    json!({"object": "list", "data": [entry]})
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 | 404 => "invalid_request_error",
        401 => "authentication_error",
        429 => "rate_limit_error",
        _ => "server_error",
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
}
