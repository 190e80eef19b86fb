//! Parts of messages and of tool results: text, pictures, files and sound.

use serde_json::{Value, json};
use waymark_types::Dialect;

use super::wire::{kind, list, lose, plain, text, word};
use crate::neutral::{Block, CacheMark, Loss, Media, Unsayable};
use crate::openai::words;

/// Reads what a message or a result says: text, or an array of parts.
pub(super) fn read(content: &Value, losses: &mut Vec<Loss>) -> Vec<Block> {
    match content {
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![Block::text(text)],
        Value::Array(parts) => parts.iter().filter_map(|part| read_part(part, losses)).collect(),
        _ => Vec::new(),
    }
}

fn read_part(part: &Value, losses: &mut Vec<Loss>) -> Option<Block> {
    let cache = cache_mark(part);
    let block = match kind(part) {
        "input_text" | "output_text" | "text" | "summary_text" => {
            if !list(part, "annotations").is_empty() {
                lose(losses, "annotations");
            }
            text(part, "text").map(|text| Block::Text { text: text.to_owned(), cache })
        }
        "refusal" => text(part, "refusal").map(|text| Block::Refusal { text: text.to_owned() }),
        "input_image" => read_image(part).map(|media| {
            let detail = text(part, "detail").map(str::to_owned);
            Block::Image { media, detail, cache }
        }),
        "input_file" => read_file(part, cache),
        "input_audio" => read_audio(part),
        _ => None,
    };
    if block.is_none() {
        lose(losses, format!("content_part:{}", plain(kind(part))));
    }
    block
}

fn cache_mark(part: &Value) -> Option<CacheMark> {
    part.get("prompt_cache_breakpoint").filter(|mark| mark.is_object()).map(|_| CacheMark { ttl: None })
}

fn read_image(part: &Value) -> Option<Media> {
    // Some clients write the object of the chat dialect here.
    let url = word(part, "image_url").or_else(|| part.pointer("/image_url/url")?.as_str());
    url.map(address).or_else(|| uploaded(part))
}

fn uploaded(part: &Value) -> Option<Media> {
    word(part, "file_id").map(|id| Media::Uploaded { id: id.to_owned() })
}

fn read_file(part: &Value, cache: Option<CacheMark>) -> Option<Block> {
    let name = word(part, "filename").map(str::to_owned);
    let inline = word(part, "file_data").map(|data| match address(data) {
        // Bare Base64 is taken too; then only the name tells what it is.
        Media::Url { url } => {
            Media::Inline { media_type: words::media_type(name.as_deref()).to_owned(), data: url }
        }
        media => media,
    });
    let media = inline.or_else(|| word(part, "file_url").map(address)).or_else(|| uploaded(part))?;
    Some(Block::Document { media, name, cache })
}

fn read_audio(part: &Value) -> Option<Block> {
    let audio = part.get("input_audio")?;
    let media_type = match text(audio, "format")? {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    Some(Block::Audio { media: Media::Inline { media_type, data: text(audio, "data")?.to_owned() } })
}

/// What an address holds: bytes, if it is a Base64 `data:` address.
fn address(url: &str) -> Media {
    let inline = url.split_once(',').and_then(|(head, data)| {
        let media_type = head.strip_prefix("data:")?.strip_suffix(";base64")?;
        let media_type = media_type.split(';').next().filter(|name| !name.is_empty())?;
        Some(Media::Inline { media_type: media_type.to_owned(), data: data.to_owned() })
    });
    inline.unwrap_or_else(|| Media::Url { url: url.to_owned() })
}

/// A file in the request needs a name here.
fn file_name(media_type: &str) -> String {
    format!("document.{}", words::ending(media_type).unwrap_or("pdf"))
}

/// Writes parts.
pub(super) struct Parts {
    /// Whether the model takes cache breakpoints.
    pub(super) cache: bool,
}

impl Parts {
    /// One part of a user's message or of a result; `None` for what cannot stand there, which is then a loss.
    pub(super) fn write(&self, block: &Block, losses: &mut Vec<Loss>) -> Result<Option<Value>, Unsayable> {
        let (mut part, cache) = match block {
            Block::Text { text, cache } => (json!({"type": "input_text", "text": text}), cache),
            Block::Image { media, detail, cache } => (write_image(media, detail.as_deref())?, cache),
            Block::Document { media, name, cache } => (write_file(media, name.as_deref())?, cache),
            Block::Audio { media } => (write_audio(media)?, &None),
            _ => {
                lose(losses, "misplaced_block");
                return Ok(None);
            }
        };
        self.mark(&mut part, cache.as_ref(), losses);
        Ok(Some(part))
    }

    /// Sets a cache breakpoint behind `part`. How long it lives is the provider's to say.
    pub(super) fn mark(&self, part: &mut Value, mark: Option<&CacheMark>, losses: &mut Vec<Loss>) {
        let Some(mark) = mark else { return };
        let Some(part) = part.as_object_mut().filter(|_| self.cache) else {
            return lose(losses, "cache_mark");
        };
        if mark.ttl.is_some() {
            lose(losses, "cache_ttl");
        }
        part.insert("prompt_cache_breakpoint".to_owned(), json!({"mode": "explicit"}));
    }
}

fn write_image(media: &Media, detail: Option<&str>) -> Result<Value, Unsayable> {
    let mut part = match media {
        Media::Inline { media_type, data } => {
            json!({"type": "input_image", "image_url": data_url(media_type, data)})
        }
        Media::Url { url } => json!({"type": "input_image", "image_url": url}),
        Media::Uploaded { id } => json!({"type": "input_image", "file_id": own_file(id)?}),
    };
    if let Some(detail) = detail {
        part["detail"] = detail.into();
    }
    Ok(part)
}

fn write_file(media: &Media, name: Option<&str>) -> Result<Value, Unsayable> {
    let mut part = match media {
        Media::Inline { media_type, data } => json!({
            "type": "input_file", "file_data": data_url(media_type, data), "filename": file_name(media_type),
        }),
        Media::Url { url } => json!({"type": "input_file", "file_url": url}),
        Media::Uploaded { id } => json!({"type": "input_file", "file_id": own_file(id)?}),
    };
    // A name beside an address or an id is refused.
    if let (Some(name), Media::Inline { .. }) = (name, media) {
        part["filename"] = name.into();
    }
    Ok(part)
}

/// OpenAI's files have ids of their own form; another provider's file is not there.
fn own_file(id: &str) -> Result<&str, Unsayable> {
    if id.starts_with("file-") { Ok(id) } else { Err(unsayable("a file uploaded to another provider")) }
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

fn unsayable(what: impl Into<String>) -> Unsayable {
    Unsayable { what: what.into(), dialect: Dialect::OpenAiResponses }
}

fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}
