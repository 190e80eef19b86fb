//! What a dialect must be able to read and write for completions to cross into another.

use serde_json::Value;
use waymark_types::Dialect;

use crate::dialogue::{EventReader, EventWriter};
use crate::neutral::{Loss, Reply, Stop, Unsayable};
use crate::request::ParseError;

use super::answer::{self, Head, Reader, Said, Shape, Writer};
use super::{FimPrompt, Suggestion, choices};

/// A dialect's completions, read into and written from the neutral form. Answers use that of conversations with text
/// only: [`Reply`] and [`Event`](crate::neutral::Event).
///
/// Reading never fails on what it does not know: unknown fields become losses. Writing fails only where leaving
/// something out would change what the request means.
pub trait FimDialogue: Sync {
    /// Reads a request.
    fn read_fim(&self, body: &[u8]) -> Result<FimPrompt, ParseError>;
    /// Writes a request for the model named `model`; what the dialect cannot say is added to `losses`.
    fn write_fim(
        &self,
        prompt: &FimPrompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable>;
    /// Reads a whole successful answer.
    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError>;
    /// Writes a whole answer to `prompt`, the client's own request; `model` is the name to put in where the reply has
    /// none, `created` in seconds since 1970.
    fn write_reply(&self, prompt: &FimPrompt, reply: &Reply, model: &str, created: i64) -> Vec<u8>;
    /// Reads the message and code of an error answer's body.
    fn read_error(&self, body: &[u8]) -> (Option<String>, String);
    /// A reader of one stream.
    fn event_reader(&self) -> Box<dyn EventReader + Send>;
    /// A writer of one stream that answers `prompt`, the client's own request.
    fn event_writer(&self, prompt: &FimPrompt, model: &str, created: i64) -> Box<dyn EventWriter + Send>;
    /// The embedded model's suggestion as the answer to `prompt`: a whole stream where one was asked for, else a body.
    /// A suggestion that was declined is an answer without text.
    fn write_suggestion(&self, prompt: &FimPrompt, suggestion: &Suggestion<Value>) -> Vec<u8>;
    /// The answer to a request that only warms up: as whole as a suggestion's, without text.
    fn write_warm_up(&self, prompt: &FimPrompt, model: &str, created: i64) -> Vec<u8>;
}

/// What the dialects of completions differ in. Everything that [`FimDialogue`] asks for follows from it: an answer is one
/// text in all of them.
pub(crate) trait Completions: Sync {
    /// How answers are written.
    type Shape: Shape + 'static;
    /// Its one value.
    const SHAPE: Self::Shape;
    /// Whether a stream that has said why it stops may end without its dialect's last frame.
    const MAY_END_SILENTLY: bool = false;

    /// Reads a request.
    fn read(body: &[u8]) -> Result<FimPrompt, ParseError>;
    /// Writes a request.
    fn write(prompt: &FimPrompt, model: &str, losses: &mut Vec<Loss>) -> Result<Vec<u8>, Unsayable>;
    /// Reads a whole successful answer.
    fn reply(body: &[u8]) -> Result<Reply, ParseError>;
    /// Reads a frame of a stream.
    fn said(data: &[u8]) -> Said;
    /// Reads the message and code of an error answer's body.
    fn error(body: &[u8]) -> (Option<String>, String) {
        choices::error(body)
    }
    /// Writes the answer to a request that only warms up.
    fn warmed_up(prompt: &FimPrompt, model: &str, created: i64) -> Vec<u8> {
        answer::warmed_up(&Self::SHAPE, prompt, model, created, &Stop::MaxTokens)
    }
}

impl<T: Completions> FimDialogue for T {
    fn read_fim(&self, body: &[u8]) -> Result<FimPrompt, ParseError> {
        T::read(body)
    }

    fn write_fim(
        &self,
        prompt: &FimPrompt,
        model: &str,
        losses: &mut Vec<Loss>,
    ) -> Result<Vec<u8>, Unsayable> {
        T::write(prompt, model, losses)
    }

    fn read_reply(&self, body: &[u8]) -> Result<Reply, ParseError> {
        T::reply(body)
    }

    fn write_reply(&self, prompt: &FimPrompt, reply: &Reply, model: &str, created: i64) -> Vec<u8> {
        answer::whole(&T::SHAPE, Head::new(prompt, model, created), reply)
    }

    fn read_error(&self, body: &[u8]) -> (Option<String>, String) {
        T::error(body)
    }

    fn event_reader(&self) -> Box<dyn EventReader + Send> {
        Box::new(Reader::new(T::said, T::MAY_END_SILENTLY))
    }

    fn event_writer(&self, prompt: &FimPrompt, model: &str, created: i64) -> Box<dyn EventWriter + Send> {
        Box::new(Writer::new(T::SHAPE, Head::new(prompt, model, created)))
    }

    fn write_suggestion(&self, prompt: &FimPrompt, suggestion: &Suggestion<Value>) -> Vec<u8> {
        answer::suggested(&T::SHAPE, prompt, suggestion)
    }

    fn write_warm_up(&self, prompt: &FimPrompt, model: &str, created: i64) -> Vec<u8> {
        T::warmed_up(prompt, model, created)
    }
}

/// The dialect's completions; `None` for dialects that have none.
pub fn fim_dialogue(dialect: Dialect) -> Option<&'static dyn FimDialogue> {
    match dialect {
        Dialect::OpenAiCompletions => Some(&crate::openai_completions::OpenAiCompletions),
        Dialect::OllamaGenerate => Some(&crate::ollama_generate::OllamaGenerate),
        Dialect::LlamaInfill => Some(&crate::llama_infill::LlamaInfill),
        Dialect::MistralFim => Some(&crate::mistral_fim::MistralFim),
        _ => None,
    }
}
