//! What a decision needs to see of a request: what it takes, and what happened in its conversation.

use std::collections::BTreeMap;

use waymark_protocol::neutral::{Block, OutputFormat, Prompt, Role, ToolForm, ToolKind};
use waymark_protocol::{Request, dialogue};
use waymark_routing::{Conversation, Event, Needs};
use waymark_types::{Capability, Dialect, Task};

/// Bytes that make a token of code or English, a little high: a token is rather more.
const BYTES_A_TOKEN: u64 = 4;
/// Tokens that a picture, a sound or a document is taken for.
const MEDIUM: u64 = 1_600;

/// How texts begin that a client puts among the user's own: Claude Code's, Codex's, Cline's, VS Code's, opencode's.
/// Looked up on 2026-11-27.
const ADDED: [&str; 13] = [
    "<system-reminder>",
    "<local-command-",
    "<command-",
    "<environment_context>",
    "<user_instructions>",
    "<permissions instructions>",
    "# AGENTS.md instructions",
    "<environment_details>",
    "<context>",
    "<reminderInstructions>",
    "<environment_info>",
    "[ERROR] You did not use a tool in your previous response",
    "[TASK RESUMPTION]",
];

/// How the first line of a tool's result ends that Cline and its like put among the user's words: `[tool for 'what'] Result:`.
const RESULT: &str = "] Result:";

/// Between these, VS Code puts what the user said.
const SAID: [&str; 2] = ["<userRequest>", "</userRequest>"];

/// What a decision needs to see.
#[derive(Default)]
pub(crate) struct Observed {
    pub(crate) needs: Needs,
    pub(crate) conversation: Conversation,
}

/// Looks into a request. What cannot be read has nothing to see: its provider will say what is wrong with it. What happened
/// matters to work that may climb alone.
pub(crate) fn observe(request: &Request, task: Task) -> Observed {
    let prompt = dialogue(request.dialect).and_then(|spoken| spoken.read_prompt(request.raw()).ok());
    match prompt {
        Some(prompt) => {
            let needs = needs(&prompt, request);
            let conversation = task.converses().then(|| conversation(prompt, request.dialect));
            Observed { needs, conversation: conversation.unwrap_or_default() }
        }
        None => {
            let input_tokens = request.raw().len() as u64 / BYTES_A_TOKEN;
            Observed { needs: Needs { input_tokens, ..Needs::default() }, ..Observed::default() }
        }
    }
}

fn needs(prompt: &Prompt, request: &Request) -> Needs {
    let (mut media, mut images) = (0, false);
    for block in prompt.turns.iter().flat_map(|turn| &turn.blocks) {
        let within = match block {
            Block::ToolResult { content, .. } => content.as_slice(),
            block => std::slice::from_ref(block),
        };
        media += within.iter().filter_map(medium).count() as u64;
        images |= within.iter().any(|block| matches!(block, Block::Image { .. }));
    }
    let bytes = request.raw().len() as u64;
    let held: u64 = prompt.turns.iter().flat_map(|turn| &turn.blocks).map(held).sum();
    let input_tokens = bytes.saturating_sub(held) / BYTES_A_TOKEN + media * MEDIUM;
    let reasons = prompt.reasoning.as_ref().is_some_and(|reasoning| !reasoning.off);
    let needed = [
        (Capability::Tools, !prompt.tools.is_empty()),
        (Capability::Images, images),
        (Capability::JsonSchema, matches!(prompt.output, Some(OutputFormat::JsonSchema { .. }))),
        (Capability::Reasoning, reasons),
    ];
    let capabilities =
        needed.into_iter().filter(|(_, needed)| *needed).map(|(capability, _)| capability).collect();
    Needs { input_tokens, output_tokens: prompt.max_output, capabilities }
}

fn medium(block: &Block) -> Option<&waymark_protocol::neutral::Media> {
    match block {
        Block::Image { media, .. } | Block::Document { media, .. } | Block::Audio { media } => Some(media),
        _ => None,
    }
}

/// Bytes of the request that are no text.
fn held(block: &Block) -> u64 {
    use waymark_protocol::neutral::Media;
    match (block, medium(block)) {
        (Block::ToolResult { content, .. }, _) => content.iter().map(held).sum(),
        (_, Some(Media::Inline { data, .. })) => data.len() as u64,
        _ => 0,
    }
}

fn conversation(prompt: Prompt, dialect: Dialect) -> Conversation {
    let Prompt { turns, tool_forms, .. } = prompt;
    let said =
        turns.into_iter().flat_map(|turn| turn.blocks.into_iter().map(move |block| (turn.role, block)));
    let events = said.filter_map(|(role, block)| event(&tool_forms, role, block)).collect();
    Conversation { events, marks_errors: dialect == Dialect::AnthropicMessages }
}

fn event(forms: &BTreeMap<String, ToolForm>, role: Role, block: Block) -> Option<Event> {
    match (role, block) {
        (Role::User, Block::Text { text, .. }) => said(&text).map(|text| Event::User { text }),
        (Role::Assistant, Block::Text { text, .. }) if !text.trim().is_empty() => {
            Some(Event::Assistant { text })
        }
        (_, Block::ToolCall { id, name, arguments, .. }) => {
            let form = forms.get(&name).map(|form| &form.kind);
            let freeform = matches!(form, Some(ToolKind::Freeform { .. } | ToolKind::BuiltIn { .. }));
            Some(Event::Call { id, tool: name, arguments, freeform })
        }
        (_, Block::ToolResult { id, content, is_error, .. }) => {
            let mut texts = content.into_iter().filter_map(|block| match block {
                Block::Text { text, .. } => Some(text),
                _ => None,
            });
            let mut text = texts.next().unwrap_or_default();
            texts.for_each(|more| text.extend(["\n", &more]));
            Some(Event::Result { id, text, is_error })
        }
        (Role::Assistant, Block::Refusal { .. }) => Some(Event::Refusal),
        _ => None,
    }
}

/// What the user wrote, without what the client added.
fn said(text: &str) -> Option<String> {
    let [begin, end] = SAID;
    if let Some((_, rest)) = text.split_once(begin) {
        let words = rest.split(end).next().unwrap_or(rest).trim();
        return (!words.is_empty()).then(|| words.to_owned());
    }
    let first = text.trim_start().lines().next().unwrap_or_default();
    let result = first.starts_with('[') && first.trim_end().ends_with(RESULT);
    let added = result || ADDED.iter().any(|start| first.starts_with(start));
    (!added && !text.trim().is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};
    use waymark_protocol::Addressed;

    use super::*;

    fn observed(dialect: Dialect, body: &Value) -> Observed {
        let request = waymark_protocol::parse(dialect, &Bytes::from(body.to_string()), &Addressed::default());
        observe(&request.unwrap(), Task::AgentStep)
    }

    #[test]
    fn a_conversation_is_told_as_it_happened_without_what_the_client_added() {
        let body = json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "<system-reminder>Be brief.</system-reminder>"},
                {"type": "text", "text": "Fix it."}]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": "no"}]},
        ]});
        let seen = observed(Dialect::AnthropicMessages, &body);
        let events = [
            Event::User { text: "Fix it.".into() },
            Event::Assistant { text: "I look.".into() },
            Event::Call {
                id: "t1".into(),
                tool: "Bash".into(),
                arguments: r#"{"command":"ls"}"#.into(),
                freeform: false,
            },
            Event::Result { id: "t1".into(), text: "no".into(), is_error: true },
        ];
        assert_eq!(seen.conversation.events, events);
        assert!(seen.conversation.marks_errors);
        assert_eq!((seen.needs.output_tokens, seen.needs.capabilities), (Some(9), vec![]));
    }

    #[test]
    fn pictures_count_as_pictures_and_not_as_text() {
        let picture = format!("data:image/png;base64,{}", "A".repeat(400_000));
        let body = json!({"model": "m", "reasoning_effort": "low",
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {}}},
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": picture}}]}]});
        let needs = observed(Dialect::OpenAiChat, &body).needs;
        assert!((1_600..2_000).contains(&needs.input_tokens), "{needs:?}");
        assert_eq!(needs.capabilities, Capability::ALL);
    }

    #[test]
    fn vs_codes_users_are_heard_through_what_it_wraps_them_in() {
        let words =
            "<context>\nThe date is today.\n</context>\n<userRequest>\nNo, that's wrong.\n</userRequest>";
        assert_eq!(said(words).as_deref(), Some("No, that's wrong."));
        assert_eq!(said("<context>\nnothing else\n</context>"), None);
        assert_eq!(said("Use <context> here."), Some("Use <context> here.".to_owned()));
    }

    #[test]
    fn what_tools_print_is_not_what_the_user_says() {
        assert_eq!(said("[execute_command for 'npm test'] Result:\nThat's wrong, it still fails."), None);
        assert_eq!(said("[ERROR] You did not use a tool in your previous response! Please retry."), None);
        assert!(said("[x] is done. Result: it still fails.").is_some());
    }
}
