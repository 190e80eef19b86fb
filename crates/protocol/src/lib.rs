//! Wire dialects: what clients and providers say to each other, read and written without any IO.
//!
//! A request is parsed into its neutral form ([`Request`]) while its raw bytes are kept: between two ends that
//! speak the same dialect only the model's name changes ([`Request::body_for`]). Answers are read the same way,
//! by looking on ([`Answer`]) while their bytes pass untouched.

mod answer;
mod anthropic_messages;
mod error;
mod fim;
mod openai;
mod openai_chat;
mod openai_completions;
mod request;
pub mod sse;

pub use answer::{Answer, Progress};
pub use error::{ErrorKind, Fault};
pub use fim::{Fim, Suggestion, completion_body, completion_events};
pub use request::{ParseError, Request};

use waymark_types::Dialect;

/// What each dialect must be able to say and to read.
trait Codec {
    /// Reads the neutral form out of a request's bytes.
    fn parse(&self, raw: &bytes::Bytes) -> Result<Request, ParseError>;
    /// A whole error answer.
    fn error_body(&self, fault: &Fault) -> Vec<u8>;
    /// The event that tells a client its stream broke off.
    fn error_event(&self, fault: &Fault) -> Vec<u8>;
    /// Reads a whole answer.
    fn read_body(&self, body: &[u8], answer: &mut Answer);
    /// Reads one event of a streamed answer.
    fn read_event(&self, frame: &sse::Frame<'_>, answer: &mut Answer) -> Progress;
}

fn codec(dialect: Dialect) -> &'static dyn Codec {
    match dialect {
        Dialect::OpenAiChat => &openai_chat::OpenAiChat,
        Dialect::OpenAiCompletions => &openai_completions::OpenAiCompletions,
        Dialect::AnthropicMessages => &anthropic_messages::AnthropicMessages,
    }
}

/// Reads a request's neutral form.
pub fn parse(dialect: Dialect, raw: &bytes::Bytes) -> Result<Request, ParseError> {
    codec(dialect).parse(raw)
}

/// The body of an error answer, in `dialect`'s shape.
pub fn error_body(dialect: Dialect, fault: &Fault) -> Vec<u8> {
    codec(dialect).error_body(fault)
}

/// The event that ends a broken stream, in `dialect`'s shape.
pub fn error_event(dialect: Dialect, fault: &Fault) -> Vec<u8> {
    codec(dialect).error_event(fault)
}
