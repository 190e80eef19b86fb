//! Answers in the shapes of OpenAI's and Anthropic's endpoints, plain and streamed.

use serde_json::{Value, json};

use super::responses;

/// The model a scripted upstream says it served unless told otherwise: a dated id, as providers give.
pub const SERVED_MODEL: &str = "mock-large-2026-01-01";

/// What a model that thinks has thought, signed; a provider takes it back unaltered or not at all.
pub(crate) const THOUGHT: &str = "The next step follows from the last.";
pub(crate) const SIGNATURE: &str = "c2lnbmVkIHRob3VnaHQ=";

pub(super) const EVENT_STREAM: &str = "text/event-stream";
pub(super) const CREATED: u64 = 1_767_225_600;

/// The endpoints a scripted upstream knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// OpenAI `POST /v1/chat/completions`.
    Chat,
    /// OpenAI `POST /v1/completions`.
    Completions,
    /// OpenAI `POST /v1/responses`.
    Responses,
    /// Anthropic `POST /v1/messages`.
    Messages,
    /// `GET /v1/models`, in either shape.
    Models,
    /// Anything else.
    Unknown,
}

/// A tool call in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments, as JSON text or as a custom tool's free text; streamed in several deltas.
    pub arguments: String,
    /// Whether it is a custom tool of the Responses dialect, whose input is free text.
    pub is_custom: bool,
}

/// What a request asks for.
#[derive(Debug)]
pub(super) struct Wants {
    pub(super) endpoint: Endpoint,
    pub(super) stream: bool,
    pub(super) is_anthropic: bool,
    /// Whether a signed thinking block comes before tool calls.
    pub(super) thinks: bool,
    usage: bool,
}

/// What is answered.
#[derive(Debug)]
pub(super) enum Answer<'a> {
    Text(&'a [String]),
    Tools(&'a [ToolCall]),
}

impl Endpoint {
    pub(super) fn of(target: &str) -> Self {
        match target.split('?').next().unwrap_or_default() {
            "/v1/chat/completions" => Self::Chat,
            "/v1/completions" => Self::Completions,
            "/v1/responses" => Self::Responses,
            "/v1/messages" => Self::Messages,
            "/v1/models" => Self::Models,
            _ => Self::Unknown,
        }
    }
}

impl ToolCall {
    /// A call of `name` with these arguments.
    pub fn new(id: &str, name: &str, arguments: &Value) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_string(), is_custom: false }
    }

    /// A call of the custom tool `name` with this text.
    pub fn custom(id: &str, name: &str, input: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), arguments: input.to_owned(), is_custom: true }
    }

    /// The arguments in three deltas, none of which is JSON by itself.
    pub(super) fn deltas(&self) -> Vec<&str> {
        let text = self.arguments.as_str();
        let cut = |at: usize| (at..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
        let (first, second) = (cut(text.len() / 3), cut(text.len() * 2 / 3));
        vec![&text[..first], &text[first..second], &text[second..]]
    }
}

impl Answer<'_> {
    fn text(&self) -> String {
        match self {
            Self::Text(deltas) => deltas.concat(),
            Self::Tools(_) => String::new(),
        }
    }

    pub(super) fn output_tokens(&self) -> usize {
        match self {
            Self::Text(deltas) => deltas.len(),
            Self::Tools(calls) => calls.len() * 12,
        }
    }
}

impl Wants {
    pub(super) fn of(endpoint: Endpoint, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        Self {
            endpoint,
            stream: body["stream"] == true,
            is_anthropic: endpoint == Endpoint::Messages,
            thinks: matches!(body["thinking"]["type"].as_str(), Some("enabled" | "adaptive")),
            usage: body["stream_options"]["include_usage"] == true,
        }
    }

    pub(super) fn error(&self, status: u16, message: &str) -> String {
        let kind = match (self.is_anthropic, status) {
            (_, 400) => "invalid_request_error",
            (_, 401) => "authentication_error",
            (true, 404) => "not_found_error",
            (_, 429) => "rate_limit_error",
            (true, 529) => "overloaded_error",
            (true, _) => "api_error",
            (false, 404) => "invalid_request_error",
            (false, _) => "server_error",
        };
        if self.is_anthropic {
            json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"})
        } else {
            json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
        }
        .to_string()
    }

    pub(super) fn plain(&self, model: &str, answer: &Answer<'_>) -> String {
        match self.endpoint {
            Endpoint::Messages => message(model, answer, self.thinks),
            Endpoint::Responses => responses::whole(model, answer),
            Endpoint::Completions => {
                let choice =
                    json!({"text": answer.text(), "index": 0, "logprobs": null, "finish_reason": "stop"});
                openai("cmpl-scripted", "text_completion", model, &json!([choice]), Some(answer))
            }
            _ => {
                let choice = json!({"index": 0, "message": chat_message(answer), "logprobs": null,
                    "finish_reason": finish_reason(answer)});
                openai("chatcmpl-scripted", "chat.completion", model, &json!([choice]), Some(answer))
            }
        }
        .to_string()
    }

    pub(super) fn events(&self, model: &str, answer: &Answer<'_>) -> Vec<String> {
        match self.endpoint {
            Endpoint::Messages => message_events(model, answer, self.thinks),
            Endpoint::Responses => responses::events(model, answer),
            Endpoint::Completions => self.completion_events(model, answer),
            _ => self.chat_events(model, answer),
        }
    }

    fn chat_events(&self, model: &str, answer: &Answer<'_>) -> Vec<String> {
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
        let choices = deltas.into_iter().map(|(delta, finish)| {
            json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}])
        });
        self.openai_events(
            "chatcmpl-scripted",
            "chat.completion.chunk",
            model,
            &choices.collect::<Vec<_>>(),
            answer,
        )
    }

    fn completion_events(&self, model: &str, answer: &Answer<'_>) -> Vec<String> {
        let choice = |text: &str, finish: Option<&str>| json!([{"text": text, "index": 0, "logprobs": null, "finish_reason": finish}]);
        let mut choices = match answer {
            Answer::Text(words) => words.iter().map(|word| choice(word, None)).collect(),
            Answer::Tools(_) => Vec::new(),
        };
        choices.push(choice("", Some("stop")));
        self.openai_events("cmpl-scripted", "text_completion", model, &choices, answer)
    }

    fn openai_events(
        &self,
        id: &str,
        object: &str,
        model: &str,
        choices: &[Value],
        answer: &Answer<'_>,
    ) -> Vec<String> {
        let mut chunks: Vec<Value> =
            choices.iter().map(|choices| openai(id, object, model, choices, None)).collect();
        if self.usage {
            for chunk in &mut chunks {
                chunk["usage"] = Value::Null;
            }
            chunks.push(openai(id, object, model, &json!([]), Some(answer)));
        }
        let mut events: Vec<String> = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        events.push("data: [DONE]\n\n".to_owned());
        events
    }
}

/// The list of models, in the shape the request's headers ask for.
pub(super) fn models(wants: &Wants, model: &str) -> String {
    if wants.is_anthropic {
        let entry = json!({"type": "model", "id": model, "display_name": "Mock", "created_at": "2026-01-01T00:00:00Z"});
        json!({"data": [entry], "has_more": false, "first_id": model, "last_id": model})
    } else {
        let entry = json!({"id": model, "object": "model", "created": CREATED, "owned_by": "mock"});
        json!({"object": "list", "data": [entry]})
    }
    .to_string()
}

fn openai(id: &str, object: &str, model: &str, choices: &Value, usage: Option<&Answer<'_>>) -> Value {
    let mut body =
        json!({"id": id, "object": object, "created": CREATED, "model": model, "choices": choices});
    if let Some(answer) = usage {
        let output = answer.output_tokens();
        body["usage"] =
            json!({"prompt_tokens": 21, "completion_tokens": output, "total_tokens": 21 + output});
    }
    body
}

fn finish_reason(answer: &Answer<'_>) -> &'static str {
    if matches!(answer, Answer::Tools(_)) { "tool_calls" } else { "stop" }
}

fn chat_message(answer: &Answer<'_>) -> Value {
    let Answer::Tools(calls) = answer else {
        return json!({"role": "assistant", "content": answer.text(), "refusal": null});
    };
    let calls: Vec<Value> = calls
        .iter()
        .map(|call| json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}))
        .collect();
    json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": calls})
}

fn message(model: &str, answer: &Answer<'_>, thinks: bool) -> Value {
    let mut content: Vec<Value> = match answer {
        Answer::Text(_) => vec![json!({"type": "text", "text": answer.text()})],
        Answer::Tools(calls) => calls
            .iter()
            .map(|call| {
                let input: Value = serde_json::from_str(&call.arguments).unwrap_or_default();
                json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
            })
            .collect(),
    };
    if thinks && matches!(answer, Answer::Tools(_)) {
        content.insert(0, json!({"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}));
    }
    json!({"id": "msg_scripted", "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": stop_reason(answer), "stop_sequence": null,
        "usage": {"input_tokens": 21, "output_tokens": answer.output_tokens()}})
}

fn stop_reason(answer: &Answer<'_>) -> &'static str {
    if matches!(answer, Answer::Tools(_)) { "tool_use" } else { "end_turn" }
}

fn message_events(model: &str, answer: &Answer<'_>, thinks: bool) -> Vec<String> {
    let started = json!({"id": "msg_scripted", "type": "message", "role": "assistant", "model": model,
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 21, "output_tokens": 1}});
    let mut events = vec![json!({"type": "message_start", "message": started})];
    let block = |index: usize, opening: Value, deltas: Vec<Value>| {
        let start = json!({"type": "content_block_start", "index": index, "content_block": opening});
        let middle = deltas
            .into_iter()
            .map(move |delta| json!({"type": "content_block_delta", "index": index, "delta": delta}));
        let stop = json!({"type": "content_block_stop", "index": index});
        std::iter::once(start).chain(middle).chain(std::iter::once(stop)).collect::<Vec<_>>()
    };
    match answer {
        Answer::Text(words) => {
            let deltas = words.iter().map(|word| json!({"type": "text_delta", "text": word})).collect();
            events.extend(block(0, json!({"type": "text", "text": ""}), deltas));
        }
        Answer::Tools(calls) => {
            if thinks {
                let deltas = vec![
                    json!({"type": "thinking_delta", "thinking": THOUGHT}),
                    json!({"type": "signature_delta", "signature": SIGNATURE}),
                ];
                events.extend(block(0, json!({"type": "thinking", "thinking": "", "signature": ""}), deltas));
            }
            for (index, call) in calls.iter().enumerate().map(|(at, call)| (at + usize::from(thinks), call)) {
                let deltas = call.deltas();
                let deltas = deltas
                    .iter()
                    .map(|part| json!({"type": "input_json_delta", "partial_json": part}))
                    .collect();
                let opening = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
                events.extend(block(index, opening, deltas));
            }
        }
    }
    events.insert(2, json!({"type": "ping"}));
    events.push(json!({"type": "message_delta",
        "delta": {"stop_reason": stop_reason(answer), "stop_sequence": null},
        "usage": {"output_tokens": answer.output_tokens()}}));
    events.push(json!({"type": "message_stop"}));
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default()))
        .collect()
}
