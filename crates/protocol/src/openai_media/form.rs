//! Forms with files (`multipart/form-data`, RFC 7578): the fields that routing needs, found without a copy.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use waymark_types::Dialect;

use crate::request::{ParseError, Request};

/// Reads a form whose field `model` names the model.
pub(super) fn parse(raw: &Bytes) -> Result<Request, ParseError> {
    if raw.is_empty() {
        return Err(ParseError::Empty);
    }
    let field = |name| {
        field(raw, name).map(|place| (String::from_utf8_lossy(&raw[place.clone()]).into_owned(), place))
    };
    let (model, place) = field("model").filter(|(model, _)| !model.is_empty()).ok_or_else(|| {
        let problem = "missing; send a multipart form with the fields `file` and `model`".to_owned();
        ParseError::Field { field: "model", problem }
    })?;
    let stream = field("stream").is_some_and(|(stream, _)| stream == "true");
    let mut request = Request::addressed(Dialect::OpenAiTranscriptions, raw, model, vec![place]);
    request.stream = stream;
    Ok(request)
}

/// Where the value of a field that is no file stands.
fn field(raw: &[u8], name: &str) -> Option<Range<usize>> {
    // The body begins with the boundary, which no part contains.
    let boundary = &raw[..memmem::find(raw, b"\r\n")?];
    if !boundary.starts_with(b"--") {
        return None;
    }
    let delimiter = [b"\r\n", boundary].concat();
    let mut start = boundary.len() + 2;
    while let Some(length) = memmem::find(raw.get(start..)?, &delimiter) {
        let part = &raw[start..start + length];
        let head = memmem::find(part, b"\r\n\r\n")?;
        if is_named(&part[..head], name) {
            return Some(start + head + 4..start + length);
        }
        start += length + delimiter.len() + 2;
    }
    None
}

/// Whether a part's head names the field.
fn is_named(head: &[u8], name: &str) -> bool {
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find(|line| {
        line.get(.."content-disposition:".len())
            .is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
    });
    let parameters = disposition.into_iter().flat_map(|line| line.split(';').skip(1));
    let mut named = parameters.filter_map(|parameter| parameter.trim().split_once('='));
    named
        .any(|(key, value)| key.trim().eq_ignore_ascii_case("name") && value.trim().trim_matches('"') == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--b-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
        Content-Type: audio/wav\r\n\r\nRIFF\r\n\r\nname=\"model\"\r\n\r\n--b-2\r\n--b-1\r\n\
        content-disposition: form-data; name=model\r\n\r\nwhisper-1\r\n--b-1\r\n\
        Content-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b-1--\r\n";

    #[test]
    fn the_model_is_found_beside_the_file_and_exchanged() {
        let request = parse(&Bytes::from_static(FORM.as_bytes())).unwrap();
        assert_eq!((request.model.as_str(), request.stream), ("whisper-1", true));
        assert_eq!(request.body_for("large-v3"), FORM.replacen("whisper-1", "large-v3", 1));
    }

    #[test]
    fn forms_without_a_model_are_refused() {
        for body in ["--b\r\n\r\n--b--\r\n", "{\"model\":\"whisper-1\"}", "--b", "\r\n\r\n"] {
            let error = parse(&Bytes::from_static(body.as_bytes())).unwrap_err();
            assert!(error.to_string().contains("multipart"), "{body}: {error}");
        }
    }
}
