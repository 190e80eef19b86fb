//! Claude Code: Anthropic's messages.

use serde_json::{Value, json};
use waymark_testkit::ToolCall;

use super::turn::Turn;
use super::{Answer, Asked, header};

pub(super) fn asks(turn: &Turn, model: &str) -> Asked {
    let mut messages = vec![json!({"role": "user", "content": [
        {"type": "text", "text": "<system-reminder>\nAs you answer the user's questions, you can use the following \
            context:\n# currentDate\nToday's date is 2026-11-27.\n</system-reminder>\n"},
        {"type": "text", "text": turn.task},
    ]})];
    if !turn.is_new() {
        messages.push(json!({"role": "assistant", "content": [
            {"type": "text", "text": "I'll look at the file first."},
            {"type": "tool_use", "id": "toolu_0001", "name": "Read", "input": {"file_path": turn.absolute()}},
        ]}));
        let lines = turn.before.iter().enumerate();
        let numbered: Vec<String> = lines.map(|(at, line)| format!("{:>6}\t{line}", at + 1)).collect();
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_0001", "content": numbered.join("\n")},
        ]}));
    }
    let system = format!(
        "\nYou are an interactive agent that helps users with software engineering tasks.\n\n# Environment\n - Primary \
         working directory: {}\n - Is a git repository: true\n - Platform: linux",
        turn.folder()
    );
    let body = json!({
        "model": model, "max_tokens": 32_000, "stream": true, "tools": tools(), "messages": messages,
        "system": [
            {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude."},
            {"type": "text", "text": system, "cache_control": {"type": "ephemeral"}},
        ],
    });
    let headers = vec![
        header("user-agent", "claude-cli/2.1.197 (external, cli)"),
        header("anthropic-version", "2023-06-01"),
        header("x-api-key", "client-key"),
        header("x-app", "cli"),
        header("x-claude-code-session-id", &turn.session),
    ];
    Asked { path: "/v1/messages?beta=true", headers, body }
}

/// The whole file.
pub(super) fn writes(turn: &Turn) -> Answer {
    let input = json!({"file_path": turn.absolute(), "content": turn.written()});
    Answer::Calls(vec![ToolCall::new("toolu_0002", "Write", &input)])
}

/// One edit for each change, or all of them in one call.
pub(super) fn edits(turn: &Turn) -> Answer {
    let edits = turn.swaps();
    if edits.len() > 1 && turn.style.is_multiple_of(3) {
        let edits: Vec<Value> = edits
            .iter()
            .map(|(old, new)| json!({"old_string": old, "new_string": new, "replace_all": false}))
            .collect();
        let input = json!({"file_path": turn.absolute(), "edits": edits});
        return Answer::Calls(vec![ToolCall::new("toolu_0002", "MultiEdit", &input)]);
    }
    let calls = edits.iter().enumerate().map(|(number, (old, new))| {
        let input =
            json!({"replace_all": false, "file_path": turn.absolute(), "old_string": old, "new_string": new});
        ToolCall::new(&format!("toolu_{:04}", number + 2), "Edit", &input)
    });
    Answer::Calls(calls.collect())
}

fn tools() -> Value {
    let tool = |name: &str, arguments: &[&str], required: &[&str]| {
        let properties: serde_json::Map<String, Value> =
            arguments.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        json!({"name": name, "description": name, "input_schema": {"type": "object", "properties": properties,
            "required": required}})
    };
    json!([
        tool("Bash", &["command", "timeout", "description"], &["command"]),
        tool(
            "Edit",
            &["file_path", "old_string", "new_string", "replace_all"],
            &["file_path", "old_string", "new_string"]
        ),
        tool("MultiEdit", &["file_path", "edits"], &["file_path", "edits"]),
        tool("Read", &["file_path", "offset", "limit"], &["file_path"]),
        tool("Write", &["file_path", "content"], &["file_path", "content"]),
    ])
}
