//! What kind of work a request is: told from its endpoint, its headers, its shape and the words it begins with.

use axum::http::HeaderMap;
use waymark_protocol::{Request, background_call, instruction_dialogue};
use waymark_routing::Shape;
use waymark_types::{Dialect, Task};

/// Headers that tell the task, the first that fits: its name, the value it must have if any, the task, and who says
/// so. Looked up on 2026-11-23 in Claude Code 2.1.197, Codex 0.169.0, opencode 1.18.33, and Copilot's VS Code extension
/// of 2026-03.
const HEADERS: [(&str, Option<&str>, Task, &str); 7] = [
    ("x-openai-subagent", Some("compact"), Task::AgentStep, "codex-compaction"),
    ("x-openai-subagent", None, Task::SubagentStep, "codex-subagent"),
    ("x-codex-parent-thread-id", None, Task::SubagentStep, "codex-subagent"),
    ("x-claude-code-agent-id", None, Task::SubagentStep, "claude-code-subagent"),
    ("x-claude-code-parent-agent-id", None, Task::SubagentStep, "claude-code-subagent"),
    ("x-parent-session-id", None, Task::SubagentStep, "opencode-subagent"),
    ("x-interaction-type", Some("conversation-subagent"), Task::SubagentStep, "vscode-subagent"),
];

/// A request's task, and the rule that told it where one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Classified {
    pub(super) task: Task,
    pub(super) rule: Option<&'static str>,
}

impl Classified {
    /// Told by the endpoint, or by whether there are tools.
    pub(super) fn plainly(task: Task) -> Self {
        Self { task, rule: None }
    }

    fn by(task: Task, rule: &'static str) -> Self {
        Self { task, rule: Some(rule) }
    }
}

/// Tells the kind of work.
pub(super) fn classify(request: &Request, headers: &HeaderMap) -> Classified {
    let endpoint = match request.dialect {
        Dialect::OpenAiImages => Some(Task::Image),
        Dialect::OpenAiTranscriptions => Some(Task::Transcription),
        Dialect::OpenAiSpeech => Some(Task::Speech),
        dialect if dialect.is_embedding() => Some(Task::Embedding),
        dialect if dialect.is_completion() && shape(request) != Shape::Instruction => Some(Task::Completion),
        _ => None,
    };
    if let Some(task) = endpoint {
        return Classified::plainly(task);
    }
    let (call, said) = (background_call(request), said_in(headers));
    match (call, said) {
        // A title is a title, whoever of the agents asks for it.
        (Some(call), _) if call.task == Task::Utility => Classified::by(call.task, call.name),
        (_, Some(said)) => said,
        (Some(call), None) => Classified::by(call.task, call.name),
        (None, None) if request.tools > 0 => Classified::plainly(Task::AgentStep),
        (None, None) => Classified::plainly(Task::Chat),
    }
}

fn said_in(headers: &HeaderMap) -> Option<Classified> {
    let fits = |name: &str, value: Option<&str>| {
        headers.get(name).is_some_and(|found| value.is_none_or(|value| found == value))
    };
    let (.., task, by) = HEADERS.iter().find(|(name, value, ..)| fits(name, *value))?;
    Some(Classified::by(*task, by))
}

/// What a request in a dialect of completions is for.
pub(super) fn shape(request: &Request) -> Shape {
    match &request.fim {
        _ if !request.dialect.is_completion() => Shape::Plain,
        _ if request.warm_up => Shape::WarmUp,
        Some(fim) if !fim.suffix.is_empty() => Shape::Fill,
        Some(_) => Shape::Plain,
        None if instruction_dialogue(request.dialect).is_some() => Shape::Instruction,
        None => Shape::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};
    use waymark_protocol::Addressed;

    use super::*;

    fn told(body: &Value, headers: &[(&'static str, &'static str)]) -> (Task, Option<&'static str>) {
        let body = Bytes::from(body.to_string());
        let request = waymark_protocol::parse(Dialect::OpenAiChat, &body, &Addressed::default()).unwrap();
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let classified = classify(&request, &headers.collect());
        (classified.task, classified.rule)
    }

    fn chat(system: &str, tools: usize) -> Value {
        json!({"model": "m", "tools": vec![json!({"type": "function"}); tools], "messages": [
            {"role": "system", "content": system}, {"role": "user", "content": "hello"},
        ]})
    }

    #[test]
    fn sub_agents_say_so_in_headers() {
        let body = chat("You help.", 3);
        for (header, value, rule) in [
            ("x-claude-code-agent-id", "a7", "claude-code-subagent"),
            ("x-claude-code-parent-agent-id", "a7", "claude-code-subagent"),
            ("x-parent-session-id", "ses_1", "opencode-subagent"),
            ("x-openai-subagent", "collab_spawn", "codex-subagent"),
            ("x-openai-subagent", "review", "codex-subagent"),
            ("x-codex-parent-thread-id", "t", "codex-subagent"),
            ("x-interaction-type", "conversation-subagent", "vscode-subagent"),
        ] {
            assert_eq!(
                told(&body, &[(header, value)]),
                (Task::SubagentStep, Some(rule)),
                "{header}: {value}"
            );
        }
        let compact = told(&chat("You help.", 0), &[("x-openai-subagent", "compact")]);
        assert_eq!(compact, (Task::AgentStep, Some("codex-compaction")));
        for (header, value) in [
            ("x-interaction-type", "conversation-agent"),
            ("x-claude-code-session-id", "s"),
            ("x-session-id", "s"),
            ("x-initiator", "agent"),
        ] {
            assert_eq!(told(&body, &[(header, value)]), (Task::AgentStep, None), "{header}: {value}");
        }
    }

    #[test]
    fn a_title_is_a_utility_whoever_asks_and_a_compaction_belongs_to_its_agent() {
        let title = "You are a title generator. You output ONLY a thread title.";
        let compaction = "You are a context summarization agent. You are given a conversation.";
        let child = [("x-parent-session-id", "ses_1")];
        for headers in [&[][..], &child] {
            assert_eq!(told(&chat(title, 0), headers), (Task::Utility, Some("opencode-title")));
        }
        assert_eq!(told(&chat(compaction, 0), &[]), (Task::AgentStep, Some("opencode-compaction")));
        assert_eq!(told(&chat(compaction, 0), &child), (Task::SubagentStep, Some("opencode-subagent")));
        assert_eq!(told(&chat(title, 1), &[]), (Task::AgentStep, None));
        assert_eq!(told(&chat("Generate titles.", 0), &[]), (Task::Chat, None));
    }
}
