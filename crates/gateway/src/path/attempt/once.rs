//! One attempt: one call at one place, and what came of it.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::time::Instant;
use waymark_flash::{Completion, CompletionRequest};
use waymark_protocol::{Answer, ErrorKind, Failure, Fault, Request, sse};
use waymark_types::Cause;

use super::{Place, Reached, Unanswered, Whole};
use crate::bodies::{Excess, Gathered};
use crate::config::ProviderConfig;
use crate::path::{Call, convert};
use crate::relay::{Bounds, Dialects, Head, Upstreamed};
use crate::state::State;
use crate::upstream::{self, CallError, Target};

/// What is asked of a place, and until when the whole answer must be there.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) state: &'a State,
    pub(super) call: &'a Call,
    pub(super) request: &'a Request,
    pub(super) until: Option<Instant>,
}

/// Asks a place. What a conversion has to leave out is noted in `lost`.
pub(super) async fn once(asked: Asked<'_>, place: &Place<'_>, lost: &mut Vec<String>) -> Reached {
    let Asked { state, call, request, .. } = asked;
    match state.config.providers.get(place.provider) {
        // Elsewhere it would be an answer, and be paid for.
        Some(provider) if request.warm_up && (provider.is_embedded() || place.dialect != call.dialect) => {
            Reached::WarmedUp
        }
        Some(provider) if provider.is_embedded() => Reached::Suggestion(Box::new(suggest(state, request))),
        Some(provider) => call_upstream(asked, place, provider, lost)
            .await
            .unwrap_or_else(|error| Reached::Nothing(unanswered(&error))),
        None => {
            Reached::Nothing(unanswered(&CallError::misconfigured(place.provider, "it is not configured")))
        }
    }
}

fn suggest(state: &State, request: &Request) -> Completion {
    let (prefix, suffix, path, max_tokens) = match &request.fim {
        Some(fim) => (fim.prefix.as_str(), fim.suffix.as_str(), fim.path.as_deref(), fim.max_tokens),
        None => ("", "", None, None),
    };
    let threshold = state.config.flash_threshold;
    state.flash.complete(&CompletionRequest { prefix, suffix, path, threshold, max_tokens })
}

async fn call_upstream(
    asked: Asked<'_>,
    place: &Place<'_>,
    provider: &ProviderConfig,
    lost: &mut Vec<String>,
) -> Result<Reached, CallError> {
    let Asked { state, call, request, until } = asked;
    let mut headers = upstream::to_upstream(&call.headers);
    let (conversion, body) = if place.dialect == call.dialect {
        let body = request.body_for(place.model);
        (None, waymark_protocol::without_foreign(call.dialect, &body).unwrap_or(body))
    } else {
        let created = call.arrived.as_micros() / 1_000_000;
        match convert::cross(request, place.dialect, provider.flavour(), place.model, created) {
            Ok(crossed) => {
                *lost = crossed.lost;
                headers = upstream::across(&headers, place.dialect);
                (Some(crossed.conversion), crossed.body)
            }
            Err(fault) => {
                return Ok(Reached::Nothing(Unanswered { fault, failure: Cause::NotConvertible.into() }));
            }
        }
    };
    let target = Target {
        dialect: place.dialect,
        model: place.model,
        stream: request.stream,
        method: call.method.filter(|_| conversion.is_none()),
        query: call.query.as_deref().filter(|_| conversion.is_none()),
    };
    let (began, patience) = (Instant::now(), provider.patience);
    let response = state.upstreams.call(place.provider, provider, target, headers, body).await?;
    let mut head = Head { status: response.status(), headers: upstream::to_client(response.headers()) };
    let mut chunks = response.bytes_stream();
    let no_answer = |problem| CallError::no_answer(place.provider, problem);
    let bounds = Bounds { stall: patience.stall, until };
    if let Some(framing) = head.framing(place.dialect).filter(|_| head.status.is_success()) {
        let dialects = Dialects { client: call.dialect, provider: place.dialect };
        let mut converter = None;
        if let Some(conversion) = &conversion {
            head = Head::new(200, conversion.stream_type());
            converter = Some(conversion.stream().ok_or_else(|| no_answer("it streams what comes whole"))?);
        }
        let provider = place.provider.to_owned();
        let mut upstreamed =
            Upstreamed::new(head, dialects, framing, converter, chunks.boxed(), provider, bounds);
        let first = tokio::time::timeout_at(began + patience.first_byte, upstreamed.first_event());
        first.await.map_err(|_| CallError::new(place.provider, Cause::FirstByteTimeout))??;
        return Ok(Reached::Stream(Box::new(upstreamed)));
    }
    if head.status.is_redirection() {
        return Err(no_answer("it redirects elsewhere"));
    }
    let body = whole_body(state.bodies.begin(), &mut chunks, place.provider, bounds).await?;
    if head.status.is_success() && !is_json_object(&body) {
        return Err(no_answer("its answer is no JSON object"));
    }
    let mut answer = Answer::default();
    answer.read_body(place.dialect, &body);
    let status = head.status.as_u16();
    let failure = (!head.status.is_success() || answer.error.is_some()).then(|| {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        Failure::read(status, header, &body, state.clock.now())
    });
    let Some(conversion) = conversion else {
        return Ok(Reached::Whole(Box::new(Whole { head, body, answer, failure })));
    };
    let converted = match failure {
        None => conversion.reply(&body).ok_or_else(|| no_answer("its answer cannot be read"))?,
        Some(_) => conversion.error(status, &body),
    };
    let head = Head::new(status, "application/json");
    Ok(Reached::Whole(Box::new(Whole { head, body: converted.into(), answer, failure })))
}

async fn whole_body(
    mut body: Gathered,
    chunks: &mut (impl Stream<Item = reqwest::Result<Bytes>> + Unpin),
    provider: &str,
    bounds: Bounds,
) -> Result<Bytes, CallError> {
    let too_large = |excess: Excess| {
        CallError::no_answer(
            provider,
            match excess {
                Excess::Alone => "its answer is too large",
                Excess::Together => "there is no memory left for its answer",
            },
        )
    };
    loop {
        match tokio::time::timeout(bounds.stall, chunks.next()).await {
            Ok(Some(Ok(chunk))) => body.add(&chunk).map_err(too_large)?,
            Ok(Some(Err(error))) => return Err(CallError::from_transfer(provider, &error)),
            Ok(None) => return Ok(body.finish()),
            Err(_) => return Err(CallError::new(provider, Cause::Stalled)),
        }
    }
}

/// Whether a body is one whole JSON object, as every answer of every dialect is.
fn is_json_object(body: &[u8]) -> bool {
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    whole && body.trim_ascii_start().first() == Some(&b'{')
}

pub(super) fn unanswered(error: &CallError) -> Unanswered {
    let cause = error.cause();
    let kind = match cause {
        Cause::FirstByteTimeout | Cause::ConnectTimeout | Cause::Stalled | Cause::Deadline => {
            ErrorKind::Timeout
        }
        _ => ErrorKind::Upstream,
    };
    let fault = Fault { kind, code: cause.as_str(), message: error.to_string() };
    Unanswered { fault, failure: cause.into() }
}

/// A stream's first event, read before anything is promised to the client.
impl Upstreamed {
    async fn first_event(&mut self) -> Result<(), CallError> {
        while self.pending.is_empty() {
            if !self.pull().await? {
                let broke_off = || CallError::new(self.provider(), Cause::BrokeOff);
                return self.may_be_empty().then_some(()).ok_or_else(broke_off);
            }
            self.split()?;
        }
        self.note_failure();
        Ok(())
    }

    /// Cuts what has arrived into whole events.
    pub(crate) fn split(&mut self) -> Result<(), CallError> {
        loop {
            match self.splitter.next_event() {
                Ok(Some(event)) => self.pending.push_back(event),
                Ok(None) => return Ok(()),
                Err(sse::EventTooLarge) => return Err(CallError::new(self.provider(), Cause::BrokeOff)),
            }
        }
    }
}
