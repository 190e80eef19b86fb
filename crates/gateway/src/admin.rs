//! The admin API: what is served, how it is doing, and what was answered. The dashboard reads nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query as Asked, State as Shared};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use waymark_protocol::{ErrorKind, Fault};
use waymark_store::{Address, Explanation, Query, StoreError, explain};
use waymark_types::{Dialect, Outcome, ParseRecordIdError, ProviderKind};

use crate::config::{OnFailure, Payloads};
use crate::ingress::json as reply;
use crate::limits;
use crate::relay::{Head, error_response};
use crate::state::State;
use crate::telemetry::{Gauges, PAGE, resident_memory};

/// Records listed unless the caller says otherwise, and at most.
const RECORDS: u32 = 50;
const MOST_RECORDS: u32 = 500;

/// `GET /healthz`: 200 while answers can be given, 503 while the ledger cannot write.
pub(crate) async fn healthz(Shared(state): Shared<Arc<State>>) -> Response {
    match state.recorder.recover().await {
        Ok(()) => reply(&json!({"status": "ok"})),
        Err(error) => {
            let mut response = reply(&json!({"status": "unavailable", "error": error.to_string()}));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    }
}

/// `GET /metrics`: what has been counted, and what is true now.
pub(crate) async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    let store = state.recorder.store();
    // A ledger that cannot be read leaves its last size standing; that it cannot be written is said apart.
    let newest = store.newest_checkpoint().await.ok().flatten();
    let gauges = Gauges {
        leaves: newest.map(|newest| newest.size),
        open: store.open_records().await.ok().map(|open| open.len() as u64),
        writable: state.recorder.condition().is_ok(),
        under_way: state.answers.len() as u64,
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64,
        memory: resident_memory(),
        started: state.started.as_micros() as f64 / 1e6,
        dropped: state.telemetry.dropped(),
    };
    let now = state.clock.now();
    for (model, deployed) in state.health.all() {
        let (breaker, in_flight) = (deployed.breaker(now), deployed.in_flight());
        state.telemetry.metrics.deployment(model, &deployed.name, breaker, in_flight);
    }
    Head::new(200, PAGE).with(state.telemetry.metrics.page(&gauges).into())
}

/// `GET /admin/status`
pub(crate) async fn status(Shared(state): Shared<Arc<State>>) -> Response {
    let flash = state.flash.stats();
    let routes: Vec<Value> = state
        .snapshot
        .policy
        .routes
        .iter()
        .map(|(name, route)| json!({"name": name, "ladder": route.ladder, "fallback": route.fallback}))
        .collect();
    let ledger = match ledger_status(&state).await {
        Ok(ledger) => ledger,
        Err(error) => return failed(&error),
    };
    reply(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": state.started,
        "listen": state.config.listen.to_string(),
        "repository": state.config.repository,
        "flash": {
            "version": state.flash.version(),
            "files": flash.files,
            "tokens": flash.tokens,
            "lines": flash.lines,
            "commit": flash.commit,
            "languages": flash.languages,
        },
        "routes": routes,
        "models": model_status(&state),
        "snapshot": state.snapshot.digest,
        "ledger": ledger,
    }))
}

fn model_status(state: &State) -> Vec<Value> {
    let models = state.snapshot.policy.models.iter();
    models
        .map(|(name, model)| {
            let health = state.health.of(name, state.clock.now());
            json!({
                "name": name,
                "id": if model.kind == ProviderKind::Embedded {
                    state.flash.version()
                } else {
                    model.id.clone()
                },
                "provider": model.provider,
                "kind": model.kind,
                "tasks": model.ladder_tasks(),
                "price": model.price,
                "state": health.state,
                "requests": health.requests,
                "failures": health.failures,
                "last_used": health.last_used,
                "last_error": health.last_error,
                "deployments": health.deployments,
            })
        })
        .collect()
}

async fn ledger_status(state: &State) -> Result<Value, StoreError> {
    let store = state.recorder.store();
    let (newest, pending) = (store.newest_checkpoint().await?, store.count("pending").await?);
    let root = newest.as_ref().and_then(|newest| newest.note.lines().nth(2).map(str::to_owned));
    let condition = state.recorder.condition();
    let settings = &state.config.ledger;
    Ok(json!({
        // The kind alone: an address may hold a password.
        "store": match state.config.store {
            Address::Sqlite(_) => "sqlite",
            Address::Postgres { .. } => "postgres",
        },
        "origin": state.recorder.verifier().name(),
        "size": newest.map_or(0, |newest| newest.size),
        "root": root,
        "pending": pending,
        "payloads": match settings.payloads {
            Payloads::Discard => "discard",
            Payloads::Keep => "keep",
        },
        "keep_payloads_for": settings.keep_payloads_for.map(|time| time.as_secs()),
        "keep_records_for": settings.keep_records_for.map(|time| time.as_secs()),
        "anchors": state.anchors.status(),
        "witnesses": state.witnesses.status(),
        "healthy": condition.is_ok(),
        "error": condition.err().map(|error| error.to_string()),
        "on_failure": match settings.on_failure {
            OnFailure::Refuse => "refuse",
            OnFailure::Serve => "serve",
        },
    }))
}

/// `GET /admin/records`: records, newest first, `limit` of them; `model`, `route`, `session`, `repository`, `client`,
/// `principal`, `outcome`, `since` and `until` narrow, and `before` goes on where a page ended.
pub(crate) async fn records(
    Shared(state): Shared<Arc<State>>,
    Asked(parameters): Asked<BTreeMap<String, String>>,
) -> Response {
    let query = match query(parameters) {
        Ok(query) => query,
        Err(message) => {
            let fault = Fault { kind: ErrorKind::InvalidRequest, code: "bad_request", message };
            return error_response(Dialect::OpenAiChat, &fault, None, None);
        }
    };
    match listed(&state, &query).await {
        Ok(page) => reply(&page),
        Err(error) => failed(&error),
    }
}

/// What a list's parameters ask for.
fn query(parameters: BTreeMap<String, String>) -> Result<Query, String> {
    let mut query = Query { limit: RECORDS, ..Query::default() };
    for (name, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
        let time = || value.parse().map_err(|_| format!("{name} is a time such as 2026-01-31T12:00:00Z"));
        match name.as_str() {
            "limit" => {
                let limit = value.parse().map_err(|_| format!("limit is a number from 1 to {MOST_RECORDS}"));
                query.limit = u32::clamp(limit?, 1, MOST_RECORDS);
            }
            "before" => {
                query.before = Some(value.parse().map_err(|error: ParseRecordIdError| error.to_string())?);
            }
            "since" => query.since = Some(time()?),
            "until" => query.until = Some(time()?),
            "model" => query.model = Some(value),
            "route" => query.route = Some(value),
            "session" => query.session = Some(value),
            "repository" => query.repository = Some(value),
            "client" => query.client = Some(value),
            "principal" => query.principal = Some(value),
            "outcome" => {
                let outcome: Outcome = value.parse().map_err(|error| format!("outcome: {error}"))?;
                query.outcome = Some(outcome.as_str().to_owned());
            }
            _ => {
                return Err(format!(
                    "there is no parameter `{name}`; there are limit, before, since, until, model, route, session, \
                     repository, client, principal and outcome"
                ));
            }
        }
    }
    Ok(query)
}

/// One row of the list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    told: Explanation,
    route: Option<String>,
    latency_micros: Option<u64>,
}

async fn listed(state: &State, query: &Query) -> Result<Value, StoreError> {
    let store = state.recorder.store();
    let page = store.list(query).await?;
    let (mut listed, mut names) = (Vec::new(), BTreeMap::new());
    for (intent, completion) in page.records {
        let mut told = Explanation::new(intent, completion, None);
        if !names.contains_key(&told.subject) {
            names.insert(told.subject.clone(), store.name_of(&told.subject).await?);
        }
        told.principal = names.get(&told.subject).cloned().flatten();
        let latency_micros = told.ended.map(|ended| ended.micros_since(told.started));
        let mut row = json!(Listed { route: told.decision.route.clone(), latency_micros, told });
        row["attempts"] = json!(row["attempts"].as_array().map_or(0, Vec::len));
        listed.push(row);
    }
    Ok(json!({"records": listed, "next": page.next}))
}

/// `GET /admin/keys`: virtual keys, the oldest first, with what was used today and this month.
pub(crate) async fn keys(Shared(state): Shared<Arc<State>>) -> Response {
    match limits::told(state.recorder.store(), state.clock.now()).await {
        Ok(keys) => reply(&json!({"keys": keys})),
        Err(error) => failed(&error),
    }
}

/// `GET /admin/records/{id}`: what `waymark why --json` prints.
pub(crate) async fn record(Shared(state): Shared<Arc<State>>, Path(id): Path<String>) -> Response {
    let fault =
        |kind, code, message| error_response(Dialect::OpenAiChat, &Fault { kind, code, message }, None, None);
    let id = match id.parse() {
        Ok(id) => id,
        Err(error) => {
            let error: ParseRecordIdError = error;
            return fault(ErrorKind::InvalidRequest, "bad_request", error.to_string());
        }
    };
    match explain(state.recorder.store(), state.recorder.verifier(), id).await {
        Ok(Some(told)) => reply(&told),
        Ok(None) => fault(ErrorKind::NotFound, "not_found", format!("there is no record {id}")),
        Err(error @ StoreError::Dropped { .. }) => {
            let mut response = fault(ErrorKind::NotFound, "dropped", error.to_string());
            *response.status_mut() = StatusCode::GONE;
            response
        }
        Err(error) => failed(&error),
    }
}

fn failed(error: &StoreError) -> Response {
    let fault =
        Fault { kind: ErrorKind::Unavailable, code: "ledger_unavailable", message: error.to_string() };
    error_response(Dialect::OpenAiChat, &fault, None, None)
}
