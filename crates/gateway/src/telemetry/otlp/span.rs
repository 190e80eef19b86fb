//! From an answer to its spans: one for the answer, and below it one for each upstream call.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waymark_ledger::commitment::hex;
use waymark_ledger::{Attempt, Completion, Intent};
use waymark_types::{Dialect, Outcome, ProviderKind, RecordId, Task, Timestamp};

use super::attributes::Attributes;
use super::semconv as name;
use super::{Told, content};
use crate::telemetry::names::Names;

/// Kinds of span, as OTLP numbers them.
const INTERNAL: u8 = 1;
const SERVER: u8 = 2;
const CLIENT: u8 = 3;

/// A span's status code for what went wrong.
const ERROR: u8 = 2;

/// The spans of an answer, its own first.
pub(super) fn spans(told: &Told, names: &Names) -> Vec<Value> {
    let (intent, completion) = (&told.intent, &told.completion);
    let record = intent.record;
    let ended = completion.ended.unwrap_or(intent.started);
    let mut spans = vec![span(&Span {
        record,
        number: 0,
        kind: SERVER,
        name: named(operation(intent), completion.resolved_model.as_deref()),
        started: intent.started,
        ended,
        error: told.error.as_deref(),
        attributes: of_answer(told, names),
    })];
    for (number, attempt) in (1..).zip(completion.attempts.iter().flatten()) {
        let embedded = names.kind(&attempt.provider) == Some(ProviderKind::Embedded);
        spans.push(span(&Span {
            record,
            number,
            kind: if embedded { INTERNAL } else { CLIENT },
            name: named(operation(intent), Some(&attempt.model)),
            started: attempt.started,
            ended: attempt.ended,
            error: error_of(attempt),
            attributes: of_attempt(intent, attempt, names),
        }));
    }
    spans
}

struct Span<'a> {
    record: RecordId,
    /// 0 for the answer itself.
    number: u32,
    kind: u8,
    name: String,
    started: Timestamp,
    ended: Timestamp,
    error: Option<&'a str>,
    attributes: Attributes,
}

fn span(span: &Span<'_>) -> Value {
    let mut value = json!({
        // The record's id: who has the one finds the other.
        "traceId": hex(span.record.as_bytes()),
        "spanId": span_id(span.record, span.number),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": nanos(span.started),
        "endTimeUnixNano": nanos(span.ended.max(span.started)),
        "attributes": span.attributes.clone().text(name::ERROR, span.error).into_value(),
        "status": {},
    });
    if span.number > 0 {
        value["parentSpanId"] = json!(span_id(span.record, 0));
    }
    if let Some(error) = span.error {
        value["status"] = json!({"code": ERROR, "message": error});
    }
    value
}

fn span_id(record: RecordId, number: u32) -> String {
    let digest = Sha256::new_with_prefix(record.as_bytes()).chain_update(number.to_be_bytes()).finalize();
    hex(&digest[..8])
}

/// A time as OTLP writes it: nanoseconds, as text.
pub(super) fn nanos(time: Timestamp) -> String {
    (i128::from(time.as_micros()).max(0) * 1_000).to_string()
}

fn named(operation: &str, model: Option<&str>) -> String {
    model.map_or_else(|| operation.to_owned(), |model| format!("{operation} {model}"))
}

/// The conventions' word for what was asked.
pub(super) fn operation(intent: &Intent) -> &'static str {
    match (intent.task, intent.dialect) {
        (Some(Task::Embedding), _) => "embeddings",
        (Some(Task::Image | Task::Transcription | Task::Speech), _) | (_, Dialect::Gemini) => {
            "generate_content"
        }
        (_, dialect) if dialect.is_embedding() => "embeddings",
        (_, dialect) if dialect.is_completion() => "text_completion",
        _ => "chat",
    }
}

/// The conventions' word for a provider, where they have one; else that of its kind.
pub(super) fn provider_name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenAi => "openai",
        ProviderKind::AzureOpenAi => "azure.ai.openai",
        ProviderKind::Anthropic => "anthropic",
        ProviderKind::Gemini => "gcp.gemini",
        ProviderKind::Mistral => "mistral_ai",
        ProviderKind::Ollama => "ollama",
        ProviderKind::LlamaCpp => "llama_cpp",
        ProviderKind::Embedded => "waymark",
    }
}

/// The call that answered, or else the last one.
pub(super) fn decisive(completion: &Completion) -> Option<&Attempt> {
    let attempts = completion.attempts.as_deref().unwrap_or_default();
    attempts.iter().find(|attempt| attempt.served).or(attempts.last())
}

fn error_of(attempt: &Attempt) -> Option<&str> {
    let well = matches!(attempt.outcome, Outcome::Succeeded | Outcome::Declined);
    (!well).then(|| attempt.error.as_deref().unwrap_or(attempt.outcome.as_str()))
}

fn of_answer(told: &Told, names: &Names) -> Attributes {
    let (intent, completion) = (&told.intent, &told.completion);
    let (decisive, attempts) = (decisive(completion), completion.attempts.as_deref().unwrap_or_default());
    let kind = decisive.and_then(|attempt| names.kind(&attempt.provider));
    let first_chunk = told.first_byte.map(|at| at.micros_since(intent.started) as f64 / 1e6);
    let (usage, record) = (&completion.usage, intent.record.to_string());
    let attributes = Attributes::default()
        .text(name::OPERATION, operation(intent))
        .text(name::PROVIDER, kind.map(provider_name))
        .text(name::REQUEST_MODEL, completion.resolved_model.as_deref())
        .flag(name::REQUEST_STREAM, intent.stream)
        .text(name::RESPONSE_MODEL, completion.served_model.as_deref())
        .texts(name::FINISH_REASONS, told.finish.as_deref())
        .number(name::FIRST_CHUNK, first_chunk)
        .count(name::INPUT_TOKENS, usage.input)
        .count(name::OUTPUT_TOKENS, usage.output)
        .count(name::CACHE_READ_TOKENS, usage.cached_input)
        .count(name::CACHE_CREATION_TOKENS, usage.cache_write)
        .count(name::REASONING_TOKENS, usage.reasoning)
        .text(name::CONVERSATION, intent.session.as_deref())
        .text(name::GATEWAY, "waymark")
        .text(name::GATEWAY_VERSION, env!("CARGO_PKG_VERSION"))
        .text(name::GATEWAY_REQUEST, record.as_str())
        .text(name::GATEWAY_REQUEST_MODEL, intent.requested_model.as_deref())
        .texts(name::GATEWAY_RESPONSE_MODELS, attempts.iter().filter_map(|made| made.served_model.as_deref()))
        .texts(name::GATEWAY_PROVIDERS, attempts.iter().map(|made| made.provider.as_str()))
        .text(name::GATEWAY_SESSION, intent.session.as_deref())
        .count(name::GATEWAY_CACHED_TOKENS, usage.cached_input)
        .count(name::GATEWAY_REASONING_TOKENS, usage.reasoning)
        .text(name::RECORD, record.as_str())
        .text(name::ROUTE, intent.decision.route.as_deref())
        .text(name::REASON, completion.reason.as_str())
        .text(name::REQUESTED_MODEL, intent.requested_model.as_deref())
        .text(name::TASK, intent.task.map(|task| task.as_str()))
        .text(name::DIALECT, intent.dialect.as_str())
        .text(name::OUTCOME, completion.outcome.as_str())
        .text(name::CLIENT, intent.client.as_deref())
        .text(name::OWN_PROVIDER, completion.provider.as_deref())
        .count(name::COST, completion.cost_micro_usd.map(|cost| cost.0));
    match &told.texts {
        None => attributes,
        Some(texts) => content::add(attributes, intent, texts),
    }
}

fn of_attempt(intent: &Intent, attempt: &Attempt, names: &Names) -> Attributes {
    // What tokens were used is said of the answer, once: who adds spans up would count them twice.
    Attributes::default()
        .text(name::OPERATION, operation(intent))
        .text(name::PROVIDER, names.kind(&attempt.provider).map(provider_name))
        .text(name::REQUEST_MODEL, attempt.model.as_str())
        .text(name::RESPONSE_MODEL, attempt.served_model.as_deref())
        .count(name::STATUS, attempt.status.map(u64::from))
        .text(name::OWN_PROVIDER, attempt.provider.as_str())
        .text(name::OUTCOME, attempt.outcome.as_str())
        .text(name::NEXT, attempt.next.as_str())
        .flag(name::SERVED, attempt.served)
}

#[cfg(test)]
mod tests;
