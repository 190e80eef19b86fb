//! The items a model puts out, as answers and later requests hold them: messages, reasoning and tool calls.

use serde_json::{Value, json};

use super::carried::{Carried, own, read_own};
use super::parts;
use super::tools::{BUILT_IN, BuiltIn, built_in, flat_name};
use super::wire::{kind, list, lose, plain, text, word};
use crate::neutral::{Block, Loss, Namespace, ToolForm, ToolKind};

/// Reads a model's items, one after another.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// The token of the tool call that follows.
    call_token: Option<String>,
}

impl Items {
    /// What an item says; `None` for items that are not a model's words or that only the provider understands.
    pub(super) fn read(&mut self, item: &Value, losses: &mut Vec<Loss>) -> Option<Vec<Block>> {
        match kind(item) {
            "message" | "" => Some(parts::read(item.get("content")?, losses)),
            "reasoning" => Some(self.reasoning(item).into_iter().collect()),
            kind => {
                let (name, arguments) = call(item)?;
                if item.get("caller").is_some_and(|caller| !caller.is_null()) {
                    lose(losses, format!("item_option:{}", plain(kind)));
                }
                let signature = self.call_token.take();
                Some(vec![Block::ToolCall { id: call_id(item), name, arguments, cache: None, signature }])
            }
        }
    }

    fn reasoning(&mut self, item: &Value) -> Option<Block> {
        let encrypted = word(item, "encrypted_content");
        let text = reasoning_text(item);
        match encrypted.and_then(Carried::read) {
            Some(Carried::Thinking(signature)) => {
                Some(Block::Thinking { text, signature: signature.map(str::to_owned), id: None })
            }
            Some(Carried::Redacted(data)) => Some(Block::RedactedThinking { data: data.to_owned() }),
            Some(Carried::Call(token)) => {
                self.call_token = Some(token.to_owned());
                None
            }
            None => {
                let id = word(item, "id").map(str::to_owned);
                Some(Block::Thinking { text, signature: encrypted.map(own), id })
            }
        }
    }

    /// Keeps a call's token for the call that follows.
    pub(super) fn hold_call_token(&mut self, token: &str) {
        self.call_token = Some(token.to_owned());
    }

    /// The token of the call that follows.
    pub(super) fn take_call_token(&mut self) -> Option<String> {
        self.call_token.take()
    }
}

/// The summary of a reasoning item, or the reasoning itself where a server shows that.
pub(super) fn reasoning_text(item: &Value) -> String {
    let join =
        |key| list(item, key).iter().filter_map(|part| text(part, "text")).collect::<Vec<_>>().join("\n\n");
    let summary = join("summary");
    if summary.is_empty() { join("content") } else { summary }
}

/// The dialect's own tool that an item calls.
pub(super) fn built_in_call(item: &Value) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|own| own.call == kind(item))
}

/// The name, as a function's, and the arguments of a call.
pub(super) fn call(item: &Value) -> Option<(String, String)> {
    if let Some(own) = built_in_call(item) {
        let mut arguments = item.get(own.arguments).cloned().unwrap_or_else(|| json!({}));
        if let (Some(action), "local_shell") = (arguments.as_object_mut(), own.tool) {
            // It is the same in every call.
            action.remove("type");
        }
        return Some((own.tool.to_owned(), arguments.to_string()));
    }
    let arguments = match kind(item) {
        "function_call" => match item.get("arguments") {
            Some(Value::String(arguments)) => arguments.clone(),
            Some(arguments) => arguments.to_string(),
            None => String::new(),
        },
        "custom_tool_call" => json!({"input": text(item, "input").unwrap_or_default()}).to_string(),
        _ => return None,
    };
    Some((flat_name(text(item, "namespace"), text(item, "name")?), arguments))
}

/// What a result names as its call. The older shell names the call by the item's own id.
pub(super) fn call_id(item: &Value) -> String {
    word(item, "call_id").or_else(|| word(item, "id")).unwrap_or_default().to_owned()
}

/// What kind of tool a call is for, where it is not a plain function.
pub(super) fn call_form(item: &Value) -> Option<ToolForm> {
    if let Some(own) = built_in_call(item) {
        let kind = ToolKind::BuiltIn { declaration: json!({"type": own.tool}) };
        return Some(ToolForm { name: own.tool.to_owned(), namespace: None, kind });
    }
    let namespace =
        word(item, "namespace").map(|name| Namespace { name: name.to_owned(), description: None });
    let form = match kind(item) {
        "custom_tool_call" => ToolKind::Freeform { format: None },
        "function_call" if namespace.is_some() => ToolKind::Function,
        _ => return None,
    };
    Some(ToolForm { name: text(item, "name")?.to_owned(), namespace, kind: form })
}

/// Writes reasoning, without the item's own id and status.
pub(super) fn write_reasoning(text: &str, encrypted: Option<&str>) -> Value {
    let summary = match text {
        "" => json!([]),
        text => json!([{"type": "summary_text", "text": text}]),
    };
    let mut item = json!({"type": "reasoning", "summary": summary});
    if let Some(encrypted) = encrypted {
        item["encrypted_content"] = encrypted.into();
    }
    item
}

/// The `encrypted_content` of reasoning in an answer: OpenAI's own as it was, everything else behind a mark.
pub(super) fn encrypted(signature: Option<&str>, id: Option<&str>) -> Option<String> {
    match (signature.map(|signature| (signature, read_own(signature))), id) {
        (Some((_, Some(own))), _) => Some(own.to_owned()),
        (Some((foreign, None)), _) => Some(Carried::Thinking(Some(foreign)).write()),
        // Reasoning with an id is an item of this dialect that came without.
        (None, Some(_)) => None,
        (None, None) => Some(Carried::Thinking(None).write()),
    }
}

/// Writes a call, without the item's own id and status.
pub(super) fn write_call(form: Option<&ToolForm>, id: &str, name: &str, arguments: &str) -> Value {
    let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
    let Some(form) = form else {
        return json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments});
    };
    let mut item = match &form.kind {
        ToolKind::Function => {
            json!({"type": "function_call", "call_id": id, "name": form.name, "arguments": arguments})
        }
        ToolKind::Freeform { .. } => {
            json!({"type": "custom_tool_call", "call_id": id, "name": form.name, "input": freeform_input(arguments)})
        }
        ToolKind::BuiltIn { .. } => match built_in(&form.name) {
            Some(own) => write_built_in_call(own, id, arguments),
            None => json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments}),
        },
    };
    if let Some(namespace) = &form.namespace {
        item["namespace"] = namespace.name.as_str().into();
    }
    item
}

/// The text for a freeform tool, out of the arguments that a function got. Models that know the tool may leave the
/// object out or call its one field something else.
pub(super) fn freeform_input(arguments: &str) -> String {
    match serde_json::from_str::<Value>(arguments) {
        Ok(Value::String(input)) => input,
        Ok(Value::Object(fields)) => {
            let only = if fields.len() == 1 { fields.values().next() } else { None };
            match fields.get("input").or(only) {
                Some(Value::String(input)) => input.clone(),
                _ => arguments.to_owned(),
            }
        }
        _ => arguments.to_owned(),
    }
}

fn write_built_in_call(own: &BuiltIn, id: &str, arguments: &str) -> Value {
    let mut fields = match serde_json::from_str(arguments) {
        Ok(Value::Object(fields)) => Value::Object(fields),
        // What is no object says nothing that the tool could run.
        _ => json!({}),
    };
    match own.tool {
        "local_shell" => {
            fields["type"] = "exec".into();
            if !fields["env"].is_object() {
                fields["env"] = json!({});
            }
            json!({"type": own.call, "call_id": id, "action": fields, "status": "completed"})
        }
        "tool_search" => json!({
            "type": own.call, "call_id": id, "arguments": fields, "execution": "client", "status": "completed",
        }),
        _ => json!({"type": own.call, "call_id": id, own.arguments: fields, "status": "completed"}),
    }
}
