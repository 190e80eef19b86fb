//! Crossing from the client's dialect into a provider's, and back.

use bytes::Bytes;
use waymark_protocol::neutral::{Event, Loss, Prompt};
use waymark_protocol::{Dialogue, ErrorKind, EventReader, EventWriter, Fault, dialogue, sse};
use waymark_types::Dialect;

/// A request that crosses into another dialect.
pub(crate) struct Conversion {
    prompt: Prompt,
    theirs: &'static dyn Dialogue,
    ours: &'static dyn Dialogue,
    client: Dialect,
    model: String,
    created: i64,
}

/// A request as the provider gets it.
pub(super) struct Crossed {
    pub(super) conversion: Conversion,
    pub(super) body: Bytes,
    /// What had to be left out, as stable codes.
    pub(super) lost: Vec<String>,
}

/// Puts a request of `client`'s dialect into the provider's.
pub(super) fn cross(
    raw: &[u8],
    client: Dialect,
    provider: Dialect,
    model: &str,
    created: i64,
) -> Result<Crossed, Fault> {
    let fault = |message: String| Fault { kind: ErrorKind::InvalidRequest, code: "not_convertible", message };
    let (Some(ours), Some(theirs)) = (dialogue(client), dialogue(provider)) else {
        return Err(fault(format!("{client} cannot be converted into {provider}")));
    };
    let mut prompt = ours.read_prompt(raw).map_err(|error| fault(error.to_string()))?;
    prompt.sayable_in(provider).map_err(|error| fault(error.to_string()))?;
    let mut losses = std::mem::take(&mut prompt.losses);
    let body = theirs.write_prompt(&prompt, model, &mut losses).map_err(|error| fault(error.to_string()))?;
    losses.sort();
    losses.dedup();
    let conversion = Conversion { prompt, theirs, ours, client, model: model.to_owned(), created };
    let lost = losses.into_iter().map(|Loss { code }| code).collect();
    Ok(Crossed { conversion, body: body.into(), lost })
}

impl Conversion {
    /// A provider's whole answer, in the client's dialect; `None` when it cannot be read.
    pub(super) fn reply(&self, body: &[u8]) -> Option<Vec<u8>> {
        let reply = self.theirs.read_reply(body).ok()?;
        Some(self.ours.write_reply_to(&self.prompt, &reply, &self.model, self.created))
    }

    /// A provider's error answer, in the client's dialect.
    pub(super) fn error(&self, status: u16, body: &[u8]) -> Vec<u8> {
        let (_, message) = self.theirs.read_error(body);
        let kind = match status {
            400 | 422 => ErrorKind::InvalidRequest,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            413 => ErrorKind::TooLarge,
            503 | 529 => ErrorKind::Unavailable,
            _ => ErrorKind::Upstream,
        };
        waymark_protocol::error_body(self.client, &Fault { kind, code: "upstream_error", message })
    }

    /// The content type of a stream in the client's dialect.
    pub(super) fn stream_type(&self) -> &'static str {
        sse::framing(self.client).content_type()
    }

    /// Starts on a stream.
    pub(super) fn stream(&self) -> Converter {
        Converter {
            reader: self.theirs.event_reader(),
            writer: self.ours.event_writer(&self.prompt, &self.model, self.created),
        }
    }
}

/// A stream that crosses, event by event.
pub(crate) struct Converter {
    reader: Box<dyn EventReader + Send>,
    writer: Box<dyn EventWriter + Send>,
}

impl Converter {
    /// One of the provider's events, as the client's.
    pub(crate) fn event(&mut self, frame: &sse::Frame<'_>) -> Vec<u8> {
        let events = self.reader.read(frame);
        self.write(&events)
    }

    /// What the end of the body adds.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let events = self.reader.finish();
        self.write(&events)
    }

    fn write(&mut self, events: &[Event]) -> Vec<u8> {
        events.iter().flat_map(|event| self.writer.write(event)).collect()
    }
}
