//! Prompts that are instructions: a conversation of one turn, read and written by way of `/api/chat`, whose requests
//! and answers say the same in other places.

use serde_json::{Map, Value, json};
use waymark_types::Dialect;

use crate::crossing::lose;
use crate::dialogue::{Dialogue, EventReader, EventWriter};
use crate::neutral::{Block, Event, Loss, Prompt, Reply, Role, Unsayable};
use crate::ollama_chat::OllamaChat;
use crate::request::ParseError;
use crate::sse::Frame;

/// Conversations of one turn over `/api/generate`.
struct Instruction;

/// The conversations that a dialect of completions holds beside its code: those of [`Request`](crate::Request)s without
/// `fim`. `None` for dialects that hold code only.
pub fn instruction_dialogue(dialect: Dialect) -> Option<&'static dyn Dialogue> {
    (dialect == Dialect::OllamaGenerate).then_some(&Instruction)
}

/// A request, as `/api/chat` would have it.
fn as_chat(mut request: Map<String, Value>) -> Map<String, Value> {
    let mut messages = Vec::new();
    if let Some(system) = request.remove("system").filter(|system| system.as_str() != Some("")) {
        messages.push(json!({"role": "system", "content": system}));
    }
    let mut said = json!({"role": "user", "content": request.remove("prompt").unwrap_or_default()});
    if let Some(images) = request.remove("images") {
        said["images"] = images;
    }
    messages.push(said);
    request.insert("messages".to_owned(), messages.into());
    request
}

/// An answer or a line of one, as `/api/chat` would have it.
fn as_message(mut answer: Map<String, Value>) -> Map<String, Value> {
    let mut message = json!({"role": "assistant", "content": answer.remove("response").unwrap_or_default()});
    if let Some(thinking) = answer.remove("thinking") {
        message["thinking"] = thinking;
    }
    if !answer.contains_key("error") {
        answer.insert("message".to_owned(), message);
    }
    answer
}

/// What `/api/chat` would answer, as an answer or a line of one.
fn as_response(mut answer: Map<String, Value>) -> Map<String, Value> {
    if let Some(Value::Object(mut message)) = answer.remove("message") {
        answer.insert("response".to_owned(), message.remove("content").unwrap_or_else(|| "".into()));
        if let Some(thinking) = message.remove("thinking") {
            answer.insert("thinking".to_owned(), thinking);
        }
    }
    answer
}

fn rewritten(
    json: &[u8],
    rewrite: fn(Map<String, Value>) -> Map<String, Value>,
) -> Result<Vec<u8>, ParseError> {
    Ok(Value::Object(rewrite(serde_json::from_slice(json)?)).to_string().into_bytes())
}

impl Dialogue for Instruction {
    fn read_prompt(&self, body: &[u8]) -> Result<Prompt, ParseError> {
        let mut request: Map<String, Value> = serde_json::from_slice(body)?;
        let is_something = |value: &Value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Null | Value::Bool(false) => false,
            _ => true,
        };
        let mut take = |name| request.remove(name).filter(is_something);
        let (context, template) = (take("context"), take("template"));
        let (raw, suffix) = (take("raw"), take("suffix"));
        let chat = Value::Object(as_chat(request)).to_string();
        let mut prompt = OllamaChat.read_prompt(chat.as_bytes())?;
        for (value, what) in [
            (context, "`context`: token ids"),
            (raw, "`raw`: a prompt without a conversation"),
            (suffix, "`suffix`: code behind the cursor"),
        ] {
            prompt.unsayable.extend(value.map(|_| what.to_owned()));
        }
        if template.is_some() {
            lose(&mut prompt.losses, "template");
        }
        Ok(prompt)
    }

    fn write_prompt(
        &self,
        prompt: &Prompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable> {
        let dialect = Dialect::OllamaGenerate;
        prompt.sayable_in(dialect)?;
        let is_said = |block: &Block| matches!(block, Block::Text { .. } | Block::Image { .. });
        let is_one_turn = prompt.tools.is_empty()
            && matches!(prompt.turns.as_slice(), [turn] if turn.role == Role::User && turn.blocks.iter().all(is_said));
        if !is_one_turn {
            return Err(Unsayable {
                what: "a conversation of several turns or with tools".to_owned(),
                dialect,
            });
        }
        let chat = OllamaChat.write_prompt(prompt, model, losses)?;
        let unreadable = |_| Unsayable { what: "this conversation".to_owned(), dialect };
        let mut chat: Map<String, Value> = serde_json::from_slice(&chat).map_err(unreadable)?;
        for message in chat.remove("messages").as_ref().and_then(Value::as_array).into_iter().flatten() {
            let content = message.get("content").cloned().unwrap_or_default();
            match message.get("role").and_then(Value::as_str) {
                Some("system") => chat.insert("system".to_owned(), content),
                _ => chat.insert("prompt".to_owned(), content),
            };
            if let Some(images) = message.get("images") {
                chat.insert("images".to_owned(), images.clone());
            }
        }
        Ok(Value::Object(chat).to_string().into_bytes())
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError> {
        OllamaChat.read_reply(&rewritten(body, as_message)?)
    }

    fn write_reply(&self, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        let chat = OllamaChat.write_reply(reply, model, created);
        rewritten(&chat, as_response).unwrap_or_default()
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        OllamaChat.read_error(body)
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::new(Reader(OllamaChat.event_reader()))
    }

    fn event_writer(&self, prompt: &Prompt, model: &str, created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(Writer(OllamaChat.event_writer(prompt, model, created)))
    }
}

struct Reader(Box<dyn EventReader + Send>);

impl EventReader for Reader {
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event> {
        // What is no object is left to be complained about.
        match rewritten(&frame.data, as_message) {
            Ok(data) => self.0.read(&Frame { event: frame.event, data: data.into() }),
            Err(_) => self.0.read(frame),
        }
    }

    fn finish(&mut self) -> Vec<Event> {
        self.0.finish()
    }
}

struct Writer(Box<dyn EventWriter + Send>);

impl EventWriter for Writer {
    fn write(&mut self, event: &Event) -> Vec<u8> {
        let lines = self.0.write(event);
        let mut written = Vec::with_capacity(lines.len());
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            written.extend(rewritten(line, as_response).unwrap_or_default());
            written.push(b'\n');
        }
        written
    }
}
