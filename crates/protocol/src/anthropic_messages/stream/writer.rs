//! Writes a stream.

use serde::Serialize;
use waymark_types::Usage;

use crate::anthropic_messages::ids;
use crate::anthropic_messages::reply::Ending;
use crate::anthropic_messages::signature::{self, Signature};
use crate::anthropic_messages::usage::Written;
use crate::dialogue::EventWriter;
use crate::neutral::{Event, Prompt, Stop};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wire<'a> {
    MessageStart { message: Head<'a> },
    ContentBlockStart { index: usize, content_block: Block<'a> },
    ContentBlockDelta { index: usize, delta: Delta<'a> },
    ContentBlockStop { index: usize },
    Ping,
    MessageDelta { delta: Ending, usage: Written },
    MessageStop,
    Error { error: Failure<'a> },
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: Option<()>,
    stop_sequence: Option<()>,
    usage: Written,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text { text: &'static str },
    Thinking { thinking: &'static str, signature: &'static str },
    RedactedThinking { data: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Empty },
}

/// `{}`
#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

#[derive(Serialize)]
struct Failure<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    message: &'a str,
}

impl Wire<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::Ping => "ping",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
            Self::Error { .. } => "error",
        }
    }

    fn put(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(b"event: ");
        to.extend_from_slice(self.name().as_bytes());
        to.extend_from_slice(b"\ndata: ");
        // These types have no map with keys other than text, the one thing that JSON cannot say.
        let _ = serde_json::to_writer(&mut *to, self);
        to.extend_from_slice(b"\n\n");
    }
}

/// The block that is open.
#[derive(Debug)]
enum Open {
    Plain,
    /// Thinking, by the reasoning's id, not signed yet.
    Thinking(Option<String>),
}

/// Writes one stream.
///
/// The counts of input are known only at the end, so `message_start` says 0 and the last `message_delta` the whole;
/// clients take over every count that it states.
#[derive(Debug)]
pub(in crate::anthropic_messages) struct Writer {
    /// What stands in for an id or a model that the provider does not tell.
    id: String,
    model: String,
    started: bool,
    /// The number of the next block; they are numbered anew, for one event may become two blocks.
    next: usize,
    open: Option<Open>,
    calls: bool,
    refusal: Option<String>,
    usage: Usage,
    stop: Option<Stop>,
}

impl Writer {
    /// A writer of an answer to `prompt`.
    pub(in crate::anthropic_messages) fn new(prompt: &Prompt, model: &str, created: i64) -> Self {
        let seed = serde_json::to_vec(prompt).unwrap_or_default();
        Self {
            id: ids::message(&seed, created),
            model: model.to_owned(),
            started: false,
            next: 0,
            open: None,
            calls: false,
            refusal: None,
            usage: Usage::default(),
            stop: None,
        }
    }

    fn start(&mut self, id: Option<&str>, model: Option<&str>, to: &mut Vec<u8>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let message = Head {
            id: id.unwrap_or(&self.id),
            kind: "message",
            role: "assistant",
            model: model.unwrap_or(&self.model),
            content: [],
            stop_reason: None,
            stop_sequence: None,
            usage: Written::from(&self.usage),
        };
        Wire::MessageStart { message }.put(to);
    }

    fn open(&mut self, content_block: Block<'_>, open: Open, to: &mut Vec<u8>) {
        self.start(None, None, to);
        self.close(to);
        Wire::ContentBlockStart { index: self.next, content_block }.put(to);
        self.open = Some(open);
    }

    fn delta(&self, delta: Delta<'_>, to: &mut Vec<u8>) {
        if self.open.is_some() {
            Wire::ContentBlockDelta { index: self.next, delta }.put(to);
        }
    }

    fn close(&mut self, to: &mut Vec<u8>) {
        match self.open.take() {
            None => return,
            Some(Open::Plain) => {}
            // Another provider's, which a client must not send to Anthropic as its own.
            Some(Open::Thinking(id)) => {
                let signature = signature::foreign(id.as_deref(), None);
                let delta = Delta::Signature { signature: &signature };
                Wire::ContentBlockDelta { index: self.next, delta }.put(to);
            }
        }
        Wire::ContentBlockStop { index: self.next }.put(to);
        self.next += 1;
    }

    fn sign(&mut self, signature: &str, to: &mut Vec<u8>) {
        let Some(Open::Thinking(id)) = self.open.take() else { return };
        let signature = match signature::neutral(id.as_deref(), Some(signature)) {
            Signature::Own(own) => own.to_owned(),
            _ => signature::foreign(id.as_deref(), Some(signature)),
        };
        self.open = Some(Open::Plain);
        self.delta(Delta::Signature { signature: &signature }, to);
    }

    fn tool_call(&mut self, id: &str, name: &str, token: Option<&str>, to: &mut Vec<u8>) {
        if let Some(token) = token {
            self.open(Block::Thinking { thinking: "", signature: "" }, Open::Plain, to);
            self.delta(Delta::Signature { signature: &signature::call(token) }, to);
        }
        self.calls = true;
        self.open(Block::ToolUse { id: &ids::call(id), name, input: Empty {} }, Open::Plain, to);
    }

    fn end(&mut self, to: &mut Vec<u8>) {
        self.start(None, None, to);
        self.close(to);
        let delta = Ending::of(self.stop.as_ref(), self.calls, self.refusal.as_deref());
        Wire::MessageDelta { delta, usage: Written::from(&self.usage) }.put(to);
        Wire::MessageStop.put(to);
    }
}

/// The dialect's kind of an error, by another's word for it.
fn kind(code: Option<&str>) -> &str {
    const OWN: &[&str] = &[
        "invalid_request_error",
        "authentication_error",
        "billing_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
        "rate_limit_error",
        "timeout_error",
        "api_error",
        "overloaded_error",
    ];
    let Some(code) = code else { return "api_error" };
    if let Some(own) = OWN.iter().find(|own| **own == code) {
        return own;
    }
    let code = code.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| code.contains(word));
    match () {
        () if has(&["rate_limit", "resource_exhausted", "429"]) => "rate_limit_error",
        () if has(&["overload", "unavailable", "503", "529"]) => "overloaded_error",
        () if has(&["timeout", "deadline", "504"]) => "timeout_error",
        () if has(&["invalid", "context_length", "400"]) => "invalid_request_error",
        () => "api_error",
    }
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event) -> Vec<u8> {
        let mut bytes = Vec::new();
        let to = &mut bytes;
        match event {
            Event::Start { id, model } => self.start(id.as_deref(), model.as_deref(), to),
            Event::TextStart { .. } => self.open(Block::Text { text: "" }, Open::Plain, to),
            Event::TextDelta { text, .. } => self.delta(Delta::Text { text }, to),
            Event::RefusalStart { .. } => {
                self.refusal = Some(String::new());
                self.open(Block::Text { text: "" }, Open::Plain, to);
            }
            Event::RefusalDelta { text, .. } => {
                self.refusal.get_or_insert_default().push_str(text);
                self.delta(Delta::Text { text }, to);
            }
            Event::ThinkingStart { id, .. } => {
                self.open(Block::Thinking { thinking: "", signature: "" }, Open::Thinking(id.clone()), to);
            }
            Event::ThinkingDelta { text, .. } => self.delta(Delta::Thinking { thinking: text }, to),
            Event::ThinkingSignature { signature, .. } => self.sign(signature, to),
            Event::RedactedThinking { data, .. } => {
                let data = signature::wire_redacted(data);
                self.open(Block::RedactedThinking { data: &data }, Open::Plain, to);
                self.close(to);
            }
            Event::ToolCallStart { id, name, signature, .. } => {
                self.tool_call(id, name, signature.as_deref(), to);
            }
            Event::ToolCallDelta { arguments, .. } => {
                self.delta(Delta::InputJson { partial_json: arguments }, to);
            }
            Event::BlockEnd { .. } => self.close(to),
            Event::Usage { usage } => self.usage.update(usage),
            Event::Stop { stop } => self.stop = Some(stop.clone()),
            Event::End => self.end(to),
            Event::Error { code, message } => {
                Wire::Error { error: Failure { kind: kind(code.as_deref()), message } }.put(to);
            }
            Event::Ping => Wire::Ping.put(to),
        }
        bytes
    }
}
