//! Forms with files (`multipart/form-data`, RFC 7578 over RFC 2046): the fields that routing needs, found without a copy.
//!
//! Boundary and names are read as those who take such forms read them, so that the model on record is the model that
//! is asked: where two readings are possible the form is refused.

mod header;

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use waymark_types::Dialect;

use crate::request::{ParseError, Request};
use header::Value;

/// Whether the content type is that of a form.
pub(super) fn is_form(content_type: &str) -> bool {
    Value::read(content_type).kind.eq_ignore_ascii_case("multipart/form-data")
}

/// What stands between a form's parts, as its content type says.
fn boundary(content_type: &str) -> Option<String> {
    let value = Value::read(content_type);
    let boundary = value.parameter("boundary").filter(|boundary| !boundary.is_empty());
    boundary.filter(|_| is_form(content_type)).map(str::to_owned)
}

/// Reads a form whose field `model` names the model.
pub(super) fn parse(dialect: Dialect, raw: &Bytes, content_type: &str) -> Result<Request, ParseError> {
    let wrong = |field, problem: &str| ParseError::Field { field, problem: problem.to_owned() };
    let boundary = boundary(content_type).ok_or_else(|| {
        wrong("content-type", "send a multipart form: `multipart/form-data` with the boundary of its parts")
    })?;
    let parts = Parts::new(raw, boundary.as_bytes())
        .ok_or_else(|| wrong("content-type", "no line of the multipart form is its boundary"))?;
    let (mut model, mut stream) = (None, false);
    for (name, place) in parts.filter_map(|part| field(raw, part)) {
        let value = String::from_utf8_lossy(&raw[place.clone()]);
        match name.as_str() {
            "model" if model.is_some() => {
                return Err(wrong("model", "the multipart form names a model more than once"));
            }
            "model" if !value.is_empty() => model = Some((value.into_owned(), place)),
            "stream" => stream = value.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }
    let (model, place) = model.ok_or_else(|| wrong("model", "the multipart form has no such field"))?;
    let mut request = Request::addressed(dialect, raw, model, vec![place]);
    (request.is_form, request.stream) = (true, stream);
    Ok(request)
}

/// The name of a part that is a field and no file, and where its value stands.
fn field(raw: &[u8], part: Part) -> Option<(String, Range<usize>)> {
    let Part { place, newline } = part;
    let content = &raw[place.clone()];
    let blank = [newline, newline].concat();
    let head = memmem::find(content, &blank)?;
    let text = String::from_utf8_lossy(&content[..head]);
    let disposition = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim_end().eq_ignore_ascii_case("content-disposition").then(|| Value::read(value))
    })?;
    let is_file = disposition.parameter("filename").or(disposition.parameter("filename*")).is_some();
    let name = disposition.parameter("name").filter(|_| !is_file)?;
    Some((name.to_owned(), place.start + head + blank.len()..place.end))
}

/// A part: where its head and content stand, and how its lines end.
struct Part {
    place: Range<usize>,
    newline: &'static [u8],
}

/// The parts of a form: what stands between the lines that are its boundary. What stands before the first and behind
/// the last is nothing of the form's.
struct Parts<'a> {
    raw: &'a [u8],
    /// Two hyphens and the boundary.
    dashes: Vec<u8>,
    /// How lines end: as the first delimiter's does, which in a form that was written by hand is often a bare LF.
    newline: &'static [u8],
    /// Where the next part begins; `None` behind the last.
    start: Option<usize>,
}

impl<'a> Parts<'a> {
    /// Looks for the first part; `None` when no line is the boundary.
    fn new(raw: &'a [u8], boundary: &[u8]) -> Option<Self> {
        let dashes = [b"--", boundary].concat();
        memmem::find_iter(raw, &dashes).find_map(|at| {
            let is_line = at == 0 || raw[at - 1] == b'\n';
            let rest = unpadded(&raw[at + dashes.len()..]);
            let newline: &[u8] =
                [&b"\r\n"[..], b"\n"].into_iter().find(|&newline| rest.starts_with(newline))?;
            let start = Some(raw.len() - rest.len() + newline.len());
            is_line.then(|| Self { raw, dashes: dashes.clone(), newline, start })
        })
    }
}

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let start = self.start.take()?;
        let delimiter = [self.newline, &self.dashes].concat();
        for found in memmem::find_iter(&self.raw[start..], &delimiter) {
            let (end, behind) = (start + found, start + found + delimiter.len());
            let rest = unpadded(&self.raw[behind..]);
            if rest.starts_with(self.newline) {
                self.start = Some(self.raw.len() - rest.len() + self.newline.len());
            } else if !self.raw[behind..].starts_with(b"--") {
                // A line that only begins like the boundary belongs to the part.
                continue;
            }
            return Some(Part { place: start..end, newline: self.newline });
        }
        None
    }
}

/// Without the blanks that may follow a boundary on its line.
fn unpadded(rest: &[u8]) -> &[u8] {
    let padding = rest.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
    &rest[padding..]
}

#[cfg(test)]
mod tests;
