//! Asking a place, and a second one as well where the first is silent for too long: whoever answers first is heard, and
//! the other call is given up.

use std::pin::pin;
use std::time::Duration;

use waymark_ledger::Attempt;
use waymark_protocol::{ErrorKind, Failure, Fault};
use waymark_types::{Cause, Next, Outcome, Task, Timestamp};

use super::once::once;
use super::places::Places;
use super::{Place, Reached, Tried, Unanswered, Way, begin, describe};
use crate::config::HedgeConfig;
use crate::health::UnderWay;

/// How long a request waits for a deployment that may not be well again before another is asked as well.
const PROBE: Duration = Duration::from_secs(2);
/// When a client may ask again that found no room.
const ROOM: Duration = Duration::from_secs(1);

/// What a call came to.
struct Done {
    attempt: Attempt,
    reached: Reached,
    under_way: Option<UnderWay>,
}

/// A call on the log.
#[derive(Clone, Copy)]
struct Going<'a> {
    place: Place<'a>,
    at: usize,
    started: Timestamp,
}

impl<'a> Way<'a> {
    /// Asks a place, and perhaps another as well. Where it was this one only, it is returned.
    pub(super) async fn ask(
        &self,
        place: Place<'a>,
        arrival: Next,
        places: &mut Places<'a>,
        log: &mut Vec<Attempt>,
    ) -> (Tried, Option<Place<'a>>) {
        let (first, entered) = self.enter(place, arrival, log).await;
        let Ok(under_way) = entered else { return (self.full(first, log), None) };
        let silence = self.silence(under_way.as_ref(), places);
        let mut asked = pin!(self.one(first, under_way));
        let Some(silence) = silence else { return (self.done(first, asked.await, log), Some(place)) };
        tokio::select! {
            done = &mut asked => return (self.done(first, done, log), Some(place)),
            () = tokio::time::sleep(silence.time) => {}
        }
        if silence.counts && !self.may_hedge() {
            return (self.done(first, asked.await, log), Some(place));
        }
        let Some((place, _)) = places.next(self, log) else {
            return (self.done(first, asked.await, log), Some(place));
        };
        let (second, entered) = self.enter(place, Next::Hedge, log).await;
        let Ok(under_way) = entered else {
            self.full(second, log);
            return (self.done(first, asked.await, log), None);
        };
        let mut hedged = pin!(self.one(second, under_way));
        let (ended, done, other) = tokio::select! {
            done = &mut asked => (first, done, second),
            done = &mut hedged => (second, done, first),
        };
        if done.reached.failure().is_none() {
            self.given_up(other, log);
            return (self.done(ended, done, log), None);
        }
        self.done(ended, done, log);
        if ended.at == first.at {
            (self.done(second, hedged.await, log), None)
        } else {
            (self.done(first, asked.await, log), None)
        }
    }

    /// Puts a call on the log and waits for room. `Err` when there is none.
    async fn enter(
        &self,
        place: Place<'a>,
        arrival: Next,
        log: &mut Vec<Attempt>,
    ) -> (Going<'a>, Result<Option<UnderWay>, ()>) {
        let started = self.state().clock.now();
        let at = begin(log, describe::provisional(&place, started), arrival);
        let entered = match place.deployed {
            Some(deployed) => deployed.enter(started).await.map(Some).ok_or(()),
            None => Ok(None),
        };
        (Going { place, at, started }, entered)
    }

    /// Makes a call.
    async fn one(&self, going: Going<'a>, under_way: Option<UnderWay>) -> Done {
        let Going { place, started, .. } = going;
        let mut lost = Vec::new();
        let reached = Box::pin(once(self.asked, &place, &mut lost)).await;
        let converted = (place.dialect != self.asked.call.dialect).then_some(place.dialect);
        let attempt = Attempt { converted, lost, ..describe::provisional(&place, started) };
        let attempt = describe::ended(attempt, &reached, self.state().clock.now());
        self.stay(&place, &reached);
        let under_way = self.settle(&reached, under_way);
        Done { attempt, reached, under_way }
    }

    /// Notes where the session is, whose prompts are now in the cache there.
    fn stay(&self, place: &Place<'a>, reached: &Reached) {
        let answers = reached.failure().is_none();
        if let (true, Some(session), Some(deployed)) = (answers, self.session, place.deployed) {
            let name = self.plan.steps.get(place.step).map_or("", |step| step.name.as_str());
            self.state().health.stay(name, session, deployed, self.state().clock.now());
        }
    }

    /// Brings the log up to date with a call that has ended.
    fn done(&self, going: Going<'a>, done: Done, log: &mut [Attempt]) -> Tried {
        let Done { attempt, reached, under_way } = done;
        if let Some(entry) = log.get_mut(going.at) {
            *entry = Attempt { next: entry.next, ..attempt };
        }
        self.tried(going, reached, under_way)
    }

    /// Notes that another call's answer came first.
    fn given_up(&self, going: Going<'a>, log: &mut [Attempt]) {
        if let Some(entry) = log.get_mut(going.at) {
            entry.ended = self.state().clock.now();
            (entry.outcome, entry.next) = (Outcome::Cancelled, Next::Hedge);
            entry.error = Some(Cause::HedgeLost.to_string());
        }
    }

    /// Notes that there was no room for a call.
    fn full(&self, going: Going<'a>, log: &mut [Attempt]) -> Tried {
        let now = self.state().clock.now();
        if let Some(entry) = log.get_mut(going.at) {
            let refused = describe::refused(&going.place, Cause::AtCapacity, going.started);
            *entry = Attempt { next: entry.next, ended: now, ..refused };
        }
        let provider = going.place.provider;
        let message = format!(
            "as many requests are under way at {provider} as may be; ask again in a moment, or allow more of them with \
             `providers.{provider}.max_concurrent`"
        );
        let fault = Fault { kind: ErrorKind::RateLimited, code: Cause::AtCapacity.as_str(), message };
        let failure = Failure { wait: Some(ROOM), ..Cause::AtCapacity.into() };
        self.tried(going, Reached::Nothing(Unanswered { fault, failure }), None)
    }

    fn tried(&self, going: Going<'a>, reached: Reached, under_way: Option<UnderWay>) -> Tried {
        let name = self.plan.steps.get(going.place.step).map(|step| step.name.clone());
        let arrival = self.arrival(&going.place);
        Tried { reached, name: name.unwrap_or_default(), arrival, at: going.at, under_way, gate: None }
    }

    /// How long a call may be silent before another place is asked as well; `None` is for ever.
    fn silence(&self, under_way: Option<&UnderWay>, places: &Places<'a>) -> Option<Silence> {
        if under_way.is_some_and(UnderWay::probes) && places.sideways(self) {
            return Some(Silence { time: PROBE, counts: false });
        }
        let (_, hedge) = self.hedged_route()?;
        places.sideways(self).then_some(Silence { time: hedge.after, counts: true })
    }

    /// Adds a request to what its route's budget for hedges is a share of.
    pub(super) fn earn_hedge(&self) {
        if let Some((route, hedge)) = self.hedged_route() {
            self.state().hedges.earn(route, hedge.budget_ppm);
        }
    }

    /// The route of a request that may be hedged, and how.
    fn hedged_route(&self) -> Option<(&'a str, HedgeConfig)> {
        let route = self.plan.route.as_deref().filter(|_| self.task == Some(Task::Completion))?;
        Some((route, self.state().config.routes.get(route)?.hedge?))
    }

    fn may_hedge(&self) -> bool {
        self.plan.route.as_deref().is_some_and(|route| self.state().hedges.spend(route))
    }
}

/// A silence after which another place is asked.
struct Silence {
    time: Duration,
    /// Whether it is one of those that the route's budget allows.
    counts: bool,
}
