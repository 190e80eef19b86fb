//! Writes the conversation so that the provider takes it.
//!
//! It wants turns that alternate and begin with the user's; every call answered at the start of the very next turn;
//! no empty text; signed thinking only; ids of letters, digits, `_` and `-`, no two calls alike. So turns of one
//! speaker are joined, results move behind their calls, and where a result or a call is missing the other is told as
//! what it is.
//!
//! Instructions in the middle of the conversation stay where they are: as a `system` message where the model takes one
//! there, else as text of the user's turn within `<system>` tags, which is named as a loss.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::media::Source;
use super::wire::{Block as Out, Cache, Message, Speaker};
use crate::anthropic_messages::generation::Generation;
use crate::anthropic_messages::ids::Calls;
use crate::anthropic_messages::signature::{self, Signature};
use crate::crossing::lose;
use crate::neutral::{Block, CacheMark, Loss, Role, Turn};

/// A conversation being written.
struct Writer<'a, 'l> {
    losses: &'l mut Vec<Loss>,
    messages: Vec<Message>,
    /// The calls of the last message, not yet answered.
    open: Vec<String>,
    /// Results by the id of their call.
    results: HashMap<String, (usize, &'a Block)>,
}

/// A block and the id of the call it is or answers.
struct Piece<'a> {
    speaker: Speaker,
    block: &'a Block,
    call: Option<String>,
}

/// Writes the turns; what stands in front of the first as instructions is given back first. Fails with what cannot be
/// said.
pub(super) fn write(
    turns: &[Turn],
    generation: Generation,
    losses: &mut Vec<Loss>,
) -> Result<(Vec<Out>, Vec<Message>), String> {
    let (pieces, results) = name_calls(turns);
    let mut writer = Writer { losses, messages: Vec::new(), open: Vec::new(), results };
    for piece in pieces {
        writer.piece(piece)?;
    }
    writer.answer_open()?;
    let Writer { mut messages, losses, .. } = writer;
    messages.retain(|message| !message.content.is_empty());
    let mut system = Vec::new();
    while messages.first().is_some_and(|message| message.role == Speaker::System) {
        system.extend(messages.remove(0).content);
    }
    settle_instructions(&mut messages, generation, losses);
    let mut messages = joined(messages);
    settle_ends(&mut messages, generation, losses);
    Ok((system, messages))
}

/// Gives every call its id, and finds the result that answers it. Calls and reasoning are the assistant's and results
/// the user's, in whosever turn they stand.
fn name_calls(turns: &[Turn]) -> (Vec<Piece<'_>>, HashMap<String, (usize, &Block)>) {
    let (mut calls, mut pieces, mut results) = (Calls::default(), Vec::new(), HashMap::new());
    for turn in turns {
        for block in &turn.blocks {
            let (speaker, call) = match block {
                Block::ToolCall { id, .. } => (Speaker::Assistant, Some(calls.open(id))),
                Block::ToolResult { id, .. } => (Speaker::User, calls.answer(id)),
                Block::Thinking { .. } | Block::RedactedThinking { .. } | Block::Refusal { .. } => {
                    (Speaker::Assistant, None)
                }
                _ => match turn.role {
                    Role::User => (Speaker::User, None),
                    Role::Assistant => (Speaker::Assistant, None),
                    Role::System => (Speaker::System, None),
                },
            };
            if let (Block::ToolResult { .. }, Some(call)) = (block, &call) {
                results.insert(call.clone(), (pieces.len(), block));
            }
            pieces.push(Piece { speaker, block, call });
        }
    }
    (pieces, results)
}

impl<'a> Writer<'a, '_> {
    fn lose(&mut self, code: &str) {
        lose(self.losses, code);
    }

    fn piece(&mut self, piece: Piece<'a>) -> Result<(), String> {
        if piece.speaker != Speaker::Assistant {
            self.answer_open()?;
        }
        let block = match (piece.block, piece.call) {
            // Already told behind its call.
            (Block::ToolResult { .. }, Some(_)) => {
                self.speak(Speaker::User);
                return Ok(());
            }
            (Block::ToolResult { id, name, content, .. }, None) => {
                self.lose("tool_result_without_call");
                let named = name.as_deref().unwrap_or(id);
                self.say(Speaker::User, Out::text(format!("Result of the tool `{named}`:")));
                for block in self.contents(content)? {
                    self.say(Speaker::User, block);
                }
                return Ok(());
            }
            (Block::ToolCall { name, arguments, cache, signature, .. }, Some(id)) => {
                if signature.is_some() {
                    self.lose("tool_call_signature");
                }
                self.open.push(id.clone());
                let input = self.input(arguments)?;
                let cache_control = Cache::of(cache.as_ref(), self.losses);
                Some(Out::ToolUse { id, name: name.clone(), input, cache_control })
            }
            (block, _) => self.block(block, piece.speaker)?,
        };
        match block {
            Some(block) => self.say(piece.speaker, block),
            None => self.speak(piece.speaker),
        }
        Ok(())
    }

    /// Turns the word over to `speaker`.
    fn speak(&mut self, speaker: Speaker) {
        if self.messages.last().is_none_or(|message| message.role != speaker) {
            self.messages.push(Message { role: speaker, content: Vec::new() });
        }
    }

    fn say(&mut self, speaker: Speaker, block: Out) {
        self.speak(speaker);
        if let Some(message) = self.messages.last_mut() {
            message.content.push(block);
        }
    }

    /// Answers the calls of the last message, in the order in which their results were told.
    fn answer_open(&mut self) -> Result<(), String> {
        let mut found = Vec::new();
        for call in std::mem::take(&mut self.open) {
            let result = self.results.remove(&call);
            found.push((result.map_or(usize::MAX, |(at, _)| at), call, result.map(|(_, block)| block)));
        }
        found.sort_by_key(|(at, ..)| *at);
        for (_, call, result) in found {
            let block = match result {
                Some(Block::ToolResult { content, is_error, cache, .. }) => Out::ToolResult {
                    tool_use_id: call,
                    content: self.contents(content)?,
                    is_error: *is_error,
                    cache_control: Cache::of(cache.as_ref(), self.losses),
                },
                _ => {
                    self.lose("tool_call_without_result");
                    let content = vec![Out::text("no result was given")];
                    Out::ToolResult { tool_use_id: call, content, is_error: true, cache_control: None }
                }
            };
            self.say(Speaker::User, block);
        }
        Ok(())
    }

    /// A call's arguments as the object that they must be.
    fn input(&mut self, arguments: &str) -> Result<Box<RawValue>, String> {
        let arguments = arguments.trim();
        let whole = match arguments {
            "" => RawValue::from_string("{}".to_owned()),
            _ => RawValue::from_string(arguments.to_owned()),
        };
        if let Some(whole) = whole.ok().filter(|whole| whole.get().starts_with('{')) {
            return Ok(whole);
        }
        self.lose("tool_call_arguments");
        let told = serde_json::json!({"arguments": arguments}).to_string();
        RawValue::from_string(told).map_err(|_| "a tool call's arguments".to_owned())
    }

    /// What a tool gave back.
    fn contents(&mut self, content: &[Block]) -> Result<Vec<Out>, String> {
        let mut blocks = Vec::new();
        for block in content {
            blocks.extend(self.block(block, Speaker::User)?);
        }
        Ok(blocks)
    }

    /// A block, unless it says nothing or has no place here.
    fn block(&mut self, block: &Block, speaker: Speaker) -> Result<Option<Out>, String> {
        let is_user = speaker == Speaker::User;
        Ok(match block {
            Block::Text { text, cache } => self.text(text, cache.as_ref()),
            Block::Refusal { text } => {
                self.lose("refusal");
                self.text(text, None)
            }
            Block::Image { .. } if !is_user => {
                self.lose("assistant_image");
                None
            }
            Block::Document { .. } if !is_user => {
                self.lose("assistant_document");
                None
            }
            Block::Audio { .. } if !is_user => {
                self.lose("assistant_audio");
                None
            }
            Block::Image { media, detail, cache } => {
                if detail.as_deref().is_some_and(|detail| detail != "auto") {
                    self.lose("image_detail");
                }
                let source = Source::of_image(media)?;
                Some(Out::Image { source, cache_control: Cache::of(cache.as_ref(), self.losses) })
            }
            Block::Document { media, name, cache } => {
                let source = Source::of_document(media)?;
                let cache_control = Cache::of(cache.as_ref(), self.losses);
                Some(Out::Document { source, title: name.clone(), cache_control })
            }
            Block::Audio { .. } => return Err("sound".to_owned()),
            Block::Thinking { text, signature, .. } => self.thinking(text, signature.as_deref()),
            Block::RedactedThinking { data } => self.thinking("", Some(data)),
            Block::ToolCall { .. } | Block::ToolResult { .. } => None,
        })
    }

    /// Text that says something; the breakpoint of one that says nothing goes to what stands before it.
    fn text(&mut self, text: &str, cache: Option<&CacheMark>) -> Option<Out> {
        let cache_control = Cache::of(cache, self.losses);
        if !text.trim().is_empty() {
            return Some(Out::Text { text: text.to_owned(), cache_control });
        }
        let before = self.messages.last_mut().and_then(|message| message.content.last_mut());
        if let (Some(mark), Some(before)) = (cache_control, before.and_then(Out::cache)) {
            before.get_or_insert(mark);
        }
        None
    }

    fn thinking(&mut self, text: &str, signature: Option<&str>) -> Option<Out> {
        match signature::neutral(None, signature) {
            Signature::Own(signature) => {
                Some(Out::Thinking { thinking: text.to_owned(), signature: signature.to_owned() })
            }
            Signature::OwnRedacted(data) => Some(Out::RedactedThinking { data: data.to_owned() }),
            Signature::Foreign { .. } | Signature::Call(_) => {
                self.lose("thinking_unsigned");
                None
            }
        }
    }
}

/// Leaves instructions as they are where the model takes them: behind a user's turn, and before the assistant's or
/// none. Elsewhere the user says them.
fn settle_instructions(messages: &mut [Message], generation: Generation, losses: &mut Vec<Loss>) {
    for at in 0..messages.len() {
        if messages[at].role != Speaker::System {
            continue;
        }
        let follows = at > 0 && messages[at - 1].role == Speaker::User;
        let precedes = messages.get(at + 1).is_none_or(|next| next.role == Speaker::Assistant);
        if generation.has_system_turns() && follows && precedes {
            continue;
        }
        lose(losses, "system_turn");
        messages[at].role = Speaker::User;
        for block in &mut messages[at].content {
            if let Out::Text { text, .. } = block {
                *text = format!("<system>\n{text}\n</system>");
            }
        }
    }
}

/// Joins neighbours who are the same speaker.
fn joined(messages: Vec<Message>) -> Vec<Message> {
    let mut joined: Vec<Message> = Vec::with_capacity(messages.len());
    for message in messages {
        match joined.last_mut().filter(|last| last.role == message.role) {
            Some(last) => last.content.extend(message.content),
            None => joined.push(message),
        }
    }
    joined
}

/// The conversation begins with the user, and ends with the assistant only where the model goes on from there.
fn settle_ends(messages: &mut Vec<Message>, generation: Generation, losses: &mut Vec<Loss>) {
    let user = |text: &str| Message { role: Speaker::User, content: vec![Out::text(text)] };
    if messages.first().is_some_and(|first| first.role == Speaker::Assistant) {
        messages.insert(0, user("(The assistant begins.)"));
        lose(losses, "assistant_first");
    }
    let Some(last) = messages.last_mut().filter(|last| last.role == Speaker::Assistant) else { return };
    if !generation.continues_assistant() {
        messages.push(user("Continue."));
        lose(losses, "assistant_last");
    } else if let Some(Out::Text { text, .. }) = last.content.last_mut() {
        text.truncate(text.trim_end().len());
    }
}
