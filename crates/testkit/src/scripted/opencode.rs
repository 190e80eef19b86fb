//! opencode 1.18.33. It tells its model nothing of a command's exit code.

use serde_json::{Value, json};

use super::script::{Deed, Outcome};
use super::{Answer, Call, FOLDER, KEY, Transcript, absolute, garbled, header};

const TOOLS: &str = "bash, edit, glob, grep, invalid, read, skill, task, todowrite, webfetch, write";
const REJECTED: &str = "The user rejected permission to use this specific tool call";
const SUMMARIZE: &str = "You are a context summarization agent. You are given a conversation between a user and an \
    agent. Your goal is to produce a structured summary matching the format specified so another coding agent can \
    continue the work.";
const NEW_SUMMARY: &str = "Create a new anchored summary from the conversation history in the <conversation> tags above \
    so another coding agent can continue the work.\n\nRules:\n- Keep every section, even when empty.\n- Use terse \
    bullets, not prose paragraphs.\n- Preserve exact file paths, symbols, commands, error strings, URLs, and identifiers \
    when known.\n- Do not mention the summary process or that context was compacted.";
const SO_FAR: &str = "What did we do so far?";
const CONTINUE: &str =
    "Continue if you have next steps, or stop and ask for clarification if you are unsure how to proceed.";

/// The messages so far.
pub(super) struct Chat {
    model: String,
    messages: Vec<Value>,
    calls: usize,
}

pub(super) fn headers(session: Option<&str>) -> Vec<(String, String)> {
    let mut headers = vec![
        header("authorization", &format!("Bearer {KEY}")),
        header("user-agent", "opencode/1.18.33 ai-sdk/provider-utils/4.0.23 runtime/bun/1.3.14"),
        header("accept", "*/*"),
    ];
    headers.extend(
        session
            .into_iter()
            .flat_map(|session| [header("x-session-affinity", session), header("x-session-id", session)]),
    );
    headers
}

impl Chat {
    pub(super) fn new(model: &str) -> Self {
        let system = format!(
            "You are OpenCode, the best coding agent on the planet.\n\nYou are an interactive CLI tool that helps users \
             with software engineering tasks. Use the instructions below and the tools available to you to assist the \
             user.\n\n<env>\n  Working directory: {FOLDER}\n  Is directory a git repo: yes\n  Platform: linux\n</env>"
        );
        Self { model: model.to_owned(), messages: vec![said("system", &system)], calls: 0 }
    }

    /// The conversation as text: what is summed up.
    fn told(&self) -> String {
        let mut told = Vec::new();
        for message in &self.messages[1..] {
            let text = message["content"].as_str().unwrap_or_default();
            match message["role"].as_str() {
                Some("user") => told.push(format!("[User]: {text}")),
                Some("assistant") => told.push(format!("[Assistant]: {text}")),
                _ => told.push(format!("[Tool result]: {text}")),
            }
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let (name, arguments) = (&call["function"]["name"], &call["function"]["arguments"]);
                let (name, arguments) =
                    (name.as_str().unwrap_or_default(), arguments.as_str().unwrap_or_default());
                told.push(format!("[Assistant tool call]: {name}({arguments})"));
            }
        }
        told.join("\n\n")
    }
}

impl Transcript for Chat {
    fn user(&mut self, text: &str) {
        self.messages.push(said("user", text));
    }

    fn answer(&mut self, answer: &Answer) {
        let mut message = said("assistant", answer.text.as_deref().unwrap_or_default());
        let mut results = Vec::new();
        let mut calls = Vec::new();
        for call in &answer.calls {
            let id = format!("call_{:04}", self.calls);
            self.calls += 1;
            let (name, arguments) = made(&call.deed);
            calls.push(json!({"id": id, "type": "function",
                "function": {"name": name, "arguments": arguments.to_string()}}));
            results.push(json!({"role": "tool", "tool_call_id": id, "content": result(call)}));
        }
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        self.messages.push(message);
        self.messages.extend(results);
    }

    fn interrupted(&mut self) {}

    fn compact(&mut self, summary: &str) -> Value {
        let asked = format!(
            "Here is the conversation so far:\n\n<conversation>\n{}\n</conversation>\n\n{NEW_SUMMARY}",
            self.told()
        );
        let mut body = self.body();
        body["messages"] = json!([said("system", SUMMARIZE), said("user", &asked)]);
        if let Some(body) = body.as_object_mut() {
            body.remove("tools");
            body.remove("tool_choice");
        }
        self.messages.truncate(1);
        self.messages.extend([said("user", SO_FAR), said("assistant", summary), said("user", CONTINUE)]);
        body
    }

    fn body(&self) -> Value {
        json!({"model": self.model, "max_tokens": 8_000, "stream": true, "stream_options": {"include_usage": true},
            "messages": self.messages, "tools": tools(), "tool_choice": "auto"})
    }
}

fn said(role: &str, text: &str) -> Value {
    json!({"role": role, "content": text})
}

/// The tool's name and what it is given. What cannot be read as a call becomes one of the tool `invalid`.
fn made(deed: &Deed) -> (&str, Value) {
    match deed {
        Deed::Run { command } => ("bash", json!({"command": command, "description": "Runs a command"})),
        Deed::Edit { path, old, new } => {
            ("edit", json!({"filePath": absolute(path), "oldString": old, "newString": new}))
        }
        Deed::Write { path, text } => ("write", json!({"filePath": absolute(path), "content": text})),
        Deed::Read { path } => ("read", json!({"filePath": absolute(path)})),
        Deed::Unknown { tool } => ("invalid", json!({"tool": tool, "error": unavailable(tool)})),
        Deed::Garbled { command } => ("invalid", json!({"tool": "bash", "error": unparsed(command)})),
        Deed::Incomplete { path } => ("edit", json!({"filePath": absolute(path), "oldString": "x"})),
    }
}

fn unavailable(tool: &str) -> String {
    format!("Model tried to call unavailable tool '{tool}'. Available tools: {TOOLS}.")
}

fn unparsed(command: &str) -> String {
    format!(
        "Invalid input for tool bash: JSON parsing failed: Text: {}.\nError message: JSON Parse error: Unterminated string",
        garbled("command", command)
    )
}

fn result(call: &Call) -> String {
    let Call { deed, outcome } = call;
    let invalid = |error: String| format!("The arguments provided to the tool are invalid: {error}");
    match (outcome, deed) {
        (Outcome::Done { printed, .. }, Deed::Run { .. }) if printed.is_empty() => "(no output)".to_owned(),
        (Outcome::Done { printed, .. }, Deed::Run { .. }) => printed.clone(),
        (Outcome::Done { .. }, Deed::Edit { .. }) => "Edit applied successfully.".to_owned(),
        (Outcome::Done { .. }, Deed::Write { .. }) => "Wrote file successfully.".to_owned(),
        (Outcome::Done { printed, .. }, Deed::Read { path }) => shown(path, printed),
        (Outcome::Done { .. }, Deed::Unknown { tool }) => invalid(unavailable(tool)),
        (Outcome::Done { .. }, Deed::Garbled { command }) => invalid(unparsed(command)),
        (Outcome::Done { .. }, Deed::Incomplete { .. }) => "The edit tool was called with invalid arguments: \
            SchemaError(Missing key\n  at [\"newString\"]).\nPlease rewrite the input so it satisfies the expected schema."
            .to_owned(),
        (Outcome::TimedOut, _) => "(no output)\n\n<shell_metadata>\nshell tool terminated command after exceeding \
            timeout 120000 ms. If this command is expected to take longer and is not waiting for interactive input, retry \
            with a larger timeout value in milliseconds.\n</shell_metadata>"
            .to_owned(),
        (Outcome::NotFound, _) => "Could not find oldString in the file. It must match exactly, including whitespace, \
            indentation, and line endings."
            .to_owned(),
        (Outcome::Ambiguous, _) => {
            "Found multiple matches for oldString. Provide more surrounding context to make the match unique.".to_owned()
        }
        (Outcome::Missing, Deed::Read { path } | Deed::Edit { path, .. }) => {
            format!("File not found: {}", absolute(path))
        }
        (Outcome::Missing, deed) => panic!("no file for {deed:?}"),
        (Outcome::Rejected(None), _) => format!("{REJECTED}."),
        (Outcome::Rejected(Some(why)), _) => format!("{REJECTED} with the following feedback: {why}"),
        (Outcome::Interrupted, _) => "[Tool execution was interrupted]".to_owned(),
    }
}

fn shown(path: &str, text: &str) -> String {
    let lines = text.lines().enumerate().map(|(number, line)| format!("{}: {line}\n", number + 1));
    let (lines, count) = (lines.collect::<String>(), text.lines().count());
    format!(
        "<path>{}</path>\n<type>file</type>\n<content>\n{lines}\n(End of file - total {count} lines)\n</content>",
        absolute(path)
    )
}

fn tools() -> Value {
    let tool = |name: &str, arguments: &[&str], required: &[&str]| {
        let properties: serde_json::Map<String, Value> =
            arguments.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
        json!({"type": "function", "function": {"name": name, "description": name,
            "parameters": {"type": "object", "properties": properties, "required": required}}})
    };
    json!([
        tool("bash", &["command", "timeout", "workdir", "description"], &["command"]),
        tool(
            "edit",
            &["filePath", "oldString", "newString", "replaceAll"],
            &["filePath", "oldString", "newString"]
        ),
        tool("glob", &["pattern", "path"], &["pattern"]),
        tool("grep", &["pattern", "path", "include"], &["pattern"]),
        tool("read", &["filePath", "offset", "limit"], &["filePath"]),
        tool(
            "task",
            &["description", "prompt", "subagent_type"],
            &["description", "prompt", "subagent_type"]
        ),
        tool("todowrite", &["todos"], &["todos"]),
        tool("write", &["content", "filePath"], &["content", "filePath"]),
    ])
}
