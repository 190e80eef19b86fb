//! What a decision is made under: models, routes and aliases, as they stood at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waymark_types::{Dialect, Price, ProviderKind, Task};

use crate::features::{Features, Shape};
use crate::stock::StockNames;

/// A policy and the digest that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What holds.
    pub policy: Policy,
    /// SHA-256 of the policy's canonical bytes, in hexadecimal.
    pub digest: String,
}

/// Everything a decision may depend on beside the request. It holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Policy {
    /// Models by the name clients may ask for.
    pub models: BTreeMap<String, Model>,
    /// Routes by name.
    pub routes: BTreeMap<String, Route>,
    /// Names clients ask for, and what each stands for.
    pub aliases: BTreeMap<String, String>,
    /// Names that clients ask for by themselves; snapshots of earlier versions have none.
    #[serde(default)]
    pub stock: StockNames,
}

/// A model that may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The provider's configured name.
    pub provider: String,
    /// How the provider is spoken to.
    pub kind: ProviderKind,
    /// The dialects the provider knows, the one that others are converted into first.
    pub dialects: Vec<Dialect>,
    /// The provider's name for the model.
    pub id: String,
    /// Its price; `None` when unknown.
    pub price: Option<Price>,
    /// What it may be asked to do; `None` is what its kind usually can, and whatever a client asks it for by name.
    pub tasks: Option<Vec<Task>>,
}

/// A ladder of models and their stand-ins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Route {
    /// Model names, cheapest first.
    pub ladder: Vec<String>,
    /// For a rung's model, the models that stand in when it fails.
    pub fallback: BTreeMap<String, Vec<String>>,
}

impl Model {
    /// The dialect in which the model's provider is spoken to for a client that speaks `dialect`: the same where
    /// the provider knows it, else its own of the same family; `None` where there is no way across.
    pub fn reached_in(&self, dialect: Dialect, shape: Shape) -> Option<Dialect> {
        let knows = |dialect| self.dialects.contains(&dialect);
        // llama.cpp takes no notice of a `suffix` in OpenAI's dialect.
        let deaf = self.kind == ProviderKind::LlamaCpp
            && dialect == Dialect::OpenAiCompletions
            && shape == Shape::Fill
            && knows(Dialect::LlamaInfill);
        let reads =
            self.kind != ProviderKind::Embedded || !matches!(shape, Shape::Instruction | Shape::Foreign);
        if knows(dialect) && !deaf && reads {
            return Some(dialect);
        }
        let family = match (shape, dialect) {
            (Shape::Foreign, _) => return None,
            (Shape::WarmUp, _) => return self.dialects.first().copied(),
            (Shape::Instruction, _) => Dialect::is_conversation,
            (_, dialect) if dialect.is_completion() => Dialect::is_completion,
            (_, dialect) if dialect.is_conversation() => Dialect::is_conversation,
            (_, dialect) if dialect.is_embedding() => Dialect::is_embedding,
            _ => return None,
        };
        self.dialects.iter().copied().find(|&own| family(own))
    }

    /// The dialects that providers of `kind` usually know, the one that others are converted into first.
    pub fn usual_dialects(kind: ProviderKind) -> Vec<Dialect> {
        use Dialect::{
            AnthropicMessages, Gemini, GeminiEmbed, LlamaInfill, MistralFim, OllamaChat, OllamaEmbed,
            OllamaGenerate, OpenAiChat, OpenAiCompletions, OpenAiEmbeddings, OpenAiImages, OpenAiResponses,
            OpenAiSpeech, OpenAiTranscriptions,
        };
        const MEDIA: [Dialect; 3] = [OpenAiImages, OpenAiTranscriptions, OpenAiSpeech];
        match kind {
            ProviderKind::OpenAi => [&[OpenAiChat, OpenAiCompletions, OpenAiEmbeddings][..], &MEDIA].concat(),
            ProviderKind::AzureOpenAi => {
                [&[OpenAiChat, OpenAiResponses, OpenAiCompletions, OpenAiEmbeddings][..], &MEDIA].concat()
            }
            ProviderKind::Anthropic => vec![AnthropicMessages],
            ProviderKind::Gemini => vec![Gemini, GeminiEmbed],
            ProviderKind::Mistral => vec![OpenAiChat, MistralFim, OpenAiEmbeddings, OpenAiTranscriptions],
            ProviderKind::Ollama => vec![OllamaChat, OllamaGenerate, OllamaEmbed],
            ProviderKind::LlamaCpp => vec![OpenAiChat, LlamaInfill, OpenAiCompletions, OpenAiEmbeddings],
            ProviderKind::Embedded => vec![OpenAiCompletions, LlamaInfill, MistralFim, OllamaGenerate],
        }
    }

    /// What a model of `kind` can usually do.
    pub fn usual_tasks(kind: ProviderKind) -> &'static [Task] {
        match kind {
            ProviderKind::Embedded => &[Task::Completion],
            _ => &[Task::Chat, Task::AgentStep, Task::SubagentStep, Task::Utility],
        }
    }

    /// What the model may be given on a ladder.
    pub fn ladder_tasks(&self) -> &[Task] {
        self.tasks.as_deref().unwrap_or(Self::usual_tasks(self.kind))
    }

    /// Whether the model may be given `task`. Asked for by name (`pinned`), one whose tasks nobody stated may be given
    /// any: whoever names it knows it.
    fn may(&self, task: Task, pinned: bool) -> bool {
        let anything = pinned && self.tasks.is_none() && self.kind != ProviderKind::Embedded;
        anything || self.ladder_tasks().contains(&task)
    }

    /// Why the model cannot do what `features` ask; `None` when it can.
    pub(crate) fn obstacle(&self, features: &Features, pinned: bool) -> Option<&'static str> {
        if !self.may(features.task, pinned) {
            Some("task")
        } else if self.reached_in(features.dialect, features.shape).is_none() {
            Some("dialect")
        } else {
            None
        }
    }
}
