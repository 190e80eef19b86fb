//! Writes a stream, and with it the whole answer that its last event holds.
//!
//! Texts and refusals that follow each other are parts of one message, since clients take each message for a step of
//! its own: the last one is the answer that `codex exec` prints.

use serde_json::{Map, Value, json};
use waymark_types::Usage;

use super::carried::Carried;
use super::frame;
use super::item::Open;
use super::output::write_reasoning;
use super::tools;
use super::wire::write_usage;
use crate::dialogue::EventWriter;
use crate::neutral::{Block, Event, Prompt, Reply, Stop};

/// The longest id that the API takes back is 64 letters, with the kind and the number of the item.
const LONGEST_ID: usize = 48;

/// Writes one stream.
pub(super) struct Writer {
    /// What every state of the response says of the request.
    echo: Map<String, Value>,
    pub(super) prompt: Prompt,
    id: String,
    model: String,
    created: i64,
    sequence: u64,
    has_begun: bool,
    has_ended: bool,
    pub(super) output: Vec<Value>,
    open: Open,
    usage: Usage,
    stop: Option<Stop>,
    has_refusal: bool,
    pub(super) frames: Vec<u8>,
}

/// A whole answer.
pub(super) fn whole(prompt: &Prompt, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
    let mut writer = Writer::new(prompt, model, created);
    writer.take(&Event::Start { id: reply.id.clone(), model: reply.model.clone() });
    for (index, block) in reply.blocks.iter().enumerate() {
        for event in events(index, block) {
            writer.take(&event);
            writer.frames.clear();
        }
    }
    writer.take(&Event::Usage { usage: reply.usage });
    if let Some(stop) = &reply.stop {
        writer.take(&Event::Stop { stop: stop.clone() });
    }
    writer.close();
    let (status, details) = writer.outcome();
    writer.response(status, details, Value::Null).to_string().into_bytes()
}

/// A block as a stream says it.
fn events(index: usize, block: &Block) -> Vec<Event> {
    match block.clone() {
        Block::Text { text, .. } => {
            vec![Event::TextStart { index }, Event::TextDelta { index, text }, Event::BlockEnd { index }]
        }
        Block::Refusal { text } => {
            vec![
                Event::RefusalStart { index },
                Event::RefusalDelta { index, text },
                Event::BlockEnd { index },
            ]
        }
        Block::Thinking { text, signature, id } => {
            let mut events = vec![Event::ThinkingStart { index, id }, Event::ThinkingDelta { index, text }];
            events.extend(signature.map(|signature| Event::ThinkingSignature { index, signature }));
            events.push(Event::BlockEnd { index });
            events
        }
        Block::RedactedThinking { data } => vec![Event::RedactedThinking { index, data }],
        Block::ToolCall { id, name, arguments, signature, .. } => vec![
            Event::ToolCallStart { index, id, name, signature },
            Event::ToolCallDelta { index, arguments },
            Event::BlockEnd { index },
        ],
        // A model puts none of these out.
        Block::Image { .. } | Block::Document { .. } | Block::Audio { .. } | Block::ToolResult { .. } => {
            Vec::new()
        }
    }
}

/// The event of a failure that no stream led up to.
pub(super) fn failed(code: &str, message: &str) -> Vec<u8> {
    let mut writer = Writer::new(&Prompt::default(), "", 0);
    let response = writer.response("failed", Value::Null, json!({"code": code, "message": message}));
    writer.emit("response.failed", json!({"response": response}));
    writer.frames
}

impl EventWriter for Writer {
    fn write(&mut self, event: &Event) -> Vec<u8> {
        self.take(event);
        std::mem::take(&mut self.frames)
    }
}

impl Writer {
    pub(super) fn new(prompt: &Prompt, model: &str, created: i64) -> Self {
        let forms = prompt.tool_forms.clone();
        Self {
            echo: echo(prompt),
            prompt: Prompt { tool_forms: forms, ..Prompt::default() },
            id: format!("resp_{created:x}"),
            model: model.to_owned(),
            created,
            sequence: 0,
            has_begun: false,
            has_ended: false,
            output: Vec::new(),
            open: Open::None,
            usage: Usage::default(),
            stop: None,
            has_refusal: false,
            frames: Vec::new(),
        }
    }

    fn take(&mut self, event: &Event) {
        if self.has_ended {
            return;
        }
        if let Event::Start { id, model } = event {
            return self.start(id.as_deref(), model.as_deref());
        }
        if matches!(event, Event::Ping) {
            self.frames.extend_from_slice(b": keep-alive\n\n");
            return;
        }
        self.begin();
        match event {
            Event::Usage { usage } => self.usage.update(usage),
            Event::Stop { stop } => self.stop = Some(stop.clone()),
            Event::End => self.end(),
            Event::Error { code, message } => self.fail(code.as_deref(), message),
            event => self.block(event),
        }
    }

    fn block(&mut self, event: &Event) {
        match event {
            Event::TextStart { .. } => self.open_part("output_text"),
            Event::RefusalStart { .. } => {
                self.has_refusal = true;
                self.open_part("refusal");
            }
            Event::TextDelta { text, .. }
            | Event::RefusalDelta { text, .. }
            | Event::ThinkingDelta { text, .. } => {
                self.with_open(|open, writer| open.delta(text, writer));
            }
            Event::ToolCallDelta { arguments, .. } => {
                self.with_open(|open, writer| open.delta(arguments, writer));
            }
            Event::ThinkingStart { id, .. } => {
                self.close();
                let item_id = self.item_id("rs", id.as_deref());
                self.open = Open::reasoning(item_id, id.is_some(), self);
            }
            Event::ThinkingSignature { signature, .. } => {
                self.with_open(|open, _| open.sign(signature));
            }
            Event::RedactedThinking { data, .. } => self.carry(Carried::Redacted(data)),
            Event::ToolCallStart { id, name, signature, .. } => {
                if let Some(token) = signature {
                    self.carry(Carried::Call(token));
                }
                self.close();
                self.open = Open::call(id, name, self);
            }
            Event::BlockEnd { .. } => {
                // A message stays open for the part that may follow.
                let open = std::mem::take(&mut self.open);
                self.open = open.end_block(self);
            }
            _ => {}
        }
    }

    fn with_open(&mut self, change: impl FnOnce(&mut Open, &mut Self)) {
        let mut open = std::mem::take(&mut self.open);
        change(&mut open, self);
        self.open = open;
    }

    fn open_part(&mut self, kind: &'static str) {
        if !matches!(self.open, Open::Message(_)) {
            self.close();
            self.open = Open::message(self.item_id("msg", None), self);
        }
        self.with_open(|open, writer| open.open_part(kind, writer));
    }

    /// An item that carries what another provider wants back.
    fn carry(&mut self, carried: Carried<'_>) {
        self.close();
        let mut item = write_reasoning("", Some(&carried.write()));
        item["id"] = self.item_id("rs", None).into();
        self.item_event("response.output_item.added", &item);
        self.finish_item(item);
    }

    /// Ends the open item.
    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        let open = open.end_block(self);
        open.close(self);
    }

    /// An id for an item: unlike those of other answers, as the answer's own is.
    pub(super) fn item_id(&self, kind: &str, own: Option<&str>) -> String {
        if let Some(own) = own.filter(|own| !own.is_empty()) {
            return own.to_owned();
        }
        let answer = self.id.strip_prefix("resp_").unwrap_or(&self.id);
        format!("{kind}_{}_{}", last(answer), self.output.len())
    }

    pub(super) fn item_event(&mut self, kind: &str, item: &Value) {
        let index = self.output.len();
        self.emit(kind, json!({"output_index": index, "item": item}));
    }

    pub(super) fn finish_item(&mut self, item: Value) {
        self.item_event("response.output_item.done", &item);
        self.output.push(item);
    }

    pub(super) fn emit(&mut self, kind: &str, mut data: Value) {
        data["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        self.frames.extend(frame(kind, data));
    }

    fn start(&mut self, id: Option<&str>, model: Option<&str>) {
        if self.has_begun {
            return;
        }
        if let Some(id) = id {
            self.id = response_id(id);
        }
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            model.clone_into(&mut self.model);
        }
        self.begin();
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) {
            let response = self.response("in_progress", Value::Null, Value::Null);
            self.emit("response.created", json!({"response": response}));
            self.emit("response.in_progress", json!({"response": response}));
        }
    }

    fn end(&mut self) {
        self.close();
        self.has_ended = true;
        let (status, details) = self.outcome();
        let response = self.response(status, details, Value::Null);
        self.emit(&format!("response.{status}"), json!({"response": response}));
    }

    fn fail(&mut self, code: Option<&str>, message: &str) {
        // What was open stays so: it did not come to its end.
        self.has_ended = true;
        let error = json!({"code": error_code(code), "message": message});
        let response = self.response("failed", Value::Null, error);
        self.emit("response.failed", json!({"response": response}));
    }

    /// The status, and why an answer is not complete. A refusal in words is a complete answer here; one without is a
    /// filter's doing.
    fn outcome(&self) -> (&'static str, Value) {
        let reason = match &self.stop {
            Some(Stop::MaxTokens) => "max_output_tokens",
            Some(Stop::Refusal) if !self.has_refusal => "content_filter",
            Some(Stop::Other(word)) => word,
            _ => return ("completed", Value::Null),
        };
        ("incomplete", json!({"reason": reason}))
    }

    fn response(&self, status: &str, details: Value, error: Value) -> Value {
        let usage = if status == "in_progress" { Value::Null } else { write_usage(&self.usage) };
        let mut response = self.echo.clone();
        response.extend([
            ("id".to_owned(), self.id.as_str().into()),
            ("object".to_owned(), "response".into()),
            ("created_at".to_owned(), self.created.into()),
            ("status".to_owned(), status.into()),
            ("model".to_owned(), self.model.as_str().into()),
            ("output".to_owned(), self.output.clone().into()),
            ("usage".to_owned(), usage),
            ("error".to_owned(), error),
            ("incomplete_details".to_owned(), details),
        ]);
        response.into()
    }
}

/// What every state of the response says of the request. Instructions and tools, which can be large and would go out
/// three times a stream, are not said again.
fn echo(prompt: &Prompt) -> Map<String, Value> {
    let choice =
        prompt.tool_choice.as_ref().map_or("auto".into(), |choice| tools::write_choice(choice, prompt));
    let fields = [
        ("background", false.into()),
        ("instructions", Value::Null),
        ("max_output_tokens", prompt.max_output.into()),
        ("metadata", json!({})),
        ("parallel_tool_calls", prompt.parallel_tools.unwrap_or(true).into()),
        ("previous_response_id", Value::Null),
        ("store", false.into()),
        ("temperature", prompt.sampling.temperature.into()),
        ("tool_choice", choice),
        ("tools", json!([])),
        ("top_p", prompt.sampling.top_p.into()),
        ("truncation", "disabled".into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The response's id; that of another dialect's answer gets the letters that ids have here.
fn response_id(id: &str) -> String {
    if id.starts_with("resp_") {
        return id.to_owned();
    }
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '_' || *letter == '-';
    let plain: String = id.chars().filter(is_plain).collect();
    format!("resp_{}", last(&plain))
}

/// The end of an id: it is the end of a time that changes.
fn last(id: &str) -> &str {
    id.get(id.len().saturating_sub(LONGEST_ID)..).unwrap_or_default()
}

/// The word for an error that clients here know what to do about: wait, ask again or give up. A provider that is
/// overloaded is worth asking again, and Codex gives up on OpenAI's own word for it.
fn error_code(code: Option<&str>) -> &str {
    match code {
        None | Some("" | "api_error" | "overloaded_error" | "INTERNAL" | "UNAVAILABLE" | "UNKNOWN") => {
            "server_error"
        }
        Some("rate_limit_error" | "RESOURCE_EXHAUSTED") => "rate_limit_exceeded",
        Some("invalid_request_error" | "INVALID_ARGUMENT") => "invalid_prompt",
        Some(other) => other,
    }
}
