//! `POST /v1/messages/count_tokens`: how many tokens a request would have.
//!
//! An upstream of the same dialect counts itself; one of another dialect that has such an endpoint is asked in its own
//! words; for all others [`estimate`] answers.

use serde::Deserialize;
use serde_json::json;

use super::prompt;
use crate::neutral::{Block, Loss, Media, Prompt, Unsayable};
use crate::request::ParseError;

/// Tokens that an image of unknown size is taken for: the most that most models spend on one.
const IMAGE: u64 = 1_600;
/// Tokens that a document of unknown length is taken for.
const DOCUMENT: u64 = 3_000;
/// Tokens around each turn, call, result and tool.
const FRAME: u64 = 4;

#[derive(Deserialize)]
struct Count {
    input_tokens: u64,
}

/// Reads a request to count: a request for an answer without what only the answer needs.
pub fn read(body: &[u8]) -> Result<Prompt, ParseError> {
    prompt::read_counted(body)
}

/// Writes a request to count for the model named `model`.
pub fn write(prompt: &Prompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable> {
    prompt::write_counted(prompt, model, losses)
}

/// Reads the count out of an answer.
pub fn read_answer(body: &[u8]) -> Result<u64, ParseError> {
    Ok(serde_json::from_slice::<Count>(body)?.input_tokens)
}

/// Writes an answer.
pub fn write_answer(tokens: u64) -> Vec<u8> {
    json!({"input_tokens": tokens}).to_string().into_bytes()
}

/// An estimate for models whose tokenizer is not at hand: a token for every four bytes of ASCII and for every
/// character beyond, plus a few for the frame of each part. Code and English come out a little high, so that a client
/// which compacts its conversation by the count does so too early rather than too late.
pub fn estimate(prompt: &Prompt) -> u64 {
    let mut total = blocks(&prompt.system);
    for turn in &prompt.turns {
        total = total.saturating_add(FRAME).saturating_add(blocks(&turn.blocks));
    }
    for tool in &prompt.tools {
        let description = tool.description.as_deref().map_or(0, text);
        let parts = [FRAME, text(&tool.name), description, text(&tool.parameters.to_string())];
        total = parts.into_iter().fold(total, u64::saturating_add);
    }
    total.max(1)
}

fn blocks(all: &[Block]) -> u64 {
    all.iter().map(block).fold(0, u64::saturating_add)
}

fn block(block: &Block) -> u64 {
    match block {
        Block::Text { text: said, .. }
        | Block::Refusal { text: said }
        | Block::Thinking { text: said, .. } => text(said),
        Block::Image { .. } => IMAGE,
        // A page's share of a file differs widely; this is what pages full of text come to.
        Block::Document { media: Media::Inline { data, .. }, .. } => DOCUMENT.max(length(data) / 40),
        Block::Document { .. } => DOCUMENT,
        // Some minutes of speech; no count of seconds is known.
        Block::Audio { media: Media::Inline { data, .. } } => length(data) / 1_000,
        Block::Audio { .. } => DOCUMENT,
        Block::ToolCall { name, arguments, .. } => {
            FRAME.saturating_add(text(name)).saturating_add(text(arguments))
        }
        Block::ToolResult { content, .. } => FRAME.saturating_add(blocks(content)),
        Block::RedactedThinking { data } => length(data) / 4,
    }
}

fn length(data: &str) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

fn text(said: &str) -> u64 {
    let ascii = said.bytes().filter(u8::is_ascii).count();
    let beyond = said.chars().filter(|character| !character.is_ascii()).count();
    u64::try_from(ascii.div_ceil(4).saturating_add(beyond)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> u64 {
        estimate(&read(body.as_bytes()).unwrap())
    }

    #[test]
    fn the_estimate_follows_what_is_said() {
        let asked = |text: &str| count(&json!({"messages": [{"role": "user", "content": text}]}).to_string());
        assert_eq!(asked("twelve bytes"), 4 + 3);
        assert_eq!(asked("你好世界"), 4 + 4);
        assert_eq!(count(r#"{"messages":[]}"#), 1);
        let image = r#"{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"u"}}]}]}"#;
        assert_eq!(count(image), 4 + IMAGE);
    }

    #[test]
    fn requests_and_answers_are_written_for_the_endpoint() {
        let body = br#"{"model":"x","messages":[{"role":"user","content":"hi"}],"max_tokens":9,"stream":true,
            "temperature":0.5,"metadata":{"user_id":"u"},"system":"be brief"}"#;
        let written = write(&read(body).unwrap(), "other", &mut Vec::new()).unwrap();
        let expected = json!({"model": "other", "system": [{"type": "text", "text": "be brief"}],
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]});
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).unwrap(), expected);
        assert_eq!(read_answer(&write_answer(42)).unwrap(), 42);
    }
}
