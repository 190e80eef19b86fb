//! Everybody who asks in OpenAI's chat: opencode, Cline, Continue, Copilot in VS Code, Zed, aider, and plain chats.

use serde_json::{Value, json};
use waymark_testkit::ToolCall;

use super::turn::{Quote, Turn};
use super::{Answer, Asked, Assistant, blocks, header};

const AIDER: [&str; 3] = ["<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"];
const CLINE: [&str; 3] = ["------- SEARCH", "=======", "+++++++ REPLACE"];

pub(super) fn asks(assistant: Assistant, turn: &Turn, model: &str) -> Asked {
    let mut messages = vec![said("system", &system(assistant, turn))];
    match assistant {
        Assistant::ClineWrite | Assistant::ClineReplace if is_cline_of_text(turn) => {
            messages.push(said("user", &format!("<task>\n{}\n</task>", turn.task)));
            if !turn.is_new() {
                messages.push(said(
                    "assistant",
                    &format!("<read_file>\n<path>{}</path>\n</read_file>", turn.path),
                ));
                let shown = format!("[read_file for '{}'] Result:\n{}", turn.path, turn.text());
                messages.push(said("user", &shown));
            }
        }
        Assistant::AiderBlocks => {
            if !turn.is_new() {
                let shown = blocks::fence("", &turn.text());
                messages.push(said("user", &format!(
                    "I have *added these files to the chat* so you can go ahead and edit them.\n\n{}\n{shown}", turn.path
                )));
                messages.push(said("assistant", "Ok, any changes I propose will be to those files."));
            }
            messages.push(said("user", &turn.task));
        }
        Assistant::ChatDiff | Assistant::ChatFence => {
            let shown = blocks::fence(blocks::language(&turn.path), &turn.text());
            let shown =
                if turn.is_new() { String::new() } else { format!("This is `{}`:\n\n{shown}\n", turn.path) };
            messages.push(said("user", &format!("{shown}{}", turn.task)));
        }
        Assistant::ZedEdit if is_zed_of_text(turn) => {
            messages
                .push(said("user", &format!("{}\n\n{}", turn.task, blocks::fence(&turn.path, &turn.text()))));
            messages.push(said(
                "user",
                &format!(
                    "Edit the file `{}`: <edit_description>{}</edit_description>. Say it \
                in <edits> with <old_text> and <new_text>.",
                    turn.path, turn.task
                ),
            ));
        }
        _ => {
            messages.push(said("user", &turn.task));
            if !turn.is_new() {
                messages.extend(reads(assistant, turn));
            }
        }
    }
    let mut body = json!({"model": model, "stream": true, "stream_options": {"include_usage": true},
        "messages": messages});
    let tools = tools(assistant);
    if !tools.is_empty() {
        body["tools"] = tools.into();
    }
    Asked { path: "/v1/chat/completions", headers: headers(assistant, turn), body }
}

pub(super) fn answer(assistant: Assistant, turn: &Turn) -> Answer {
    let quotes = turn.quotes().unwrap_or_default();
    let call =
        |name: &str, arguments: Value| Answer::Calls(vec![ToolCall::new("call_0002", name, &arguments)]);
    match assistant {
        Assistant::OpencodeWrite => {
            call("write", json!({"filePath": turn.absolute(), "content": turn.written()}))
        }
        Assistant::OpencodeEdit => calls(&turn.swaps(), |old, new| {
            ("edit", json!({"filePath": turn.absolute(), "oldString": old, "newString": new}))
        }),
        Assistant::ClineWrite if is_cline_of_text(turn) => Answer::Text(format!(
            "I'll write the file.\n\n<write_to_file>\n<path>{}</path>\n<content>\n{}</content>\n</write_to_file>",
            turn.path,
            turn.written()
        )),
        Assistant::ClineWrite => {
            call("write_to_file", json!({"absolutePath": turn.absolute(), "content": turn.written()}))
        }
        Assistant::ClineReplace => {
            let diff: String = quotes.iter().map(|quote| blocks::search_replace(CLINE, quote)).collect();
            if is_cline_of_text(turn) {
                return Answer::Text(format!(
                    "<replace_in_file>\n<path>{}</path>\n<diff>\n{diff}</diff>\n</replace_in_file>",
                    turn.path
                ));
            }
            call("replace_in_file", json!({"absolutePath": turn.absolute(), "diff": diff}))
        }
        Assistant::ContinueEdit if turn.is_new() => {
            call("create_new_file", json!({"filepath": turn.path, "contents": turn.written()}))
        }
        Assistant::ContinueEdit if turn.style.is_multiple_of(2) => {
            call("edit_existing_file", json!({"filepath": turn.path, "changes": blocks::elided(turn)}))
        }
        Assistant::ContinueEdit => calls(&turn.swaps(), |old, new| {
            ("single_find_and_replace", json!({"filepath": turn.path, "old_string": old, "new_string": new}))
        }),
        Assistant::CopilotCreate => {
            call("create_file", json!({"filePath": turn.absolute(), "content": turn.written()}))
        }
        Assistant::CopilotReplace => copilot(turn),
        Assistant::ZedEdit => zed(turn, &quotes),
        Assistant::AiderBlocks => aider(turn, &quotes),
        Assistant::ChatDiff => Answer::Text(format!(
            "This does it:\n\n{}\nTell me whether it works.",
            blocks::fence("diff", &blocks::diff(turn))
        )),
        _ => Answer::Text(fences(turn)),
    }
}

fn calls<'a>(swaps: &[(String, String)], made: impl Fn(&str, &str) -> (&'a str, Value)) -> Answer {
    let calls = swaps.iter().enumerate().map(|(number, (old, new))| {
        let (name, arguments) = made(old, new);
        ToolCall::new(&format!("call_{:04}", number + 2), name, &arguments)
    });
    Answer::Calls(calls.collect())
}

fn copilot(turn: &Turn) -> Answer {
    let swaps = turn.swaps();
    let replaces = |old: &str, new: &str| json!({"explanation": "Does what was asked for.", "filePath": turn.absolute(), "oldString": old, "newString": new});
    match turn.style % 4 {
        0 => {
            let code = blocks::elided(turn);
            let arguments = json!({"explanation": "Does it.", "filePath": turn.absolute(), "code": code});
            Answer::Calls(vec![ToolCall::new("call_0002", "insert_edit_into_file", &arguments)])
        }
        1 if swaps.len() > 1 => {
            let replacements: Vec<Value> = swaps.iter().map(|(old, new)| replaces(old, new)).collect();
            let arguments = json!({"explanation": "Does it.", "replacements": replacements});
            Answer::Calls(vec![ToolCall::new("call_0002", "multi_replace_string_in_file", &arguments)])
        }
        _ => calls(&swaps, |old, new| ("replace_string_in_file", replaces(old, new))),
    }
}

fn zed(turn: &Turn, quotes: &[Quote]) -> Answer {
    if is_zed_of_text(turn) {
        let edits = quotes.iter().map(|quote| {
            format!(
                "<old_text>\n{}\n</old_text>\n<new_text>\n{}\n</new_text>\n",
                quote.old.join("\n"),
                quote.new.join("\n")
            )
        });
        return Answer::Text(format!("<edits>\n{}</edits>\n", edits.collect::<String>()));
    }
    let path = format!("{}/{}", turn.repository, turn.path);
    let arguments = if turn.is_new() {
        json!({"display_description": "Write it", "path": path, "mode": "create", "content": turn.written()})
    } else {
        let edits: Vec<Value> = quotes
            .iter()
            .map(|quote| json!({"old_text": quote.old.join("\n"), "new_text": quote.new.join("\n")}))
            .collect();
        json!({"display_description": "Change it", "path": path, "mode": "edit", "edits": edits})
    };
    Answer::Calls(vec![ToolCall::new("call_0002", "edit_file", &arguments)])
}

fn aider(turn: &Turn, quotes: &[Quote]) -> Answer {
    let whole = Quote { old: Vec::new(), new: turn.after() };
    let quotes = if turn.is_new() { std::slice::from_ref(&whole) } else { quotes };
    let language = blocks::language(&turn.path);
    let blocks = quotes.iter().map(|quote| {
        format!("{}\n{}\n", turn.path, blocks::fence(language, &blocks::search_replace(AIDER, quote)))
    });
    Answer::Text(format!("Here is the change.\n\n{}", blocks.collect::<String>()))
}

/// Code in fences, the file named in the words before, in the fence, or nowhere.
fn fences(turn: &Turn) -> String {
    let language = blocks::language(&turn.path);
    let context = turn.style / 5 % 3;
    let fences = (0..turn.pieces.len()).map(|number| {
        let text = turn.around(number, context).join("\n");
        match turn.style % 5 {
            0 => format!("You could do it like this:\n\n{}", blocks::fence(language, &text)),
            1 => blocks::fence(&format!("{language} {}", turn.path), &text),
            2 => format!("**{}**\n\n{}", turn.path, blocks::fence(language, &text)),
            _ => format!("In `{}`:\n\n{}", turn.path, blocks::fence(language, &text)),
        }
    });
    fences.collect::<Vec<_>>().join("\n")
}

/// Whether Cline's tools are written as text, as models without calls of tools do it.
fn is_cline_of_text(turn: &Turn) -> bool {
    turn.style.is_multiple_of(2)
}

/// Whether Zed asks for the edit by itself, to be said in text.
fn is_zed_of_text(turn: &Turn) -> bool {
    turn.style.is_multiple_of(3) && !turn.is_new()
}

fn system(assistant: Assistant, turn: &Turn) -> String {
    let folder = turn.folder();
    match assistant {
        Assistant::OpencodeWrite | Assistant::OpencodeEdit => format!(
            "You are OpenCode, the best coding agent on the planet.\n\n<env>\n  Working directory: {folder}\n  Is directory \
             a git repo: yes\n  Platform: linux\n</env>"
        ),
        Assistant::ClineWrite | Assistant::ClineReplace => format!(
            "You are Cline, a highly skilled software engineer.\n\nSYSTEM INFORMATION\n\nCurrent Working Directory: \
             {folder}\n\n# Current Working Directory ({folder}) Files\n{}",
            turn.path
        ),
        Assistant::CopilotCreate | Assistant::CopilotReplace => format!(
            "You are an expert AI programming assistant, working with a user in the VS Code editor.\n\nI am working in a \
             workspace with the following folders:\n- {folder}"
        ),
        Assistant::AiderBlocks => {
            "Act as an expert software developer. Describe each change with a *SEARCH/REPLACE block*."
                .to_owned()
        }
        Assistant::ContinueEdit => "You are in agent mode.".to_owned(),
        Assistant::ZedEdit => "You are a highly skilled software engineer in the Zed editor.".to_owned(),
        _ => "You are a helpful assistant.".to_owned(),
    }
}

fn headers(assistant: Assistant, turn: &Turn) -> Vec<(String, String)> {
    let agent = match assistant {
        Assistant::OpencodeWrite | Assistant::OpencodeEdit => "opencode/1.18.33",
        Assistant::ClineWrite | Assistant::ClineReplace => "Cline/3.40.0",
        Assistant::CopilotCreate | Assistant::CopilotReplace => "GitHubCopilotChat/0.36.0",
        Assistant::ContinueEdit => "Continue/1.5.0",
        Assistant::ZedEdit => "Zed/0.218.0",
        Assistant::AiderBlocks => "litellm/1.80.0",
        _ => "a-chat/1.0",
    };
    let mut headers = vec![header("authorization", "Bearer client-key"), header("user-agent", agent)];
    match assistant {
        Assistant::OpencodeWrite | Assistant::OpencodeEdit => {
            headers.push(header("x-session-affinity", &turn.session));
            headers.push(header("x-session-id", &turn.session));
        }
        Assistant::ClineWrite | Assistant::ClineReplace => headers.push(header("x-task-id", &turn.session)),
        // These name no folder in words that are known: a person sets the header.
        _ => headers.push(header("x-waymark-repository", &turn.repository)),
    }
    headers
}

/// A call that reads the file, and what it came to.
fn reads(assistant: Assistant, turn: &Turn) -> [Value; 2] {
    let numbered = || {
        let lines = turn.before.iter().enumerate();
        lines.map(|(at, line)| format!("{}: {line}\n", at + 1)).collect::<String>()
    };
    let (name, arguments, shown) = match assistant {
        Assistant::OpencodeWrite | Assistant::OpencodeEdit => (
            "read",
            json!({"filePath": turn.absolute()}),
            format!(
                "<path>{}</path>\n<type>file</type>\n<content>\n{}</content>",
                turn.absolute(),
                numbered()
            ),
        ),
        Assistant::CopilotReplace | Assistant::CopilotCreate => (
            "read_file",
            json!({"filePath": turn.absolute(), "startLine": 1, "endLine": turn.before.len()}),
            format!("{}\n{}", turn.absolute(), blocks::fence(blocks::language(&turn.path), &turn.text())),
        ),
        Assistant::ContinueEdit => ("read_file", json!({"filepath": turn.path}), turn.text()),
        _ => ("read_file", json!({"path": turn.path}), turn.text()),
    };
    let call = json!({"id": "call_0001", "type": "function",
        "function": {"name": name, "arguments": arguments.to_string()}});
    [
        json!({"role": "assistant", "content": "", "tool_calls": [call]}),
        json!({"role": "tool", "tool_call_id": "call_0001", "content": shown}),
    ]
}

fn tools(assistant: Assistant) -> Vec<Value> {
    let names: &[&str] = match assistant {
        Assistant::OpencodeWrite | Assistant::OpencodeEdit => &["bash", "edit", "read", "write"],
        Assistant::ClineWrite | Assistant::ClineReplace => &["read_file", "write_to_file", "replace_in_file"],
        Assistant::ContinueEdit => {
            &["read_file", "create_new_file", "edit_existing_file", "single_find_and_replace"]
        }
        Assistant::CopilotCreate | Assistant::CopilotReplace => &[
            "read_file",
            "create_file",
            "insert_edit_into_file",
            "replace_string_in_file",
            "multi_replace_string_in_file",
        ],
        Assistant::ZedEdit => &["read_file", "edit_file"],
        _ => &[],
    };
    let tool = |name: &&str| {
        json!({"type": "function", "function": {"name": name, "description": name,
            "parameters": {"type": "object", "properties": {}}}})
    };
    names.iter().map(tool).collect()
}

fn said(role: &str, text: &str) -> Value {
    json!({"role": role, "content": text})
}
