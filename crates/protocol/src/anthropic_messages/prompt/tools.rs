//! Tools and whether they must be called: read and written.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::said::CacheControl;
use super::wire::Cache;
use crate::anthropic_messages::generation::Generation;
use crate::anthropic_messages::schema;
use crate::crossing::lose;
use crate::neutral::{CacheMark, Loss, Prompt, Tool, ToolChoice};
use crate::request::ParseError;

/// The most tools of one request that the provider holds to their schemas.
const MOST_STRICT: usize = 20;

/// `tool_choice`.
#[derive(Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Choice {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Custom {
    name: String,
    description: Option<String>,
    input_schema: Option<Value>,
    strict: Option<bool>,
    cache_control: Option<CacheControl>,
    input_examples: Option<Vec<Value>>,
    defer_loading: Option<bool>,
    allowed_callers: Option<Vec<String>>,
}

/// Reads the tools into `prompt`.
///
/// Single tools that the provider defines and the client runs get the schema they are known by. Tools that the
/// provider runs, and its sets of tools, are lost elsewhere; where they are all the request has, or the very one it asks for, it makes no sense without.
pub(super) fn read(
    tools: &[&RawValue],
    servers: usize,
    choice: Option<Choice>,
    prompt: &mut Prompt,
) -> Result<(), ParseError> {
    let mut served = Vec::new();
    for raw in tools {
        let kind: Kind = serde_json::from_str(raw.get())?;
        let named = kind.kind.filter(|kind| kind != "custom");
        let Some(named) = named else {
            let tool = custom(serde_json::from_str(raw.get())?, &mut prompt.losses);
            prompt.tools.push(tool);
            continue;
        };
        match defined(&named) {
            Some((description, parameters)) => {
                lose(&mut prompt.losses, format!("defined_tool:{named}"));
                let own: Cached = serde_json::from_str(raw.get())?;
                prompt.tools.push(Tool {
                    name: kind.name.unwrap_or_default(),
                    description: Some(description.to_owned()),
                    parameters,
                    strict: None,
                    cache: own.cache_control.map(CacheMark::from),
                });
            }
            None => {
                lose(&mut prompt.losses, format!("server_tool:{named}"));
                served.push(kind.name.unwrap_or(named));
            }
        }
    }
    if servers > 0 {
        lose(&mut prompt.losses, "mcp_servers");
    }
    let only_served = prompt.tools.is_empty() && (servers > 0 || !served.is_empty());
    let asked = choice.as_ref().and_then(|choice| choice.name.as_ref()).filter(|name| served.contains(name));
    if let Some(name) = asked.or_else(|| served.first().filter(|_| only_served)) {
        prompt.unsayable.push(format!("`{name}`, a tool of the provider's own,"));
    } else if only_served {
        prompt.unsayable.push("a server of tools that the provider connects to".to_owned());
    }
    read_choice(choice, prompt)
}

#[derive(Deserialize)]
struct Cached {
    cache_control: Option<CacheControl>,
}

fn custom(tool: Custom, losses: &mut Vec<Loss>) -> Tool {
    let called_otherwise =
        tool.allowed_callers.is_some_and(|callers| callers.iter().any(|caller| caller != "direct"));
    let lost = [
        ("tool_input_examples", tool.input_examples.is_some_and(|examples| !examples.is_empty())),
        ("tool_defer_loading", tool.defer_loading == Some(true)),
        ("tool_allowed_callers", called_otherwise),
    ];
    losses.extend(lost.into_iter().filter(|(_, is)| *is).map(|(code, _)| Loss::new(code)));
    Tool {
        name: tool.name,
        description: tool.description,
        parameters: tool.input_schema.unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        strict: tool.strict,
        cache: tool.cache_control.map(CacheMark::from),
    }
}

fn read_choice(choice: Option<Choice>, prompt: &mut Prompt) -> Result<(), ParseError> {
    let Some(choice) = choice else { return Ok(()) };
    prompt.parallel_tools = choice.disable_parallel_tool_use.map(|disabled| !disabled);
    prompt.tool_choice = Some(match (choice.kind.as_str(), choice.name) {
        ("auto", _) => ToolChoice::Auto,
        ("any", _) => ToolChoice::Required,
        ("none", _) => ToolChoice::None,
        ("tool", Some(name)) => ToolChoice::Named(name),
        (kind, _) => {
            let problem =
                format!("`{kind}` is not known; send `auto`, `any`, `none`, or `tool` with its `name`");
            return Err(ParseError::Field { field: "tool_choice", problem });
        }
    });
    Ok(())
}

/// What the provider's own tools that a client runs are called with, by the type's name without its date.
fn defined(kind: &str) -> Option<(&'static str, Value)> {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let range = json!({"type": "array", "items": {"type": "integer"}});
    let (description, required, properties) = match kind.rsplit_once('_')?.0 {
        "bash" => (
            "Run a command in a bash session that lasts.",
            json!([]),
            json!({"command": text, "restart": {"type": "boolean"}}),
        ),
        "text_editor" => (
            "View, create and edit text files.",
            json!(["command", "path"]),
            json!({
                "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert", "undo_edit"]},
                "path": text, "file_text": text, "old_str": text, "new_str": text, "insert_text": text,
                "insert_line": number, "view_range": range,
            }),
        ),
        "memory" => (
            "Store and look up notes in files below /memories.",
            json!(["command"]),
            json!({
                "command": {"type": "string",
                    "enum": ["view", "create", "str_replace", "insert", "delete", "rename"]},
                "path": text, "file_text": text, "old_str": text, "new_str": text, "insert_text": text,
                "old_path": text, "new_path": text, "insert_line": number, "view_range": range,
            }),
        ),
        "computer" => (
            "Act on a screen with mouse and keyboard, and take screenshots.",
            json!(["action"]),
            json!({
                "action": {"type": "string", "enum": ["key", "type", "mouse_move", "left_click",
                    "left_click_drag", "right_click", "middle_click", "double_click", "triple_click",
                    "left_mouse_down", "left_mouse_up", "scroll", "hold_key", "wait", "screenshot",
                    "cursor_position", "zoom"]},
                "coordinate": range, "start_coordinate": range, "region": range, "text": text,
                "scroll_direction": {"type": "string", "enum": ["up", "down", "left", "right"]},
                "scroll_amount": number, "duration": {"type": "number"},
            }),
        ),
        _ => return None,
    };
    Some((description, json!({"type": "object", "properties": properties, "required": required})))
}

/// A tool as it is written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<Cache>,
}

/// Writes the tools, or says what makes that impossible. A tool stays strict only where the provider takes its schema
/// as it is: held to a narrowed schema, the model would no longer see the bounds.
pub(super) fn write<'a>(
    tools: &'a [Tool],
    generation: Generation,
    losses: &mut Vec<Loss>,
) -> Result<Vec<Written<'a>>, String> {
    let mut strict_left = if generation.has_schemas() { MOST_STRICT } else { 0 };
    let mut written = Vec::with_capacity(tools.len());
    for tool in tools {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        // The answer's reader could not lead another name back to this one.
        if tool.name.is_empty() || tool.name.len() > 128 || !tool.name.bytes().all(plain) {
            return Err(format!("a tool named `{}`", tool.name));
        }
        let input_schema = schema::of_tool(&tool.parameters, losses);
        let mut strict = tool.strict;
        if strict == Some(true) {
            let mut changes = Vec::new();
            let adapted = schema::adapt(&input_schema, &mut changes);
            if strict_left > 0 && adapted.as_ref() == Ok(&input_schema) {
                strict_left -= 1;
            } else {
                strict = None;
                lose(losses, "tool_strict");
            }
        }
        written.push(Written {
            name: &tool.name,
            description: tool.description.as_deref().filter(|text| !text.is_empty()),
            input_schema,
            strict,
            cache_control: Cache::of(tool.cache.as_ref(), losses),
        });
    }
    Ok(written)
}

/// Writes the choice, which only a request with tools may have, or says what makes that impossible.
pub(super) fn write_choice(
    prompt: &Prompt,
    generation: Generation,
    losses: &mut Vec<Loss>,
) -> Result<Option<Choice>, String> {
    if prompt.tools.is_empty() {
        if asks_for_call(prompt) {
            lose(losses, "tool_choice");
        }
        return Ok(None);
    }
    if is_forced(prompt) && !generation.can_force_tools() {
        return Err("a tool choice that requires a call, to this model,".to_owned());
    }
    let (kind, name) = match &prompt.tool_choice {
        None if prompt.parallel_tools.is_none() => return Ok(None),
        None | Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Named(name)) if prompt.tools.iter().any(|tool| tool.name == *name) => {
            ("tool", Some(name.clone()))
        }
        Some(ToolChoice::Named(name)) => return Err(format!("`{name}`, a tool that is not defined,")),
    };
    let disable_parallel_tool_use =
        prompt.parallel_tools.filter(|_| kind != "none").map(|parallel| !parallel);
    Ok(Some(Choice { kind: kind.to_owned(), name, disable_parallel_tool_use }))
}

/// Whether the answer must call a tool.
pub(super) fn is_forced(prompt: &Prompt) -> bool {
    !prompt.tools.is_empty() && asks_for_call(prompt)
}

fn asks_for_call(prompt: &Prompt) -> bool {
    matches!(prompt.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_)))
}
