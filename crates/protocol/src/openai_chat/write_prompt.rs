//! Writes a request from the neutral form.
//!
//! Choices that are not in OpenAI's reference:
//! - `max_completion_tokens` says the most tokens to put out. It counts reasoning, as the neutral form does, and
//!   OpenAI's reasoning models refuse its forerunner `max_tokens`; the two together are refused too.
//! - Earlier reasoning is given back to the servers of this dialect that it came from. Unsigned it goes into
//!   `reasoning_content`, which DeepSeek and Kimi want back with the tool calls that followed it; with proofs of this
//!   dialect's own, into OpenRouter's `reasoning_details`. What another provider signed is left out, since it is of use
//!   to that provider only, and OpenAI, Groq and Mistral refuse a message with either field.
//! - Instructions have the role `system`: every server knows it, and OpenAI reads it as `developer` where that is meant.
//! - One piece of text is written as text, several as an array of parts, so that none run together.
//! - A stream always states its usage, for the record and for clients whose dialect always does.

use serde_json::{Map, Value, json};
use waymark_types::Dialect;

use super::parts::{self, note_cache};
use super::reply::{detail, encrypted};
use super::{carried, flavour};
use crate::crossing::lose;
use crate::neutral::{
    Block, Loss, OutputFormat, Prompt, Reasoning, Role, Sampling, Tool, ToolChoice, Turn, Unsayable,
};
use crate::openai::words;

/// Stands in a tool's result whose pictures and files follow as the user's, since results here are text.
const RESULT_FOLLOWS: &str = "the result follows in the next message";
/// Stands in the result of a call that failed without a word.
const FAILED: &str = "the call failed";

/// Writes a request.
pub(super) fn write(prompt: &Prompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt.sayable_in(Dialect::OpenAiChat)?;
    let mut body = Map::new();
    body.insert("model".to_owned(), model.into());
    body.insert("messages".to_owned(), messages(prompt, losses)?.into());
    write_tools(prompt, &mut body, losses);
    write_sampling(&prompt.sampling, &mut body, losses);
    if let Some(output) = &prompt.output {
        body.insert("response_format".to_owned(), response_format(output));
    }
    if let Some(reasoning) = &prompt.reasoning {
        write_reasoning(reasoning, &mut body, losses);
    }
    let plain = [
        ("max_completion_tokens", prompt.max_output.map(Value::from)),
        ("user", prompt.user.as_deref().map(Value::from)),
        ("stream", prompt.stream.then_some(Value::Bool(true))),
        ("stream_options", prompt.stream.then(|| json!({"include_usage": true}))),
    ];
    insert(&mut body, plain);
    flavour::season(&mut body, prompt.flavour, losses);
    Ok(Value::Object(body).to_string().into_bytes())
}

fn insert<const N: usize>(body: &mut Map<String, Value>, fields: [(&str, Option<Value>); N]) {
    for (name, value) in fields {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
}

fn messages(prompt: &Prompt, losses: &mut Vec<Loss>) -> Result<Vec<Value>, Unsayable> {
    let mut messages = Messages::default();
    if !prompt.system.is_empty() {
        let blocks: Vec<&Block> = prompt.system.iter().collect();
        messages.written.extend(system(&blocks, losses));
    }
    for turn in &prompt.turns {
        messages.turn(turn, losses)?;
    }
    Ok(messages.finish())
}

/// The messages so far.
#[derive(Default)]
struct Messages {
    written: Vec<Value>,
    /// Pictures and files of tool results, which must not come between the results of one turn.
    waiting: Vec<Value>,
}

impl Messages {
    fn turn(&mut self, turn: &Turn, losses: &mut Vec<Loss>) -> Result<(), Unsayable> {
        let (results, rest): (Vec<&Block>, Vec<&Block>) =
            turn.blocks.iter().partition(|block| matches!(block, Block::ToolResult { .. }));
        // Results answer the message before them, so they come first.
        if !turn.blocks.iter().is_sorted_by_key(|block| !matches!(block, Block::ToolResult { .. })) {
            lose(losses, "block_order");
        }
        for block in &results {
            self.result(block, losses)?;
        }
        if rest.is_empty() && !results.is_empty() {
            return Ok(());
        }
        let message = match turn.role {
            Role::System => system(&rest, losses),
            Role::Assistant => assistant(&rest, losses),
            Role::User => {
                let mut parts = Vec::new();
                for block in &rest {
                    parts.extend(parts::write(block, losses)?);
                }
                // A turn of which nothing is left is left out; one that the client sent empty is not.
                if rest.is_empty() || !parts.is_empty() {
                    self.ask(parts);
                }
                return Ok(());
            }
        };
        if let Some(message) = message {
            self.say(message);
        }
        Ok(())
    }

    /// A tool's result is text; whatever else it holds follows as the user's.
    fn result(&mut self, block: &Block, losses: &mut Vec<Loss>) -> Result<(), Unsayable> {
        let Block::ToolResult { id, content, is_error, cache, .. } = block else { return Ok(()) };
        note_cache(cache.as_ref(), losses);
        let (texts, media): (Vec<&Block>, Vec<&Block>) =
            content.iter().partition(|block| matches!(block, Block::Text { .. }));
        let mut said = Vec::new();
        for text in texts {
            said.extend(parts::write(text, losses)?);
        }
        if !media.is_empty() {
            lose(losses, "tool_result_media");
        }
        for block in &media {
            self.waiting.extend(parts::write(block, losses)?);
        }
        if *is_error {
            lose(losses, "tool_result_is_error");
        }
        let content = match (said.is_empty(), media.is_empty(), *is_error) {
            (true, false, _) => RESULT_FOLLOWS.into(),
            (true, true, true) => FAILED.into(),
            _ => text_or_parts(said),
        };
        self.written.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
        Ok(())
    }

    /// The user's message, behind what still waits for one.
    fn ask(&mut self, parts: Vec<Value>) {
        let mut content = std::mem::take(&mut self.waiting);
        content.extend(parts);
        self.written.push(json!({"role": "user", "content": text_or_parts(content)}));
    }

    fn say(&mut self, message: Value) {
        if !self.waiting.is_empty() {
            self.ask(Vec::new());
        }
        self.written.push(message);
    }

    fn finish(mut self) -> Vec<Value> {
        if !self.waiting.is_empty() {
            self.ask(Vec::new());
        }
        self.written
    }
}

/// One text as text, the form that every server takes; nothing as empty text; else an array.
fn text_or_parts(mut parts: Vec<Value>) -> Value {
    match parts.as_mut_slice() {
        [] => "".into(),
        [only] if only["type"] == "text" => only["text"].take(),
        _ => parts.into(),
    }
}

/// `None` when nothing is left of what was said.
fn system(blocks: &[&Block], losses: &mut Vec<Loss>) -> Option<Value> {
    let parts: Vec<Value> = blocks.iter().filter_map(|block| text(block, losses)).collect();
    let left = blocks.is_empty() || !parts.is_empty();
    left.then(|| json!({"role": "system", "content": text_or_parts(parts)}))
}

fn text(block: &Block, losses: &mut Vec<Loss>) -> Option<Value> {
    let Block::Text { text, cache } = block else {
        lose(losses, "misplaced_block");
        return None;
    };
    note_cache(cache.as_ref(), losses);
    Some(json!({"type": "text", "text": text}))
}

/// `None` when nothing is left of what was said.
fn assistant(blocks: &[&Block], losses: &mut Vec<Loss>) -> Option<Value> {
    let (mut parts, mut calls) = (Vec::new(), Vec::new());
    let (mut thinking, mut refusal) = (Vec::new(), Vec::new());
    for block in blocks {
        match block {
            Block::ToolCall { id, name, arguments, cache, signature } => {
                note_cache(cache.as_ref(), losses);
                if signature.is_some() {
                    lose(losses, "tool_call_signature");
                }
                let arguments = if arguments.trim().is_empty() { "{}" } else { arguments };
                calls.push(json!({
                    "id": id, "type": "function", "function": {"name": name, "arguments": arguments},
                }));
                continue;
            }
            Block::Thinking { .. } | Block::RedactedThinking { .. } => thinking.push(*block),
            Block::Refusal { text } => refusal.push(text.as_str()),
            block => parts.extend(text(block, losses)),
        }
        if !calls.is_empty() {
            // Here calls stand behind everything else in a message.
            lose(losses, "block_order");
        }
    }
    let mut message = reasoning(&thinking, losses);
    let left = !(parts.is_empty() && calls.is_empty() && refusal.is_empty() && message.is_empty());
    let content = match parts.is_empty() && !(calls.is_empty() && refusal.is_empty()) {
        true => Value::Null,
        false => text_or_parts(parts),
    };
    let fields = [
        ("role", Some("assistant".into())),
        ("content", Some(content)),
        ("refusal", (!refusal.is_empty()).then(|| refusal.join("\n\n").into())),
        ("tool_calls", (!calls.is_empty()).then_some(calls.into())),
    ];
    insert(&mut message, fields);
    (left || blocks.is_empty()).then_some(Value::Object(message))
}

/// The fields that hold a message's reasoning.
fn reasoning(blocks: &[&Block], losses: &mut Vec<Loss>) -> Map<String, Value> {
    let (mut texts, mut details, mut proven) = (Vec::new(), Vec::new(), false);
    for block in blocks {
        match block {
            Block::Thinking { text, signature, id } => {
                let signature = signature.as_deref().filter(|signature| !signature.is_empty());
                let is_own = signature.is_some_and(|signature| carried::own(signature).is_some());
                if signature.is_some() && !is_own {
                    lose(losses, "signed_thinking");
                } else if is_own || !text.is_empty() {
                    proven |= is_own;
                    texts.push(text.as_str());
                    details.push(detail(details.len(), text, signature, id.as_deref()));
                }
            }
            Block::RedactedThinking { data } if carried::own(data).is_some() => {
                proven = true;
                details.push(encrypted(details.len(), data));
            }
            _ => lose(losses, "redacted_thinking"),
        }
    }
    let mut fields = Map::new();
    if proven {
        fields.insert("reasoning_details".to_owned(), details.into());
    } else if !texts.is_empty() {
        fields.insert("reasoning_content".to_owned(), texts.join("\n\n").into());
    }
    fields
}

/// A choice among no tools is an error here, so it is left out with them.
fn write_tools(prompt: &Prompt, body: &mut Map<String, Value>, losses: &mut Vec<Loss>) {
    if prompt.tools.is_empty() {
        if matches!(prompt.tool_choice, Some(ToolChoice::Required | ToolChoice::Named(_))) {
            lose(losses, "tool_choice");
        }
        return;
    }
    let tools: Vec<Value> = prompt.tools.iter().map(|tool| write_tool(tool, losses)).collect();
    let choice = prompt.tool_choice.as_ref().map(|choice| match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    });
    let parallel = prompt.parallel_tools.map(Value::Bool);
    insert(body, [("tools", Some(tools.into())), ("tool_choice", choice), ("parallel_tool_calls", parallel)]);
}

fn write_tool(tool: &Tool, losses: &mut Vec<Loss>) -> Value {
    note_cache(tool.cache.as_ref(), losses);
    let mut function = Map::new();
    insert(
        &mut function,
        [
            ("name", Some(tool.name.as_str().into())),
            ("description", tool.description.as_deref().map(Value::from)),
            ("parameters", Some(tool.parameters.clone())),
            ("strict", tool.strict.map(Value::Bool)),
        ],
    );
    json!({"type": "function", "function": function})
}

fn write_sampling(sampling: &Sampling, body: &mut Map<String, Value>, losses: &mut Vec<Loss>) {
    if sampling.top_k.is_some() {
        lose(losses, "top_k");
    }
    let stop = match sampling.stop.as_slice() {
        [] => None,
        [one] => Some(one.as_str().into()),
        several => Some(several.into()),
    };
    let fields = [
        ("temperature", sampling.temperature.map(Value::from)),
        ("top_p", sampling.top_p.map(Value::from)),
        ("stop", stop),
        ("seed", sampling.seed.map(Value::from)),
        ("frequency_penalty", sampling.frequency_penalty.map(Value::from)),
        ("presence_penalty", sampling.presence_penalty.map(Value::from)),
    ];
    insert(body, fields);
}

fn response_format(output: &OutputFormat) -> Value {
    match output {
        OutputFormat::JsonObject => json!({"type": "json_object"}),
        OutputFormat::JsonSchema { name, description, schema, strict } => {
            let mut format = Map::new();
            insert(
                &mut format,
                [
                    // The name is required here.
                    ("name", Some(name.as_deref().unwrap_or("response").into())),
                    ("description", description.as_deref().map(Value::from)),
                    ("schema", Some(schema.clone())),
                    ("strict", strict.map(Value::Bool)),
                ],
            );
            json!({"type": "json_schema", "json_schema": format})
        }
    }
}

/// A budget is said by the effort it stands for, since there is no field for tokens. What the provider chooses by
/// itself (`adaptive`) needs no word.
fn write_reasoning(reasoning: &Reasoning, body: &mut Map<String, Value>, losses: &mut Vec<Loss>) {
    if reasoning.budget.is_some() {
        lose(losses, "reasoning_budget");
    }
    if reasoning.visible {
        lose(losses, "reasoning_visible");
    }
    let by_budget = reasoning.budget.map(|tokens| match tokens {
        0..=2_048 => "low",
        2_049..=8_192 => "medium",
        _ => "high",
    });
    let by_effort = reasoning.effort.map(words::effort_word);
    let word = if reasoning.off { Some("none") } else { by_effort.or(by_budget) };
    insert(body, [("reasoning_effort", word.map(Value::from))]);
}
