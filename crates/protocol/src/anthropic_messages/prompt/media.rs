//! Images and documents: where they are, on both sides.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::neutral::{Block, Media};
use crate::request::ParseError;

/// A block's `source`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Source {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<String>,
}

/// A `content` source: a document made of a string or of blocks.
#[derive(Deserialize)]
struct ContentSource<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, borrow)]
    content: Option<&'a RawValue>,
}

/// The content of a source that is made of blocks.
pub(super) fn content_source(source: &str) -> Result<Option<&RawValue>, ParseError> {
    let source: ContentSource<'_> = serde_json::from_str(source)?;
    Ok(source.content.filter(|_| source.kind == "content"))
}

/// Puts a text document's title and context around it; without them it stays as it is.
pub(super) fn caption(blocks: &mut Vec<Block>, title: Option<&str>, context: Option<&str>) {
    let lines: Vec<&str> = [title, context].into_iter().flatten().collect();
    match (lines.is_empty(), blocks.first_mut()) {
        (true, _) => {}
        (false, Some(Block::Text { text, .. })) => *text = format!("{}\n\n{text}", lines.join("\n")),
        (false, _) => blocks.insert(0, Block::text(lines.join("\n"))),
    }
}

impl Source {
    fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), media_type: None, data: None, url: None, file_id: None }
    }

    /// Where it is, in neutral form; `None` for a source of an unknown kind.
    pub(super) fn media(self) -> Option<Media> {
        match self.kind.as_str() {
            "base64" => Some(Media::Inline { media_type: self.media_type?, data: self.data? }),
            "url" => Some(Media::Url { url: self.url? }),
            "file" => Some(Media::Uploaded { id: self.file_id? }),
            _ => None,
        }
    }

    /// The text of a source that is plain text.
    pub(super) fn text(&self) -> Option<&str> {
        self.data.as_deref().filter(|_| self.kind == "text")
    }

    /// The source of an image, or what about it the provider does not take.
    pub(super) fn of_image(media: &Media) -> Result<Self, String> {
        match split(media) {
            Place::Bytes(media_type, data) => {
                let media_type = if media_type == "image/jpg" { "image/jpeg" } else { media_type };
                if !matches!(media_type, "image/jpeg" | "image/png" | "image/gif" | "image/webp") {
                    return Err(format!("an image of type {media_type}"));
                }
                Ok(Self {
                    media_type: Some(media_type.to_owned()),
                    data: Some(data.to_owned()),
                    ..Self::new("base64")
                })
            }
            Place::Url(url) => Ok(Self { url: Some(url.to_owned()), ..Self::new("url") }),
            Place::File(id) => Self::of_file(id),
        }
    }

    /// The source of a document, or what about it the provider does not take.
    pub(super) fn of_document(media: &Media) -> Result<Self, String> {
        match split(media) {
            Place::Bytes("application/pdf", data) => Ok(Self {
                media_type: Some("application/pdf".to_owned()),
                data: Some(data.to_owned()),
                ..Self::new("base64")
            }),
            Place::Bytes(media_type, data) if is_text(media_type) => {
                let text = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                let text = text.ok_or_else(|| format!("a document of type {media_type} that is not text"))?;
                Ok(Self { media_type: Some("text/plain".to_owned()), data: Some(text), ..Self::new("text") })
            }
            Place::Bytes(media_type, _) => Err(format!("a document of type {media_type}")),
            Place::Url(url) => Ok(Self { url: Some(url.to_owned()), ..Self::new("url") }),
            Place::File(id) => Self::of_file(id),
        }
    }

    /// Files are known only where they were uploaded; this provider's ids are told by their start.
    fn of_file(id: &str) -> Result<Self, String> {
        match id.starts_with("file_") {
            true => Ok(Self { file_id: Some(id.to_owned()), ..Self::new("file") }),
            false => Err("a file uploaded to another provider".to_owned()),
        }
    }
}

enum Place<'a> {
    Bytes(&'a str, &'a str),
    Url(&'a str),
    File(&'a str),
}

fn split(media: &Media) -> Place<'_> {
    match media {
        Media::Inline { media_type, data } => Place::Bytes(media_type, data),
        Media::Uploaded { id } => Place::File(id),
        Media::Url { url } => {
            let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
            match inline {
                // Parameters such as a character set say nothing that is asked for here.
                Some((kind, data)) => Place::Bytes(kind.split(';').next().unwrap_or(kind), data),
                None => Place::Url(url),
            }
        }
    }
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/")
        || matches!(
            media_type,
            "application/json" | "application/xml" | "application/yaml" | "application/javascript"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(media_type: &str, data: &str) -> Media {
        Media::Inline { media_type: media_type.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn a_data_address_is_bytes() {
        let media = Media::Url { url: "data:image/jpg;base64,AAAA".to_owned() };
        let source = Source::of_image(&media).unwrap();
        assert_eq!(source.media(), Some(inline("image/jpeg", "AAAA")));
    }

    #[test]
    fn text_is_sent_as_text() {
        let source = Source::of_document(&inline("text/markdown", "IyBIaQ==")).unwrap();
        assert_eq!(source.text(), Some("# Hi"));
        assert!(Source::of_document(&inline("text/plain", "?")).is_err());
        assert!(Source::of_document(&inline("application/zip", "AAAA")).is_err());
        assert!(Source::of_image(&inline("image/bmp", "AAAA")).is_err());
        assert!(Source::of_image(&Media::Uploaded { id: "file-abc".to_owned() }).is_err());
    }
}
