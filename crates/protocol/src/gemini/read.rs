//! Requests, read into the neutral form.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::part::{self, Piece};
use super::signature::Signature;
use super::{config, schema};
use crate::crossing::{Calls, lose, lose_rest};
use crate::json::{Fields, parse, snake};
use crate::neutral::{Block, Prompt, Role, Tool, ToolChoice, Turn};
use crate::request::ParseError;

/// Fields of a request that no other dialect has.
const KNOWN: &[&str] = &["safety_settings", "labels", "service_tier", "store"];

/// Reads a request, also one to count tokens.
pub(super) fn prompt(body: &[u8]) -> Result<Prompt, ParseError> {
    let mut fields = Fields::read(body)?;
    if let Some(counted) = fields.object("generateContentRequest")? {
        fields = counted;
    }
    let mut prompt = Prompt { stream_usage: true, ..Prompt::default() };
    // The address names the model.
    fields.raw("model");
    // Only the provider that cached the content can read it.
    if fields.take::<String>("cachedContent")?.is_some_and(|name| !name.is_empty()) {
        prompt.unsayable.push("`cachedContent`".to_owned());
    }
    if let Some(raw) = fields.raw("systemInstruction") {
        system(raw, &mut prompt)?;
    }
    let mut calls = Calls::default();
    for raw in fields.list("contents")? {
        let turn = turn(raw, &mut calls, &mut prompt)?;
        prompt.turns.push(turn);
    }
    for raw in fields.list("tools")? {
        tools(Fields::of(raw, "tools")?, &mut prompt)?;
    }
    if let Some(choice) = fields.object("toolConfig")? {
        tool_choice(choice, &mut prompt)?;
    }
    if let Some(settings) = fields.object("generationConfig")? {
        config::read(settings, &mut prompt)?;
    }
    lose_rest(&mut prompt.losses, fields.rest(), KNOWN);
    Ok(prompt)
}

fn system(raw: &RawValue, prompt: &mut Prompt) -> Result<(), ParseError> {
    if raw.get().starts_with('"') {
        prompt.system.push(Block::text(parse::<String>(raw, "systemInstruction")?));
        return Ok(());
    }
    for raw in Fields::of(raw, "systemInstruction")?.list("parts")? {
        match part::read(raw)?.piece {
            Some(Piece::Text(text)) => prompt.system.push(Block::text(text)),
            Some(_) => lose(&mut prompt.losses, "system_media"),
            None => {}
        }
    }
    Ok(())
}

fn turn(raw: &RawValue, calls: &mut Calls, prompt: &mut Prompt) -> Result<Turn, ParseError> {
    let mut fields = Fields::of(raw, "contents")?;
    let role = match fields.take::<String>("role")?.as_deref() {
        Some("model") => Role::Assistant,
        Some("system") => Role::System,
        // Results once had a role of their own, `function`; no role at all means the user.
        _ => Role::User,
    };
    let mut blocks = Vec::new();
    for raw in fields.list("parts")? {
        let read = part::read(raw)?;
        lose_rest(&mut prompt.losses, read.rest.into_iter(), &["video_metadata", "media_resolution"]);
        let mut signature = read.signature;
        match read.piece {
            Some(Piece::Thought(text)) => {
                let signature = signature.take().map(Signature::neutral);
                blocks.push(Block::Thinking { text, signature, id: None });
            }
            Some(Piece::Text(text)) if text.is_empty() => {}
            Some(Piece::Text(text)) => blocks.push(Block::text(text)),
            Some(Piece::Call { id, name, arguments }) => {
                let (id, signature) = (calls.call(id, &name), part::token(signature.take()));
                blocks.push(Block::ToolCall { id, name, arguments, cache: None, signature });
            }
            Some(Piece::Result { id, name, content, is_error }) => {
                let (id, name) = calls.result(id, name);
                blocks.push(Block::ToolResult { id, name, content, is_error, cache: None });
            }
            Some(Piece::Media(block)) => blocks.push(block),
            Some(Piece::Lost(code)) => lose(&mut prompt.losses, code),
            None => {}
        }
        // A signature beside an answer's text is reasoning of which nothing else is shown.
        blocks.extend(signature.map(part::unseen));
    }
    Ok(Turn { role, blocks })
}

fn tools(mut fields: Fields<'_>, prompt: &mut Prompt) -> Result<(), ParseError> {
    for raw in fields.list("functionDeclarations")? {
        let mut declared = Fields::of(raw, "functionDeclarations")?;
        let schema = match (declared.take("parametersJsonSchema")?, declared.take("parameters")?) {
            (Some(schema), _) => schema,
            (None, Some(schema)) => schema::to_json_schema(schema, &mut prompt.losses),
            (None, None) => no_parameters(),
        };
        prompt.tools.push(Tool {
            name: declared.take("name")?.unwrap_or_default(),
            description: declared.take("description")?,
            parameters: schema,
            strict: None,
            cache: None,
        });
        let rest = declared.rest().map(|name| format!("tool_{name}"));
        lose_rest(&mut prompt.losses, rest, &["tool_behavior", "tool_response", "tool_response_json_schema"]);
    }
    for name in fields.rest() {
        lose(&mut prompt.losses, format!("server_tool:{}", snake(&name)));
    }
    Ok(())
}

/// The schema of a tool that takes nothing.
fn no_parameters() -> Value {
    json!({ "type": "object", "properties": {} })
}

fn tool_choice(mut fields: Fields<'_>, prompt: &mut Prompt) -> Result<(), ParseError> {
    if let Some(mut calling) = fields.object("functionCallingConfig")? {
        let mode: String = calling.take("mode")?.unwrap_or_default();
        let allowed = calling.texts("allowedFunctionNames")?;
        let mode = mode.to_ascii_uppercase();
        prompt.tool_choice = match (mode.as_str(), allowed.as_slice()) {
            ("AUTO" | "VALIDATED", _) => Some(ToolChoice::Auto),
            ("NONE", _) => Some(ToolChoice::None),
            ("ANY", [one]) => Some(ToolChoice::Named(one.clone())),
            ("ANY", _) => Some(ToolChoice::Required),
            _ => None,
        };
        // To allow some tools only is to offer no others.
        if matches!(mode.as_str(), "ANY" | "VALIDATED") && allowed.len() > usize::from(mode == "ANY") {
            prompt.tools.retain(|tool| allowed.contains(&tool.name));
        }
        if mode == "VALIDATED" {
            prompt.tools.iter_mut().for_each(|tool| tool.strict = Some(true));
        }
        lose_rest(&mut prompt.losses, calling.rest(), &[]);
    }
    lose_rest(
        &mut prompt.losses,
        fields.rest(),
        &["retrieval_config", "include_server_side_tool_invocations"],
    );
    Ok(())
}
