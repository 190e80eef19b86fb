//! What a request for a completion says, in no dialect's words.

use waymark_types::Dialect;

use crate::crossing::lose;
use crate::neutral::{Loss, Sampling, Unsayable};

use super::text::Text;
use super::{Fim, Marked, marked};

/// A request for a completion at a cursor. The model's name is not part of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FimPrompt {
    /// The code around the cursor.
    pub fim: Fim,
    /// Code from elsewhere that helps.
    pub extra: Vec<ExtraFile>,
    /// How tokens are drawn, and what ends the completion.
    pub sampling: Sampling,
    /// A stream is asked for.
    pub stream: bool,
    /// The end user, by the client's own key.
    pub user: Option<String>,
    /// Nothing is to be written: the client only wants the model, or its cache, to be ready. Such a request is answered
    /// at once ([`FimDialogue::write_warm_up`](super::FimDialogue::write_warm_up)) and costs nothing.
    pub warm_up: bool,
    /// How the answer must look, in the client's own dialect.
    pub form: ReplyForm,
    /// What the client said that has no place here; the reader's losses.
    pub losses: Vec<Loss>,
    /// What the request cannot do without and only the client's own dialect can say, in the client's terms.
    pub unsayable: Vec<String>,
}

/// Code from another place than the cursor's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExtraFile {
    /// Its file's name.
    pub filename: String,
    /// The code.
    pub text: String,
}

/// What a request asks of its answer's form. It is kept by whoever writes the answer; no upstream is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplyForm {
    /// The text that the answer must begin with (OpenAI `echo`).
    pub echo: Option<String>,
    /// In a stream, usage is asked for (OpenAI; always so elsewhere).
    pub stream_usage: bool,
    /// The only fields that are wanted, those of inner objects by a path with slashes (llama.cpp `response_fields`).
    pub fields: Vec<String>,
    /// The model is to be let go, not made ready (Ollama `keep_alive` 0).
    pub unload: bool,
}

/// Words of models, not of people: what ends a completion once its prompt is cut at markers needs no saying.
const SPECIAL: [&str; 9] = [
    "<|endoftext|>",
    "<|file_separator|>",
    "<|file_sep|>",
    "<|repo_name|>",
    "<|fim_pad|>",
    "<EOT>",
    "<fim_pad>",
    "<|end_of_text|>",
    "<|cursor|>",
];

impl FimPrompt {
    /// Whether the request can be put into `dialect` at all.
    pub fn sayable_in(&self, dialect: Dialect) -> Result<(), Unsayable> {
        let warms = matches!(dialect, Dialect::LlamaInfill | Dialect::OllamaGenerate);
        match self.unsayable.first() {
            Some(what) => Err(Unsayable { what: what.clone(), dialect }),
            // Elsewhere it would be a completion, and be paid for.
            None if self.warm_up && !warms => {
                Err(Unsayable { what: "a request that only warms up".to_owned(), dialect })
            }
            None => Ok(()),
        }
    }

    /// Takes the text before the cursor and the one behind it; a prompt that hides both between markers is cut there.
    pub(crate) fn code(prompt: Text, suffix: Text, max_tokens: Option<u32>) -> Self {
        let mut read = Self::default();
        if prompt.is_mended || suffix.is_mended {
            lose(&mut read.losses, "lone_surrogate");
        }
        if suffix.text.is_empty()
            && marked(&prompt.text).is_some_and(|Marked { before, .. }| !before.trim().is_empty())
        {
            lose(&mut read.losses, "prompt_context");
        }
        read.fim = Fim::new(prompt.text, suffix.text, max_tokens, None);
        read
    }

    /// Takes the texts that end the completion. Where the prompt was cut at markers, the model's own words among them
    /// are left out: whoever puts the prompt together again knows its own, and many take four texts only.
    pub(crate) fn stops(&mut self, stop: Vec<String>, is_marked: bool) {
        let is_special = |text: &str| SPECIAL.contains(&text) || super::is_marker(text);
        self.sampling.stop =
            stop.into_iter().filter(|text| !text.is_empty() && (!is_marked || !is_special(text))).collect();
    }

    /// Notes a loss once.
    pub(crate) fn lose(&mut self, code: &str) {
        lose(&mut self.losses, code);
    }
}

/// A count as requests state it: what is not above zero sets no limit.
pub(crate) fn limit(count: Option<i64>) -> Option<u32> {
    count.filter(|&count| count > 0).map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}
