//! What a decision is made under: models, routes and aliases, as they stood at one moment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waymark_types::{Capability, Dialect, MicroUsd, Price, ProviderKind, Task};

use crate::content::Content;
use crate::features::{Features, Shape};
use crate::rules::{Compiled, RuleError, Rules, WHOLE};
use crate::stock::StockNames;

/// After how many turns a change of model must be repaid, where a route says nothing else.
pub const PAYBACK_TURNS: u32 = 8;
/// How long providers keep a conversation in their cache, in seconds, where a route says nothing else.
pub const CACHE_LIFE: u64 = 300;

/// A policy, the digest that names it, and its rules ready to be looked for.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// What holds.
    pub policy: Policy,
    /// SHA-256 of the policy's canonical bytes, in hexadecimal.
    pub digest: String,
    /// The policy's rules.
    pub rules: Compiled,
}

impl Snapshot {
    /// A policy under the digest of its canonical bytes.
    pub fn new(policy: Policy, digest: String) -> Result<Self, RuleError> {
        let rules = Compiled::of(&policy.rules)?;
        Ok(Self { policy, digest, rules })
    }
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
    /// What conversations climb by; snapshots of earlier versions have none.
    #[serde(default)]
    pub rules: Rules,
    /// What may be sent to whom; snapshots of earlier versions have no rules.
    #[serde(default)]
    pub content: Content,
}

/// The obstacle of a request that a content rule keeps back.
pub(crate) const CONTENT: &str = "content";
/// The obstacle of a request that is too long.
pub(crate) const CONTEXT: &str = "context";
/// The shortest answer worth having room for, in tokens.
const SHORT_ANSWER: u64 = 1_024;

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
    /// How many tokens it takes in and puts out together; `None` when nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// What it can do beside text; `None` is everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can: Option<Vec<Capability>>,
    /// Where it is served, when that is at several places; the fields above are then the first one's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deployments: Vec<Deployment>,
    /// The region that its provider keeps data in, where the configuration says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// One of several places where a model is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// What it is called: the model's name for its own place, else that and the deployment's, with a slash between.
    pub name: String,
    /// The provider's configured name.
    pub provider: String,
    /// How the provider is spoken to.
    pub kind: ProviderKind,
    /// The dialects the provider knows, the one that others are converted into first.
    pub dialects: Vec<Dialect>,
    /// The provider's name for the model.
    pub id: String,
    /// Its share of the work, beside the other deployments' weights.
    pub weight: u32,
    /// The region that its provider keeps data in, where the configuration says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Deployment {
    fn home(&self) -> Home<'_> {
        let Self { provider, kind, dialects, id, region, .. } = self;
        Home { provider, kind: *kind, dialects, model: id, region: region.as_deref() }
    }
}

/// Where a model is served.
pub(crate) struct Home<'a> {
    pub(crate) provider: &'a str,
    pub(crate) kind: ProviderKind,
    dialects: &'a [Dialect],
    model: &'a str,
    pub(crate) region: Option<&'a str>,
}

impl Home<'_> {
    /// The dialect it is spoken to in for a client that speaks `dialect`.
    pub(crate) fn reached_in(&self, dialect: Dialect, shape: Shape) -> Option<Dialect> {
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
}

/// A place where a model can be asked, and the dialect it is spoken to in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// The dialect its provider is spoken to in; another than the client's means a conversion.
    pub dialect: Dialect,
}

/// A ladder of models and their stand-ins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Model names, cheapest first.
    pub ladder: Vec<String>,
    /// For a rung's model, the models that stand in when it fails.
    pub fallback: BTreeMap<String, Vec<String>>,
    /// What evidence must count for together to climb, in thousandths.
    #[serde(default = "whole")]
    pub climb_at: u32,
    /// After how many turns coming down must be repaid.
    #[serde(default = "payback_turns")]
    pub payback_turns: u32,
    /// What climbing may cost at most, for what the new model reads afresh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_limit: Option<MicroUsd>,
    /// After how many seconds without a request a conversation's cache is taken for cold.
    #[serde(default = "cache_life")]
    pub cache_life: u64,
    /// The route that decides beside this one and is never acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
}

fn whole() -> u32 {
    WHOLE
}

fn payback_turns() -> u32 {
    PAYBACK_TURNS
}

fn cache_life() -> u64 {
    CACHE_LIFE
}

impl Default for Route {
    fn default() -> Self {
        Self {
            ladder: Vec::new(),
            fallback: BTreeMap::new(),
            climb_at: whole(),
            payback_turns: payback_turns(),
            switch_limit: None,
            cache_life: cache_life(),
            shadow: None,
        }
    }
}

impl Policy {
    /// Whether a route's decision on a task may depend on what the request says, or on what it takes.
    pub(crate) fn looks_into(&self, route: &Route, task: Task) -> bool {
        let model = |name: &String| self.models.get(name);
        let rungs = route.ladder.iter().filter_map(model);
        let stand_ins = route.fallback.values().flatten().filter_map(model);
        let limited = |model: &Model| model.context.is_some() || model.can.is_some();
        let several = rungs.clone().filter(|model| model.may(task, false)).count() > 1;
        task.converses() && several || rungs.chain(stand_ins).any(limited)
    }
}

impl Model {
    /// The dialect in which the model's provider is spoken to for a client that speaks `dialect`: the same where
    /// the provider knows it, else its own of the same family; `None` where there is no way across.
    pub fn reached_in(&self, dialect: Dialect, shape: Shape) -> Option<Dialect> {
        self.homes().iter().find_map(|home| home.reached_in(dialect, shape))
    }

    /// Where the model is served.
    pub(crate) fn homes(&self) -> Vec<Home<'_>> {
        let own = Home {
            provider: &self.provider,
            kind: self.kind,
            dialects: &self.dialects,
            model: &self.id,
            region: self.region.as_deref(),
        };
        if self.deployments.is_empty() {
            vec![own]
        } else {
            self.deployments.iter().map(Deployment::home).collect()
        }
    }

    /// The same as deployments; a model at one place has its own under its configured `name`.
    pub fn deployments_as(&self, name: &str) -> Vec<Deployment> {
        if !self.deployments.is_empty() {
            return self.deployments.clone();
        }
        vec![Deployment {
            name: name.to_owned(),
            provider: self.provider.clone(),
            kind: self.kind,
            dialects: self.dialects.clone(),
            id: self.id.clone(),
            weight: 1,
            region: self.region.clone(),
        }]
    }

    /// Where the model can be asked by a client that speaks `dialect`, of the homes that are `open` to it.
    pub(crate) fn places(
        &self,
        dialect: Dialect,
        shape: Shape,
        open: impl Fn(&Home<'_>) -> bool,
    ) -> Vec<Place> {
        let place = |home: Home<'_>| {
            let dialect = home.reached_in(dialect, shape)?;
            Some(Place { provider: home.provider.to_owned(), model: home.model.to_owned(), dialect })
        };
        self.homes().into_iter().filter(open).filter_map(place).collect()
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

    /// Why the model cannot do what `features` ask; `None` when it can. Of a model asked for by name (`pinned`), the
    /// provider itself says what is too much for it.
    pub(crate) fn obstacle(&self, features: &Features, pinned: bool) -> Option<&'static str> {
        if !self.may(features.task, pinned) {
            Some("task")
        } else if self.reached_in(features.dialect, features.shape).is_none() {
            Some("dialect")
        } else if pinned {
            None
        } else if let Some(missing) = self.missing(features) {
            Some(missing)
        } else if self.is_too_small(features) {
            Some(CONTEXT)
        } else {
            None
        }
    }

    /// What the request needs and the model has not.
    fn missing(&self, features: &Features) -> Option<&'static str> {
        let can = self.can.as_ref()?;
        let needs = &features.needs.capabilities;
        needs.iter().find(|need| !can.contains(need)).map(|need| need.as_str())
    }

    /// Whether the request and the shortest answer worth having do not fit.
    fn is_too_small(&self, features: &Features) -> bool {
        let needs = &features.needs;
        let answer = needs.output_tokens.unwrap_or(SHORT_ANSWER).min(SHORT_ANSWER);
        self.context.is_some_and(|context| needs.input_tokens.saturating_add(answer) > context)
    }
}
