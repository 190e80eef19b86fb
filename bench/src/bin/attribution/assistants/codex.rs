//! Codex: OpenAI's Responses.

use serde_json::{Value, json};
use waymark_testkit::ToolCall;

use super::turn::{Turn, joined};
use super::{Answer, Asked, blocks, header};

pub(super) fn asks(turn: &Turn, model: &str) -> Asked {
    let environment = format!(
        "<environment_context>\n  <cwd>{}</cwd>\n  <shell>bash</shell>\n  <current_date>2026-11-27</current_date>\n\
         </environment_context>",
        turn.folder()
    );
    let mut input = vec![
        message(
            "developer",
            "You are a coding agent running in the Codex CLI, a terminal-based coding assistant.",
        ),
        message("user", &environment),
        message("user", &turn.task),
    ];
    if !turn.is_new() {
        let arguments = json!({"cmd": format!("cat {}", turn.path)}).to_string();
        let output = format!(
            "Chunk ID: 9da9ee\nWall time: 0.0034 seconds\nProcess exited with code 0\nOriginal token count: \
             {}\nOutput:\n{}",
            turn.text().len().div_ceil(4),
            turn.text()
        );
        input.push(
            json!({"type": "function_call", "id": "fc_1", "status": "completed", "name": "exec_command",
            "arguments": arguments, "call_id": "call_0001"}),
        );
        input.push(
            json!({"type": "function_call_output", "id": "fco_1", "call_id": "call_0001", "output": output}),
        );
    }
    let body = json!({
        "model": model, "stream": true, "store": false, "input": input, "tools": tools(), "tool_choice": "auto",
        "parallel_tool_calls": true, "reasoning": {"effort": "medium", "summary": "auto"},
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": turn.session,
    });
    let headers = vec![
        header("authorization", "Bearer client-key"),
        header("originator", "codex_cli_rs"),
        header(
            "user-agent",
            "codex_cli_rs/0.169.0 (Debian 12.0.0; x86_64) xterm-256color (codex_cli_rs; 0.169.0)",
        ),
        header("session-id", &turn.session),
        header("thread-id", &turn.session),
    ];
    Asked { path: "/v1/responses", headers, body }
}

/// The patch as a tool of free text, or through the shell.
pub(super) fn patches(turn: &Turn) -> Answer {
    let patch = blocks::patch(turn);
    Answer::Calls(vec![match turn.style % 4 {
        0 => shell(&format!("apply_patch <<'PATCH'\n{patch}PATCH\n"), turn),
        _ => ToolCall::custom("call_0002", "apply_patch", &patch),
    }])
}

/// The file as a here-document, or what is added at its end.
pub(super) fn runs(turn: &Turn) -> Answer {
    let is_appended =
        turn.is_at_the_end() && !turn.is_new() && (turn.style.is_multiple_of(2) || turn.before.len() > 200);
    let (sign, text) =
        if is_appended { (">>", joined(&turn.pieces[0].added)) } else { (">", turn.written()) };
    let word = if text.lines().any(|line| line == "EOF") { "END_OF_FILE" } else { "EOF" };
    let command = match turn.style % 3 {
        0 => format!("cat {sign} {} <<'{word}'\n{text}{word}\n", turn.path),
        1 => format!("cat <<'{word}' {sign} {}\n{text}{word}\n", turn.path),
        _ if sign == ">" => {
            format!("mkdir -p \"$(dirname {0})\" && tee {0} >/dev/null <<'{word}'\n{text}{word}\n", turn.path)
        }
        _ => format!("tee -a {} >/dev/null <<'{word}'\n{text}{word}\n", turn.path),
    };
    Answer::Calls(vec![shell(&command, turn)])
}

fn shell(command: &str, turn: &Turn) -> ToolCall {
    if turn.style.is_multiple_of(5) {
        let arguments = json!({"command": ["bash", "-lc", command], "workdir": turn.folder()});
        return ToolCall::new("call_0002", "shell", &arguments);
    }
    ToolCall::new("call_0002", "exec_command", &json!({"cmd": command, "workdir": turn.folder()}))
}

fn message(role: &str, text: &str) -> Value {
    json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]})
}

fn tools() -> Value {
    let tool = |name: &str, arguments: &[&str], required: &[&str]| {
        let properties: serde_json::Map<String, Value> =
            arguments.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        json!({"type": "function", "name": name, "description": name, "strict": false,
            "parameters": {"type": "object", "properties": properties, "required": required}})
    };
    json!([
        tool("exec_command", &["cmd", "workdir", "yield_time_ms"], &["cmd"]),
        tool("shell", &["command", "workdir"], &["command"]),
        {"type": "custom", "name": "apply_patch", "description": "Use the `apply_patch` tool to edit files.",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch hunk+ end_patch"}},
    ])
}
