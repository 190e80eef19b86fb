//! Whole answers and errors.

use serde_json::Value;
use serde_json::value::RawValue;
use waymark_types::Usage;

use super::message::{self, Call, Message, Response};
use super::read::arguments_of;
use crate::crossing::{call_id, declines, stop_of};
use crate::json::Fields;
use crate::neutral::{Block, Media, Reply};
use crate::openai::error_text;
use crate::request::ParseError;

/// An answer, or a line of one.
pub(super) struct Said {
    pub(super) model: Option<String>,
    pub(super) created: Option<String>,
    pub(super) thinking: String,
    pub(super) content: String,
    /// The calls: id, name and arguments.
    pub(super) calls: Vec<(Option<String>, String, String)>,
    pub(super) done: bool,
    pub(super) reason: Option<String>,
    pub(super) usage: Usage,
    pub(super) error: Option<String>,
}

impl Said {
    pub(super) fn read(json: &[u8]) -> Result<Self, ParseError> {
        let mut fields = Fields::read(json)?;
        let mut message = fields.object("message")?.unwrap_or(Fields::none());
        let model = fields.take::<String>("remote_model")?.or(fields.take("model")?);
        Ok(Self {
            model: model.filter(|model| !model.is_empty()),
            created: fields.take("created_at")?,
            thinking: message.take("thinking")?.unwrap_or_default(),
            content: message.take("content")?.unwrap_or_default(),
            calls: message.list("tool_calls")?.into_iter().map(read_call).collect::<Result<_, _>>()?,
            done: fields.take("done")?.unwrap_or(false),
            reason: fields.take("done_reason")?,
            usage: Usage {
                input: fields.count("prompt_eval_count")?,
                output: fields.count("eval_count")?,
                ..Usage::default()
            },
            error: fields.take::<Value>("error")?.map(|error| error_text(&error)),
        })
    }
}

fn read_call(raw: &RawValue) -> Result<(Option<String>, String, String), ParseError> {
    let mut call = Fields::of(raw, "tool_calls")?;
    let mut function = call.object("function")?.unwrap_or(Fields::none());
    let arguments = function.raw("arguments").map_or_else(|| "{}".to_owned(), arguments_of);
    let id = call.take::<String>("id")?.filter(|id| !id.is_empty());
    Ok((id, function.take("name")?.unwrap_or_default(), arguments))
}

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Reply, ParseError> {
    let said = Said::read(body)?;
    if let Some(problem) = said.error {
        return Err(ParseError::Field { field: "error", problem });
    }
    let mut blocks = Vec::new();
    if !said.thinking.is_empty() {
        blocks.push(Block::Thinking { text: said.thinking, signature: None, id: None });
    }
    if !said.content.is_empty() {
        blocks.push(Block::text(said.content));
    }
    let has_calls = !said.calls.is_empty();
    blocks.extend(said.calls.into_iter().enumerate().map(|(at, (id, name, arguments))| {
        let id = id.unwrap_or_else(|| call_id(said.created.as_deref(), at));
        Block::ToolCall { id, name, arguments, cache: None, signature: None }
    }));
    let stop = said.done.then(|| message::stop(said.reason.as_deref(), has_calls));
    Ok(Reply { id: None, model: said.model, blocks, stop, usage: said.usage })
}

/// Writes an answer.
pub(super) fn write(reply: &Reply, model: &str, created: i64) -> Vec<u8> {
    let mut message = Message { role: "assistant", ..Message::default() };
    for block in &reply.blocks {
        match block {
            Block::Text { text, .. } | Block::Refusal { text } => message.content.push_str(text),
            Block::Thinking { text, .. } => message.thinking.push_str(text),
            Block::ToolCall { id, name, arguments, .. } => {
                message.tool_calls.push(Call::new(id, message.tool_calls.len(), name, arguments));
            }
            Block::Image { media: Media::Inline { data, .. }, .. } => message.images.push(data.clone()),
            _ => {}
        }
    }
    let (model, stop) =
        (reply.model.as_deref().unwrap_or(model), stop_of(reply.stop.as_ref(), declines(reply)));
    Response::last(model, &message::time(created), message, stop, &reply.usage).bytes()
}

/// The text of an error; Ollama has no words for their kinds.
pub(super) fn read_error(body: &[u8]) -> (Option<String>, String) {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = match value.get("error") {
        Some(error) => error_text(error),
        None => String::from_utf8_lossy(body).trim().chars().take(500).collect(),
    };
    (None, text)
}
