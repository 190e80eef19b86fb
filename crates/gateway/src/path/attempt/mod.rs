//! Attempts: one upstream call after another until one answers or none is left.
//!
//! A call that failed is made again at the same place where that may help, then at another place of the same model, then
//! at the plan's next step. Nothing of it reaches the client before an answer has begun.

mod describe;
mod hedge;
mod judge;
mod once;
mod places;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use waymark_flash::Completion;
use waymark_ledger::{Attempt, Discarded};
use waymark_protocol::{Answer, ErrorKind, Failure, Fault, Request};
use waymark_routing::Plan;
use waymark_types::{Cause, Dialect, Next, Outcome, Task};

use super::Call;
use super::begun::Begun;
use super::deadline::Deadline;
use super::gate::{self, Gates, Ruling};
use crate::clock;
use crate::config::ProviderConfig;
use crate::health::{Deployed, UnderWay, Verdict as Says};
use crate::relay::{Head, Upstreamed};
use crate::state::State;
pub(super) use describe::is_open;
use judge::{Prospects, Verdict, judge};
use once::Asked;
use places::Places;

/// What an attempt came to.
pub(super) enum Reached {
    /// A whole answer, be it an error.
    Whole(Box<Whole>),
    /// A stream whose first event is here.
    Stream(Box<Upstreamed>),
    /// The embedded model's word.
    Suggestion(Box<Completion>),
    /// Nothing was to be written, and so nobody was asked.
    WarmedUp,
    /// No answer.
    Nothing(Unanswered),
}

/// A whole answer of a provider.
pub(super) struct Whole {
    pub(super) head: Head,
    pub(super) body: Bytes,
    pub(super) answer: Answer,
    /// Why it is an error, be it one under a status that claims success.
    pub(super) failure: Option<Failure>,
}

/// No answer, what the client is told in its place, and why.
pub(super) struct Unanswered {
    pub(super) fault: Fault,
    pub(super) failure: Failure,
}

impl Reached {
    /// Why this is no answer; `None` when it is one.
    fn failure(&self) -> Option<Failure> {
        match self {
            Self::Whole(whole) => whole.failure,
            Self::Stream(upstreamed) => upstreamed.failure(),
            Self::Nothing(unanswered) => Some(unanswered.failure),
            Self::Suggestion(_) | Self::WarmedUp => None,
        }
    }

    /// Whether it is a model's word that it has nothing to say.
    fn declines(&self) -> bool {
        matches!(self, Self::Suggestion(completion) if completion.suggestion.is_none())
    }
}

/// What the attempts came to.
pub(super) struct Tried {
    pub(super) reached: Reached,
    /// The configured name of the model whose answer this is.
    pub(super) name: String,
    /// How the plan arrived at it.
    pub(super) arrival: Next,
    /// Which of the attempts it is.
    pub(super) at: usize,
    /// The call, while its answer is still under way.
    pub(super) under_way: Option<UnderWay>,
    /// What its gates had to say of it, other than that it passes: a stable code.
    pub(super) gate: Option<String>,
}

/// A place to ask: a deployment of a step's model.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// Which step of the plan it belongs to.
    step: usize,
    provider: &'a str,
    model: &'a str,
    dialect: Dialect,
    /// `None` only where the snapshot does not know the model.
    deployed: Option<&'a Arc<Deployed>>,
}

/// One request's way through its plan.
struct Way<'a> {
    asked: Asked<'a>,
    plan: &'a Plan,
    deadline: Deadline,
    task: Option<Task>,
    session: Option<&'a str>,
}

/// Tries the plan's steps in order. `log` holds every attempt from the moment it begins, so that one which is
/// cancelled is on record too.
pub(super) async fn attempts(
    state: &State,
    call: &Call,
    request: &Request,
    plan: &Plan,
    begun: &mut Option<Begun>,
    log: &mut Vec<Attempt>,
) -> Tried {
    let since = Duration::from_micros(state.clock.now().micros_since(call.arrived));
    let route = plan.route.as_ref().and_then(|route| state.config.routes.get(route));
    let deadline = Deadline::of(&call.headers, route.and_then(|route| route.deadline), since);
    let gates = route.map_or(&[][..], |route| route.gates.as_slice());
    let intent = begun.as_ref().map(|begun| Arc::clone(&begun.intent));
    let way = Way {
        asked: Asked { state, call, request, until: deadline.whole() },
        plan,
        deadline,
        task: intent.as_ref().and_then(|intent| intent.task),
        session: intent.as_ref().and_then(|intent| intent.session.as_deref()),
    };
    way.earn_hedge();
    let mut places = Places::of(&way);
    // The newest that anybody said, should nobody answer.
    let mut kept: Option<Tried> = None;
    while let Some((place, arrival)) = places.next(&way, log) {
        if !state.config.providers.get(place.provider).is_some_and(ProviderConfig::is_embedded)
            && let Some(held) = begun.take()
        {
            *begun = Some(held.send(&state.recorder).await);
        }
        let tried = way.try_place(place, arrival, &mut places, log).await;
        let (tried, stopped) = way.hold_back(tried, gates, log).await;
        let leads_on = match &stopped {
            Some(_) => {
                places.climb(&way);
                !places.is_empty()
            }
            None => way.leads_on(&tried, &mut places),
        };
        if kept.as_ref().is_none_or(|kept| is_better(&tried, kept)) {
            kept = Some(tried);
        }
        if !leads_on {
            break;
        }
        if let Some(stopped) = stopped {
            way.throw_away(stopped, log);
        }
    }
    let tried = kept.unwrap_or_else(|| way.refused(&places, log));
    way.count_discarded(&tried, log);
    if let Some(attempt) = log.get_mut(tried.at) {
        attempt.next = if way.may_go_better(&tried) { Next::Exhausted } else { Next::Done };
    }
    tried
}

/// Whether an answer, or the lack of one, is to be told rather than the one before it: anything that was said, but an answer
/// that a gate stopped rather than none.
fn is_better(tried: &Tried, kept: &Tried) -> bool {
    was_asked(tried) && (kept.gate.is_none() || tried.reached.failure().is_none())
}

/// Whether anybody was asked.
fn was_asked(tried: &Tried) -> bool {
    tried.reached.failure().is_none_or(|failure| failure.cause != Cause::AtCapacity)
}

impl<'a> Way<'a> {
    fn state(&self) -> &'a State {
        self.asked.state
    }

    fn arrival(&self, place: &Place<'_>) -> Next {
        self.plan.steps.get(place.step).map_or(Next::Done, |step| step.arrival)
    }

    /// Asks a place, again where that may help.
    async fn try_place(
        &self,
        place: Place<'a>,
        arrival: Next,
        places: &mut Places<'a>,
        log: &mut Vec<Attempt>,
    ) -> Tried {
        let retries = self.state().config.providers.get(place.provider).map_or(0, |own| own.retries);
        let (mut place, mut arrival, mut tries) = (place, arrival, 0);
        loop {
            let asked = match self.deadline.first() {
                None => self.ask(place, arrival, places, log).await,
                Some(until) => {
                    let asked = tokio::time::timeout_at(until, self.ask(place, arrival, places, log)).await;
                    match asked {
                        Ok(asked) => asked,
                        Err(_) => return self.too_late(log),
                    }
                }
            };
            let (tried, asked_of) = asked;
            let Some(failure) = tried.reached.failure() else { return tried };
            let sideways = places.sideways(self);
            let prospects = Prospects { retries, tries, sideways, left: self.deadline.left() };
            let Verdict::Again(wait) = judge(&failure, &prospects, chance()) else { return tried };
            let Some(again) = asked_of else { return tried };
            tokio::time::sleep(wait).await;
            if places::closed_until(&again, self.state().clock.now()).is_some() {
                return tried;
            }
            (place, arrival, tries) = (again, Next::Retry, tries + 1);
        }
    }

    /// Whether the next place is to be asked instead of answering with this.
    fn leads_on(&self, tried: &Tried, places: &mut Places<'a>) -> bool {
        if tried.reached.declines() {
            return true;
        }
        let Some(failure) = tried.reached.failure() else { return false };
        match judge(&failure, &NO_RETRY, 0.0) {
            Verdict::Final => return false,
            Verdict::Up => places.climb(self),
            Verdict::Again(_) | Verdict::Elsewhere => {}
        }
        !places.is_empty()
    }

    /// Whether another place could have answered what this did not.
    fn may_go_better(&self, tried: &Tried) -> bool {
        let failure = tried.reached.failure();
        failure.is_some_and(|failure| judge(&failure, &NO_RETRY, 0.0) != Verdict::Final)
    }

    /// The request's time was up before anything answered.
    fn too_late(&self, log: &mut [Attempt]) -> Tried {
        let now = self.state().clock.now();
        for attempt in log.iter_mut().filter(|attempt| is_open(attempt)) {
            attempt.ended = now;
            attempt.outcome = Outcome::TimedOut;
            attempt.error = Some(Cause::Deadline.to_string());
        }
        let message = "nothing answered in the time that the request has; allow more of it with the header \
                       x-waymark-deadline, or in the route's `deadline`"
            .to_owned();
        let fault = Fault { kind: ErrorKind::Timeout, code: Cause::Deadline.as_str(), message };
        self.nothing(Unanswered { fault, failure: Cause::Deadline.into() }, log)
    }

    /// Nobody was asked.
    fn refused(&self, places: &Places<'a>, log: &[Attempt]) -> Tried {
        let unanswered = places.why_closed(self.state()).unwrap_or_else(|| {
            let message = "the plan had no steps".to_owned();
            let fault = Fault { kind: ErrorKind::Unavailable, code: "empty_plan", message };
            Unanswered { fault, failure: Cause::Misconfigured.into() }
        });
        self.nothing(unanswered, log)
    }

    fn nothing(&self, unanswered: Unanswered, log: &[Attempt]) -> Tried {
        Tried {
            reached: Reached::Nothing(unanswered),
            name: String::new(),
            arrival: Next::Done,
            at: log.len().saturating_sub(1),
            under_way: None,
            gate: None,
        }
    }

    /// Lets the route's gates look at an answer, and says which of them stopped it.
    async fn hold_back(
        &self,
        mut tried: Tried,
        gates: &[String],
        log: &mut [Attempt],
    ) -> (Tried, Option<Stopped>) {
        if gates.is_empty() || tried.reached.failure().is_some() {
            return (tried, None);
        }
        let Asked { state, request, .. } = self.asked;
        let gates = Gates { state, request, names: gates, model: &tried.name };
        let rule = gates.rule(&mut tried.reached);
        let ruling = match self.asked.until {
            None => rule.await,
            Some(until) => {
                let late = || Ok(Ruling::Unasked("gate_deadline".to_owned()));
                tokio::time::timeout_at(until, rule).await.unwrap_or_else(|_| late())
            }
        };
        let mut stopped = None;
        match ruling {
            Ok(Ruling::Passed) => {}
            Ok(Ruling::Unasked(why)) => tried.gate = Some(why),
            Ok(Ruling::Stopped(gate, discarded)) => {
                tried.gate = Some(format!("{GATE}{gate}"));
                stopped = Some(Stopped { discarded, at: tried.at });
            }
            // Nothing of it had left: it is as if it had never answered.
            Err(error) => {
                tried.reached = Reached::Nothing(once::unanswered(&error));
                tried.under_way = self.settle(&tried.reached, tried.under_way.take());
                if let Some(attempt) = log.get_mut(tried.at) {
                    *attempt = describe::ended(attempt.clone(), &tried.reached, state.clock.now());
                }
            }
        }
        if let (Some(attempt), Some(gate)) = (log.get_mut(tried.at), &tried.gate) {
            attempt.error = Some(gate.clone());
        }
        (tried, stopped)
    }

    /// An answer that was stopped makes way for the next rung's.
    fn throw_away(&self, stopped: Stopped, log: &mut [Attempt]) {
        if let Some(attempt) = log.get_mut(stopped.at) {
            attempt.outcome = Outcome::Failed;
            attempt.ended = self.state().clock.now();
            attempt.discarded = Some(stopped.discarded);
        }
    }

    /// What was stopped and is given all the same was not thrown away; everything else counts against its gate's budget.
    fn count_discarded(&self, given: &Tried, log: &mut [Attempt]) {
        if let Some(attempt) = log.get_mut(given.at)
            && attempt.discarded.take().is_some()
        {
            attempt.outcome = Outcome::Succeeded;
        }
        for attempt in log {
            let gate = attempt.error.as_deref().and_then(|error| error.strip_prefix(GATE));
            if let (Some(discarded), Some(gate)) = (&attempt.discarded, gate) {
                gate::count(self.state(), gate, discarded);
            }
        }
    }

    /// Notes what an ended call says of its deployment, unless its answer goes on.
    fn settle(&self, reached: &Reached, under_way: Option<UnderWay>) -> Option<UnderWay> {
        let mut under_way = under_way?;
        let now = self.state().clock.now();
        match (reached.failure(), reached) {
            (Some(failure), _) => under_way.settle(Says::Bad(failure), now),
            (None, Reached::Stream(_)) => {
                under_way.answers(now);
                return Some(under_way);
            }
            (None, _) => {
                under_way.answers(now);
                under_way.settle(Says::Good, now);
            }
        }
        None
    }
}

/// An answer that a gate stopped.
struct Stopped {
    discarded: Discarded,
    at: usize,
}

/// What precedes a gate's name in the error of an attempt that it stopped.
const GATE: &str = "gate:";

/// Another place is all that is asked for.
const NO_RETRY: Prospects = Prospects { retries: 0, tries: 0, sideways: false, left: None };

/// Puts a new attempt on the log; the one before it was followed by this.
fn begin(log: &mut Vec<Attempt>, attempt: Attempt, arrival: Next) -> usize {
    if let Some(before) = log.last_mut() {
        before.next = arrival;
    }
    log.push(attempt);
    log.len() - 1
}

/// A number from 0 to 1.
fn chance() -> f64 {
    let random: [u8; 4] = clock::random().unwrap_or([128; 4]);
    f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX)
}
