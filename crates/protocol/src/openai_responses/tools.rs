//! Tool declarations: functions, groups of them, freeform tools, and the dialect's own tools that the client runs.
//!
//! Other dialects know functions only, so every tool that the client runs becomes one, and [`ToolForm`] remembers what
//! it was. Tools that the provider runs are lost.

use serde_json::{Map, Value, json};

use super::wire::{kind, list, lose, plain, text};
use crate::neutral::{Loss, Namespace, Prompt, Tool, ToolChoice, ToolForm, ToolKind};

/// The longest name that every dialect takes.
const LONGEST_NAME: usize = 64;
/// The group that tools are in when no group is said.
const DEFAULT_NAMESPACE: &str = "functions";

/// One of the dialect's own tools that the client runs, and the words for its calls.
pub(super) struct BuiltIn {
    /// The tool's type, which is its name as a function.
    pub(super) tool: &'static str,
    /// The type of a call.
    pub(super) call: &'static str,
    /// What the ids of calls begin with; others are refused when a client hands them back.
    pub(super) id: &'static str,
    /// The call's field that holds what it is called with.
    pub(super) arguments: &'static str,
    /// The type of a result.
    pub(super) result: &'static str,
    description: &'static str,
}

/// All of them.
pub(super) const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        tool: "local_shell",
        call: "local_shell_call",
        id: "lsh",
        arguments: "action",
        result: "local_shell_call_output",
        description: "Runs a command on the user's machine and returns what it prints.",
    },
    BuiltIn {
        tool: "shell",
        call: "shell_call",
        id: "sh",
        arguments: "action",
        result: "shell_call_output",
        description: "Runs shell commands on the user's machine and returns what they print.",
    },
    BuiltIn {
        tool: "apply_patch",
        call: "apply_patch_call",
        id: "apc",
        arguments: "operation",
        result: "apply_patch_call_output",
        description: "Creates, updates or deletes a file. A diff has lines that start with `+`, `-` or a space.",
    },
    BuiltIn {
        tool: "tool_search",
        call: "tool_search_call",
        id: "tsc",
        arguments: "arguments",
        result: "tool_search_output",
        description: "Finds further tools by what they are for.",
    },
];

/// The tool of type `tool` among the dialect's own.
pub(super) fn built_in(tool: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|own| own.tool == tool)
}

/// The name of a tool as a function: that of its group is part of it, since others know no groups.
pub(super) fn flat_name(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace.filter(|group| !group.is_empty() && *group != DEFAULT_NAMESPACE) else {
        return name.to_owned();
    };
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let whole = format!("{namespace}__{name}");
    let mut flat: String = whole.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect();
    if flat.len() > LONGEST_NAME {
        // FNV-1a keeps names apart that begin alike.
        let hash = whole
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        flat.truncate(LONGEST_NAME - 9);
        flat.push_str(&format!("_{hash:08x}"));
    }
    flat
}

/// Adds the tools that `declared` lists, all of one group.
pub(super) fn read(declared: &[Value], namespace: Option<&Namespace>, prompt: &mut Prompt) {
    for tool in declared {
        match kind(tool) {
            "namespace" => {
                let group = Namespace {
                    name: text(tool, "name").unwrap_or_default().to_owned(),
                    description: text(tool, "description").map(str::to_owned),
                };
                read(list(tool, "tools"), Some(&group), prompt);
            }
            "function" => read_named(tool, ToolKind::Function, namespace, prompt),
            "custom" => {
                let format = tool.get("format").filter(|format| !format.is_null()).cloned();
                read_named(tool, ToolKind::Freeform { format }, namespace, prompt);
            }
            other => match built_in(other).filter(|_| is_run_by_client(tool)) {
                Some(own) => read_built_in(own, tool, prompt),
                None => lose(&mut prompt.losses, format!("server_tool:{}", plain(other))),
            },
        }
    }
}

/// Whether the client runs it. A shell may be in the provider's container, and a search for tools at the provider.
fn is_run_by_client(tool: &Value) -> bool {
    match kind(tool) {
        "shell" => tool.get("environment").is_none_or(|place| place.is_null() || kind(place) == "local"),
        "tool_search" => text(tool, "execution") == Some("client"),
        _ => true,
    }
}

fn read_named(declared: &Value, kind: ToolKind, namespace: Option<&Namespace>, prompt: &mut Prompt) {
    let Some(own_name) = text(declared, "name") else {
        return lose(&mut prompt.losses, "unnamed_tool");
    };
    for option in ["allowed_callers", "output_schema"] {
        if declared.get(option).is_some_and(|value| !value.is_null()) {
            lose(&mut prompt.losses, format!("tool_option:{option}"));
        }
    }
    let name = flat_name(namespace.map(|group| group.name.as_str()), own_name);
    let parameters = match &kind {
        ToolKind::Freeform { format } => freeform_parameters(format.as_ref()),
        _ => parameters_of(declared),
    };
    if kind != ToolKind::Function || namespace.is_some() {
        let form = ToolForm { name: own_name.to_owned(), namespace: namespace.cloned(), kind };
        prompt.tool_forms.insert(name.clone(), form);
    }
    let description = text(declared, "description").map(str::to_owned);
    let strict = declared.get("strict").and_then(Value::as_bool);
    add(Tool { name, description, parameters, strict, cache: None }, prompt);
}

fn read_built_in(own: &BuiltIn, declared: &Value, prompt: &mut Prompt) {
    let form = ToolForm {
        name: own.tool.to_owned(),
        namespace: None,
        kind: ToolKind::BuiltIn { declaration: declared.clone() },
    };
    prompt.tool_forms.insert(own.tool.to_owned(), form);
    let parameters = match own.tool {
        "local_shell" => local_shell_parameters(),
        "shell" => shell_parameters(),
        "apply_patch" => apply_patch_parameters(),
        _ => parameters_of(declared),
    };
    let description = text(declared, "description").unwrap_or(own.description).to_owned();
    let name = own.tool.to_owned();
    add(Tool { name, description: Some(description), parameters, strict: None, cache: None }, prompt);
}

/// A tool declared again, as those found by a search are, takes the earlier one's place.
fn add(tool: Tool, prompt: &mut Prompt) {
    match prompt.tools.iter_mut().find(|earlier| earlier.name == tool.name) {
        Some(earlier) => *earlier = tool,
        None => prompt.tools.push(tool),
    }
}

/// A function without parameters takes none.
fn parameters_of(declared: &Value) -> Value {
    let parameters = declared.get("parameters").filter(|parameters| parameters.is_object());
    parameters.cloned().unwrap_or_else(|| json!({"type": "object", "properties": {}}))
}

/// The grammar cannot be enforced elsewhere, so the model is told of it.
fn freeform_parameters(format: Option<&Value>) -> Value {
    let mut description = "The tool's whole input: plain text, as the tool's description says.".to_owned();
    if let Some(definition) = format.and_then(|format| text(format, "definition")) {
        let syntax = format.and_then(|format| text(format, "syntax")).unwrap_or("formal");
        description.push_str(&format!(" It must keep to this {syntax} grammar:\n{definition}"));
    }
    json!({
        "type": "object",
        "properties": {"input": {"type": "string", "description": description}},
        "required": ["input"],
        "additionalProperties": false,
    })
}

fn local_shell_parameters() -> Value {
    json!({
        "type": "object",
        "properties": {
            "command": {"type": "array", "items": {"type": "string"}, "description": "The program and its arguments."},
            "working_directory": {"type": "string"},
            "timeout_ms": {"type": "integer"},
            "env": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["command"],
        "additionalProperties": false,
    })
}

fn shell_parameters() -> Value {
    json!({
        "type": "object",
        "properties": {
            "commands": {"type": "array", "items": {"type": "string"}, "description": "One shell command each."},
            "timeout_ms": {"type": "integer"},
            "max_output_length": {"type": "integer"},
        },
        "required": ["commands"],
        "additionalProperties": false,
    })
}

fn apply_patch_parameters() -> Value {
    json!({
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["create_file", "update_file", "delete_file"]},
            "path": {"type": "string"},
            "diff": {"type": "string", "description": "What to change; not for `delete_file`."},
        },
        "required": ["type", "path"],
        "additionalProperties": false,
    })
}

/// Reads `tool_choice`.
pub(super) fn read_choice(choice: &Value, prompt: &mut Prompt) {
    if let Some(word) = choice.as_str() {
        prompt.tool_choice = plain_choice(word);
        if prompt.tool_choice.is_none() {
            lose(&mut prompt.losses, "tool_choice");
        }
        return;
    }
    if kind(choice) == "allowed_tools" {
        // The model may call none but these: said by leaving the others out.
        let allowed: Vec<String> =
            list(choice, "tools").iter().filter_map(|tool| chosen(tool, prompt)).collect();
        prompt.tools.retain(|tool| allowed.contains(&tool.name));
        prompt.tool_choice = text(choice, "mode").and_then(plain_choice);
        return;
    }
    match chosen(choice, prompt) {
        Some(name) => prompt.tool_choice = Some(ToolChoice::Named(name)),
        // What the provider should run at all costs, no other can.
        None => {
            prompt.unsayable.push(format!("`tool_choice`: the provider's tool `{}`", plain(kind(choice))));
        }
    }
}

fn plain_choice(word: &str) -> Option<ToolChoice> {
    match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        "required" => Some(ToolChoice::Required),
        _ => None,
    }
}

/// The name as a function of the tool that a choice is about. A choice names no group, so the declared one decides.
fn chosen(choice: &Value, prompt: &Prompt) -> Option<String> {
    let kind = kind(choice);
    if kind != "function" && kind != "custom" {
        return built_in(kind).map(|own| own.tool.to_owned());
    }
    let name = text(choice, "name")?;
    let of_form = prompt.tool_forms.iter().find(|(_, form)| form.name == name).map(|(flat, _)| flat.as_str());
    let plain = prompt.tools.iter().find(|tool| tool.name == name).map(|tool| tool.name.as_str());
    Some(plain.or(of_form).unwrap_or(name).to_owned())
}

/// Writes the declarations; tools of one group that follow each other are in one group again.
pub(super) fn write(prompt: &Prompt, losses: &mut Vec<Loss>) -> Vec<Value> {
    let mut written: Vec<Value> = Vec::new();
    for tool in &prompt.tools {
        if tool.cache.is_some() {
            lose(losses, "cache_mark");
        }
        let form = prompt.tool_forms.get(&tool.name);
        let declared = declaration(tool, form);
        let Some(group) = form.and_then(|form| form.namespace.as_ref()) else {
            written.push(declared);
            continue;
        };
        let open = written.last_mut().filter(|last| {
            kind(last) == "namespace"
                && text(last, "name") == Some(&group.name)
                && text(last, "description") == group.description.as_deref()
        });
        match open.and_then(|last| last.get_mut("tools")).and_then(Value::as_array_mut) {
            Some(tools) => tools.push(declared),
            None => written.push(with(
                json!({"type": "namespace", "name": group.name, "tools": [declared]}),
                "description",
                group.description.as_deref(),
            )),
        }
    }
    written
}

fn declaration(tool: &Tool, form: Option<&ToolForm>) -> Value {
    let name = form.map_or(tool.name.as_str(), |form| form.name.as_str());
    let declared = match form.map(|form| &form.kind) {
        Some(ToolKind::BuiltIn { declaration }) => return declaration.clone(),
        Some(ToolKind::Freeform { format }) => {
            let mut custom = json!({"type": "custom", "name": name});
            if let (Some(format), Some(custom)) = (format, custom.as_object_mut()) {
                custom.insert("format".to_owned(), format.clone());
            }
            custom
        }
        // What is not said counts as strict here and as not strict elsewhere.
        _ => json!({
            "type": "function",
            "name": name,
            "parameters": object_schema(&tool.parameters),
            "strict": tool.strict.unwrap_or(false),
        }),
    };
    with(declared, "description", tool.description.as_deref())
}

/// A schema that says no type is one of an object here.
fn object_schema(parameters: &Value) -> Value {
    let mut schema = parameters.as_object().cloned().unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    schema.entry("properties").or_insert_with(|| Map::new().into());
    schema.into()
}

fn with(mut object: Value, key: &str, value: Option<&str>) -> Value {
    if let (Some(value), Some(object)) = (value, object.as_object_mut()) {
        object.insert(key.to_owned(), value.into());
    }
    object
}

/// Writes `tool_choice`.
pub(super) fn write_choice(choice: &ToolChoice, prompt: &Prompt) -> Value {
    let name = match choice {
        ToolChoice::Auto => return "auto".into(),
        ToolChoice::None => return "none".into(),
        ToolChoice::Required => return "required".into(),
        ToolChoice::Named(name) => name,
    };
    match prompt.tool_forms.get(name).map(|form| (&form.kind, &form.name)) {
        Some((ToolKind::BuiltIn { .. }, own)) => json!({"type": own}),
        Some((ToolKind::Freeform { .. }, own)) => json!({"type": "custom", "name": own}),
        Some((ToolKind::Function, own)) => json!({"type": "function", "name": own}),
        None => json!({"type": "function", "name": name}),
    }
}
