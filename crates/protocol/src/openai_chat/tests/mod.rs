//! What is read from real-looking requests, answers and streams, and that nothing changes on the way out and back.

mod answers;
mod any;
mod prompts;

use serde_json::{Value, json};

use super::*;
use crate::neutral::{Block, Event, Role, Turn};
use crate::sse::{self, Splitter};

fn case(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/cases/openai_chat/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn cases(ending: &str) -> Vec<String> {
    let folder = format!("{}/tests/cases/openai_chat", env!("CARGO_MANIFEST_DIR"));
    let names =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(ending)).collect()
}

fn prompt(name: &str) -> Prompt {
    OpenAiChat.read_prompt(&case(&format!("{name}.request.json"))).unwrap()
}

fn reply(name: &str) -> Reply {
    OpenAiChat.read_reply(&case(&format!("{name}.reply.json"))).unwrap()
}

fn written(prompt: &Prompt) -> (Value, Vec<String>) {
    let mut losses = Vec::new();
    let body = OpenAiChat.write_prompt(prompt, "m", &mut losses).unwrap();
    (serde_json::from_slice(&body).unwrap(), losses.into_iter().map(|loss| loss.code).collect())
}

fn events(pieces: &[&[u8]]) -> Vec<Event> {
    let (mut splitter, mut reader, mut events) = (Splitter::default(), OpenAiChat.event_reader(), Vec::new());
    for piece in pieces {
        splitter.push(piece);
        while let Some(event) = splitter.next_event().unwrap() {
            events.extend(reader.read(&sse::read(&event)));
        }
    }
    events.extend(reader.finish());
    events
}

fn stream(name: &str) -> Vec<Event> {
    events(&[&case(&format!("{name}.stream.txt"))])
}

/// The events of chunks whose one choice is given.
fn of_choices(choices: &[Value]) -> Vec<Event> {
    let mut text: String =
        choices.iter().map(|choice| format!("data: {}\n\n", json!({"choices": [choice]}))).collect();
    text.push_str("data: [DONE]\n\n");
    events(&[text.as_bytes()])
}

fn codes(losses: &[Loss]) -> Vec<&str> {
    losses.iter().map(|loss| loss.code.as_str()).collect()
}

fn turn(role: Role, blocks: Vec<Block>) -> Turn {
    Turn { role, blocks }
}

fn call(id: &str, name: &str, arguments: &str) -> Block {
    Block::ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
        cache: None,
        signature: None,
    }
}

fn result(id: &str, name: Option<&str>, content: Vec<Block>, is_error: bool) -> Block {
    Block::ToolResult { id: id.into(), name: name.map(str::to_owned), content, is_error, cache: None }
}
