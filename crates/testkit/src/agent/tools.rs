//! The same few deeds through whichever tools an agent offers.

use serde_json::{Value, json};

use crate::ToolCall;
use crate::conversation::{Conversation, Tool};

/// Tools the scripted model knows, the most fitting first: an agent's last resort is its shell.
const PREFERRED: [&str; 13] = [
    "Write",
    "write",
    "Edit",
    "edit",
    "apply_patch",
    "Read",
    "read",
    "Bash",
    "bash",
    "exec_command",
    "exec",
    "Agent",
    "task",
];

/// Letters that are quoted on either side of a change.
const QUOTED: usize = 8;

/// A scripted step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deed<'a> {
    /// Write a file with these lines in the folder.
    Write { folder: &'a str, file: &'a str, text: &'a str },
    /// Change the file in the folder: lines with their signs, as in a patch.
    Edit { folder: &'a str, file: &'a str, hunk: &'a str },
    /// Run a command.
    Run { command: &'a str },
    /// Show a file.
    Show { folder: &'a str, file: &'a str },
    /// Have another agent do something.
    Delegate { prompt: &'a str },
}

/// The deed as a call of one of the tools on offer.
pub(super) fn call(conversation: &Conversation, id: &str, deed: Deed<'_>) -> Result<ToolCall, String> {
    let found = PREFERRED.iter().find_map(|name| {
        let tool = conversation.tools.iter().find(|tool| tool.name == *name)?;
        Some((tool, arguments(name, deed)?))
    });
    let Some((tool, arguments)) = found else {
        let offered: Vec<&str> = conversation.tools.iter().map(|tool| tool.name.as_str()).collect();
        return Err(format!(
            "the scripted model finds no tool for {deed:?}; offered: {}",
            offered.join(", ")
        ));
    };
    Ok(match (&arguments, tool.is_custom) {
        (Value::String(text), true) => ToolCall::custom(id, &tool.name, text),
        // A free-text tool on its way through a dialect without such tools: the text is its one argument.
        (Value::String(text), false) => ToolCall::new(id, &tool.name, &json!({only_argument(tool)?: text})),
        (arguments, _) => ToolCall::new(id, &tool.name, arguments),
    })
}

/// The arguments that make the tool do it, a text for a tool that takes free text; `None` when it is for other deeds.
fn arguments(tool: &str, deed: Deed<'_>) -> Option<Value> {
    let path = |folder: &str, file: &str| format!("{folder}/{file}");
    Some(match (tool, deed) {
        ("Write", Deed::Write { folder, file, text }) => {
            json!({"file_path": path(folder, file), "content": text})
        }
        ("write", Deed::Write { folder, file, text }) => {
            json!({"filePath": path(folder, file), "content": text})
        }
        ("Edit", Deed::Edit { folder, file, hunk }) => {
            let (old, new) = narrowed(hunk);
            json!({"file_path": path(folder, file), "old_string": old, "new_string": new})
        }
        ("edit", Deed::Edit { folder, file, hunk }) => {
            let (old, new) = narrowed(hunk);
            json!({"filePath": path(folder, file), "oldString": old, "newString": new})
        }
        ("apply_patch", deed) => json!(patch(deed)?),
        ("Read", Deed::Show { folder, file }) => json!({"file_path": path(folder, file)}),
        ("read", Deed::Show { folder, file }) => json!({"filePath": path(folder, file)}),
        ("Bash" | "bash", Deed::Run { command }) => {
            json!({"command": command, "description": "Runs a command"})
        }
        ("exec_command", _) => json!({"cmd": shell(deed)?}),
        // JavaScript that calls the tool of that name.
        ("exec", Deed::Edit { .. }) => {
            let patch = json!(patch(deed)?);
            json!(format!("const changed = await tools.apply_patch({patch});\ntext(changed);\n"))
        }
        ("exec", _) => {
            let run = json!({"cmd": shell(deed)?});
            json!(format!("const ran = await tools.exec_command({run});\ntext(ran.output);\n"))
        }
        ("Agent", Deed::Delegate { prompt }) => errand("general-purpose", prompt),
        ("task", Deed::Delegate { prompt }) => errand("general", prompt),
        _ => return None,
    })
}

/// The deed as a patch of Codex's.
fn patch(deed: Deed<'_>) -> Option<String> {
    let change = match deed {
        Deed::Write { file, text, .. } => {
            let added: String = text.lines().map(|line| format!("+{line}\n")).collect();
            format!("*** Add File: {file}\n{added}")
        }
        Deed::Edit { file, hunk, .. } => format!("*** Update File: {file}\n@@\n{hunk}"),
        _ => return None,
    };
    Some(format!("*** Begin Patch\n{change}*** End Patch\n"))
}

/// What a hunk's lines were and what they are to be.
pub(super) fn sides(hunk: &str) -> (String, String) {
    let side = |gone: char| {
        let lines = hunk.split_inclusive('\n').filter(|line| !line.starts_with(gone));
        lines.filter_map(|line| line.get(1..)).collect()
    };
    (side('+'), side('-'))
}

/// The same of so few letters around what changes as models quote: from the middle of a line to that of another.
pub(super) fn narrowed(hunk: &str) -> (String, String) {
    let (old, new) = sides(hunk);
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| {
        let same = pairs.take_while(|(old, new)| old == new);
        same.map(|(letter, _)| letter.len_utf8()).sum::<usize>().saturating_sub(QUOTED)
    };
    let head = same(&mut old.chars().zip(new.chars()));
    let tail = same(&mut old.chars().rev().zip(new.chars().rev()));
    let side = |text: &str| text.get(head..text.len() - tail).unwrap_or(text).to_owned();
    (side(&old), side(&new))
}

/// The deed as a command of the shell.
fn shell(deed: Deed<'_>) -> Option<String> {
    Some(match deed {
        Deed::Write { folder, file, text } => format!("cat > {folder}/{file} <<'END'\n{text}END\n"),
        // Codex itself looks for this one in its shell's commands.
        Deed::Edit { folder, .. } => format!("cd {folder} && apply_patch <<'PATCH'\n{}PATCH\n", patch(deed)?),
        Deed::Run { command } => command.to_owned(),
        Deed::Show { folder, file } => format!("cat {folder}/{file}"),
        Deed::Delegate { .. } => return None,
    })
}

fn errand(kind: &str, prompt: &str) -> Value {
    json!({"description": "A small errand", "prompt": prompt, "subagent_type": kind})
}

fn only_argument(tool: &Tool) -> Result<String, String> {
    let properties = tool.parameters["properties"].as_object();
    let first = properties.and_then(|properties| properties.keys().next());
    first.cloned().ok_or_else(|| format!("the tool {} takes no argument", tool.name))
}
