//! Content parts: text, pictures, sound and files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use waymark_types::Dialect;

use super::is_word;
use super::wire::{Content, cache_mark};
use crate::crossing::lose;
use crate::neutral::{Block, CacheMark, Loss, Media, Unsayable};
use crate::openai::words;

/// Adds what a message's content says to `blocks`. Empty text says nothing.
pub(super) fn read(content: Option<Content>, blocks: &mut Vec<Block>, losses: &mut Vec<Loss>) {
    match content {
        None => {}
        Some(Content::Text(text)) if text.is_empty() => {}
        Some(Content::Text(text)) => blocks.push(Block::text(text)),
        Some(Content::Parts(parts)) => {
            blocks.extend(parts.into_iter().filter_map(|part| read_part(part, losses)));
        }
    }
}

fn read_part(part: Value, losses: &mut Vec<Loss>) -> Option<Block> {
    let mut part = match part {
        Value::Object(part) => part,
        Value::String(text) => return (!text.is_empty()).then(|| Block::text(text)),
        _ => return unknown("unknown", losses),
    };
    let kind = take(&mut part, "type").unwrap_or_default();
    let cache = cache_mark(&part);
    let block = match kind.as_str() {
        // The last two are the Responses dialect's names; some clients mix them in.
        "text" | "input_text" | "output_text" => {
            let text = take(&mut part, "text")?;
            return (!text.is_empty() || cache.is_some()).then_some(Block::Text { text, cache });
        }
        "refusal" => Some(Block::Refusal { text: take(&mut part, "refusal")? }),
        "image_url" => read_image(&mut part, cache),
        "input_audio" => read_audio(&mut part),
        "file" => read_file(&mut part, cache),
        // Mistral's models put their reasoning into the content.
        "thinking" => read_thinking(&part),
        _ => None,
    };
    block.or_else(|| unknown(&kind, losses))
}

fn unknown(kind: &str, losses: &mut Vec<Loss>) -> Option<Block> {
    lose(losses, format!("content_part:{}", if is_word(kind) { kind } else { "unknown" }));
    None
}

fn take(part: &mut Map<String, Value>, key: &str) -> Option<String> {
    match part.get_mut(key).map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn read_image(part: &mut Map<String, Value>, cache: Option<CacheMark>) -> Option<Block> {
    let (url, detail) = match part.get_mut("image_url")?.take() {
        Value::String(url) => (url, None),
        Value::Object(mut image) => (take(&mut image, "url")?, take(&mut image, "detail")),
        _ => return None,
    };
    Some(Block::Image { media: media(url), detail, cache })
}

fn read_audio(part: &mut Map<String, Value>) -> Option<Block> {
    let audio = part.get_mut("input_audio")?.as_object_mut()?;
    let media_type = match take(audio, "format")?.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    Some(Block::Audio { media: Media::Inline { media_type, data: take(audio, "data")? } })
}

fn read_file(part: &mut Map<String, Value>, cache: Option<CacheMark>) -> Option<Block> {
    let file = part.get_mut("file")?.as_object_mut()?;
    let name = take(file, "filename");
    let media = match take(file, "file_data") {
        Some(data) => match media(data) {
            // Bare Base64 is taken too; then only the name tells what it is.
            Media::Url { url } if !url.contains(':') => {
                Media::Inline { media_type: words::media_type(name.as_deref()).to_owned(), data: url }
            }
            media => media,
        },
        None => Media::Uploaded { id: take(file, "file_id")? },
    };
    Some(Block::Document { media, name, cache })
}

fn read_thinking(part: &Map<String, Value>) -> Option<Block> {
    let text = match part.get("thinking")? {
        Value::String(text) => text.clone(),
        Value::Array(pieces) => pieces.iter().filter_map(|piece| piece.get("text")?.as_str()).collect(),
        _ => return None,
    };
    Some(Block::Thinking { text, signature: None, id: None })
}

/// What an address holds: bytes, if it is a Base64 `data:` address.
fn media(url: String) -> Media {
    let inline = url.split_once(',').and_then(|(head, data)| {
        let media_type = head.strip_prefix("data:")?.strip_suffix(";base64")?;
        let media_type = media_type.split(';').next().filter(|name| !name.is_empty())?;
        Some(Media::Inline { media_type: media_type.to_owned(), data: data.to_owned() })
    });
    inline.unwrap_or(Media::Url { url })
}

/// A name is required beside data, and its ending tells what the data is.
fn file_name(name: Option<&str>, media_type: &str) -> String {
    let name = name.unwrap_or("document");
    match words::ending(media_type).filter(|_| !name.contains('.')) {
        Some(ending) => format!("{name}.{ending}"),
        None => name.to_owned(),
    }
}

/// One part of a user's message; `None` for what no user says, which is then a loss.
pub(super) fn write(block: &Block, losses: &mut Vec<Loss>) -> Result<Option<Value>, Unsayable> {
    let (part, cache) = match block {
        Block::Text { text, cache } => (json!({"type": "text", "text": text}), cache),
        Block::Image { media, detail, cache } => (write_image(media, detail.as_deref())?, cache),
        Block::Document { media, name, cache } => (write_document(media, name.as_deref(), losses)?, cache),
        Block::Audio { media } => (write_audio(media)?, &None),
        _ => {
            lose(losses, "misplaced_block");
            return Ok(None);
        }
    };
    note_cache(cache.as_ref(), losses);
    Ok(Some(part))
}

/// Cache marks are not written: models before the newest refuse them, and OpenAI's cache works without.
pub(super) fn note_cache(cache: Option<&CacheMark>, losses: &mut Vec<Loss>) {
    if cache.is_some() {
        lose(losses, "cache_mark");
    }
}

fn unsayable(what: impl Into<String>) -> Unsayable {
    Unsayable { what: what.into(), dialect: Dialect::OpenAiChat }
}

/// Files that were uploaded are known to their own provider only.
fn uploaded() -> Unsayable {
    unsayable("a file uploaded to another provider")
}

fn write_image(media: &Media, detail: Option<&str>) -> Result<Value, Unsayable> {
    let mut image = match media {
        Media::Inline { media_type, data } => json!({"url": data_url(media_type, data)}),
        Media::Url { url } => json!({"url": url}),
        Media::Uploaded { .. } => return Err(uploaded()),
    };
    if let Some(detail) = detail {
        image["detail"] = detail.into();
    }
    Ok(json!({"type": "image_url", "image_url": image}))
}

/// A document that is text becomes text: every server takes that, and few take files.
fn write_document(media: &Media, name: Option<&str>, losses: &mut Vec<Loss>) -> Result<Value, Unsayable> {
    let (media_type, data) = match media {
        Media::Inline { media_type, data } => (media_type, data),
        Media::Url { .. } => return Err(unsayable("a document by its address")),
        Media::Uploaded { .. } => return Err(uploaded()),
    };
    let bytes = media_type.starts_with("text/").then(|| STANDARD.decode(data).ok()).flatten();
    if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
        lose(losses, "document_form");
        let text = name.map_or_else(|| text.clone(), |name| format!("{name}\n\n{text}"));
        return Ok(json!({"type": "text", "text": text}));
    }
    let file = json!({"file_data": data_url(media_type, data), "filename": file_name(name, media_type)});
    Ok(json!({"type": "file", "file": file}))
}

fn write_audio(media: &Media) -> Result<Value, Unsayable> {
    let Media::Inline { media_type, data } = media else {
        return Err(unsayable("sound that is not in the request"));
    };
    let format = match media_type.as_str() {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => "wav",
        other => return Err(unsayable(format!("sound of type {other}"))),
    };
    Ok(json!({"type": "input_audio", "input_audio": {"data": data, "format": format}}))
}

fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}
