//! Answers in the shape of OpenAI's Responses endpoint, plain and streamed.
//!
//! Items and events, in this order, are those of the public API reference; a reasoning item with encrypted content
//! comes before tool calls, as reasoning models send it.

use serde_json::{Value, json};

use super::ToolCall;
use super::dialect::{Answer, Body, CREATED, EVENT_STREAM, INPUT_TOKENS, Wants};

/// What came of reasoning, sealed; a provider takes it back unaltered or not at all.
pub(crate) const REASONING: &str = "ZW5jcnlwdGVkIHJlYXNvbmluZw==";

pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    if wants.is_stream() {
        Body::stream(EVENT_STREAM, events(model, answer))
    } else {
        Body::json(200, &whole(model, answer))
    }
}

/// The whole answer.
fn whole(model: &str, answer: &Answer<'_>) -> Value {
    let items: Vec<Value> = parts(answer).iter().map(Part::whole).collect();
    response(model, "completed", &items, Some(answer.output_tokens()))
}

/// The answer as events, numbered.
fn events(model: &str, answer: &Answer<'_>) -> Vec<String> {
    let begun = response(model, "in_progress", &[], None);
    let mut events = vec![
        json!({"type": "response.created", "response": begun}),
        json!({"type": "response.in_progress", "response": begun}),
    ];
    for (index, part) in parts(answer).iter().enumerate() {
        let item = part.begun();
        events.push(json!({"type": "response.output_item.added", "output_index": index, "item": item}));
        events.extend(part.deltas().into_iter().map(|mut event| {
            event["output_index"] = index.into();
            event["item_id"] = item["id"].clone();
            event
        }));
        events
            .push(json!({"type": "response.output_item.done", "output_index": index, "item": part.whole()}));
    }
    events.push(json!({"type": "response.completed", "response": whole(model, answer)}));
    let numbered = events.into_iter().enumerate().map(|(number, mut event)| {
        event["sequence_number"] = number.into();
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    });
    numbered.collect()
}

fn response(model: &str, status: &str, output: &[Value], output_tokens: Option<usize>) -> Value {
    let usage = output_tokens.map(|output| {
        json!({"input_tokens": INPUT_TOKENS, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": output,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": INPUT_TOKENS + output})
    });
    json!({"id": "resp_scripted", "object": "response", "created_at": CREATED, "status": status,
        "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null, "model": model,
        "output": output, "parallel_tool_calls": true, "previous_response_id": null, "store": false,
        "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "usage": usage, "metadata": {}})
}

/// One item of an answer.
enum Part<'a> {
    Reasoning,
    Message(&'a [String]),
    Call(usize, &'a ToolCall),
}

fn parts<'a>(answer: &Answer<'a>) -> Vec<Part<'a>> {
    match *answer {
        Answer::Text(words) => vec![Part::Message(words)],
        Answer::Tools(calls) => {
            let calls = calls.iter().enumerate().map(|(number, call)| Part::Call(number, call));
            std::iter::once(Part::Reasoning).chain(calls).collect()
        }
    }
}

impl Part<'_> {
    fn item(&self, status: &str, words: &[String], arguments: &str) -> Value {
        match self {
            Self::Reasoning => json!({"type": "reasoning", "id": "rs_scripted", "summary": [],
                "encrypted_content": REASONING}),
            Self::Message(_) => {
                let content: Vec<Value> =
                    if words.is_empty() { Vec::new() } else { vec![output_text(&words.concat())] };
                json!({"type": "message", "id": "msg_scripted", "status": status, "role": "assistant",
                    "content": content})
            }
            Self::Call(number, call) if call.is_custom => {
                json!({"type": "custom_tool_call", "id": format!("ctc_scripted_{number}"), "status": status,
                    "call_id": call.id, "name": call.name, "input": arguments})
            }
            Self::Call(number, call) => {
                json!({"type": "function_call", "id": format!("fc_scripted_{number}"), "status": status,
                    "call_id": call.id, "name": call.name, "arguments": arguments})
            }
        }
    }

    fn begun(&self) -> Value {
        self.item("in_progress", &[], "")
    }

    fn whole(&self) -> Value {
        match self {
            Self::Reasoning => self.begun(),
            Self::Message(words) => self.item("completed", words, ""),
            Self::Call(_, call) => self.item("completed", &[], &call.arguments),
        }
    }

    fn deltas(&self) -> Vec<Value> {
        match self {
            Self::Reasoning => Vec::new(),
            Self::Message(words) => text_events(words),
            Self::Call(_, call) => {
                let (kind, field) = if call.is_custom {
                    ("response.custom_tool_call_input", "input")
                } else {
                    ("response.function_call_arguments", "arguments")
                };
                let delta = |part| json!({"type": format!("{kind}.delta"), "delta": part});
                let mut events: Vec<Value> = call.deltas().into_iter().map(delta).collect();
                events.push(json!({"type": format!("{kind}.done"), field: call.arguments}));
                events
            }
        }
    }
}

fn text_events(words: &[String]) -> Vec<Value> {
    let text = words.concat();
    let event =
        |kind: &str, field: &str, value: Value| json!({"type": kind, "content_index": 0, field: value});
    let mut events = vec![event("response.content_part.added", "part", output_text(""))];
    events.extend(words.iter().map(|word| {
        let mut delta = event("response.output_text.delta", "delta", word.as_str().into());
        delta["logprobs"] = json!([]);
        delta
    }));
    let mut done = event("response.output_text.done", "text", text.as_str().into());
    done["logprobs"] = json!([]);
    events.push(done);
    events.push(event("response.content_part.done", "part", output_text(&text)));
    events
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}
