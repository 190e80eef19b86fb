//! Codex 0.169.0, with a model of which it knows that it patches files: `apply_patch` is a tool of free text.

use serde_json::{Value, json};

use super::script::{Deed, Outcome};
use super::{Answer, Call, FOLDER, KEY, Transcript, absolute, garbled, header};

const STOPPED: &str = "<turn_aborted>\nThe user interrupted the previous turn on purpose. Any running unified exec \
    processes may still be running in the background. If any tools/commands were aborted, they may have partially \
    executed.\n</turn_aborted>";
const COMPACT: &str = "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary for another LLM that \
    will resume the task.\n\nInclude:\n- Current progress and key decisions made\n- Important context, constraints, or \
    user preferences\n- What remains to be done (clear next steps)\n- Any critical data, examples, or references needed \
    to continue\n\nBe concise, structured, and focused on helping the next LLM seamlessly continue the work.";
const CONTINUED: &str = "Another language model started to solve this problem and produced a summary of its thinking \
    process. You also have access to the state of the tools that were used by that language model. Use this to build on \
    the work that has already been done and avoid duplicating work. Here is the summary produced by the other language \
    model, use the information in this summary to assist with your own analysis:\n";
const INSTRUCTIONS: &str = "You are a coding agent running in the Codex CLI, a terminal-based coding assistant. Codex CLI \
    is an open source project led by OpenAI. You are expected to be precise, safe, and helpful.";

/// The items so far.
pub(super) struct Items {
    model: String,
    session: Option<String>,
    items: Vec<Value>,
    calls: usize,
}

pub(super) fn headers(session: Option<&str>) -> Vec<(String, String)> {
    let mut headers = vec![
        header("accept", "text/event-stream"),
        header("authorization", &format!("Bearer {KEY}")),
        header("originator", "codex_cli_rs"),
        header(
            "user-agent",
            "codex_cli_rs/0.169.0 (Debian 12.0.0; x86_64) xterm-256color (codex_cli_rs; 0.169.0)",
        ),
        header("x-codex-beta-features", "remote_compaction_v2"),
    ];
    headers.extend(session.into_iter().flat_map(|session| {
        [
            header("session-id", session),
            header("thread-id", session),
            header("x-client-request-id", session),
            header("x-codex-window-id", &format!("{session}:0")),
        ]
    }));
    headers
}

impl Items {
    pub(super) fn new(model: &str, session: Option<&str>) -> Self {
        let environment = format!(
            "<environment_context>\n  <cwd>{FOLDER}</cwd>\n  <shell>bash</shell>\n  \
             <current_date>2026-11-27</current_date>\n  <timezone>Etc/UTC</timezone>\n</environment_context>"
        );
        let items = vec![
            message("developer", "input_text", INSTRUCTIONS),
            message("user", "input_text", &environment),
        ];
        Self { model: model.to_owned(), session: session.map(str::to_owned), items, calls: 0 }
    }

    fn call(&mut self, call: &Call) {
        let id = format!("call_{:04}", self.calls);
        self.calls += 1;
        let item_id = |kind: &str| format!("{kind}_{id}");
        let output = output(call);
        match made(&call.deed) {
            Made::Function(name, arguments) => {
                self.items.push(json!({"type": "function_call", "id": item_id("fc"), "status": "completed",
                    "name": name, "arguments": arguments, "call_id": id}));
                self.items.push(json!({"type": "function_call_output", "id": item_id("fco"), "call_id": id,
                    "output": output}));
            }
            Made::Patch(input) => {
                self.items
                    .push(json!({"type": "custom_tool_call", "id": item_id("ctc"), "status": "completed",
                    "call_id": id, "name": "apply_patch", "input": input}));
                self.items
                    .push(json!({"type": "custom_tool_call_output", "id": item_id("ctco"), "call_id": id,
                    "output": output}));
            }
        }
    }
}

impl Transcript for Items {
    fn user(&mut self, text: &str) {
        self.items.push(message("user", "input_text", text));
    }

    fn answer(&mut self, answer: &Answer) {
        let said = answer.text.iter().map(|text| message("assistant", "output_text", text));
        self.items.extend(said);
        answer.calls.iter().for_each(|call| self.call(call));
        let stops = |call: &Call| matches!(call.outcome, Outcome::Interrupted | Outcome::Rejected(_));
        if answer.calls.iter().any(stops) {
            self.interrupted();
        }
        let said = answer.calls.iter().filter_map(|call| match &call.outcome {
            Outcome::Rejected(said) => said.as_deref(),
            _ => None,
        });
        said.for_each(|said| self.items.push(message("user", "input_text", said)));
    }

    fn interrupted(&mut self) {
        self.user(STOPPED);
    }

    fn compact(&mut self, summary: &str) -> Value {
        self.user(COMPACT);
        let body = self.body();
        self.items.pop();
        // What the person said stays, and so does what stood before it.
        self.items.retain(|item| item["type"] == "message" && item["role"] != "assistant");
        self.user(&format!("{CONTINUED}{summary}"));
        body
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "model": self.model, "stream": true, "store": false, "input": self.items, "tools": tools(),
            "tool_choice": "auto", "parallel_tool_calls": true, "reasoning": {"effort": "medium", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
        });
        if let Some(session) = &self.session {
            body["prompt_cache_key"] = session.as_str().into();
            body["client_metadata"] = json!({"session_id": session, "thread_id": session,
                "x-codex-window-id": format!("{session}:0")});
        }
        body
    }
}

fn message(role: &str, kind: &str, text: &str) -> Value {
    json!({"type": "message", "role": role, "content": [{"type": kind, "text": text}]})
}

enum Made {
    Function(String, String),
    Patch(String),
}

fn made(deed: &Deed) -> Made {
    let function = |name: &str, arguments: Value| Made::Function(name.to_owned(), arguments.to_string());
    match deed {
        Deed::Run { command } => function("exec_command", json!({"cmd": command})),
        Deed::Edit { path, old, new } => {
            let lines = |sign: char, text: &str| {
                text.lines().map(|line| format!("{sign}{line}\n")).collect::<String>()
            };
            let (old, new) = (lines('-', old), lines('+', new));
            Made::Patch(format!("*** Begin Patch\n*** Update File: {path}\n@@\n{old}{new}*** End Patch\n"))
        }
        Deed::Write { path, text } => {
            let added: String = text.lines().map(|line| format!("+{line}\n")).collect();
            Made::Patch(format!("*** Begin Patch\n*** Add File: {path}\n{added}*** End Patch\n"))
        }
        Deed::Read { path } => function("exec_command", json!({"cmd": format!("cat {path}")})),
        Deed::Unknown { tool } => function(tool, json!({"input": "all"})),
        Deed::Garbled { command } => Made::Function("exec_command".to_owned(), garbled("cmd", command)),
        Deed::Incomplete { .. } => function("exec_command", json!({"command": "x"})),
    }
}

fn output(call: &Call) -> String {
    let Call { deed, outcome } = call;
    let is_patch = matches!(deed, Deed::Edit { .. } | Deed::Write { .. });
    match (outcome, deed) {
        (Outcome::Done { printed, code }, Deed::Run { .. } | Deed::Read { .. }) => ran(printed, *code),
        (Outcome::Done { .. }, Deed::Edit { path, .. }) => patched('M', path),
        (Outcome::Done { .. }, Deed::Write { path, .. }) => patched('A', path),
        (Outcome::Done { .. }, Deed::Unknown { tool }) => format!("unsupported call: {tool}"),
        (Outcome::Done { .. }, Deed::Garbled { command }) => {
            let column = garbled("cmd", command).len();
            format!(
                "failed to parse function arguments: EOF while parsing a string at line 1 column {column}"
            )
        }
        (Outcome::Done { .. }, Deed::Incomplete { .. }) => {
            "failed to parse function arguments: missing field `cmd` at line 1 column 15".to_owned()
        }
        (Outcome::TimedOut, _) => {
            "Chunk ID: 7cf8e3\nWall time: 30.0007 seconds\nProcess running with session ID \
            63405\nOriginal token count: 0\nOutput:\n"
                .to_owned()
        }
        (Outcome::NotFound | Outcome::Ambiguous, Deed::Edit { path, old, .. }) => format!(
            "apply_patch verification failed: Failed to find expected lines in {}:\n{old}",
            absolute(path)
        ),
        (Outcome::Missing, Deed::Edit { path, .. }) => format!(
            "apply_patch verification failed: Failed to read file to update {}: No such file or directory (os error 2)",
            absolute(path)
        ),
        (Outcome::Missing, Deed::Read { path }) => {
            ran(&format!("cat: {path}: No such file or directory\n"), 1)
        }
        (Outcome::Rejected(_), _) if is_patch => "patch rejected by user".to_owned(),
        (Outcome::Rejected(_), _) => "exec command rejected by user".to_owned(),
        (Outcome::Interrupted, _) => "Wall time: 4.2 seconds\naborted by user".to_owned(),
        (Outcome::NotFound | Outcome::Ambiguous | Outcome::Missing, deed) => {
            panic!("{outcome:?} of {deed:?}")
        }
    }
}

fn ran(printed: &str, code: i32) -> String {
    let tokens = printed.len().div_ceil(4);
    format!(
        "Chunk ID: 9da9ee\nWall time: 1.2034 seconds\nProcess exited with code {code}\nOriginal token count: \
         {tokens}\nOutput:\n{printed}"
    )
}

fn patched(how: char, path: &str) -> String {
    format!(
        "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess. Updated the following files:\n{how} {path}\n"
    )
}

fn tools() -> Value {
    let tool = |name: &str, arguments: &[&str], required: &[&str]| {
        let properties: serde_json::Map<String, Value> =
            arguments.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
        json!({"type": "function", "name": name, "description": name, "strict": false,
            "parameters": {"type": "object", "properties": properties, "required": required}})
    };
    json!([
        tool("exec_command", &["cmd", "workdir", "shell", "login", "tty", "yield_time_ms", "max_output_tokens"], &["cmd"]),
        tool("write_stdin", &["session_id", "chars", "yield_time_ms", "max_output_tokens"], &["session_id"]),
        tool("request_user_input", &["questions"], &["questions"]),
        {"type": "custom", "name": "apply_patch", "description": "Use the `apply_patch` tool to edit files.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch hunk+ end_patch"}},
        tool("view_image", &["path"], &["path"]),
        {"type": "web_search"},
    ])
}
