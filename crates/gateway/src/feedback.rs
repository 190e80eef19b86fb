//! `POST /v1/feedback`: an editor's word on what became of a suggestion. It is the strongest evidence there is of whose
//! work a line is, and goes on record as everything else does: the lines it tells of as fingerprints, never as text.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::header;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use waymark_ledger::emission::{EditorEvent, EditorWord, Emissions};
use waymark_ledger::{Entry, Feedback, Kind};
use waymark_protocol::{ErrorKind, Fault};
use waymark_provenance::{Form, Line, Role, Written};
use waymark_types::{Dialect, ParseRecordIdError, RecordId};

use crate::clock;
use crate::ingress::unread_response;
use crate::path::{emitted, identify, recognise, shortened};
use crate::recorder::Recorder;
use crate::relay::{Head, error_response};
use crate::state::State;

/// Events taken in one request.
const MOST: usize = 1_000;

/// One event, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    Several { events: Vec<Event> },
    One(Event),
}

/// What became of a suggestion.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    /// What happened.
    event: EditorEvent,
    /// The suggestion's record, from the answer's `x-waymark-record`.
    #[serde(default, alias = "suggestion")]
    record: Option<String>,
    /// The file, from the repository's root.
    #[serde(default)]
    path: Option<String>,
    /// The first line, from 1.
    #[serde(default)]
    line: Option<u32>,
    /// The lines as they stand in the editor.
    #[serde(default)]
    text: Option<String>,
    /// The repository, by name.
    #[serde(default)]
    repository: Option<String>,
}

/// `POST /v1/feedback`
pub(crate) async fn take(Shared(state): Shared<Arc<State>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match state.bodies.read(&parts.headers, body).await {
        Ok(body) => body,
        Err(unread) => return unread_response(Dialect::OpenAiChat, &unread),
    };
    let mut caller = identify(&parts.headers, state.config.listen);
    if let Some(fault) = recognise(&state, &parts.headers, parts.uri.query(), &mut caller) {
        return refused(&fault);
    }
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("application/json")));
    if !is_json {
        return refused(&bad("send the event as application/json".to_owned()));
    }
    match keep(&state, &caller.principal, caller.repository.as_deref(), &body).await {
        Ok(records) => {
            let head = Head::new(200, "application/json").marked(records.first().copied(), None, "feedback");
            head.with(Body::from(json!({"records": records}).to_string()))
        }
        Err(fault) => refused(&fault),
    }
}

async fn keep(
    state: &State,
    principal: &str,
    named: Option<&str>,
    body: &[u8],
) -> Result<Vec<RecordId>, Fault> {
    let events = match serde_json::from_slice(body) {
        Ok(Asked::Several { events }) => events,
        Ok(Asked::One(event)) => vec![event],
        Err(_) => return Err(bad(misread(body))),
    };
    if events.is_empty() || events.len() > MOST {
        return Err(bad(format!("send 1 to {MOST} events at a time, not {}", events.len())));
    }
    let (mut entries, mut payloads, mut records) = (Vec::new(), Vec::new(), Vec::new());
    for event in &events {
        let about = suggestion(&state.recorder, event).await?;
        let recorded = state.clock.now();
        let record = clock::record_id(recorded).map_err(|_| unavailable("no randomness for a record id"))?;
        let repository = event.repository.as_deref().or(named).map(shortened);
        let written = written(event)?;
        let emissions = state.fingerprints.key().emissions(&written, recorded, repository.as_deref());
        let word = EditorWord { event: event.event, about, line: event.line };
        let emissions = Emissions { word: Some(word), ..emissions };
        let (emitted, payload) = emitted::keep(record, &emissions);
        payloads.push(payload);
        records.push(record);
        entries.push(Entry::Feedback(Feedback {
            record,
            recorded,
            event: event.event,
            about,
            principal: principal.to_owned(),
            repository,
            path: event.path.as_deref().map(shortened),
            line: event.line,
            emitted,
        }));
    }
    let pending = state.recorder.append(entries, payloads).await;
    let durable = match pending {
        Ok(mut pending) => pending.durable().await,
        Err(error) => Err(error),
    };
    durable.map_err(|error| unavailable(&error.to_string()))?;
    Ok(records)
}

/// The record that the event is about, which must be there.
async fn suggestion(recorder: &Recorder, event: &Event) -> Result<Option<RecordId>, Fault> {
    let Some(id) = &event.record else {
        return match event.event {
            EditorEvent::Typed => Ok(None),
            event => Err(bad(format!(
                "`{}` needs the suggestion's `record`, from the x-waymark-record header of its answer",
                event.as_str()
            ))),
        };
    };
    let record: RecordId =
        id.parse().map_err(|error: ParseRecordIdError| bad(format!("`record`: {error}")))?;
    let rows = recorder.store().record(record).await.map_err(|error| unavailable(&error.to_string()))?;
    let is_answer = rows.iter().any(|row| row.leaf.kind == i64::from(Kind::Intent.number()));
    if is_answer {
        return Ok(Some(record));
    }
    let message = format!("there is no answer with the record {record} in this ledger");
    Err(Fault { kind: ErrorKind::NotFound, code: "no_such_record", message })
}

/// The lines that the event tells of.
fn written(event: &Event) -> Result<Vec<Written>, Fault> {
    let needs_text =
        matches!(event.event, EditorEvent::PartlyAccepted | EditorEvent::Edited | EditorEvent::Typed);
    let Some(text) = &event.text else {
        let message = || {
            format!(
                "`{}` needs `path` and `text`: the lines as they stand in the editor",
                event.event.as_str()
            )
        };
        return if needs_text { Err(bad(message())) } else { Ok(Vec::new()) };
    };
    if event.path.is_none() {
        return Err(bad("`text` needs the `path` of its file".to_owned()));
    }
    // What was turned down does not stand anywhere.
    if event.event == EditorEvent::Rejected {
        return Ok(Vec::new());
    }
    let lines = text
        .lines()
        .map(|line| Line { role: Role::Added, text: line.to_owned(), apart: false, shown: 0 })
        .collect();
    let written =
        Written { path: event.path.clone(), form: Form::Editor, lines, everywhere: false, seen: false };
    Ok(vec![written])
}

/// What is wrong with the body, in the caller's terms.
fn misread(body: &[u8]) -> String {
    let whole = serde_json::from_slice::<serde_json::Value>(body);
    let error = match whole {
        Err(error) => return format!("the body is no JSON: {error}"),
        Ok(value) => {
            let events = value.get("events").and_then(|events| events.as_array()).cloned();
            let mut events = events.unwrap_or_else(|| vec![value]).into_iter();
            events.find_map(|event| serde_json::from_value::<Event>(event).err())
        }
    };
    error.map_or_else(|| "the body is no event".to_owned(), |error| format!("the event: {error}"))
}

fn bad(message: String) -> Fault {
    Fault { kind: ErrorKind::InvalidRequest, code: "bad_feedback", message }
}

fn unavailable(error: &str) -> Fault {
    let message = format!("the event could not be recorded: {error}");
    Fault { kind: ErrorKind::Unavailable, code: "ledger_unavailable", message }
}

fn refused(fault: &Fault) -> Response {
    error_response(Dialect::OpenAiChat, fault, None, None)
}
