//! Whole answers and errors.

use serde_json::Value;

use super::part::{self, Piece};
use super::signature::{self, Signature};
use super::wire::{self, Candidate, Content, Feedback, Part, Response, Tokens};
use crate::crossing::{call_id, declines, stop_of};
use crate::json::{Fields, parse};
use crate::neutral::{Block, Reply, Stop};
use crate::openai::error_text;
use crate::request::ParseError;

/// The first candidate of an answer, or of a chunk of one, and what is said beside it.
pub(super) struct Said {
    pub(super) parts: Vec<part::Read>,
    pub(super) stop: Option<Stop>,
    /// What the provider says of a prompt it did not answer.
    pub(super) blocked: Option<String>,
    pub(super) tokens: Option<Tokens>,
    pub(super) model: Option<String>,
    pub(super) id: Option<String>,
    /// An error in the answer's place: Google's word for it and its text.
    pub(super) error: Option<(Option<String>, String)>,
}

impl Said {
    pub(super) fn read(body: &[u8]) -> Result<Self, ParseError> {
        let mut fields = Fields::read(body)?;
        let mut said = Self {
            parts: Vec::new(),
            stop: None,
            blocked: None,
            tokens: fields.take("usageMetadata")?,
            model: fields.take::<String>("modelVersion")?.filter(|model| !model.is_empty()),
            id: fields.take("responseId")?,
            error: fields.take::<Value>("error")?.map(|error| error_of(&error)),
        };
        if let Some(raw) = fields.list("candidates")?.first() {
            let mut candidate = Fields::of(raw, "candidates")?;
            if let Some(mut content) = candidate.object("content")? {
                said.parts = content.list("parts")?.into_iter().map(part::read).collect::<Result<_, _>>()?;
            }
            said.stop = candidate.take::<String>("finishReason")?.as_deref().and_then(wire::stop);
        }
        if let Some(raw) = fields.raw("promptFeedback") {
            let feedback: Feedback = parse(raw, "promptFeedback")?;
            if feedback.block_reason.is_some() {
                said.stop = Some(Stop::Refusal);
                said.blocked = feedback.block_reason_message;
            }
        }
        Ok(said)
    }
}

/// Reads an answer.
pub(super) fn read(body: &[u8]) -> Result<Reply, ParseError> {
    let said = Said::read(body)?;
    if let Some((_, problem)) = said.error {
        return Err(ParseError::Field { field: "error", problem });
    }
    let mut reply = Reply {
        usage: said.tokens.map(|tokens| tokens.usage()).unwrap_or_default(),
        id: said.id,
        model: said.model,
        ..Reply::default()
    };
    let (mut blocks, mut calls) = (Vec::new(), 0);
    for read in said.parts {
        let mut signature = read.signature;
        match read.piece {
            Some(Piece::Text(text)) => push_text(&mut blocks, text),
            Some(Piece::Thought(text)) => {
                push_thought(&mut blocks, text, signature.take().map(Signature::neutral));
            }
            Some(Piece::Call { id, name, arguments }) => {
                let id =
                    id.filter(|id| !id.is_empty()).unwrap_or_else(|| call_id(reply.id.as_deref(), calls));
                calls += 1;
                let signature = part::token(signature.take());
                blocks.push(Block::ToolCall { id, name, arguments, cache: None, signature });
            }
            Some(Piece::Media(block)) => blocks.push(block),
            Some(Piece::Result { .. } | Piece::Lost(_)) | None => {}
        }
        blocks.extend(signature.map(part::unseen));
    }
    blocks.extend(said.blocked.map(|text| Block::Refusal { text }));
    reply.stop = said.stop.map(|stop| if stop == Stop::End && calls > 0 { Stop::ToolCalls } else { stop });
    reply.blocks = blocks;
    Ok(reply)
}

/// Neighbouring parts of one kind are one block: Google cuts them where it likes.
fn push_text(blocks: &mut Vec<Block>, more: String) {
    match blocks.last_mut() {
        Some(Block::Text { text, .. }) => text.push_str(&more),
        _ if more.is_empty() => {}
        _ => blocks.push(Block::text(more)),
    }
}

fn push_thought(blocks: &mut Vec<Block>, more: String, proof: Option<String>) {
    match blocks.last_mut() {
        Some(Block::Thinking { text, signature, .. }) if signature.is_none() => {
            text.push_str(&more);
            *signature = proof;
        }
        _ if more.is_empty() && proof.is_none() => {}
        _ => blocks.push(Block::Thinking { text: more, signature: proof, id: None }),
    }
}

/// Writes an answer.
pub(super) fn write(reply: &Reply, model: &str) -> Vec<u8> {
    let mut parts: Vec<Part> = reply.blocks.iter().filter_map(write_block).collect();
    part::sign_first_call(&mut parts, signature::NO_PROOF_FOR_CLIENTS);
    let content = (!parts.is_empty()).then_some(Content { role: Some("model"), parts });
    let stop = stop_of(reply.stop.as_ref(), declines(reply));
    let finish_reason = Some(wire::finish_reason(stop));
    wire::bytes(&Response {
        candidates: [Candidate { content, finish_reason, index: 0 }],
        usage_metadata: Tokens::of(&reply.usage),
        model_version: reply.model.as_deref().unwrap_or(model),
        response_id: reply.id.as_deref(),
    })
}

fn write_block(block: &Block) -> Option<Part> {
    match block {
        Block::Text { text, .. } | Block::Refusal { text } => Some(part::text(text)),
        Block::Thinking { text, signature, .. } => {
            Some(part::thought(text, signature.as_deref().map(signature::for_clients)))
        }
        Block::ToolCall { id, name, arguments, signature, .. } => {
            Some(part::call(id, name, arguments, signature.as_ref()))
        }
        Block::Image { media, .. } => part::media(media, "image/png").ok(),
        Block::Document { media, .. } => part::media(media, "application/pdf").ok(),
        Block::Audio { media } => part::media(media, "audio/mp3").ok(),
        Block::RedactedThinking { data } => Some(part::thought("", Some(signature::redacted(data)))),
        Block::ToolResult { .. } => None,
    }
}

/// Google's word for an error, and its text. Without `alt=sse` the error of a stream is in an array.
pub(super) fn read_error(body: &[u8]) -> (Option<String>, String) {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let first = value.get(0).unwrap_or(&value);
    match first.get("error") {
        Some(error) => error_of(error),
        None => (None, String::from_utf8_lossy(body).trim().chars().take(500).collect()),
    }
}

fn error_of(error: &Value) -> (Option<String>, String) {
    (error.get("status").and_then(Value::as_str).map(str::to_owned), error_text(error))
}
