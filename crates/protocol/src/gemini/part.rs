//! Parts: the pieces of turns and answers, read and written.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::signature::{Signature, standard};
use super::wire::{Blob, Call, CallResult, File, Part};
use crate::json::{Fields, arguments, compact};
use crate::neutral::{Block, Media, Unsayable};
use crate::request::ParseError;

/// What a part says.
pub(super) enum Piece {
    Text(String),
    Thought(String),
    Call {
        id: Option<String>,
        name: String,
        arguments: String,
    },
    Result {
        id: Option<String>,
        name: Option<String>,
        content: Vec<Block>,
        is_error: bool,
    },
    Media(Block),
    /// Nothing that can be said elsewhere; the code of the loss.
    Lost(String),
}

/// A part, and the proof of the reasoning behind it.
pub(super) struct Read {
    pub(super) piece: Option<Piece>,
    pub(super) signature: Option<Signature>,
    /// Fields of the part that have no place elsewhere.
    pub(super) rest: Vec<String>,
}

/// Reads a part.
pub(super) fn read(raw: &RawValue) -> Result<Read, ParseError> {
    let mut fields = Fields::of(raw, "parts")?;
    let signature = fields.take("thoughtSignature")?.and_then(Signature::read);
    let thought = fields.take("thought")?.unwrap_or(false);
    let piece = match fields.take("text")? {
        Some(text) if thought => Some(Piece::Thought(text)),
        Some(text) => Some(Piece::Text(text)),
        None => read_data(&mut fields)?,
    };
    Ok(Read { piece, signature, rest: fields.rest().collect() })
}

/// Reasoning of which nothing but its proof is shown.
pub(super) fn unseen(signature: Signature) -> Block {
    match signature {
        Signature::Redacted(data) => Block::RedactedThinking { data },
        proof => Block::Thinking { text: String::new(), signature: Some(proof.neutral()), id: None },
    }
}

/// A call's token, which no other provider has.
pub(super) fn token(signature: Option<Signature>) -> Option<String> {
    match signature? {
        Signature::Own(token) => Some(token),
        Signature::Foreign(_) | Signature::Redacted(_) => None,
    }
}

fn read_data(fields: &mut Fields<'_>) -> Result<Option<Piece>, ParseError> {
    if let Some(call) = fields.object("functionCall")? {
        return read_call(call).map(Some);
    }
    if let Some(result) = fields.object("functionResponse")? {
        return read_result(result).map(Some);
    }
    if let Some(blob) = fields.object("inlineData")? {
        return read_blob(blob)
            .map(|media| Some(media.map_or(Piece::Lost("video".to_owned()), Piece::Media)));
    }
    if let Some(file) = fields.object("fileData")? {
        return read_file(file)
            .map(|media| Some(media.map_or(Piece::Lost("video".to_owned()), Piece::Media)));
    }
    // Tools that Google runs tell of their work in parts of their own.
    let own = [
        ("executableCode", "executable_code"),
        ("codeExecutionResult", "code_execution_result"),
        ("toolCall", "server_tool_call"),
        ("toolResponse", "server_tool_result"),
    ];
    let lost = own.into_iter().find(|(name, _)| fields.raw(name).is_some());
    Ok(lost.map(|(_, code)| Piece::Lost(code.to_owned())))
}

fn read_call(mut call: Fields<'_>) -> Result<Piece, ParseError> {
    Ok(Piece::Call {
        id: call.take("id")?,
        name: call.take("name")?.unwrap_or_default(),
        arguments: call.raw("args").map_or_else(|| "{}".to_owned(), |args| compact(args.get())),
    })
}

/// A result is an object: its `output` or `error` where it has no other field, else the whole of it is the output.
fn read_result(mut result: Fields<'_>) -> Result<Piece, ParseError> {
    let mut content = Vec::new();
    let mut is_error = false;
    if let Some(response) = result.raw("response") {
        let mut fields = Fields::of(response, "response")?;
        let (output, error) = (fields.raw("output").or(fields.raw("result")), fields.raw("error"));
        is_error = error.is_some();
        let text = match (output, error, fields.rest().next()) {
            (Some(only), None, None) | (None, Some(only), None) => text_of(only),
            _ => compact(response.get()),
        };
        content.push(Block::text(text));
    }
    for part in result.list("parts")? {
        let mut part = Fields::of(part, "parts")?;
        if let Some(blob) = part.object("inlineData")? {
            content.extend(read_blob(blob)?);
        } else if let Some(file) = part.object("fileData")? {
            content.extend(read_file(file)?);
        }
    }
    Ok(Piece::Result { id: result.take("id")?, name: result.take("name")?, content, is_error })
}

fn text_of(raw: &RawValue) -> String {
    serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| compact(raw.get()))
}

/// Bytes; `None` for films, which no other dialect has.
fn read_blob(mut blob: Fields<'_>) -> Result<Option<Block>, ParseError> {
    let media_type: String = blob.take("mimeType")?.unwrap_or_default();
    // Google's clients write the URL-safe alphabet, everyone else reads the standard one.
    let data = standard(&blob.take::<String>("data")?.unwrap_or_default());
    let name = blob.take("displayName")?;
    let kind = media_type.clone();
    Ok(block(Media::Inline { media_type, data }, &kind, name))
}

fn read_file(mut file: Fields<'_>) -> Result<Option<Block>, ParseError> {
    let uri: String = file.take("fileUri")?.unwrap_or_default();
    let media_type =
        file.take("mimeType")?.unwrap_or_else(|| media_type_of(&uri).unwrap_or_default().to_owned());
    let name = file.take("displayName")?;
    let media = if is_uploaded(&uri) { Media::Uploaded { id: uri } } else { Media::Url { url: uri } };
    Ok(block(media, &media_type, name))
}

fn block(media: Media, media_type: &str, name: Option<String>) -> Option<Block> {
    Some(match media_type.split('/').next().unwrap_or_default() {
        "image" => Block::Image { media, detail: None, cache: None },
        "audio" => Block::Audio { media },
        "video" => return None,
        _ => Block::Document { media, name, cache: None },
    })
}

/// Whether an address is that of a file which Google holds.
fn is_uploaded(uri: &str) -> bool {
    ["https://generativelanguage.googleapis.com/", "gs://", "files/"]
        .iter()
        .any(|start| uri.starts_with(start))
}

/// What an address's ending tells of what is there.
fn media_type_of(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "pdf" => "application/pdf",
        "txt" | "md" => "text/plain",
        "html" | "htm" => "text/html",
        "csv" => "text/csv",
        "json" => "application/json",
        "wav" => "audio/wav",
        "mp3" => "audio/mp3",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        _ => return None,
    })
}

/// A text part.
pub(super) fn text(text: &str) -> Part {
    Part { text: Some(text.to_owned()), ..Part::default() }
}

/// A thought. One without text is only a signature, which stands beside the answer, not in a thought of its own.
pub(super) fn thought(text: &str, signature: Option<String>) -> Part {
    let thought = !text.is_empty() || signature.is_none();
    Part { text: Some(text.to_owned()), thought, thought_signature: signature, ..Part::default() }
}

/// A tool call.
pub(super) fn call(id: &str, name: &str, args: &str, signature: Option<&String>) -> Part {
    let call = Call { id: id.to_owned(), name: name.to_owned(), args: arguments(args) };
    Part { function_call: Some(call), thought_signature: signature.cloned(), ..Part::default() }
}

/// The first call of a turn must prove the reasoning behind it; one that another model made cannot.
pub(super) fn sign_first_call(parts: &mut [Part], no_proof: &str) {
    if let Some(call) = parts.iter_mut().find(|part| part.function_call.is_some()) {
        call.thought_signature.get_or_insert_with(|| no_proof.to_owned());
    }
}

/// A tool's result, with the media that it holds.
pub(super) fn result(id: &str, name: &str, text: &str, is_error: bool, parts: Vec<Part>) -> Part {
    let response: Value = if is_error { json!({ "error": text }) } else { json!({ "output": text }) };
    let result = CallResult { id: id.to_owned(), name: name.to_owned(), response, parts };
    Part { function_response: Some(result), ..Part::default() }
}

/// A picture, document or sound. What another provider holds cannot be named here.
pub(super) fn media(media: &Media, usual: &'static str) -> Result<Part, Unsayable> {
    let uri = match media {
        Media::Inline { media_type, data } => {
            let blob = Blob { mime_type: media_type.clone(), data: data.clone() };
            return Ok(Part { inline_data: Some(blob), ..Part::default() });
        }
        Media::Url { url } => url,
        Media::Uploaded { id } if is_uploaded(id) => id,
        Media::Uploaded { .. } => {
            let what = "a file uploaded to another provider".to_owned();
            return Err(Unsayable { what, dialect: waymark_types::Dialect::Gemini });
        }
    };
    let file = File { mime_type: media_type_of(uri).unwrap_or(usual), file_uri: uri.clone() };
    Ok(Part { file_data: Some(file), ..Part::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(json: &str) -> Piece {
        read(&RawValue::from_string(json.to_owned()).unwrap()).unwrap().piece.unwrap()
    }

    #[test]
    fn url_safe_data_becomes_standard() {
        let Piece::Media(Block::Image { media, .. }) =
            piece(r#"{"inline_data":{"mime_type":"image/png","data":"-_8"}}"#)
        else {
            panic!("no image");
        };
        assert_eq!(media, Media::Inline { media_type: "image/png".into(), data: "+/8=".into() });
    }

    #[test]
    fn results_are_their_output_their_error_or_all_they_say() {
        let read = |json: &str| match piece(&format!(
            r#"{{"functionResponse":{{"name":"f","response":{json}}}}}"#
        )) {
            Piece::Result { content, is_error, .. } => match content.as_slice() {
                [Block::Text { text, .. }] => (text.clone(), is_error),
                other => panic!("{other:?}"),
            },
            _ => panic!("no result"),
        };
        assert_eq!(read(r#"{"output":"ok"}"#), ("ok".into(), false));
        assert_eq!(read(r#"{"result":{"b":1,"a":2}}"#), (r#"{"b":1,"a":2}"#.into(), false));
        assert_eq!(read(r#"{"error":"no such file"}"#), ("no such file".into(), true));
        assert_eq!(read(r#"{"exit": 1, "error": "x"}"#), (r#"{"exit":1,"error":"x"}"#.into(), true));
        assert_eq!(read(r#"{"weather": "fine"}"#), (r#"{"weather":"fine"}"#.into(), false));
    }

    #[test]
    fn films_are_lost_and_addresses_tell_what_they_are() {
        assert!(matches!(piece(r#"{"fileData":{"fileUri":"https://youtu.be/x","mimeType":"video/mp4"}}"#),
            Piece::Lost(code) if code == "video"));
        assert!(matches!(
            piece(r#"{"fileData":{"fileUri":"https://example.com/a.PNG?x=1"}}"#),
            Piece::Media(Block::Image { media: Media::Url { .. }, .. })
        ));
        assert!(matches!(
            piece(r#"{"fileData":{"fileUri":"gs://bucket/a.pdf"}}"#),
            Piece::Media(Block::Document { media: Media::Uploaded { .. }, .. })
        ));
    }
}
