//! Reads a request into the neutral form.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::wire::{Content, Message, assistant_blocks, cache_mark, legacy_id, mark};
use super::{is_word, parts};
use crate::crossing::lose;
use crate::neutral::{
    Block, Loss, OutputFormat, Prompt, Reasoning, Role, Sampling, Tool, ToolChoice, ToolForm, ToolKind, Turn,
};
use crate::openai::words;
use crate::request::ParseError;

#[derive(Deserialize)]
struct Body {
    messages: Vec<Message>,
    tools: Option<Vec<Value>>,
    functions: Option<Vec<Value>>,
    tool_choice: Option<Value>,
    function_call: Option<Value>,
    parallel_tool_calls: Option<bool>,
    max_completion_tokens: Option<i64>,
    max_tokens: Option<i64>,
    n: Option<u64>,
    modalities: Option<Vec<String>>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<i64>,
    stop: Option<Stops>,
    seed: Option<i64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    response_format: Option<Value>,
    reasoning_effort: Option<String>,
    reasoning: Option<Value>,
    thinking: Option<Value>,
    user: Option<String>,
    safety_identifier: Option<String>,
    stream: Option<bool>,
    stream_options: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`stop` is neither text nor an array of texts")]
enum Stops {
    One(String),
    Several(Vec<String>),
}

/// The fields of [`Body`], and `model`, which the caller knows.
const READ: &[&str] = &[
    "messages",
    "tools",
    "functions",
    "tool_choice",
    "function_call",
    "parallel_tool_calls",
    "max_completion_tokens",
    "max_tokens",
    "n",
    "modalities",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "response_format",
    "reasoning_effort",
    "reasoning",
    "thinking",
    "user",
    "safety_identifier",
    "stream",
    "stream_options",
    "model",
];

/// Fields of OpenAI's reference that have no place in the neutral form. Servers have fields of their own besides.
const WITHOUT_PLACE: &[&str] = &[
    "audio",
    "logit_bias",
    "logprobs",
    "metadata",
    "moderation",
    "prediction",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "top_logprobs",
    "verbosity",
    "web_search_options",
];

/// What a field says that asks for nothing special.
const NOTHING: &[&str] = &["null", "false", "0", "{}", "[]", "\"auto\"", "\"default\""];

/// Reads a request.
pub(super) fn read(bytes: &[u8]) -> Result<Prompt, ParseError> {
    let mut body: Body = serde_json::from_slice(bytes)?;
    let mut prompt = Prompt {
        unsayable: unsayable(&body),
        parallel_tools: body.parallel_tool_calls,
        max_output: body.max_completion_tokens.or(body.max_tokens).and_then(|most| u64::try_from(most).ok()),
        stream: body.stream.unwrap_or(false),
        stream_usage: body.stream_options.as_ref().is_some_and(|options| options["include_usage"] == true),
        losses: unread(bytes)?,
        ..Prompt::default()
    };
    read_messages(std::mem::take(&mut body.messages), &mut prompt);
    prompt.output = body.response_format.take().and_then(|format| output(format, &mut prompt.losses));
    read_tools(&mut body, &mut prompt);
    prompt.reasoning = reasoning(&mut body, &mut prompt.losses);
    prompt.user = body.user.or(body.safety_identifier);
    prompt.sampling = Sampling {
        temperature: body.temperature,
        top_p: body.top_p,
        top_k: body.top_k.and_then(|k| u64::try_from(k).ok()),
        stop: match body.stop {
            None => Vec::new(),
            Some(Stops::One(stop)) => vec![stop],
            Some(Stops::Several(stops)) => stops,
        },
        seed: body.seed,
        frequency_penalty: body.frequency_penalty,
        presence_penalty: body.presence_penalty,
    };
    Ok(prompt)
}

/// Several answers and spoken ones are another kind of answer than other dialects give.
fn unsayable(body: &Body) -> Vec<String> {
    let several =
        body.n.filter(|&several| several > 1).map(|several| format!("`n`: {several} answers to one request"));
    let spoken = body.modalities.iter().flatten().any(|modality| modality == "audio");
    several.into_iter().chain(spoken.then(|| "`modalities`: a spoken answer".to_owned())).collect()
}

/// The fields that are not read, by their names.
fn unread(bytes: &[u8]) -> Result<Vec<Loss>, ParseError> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(bytes)?;
    let mut losses = Vec::new();
    for (name, value) in fields {
        if READ.contains(&name.as_str()) || NOTHING.contains(&value.get()) {
            continue;
        }
        let code = match name.as_str() {
            known if WITHOUT_PLACE.contains(&known) => name,
            word if is_word(word) => format!("field:{word}"),
            _ => "field:unknown".to_owned(),
        };
        lose(&mut losses, code);
    }
    Ok(losses)
}

fn read_messages(messages: Vec<Message>, prompt: &mut Prompt) {
    let mut names: HashMap<String, String> = HashMap::new();
    let mut legacy_call = String::new();
    for (position, message) in messages.into_iter().enumerate() {
        let losses = &mut prompt.losses;
        let role = message.role.clone().unwrap_or_default();
        let control = message.cache_control.clone().filter(Value::is_object);
        if message.name.is_some() && role != "function" && role != "tool" {
            lose(losses, "message_name");
        }
        let (role, mut blocks) = match role.as_str() {
            "system" | "developer" => (Role::System, texts(message.content, losses)),
            "assistant" => {
                if message.function_call.is_some() {
                    legacy_call = legacy_id(position);
                }
                let blocks = assistant_blocks(message, position, losses);
                names.extend(blocks.iter().filter_map(called));
                (Role::Assistant, blocks)
            }
            "tool" => {
                let id = message.tool_call_id.unwrap_or_default();
                let name = names.get(&id).cloned().or(message.name);
                (Role::User, vec![result(id, name, message.content, losses)])
            }
            "function" => {
                (Role::User, vec![result(legacy_call.clone(), message.name, message.content, losses)])
            }
            other => {
                if other != "user" {
                    lose(losses, "message_role");
                }
                let mut blocks = Vec::new();
                parts::read(message.content, &mut blocks, losses);
                (Role::User, blocks)
            }
        };
        if let (Some(control), Some(block)) = (control, blocks.last_mut()) {
            set_cache(block, &control);
        }
        if role == Role::System && prompt.turns.is_empty() {
            prompt.system.append(&mut blocks);
        } else {
            prompt.turns.push(Turn { role, blocks });
        }
    }
}

/// Instructions are text.
fn texts(content: Option<Content>, losses: &mut Vec<Loss>) -> Vec<Block> {
    let mut blocks = Vec::new();
    parts::read(content, &mut blocks, losses);
    blocks.retain(|block| {
        let text = matches!(block, Block::Text { .. });
        if !text {
            lose(losses, "system_media");
        }
        text
    });
    blocks
}

fn result(id: String, name: Option<String>, content: Option<Content>, losses: &mut Vec<Loss>) -> Block {
    let mut blocks = Vec::new();
    parts::read(content, &mut blocks, losses);
    Block::ToolResult { id, name, content: blocks, is_error: false, cache: None }
}

fn called(block: &Block) -> Option<(String, String)> {
    match block {
        Block::ToolCall { id, name, .. } => Some((id.clone(), name.clone())),
        _ => None,
    }
}

fn set_cache(block: &mut Block, control: &Value) {
    match block {
        Block::Text { cache, .. }
        | Block::Image { cache, .. }
        | Block::Document { cache, .. }
        | Block::ToolCall { cache, .. }
        | Block::ToolResult { cache, .. } => *cache = Some(mark(control)),
        _ => {}
    }
}

fn read_tools(body: &mut Body, prompt: &mut Prompt) {
    let losses = &mut prompt.losses;
    for declared in body.tools.take().into_iter().flatten() {
        let Some((tool, form)) = tool(declared, losses) else { continue };
        prompt.tool_forms.extend(form.map(|form| (tool.name.clone(), form)));
        prompt.tools.push(tool);
    }
    if let Some(functions) = body.functions.take() {
        // The answer will carry `tool_calls` where this client expects `function_call`.
        lose(losses, "functions");
        prompt.tools.extend(functions.into_iter().filter_map(|function| match function {
            Value::Object(function) => definition(function),
            _ => None,
        }));
    }
    let choice = body.tool_choice.take().or(body.function_call.take()).unwrap_or_default();
    prompt.tool_choice = match choice {
        Value::Null => None,
        Value::String(word) => plain_choice(&word).or_else(|| {
            lose(losses, "tool_choice");
            None
        }),
        choice => choice_object(&choice, &mut prompt.tools, losses),
    };
}

fn tool(declared: Value, losses: &mut Vec<Loss>) -> Option<(Tool, Option<ToolForm>)> {
    let Value::Object(mut outer) = declared else { return None };
    let cache = cache_mark(&outer);
    let kind = outer.get("type").and_then(Value::as_str).unwrap_or("function").to_owned();
    // Some clients send the definition without the inner object, as the Responses dialect has it.
    let inner = match outer.get_mut(&kind).map(Value::take) {
        Some(Value::Object(inner)) => inner,
        _ => outer,
    };
    match kind.as_str() {
        "function" => Some((Tool { cache, ..definition(inner)? }, None)),
        "custom" => {
            let (tool, form) = custom(inner)?;
            Some((Tool { cache, ..tool }, Some(form)))
        }
        kind => {
            lose(losses, format!("server_tool:{}", if is_word(kind) { kind } else { "unknown" }));
            None
        }
    }
}

/// A tool that takes any text is offered as a function with the one argument `input`, whose description tells the
/// grammar that the text has to keep to.
fn custom(mut tool: Map<String, Value>) -> Option<(Tool, ToolForm)> {
    let format = tool.remove("format").filter(|format| format["type"] == "grammar");
    let mut description = "The tool's whole input: plain text, as the tool's description says.".to_owned();
    if let Some(grammar) = format.as_ref().and_then(|format| format.get("grammar")) {
        let word = |key: &str| grammar[key].as_str().unwrap_or_default();
        description.push_str(&format!(
            " It must keep to this {} grammar:\n{}",
            word("syntax"),
            word("definition")
        ));
    }
    let parameters = json!({
        "type": "object",
        "properties": {"input": {"type": "string", "description": description}},
        "required": ["input"],
        "additionalProperties": false,
    });
    let tool = Tool { parameters, ..definition(tool)? };
    let form = ToolForm { name: tool.name.clone(), namespace: None, kind: ToolKind::Freeform { format } };
    Some((tool, form))
}

fn definition(mut function: Map<String, Value>) -> Option<Tool> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    Some(Tool {
        name: text(function.get("name"))?,
        description: text(function.get("description")),
        strict: function.get("strict").and_then(Value::as_bool),
        // Without parameters a function takes none.
        parameters: function
            .remove("parameters")
            .filter(Value::is_object)
            .unwrap_or_else(|| json!({"type": "object", "properties": {}})),
        cache: None,
    })
}

fn plain_choice(word: &str) -> Option<ToolChoice> {
    match word {
        "auto" => Some(ToolChoice::Auto),
        "none" => Some(ToolChoice::None),
        // Mistral's word.
        "required" | "any" => Some(ToolChoice::Required),
        _ => None,
    }
}

/// `{"type":"function",...}`, `{"type":"allowed_tools",...}`, or the legacy `{"name":...}`.
fn choice_object(choice: &Value, tools: &mut Vec<Tool>, losses: &mut Vec<Loss>) -> Option<ToolChoice> {
    let name_of = |value: &Value| {
        let inner = value.get("function").or_else(|| value.get("custom")).unwrap_or(value);
        inner.get("name").and_then(Value::as_str).map(str::to_owned)
    };
    if choice["type"] == "allowed_tools" {
        let allowed = choice.get("allowed_tools").unwrap_or(choice);
        let list: Vec<String> =
            allowed["tools"].as_array().into_iter().flatten().filter_map(name_of).collect();
        // The model may call none but these: said by leaving the others out.
        tools.retain(|tool| list.contains(&tool.name));
        lose(losses, "allowed_tools");
        return allowed["mode"].as_str().and_then(plain_choice);
    }
    let named = name_of(choice).map(ToolChoice::Named);
    if named.is_none() {
        lose(losses, "tool_choice");
    }
    named
}

fn output(mut format: Value, losses: &mut Vec<Loss>) -> Option<OutputFormat> {
    match format["type"].as_str() {
        Some("text") | None => None,
        Some("json_object") => Some(OutputFormat::JsonObject),
        Some("json_schema") => {
            let schema = &mut format["json_schema"];
            let text = |value: &Value| value.as_str().map(str::to_owned);
            Some(OutputFormat::JsonSchema {
                name: text(&schema["name"]),
                description: text(&schema["description"]),
                strict: schema["strict"].as_bool(),
                schema: schema.get_mut("schema").map_or_else(|| json!({}), Value::take),
            })
        }
        Some(_) => {
            lose(losses, "response_format");
            None
        }
    }
}

/// OpenAI's `reasoning_effort`, OpenRouter's `reasoning`, and the `thinking` of DeepSeek and others.
fn reasoning(body: &mut Body, losses: &mut Vec<Loss>) -> Option<Reasoning> {
    let (openrouter, thinking) = (body.reasoning.take(), body.thinking.take());
    let openrouter = openrouter.unwrap_or_default();
    let thinking = thinking.unwrap_or_default();
    let word = body.reasoning_effort.as_deref().or(openrouter["effort"].as_str());
    let budget = openrouter["max_tokens"].as_u64().or(thinking["budget_tokens"].as_u64());
    let wanted = Reasoning {
        effort: word.and_then(words::effort),
        budget,
        adaptive: thinking["type"] == "enabled" && budget.is_none(),
        off: word == Some("none") || openrouter["enabled"] == false || thinking["type"] == "disabled",
        visible: openrouter["exclude"] == false || thinking["type"] == "enabled",
    };
    if word.is_some() && wanted.effort.is_none() && !wanted.off {
        lose(losses, "reasoning_effort");
    }
    (wanted != Reasoning::default()).then_some(wanted)
}
