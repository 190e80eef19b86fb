//! Reads a request.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::blocks::Conversation;
use super::said::{CacheControl, Message};
use super::tools;
use crate::anthropic_messages::schema;
use crate::crossing::lose;
use crate::neutral::{Block, CacheMark, Effort, Loss, OutputFormat, Prompt, Reasoning, Sampling};
use crate::request::ParseError;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(default, borrow)]
    system: Option<&'a RawValue>,
    #[serde(default, borrow)]
    tools: Option<Vec<&'a RawValue>>,
    tool_choice: Option<tools::Choice>,
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    top_k: Option<u64>,
    stop_sequences: Option<Vec<String>>,
    stream: Option<bool>,
    metadata: Option<Metadata>,
    thinking: Option<Thinking>,
    output_config: Option<OutputConfig>,
    output_format: Option<Format>,
    cache_control: Option<CacheControl>,
    mcp_servers: Option<Vec<IgnoredAny>>,
    // Settings of the provider's own service, which no other dialect can say.
    service_tier: Option<IgnoredAny>,
    context_management: Option<IgnoredAny>,
    container: Option<IgnoredAny>,
    inference_geo: Option<IgnoredAny>,
    speed: Option<IgnoredAny>,
    fallbacks: Option<IgnoredAny>,
    fallback_credit_token: Option<IgnoredAny>,
    diagnostics: Option<IgnoredAny>,
    billing_policy: Option<IgnoredAny>,
    // What makes it another request altogether.
    thread: Option<Thread>,
    compaction: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Thread {
    previous_message_id: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Metadata {
    user_id: Option<String>,
}

#[derive(Deserialize)]
struct Thinking {
    #[serde(rename = "type")]
    kind: String,
    budget_tokens: Option<u64>,
    display: Option<String>,
}

#[derive(Deserialize)]
struct OutputConfig {
    effort: Option<String>,
    format: Option<Format>,
    task_budget: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Format {
    #[serde(rename = "type")]
    kind: String,
    schema: Option<Value>,
}

impl Wire<'_> {
    fn losses(&self) -> Vec<Loss> {
        let all = [
            ("service_tier", &self.service_tier),
            ("context_management", &self.context_management),
            ("container", &self.container),
            ("inference_geo", &self.inference_geo),
            ("speed", &self.speed),
            ("fallbacks", &self.fallbacks),
            ("fallback_credit_token", &self.fallback_credit_token),
            ("diagnostics", &self.diagnostics),
            ("billing_policy", &self.billing_policy),
        ];
        let thread = self.thread.as_ref().map(|_| Loss::new("thread"));
        all.into_iter()
            .filter(|(_, value)| value.is_some())
            .map(|(code, _)| Loss::new(code))
            .chain(thread)
            .collect()
    }

    fn unsayable(&self) -> Vec<String> {
        let held = self.thread.as_ref().is_some_and(|thread| thread.previous_message_id.is_some());
        let all = [
            (held, "a conversation that the provider holds"),
            (self.compaction.is_some(), "a request to compact the conversation"),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, what)| what.to_owned()).collect()
    }
}

/// Reads a request for an answer. `max_tokens`, which the provider demands, may be missing: it has no bearing on
/// what the request means elsewhere.
pub(in crate::anthropic_messages) fn read(body: &[u8]) -> Result<Prompt, ParseError> {
    let wire: Wire<'_> = serde_json::from_slice(body)?;
    let (losses, unsayable) = (wire.losses(), wire.unsayable());
    let mut prompt = Prompt {
        max_output: wire.max_tokens,
        sampling: Sampling {
            temperature: wire.temperature,
            top_p: wire.top_p,
            top_k: wire.top_k,
            stop: wire.stop_sequences.unwrap_or_default(),
            ..Sampling::default()
        },
        user: wire.metadata.and_then(|metadata| metadata.user_id),
        stream: wire.stream.unwrap_or(false),
        // Usage is part of every stream.
        stream_usage: true,
        losses,
        unsayable,
        ..Prompt::default()
    };
    let mut conversation = Conversation::new(&mut prompt.losses);
    if let Some(system) = wire.system {
        prompt.system = conversation.system(system)?;
    }
    prompt.turns = conversation.turns(&wire.messages)?;
    if conversation.is_paused() {
        prompt.unsayable.push("a turn paused at a tool that the provider runs".to_owned());
    }
    let servers = wire.mcp_servers.map_or(0, |servers| servers.len());
    tools::read(&wire.tools.unwrap_or_default(), servers, wire.tool_choice, &mut prompt)?;
    let config = wire.output_config;
    prompt.output = format(config.as_ref().and_then(|config| config.format.as_ref()), &mut prompt.losses)
        .or(format(wire.output_format.as_ref(), &mut prompt.losses));
    if config.as_ref().is_some_and(|config| config.task_budget.is_some()) {
        lose(&mut prompt.losses, "task_budget");
    }
    let effort = config.and_then(|config| config.effort);
    prompt.reasoning = reasoning(wire.thinking, effort.as_deref(), &mut prompt.losses);
    if let Some(cache) = wire.cache_control {
        mark_last(&mut prompt, cache.into());
    }
    dedupe(&mut prompt.losses);
    Ok(prompt)
}

/// Reads a request to count tokens: the same without what only an answer needs.
pub(in crate::anthropic_messages) fn counted(body: &[u8]) -> Result<Prompt, ParseError> {
    read(body).map(|prompt| Prompt { stream: false, ..prompt })
}

fn format(format: Option<&Format>, losses: &mut Vec<Loss>) -> Option<OutputFormat> {
    let Format { kind, schema } = format?;
    match (kind.as_str(), schema) {
        ("json_schema", Some(schema)) => Some(OutputFormat::JsonSchema {
            name: None,
            description: None,
            // The provider always keeps to it; others promise that only of a narrower form.
            strict: schema::is_strict(schema).then_some(true),
            schema: schema.clone(),
        }),
        _ => {
            lose(losses, format!("output_format:{kind}"));
            None
        }
    }
}

fn reasoning(thinking: Option<Thinking>, effort: Option<&str>, losses: &mut Vec<Loss>) -> Option<Reasoning> {
    let mut reasoning = Reasoning::default();
    if let Some(effort) = effort {
        reasoning.effort = match effort {
            "low" => Some(Effort::Low),
            "medium" => Some(Effort::Medium),
            "high" => Some(Effort::High),
            "xhigh" | "max" => Some(Effort::Max),
            _ => {
                lose(losses, "effort");
                None
            }
        };
    }
    if let Some(thinking) = thinking {
        reasoning.visible = thinking.display.as_deref() != Some("omitted");
        match thinking.kind.as_str() {
            "enabled" => reasoning.budget = thinking.budget_tokens,
            "adaptive" => reasoning.adaptive = true,
            // The least that some models can be brought to.
            "disabled" | "between_tools" => (reasoning.off, reasoning.visible) = (true, false),
            kind => lose(losses, format!("thinking:{kind}")),
        }
    }
    Some(reasoning).filter(|reasoning| *reasoning != Reasoning::default())
}

/// The mark that the provider would set by itself, at the last block that can carry one.
fn mark_last(prompt: &mut Prompt, mark: CacheMark) {
    let blocks = prompt.turns.iter_mut().rev().flat_map(|turn| turn.blocks.iter_mut().rev());
    let system = prompt.system.iter_mut().rev();
    for block in blocks.chain(system) {
        if let Block::Text { cache, .. }
        | Block::Image { cache, .. }
        | Block::Document { cache, .. }
        | Block::ToolCall { cache, .. }
        | Block::ToolResult { cache, .. } = block
        {
            cache.get_or_insert(mark);
            return;
        }
    }
    if let Some(tool) = prompt.tools.last_mut() {
        tool.cache.get_or_insert(mark);
    }
}

/// Each loss once, in the order of their first appearance.
pub(super) fn dedupe(losses: &mut Vec<Loss>) {
    let mut seen = std::collections::HashSet::new();
    losses.retain(|loss| seen.insert(loss.code.clone()));
}
