//! OpenAI `POST /v1/images/...`, `/v1/audio/transcriptions`, `/translations` and `/speech`. They only ever pass through:
//! what routing needs is read, and what an answer says of itself.

mod form;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use waymark_types::{Dialect, Usage};

use crate::answer::{Answer, Progress};
use crate::error::Fault;
use crate::openai::{self, error_text};
use crate::request::{self, ParseError, Request};
use crate::sse::Frame;
use crate::{Addressed, Codec};

/// One of the three dialects, all of which answer alike.
pub(crate) struct OpenAiMedia(pub(crate) Dialect);

/// How speech is asked for as a stream of events.
#[derive(Deserialize)]
struct Spoken {
    stream_format: Option<String>,
}

#[derive(Deserialize)]
struct Reply {
    model: Option<String>,
    usage: Option<Tokens>,
    error: Option<Value>,
    /// In a stream, what the event is.
    r#type: Option<String>,
}

/// Tokens, as OpenAI counts them and as others do; of what is billed by the minute there are none.
#[derive(Deserialize)]
struct Tokens {
    input_tokens: Option<u64>,
    prompt_tokens: Option<u64>,
    output_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

impl Codec for OpenAiMedia {
    fn parse(&self, raw: &Bytes, addressed: &Addressed) -> Result<Request, ParseError> {
        let content_type = addressed.content_type.as_deref().unwrap_or_default();
        // Sounds and pictures are sent in a form, beside the model's name.
        if self.0 == Dialect::OpenAiTranscriptions || form::is_form(content_type) {
            return form::parse(self.0, raw, content_type);
        }
        request::is_object(raw)?;
        let mut request = request::envelope(self.0, raw)?;
        if self.0 == Dialect::OpenAiSpeech {
            let spoken: Spoken = serde_json::from_slice(raw)?;
            request.stream = spoken.stream_format.as_deref() == Some("sse");
        }
        Ok(request)
    }

    fn error_body(&self, fault: &Fault) -> Vec<u8> {
        openai::error_body(fault)
    }

    fn error_event(&self, fault: &Fault) -> Vec<u8> {
        openai::error_event(fault)
    }

    fn read_body(&self, body: &[u8], answer: &mut Answer) {
        note(body, answer);
    }

    fn read_event(&self, frame: &Frame<'_>, answer: &mut Answer) -> Progress {
        if *frame.data == *b"[DONE]" {
            return Progress::Last;
        }
        let kind = note(&frame.data, answer).unwrap_or_default();
        match kind.as_str() {
            "error" => Progress::Failed,
            _ if answer.error.is_some() => Progress::Failed,
            // Each picture is completed for itself, and how many there are only the stream's end says.
            "image_generation.completed" | "image_edit.completed" => {
                answer.finish = Some("completed".to_owned());
                Progress::Ongoing
            }
            // The last is Mistral's.
            "transcript.text.done" | "speech.audio.done" | "transcription.done" => Progress::Last,
            _ => Progress::Ongoing,
        }
    }

    fn may_end_silently(&self) -> bool {
        true
    }
}

/// Notes what an answer or an event says of itself, and returns the event's type.
fn note(body: &[u8], answer: &mut Answer) -> Option<String> {
    let reply: Reply = serde_json::from_slice(body).ok()?;
    answer.served_model = reply.model.filter(|model| !model.is_empty()).or(answer.served_model.take());
    if let Some(tokens) = reply.usage {
        let input = tokens.input_tokens.or(tokens.prompt_tokens);
        let output = tokens.output_tokens.or(tokens.completion_tokens);
        answer.usage.update(&Usage { input, output, ..Usage::default() });
    }
    let error = reply.error.filter(|error| !error.is_null()).map(|error| error_text(&error));
    answer.error = error.or(answer.error.take());
    reply.r#type
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::read;

    fn events(dialect: Dialect, events: &[&str]) -> (Vec<Progress>, Answer) {
        let mut answer = Answer::default();
        let read = |event: &&str| OpenAiMedia(dialect).read_event(&read(event.as_bytes()), &mut answer);
        (events.iter().map(read).collect(), answer)
    }

    #[test]
    fn every_stream_ends_in_its_own_way() {
        use Progress::{Failed, Last, Ongoing};
        let (pictures, answer) = events(
            Dialect::OpenAiImages,
            &[
                "data: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"iVBO\",\"partial_image_index\":0}\n\n",
                "data: {\"type\":\"image_generation.completed\",\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}\n\n",
                "data: {\"type\":\"image_generation.completed\",\"usage\":{\"input_tokens\":5,\"output_tokens\":9}}\n\n",
            ],
        );
        assert_eq!(pictures, [Ongoing; 3]);
        assert!(answer.is_whole_without_end(Dialect::OpenAiImages));
        assert_eq!((answer.usage.input, answer.usage.output), (Some(5), Some(9)));
        let (transcript, answer) = events(
            Dialect::OpenAiTranscriptions,
            &[
                "data: {\"type\":\"transcript.text.delta\",\"delta\":\"Hi\"}\n\n",
                "data: {\"type\":\"transcript.text.done\",\"text\":\"Hi\",\"usage\":{\"type\":\"duration\",\"seconds\":3}}\n\n",
            ],
        );
        assert_eq!(transcript, [Ongoing, Last]);
        assert_eq!(answer.usage, Usage::default(), "seconds are no tokens");
        let (others, answer) = events(
            Dialect::OpenAiTranscriptions,
            &[
                "data: {\"object\":\"transcription.chunk\",\"model\":\"w\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n",
                "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n",
                "data: [DONE]\n\n",
            ],
        );
        assert_eq!((others, answer.served_model.as_deref()), (vec![Ongoing, Ongoing, Last], Some("w")));
        assert_eq!((answer.usage.input, answer.usage.output), (Some(3), Some(1)));
        let error = "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"no\"}}\n\n";
        assert_eq!(events(Dialect::OpenAiSpeech, &[error]).0, [Failed]);
    }

    #[test]
    fn bodies_are_read_as_their_content_type_says() {
        let parse = |dialect, body: &'static str, content_type: &str| {
            let content_type = Some(content_type.to_owned());
            let addressed = Addressed { content_type, ..Addressed::default() };
            OpenAiMedia(dialect).parse(&Bytes::from_static(body.as_bytes()), &addressed)
        };
        let json = "{\"model\":\"gpt-image-1\",\"stream\":true,\"prompt\":\"a dot\"}";
        let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n\"x\"\r\n--b--\r\n";
        let picture = parse(Dialect::OpenAiImages, json, "application/json").unwrap();
        assert!(picture.stream && picture.body_for("i").starts_with(b"{\"model\":\"i\","));
        let edit = parse(Dialect::OpenAiImages, form, "multipart/form-data; boundary=b").unwrap();
        assert_eq!((edit.model.as_str(), edit.body_for("i")), ("\"x\"", form.replace("\"x\"", "i").into()));
        let spoken = |format| {
            let body = match format {
                "sse" => "{\"model\":\"tts-1\",\"stream_format\":\"sse\"}",
                _ => "{\"model\":\"tts-1\",\"stream_format\":\"audio\"}",
            };
            parse(Dialect::OpenAiSpeech, body, "application/json").unwrap().stream
        };
        assert!(spoken("sse") && !spoken("audio"));
    }
}
