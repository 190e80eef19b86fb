//! The item that a written stream has open.

use serde_json::{Value, json};

use super::output::{encrypted, freeform_input, write_call, write_reasoning};
use super::tools::built_in;
use super::write_stream::Writer;
use crate::neutral::{ToolForm, ToolKind};

/// The item that is open.
#[derive(Debug, Default)]
pub(super) enum Open {
    /// None is.
    #[default]
    None,
    /// A message.
    Message(Message),
    /// Reasoning.
    Reasoning(Reasoning),
    /// A tool call.
    Call(Call),
}

/// A message, of which at most the last part is open.
#[derive(Debug)]
pub(super) struct Message {
    id: String,
    parts: Vec<Value>,
    part: Option<Part>,
}

#[derive(Debug)]
struct Part {
    /// `output_text` or `refusal`.
    kind: &'static str,
    text: String,
}

impl Part {
    fn value(&self) -> Value {
        match self.kind {
            "refusal" => json!({"type": self.kind, "refusal": self.text}),
            kind => json!({"type": kind, "text": self.text, "annotations": [], "logprobs": []}),
        }
    }
}

/// Reasoning, shown as a summary of one part.
#[derive(Debug)]
pub(super) struct Reasoning {
    id: String,
    /// Whether the id is the provider's.
    is_own: bool,
    text: String,
    signature: Option<String>,
}

/// A tool call.
#[derive(Debug)]
pub(super) struct Call {
    item_id: String,
    id: String,
    name: String,
    form: Option<ToolForm>,
    arguments: String,
}

impl Open {
    /// Opens a message.
    pub(super) fn message(id: String, writer: &mut Writer) -> Self {
        let item =
            json!({"id": id, "type": "message", "role": "assistant", "status": "in_progress", "content": []});
        writer.item_event("response.output_item.added", &item);
        Self::Message(Message { id, parts: Vec::new(), part: None })
    }

    /// Opens reasoning.
    pub(super) fn reasoning(id: String, is_own: bool, writer: &mut Writer) -> Self {
        // A reader learns from the start whose reasoning it is.
        let mut item = write_reasoning("", encrypted(None, is_own.then_some(&id)).as_deref());
        item["id"] = id.as_str().into();
        writer.item_event("response.output_item.added", &item);
        Self::Reasoning(Reasoning { id, is_own, text: String::new(), signature: None })
    }

    /// Opens a tool call. Of one that is not a function, only the end is told: its shape is known then.
    pub(super) fn call(id: &str, name: &str, writer: &mut Writer) -> Self {
        let form = writer.prompt.tool_forms.get(name).cloned();
        let kind = match form.as_ref().map(|form| &form.kind) {
            Some(ToolKind::Freeform { .. }) => "ctc",
            Some(ToolKind::BuiltIn { .. }) => built_in(name).map_or("fc", |own| own.id),
            Some(ToolKind::Function) | None => "fc",
        };
        let item_id = writer.item_id(kind, None);
        let (id, name) = (id.to_owned(), name.to_owned());
        let call = Call { item_id, id, name, form, arguments: String::new() };
        let mut item = call.item("in_progress");
        for field in ["arguments", "input"] {
            if item[field].is_string() {
                item[field] = "".into();
            }
        }
        writer.item_event("response.output_item.added", &item);
        Self::Call(call)
    }

    /// Opens a part of the open message.
    pub(super) fn open_part(&mut self, kind: &'static str, writer: &mut Writer) {
        let Self::Message(message) = self else { return };
        message.end_part(writer);
        let part = Part { kind, text: String::new() };
        writer.emit("response.content_part.added", message.event(writer, json!({"part": part.value()})));
        message.part = Some(part);
    }

    /// Adds text, or a piece of a call's arguments.
    pub(super) fn delta(&mut self, delta: &str, writer: &mut Writer) {
        if delta.is_empty() {
            return;
        }
        match self {
            Self::None => {}
            Self::Message(message) => message.delta(delta, writer),
            Self::Reasoning(reasoning) => reasoning.delta(delta, writer),
            Self::Call(call) => call.delta(delta, writer),
        }
    }

    /// Adds the provider's proof that the reasoning is its own.
    pub(super) fn sign(&mut self, signature: &str) {
        if let Self::Reasoning(reasoning) = self {
            reasoning.signature = Some(signature.to_owned());
        }
    }

    /// Ends the block; only a message stays open behind it.
    pub(super) fn end_block(mut self, writer: &mut Writer) -> Self {
        match &mut self {
            Self::Message(message) => {
                message.end_part(writer);
                self
            }
            _ => {
                self.close(writer);
                Self::None
            }
        }
    }

    /// Ends the item.
    pub(super) fn close(self, writer: &mut Writer) {
        match self {
            Self::None => {}
            Self::Message(mut message) => {
                message.end_part(writer);
                let Message { id, parts, .. } = message;
                writer.finish_item(json!({
                    "id": id, "type": "message", "role": "assistant", "status": "completed", "content": parts,
                }));
            }
            Self::Reasoning(reasoning) => reasoning.close(writer),
            Self::Call(call) => call.close(writer),
        }
    }
}

impl Message {
    /// The place of the open part, and what is said of it.
    fn event(&self, writer: &Writer, mut data: Value) -> Value {
        data["item_id"] = self.id.as_str().into();
        data["output_index"] = writer.output.len().into();
        data["content_index"] = self.parts.len().into();
        data
    }

    fn delta(&mut self, delta: &str, writer: &mut Writer) {
        let Some(part) = &mut self.part else { return };
        part.text.push_str(delta);
        let (kind, data) = match part.kind {
            "refusal" => ("response.refusal.delta", json!({"delta": delta})),
            _ => ("response.output_text.delta", json!({"delta": delta, "logprobs": []})),
        };
        let data = self.event(writer, data);
        writer.emit(kind, data);
    }

    fn end_part(&mut self, writer: &mut Writer) {
        let Some(part) = self.part.take() else { return };
        let (kind, data) = match part.kind {
            "refusal" => ("response.refusal.done", json!({"refusal": part.text})),
            _ => ("response.output_text.done", json!({"text": part.text, "logprobs": []})),
        };
        writer.emit(kind, self.event(writer, data));
        writer.emit("response.content_part.done", self.event(writer, json!({"part": part.value()})));
        self.parts.push(part.value());
    }
}

impl Reasoning {
    fn event(&self, writer: &Writer, mut data: Value) -> Value {
        data["item_id"] = self.id.as_str().into();
        data["output_index"] = writer.output.len().into();
        data["summary_index"] = 0.into();
        data
    }

    fn delta(&mut self, delta: &str, writer: &mut Writer) {
        if self.text.is_empty() {
            let part = json!({"part": {"type": "summary_text", "text": ""}});
            writer.emit("response.reasoning_summary_part.added", self.event(writer, part));
        }
        self.text.push_str(delta);
        writer.emit("response.reasoning_summary_text.delta", self.event(writer, json!({"delta": delta})));
    }

    fn close(self, writer: &mut Writer) {
        if !self.text.is_empty() {
            let text = self.text.as_str();
            writer.emit("response.reasoning_summary_text.done", self.event(writer, json!({"text": text})));
            let part = json!({"part": {"type": "summary_text", "text": text}});
            writer.emit("response.reasoning_summary_part.done", self.event(writer, part));
        }
        let encrypted = encrypted(self.signature.as_deref(), self.is_own.then_some(&self.id));
        let mut item = write_reasoning(&self.text, encrypted.as_deref());
        item["id"] = self.id.into();
        writer.finish_item(item);
    }
}

impl Call {
    fn item(&self, status: &str) -> Value {
        let mut item = write_call(self.form.as_ref(), &self.id, &self.name, &self.arguments);
        item["id"] = self.item_id.as_str().into();
        item["status"] = status.into();
        item
    }

    fn is_function(&self) -> bool {
        self.form.as_ref().is_none_or(|form| form.kind == ToolKind::Function)
    }

    fn event(&self, writer: &Writer, mut data: Value) -> Value {
        data["item_id"] = self.item_id.as_str().into();
        data["output_index"] = writer.output.len().into();
        data
    }

    fn delta(&mut self, delta: &str, writer: &mut Writer) {
        self.arguments.push_str(delta);
        if self.is_function() {
            writer
                .emit("response.function_call_arguments.delta", self.event(writer, json!({"delta": delta})));
        }
    }

    fn close(self, writer: &mut Writer) {
        let item = self.item("completed");
        match self.form.as_ref().map(|form| &form.kind) {
            Some(ToolKind::Freeform { .. }) => {
                let input = freeform_input(&self.arguments);
                writer.emit(
                    "response.custom_tool_call_input.delta",
                    self.event(writer, json!({"delta": input})),
                );
                writer.emit(
                    "response.custom_tool_call_input.done",
                    self.event(writer, json!({"input": input})),
                );
            }
            Some(ToolKind::BuiltIn { .. }) => {}
            Some(ToolKind::Function) | None => {
                if self.arguments.trim().is_empty() {
                    // A call without arguments has an empty object of them.
                    let empty = self.event(writer, json!({"delta": item["arguments"]}));
                    writer.emit("response.function_call_arguments.delta", empty);
                }
                let done = self.event(writer, json!({"arguments": item["arguments"], "name": item["name"]}));
                writer.emit("response.function_call_arguments.done", done);
            }
        }
        writer.finish_item(item);
    }
}
