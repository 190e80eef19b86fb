//! An answer to test on: a fallback from one provider to another.

use std::collections::BTreeMap;
use std::path::PathBuf;

use waymark_ledger::{Attempt, Commitment, Completion, Decision, Intent};
use waymark_store::Address;
use waymark_types::{Dialect, MicroUsd, Next, Outcome, ProviderKind, RecordId, Task, Timestamp, Usage};

use super::names::Names;
use crate::anchor::AnchorConfig;
use crate::config::{Config, LedgerConfig, ModelConfig, Patience, ProviderConfig, TelemetryConfig};
use crate::limits::LimitsConfig;

pub(super) const BEGAN: i64 = 1_795_449_600_000_000;

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(BEGAN + millis * 1_000)
}

fn commitment() -> Commitment {
    Commitment { bytes: 2, hmac_sha256: "00".repeat(32) }
}

pub(super) fn intent() -> Intent {
    Intent {
        record: RecordId::new(at(0), [7; 10]),
        started: at(0),
        dialect: Dialect::OpenAiChat,
        task: Some(Task::AgentStep),
        stream: true,
        client: Some("test/1".into()),
        session: Some("one".into()),
        repository: None,
        principal: "ada".into(),
        key: None,
        requested_model: Some("auto".into()),
        decision: Decision {
            route: Some("auto".into()),
            policy: "ladder-1".into(),
            reason: "first_rung".into(),
            reasons: Vec::new(),
            snapshot: "00".into(),
            ladder: None,
            shadow: None,
        },
        plan: Vec::new(),
        request: commitment(),
        redacted: None,
        salt_sha256: "00".repeat(32),
    }
}

pub(super) fn attempt(provider: &str, model: &str, millis: (i64, i64)) -> Attempt {
    Attempt {
        provider: provider.into(),
        model: model.into(),
        served_model: Some(format!("{model}-2026")),
        started: at(millis.0),
        ended: at(millis.1),
        status: Some(200),
        outcome: Outcome::Succeeded,
        error: None,
        next: Next::Done,
        served: true,
        converted: None,
        lost: Vec::new(),
        discarded: None,
    }
}

pub(super) fn completion() -> Completion {
    let failed = Attempt {
        served_model: None,
        status: Some(500),
        outcome: Outcome::Failed,
        error: Some("server_error".into()),
        next: Next::Fallback,
        served: false,
        ..attempt("acme", "small-1", (1, 20))
    };
    Completion {
        record: intent().record,
        ended: Some(at(1_500)),
        outcome: Outcome::Succeeded,
        reason: "fallback".into(),
        provider: Some("beta".into()),
        resolved_model: Some("large-1".into()),
        served_model: Some("large-1-2026".into()),
        rung: None,
        attempts: Some(vec![failed, attempt("beta", "large-1", (21, 1_490))]),
        usage: Usage { input: Some(100), cached_input: Some(60), output: Some(20), ..Usage::default() },
        cost_micro_usd: Some(MicroUsd(1_250)),
        response: Some(commitment()),
        sources: Vec::new(),
        emitted: None,
        error: None,
    }
}

/// The providers and models of the sample: `small` at `acme`, `large` at `beta`.
pub(super) fn names() -> Names {
    Names::of(&config())
}

/// The configuration of the sample.
pub(crate) fn config() -> Config {
    let provider = |kind| ProviderConfig {
        kind,
        base_url: String::new(),
        api_version: None,
        dialects: None,
        region: None,
        api_key: None,
        patience: Patience::default(),
        retries: 0,
        breaker: true,
        max_concurrent: None,
        warm: false,
    };
    let model = |provider: &str, id: &str| ModelConfig {
        provider: provider.into(),
        id: id.into(),
        price: None,
        tasks: None,
        context: None,
        can: None,
        deployments: Vec::new(),
    };
    Config {
        limits: LimitsConfig::default(),
        gates: BTreeMap::new(),
        listen: ([127, 0, 0, 1], 0).into(),
        max_concurrent: None,
        hosts: Vec::new(),
        rules: waymark_routing::Rules::default(),
        data_dir: PathBuf::new(),
        repository: None,
        flash_threshold: None,
        store: Address::Sqlite(PathBuf::new()),
        ledger: LedgerConfig::default(),
        witnesses: Vec::new(),
        anchors: AnchorConfig::default(),
        telemetry: TelemetryConfig::default(),
        providers: [
            ("acme", ProviderKind::OpenAi),
            ("beta", ProviderKind::Anthropic),
            ("embedded", ProviderKind::Embedded),
        ]
        .map(|(name, kind)| (name.to_owned(), provider(kind)))
        .into(),
        models: [("small", "acme", "small-1"), ("large", "beta", "large-1"), ("flash", "embedded", "")]
            .map(|(name, of, id)| (name.to_owned(), model(of, id)))
            .into(),
        routes: BTreeMap::new(),
        aliases: BTreeMap::new(),
        content: BTreeMap::new(),
    }
}
