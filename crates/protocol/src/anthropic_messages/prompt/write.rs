//! Writes a request.

use serde::Serialize;
use waymark_types::Dialect;

use super::read::dedupe;
use super::wire::{Block, Cache, Message};
use super::{settings, tools, turns};
use crate::anthropic_messages::generation::Generation;
use crate::crossing::lose;
use crate::neutral::{self, Loss, Prompt, Unsayable};

/// The most cache breakpoints of one request.
const MOST_MARKS: usize = 4;
/// The longest user id, in characters.
const LONGEST_USER: usize = 256;

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<tools::Written<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<tools::Choice>,
    messages: Vec<Message>,
    #[serde(flatten)]
    sampling: Option<settings::Sampling>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<settings::Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<settings::OutputConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

/// Writes a request for an answer.
pub(in crate::anthropic_messages) fn write(
    prompt: &Prompt,
    model: &str,
    losses: &mut Vec<Loss>,
) -> Result<Vec<u8>, Unsayable> {
    finish(body(prompt, model, losses), losses)
}

/// Writes a request to count tokens, which takes only what the count depends on.
pub(in crate::anthropic_messages) fn counted(
    prompt: &Prompt,
    model: &str,
    losses: &mut Vec<Loss>,
) -> Result<Vec<u8>, Unsayable> {
    let body = body(prompt, model, losses).map(|body| Body {
        max_tokens: None,
        stream: None,
        sampling: None,
        metadata: None,
        ..body
    });
    finish(body, losses)
}

fn finish(body: Result<Body<'_>, String>, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    let unsayable = |what| Unsayable { what, dialect: Dialect::AnthropicMessages };
    let body = body.map_err(unsayable)?;
    dedupe(losses);
    serde_json::to_vec(&body).map_err(|error| unsayable(format!("the request ({error})")))
}

fn body<'a>(prompt: &'a Prompt, model: &'a str, losses: &mut Vec<Loss>) -> Result<Body<'a>, String> {
    if let Some(what) = prompt.unsayable.first() {
        return Err(what.clone());
    }
    let generation = Generation::of(model);
    let (leading, messages) = turns::write(&prompt.turns, generation, losses)?;
    if messages.is_empty() {
        return Err("a conversation in which nothing is said".to_owned());
    }
    let mut system = system(&prompt.system, losses);
    system.extend(leading);
    let settled = settings::reasoning(prompt, generation, losses);
    let thinks = settled.thinking.as_ref().is_some_and(settings::Thinking::is_on);
    let user = prompt.user.as_deref().filter(|user| user.chars().count() <= LONGEST_USER);
    if user.is_none() && prompt.user.is_some() {
        lose(losses, "user");
    }
    let mut body = Body {
        model,
        max_tokens: Some(settled.max_tokens),
        stream: prompt.stream.then_some(true),
        system,
        tools: tools::write(&prompt.tools, generation, losses)?,
        tool_choice: tools::write_choice(prompt, generation, losses)?,
        messages,
        sampling: Some(settings::sampling(prompt, generation, thinks, losses)),
        output_config: settings::output(prompt, generation, settled.effort, losses)?,
        thinking: settled.thinking,
        metadata: user.map(|user_id| Metadata { user_id }),
    };
    limit_marks(&mut body, losses);
    Ok(body)
}

fn system(blocks: &[neutral::Block], losses: &mut Vec<Loss>) -> Vec<Block> {
    let mut system: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let neutral::Block::Text { text, cache } = block else {
            lose(losses, "system_media");
            continue;
        };
        let cache_control = Cache::of(cache.as_ref(), losses);
        if !text.trim().is_empty() {
            system.push(Block::Text { text: text.clone(), cache_control });
        } else if let (Some(mark), Some(before)) = (cache_control, system.last_mut().and_then(Block::cache)) {
            before.get_or_insert(mark);
        }
    }
    system
}

/// Keeps the last breakpoints: each covers all that stands before it.
fn limit_marks(body: &mut Body<'_>, losses: &mut Vec<Loss>) {
    let mut marks: Vec<&mut Option<Cache>> = Vec::new();
    marks.extend(body.tools.iter_mut().map(|tool| &mut tool.cache_control));
    let said = body.messages.iter_mut().flat_map(|message| message.content.iter_mut());
    for block in body.system.iter_mut().chain(said) {
        if let Block::ToolResult { content, cache_control, .. } = block {
            marks.extend(content.iter_mut().filter_map(Block::cache));
            marks.push(cache_control);
        } else {
            marks.extend(block.cache());
        }
    }
    marks.retain(|mark| mark.is_some());
    let excess = marks.len().saturating_sub(MOST_MARKS);
    for mark in marks.into_iter().take(excess) {
        *mark = None;
        lose(losses, "cache_mark");
    }
}
