//! What a request says about the conversation so far, read as strictly as a provider reads it.

mod anthropic;
mod gemini;
mod ollama;
mod openai;
mod picture;
#[cfg(test)]
mod tests;
mod tool;

use serde_json::Value;

pub(crate) use tool::Tool;

use crate::{Captured, Endpoint};

/// A conversation: what can be called, what was asked and shown, and what the calls came to.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    pub(crate) tools: Vec<Tool>,
    pub(crate) asked: String,
    /// Every call so far, in order.
    pub(crate) calls: Vec<Call>,
    /// How many of the model's own thoughts came back to it.
    pub(crate) thoughts: usize,
    /// The bytes of every picture.
    pub(crate) pictures: Vec<Vec<u8>>,
    /// The JSON Schema of the answer that is wanted.
    pub(crate) schema: Option<Value>,
    /// Whether calls come back under the ids that the model gave them: its dialect gives calls ids.
    pub(crate) keeps_ids: bool,
    /// The calls without a result, in order.
    open: Vec<usize>,
}

/// A call and what it came to.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its id, as it came back; some dialects have none.
    pub(crate) id: Option<String>,
    name: String,
    pub(crate) result: Option<String>,
}

impl Conversation {
    /// Reads a request; an error says which of the dialect's rules it breaks.
    pub(crate) fn read(request: &Captured) -> Result<Self, String> {
        let body = serde_json::from_slice(&request.body).map_err(|error| format!("no JSON: {error}"))?;
        Self::of(request.endpoint(), request.model().as_deref().unwrap_or_default(), &body)
    }

    pub(crate) fn of(endpoint: Endpoint, model: &str, body: &Value) -> Result<Self, String> {
        let keeps_ids = matches!(endpoint, Endpoint::Messages | Endpoint::Chat | Endpoint::Responses);
        let mut conversation = Self { keeps_ids, ..Self::default() };
        match endpoint {
            Endpoint::Messages => anthropic::read(&mut conversation, body)?,
            Endpoint::Chat => openai::chat(&mut conversation, body)?,
            Endpoint::Responses => openai::responses(&mut conversation, body)?,
            Endpoint::Generate | Endpoint::GenerateStream => gemini::read(&mut conversation, model, body)?,
            Endpoint::OllamaChat => ollama::read(&mut conversation, body)?,
            _ => return Err("there are no conversations here".to_owned()),
        }
        conversation.settled("the end")?;
        Ok(conversation)
    }

    /// How many calls have a result.
    pub(crate) fn results(&self) -> usize {
        self.calls.len() - self.open.len()
    }

    fn thought(&mut self, is_whole: bool, block: &Value) -> Result<(), String> {
        self.thoughts += 1;
        if is_whole { Ok(()) } else { Err(format!("reasoning came back altered: {block}")) }
    }

    /// A call of a dialect that gives every call an id of its own.
    fn call(&mut self, id: &Value, name: &Value) -> Result<(), String> {
        let id = id.as_str().filter(|id| !id.is_empty()).ok_or("a tool call without an id")?;
        if self.calls.iter().any(|call| call.id.as_deref() == Some(id)) {
            return Err(format!("two tool calls with the id {id}"));
        }
        self.made(Some(id), name)
    }

    /// A call, with or without an id.
    fn made(&mut self, id: Option<&str>, name: &Value) -> Result<(), String> {
        let name = name.as_str().filter(|name| !name.is_empty()).ok_or("a tool call without a name")?;
        self.open.push(self.calls.len());
        self.calls.push(Call { id: id.map(str::to_owned), name: name.to_owned(), result: None });
        Ok(())
    }

    /// The result of the call with this id.
    fn answer(&mut self, id: &Value, text: String) -> Result<(), String> {
        let id = id.as_str().unwrap_or_default();
        self.came_to(text, &format!("{id:?}"), |call| call.id.as_deref() == Some(id))
    }

    /// The result of the first call of that name which has none yet, and of the one with the id if both have one.
    fn answer_by_name(&mut self, name: &Value, id: Option<&str>, text: String) -> Result<(), String> {
        let name = name.as_str().unwrap_or_default();
        self.came_to(text, name, |call| {
            call.name == name && (id.is_none() || call.id.is_none() || call.id.as_deref() == id)
        })
    }

    fn came_to(&mut self, text: String, named: &str, is_it: impl Fn(&Call) -> bool) -> Result<(), String> {
        let at = self.open.iter().position(|&open| is_it(&self.calls[open]));
        let at = at.ok_or_else(|| format!("a tool result for {named}, which no call is waiting for"))?;
        let call = self.open.remove(at);
        self.calls[call].result = Some(text);
        Ok(())
    }

    fn settled(&self, before: &str) -> Result<(), String> {
        if self.open.is_empty() {
            return Ok(());
        }
        let open: Vec<&str> = self
            .open
            .iter()
            .map(|&open| self.calls[open].id.as_deref().unwrap_or(&self.calls[open].name))
            .collect();
        Err(format!("tool calls without a result before {before}: {}", open.join(", ")))
    }
}

/// Everything said in a content that is a text or a list of parts.
fn text(content: &Value) -> String {
    let parts = blocks(content).filter_map(|part| part["text"].as_str());
    content.as_str().into_iter().chain(parts).collect::<Vec<_>>().join("\n")
}

fn blocks(content: &Value) -> impl Iterator<Item = &Value> {
    content.as_array().into_iter().flatten()
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    blocks(&value[field])
}

fn is_object(value: &Value, field: &str) -> Result<(), String> {
    if value.is_object() { Ok(()) } else { Err(format!("{field}: not an object")) }
}

fn is_json(value: &Value, field: &str) -> Result<(), String> {
    let parsed = value.as_str().map(serde_json::from_str::<Value>);
    if matches!(parsed, Some(Ok(_))) { Ok(()) } else { Err(format!("{field}: no JSON text: {value}")) }
}
