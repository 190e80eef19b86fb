//! What a decision is made under: models, routes and aliases, as they stood at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waymark_types::{Dialect, Price, ProviderKind, Task};

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
    /// What it can do.
    pub tasks: Vec<Task>,
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
    /// the provider knows it, else, for conversations, the provider's own; `None` where there is no way across.
    pub fn reached_in(&self, dialect: Dialect) -> Option<Dialect> {
        if self.dialects.contains(&dialect) {
            return Some(dialect);
        }
        let own = self.dialects.iter().copied().find(|own| own.is_conversation());
        own.filter(|_| dialect.is_conversation())
    }

    /// The dialects that providers of `kind` usually know, the one that others are converted into first.
    pub fn usual_dialects(kind: ProviderKind) -> Vec<Dialect> {
        match kind {
            ProviderKind::OpenAi => {
                vec![Dialect::OpenAiChat, Dialect::OpenAiCompletions, Dialect::OpenAiEmbeddings]
            }
            ProviderKind::Anthropic => vec![Dialect::AnthropicMessages],
            ProviderKind::Embedded => vec![
                Dialect::OpenAiCompletions,
                Dialect::LlamaInfill,
                Dialect::MistralFim,
                Dialect::OllamaGenerate,
            ],
        }
    }

    /// What a model of `kind` can usually do.
    pub fn usual_tasks(kind: ProviderKind) -> Vec<Task> {
        match kind {
            ProviderKind::Embedded => vec![Task::Completion],
            ProviderKind::OpenAi | ProviderKind::Anthropic => {
                vec![Task::Chat, Task::AgentStep, Task::SubagentStep]
            }
        }
    }

    /// Why the model cannot do `task` in `dialect`; `None` when it can.
    pub fn obstacle(&self, task: Task, dialect: Dialect) -> Option<&'static str> {
        if !self.tasks.contains(&task) {
            Some("task")
        } else if self.reached_in(dialect).is_none() {
            Some("dialect")
        } else {
            None
        }
    }
}
