//! Writes a stream: chunks of one choice, usage when the client asked for it, `[DONE]`.

use serde::Serialize;
use serde_json::{Value, json};
use waymark_types::Usage;

use super::reply::{Forms, Says, detail, encrypted, finish_reason, google, input, new_id, takes_text, usage};
use crate::dialogue::EventWriter;
use crate::neutral::{Event, Prompt, Stop};

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    /// Where it was asked for every chunk has the field, `null` in all but the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<&'a Value>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u64,
    delta: &'a Value,
    /// Always `null`.
    logprobs: (),
    finish_reason: Option<&'a str>,
}

/// Writes one stream.
pub(super) struct Writer {
    id: String,
    model: String,
    created: i64,
    /// The client asked for usage; then every chunk has the field.
    states_usage: bool,
    started: bool,
    usage: Usage,
    stopped: bool,
    says: Says,
    /// How many calls have been opened.
    calls: usize,
    /// Whether the open call has arguments.
    has_arguments: bool,
    /// How the client declared its tools, and the arguments of an open call whose tool takes text: the text is only
    /// known when they are whole.
    forms: Forms,
    gathered: Option<String>,
    /// How many blocks of reasoning there are, and the text of the open one: a signature goes out with its text.
    details: usize,
    thought: String,
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event) -> Vec<u8> {
        match event {
            Event::Ping => return b": keep-alive\n\n".to_vec(),
            Event::Error { code, message } => return error(code.as_deref(), message),
            Event::Usage { usage } => {
                self.usage.update(usage);
                return Vec::new();
            }
            Event::Start { id, model } => {
                if let Some(id) = id {
                    self.id.clone_from(id);
                }
                if let Some(model) = model {
                    self.model.clone_from(model);
                }
                return self.start();
            }
            _ => {}
        }
        let mut bytes = self.start();
        match event {
            Event::Stop { stop } => bytes.extend(self.stop(Some(stop))),
            Event::End => bytes.extend(self.end()),
            event => {
                if let Some(delta) = self.delta(event) {
                    bytes.extend(self.chunk(&delta, None));
                }
            }
        }
        bytes
    }
}

impl Writer {
    pub(super) fn new(prompt: &Prompt, model: &str, created: i64) -> Self {
        Self {
            id: new_id(created),
            model: model.to_owned(),
            created,
            states_usage: prompt.stream_usage,
            started: false,
            usage: Usage::default(),
            stopped: false,
            says: Says::default(),
            calls: 0,
            has_arguments: false,
            forms: prompt.tool_forms.clone(),
            gathered: None,
            details: 0,
            thought: String::new(),
        }
    }

    /// The first chunk, which names the role; nothing if it is out already.
    fn start(&mut self) -> Vec<u8> {
        if std::mem::replace(&mut self.started, true) {
            return Vec::new();
        }
        self.chunk(&json!({"role": "assistant", "content": "", "refusal": null}), None)
    }

    fn delta(&mut self, event: &Event) -> Option<Value> {
        match event {
            Event::TextDelta { text, .. } => Some(json!({"content": text})),
            Event::RefusalDelta { text, .. } => {
                self.says.refusal = true;
                Some(json!({"refusal": text}))
            }
            Event::ThinkingStart { .. } => {
                self.thought.clear();
                self.details += 1;
                None
            }
            Event::ThinkingDelta { text, .. } => {
                self.thought.push_str(text);
                Some(json!({"reasoning_content": text}))
            }
            Event::ThinkingSignature { signature, .. } => {
                let detail = detail(self.details.saturating_sub(1), &self.thought, Some(signature), None);
                Some(json!({"reasoning_details": [detail]}))
            }
            Event::RedactedThinking { data, .. } => {
                self.details += 1;
                Some(json!({"reasoning_details": [encrypted(self.details - 1, data)]}))
            }
            Event::ToolCallStart { id, name, signature, .. } => {
                Some(self.open_call(id, name, signature.as_deref()))
            }
            Event::ToolCallDelta { arguments, .. } => {
                self.has_arguments = true;
                if let Some(gathered) = &mut self.gathered {
                    gathered.push_str(arguments);
                    return None;
                }
                Some(self.call("function", &json!({"arguments": arguments})))
            }
            Event::BlockEnd { .. } => self.close_call(),
            _ => None,
        }
    }

    fn open_call(&mut self, id: &str, name: &str, signature: Option<&str>) -> Value {
        self.says.calls = true;
        self.calls += 1;
        self.has_arguments = false;
        let takes_text = takes_text(&self.forms, name);
        self.gathered = takes_text.then(String::new);
        let mut delta = match takes_text {
            true => self.call("custom", &json!({"name": name, "input": ""})),
            false => self.call("function", &json!({"name": name, "arguments": ""})),
        };
        let call = &mut delta["tool_calls"][0];
        call["id"] = id.into();
        call["type"] = if takes_text { "custom".into() } else { "function".into() };
        if let Some(signature) = signature {
            call["extra_content"] = google(signature);
        }
        delta
    }

    /// What is still to be said of the open call, if one is.
    fn close_call(&mut self) -> Option<Value> {
        if let Some(gathered) = self.gathered.take() {
            return Some(self.call("custom", &json!({"input": input(&gathered)})));
        }
        // Clients parse the arguments they have gathered: without any, they are an empty object.
        let silent = self.calls > 0 && !std::mem::replace(&mut self.has_arguments, true);
        silent.then(|| self.call("function", &json!({"arguments": "{}"})))
    }

    /// A piece of the open call.
    fn call(&self, kind: &str, piece: &Value) -> Value {
        json!({"tool_calls": [{"index": self.calls.saturating_sub(1), kind: piece}]})
    }

    fn stop(&mut self, stop: Option<&Stop>) -> Vec<u8> {
        self.stopped = true;
        let word = match stop {
            Some(stop) => finish_reason(stop, self.says),
            None if self.says.calls => "tool_calls",
            None => "stop",
        };
        self.chunk(&json!({}), Some(word))
    }

    fn end(&mut self) -> Vec<u8> {
        let mut bytes = if self.stopped { Vec::new() } else { self.stop(None) };
        if let Some(usage) = usage(&self.usage).filter(|_| self.states_usage) {
            bytes.extend(self.frame(&[], Some(&usage)));
        }
        bytes.extend_from_slice(b"data: [DONE]\n\n");
        bytes
    }

    fn chunk(&self, delta: &Value, finish_reason: Option<&str>) -> Vec<u8> {
        self.frame(&[Choice { index: 0, delta, logprobs: (), finish_reason }], None)
    }

    fn frame(&self, choices: &[Choice<'_>], usage: Option<&Value>) -> Vec<u8> {
        let chunk = Chunk {
            id: &self.id,
            object: "chat.completion.chunk",
            created: self.created,
            model: &self.model,
            choices,
            usage: self.states_usage.then_some(usage),
        };
        let mut bytes = b"data: ".to_vec();
        // Text, numbers and values made of them always can be written.
        bytes.extend(serde_json::to_vec(&chunk).unwrap_or_default());
        bytes.extend_from_slice(b"\n\n");
        bytes
    }
}

fn error(code: Option<&str>, message: &str) -> Vec<u8> {
    let error = json!({"error": {"message": message, "type": "upstream_error", "param": null, "code": code}});
    format!("data: {error}\n\n").into_bytes()
}
