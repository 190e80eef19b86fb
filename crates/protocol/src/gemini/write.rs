//! Requests, written from the neutral form.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Value, json};
use waymark_types::Dialect;

use super::model::Model;
use super::wire::{Content, Part};
use super::{config, part, signature};
use crate::crossing::{has_cache_marks, lose, tool_names};
use crate::neutral::{Block, Loss, Prompt, Role, Tool, ToolChoice, Turn, Unsayable};

/// A request. The model's name is in the address.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body {
    /// In requests to count tokens, the model of the request that is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content>,
    contents: Vec<Content>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<Value>,
}

/// Writes a request.
pub(super) fn body(prompt: &Prompt, model: &Model, losses: &mut Vec<Loss>) -> Result<Body, Unsayable> {
    prompt.sayable_in(Dialect::Gemini)?;
    let mut system = Vec::new();
    system_parts(&prompt.system, &mut system, losses);
    let mut contents = contents(prompt, model, &mut system, losses)?;
    if contents.is_empty() {
        if system.is_empty() {
            let what = "a request without any message".to_owned();
            return Err(Unsayable { what, dialect: Dialect::Gemini });
        }
        // Instructions alone are no request here: they become the one message.
        lose(losses, "system_only");
        contents.push(Content { role: Some("user"), parts: std::mem::take(&mut system) });
    }
    if has_cache_marks(prompt) {
        lose(losses, "cache_mark");
    }
    if prompt.user.is_some() {
        lose(losses, "user");
    }
    if prompt.parallel_tools == Some(false) {
        lose(losses, "parallel_tools");
    }
    Ok(Body {
        model: None,
        system_instruction: (!system.is_empty()).then_some(Content { role: None, parts: system }),
        contents,
        tools: declarations(&prompt.tools),
        tool_config: tool_config(prompt, model, losses),
        generation_config: config::write(prompt, model, losses),
    })
}

fn system_parts(blocks: &[Block], parts: &mut Vec<Part>, losses: &mut Vec<Loss>) {
    for block in blocks {
        match block {
            Block::Text { text, .. } if text.is_empty() => {}
            Block::Text { text, .. } => parts.push(part::text(text)),
            _ => lose(losses, "system_media"),
        }
    }
}

fn contents(
    prompt: &Prompt,
    model: &Model,
    system: &mut Vec<Part>,
    losses: &mut Vec<Loss>,
) -> Result<Vec<Content>, Unsayable> {
    let names = tool_names(prompt);
    let mut contents: Vec<Content> = Vec::new();
    let mut answers_calls = false;
    for turn in &prompt.turns {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "model",
            Role::System => {
                lose(losses, "system_turn");
                system_parts(&turn.blocks, system, losses);
                continue;
            }
        };
        let mut parts = Vec::new();
        for block in &turn.blocks {
            write_block(block, &names, model, &mut parts, losses)?;
        }
        if turn.role == Role::Assistant && model.wants_signatures() {
            part::sign_first_call(&mut parts, signature::NO_PROOF);
        }
        let goes_on = answers_calls && is_result(turn.blocks.first());
        answers_calls = turn.role == Role::User && is_all_results(turn);
        match contents.last_mut() {
            // The results of parallel calls are one turn here, whoever sent them one by one.
            Some(last) if goes_on => last.parts.append(&mut parts),
            _ if parts.is_empty() => {}
            _ => contents.push(Content { role: Some(role), parts }),
        }
    }
    Ok(contents)
}

fn is_result(block: Option<&Block>) -> bool {
    matches!(block, Some(Block::ToolResult { .. }))
}

fn is_all_results(turn: &Turn) -> bool {
    is_result(turn.blocks.first()) && turn.blocks.iter().all(|block| is_result(Some(block)))
}

fn write_block(
    block: &Block,
    names: &HashMap<&str, &str>,
    model: &Model,
    parts: &mut Vec<Part>,
    losses: &mut Vec<Loss>,
) -> Result<(), Unsayable> {
    match block {
        Block::Text { text, .. } if text.is_empty() => {}
        Block::Text { text, .. } => parts.push(part::text(text)),
        Block::Refusal { text } => {
            lose(losses, "refusal");
            parts.push(part::text(text));
        }
        Block::Thinking { text, signature, .. } => {
            let own = signature.as_deref().and_then(signature::own).map(str::to_owned);
            if signature.is_some() && own.is_none() {
                lose(losses, "thinking_signature");
            }
            if !text.is_empty() || own.is_some() {
                parts.push(part::thought(text, own));
            }
        }
        Block::RedactedThinking { .. } => lose(losses, "redacted_thinking"),
        Block::ToolCall { id, name, arguments, signature, .. } => {
            parts.push(part::call(id, name, arguments, signature.as_ref()));
        }
        Block::ToolResult { id, name, content, is_error, .. } => {
            let name = name.as_deref().or_else(|| names.get(id.as_str()).copied()).unwrap_or(id);
            write_result(id, name, content, *is_error, model, parts, losses)?;
        }
        Block::Image { .. } | Block::Document { .. } | Block::Audio { .. } => {
            parts.extend(media(block, losses)?);
        }
    }
    Ok(())
}

fn write_result(
    id: &str,
    name: &str,
    content: &[Block],
    is_error: bool,
    model: &Model,
    parts: &mut Vec<Part>,
    losses: &mut Vec<Loss>,
) -> Result<(), Unsayable> {
    let (mut texts, mut inside, mut beside) = (Vec::new(), Vec::new(), Vec::new());
    for block in content {
        match block {
            Block::Text { text, .. } | Block::Refusal { text } => texts.push(text.as_str()),
            Block::Image { .. } | Block::Document { .. } | Block::Audio { .. } => {
                let Some(media) = media(block, losses)? else { continue };
                // A result holds bytes only, and only in later generations.
                let fits = model.takes_media_in_results() && media.inline_data.is_some();
                if fits { inside.push(media) } else { beside.push(media) }
            }
            _ => lose(losses, "tool_result_block"),
        }
    }
    parts.push(part::result(id, name, &texts.join("\n"), is_error, inside));
    parts.append(&mut beside);
    Ok(())
}

fn media(block: &Block, losses: &mut Vec<Loss>) -> Result<Option<Part>, Unsayable> {
    match block {
        Block::Image { media, detail, .. } => {
            if detail.is_some() {
                lose(losses, "image_detail");
            }
            part::media(media, "image/jpeg").map(Some)
        }
        Block::Document { media, name, .. } => {
            if name.is_some() {
                lose(losses, "document_name");
            }
            part::media(media, "application/pdf").map(Some)
        }
        Block::Audio { media } => part::media(media, "audio/mp3").map(Some),
        _ => Ok(None),
    }
}

/// Schemas go as JSON Schema: the older field refuses what its subset of OpenAPI does not know.
fn declarations(tools: &[Tool]) -> Option<Value> {
    let declared: Vec<Value> = tools
        .iter()
        .map(|tool| {
            let mut declared = json!({ "name": tool.name });
            if let Some(description) = &tool.description {
                declared["description"] = json!(description);
            }
            if tool.parameters.as_object().is_some_and(|schema| !schema.is_empty()) {
                declared["parametersJsonSchema"] = tool.parameters.clone();
            }
            declared
        })
        .collect();
    (!declared.is_empty()).then(|| json!([{ "functionDeclarations": declared }]))
}

fn tool_config(prompt: &Prompt, model: &Model, losses: &mut Vec<Loss>) -> Option<Value> {
    if prompt.tools.is_empty() {
        return None;
    }
    let strict = prompt.tools.iter().filter(|tool| tool.strict == Some(true)).count();
    let calling = match &prompt.tool_choice {
        Some(ToolChoice::None) => json!({ "mode": "NONE" }),
        Some(ToolChoice::Required) => json!({ "mode": "ANY" }),
        Some(ToolChoice::Named(name)) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
        None | Some(ToolChoice::Auto) if strict == prompt.tools.len() && model.validates_calls() => {
            json!({ "mode": "VALIDATED" })
        }
        choice => {
            if strict > 0 {
                lose(losses, "tool_strict");
            }
            choice.as_ref()?;
            json!({ "mode": "AUTO" })
        }
    };
    Some(json!({ "functionCallingConfig": calling }))
}
