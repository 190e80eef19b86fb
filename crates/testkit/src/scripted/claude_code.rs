//! Claude Code 2.1.197.

use serde_json::{Value, json};

use super::script::{Deed, Outcome};
use super::{Answer, Call, FOLDER, KEY, Transcript, absolute, garbled, header};

const REJECTED: &str = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a \
    file edit, the new_string was NOT written to the file).";
const REJECTED_ALONE: &str = "STOP what you are doing and wait for the user to tell you how to proceed.";
const REJECTED_SAYING: &str = "To tell you how to proceed, the user said:";
const STOPPED: &str = "[Request interrupted by user]";
const STOPPED_CALL: &str = "[Request interrupted by user for tool use]";
const RESUME: &str = "Output token limit hit. Resume directly — no apology, no recap of what you were doing. Pick up \
    mid-thought if that is where the cut happened. Break remaining work into smaller pieces.";
const COMPACT: &str = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- Do NOT use Read, Bash, Grep, Glob, \
    Edit, Write, or ANY other tool.\n- You already have all the context you need in the conversation above.\n- Tool \
    calls will be REJECTED and will waste your only turn — you will fail the task.\n\nYour task is to create a detailed \
    summary of the conversation so far, paying close attention to the user's explicit requests and your previous actions.";
const CONTINUED: &str = "This session is being continued from a previous conversation that ran out of context. The \
    summary below covers the earlier portion of the conversation.\n\nSummary:\n";
const CONTINUE: &str = "Continue the conversation from where it left off without asking the user any further questions. \
    Resume directly — do not acknowledge the summary, do not recap what was happening, do not preface with \"I'll \
    continue\" or similar. Pick up the last task as if the break never happened.";
const UP_TO_DATE: &str = "(file state is current in your context — no need to Read it back)";
const CONTEXT: &str = "<system-reminder>\nAs you answer the user's questions, you can use the following context:\n# \
    currentDate\nToday's date is 2026-11-27.\n\n      IMPORTANT: this context may or may not be relevant to your tasks. \
    You should not respond to this context unless it is highly relevant to your task.\n</system-reminder>\n\n";
const REMINDER: &str = "\n\n<system-reminder>\nThe task tools haven't been used recently. If you're working on tasks \
    that would benefit from tracking progress, consider using TaskCreate to add new tasks and TaskUpdate to update task \
    status (set to in_progress when starting, completed when done). Only use these if relevant to the current work. This \
    is just a gentle reminder - ignore if not applicable.\n\n</system-reminder>";
/// After so many calls without a task the reminder comes.
const REMINDED_AFTER: usize = 10;

/// The messages so far.
pub(super) struct Messages {
    model: String,
    session: Option<String>,
    messages: Vec<Value>,
    calls: usize,
}

pub(super) fn headers(session: Option<&str>) -> Vec<(String, String)> {
    let mut headers = vec![
        header("accept", "application/json"),
        header("user-agent", "claude-cli/2.1.197 (external, cli)"),
        header("x-stainless-lang", "js"),
        header("x-stainless-package-version", "0.94.0"),
        header("x-stainless-retry-count", "0"),
        header(
            "anthropic-beta",
            "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27",
        ),
        header("anthropic-version", "2023-06-01"),
        header("x-api-key", KEY),
        header("x-app", "cli"),
    ];
    headers.extend(session.map(|session| header("x-claude-code-session-id", session)));
    headers
}

impl Messages {
    pub(super) fn new(model: &str, session: Option<&str>) -> Self {
        Self { model: model.to_owned(), session: session.map(str::to_owned), messages: Vec::new(), calls: 0 }
    }

    /// Adds to the user's message: two in a row are one.
    fn add(&mut self, blocks: Vec<Value>) {
        if let Some(message) = self.messages.last_mut()
            && message["role"] == "user"
            && let Some(content) = message["content"].as_array_mut()
        {
            content.extend(blocks);
            return;
        }
        self.messages.push(json!({"role": "user", "content": blocks}));
    }

    fn result(&mut self, id: &str, call: &Call) -> Value {
        let mut result = match &call.outcome {
            Outcome::Done { printed, code } => done(&call.deed, printed, *code),
            other => error(&went_wrong(&call.deed, other)),
        };
        result["type"] = "tool_result".into();
        result["tool_use_id"] = id.into();
        self.calls += 1;
        if self.calls == REMINDED_AFTER
            && let Some(text) = result["content"].as_str()
        {
            result["content"] = format!("{text}{REMINDER}").into();
        }
        result
    }
}

impl Transcript for Messages {
    fn user(&mut self, said: &str) {
        let first = if self.messages.is_empty() { vec![text(CONTEXT)] } else { Vec::new() };
        self.add(first.into_iter().chain([text(said)]).collect());
    }

    fn answer(&mut self, answer: &Answer) {
        let ids: Vec<String> =
            (0..answer.calls.len()).map(|number| format!("toolu_{:04}", self.calls + number)).collect();
        let uses = answer.calls.iter().zip(&ids).map(|(call, id)| {
            let (name, input) = made(&call.deed);
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        });
        let said = answer.text.iter().map(|said| text(said));
        self.messages.push(json!({"role": "assistant", "content": said.chain(uses).collect::<Vec<_>>()}));
        let mut results: Vec<Value> =
            answer.calls.iter().zip(&ids).map(|(call, id)| self.result(id, call)).collect();
        if !answer.calls.is_empty() && !answer.goes_on() {
            results.push(text(STOPPED_CALL));
        }
        if answer.is_cut {
            results.push(text(RESUME));
        }
        if !results.is_empty() {
            self.add(results);
        }
    }

    fn interrupted(&mut self) {
        self.add(vec![text(STOPPED)]);
    }

    fn compact(&mut self, summary: &str) -> Value {
        self.add(vec![text(COMPACT)]);
        let body = self.body();
        self.messages.clear();
        self.add(vec![text(CONTEXT), text(&format!("{CONTINUED}{summary}\n\n{CONTINUE}"))]);
        body
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "model": self.model, "max_tokens": 32_000, "stream": true, "tools": tools(), "messages": self.messages,
            "system": [
                text("x-anthropic-billing-header: cc_version=2.1.197.8a5; cc_entrypoint=cli;"),
                {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude.",
                    "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": format!("\nYou are an interactive agent that helps users with software \
                    engineering tasks. Use the instructions below and the tools available to you to assist the user.\n\n\
                    # Environment\n - Primary working directory: {FOLDER}\n - Is a git repository: true\n - Platform: \
                    linux"), "cache_control": {"type": "ephemeral"}},
            ],
        });
        if let Some(session) = &self.session {
            let user = json!({"device_id": "9803d936c3035eab9dfe7d74ec81b3b1", "account_uuid": "", "session_id": session});
            body["metadata"] = json!({"user_id": user.to_string()});
        }
        body
    }
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn error(text: &str) -> Value {
    json!({"content": text, "is_error": true})
}

/// The tool's name and what it is given.
fn made(deed: &Deed) -> (&str, Value) {
    match deed {
        Deed::Run { command } => ("Bash", json!({"command": command, "description": "Runs a command"})),
        Deed::Edit { path, old, new } => (
            "Edit",
            json!({"replace_all": false, "file_path": absolute(path), "old_string": old, "new_string": new}),
        ),
        Deed::Write { path, text } => ("Write", json!({"file_path": absolute(path), "content": text})),
        Deed::Read { path } => ("Read", json!({"file_path": absolute(path)})),
        Deed::Unknown { tool } => (tool, json!({"input": "all"})),
        Deed::Garbled { command } => {
            let raw = garbled("command", command);
            let length = raw.len();
            ("Bash", json!({"__unparsedToolInput": {"raw": raw, "len": length}}))
        }
        Deed::Incomplete { path } => ("Edit", json!({"file_path": absolute(path), "old_string": "x"})),
    }
}

fn done(deed: &Deed, printed: &str, code: i32) -> Value {
    match deed {
        Deed::Run { .. } if code != 0 => error(format!("Exit code {code}\n{printed}").trim_end()),
        Deed::Run { .. } if printed.is_empty() => {
            json!({"content": "(Bash completed with no output)", "is_error": false})
        }
        Deed::Run { .. } => json!({"content": printed, "is_error": false}),
        Deed::Edit { path, .. } => {
            json!({"content": format!("The file {} has been updated successfully. {UP_TO_DATE}", absolute(path))})
        }
        Deed::Write { path, .. } => {
            json!({"content": format!("File created successfully at: {} {UP_TO_DATE}", absolute(path))})
        }
        Deed::Read { .. } => {
            let numbered =
                printed.split('\n').enumerate().map(|(number, line)| format!("{}\t{line}", number + 1));
            json!({"content": numbered.collect::<Vec<_>>().join("\n")})
        }
        Deed::Unknown { tool } => {
            error(&format!("<tool_use_error>Error: No such tool available: {tool}</tool_use_error>"))
        }
        Deed::Garbled { command } => {
            let raw = garbled("command", command);
            let length = raw.len();
            error(&format!(
                "<tool_use_error>InputValidationError: Bash was called with input that could not be parsed as JSON.\n\
                 You sent (first {length} of {length} bytes): {raw}\nCommon causes: unescaped backslashes in file paths \
                 (use / or \\\\), unescaped control characters, or truncated output. Retry with valid \
                 JSON.</tool_use_error>"
            ))
        }
        Deed::Incomplete { .. } => error(
            "<tool_use_error>InputValidationError: Edit failed due to the following issue:\nThe required parameter \
             `new_string` is missing</tool_use_error>",
        ),
    }
}

fn went_wrong(deed: &Deed, outcome: &Outcome) -> String {
    let old = if let Deed::Edit { old, .. } = deed { old } else { "" };
    match outcome {
        Outcome::Done { .. } => String::new(),
        Outcome::TimedOut => "Exit code 143\nCommand timed out after 2m 0s".to_owned(),
        Outcome::NotFound => {
            format!("<tool_use_error>String to replace not found in file.\nString: {old}</tool_use_error>")
        }
        Outcome::Ambiguous => format!(
            "<tool_use_error>Found 2 matches of the string to replace, but replace_all is false. To replace all \
             occurrences, set replace_all to true. To replace only one occurrence, please provide more context to \
             uniquely identify the instance.\nString: {old}</tool_use_error>"
        ),
        Outcome::Missing => format!("File does not exist. Note: your current working directory is {FOLDER}."),
        Outcome::Rejected(None) | Outcome::Interrupted => format!("{REJECTED} {REJECTED_ALONE}"),
        Outcome::Rejected(Some(why)) => format!("{REJECTED} {REJECTED_SAYING}\n{why}"),
    }
}

fn tools() -> Value {
    let tool = |name: &str, arguments: &[&str], required: &[&str]| {
        let properties: serde_json::Map<String, Value> =
            arguments.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
        json!({"name": name, "description": name, "input_schema": {"type": "object", "properties": properties,
            "required": required}})
    };
    json!([
        tool("Agent", &["description", "prompt", "subagent_type"], &["description", "prompt"]),
        tool("Bash", &["command", "timeout", "description", "run_in_background"], &["command"]),
        tool(
            "Edit",
            &["file_path", "old_string", "new_string", "replace_all"],
            &["file_path", "old_string", "new_string"]
        ),
        tool("Read", &["file_path", "offset", "limit", "pages"], &["file_path"]),
        tool("TaskCreate", &["subject", "description", "activeForm"], &["subject", "description"]),
        tool("WebFetch", &["url", "prompt"], &["url", "prompt"]),
        tool("Write", &["file_path", "content"], &["file_path", "content"]),
    ])
}
