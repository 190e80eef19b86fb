//! Reads what is said: the system prompt, the turns and their blocks.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::history;
use super::media::{self, Source};
use super::said::{
    Compaction, Document, Kind, Message, Picture, Redacted, SearchResult, SystemBlock, Text, Thinking,
    ToolResult, ToolUse,
};
use crate::anthropic_messages::signature::{self, Signature};
use crate::crossing::lose;
use crate::neutral::{Block, CacheMark, Loss, Role, Turn};
use crate::request::ParseError;

/// A conversation being read.
pub(super) struct Conversation<'a> {
    losses: &'a mut Vec<Loss>,
    /// The tools of the calls so far, by the calls' ids.
    names: HashMap<String, String>,
    /// The token that the next tool call wants back.
    token: Option<String>,
    /// A call that the provider runs and has not answered yet.
    open: Option<String>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(losses: &'a mut Vec<Loss>) -> Self {
        Self { losses, names: HashMap::new(), token: None, open: None }
    }

    /// Whether the conversation ends while the provider runs a tool of its own.
    pub(super) fn is_paused(&self) -> bool {
        self.open.is_some()
    }

    fn lose(&mut self, code: impl Into<String>) {
        lose(self.losses, code);
    }

    /// Reads the system prompt: text only.
    pub(super) fn system(&mut self, system: &RawValue) -> Result<Vec<Block>, ParseError> {
        let mut blocks = self.content(system)?;
        let before = blocks.len();
        blocks.retain(|(_, block)| matches!(block, Block::Text { .. }));
        if blocks.len() < before {
            self.lose("system_media");
        }
        Ok(blocks.into_iter().map(|(_, block)| block).collect())
    }

    /// Reads the messages, but for instructions that were for an earlier turn only. One message becomes several turns where it holds instructions, or tools that the provider
    /// ran: other dialects have these only as turns of their own.
    pub(super) fn turns(&mut self, messages: &[Message<'_>]) -> Result<Vec<Turn>, ParseError> {
        let mut turns: Vec<Turn> = Vec::new();
        let last_user = messages.iter().rposition(|message| message.role == "user");
        for (at, message) in messages.iter().enumerate() {
            let own = role(&message.role)?;
            // Who speaks again after the provider's tool is still in the midst of one turn; a pause needs an answer.
            if own == Role::User {
                self.open = None;
            }
            if message.output_config.is_some() {
                self.lose("turn_output_config");
            }
            let is_over = message.clear_at.as_deref() == Some("next_user_message")
                && last_user.is_some_and(|last| last > at);
            let Some(content) = message.content.filter(|_| !is_over) else { continue };
            let first = turns.len();
            for (role, block) in self.content(content)? {
                let role = role.unwrap_or(own);
                let continues = turns.len() > first && turns.last().is_some_and(|turn| turn.role == role);
                if !continues {
                    turns.push(Turn { role, blocks: Vec::new() });
                }
                if let Some(turn) = turns.last_mut() {
                    turn.blocks.push(block);
                }
            }
            self.token = None;
        }
        Ok(turns)
    }

    /// Reads a string or blocks; with each block, who says it when that is not the one whose content it is.
    pub(super) fn content(&mut self, content: &RawValue) -> Result<Vec<(Option<Role>, Block)>, ParseError> {
        if content.get().starts_with('"') {
            return Ok(vec![(None, Block::text(serde_json::from_str::<String>(content.get())?))]);
        }
        let mut blocks = Vec::new();
        for raw in serde_json::from_str::<Vec<&RawValue>>(content.get())? {
            self.block(raw, &mut blocks)?;
        }
        Ok(blocks)
    }

    /// The blocks of something that holds only text, images and documents.
    fn inner(&mut self, content: &RawValue) -> Result<Vec<Block>, ParseError> {
        let mut blocks = self.content(content)?;
        blocks.retain(|(_, block)| {
            matches!(block, Block::Text { .. } | Block::Image { .. } | Block::Document { .. })
        });
        Ok(blocks.into_iter().map(|(_, block)| block).collect())
    }

    fn block(&mut self, raw: &RawValue, to: &mut Vec<(Option<Role>, Block)>) -> Result<(), ParseError> {
        let raw = raw.get();
        let kind = serde_json::from_str::<Kind>(raw)?.kind;
        match kind.as_str() {
            "text" => to.push((None, self.text(serde_json::from_str(raw)?))),
            "image" => {
                let picture: Picture = serde_json::from_str(raw)?;
                match picture.source.media() {
                    Some(media) => {
                        let cache = picture.cache_control.map(CacheMark::from);
                        to.push((None, Block::Image { media, detail: None, cache }));
                    }
                    None => self.lose("block:image"),
                }
            }
            "document" => {
                let blocks = self.document(serde_json::from_str(raw)?)?;
                to.extend(blocks.into_iter().map(|block| (None, block)));
            }
            "search_result" => to.push((None, self.search_result(serde_json::from_str(raw)?)?)),
            "tool_use" => to.push((None, self.tool_use(serde_json::from_str(raw)?))),
            "tool_result" => to.push((None, self.tool_result(serde_json::from_str(raw)?)?)),
            "thinking" => to.extend(self.thinking(serde_json::from_str(raw)?).map(|block| (None, block))),
            "redacted_thinking" => {
                let Redacted { data } = serde_json::from_str(raw)?;
                to.push((None, Block::RedactedThinking { data: signature::own_redacted(&data) }));
            }
            "mid_conv_system" => {
                let system: SystemBlock<'_> = serde_json::from_str(raw)?;
                let blocks = self.inner(system.content)?;
                to.extend(blocks.into_iter().map(|block| (Some(Role::System), block)));
            }
            "compaction" => self.compaction(serde_json::from_str(raw)?, to),
            "server_tool_use" | "mcp_tool_use" => self.served_call(raw, to)?,
            _ if kind.ends_with("_tool_result") => self.served_result(&kind, raw, to)?,
            _ => self.lose(format!("block:{kind}")),
        }
        Ok(())
    }

    fn text(&mut self, text: Text) -> Block {
        if text.citations.is_some_and(|citations| !citations.is_empty()) {
            self.lose("citations");
        }
        Block::Text { text: text.text, cache: text.cache_control.map(CacheMark::from) }
    }

    /// A document that is plain text becomes text, which every dialect can say.
    fn document(&mut self, document: Document<'_>) -> Result<Vec<Block>, ParseError> {
        let cache = document.cache_control.map(CacheMark::from);
        if document.citations.is_some_and(|citations| citations.enabled) {
            self.lose("citations");
        }
        if let Some(content) = media::content_source(document.source.get())? {
            let mut blocks = self.inner(content)?;
            media::caption(&mut blocks, document.title.as_deref(), document.context.as_deref());
            mark(&mut blocks, cache);
            return Ok(blocks);
        }
        let source: Source = serde_json::from_str(document.source.get())?;
        if let Some(text) = source.text() {
            let mut blocks = vec![Block::text(text)];
            media::caption(&mut blocks, document.title.as_deref(), document.context.as_deref());
            mark(&mut blocks, cache);
            return Ok(blocks);
        }
        if document.context.is_some() {
            self.lose("document_context");
        }
        let Some(media) = source.media() else {
            self.lose("block:document");
            return Ok(Vec::new());
        };
        Ok(vec![Block::Document { media, name: document.title, cache }])
    }

    fn search_result(&mut self, result: SearchResult<'_>) -> Result<Block, ParseError> {
        if result.citations.is_some_and(|citations| citations.enabled) {
            self.lose("citations");
        }
        let mut lines: Vec<String> = [result.title, result.source].into_iter().flatten().collect();
        for block in self.inner(result.content)? {
            if let Block::Text { text, .. } = block {
                lines.push(text);
            }
        }
        Ok(Block::Text { text: lines.join("\n"), cache: result.cache_control.map(CacheMark::from) })
    }

    fn tool_use(&mut self, call: ToolUse<'_>) -> Block {
        self.names.insert(call.id.clone(), call.name.clone());
        Block::ToolCall {
            id: call.id,
            name: call.name,
            arguments: arguments(call.input),
            cache: call.cache_control.map(CacheMark::from),
            signature: self.token.take(),
        }
    }

    fn tool_result(&mut self, result: ToolResult<'_>) -> Result<Block, ParseError> {
        let content = match result.content {
            Some(content) if content.get() != "null" => self.inner(content)?,
            _ => Vec::new(),
        };
        Ok(Block::ToolResult {
            name: self.names.get(&result.tool_use_id).cloned(),
            id: result.tool_use_id,
            content,
            is_error: result.is_error.unwrap_or(false),
            cache: result.cache_control.map(CacheMark::from),
        })
    }

    fn thinking(&mut self, thinking: Thinking) -> Option<Block> {
        let (id, signature) = match signature::wire(&thinking.signature) {
            Signature::Call(token) => {
                self.token = Some(token.to_owned());
                return None;
            }
            Signature::Foreign { id, signature } => (id.map(str::to_owned), signature.map(str::to_owned)),
            Signature::Own(text) | Signature::OwnRedacted(text) => (None, Some(signature::own(text))),
        };
        Some(Block::Thinking { text: thinking.thinking, signature, id })
    }

    /// The provider's summary of what was said before it.
    fn compaction(&mut self, compaction: Compaction, to: &mut Vec<(Option<Role>, Block)>) {
        self.lose("compaction");
        if let Some(text) = compaction.content.filter(|text| !text.is_empty()) {
            let cache = compaction.cache_control.map(CacheMark::from);
            to.push((None, Block::Text { text, cache }));
        }
    }

    /// A call that the provider ran itself: told as an ordinary call, since what follows builds on its result.
    fn served_call(&mut self, raw: &str, to: &mut Vec<(Option<Role>, Block)>) -> Result<(), ParseError> {
        let call: ToolUse<'_> = serde_json::from_str(raw)?;
        self.lose(format!("server_tool_call:{}", call.name));
        self.open = Some(call.id.clone());
        to.push((Some(Role::Assistant), self.tool_use(call)));
        Ok(())
    }

    fn served_result(
        &mut self,
        kind: &str,
        raw: &str,
        to: &mut Vec<(Option<Role>, Block)>,
    ) -> Result<(), ParseError> {
        let result: ToolResult<'_> = serde_json::from_str(raw)?;
        self.lose(format!("block:{kind}"));
        if self.open.as_deref() == Some(result.tool_use_id.as_str()) {
            self.open = None;
        }
        let told = history::result(result.content.map(RawValue::get).unwrap_or_default());
        to.push((
            Some(Role::User),
            Block::ToolResult {
                name: self.names.get(&result.tool_use_id).cloned(),
                id: result.tool_use_id,
                content: vec![Block::text(told.text)],
                is_error: told.is_error || result.is_error.unwrap_or(false),
                cache: None,
            },
        ));
        Ok(())
    }
}

fn role(word: &str) -> Result<Role, ParseError> {
    match word {
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "system" => Ok(Role::System),
        _ => {
            let problem = format!("`{word}` is not known; send `user`, `assistant` or `system`");
            Err(ParseError::Field { field: "role", problem })
        }
    }
}

/// A call's arguments, in the model's own words; what is not an object stands for none.
fn arguments(input: Option<&RawValue>) -> String {
    input.map(RawValue::get).filter(|text| text.starts_with('{')).unwrap_or("{}").to_owned()
}

/// Puts the mark of a whole behind its last part.
fn mark(blocks: &mut [Block], mark: Option<CacheMark>) {
    if let Some(Block::Text { cache, .. } | Block::Image { cache, .. } | Block::Document { cache, .. }) =
        blocks.last_mut()
    {
        *cache = mark.or(cache.take());
    }
}
