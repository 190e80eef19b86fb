//! A scripted model for coding agents: what it says next depends on the conversation so far, as a model's would.
//!
//! The task takes four turns: write a file; run a command that fails; two calls at once, the file's program and the
//! file itself; a closing text. Asked to delegate, it sends a sub-agent on an errand instead; asked for `prices.py`, it
//! drafts that file or changes it. Every turn checks what the turn before came to, so that a call, a result or a
//! character lost on the way is refused with a message that says so.

mod prices;
#[cfg(test)]
mod tests;
mod tools;

use serde_json::{Value, json};

use crate::conversation::Conversation;
use crate::upstream::mistral_id;
use crate::{Captured, Endpoint, Reply, ToolCall};
use tools::Deed;

/// The model that answers: a dated id, as providers give.
const AGENT_MODEL: &str = "mock-agent-2026-01-01";

/// The line of a prompt that names the folder to work in starts with this.
const FOLDER: &str = "Folder: ";
/// A prompt with this wants a sub-agent.
const DELEGATE: &str = "through a sub-agent";
const ERRAND: &str = "Report in one word that the errand is done.";

const FILE: &str = "hello.py";
const PROGRAM: &str = "name = \"Zürich\"\nprint(f\"Hello, {name}!\\t<&> 'ok'\")\n";
const PRINTED: &str = "Hello, Zürich!\t<&> 'ok'";
const FAILING: &str = "echo 'no such shelf' >&2; exit 3";
const CLOSING: &str = "All done: hello.py says hello.";

/// A scripted model that serves one dialect and nothing else, as a provider does.
#[derive(Debug, Clone, Copy)]
pub struct ScriptedModel {
    endpoints: &'static [Endpoint],
}

/// What a turn is answered with, and in words.
struct Turn {
    said: Said,
    /// The model that answers.
    model: &'static str,
    told: &'static str,
}

enum Said {
    Text(&'static str),
    Calls(Vec<ToolCall>),
}

impl ScriptedModel {
    /// A model that is asked in `dialect`: `anthropic-messages`, `openai-chat`, `openai-responses`, `gemini` or
    /// `ollama-chat`.
    pub fn speaking(dialect: &str) -> Option<Self> {
        let endpoints: &[Endpoint] = match dialect {
            "anthropic-messages" => &[Endpoint::Messages],
            "openai-chat" => &[Endpoint::Chat],
            "openai-responses" => &[Endpoint::Responses],
            "gemini" => &[Endpoint::Generate, Endpoint::GenerateStream],
            "ollama-chat" => &[Endpoint::OllamaChat],
            _ => return None,
        };
        Some(Self { endpoints })
    }

    /// Answers, and says in one line of JSON what it was asked and what it made of that.
    pub fn answer(self, request: &Captured) -> (Reply, Value) {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let mut seen = json!({"method": request.method, "target": request.target, "model": request.model(),
            "stream": body["stream"], "bytes": request.body.len(), "headers": telling(request)});
        if !self.endpoints.contains(&request.endpoint()) {
            seen["told"] = "refused: another endpoint".into();
            return (Reply::error(404, "this scripted model is asked elsewhere"), seen);
        }
        let read = request.refusal().map_or_else(|| Conversation::read(request), Err);
        let turn = read.and_then(|conversation| {
            seen["tools"] = conversation.tools.len().into();
            seen["results"] = conversation.results().into();
            seen["thoughts"] = conversation.thoughts.into();
            next(&conversation)
        });
        match turn {
            Ok(turn) => {
                seen["told"] = turn.told.into();
                let reply = match &turn.said {
                    Said::Text(text) => Reply::text(text),
                    Said::Calls(calls) => Reply::tools(calls).thinking(),
                };
                (reply.served_as(turn.model), seen)
            }
            Err(fault) => {
                seen["told"] = format!("refused: {fault}").into();
                (Reply::error(400, &fault), seen)
            }
        }
    }
}

/// The headers that say who asks and from which conversation.
fn telling(request: &Captured) -> Value {
    let tells = |name: &str| ["session", "agent", "parent", "thread"].iter().any(|word| name.contains(word));
    let headers = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    headers.filter(|(name, _)| tells(name)).map(|(name, value)| (name, Value::from(value))).collect()
}

/// The next turn of the conversation.
fn next(conversation: &Conversation) -> Result<Turn, String> {
    let text = |text, told| Ok(Turn { said: Said::Text(text), model: AGENT_MODEL, told });
    if conversation.tools.is_empty() {
        return text("Saying hello", "a title");
    }
    if conversation.asked.contains(ERRAND) {
        return text("Done.", "an errand's report");
    }
    let call = |id, deed| tools::call(conversation, id, deed);
    let calls = |calls, told| Ok(Turn { said: Said::Calls(calls), model: AGENT_MODEL, told });
    if conversation.asked.contains(DELEGATE) {
        return match conversation.results() {
            0 => calls(vec![call("call_delegate", Deed::Delegate { prompt: ERRAND })?], "delegates"),
            _ => {
                came_to(conversation, 0, "call_delegate", "Done.")?;
                text(CLOSING, "closes")
            }
        };
    }
    if prices::is_asked(conversation) {
        return prices::next(conversation);
    }
    let folder = folder(&conversation.asked)?;
    match conversation.results() {
        0 => calls(
            vec![call("call_write", Deed::Write { folder, file: FILE, text: PROGRAM })?],
            "writes a file",
        ),
        1 => {
            came_to(conversation, 0, "call_write", "")?;
            calls(vec![call("call_fail", Deed::Run { command: FAILING })?], "runs a command that fails")
        }
        2 => {
            came_to(conversation, 1, "call_fail", "no such shelf")?;
            let run = format!("python3 {folder}/{FILE}");
            let both = [
                call("call_run", Deed::Run { command: &run })?,
                call("call_show", Deed::Show { folder, file: FILE })?,
            ];
            calls(both.into(), "calls two tools at once")
        }
        4 => {
            came_to(conversation, 2, "call_run", PRINTED)?;
            came_to(conversation, 3, "call_show", "name = \"Zürich\"")?;
            text(CLOSING, "closes")
        }
        count => Err(format!("{count} tool results, of which the script knows nothing")),
    }
}

/// Checks what the call of this number came to. In dialects whose answers have ids, `id` was its own.
fn came_to(conversation: &Conversation, number: usize, id: &str, wanted: &str) -> Result<(), String> {
    let call = &conversation.calls[number];
    let came_back = call.id.as_deref();
    let is_its_own = came_back == Some(id) || came_back == Some(&mistral_id(id));
    if conversation.keeps_ids && !is_its_own {
        return Err(format!("the call {id} came back as {came_back:?}"));
    }
    let result = call.result.as_deref().ok_or_else(|| format!("no result for the call {id}"))?;
    if result.contains(wanted) {
        Ok(())
    } else {
        Err(format!("the result of {id} lacks {wanted:?}: {result:?}"))
    }
}

fn folder(asked: &str) -> Result<&str, String> {
    let (_, rest) = asked.rsplit_once(FOLDER).ok_or("the prompt names no folder")?;
    let end = rest.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(rest.len());
    Ok(&rest[..end])
}
