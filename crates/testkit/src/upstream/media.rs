//! Pictures and sound, made and understood.

use serde_json::{Map, Value, json};

use super::dialect::{Answer, Body, CREATED, INPUT_TOKENS, Wants};
use super::endpoint::Endpoint;
use crate::http::find;

/// A picture of one pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// The start of an MPEG layer III frame at 128 kbit/s and 44.1 kHz, and how long such a frame is.
const FRAME: ([u8; 4], usize) = ([0xff, 0xfb, 0x90, 0x00], 417);

pub(super) fn answer(wants: &Wants, answer: &Answer<'_>) -> Body {
    match wants.endpoint() {
        Endpoint::Images => pictures(wants, answer),
        Endpoint::Speech => spoken(wants),
        _ => transcript(wants, answer),
    }
}

/// One picture, or as a stream as many as were asked for, each after a glimpse of it.
fn pictures(wants: &Wants, answer: &Answer<'_>) -> Body {
    let output = answer.output_tokens();
    let usage = json!({"input_tokens": INPUT_TOKENS, "output_tokens": output, "total_tokens": INPUT_TOKENS + output,
        "input_tokens_details": {"text_tokens": INPUT_TOKENS, "image_tokens": 0}});
    if !wants.is_stream() {
        let made = json!({"created": CREATED, "background": "opaque", "output_format": "png", "quality": "low",
            "size": "1024x1024", "data": [{"b64_json": PIXEL}], "usage": usage});
        return Body::json(200, &made);
    }
    let glimpse =
        json!({"type": "image_generation.partial_image", "b64_json": PIXEL, "partial_image_index": 0});
    let whole = json!({"type": "image_generation.completed", "b64_json": PIXEL, "usage": usage});
    let count = wants.body["n"].as_u64().unwrap_or(1) as usize;
    Body::events(std::iter::repeat_n([glimpse, whole], count).flatten())
}

/// Frames of silence.
fn spoken(wants: &Wants) -> Body {
    let (start, length) = FRAME;
    let mut frame = start.to_vec();
    frame.resize(length, 0);
    let kind = match wants.body["response_format"].as_str() {
        None | Some("mp3") => "audio/mpeg".to_owned(),
        Some(format) => format!("audio/{format}"),
    };
    Body { status: 200, content_type: kind, pieces: vec![frame; 3], is_stream: true }
}

fn transcript(wants: &Wants, answer: &Answer<'_>) -> Body {
    let text = answer.text();
    let output = answer.output_tokens();
    let usage = json!({"type": "tokens", "input_tokens": INPUT_TOKENS, "output_tokens": output,
        "input_token_details": {"text_tokens": 0, "audio_tokens": INPUT_TOKENS},
        "total_tokens": INPUT_TOKENS + output});
    if let (true, Answer::Text(words)) = (wants.is_stream(), answer) {
        let deltas = words.iter().map(|word| json!({"type": "transcript.text.delta", "delta": word}));
        return Body::events(
            deltas.chain([json!({"type": "transcript.text.done", "text": text, "usage": usage})]),
        );
    }
    if wants.body["response_format"] == "text" {
        return Body::whole(200, "text/plain; charset=utf-8", format!("{text}\n"));
    }
    Body::json(200, &json!({"text": text, "usage": usage}))
}

/// The texts of a form by their names; a file is there by its length.
pub(super) fn form(body: &[u8]) -> Value {
    let Some(line) = find(body, b"\r\n").filter(|_| body.starts_with(b"--")) else { return Value::Null };
    let boundary = [b"\r\n", &body[..line]].concat();
    let mut fields = Map::new();
    let mut rest = &body[line..];
    while let Some(end) = find(rest, &boundary) {
        if let Some((name, value)) = field(&rest[..end]) {
            fields.insert(name, value);
        }
        rest = &rest[end + boundary.len()..];
    }
    Value::Object(fields)
}

fn field(part: &[u8]) -> Option<(String, Value)> {
    let end = find(part, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&part[..end]);
    let (_, name) = head.split_once("name=")?;
    let name = name.trim_start_matches('"').split(['"', ';', '\r']).next()?.to_owned();
    let content = &part[end + 4..];
    let value = if head.contains("filename") {
        json!(content.len())
    } else {
        json!(String::from_utf8_lossy(content))
    };
    Some((name, value))
}
