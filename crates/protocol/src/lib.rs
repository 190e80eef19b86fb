//! Wire dialects: what clients and providers say to each other, read and written without any IO.
//!
//! A request is parsed into its neutral form ([`Request`]) while its raw bytes are kept: between two ends that
//! speak the same dialect only the model's name changes ([`Request::body_for`]). Answers are read the same way,
//! by looking on ([`Answer`]) while their bytes pass untouched.

mod answer;
mod anthropic_messages;
mod background;
mod cause;
mod crossing;
mod dialogue;
mod embed;
mod error;
mod files;
mod fim;
pub mod gemini;
mod gemini_embed;
mod json;
mod llama_infill;
mod mistral_fim;
mod most_output;
pub mod neutral;
mod ollama_chat;
mod ollama_embed;
mod ollama_generate;
pub mod ollama_models;
mod openai;
mod openai_chat;
mod openai_completions;
mod openai_embeddings;
mod openai_media;
mod openai_responses;
pub mod redact;
mod request;
mod spoken;
pub mod sse;
#[cfg(test)]
mod testing;

pub use answer::{Answer, Progress};
pub use anthropic_messages::count_tokens;
pub use background::{BackgroundCall, background_call};
pub use cause::Failure;
pub use dialogue::{Dialogue, EventReader, EventWriter, dialogue};
pub use embed::{EmbedDialogue, Inputs, Vector, VectorForm, Vectors, embed_dialogue};
pub use error::{ErrorKind, Fault};
pub use fim::{
    ExtraFile, Fim, FimDialogue, FimPrompt, ReplyForm, Suggestion, completion_body, completion_events,
    fim_dialogue,
};
pub use most_output::most_output;
pub use ollama_generate::instruction_dialogue;
pub use request::{ParseError, Request};

use waymark_types::Dialect;

/// What each dialect must be able to say and to read.
trait Codec: Sync {
    /// Reads what routing needs out of a request's bytes.
    fn parse(&self, raw: &bytes::Bytes, addressed: &Addressed) -> Result<Request, ParseError>;
    /// A whole error answer.
    fn error_body(&self, fault: &Fault) -> Vec<u8>;
    /// The event that tells a client its stream broke off.
    fn error_event(&self, fault: &Fault) -> Vec<u8>;
    /// Looks on at a whole answer.
    fn read_body(&self, body: &[u8], answer: &mut Answer);
    /// Looks on at one event of a streamed answer.
    fn read_event(&self, frame: &sse::Frame<'_>, answer: &mut Answer) -> Progress;
    /// Whether a stream that stated why the model stopped is whole even when its dialect's last event never came.
    fn may_end_silently(&self) -> bool {
        false
    }
}

fn codec(dialect: Dialect) -> &'static dyn Codec {
    match dialect {
        Dialect::OpenAiChat => &openai_chat::OpenAiChat,
        Dialect::OpenAiCompletions => &openai_completions::OpenAiCompletions,
        Dialect::OpenAiResponses => &openai_responses::OpenAiResponses,
        Dialect::AnthropicMessages => &anthropic_messages::AnthropicMessages,
        Dialect::Gemini => &gemini::Gemini,
        Dialect::OllamaChat => &ollama_chat::OllamaChat,
        Dialect::OllamaGenerate => &ollama_generate::OllamaGenerate,
        Dialect::LlamaInfill => &llama_infill::LlamaInfill,
        Dialect::MistralFim => &mistral_fim::MistralFim,
        Dialect::OpenAiEmbeddings => &openai_embeddings::OpenAiEmbeddings,
        Dialect::OllamaEmbed => &ollama_embed::OllamaEmbed,
        Dialect::GeminiEmbed => &gemini_embed::GeminiEmbed,
        Dialect::OpenAiImages => &openai_media::OpenAiMedia(Dialect::OpenAiImages),
        Dialect::OpenAiTranscriptions => &openai_media::OpenAiMedia(Dialect::OpenAiTranscriptions),
        Dialect::OpenAiSpeech => &openai_media::OpenAiMedia(Dialect::OpenAiSpeech),
    }
}

/// What a request says beside its body, in dialects whose bodies do not say it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addressed {
    /// The model in the path (Gemini).
    pub model: Option<String>,
    /// Whether the path asks for a stream (Gemini).
    pub stream: Option<bool>,
    /// The body's content type, which has the boundary of a form (OpenAI's pictures and sounds).
    pub content_type: Option<String>,
}

/// Reads what routing needs out of a request.
pub fn parse(dialect: Dialect, raw: &bytes::Bytes, addressed: &Addressed) -> Result<Request, ParseError> {
    match dialect {
        // A form, perhaps, which may hold a sound or a picture.
        Dialect::OpenAiImages | Dialect::OpenAiTranscriptions | Dialect::OpenAiSpeech => {}
        _ => request::is_object(raw)?,
    }
    codec(dialect).parse(raw, addressed)
}

/// The body of an error answer, in `dialect`'s shape.
pub fn error_body(dialect: Dialect, fault: &Fault) -> Vec<u8> {
    codec(dialect).error_body(fault)
}

/// The event that ends a broken stream, in `dialect`'s shape.
pub fn error_event(dialect: Dialect, fault: &Fault) -> Vec<u8> {
    codec(dialect).error_event(fault)
}

/// A request's body without what this gateway put into the conversation when an earlier answer crossed over from
/// another dialect, which the provider would not know as its own; `None` when there is none of it.
pub fn without_foreign(dialect: Dialect, body: &bytes::Bytes) -> Option<bytes::Bytes> {
    match dialect {
        Dialect::AnthropicMessages => anthropic_messages::without_foreign_thinking(body),
        Dialect::OpenAiChat => openai_chat::without_foreign_details(body),
        Dialect::OpenAiResponses => openai_responses::without_foreign_reasoning(body),
        Dialect::Gemini => gemini::without_foreign(body),
        _ => None,
    }
}
