//! The places left to ask, in the order of the plan: of one model's, the one that is best now.

use waymark_ledger::Attempt;
use waymark_protocol::{ErrorKind, Failure, Fault};
use waymark_types::{Cause, Next, Timestamp};

use super::{Place, Unanswered, Way, begin, describe};
use crate::health::Admission;
use crate::state::State;

/// The places left.
pub(super) struct Places<'a> {
    left: Vec<Place<'a>>,
    /// The step that the last place belonged to.
    step: Option<usize>,
    /// Places that were passed over, with the earliest time to come back.
    closed: Vec<(Place<'a>, Timestamp)>,
}

impl<'a> Places<'a> {
    /// Every place that the plan allows.
    pub(super) fn of(way: &Way<'a>) -> Self {
        let mut left = Vec::with_capacity(way.plan.steps.len());
        for (step, planned) in way.plan.steps.iter().enumerate() {
            let mut add = |provider: &'a str, model: &'a str, dialect| {
                let deployed = way.state().health.at(&planned.name, provider, model);
                left.push(Place { step, provider, model, dialect, deployed });
            };
            add(&planned.provider, &planned.model, planned.dialect);
            planned.others.iter().for_each(|other| add(&other.provider, &other.model, other.dialect));
        }
        Self { left, step: None, closed: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The next place to ask, and how it follows the one before. Those whose breaker is open are passed over, which is
    /// on the log.
    pub(super) fn next(&mut self, way: &Way<'a>, log: &mut Vec<Attempt>) -> Option<(Place<'a>, Next)> {
        loop {
            let step = self.left.first()?.step;
            let arrival = self.arrival(way, step);
            self.step = Some(step);
            let now = way.state().clock.now();
            let closed =
                self.left.iter().position(|place| place.step == step && closed_until(place, now).is_some());
            if let Some(at) = closed {
                let place = self.left.remove(at);
                begin(log, describe::refused(&place, Cause::BreakerOpen, now), arrival);
                let until = closed_until(&place, now).unwrap_or(now);
                self.closed.push((place, until));
                continue;
            }
            let of_step = self.left.iter().take_while(|place| place.step == step);
            let among: Vec<_> = of_step.filter_map(|place| place.deployed).collect();
            let name = way.plan.steps.get(step).map_or("", |step| step.name.as_str());
            let chosen = way.state().health.choose(name, way.session, &among, now).unwrap_or(0);
            return Some((self.left.remove(chosen), arrival));
        }
    }

    /// Whether another place of the rung reached is left.
    pub(super) fn sideways(&self, way: &Way<'a>) -> bool {
        let now = way.state().clock.now();
        let beside =
            |place: &&Place<'a>| Some(place.step) == self.step || way.arrival(place) == Next::Fallback;
        self.left.iter().take_while(beside).any(|place| closed_until(place, now).is_none())
    }

    /// Leaves out what is no higher than the rung reached.
    pub(super) fn climb(&mut self, way: &Way<'a>) {
        let reached = self.step.unwrap_or(0);
        let above =
            self.left.iter().position(|place| place.step > reached && way.arrival(place) == Next::Escalate);
        self.left.drain(..above.unwrap_or(self.left.len()));
    }

    fn arrival(&self, way: &Way<'a>, step: usize) -> Next {
        match self.step {
            Some(before) if before == step => Next::Fallback,
            _ => way.plan.steps.get(step).map_or(Next::Done, |step| step.arrival),
        }
    }

    /// What the client is told when nobody was asked; `None` when somebody was.
    pub(super) fn why_closed(&self, state: &State) -> Option<Unanswered> {
        let (place, until) = self.closed.iter().min_by_key(|(_, until)| *until)?;
        let now = state.clock.now();
        let seconds = until.micros_since(now).div_ceil(1_000_000).max(1);
        let last = place.deployed.and_then(|deployed| deployed.last_error());
        let last = last.map(|cause| format!(" ({cause})")).unwrap_or_default();
        let message = format!(
            "{} is not asked for now, since it has been failing{last}; it is tried again in {seconds} s",
            place.provider
        );
        let fault = Fault { kind: ErrorKind::Unavailable, code: Cause::BreakerOpen.as_str(), message };
        let wait = Some(std::time::Duration::from_secs(seconds));
        Some(Unanswered { fault, failure: Failure { wait, ..Cause::BreakerOpen.into() } })
    }
}

/// Until when a place may not be asked; `None` when it may.
pub(super) fn closed_until(place: &Place<'_>, now: Timestamp) -> Option<Timestamp> {
    match place.deployed?.opening(now) {
        Admission::Yes | Admission::Probe => None,
        Admission::No(until) => Some(until),
    }
}
