//! What `GET /metrics` counts, in OpenMetrics' text form.
//!
//! Labels are codes and names of the configuration, never a client's or a provider's word: no traffic adds a series.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use waymark_types::{Cause, Next, Outcome, Usage};

use super::Answered;
use super::names::{NONE, Names};

/// The media type of the page.
pub(crate) const PAGE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds, in seconds, of how long answers take: from a suggestion of the embedded model to an agent's long step.
const ANSWERS: [f64; 16] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// Upper bounds, in seconds, of how long a record takes to become durable.
const APPENDS: [f64; 12] =
    [0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAnswer {
    task: &'static str,
    route: String,
    model: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDuration {
    task: &'static str,
    model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTokens {
    model: String,
    r#type: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfModel {
    model: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAttempt {
    provider: String,
    model: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFailure {
    provider: String,
    model: String,
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDeployment {
    model: String,
    deployment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStep {
    next: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRefusal {
    reason: String,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;
type Amount = Counter<f64, AtomicU64>;

/// What is true at the moment of asking.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gauges {
    /// Leaves in the ledger, where that can be read.
    pub(crate) leaves: Option<u64>,
    /// Records without a completion, where that can be read.
    pub(crate) open: Option<u64>,
    /// Whether the last batch could be written.
    pub(crate) writable: bool,
    /// Answers whose work has not ended, and bodies of answers that have not left.
    pub(crate) under_way: u64,
    /// Tasks of the runtime that have begun and not ended.
    pub(crate) tasks: u64,
    /// Memory the process holds, in bytes, where the system tells.
    pub(crate) memory: Option<u64>,
    /// When the server started, in seconds since 1970.
    pub(crate) started: f64,
    /// Answers that a collector will never hear of.
    pub(crate) dropped: u64,
}

/// Everything counted.
pub(crate) struct Metrics {
    names: Names,
    registry: Registry,
    answers: Family<OfAnswer, Counter>,
    tokens: Family<OfTokens, Counter>,
    cost: Family<OfModel, Amount>,
    durations: Histograms<OfDuration>,
    first_bytes: Histograms<OfDuration>,
    attempts: Family<OfAttempt, Counter>,
    failures: Family<OfFailure, Counter>,
    steps: Family<OfStep, Counter>,
    refusals: Family<OfRefusal, Counter>,
    breakers: Family<OfDeployment, Gauge>,
    in_flight: Family<OfDeployment, Gauge>,
    appends: Histogram,
    leaves: Gauge,
    open: Gauge,
    writable: Gauge,
    under_way: Gauge,
    tasks: Gauge,
    memory: Gauge,
    started: Gauge<f64, AtomicU64>,
    dropped: Counter,
}

impl Metrics {
    pub(super) fn new(names: Names) -> Self {
        let histograms =
            || Histograms::new_with_constructor((|| Histogram::new(ANSWERS)) as fn() -> Histogram);
        let mut metrics = Self {
            names,
            registry: Registry::default(),
            answers: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
            durations: histograms(),
            first_bytes: histograms(),
            attempts: Family::default(),
            failures: Family::default(),
            steps: Family::default(),
            refusals: Family::default(),
            breakers: Family::default(),
            in_flight: Family::default(),
            appends: Histogram::new(APPENDS),
            leaves: Gauge::default(),
            open: Gauge::default(),
            writable: Gauge::default(),
            under_way: Gauge::default(),
            tasks: Gauge::default(),
            memory: Gauge::default(),
            started: Gauge::default(),
            dropped: Counter::default(),
        };
        metrics.registry = metrics.registered();
        metrics
    }

    fn registered(&self) -> Registry {
        let mut all = Registry::default();
        all.register("waymark_answers", "Requests that ended", self.answers.clone());
        all.register("waymark_tokens", "Tokens, as the providers state them", self.tokens.clone());
        let cost = "What answers cost by the configured prices";
        all.register_with_unit("waymark_cost", cost, Unit::Other("usd".into()), self.cost.clone());
        let durations = "From a request's arrival to the end of its answer";
        all.register_with_unit("waymark_answer_duration", durations, Unit::Seconds, self.durations.clone());
        let first_bytes = "From a request's arrival to the first byte of its answer";
        all.register_with_unit("waymark_first_byte", first_bytes, Unit::Seconds, self.first_bytes.clone());
        all.register("waymark_attempts", "Upstream calls that ended", self.attempts.clone());
        all.register(
            "waymark_attempt_failures",
            "Upstream calls that failed, by cause",
            self.failures.clone(),
        );
        let breakers = "Circuit breakers: 0 closed, 1 half-open, 2 open";
        all.register("waymark_breaker", breakers, self.breakers.clone());
        all.register("waymark_calls_in_flight", "Upstream calls under way", self.in_flight.clone());
        all.register("waymark_further_attempts", "Upstream calls made after another one", self.steps.clone());
        let refusals = "Requests that were refused, by the reason's code";
        all.register("waymark_refusals", refusals, self.refusals.clone());
        let appends = "From the end of an answer to its record being durable";
        all.register_with_unit("waymark_ledger_append", appends, Unit::Seconds, self.appends.clone());
        all.register("waymark_ledger_leaves", "Leaves in the ledger", self.leaves.clone());
        all.register("waymark_ledger_open_records", "Records without a completion", self.open.clone());
        all.register(
            "waymark_ledger_writable",
            "Whether the last batch could be written",
            self.writable.clone(),
        );
        let under_way = "Answers being worked on, and answers on their way to a client: a stream is both";
        all.register("waymark_answers_under_way", under_way, self.under_way.clone());
        let tasks = "Tasks of the runtime that have begun and not ended";
        all.register("waymark_tasks", tasks, self.tasks.clone());
        let dropped = "Answers that the telemetry collector will never hear of";
        all.register("waymark_telemetry_dropped", dropped, self.dropped.clone());
        all.register_with_unit("process_resident_memory", "Memory held", Unit::Bytes, self.memory.clone());
        all.register_with_unit(
            "process_start_time",
            "When the server started",
            Unit::Seconds,
            self.started.clone(),
        );
        all.register("waymark_build", "The version", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        all
    }

    /// Counts an answer.
    pub(super) fn answered(&self, answered: &Answered<'_>) {
        let (intent, completion) = (answered.intent, answered.completion);
        let task = intent.task.map_or(NONE, |task| task.as_str());
        let route = intent.decision.route.as_deref().unwrap_or(NONE).to_owned();
        let model = self.names.resolved(completion).to_owned();
        let outcome = answered.outcome();
        self.answers.get_or_create(&OfAnswer { task, route, model: model.clone(), outcome }).inc();
        self.count(&model, &completion.usage);
        if completion.outcome == Outcome::Refused {
            self.refusals.get_or_create(&OfRefusal { reason: completion.reason.clone() }).inc();
        }
        if let Some(cost) = completion.cost_micro_usd {
            self.cost.get_or_create(&OfModel { model: model.clone() }).inc_by(cost.0 as f64 / 1e6);
        }
        if let Some(ended) = completion.ended {
            let seconds = |until: waymark_types::Timestamp| until.micros_since(intent.started) as f64 / 1e6;
            let labels = OfDuration { task, model };
            self.durations.get_or_create(&labels).observe(seconds(ended));
            self.first_bytes.get_or_create(&labels).observe(seconds(answered.first_byte.unwrap_or(ended)));
        }
        for attempt in completion.attempts.iter().flatten() {
            let provider = self.names.provider(&attempt.provider).to_owned();
            let model = self.names.model(&attempt.provider, &attempt.model).to_owned();
            if let Some(cause) = attempt.error.as_deref().and_then(|error| error.parse::<Cause>().ok()) {
                let (provider, model) = (provider.clone(), model.clone());
                self.failures.get_or_create(&OfFailure { provider, model, cause: cause.as_str() }).inc();
            }
            self.attempts
                .get_or_create(&OfAttempt { provider, model, outcome: attempt.outcome.as_str() })
                .inc();
            if !matches!(attempt.next, Next::Done | Next::Exhausted) {
                self.steps.get_or_create(&OfStep { next: attempt.next.as_str() }).inc();
            }
        }
    }

    fn count(&self, model: &str, usage: &Usage) {
        let counts = [
            ("input", usage.input),
            ("cached_input", usage.cached_input),
            ("cache_write", usage.cache_write),
            ("output", usage.output),
            ("reasoning", usage.reasoning),
        ];
        for (r#type, count) in counts {
            if let Some(count) = count {
                self.tokens.get_or_create(&OfTokens { model: model.to_owned(), r#type }).inc_by(count);
            }
        }
    }

    /// Notes how long a record took to become durable.
    pub(crate) fn appended(&self, took: Duration) {
        self.appends.observe(took.as_secs_f64());
    }

    /// How a deployment stands now: its breaker, as `/admin/status` calls it, and how many calls are under way.
    pub(crate) fn deployment(&self, model: &str, deployment: &str, breaker: &str, in_flight: usize) {
        let labels = OfDeployment { model: model.to_owned(), deployment: deployment.to_owned() };
        let state = match breaker {
            "closed" => 0,
            "half_open" => 1,
            _ => 2,
        };
        self.breakers.get_or_create(&labels).set(state);
        self.in_flight.get_or_create(&labels).set(i64::try_from(in_flight).unwrap_or(i64::MAX));
    }

    /// The page, with what is true now.
    pub(crate) fn page(&self, now: &Gauges) -> String {
        let known = |gauge: &Gauge, value: Option<u64>| {
            if let Some(value) = value {
                gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            }
        };
        known(&self.leaves, now.leaves);
        known(&self.open, now.open);
        known(&self.under_way, Some(now.under_way));
        known(&self.tasks, Some(now.tasks));
        known(&self.memory, now.memory);
        self.writable.set(i64::from(now.writable));
        self.started.set(now.started);
        self.dropped.inc_by(now.dropped.saturating_sub(self.dropped.get()));
        let mut page = String::new();
        // A string takes everything.
        let _ = encode(&mut page, &self.registry);
        page
    }
}

/// Memory this process holds, in bytes, where the system tells.
pub(crate) fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests;
