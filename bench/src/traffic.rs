//! The calls that are measured and what the upstream answers to them: the same bytes in every run.

use serde_json::{Value, json};

use crate::client::Wire;

/// The size of the agent's request.
const AGENT_BYTES: usize = 80 * 1024;
/// The events of the answer to it.
const AGENT_EVENTS: usize = 200;
const TOOLS: usize = 24;

/// A fixed answer to a path.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The path it answers.
    pub(crate) path: &'static str,
    /// What goes over the wire, write by write.
    pub(crate) writes: Vec<Vec<u8>>,
    /// The body that a client must see.
    pub(crate) body: Vec<u8>,
}

/// A call: its name, its request, its answer.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// What tables call it.
    pub(crate) name: &'static str,
    /// The request.
    pub(crate) request: Wire,
    /// The answer.
    pub(crate) answer: Answer,
}

/// An agent's step: 80 KB of system text, tools and history; the answer is a stream of 200 events.
pub(crate) fn agent() -> Call {
    let events: Vec<Vec<u8>> = agent_events().iter().map(event).collect();
    let chunk = |event: &Vec<u8>| [format!("{:x}\r\n", event.len()).as_bytes(), event, b"\r\n"].concat();
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut writes = vec![head.to_vec()];
    writes.extend(events.iter().map(chunk));
    writes.push(b"0\r\n\r\n".to_vec());
    let answer = Answer { path: "/v1/messages", writes, body: events.concat() };
    let headers = [("anthropic-version", "2023-06-01"), ("x-api-key", "client-key")];
    let request = Wire::post(answer.path, &headers, &agent_request());
    Call { name: "agent step, 80 KB, 200 events", request, answer }
}

/// A short question and its short answer, not streamed.
pub(crate) fn chat() -> Call {
    let body = json!({
        "id": "chatcmpl-fixed", "object": "chat.completion", "created": 1_767_225_600, "model": "fixed-small-2026-01-01",
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": "A mutex gives one thread at a time the value."}}],
        "usage": {"prompt_tokens": 24, "completion_tokens": 11, "total_tokens": 35}
    })
    .to_string()
    .into_bytes();
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
    let writes = vec![[head.as_bytes(), &body].concat()];
    let answer = Answer { path: "/v1/chat/completions", writes, body };
    let question = json!({"model": "small", "max_tokens": 64, "messages": [
        {"role": "system", "content": "Answer in one sentence."},
        {"role": "user", "content": "What does a mutex do?"}]});
    let headers = [("authorization", "Bearer client-key")];
    let request = Wire::post(answer.path, &headers, question.to_string().as_bytes());
    Call { name: "chat, not streamed", request, answer }
}

fn event(data: &Value) -> Vec<u8> {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default()).into_bytes()
}

fn agent_events() -> Vec<Value> {
    let usage = json!({"input_tokens": 412, "cache_creation_input_tokens": 512,
        "cache_read_input_tokens": 19_456, "output_tokens": 3});
    let message = json!({"id": "msg_fixed", "type": "message", "role": "assistant", "model": "fixed-large-2026-01-01",
        "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
    let mut events = vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "ping"}),
    ];
    events.extend((0..AGENT_EVENTS - 6).map(|number| {
        let delta = json!({"type": "text_delta", "text": format!(" the {number}th piece of an answer,")});
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    }));
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"output_tokens": 1_164}}),
        json!({"type": "message_stop"}),
    ]);
    events
}

/// The request, padded by reading one more file until it has its size.
fn agent_request() -> Vec<u8> {
    let size = |messages: &[Value]| request(messages).to_string().len();
    let mut messages = vec![json!({"role": "user", "content": "Make the retry honour `Retry-After`."})];
    for turn in 0.. {
        let id = format!("toolu_{turn:024}");
        let call = json!({"type": "tool_use", "id": id, "name": "tool_0",
            "input": {"path": format!("src/retry/part{turn}.rs"), "offset": 0, "limit": 80}});
        let result = |text: &str| {
            json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": text}]})
        };
        messages
            .push(json!({"role": "assistant", "content": [{"type": "text", "text": "Reading on."}, call]}));
        messages.push(result(""));
        let left = AGENT_BYTES.saturating_sub(size(&messages));
        let page = source(turn, 1_500);
        let escapes = page.matches(['\n', '"']).count();
        messages.pop();
        if left < 2 * (page.len() + escapes) {
            messages.push(result(&"x".repeat(left)));
            return request(&messages).to_string().into_bytes();
        }
        messages.push(result(&page));
    }
    Vec::new()
}

fn request(messages: &[Value]) -> Value {
    let tools: Vec<Value> = (0..TOOLS).map(tool).collect();
    let system = format!("You are a coding agent. {}", "Work in small steps and run the tests. ".repeat(120));
    json!({
        "model": "large", "max_tokens": 32_000, "stream": true, "tools": tools, "messages": messages,
        "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
        "metadata": {"user_id": "user_fixed_session_00000000-0000-4000-8000-000000000000"}
    })
}

fn tool(number: usize) -> Value {
    let text = |what: &str| json!({"type": "string", "description": format!("The {what}. {}", "It matters. ".repeat(9))});
    let number_of = |what: &str| json!({"type": "integer", "description": format!("How many {what}.")});
    json!({
        "name": format!("tool_{number}"),
        "description": format!("Does thing {number} to a file. {}", "Use it with care and only when asked. ".repeat(12)),
        "input_schema": {"type": "object", "required": ["path"], "additionalProperties": false, "properties": {
            "path": text("path of the file"), "pattern": text("pattern to look for"),
            "offset": number_of("lines to skip"), "limit": number_of("lines to read")}}
    })
}

/// Lines that look like code, with what JSON must escape in them.
fn source(seed: usize, bytes: usize) -> String {
    let lines = (0..).map(|line| {
        let value = (seed * 31 + line * 7) % 997;
        format!("    let value_{line} = lookup(\"key_{value}\", {value})?;\n")
    });
    let mut text = String::new();
    for line in lines {
        if text.len() + line.len() > bytes {
            break;
        }
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_s_call_has_its_size() {
        let body = agent_request();
        assert_eq!(body.len(), AGENT_BYTES);
        let request: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(request["tools"].as_array().unwrap().len(), TOOLS);
        let answer = agent().answer;
        assert_eq!(answer.body.windows(8).filter(|window| window == b"\nevent: ").count() + 1, AGENT_EVENTS);
        assert_eq!(answer.writes.len(), AGENT_EVENTS + 2);
    }
}
