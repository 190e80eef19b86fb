//! What the server is told at start: resolved, complete and free of where each value came from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use waymark_protocol::neutral::Flavour;
use waymark_routing::Rules;
use waymark_routing::content::ContentRule;
use waymark_store::Address;
use waymark_types::{Capability, Dialect, GateKind, MicroUsd, Price, ProviderKind, Secret, Task};

use crate::anchor::AnchorConfig;
use crate::limits::LimitsConfig;
use crate::witness::Witness;

/// Everything the server needs to know.
#[derive(Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many requests are answered at a time; `None` is without a limit.
    pub max_concurrent: Option<usize>,
    /// Names with a dot that clients may reach the server by.
    pub hosts: Vec<String>,
    /// Where the ledger and its key live.
    pub data_dir: PathBuf,
    /// The repository the embedded model learns; `None` serves without one.
    pub repository: Option<PathBuf>,
    /// The embedded model's confidence below which it declines; `None` is the model's own default.
    pub flash_threshold: Option<f64>,
    /// Where records are kept.
    pub store: Address,
    /// The ledger's conduct.
    pub ledger: LedgerConfig,
    /// Where its checkpoints are anchored.
    pub anchors: AnchorConfig,
    /// Who is asked to cosign them, as often as they are anchored.
    pub witnesses: Vec<Witness>,
    /// What is told to a collector.
    pub telemetry: TelemetryConfig,
    /// Who may ask, and how much.
    pub limits: LimitsConfig,
    /// Upstream providers by name.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Models by the name clients may ask for.
    pub models: BTreeMap<String, ModelConfig>,
    /// Routes by name; `auto` takes whatever nothing else claims.
    pub routes: BTreeMap<String, RouteConfig>,
    /// Names clients ask for, and the route or model each stands for.
    pub aliases: BTreeMap<String, String>,
    /// Output gates by name.
    pub gates: BTreeMap<String, GateConfig>,
    /// The rules that conversations climb by.
    pub rules: Rules,
    /// What may be sent to whom, by the rules' names.
    pub content: BTreeMap<String, ContentRule>,
}

/// The ledger's conduct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerConfig {
    /// What happens to answers while the ledger cannot write.
    pub on_failure: OnFailure,
    /// What happens to the text of requests and answers.
    pub payloads: Payloads,
    /// How long salts and texts are kept; `None` is for good.
    pub keep_payloads_for: Option<Duration>,
    /// How long what records say is kept; `None` is for good.
    pub keep_records_for: Option<Duration>,
}

/// What happens to answers while the ledger cannot write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// They are refused.
    #[default]
    Refuse,
    /// They are served without a record.
    Serve,
}

/// What happens to the text of requests and answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Payloads {
    /// Only salted commitments are kept.
    #[default]
    Discard,
    /// The text is stored beside the ledger.
    Keep,
}

/// What is told to a collector.
#[derive(Clone, Default)]
pub struct TelemetryConfig {
    /// Where the collector takes OTLP over HTTP, without the path of a signal; `None` tells nobody anything.
    pub otlp_endpoint: Option<String>,
    /// Headers to send along, a collector's credentials among them.
    pub otlp_headers: Vec<(String, Secret)>,
    /// Whether the texts of requests and answers are told, where they are kept.
    pub content: bool,
}

/// One upstream provider.
#[derive(Clone)]
pub struct ProviderConfig {
    /// How it is spoken to.
    pub kind: ProviderKind,
    /// Where it is; empty for the embedded kind.
    pub base_url: String,
    /// The version of Azure's API that deployments are addressed under; `None` is the API without versions.
    pub api_version: Option<String>,
    /// The dialects it knows, the one that others are converted into first; `None` is its kind's usual set.
    pub dialects: Option<Vec<Dialect>>,
    /// The region that it keeps data in, where that is known.
    pub region: Option<String>,
    /// The key it is sent, if any.
    pub api_key: Option<Secret>,
    /// How long it is waited for.
    pub patience: Patience,
    /// How often a call that failed is made again at the same place.
    pub retries: u32,
    /// Whether a deployment that keeps failing is left alone for a while.
    pub breaker: bool,
    /// How many calls may be under way at a time; `None` is without a limit.
    pub max_concurrent: Option<usize>,
    /// Whether a connection is opened before the first request needs one.
    pub warm: bool,
}

/// How long a provider is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the first byte of an answer, the connection included; reasoning models take minutes.
    pub first_byte: Duration,
    /// Between two pieces of an answer.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(600),
            stall: Duration::from_secs(300),
        }
    }
}

impl ProviderConfig {
    /// Whose form of its dialects it speaks.
    pub(crate) fn flavour(&self) -> Flavour {
        match self.kind {
            ProviderKind::Mistral => Flavour::Mistral,
            ProviderKind::OpenAi if self.is_openai() => Flavour::Original,
            ProviderKind::OpenAi | ProviderKind::Ollama | ProviderKind::LlamaCpp => Flavour::Imitation,
            _ => Flavour::Original,
        }
    }

    /// Whether it is the model inside this program.
    pub(crate) fn is_embedded(&self) -> bool {
        self.kind == ProviderKind::Embedded
    }

    /// Whether it is OpenAI itself, not one of the many that speak its dialects.
    pub(crate) fn is_openai(&self) -> bool {
        self.base_url.contains("://api.openai.com/")
    }
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelConfig {
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model; empty for the embedded kind, whose corpus names it.
    pub id: String,
    /// Its price; `None` when unknown.
    pub price: Option<Price>,
    /// What it can do; `None` is its provider kind's usual set.
    pub tasks: Option<Vec<Task>>,
    /// How many tokens it takes in and puts out together; `None` when nobody said.
    pub context: Option<u64>,
    /// What it can do beside text; `None` is everything.
    pub can: Option<Vec<Capability>>,
    /// Where it is served, when that is at several places; provider and id above are then the first one's.
    pub deployments: Vec<DeploymentConfig>,
}

/// One of several places where a model is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentConfig {
    /// The model's name for its own place, else that and the deployment's, with a slash between.
    pub name: String,
    /// The provider's configured name.
    pub provider: String,
    /// The provider's name for the model.
    pub id: String,
    /// Its share of the work, beside the other deployments' weights.
    pub weight: u32,
}

/// An output gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateConfig {
    /// What it looks at.
    pub kind: GateKind,
    /// The command that decides, of a gate that has one: its program and arguments.
    pub command: Vec<String>,
    /// How long the command may take; `None` is a minute.
    pub timeout: Option<Duration>,
    /// What the answers it throws away may cost a day; `None` is any amount.
    pub budget_day: Option<MicroUsd>,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteConfig {
    /// Model names, cheapest first.
    pub ladder: Vec<String>,
    /// For a rung's model, the models that stand in when it fails.
    pub fallback: BTreeMap<String, Vec<String>>,
    /// What evidence must count for together to climb, in thousandths.
    pub climb_at: Option<u32>,
    /// After how many turns coming down must be repaid.
    pub payback_turns: Option<u32>,
    /// What climbing may cost at most, for what the new model reads afresh.
    pub switch_limit: Option<MicroUsd>,
    /// How long providers keep a conversation in their cache.
    pub cache_life: Option<Duration>,
    /// The route that decides beside this one and is never acted on.
    pub shadow: Option<String>,
    /// The gates that its answers must pass, in order.
    pub gates: Vec<String>,
    /// How long a request may take, from its arrival to the end of its answer; `None` is without a limit.
    pub deadline: Option<Duration>,
    /// How completions are hedged; `None` is not at all.
    pub hedge: Option<HedgeConfig>,
}

/// How completions are hedged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HedgeConfig {
    /// How long the first place may be silent before a second is asked as well.
    pub after: Duration,
    /// Of a million requests, how many may be hedged.
    pub budget_ppm: u32,
}
