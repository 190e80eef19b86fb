//! Who asks, from which conversation, and for what kind of work: told from headers and shape alone.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};
use waymark_protocol::{Request, instruction_dialogue};
use waymark_routing::Shape;
use waymark_types::{Dialect, Task};

/// Texts from outside are cut to this many characters before they enter a record.
const LONGEST: usize = 200;

/// Headers that name a conversation, the most specific first. Claude Code, Codex, opencode, others.
const SESSION: [&str; 4] = ["x-claude-code-session-id", "session-id", "x-session-affinity", "x-session-id"];

/// Headers that only an agent started by another agent sends. Claude Code, opencode.
const PARENT: [&str; 2] = ["x-claude-code-agent-id", "x-parent-session-id"];

/// Who asks.
pub(super) struct Caller {
    pub(super) principal: String,
    pub(super) client: Option<String>,
    pub(super) session: Option<String>,
}

/// Tells the caller from the request's headers. Without virtual keys everyone on this machine is one principal, and
/// of everyone else nothing is known.
pub(super) fn identify(headers: &HeaderMap, listen: SocketAddr) -> Caller {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(shortened);
    Caller {
        principal: if listen.ip().is_loopback() { "local" } else { "unknown" }.to_owned(),
        client: text(header::USER_AGENT.as_str()),
        session: SESSION.iter().find_map(|name| text(name)),
    }
}

/// Tells the kind of work from the request's shape.
pub(super) fn classify(request: &Request, headers: &HeaderMap) -> Task {
    let endpoint = match request.dialect {
        Dialect::OpenAiImages => Some(Task::Image),
        Dialect::OpenAiTranscriptions => Some(Task::Transcription),
        Dialect::OpenAiSpeech => Some(Task::Speech),
        dialect if dialect.is_embedding() => Some(Task::Embedding),
        dialect if dialect.is_completion() && shape(request) != Shape::Instruction => Some(Task::Completion),
        _ => None,
    };
    if let Some(task) = endpoint {
        task
    } else if PARENT.iter().any(|name| headers.contains_key(*name)) {
        Task::SubagentStep
    } else if request.tools > 0 {
        Task::AgentStep
    } else {
        Task::Chat
    }
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

/// A text from outside, short enough for a record.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
