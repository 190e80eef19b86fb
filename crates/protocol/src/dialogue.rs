//! What a dialect must be able to read and write for conversations to cross into another.

use waymark_types::Dialect;

use crate::neutral::{Event, Loss, Prompt, Reply, Unsayable};
use crate::request::ParseError;
use crate::sse::Frame;

/// A dialect's conversations, read into and written from the neutral form.
///
/// Reading never fails on what it does not know: unknown fields and block types become losses. Writing fails only
/// where leaving something out would change what the request means.
pub trait Dialogue: Sync {
    /// Reads a request.
    fn read_prompt(&self, body: &[u8]) -> Result<Prompt, ParseError>;
    /// Writes a request for the model named `model`; what the dialect cannot say is added to `losses`.
    fn write_prompt(
        &self,
        prompt: &Prompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable>;
    /// Reads a whole successful answer.
    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError>;
    /// Writes a whole answer; `model` is the name to put in where the reply has none, `created` in seconds since 1970.
    fn write_reply(&self, reply: &Reply, model: &str, created: i64) -> Vec<u8>;
    /// The same as the answer to `prompt`, the client's own request, for dialects whose answers depend on how the
    /// request declared its tools ([`Prompt::tool_forms`]).
    fn write_reply_to(&self, prompt: &Prompt, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        let _ = prompt;
        self.write_reply(reply, model, created)
    }
    /// Reads the message and code of an error answer's body.
    fn read_error(&self, body: &[u8]) -> (Option<String>, String);
    /// A reader of one stream.
    fn event_reader(&self) -> Box<dyn EventReader + Send>;
    /// A writer of one stream; `prompt` is the client's own request.
    fn event_writer(&self, prompt: &Prompt, model: &str, created: i64) -> Box<dyn EventWriter + Send>;
}

/// Reads one stream.
pub trait EventReader {
    /// What one frame says, in the order that [`Event`] prescribes.
    fn read(&mut self, frame: &Frame<'_>) -> Vec<Event>;
    /// What the end of the body says: events still held back, and [`Event::End`] where the dialect lets a stream end
    /// with its body and all of it has come. A stream cut short gives no `End`.
    fn finish(&mut self) -> Vec<Event>;
}

/// Writes one stream.
pub trait EventWriter {
    /// The frames for one event, whole, ready to be sent. May be empty.
    fn write(&mut self, event: &Event) -> Vec<u8>;
}

/// The dialect's conversations; `None` for dialects that have none.
pub fn dialogue(dialect: Dialect) -> Option<&'static dyn Dialogue> {
    match dialect {
        Dialect::AnthropicMessages => Some(&crate::anthropic_messages::AnthropicMessages),
        Dialect::OpenAiChat => Some(&crate::openai_chat::OpenAiChat),
        Dialect::OpenAiResponses => Some(&crate::openai_responses::OpenAiResponses),
        Dialect::Gemini => Some(&crate::gemini::Gemini),
        Dialect::OllamaChat => Some(&crate::ollama_chat::OllamaChat),
        _ => None,
    }
}
