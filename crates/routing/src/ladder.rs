//! The ladder: on which rung of a route a conversation is answered, and what it takes to change that.
//!
//! A conversation starts on the first rung that can do it and stays where it is: changing the model means that the new
//! one reads the whole conversation afresh. It climbs one rung when the evidence since the present one was taken is
//! enough, and comes down where its cache is cold or soon repaid: at a new turn of the user's after a success, after a
//! compaction, after a pause that no cache outlives.

use serde::Serialize;
use waymark_types::{MicroUsd, Price};

use crate::conversation::Event;
use crate::evidence::{Marks, Observation, Seen, Sight};
use crate::features::Features;
use crate::policy::{Policy, Route};
use crate::rules::Compiled;

/// What an answer is taken to have, in tokens, when a change of model is weighed.
const TYPICAL_OUTPUT: u64 = 500;

/// Where a conversation stands: what its last answer was given by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The route.
    pub route: String,
    /// The rung, by its model's configured name.
    pub rung: String,
    /// How many events there were when the rung was taken: evidence counts from here.
    pub since: u32,
    /// How many events there were at its last request.
    pub events: u32,
    /// How many turns the model had had by then.
    pub turns: u32,
    /// How long ago that was, in seconds.
    pub idle_seconds: u64,
}

/// What was decided about the rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Climb {
    /// The rung to start on.
    pub rung: String,
    /// How many events there were when it was taken.
    pub since: u32,
    /// How many there are.
    pub events: u32,
    /// How many turns the model has had.
    pub turns: u32,
    /// The reason, a stable code.
    pub reason: &'static str,
    /// The rules that fired.
    pub evidence: Vec<Observation>,
    /// What they count for together, in thousandths.
    pub score: u32,
    /// What it takes to climb.
    pub climb_at: u32,
    /// The change of model that was made, or weighed and left.
    pub switch: Option<Switch>,
}

/// What a change of model costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// From which rung.
    pub from: String,
    /// To which.
    pub to: String,
    /// Tokens that the new model reads afresh, estimated.
    pub uncached_tokens: u64,
    /// What reading them costs once; `None` when a price is unknown.
    pub cost: Option<MicroUsd>,
    /// What each turn costs less from then on, in micro-USD; below zero, more.
    pub saved_per_turn: Option<i64>,
    /// After how many turns it is repaid; `None` where it never is, or a price is unknown.
    pub repaid_after: Option<u32>,
}

impl Climb {
    /// The reasons it adds to a decision's.
    pub(crate) fn reasons(&self) -> Vec<String> {
        let evidence = self.evidence.iter().map(|Observation { rule, version, count, weight }| {
            format!("evidence:{rule}@{version}:{count}:{weight}")
        });
        let switch = self.switch.iter().map(|switch| {
            let cost = switch.cost.map_or_else(|| "unknown".to_owned(), |cost| cost.0.to_string());
            format!("{}:{}:{}:{}:{cost}", self.reason, switch.from, switch.to, switch.uncached_tokens)
        });
        evidence.chain(switch).collect()
    }
}

impl Standing {
    /// Whether the conversation of now `events` events was summed up since: it is shorter than it was. The request that has
    /// it summed up (`sums_up`) may be shorter too.
    fn is_compacted(&self, events: usize, sums_up: bool) -> bool {
        !sums_up && events < self.events.max(self.since) as usize
    }

    /// The event from which on evidence counts. What was summed up begins anew.
    fn counts_from(&self, events: usize, sums_up: bool) -> usize {
        if self.is_compacted(events, sums_up) { 0 } else { self.since as usize }
    }
}

/// A ladder as one request sees it.
pub(crate) struct Ladder<'a> {
    pub(crate) name: &'a str,
    pub(crate) route: &'a Route,
    pub(crate) policy: &'a Policy,
    /// The rungs that can do the request, lowest first; never empty.
    pub(crate) able: &'a [&'a str],
}

/// One moment of a conversation.
struct Moment<'a> {
    sight: &'a Sight<'a>,
    /// Events before it.
    end: usize,
    /// Whether the user speaks after the model had come to an end.
    new_turn: bool,
    tokens: u64,
    /// The assistant has the conversation summed up: what follows is only as good as that.
    sums_up: bool,
}

impl Ladder<'_> {
    /// Decides on a rung. Where nobody remembers the conversation, it is gone through from its beginning, so that the
    /// same conversation always stands on the same rung.
    pub(crate) fn decide(&self, features: &Features, rules: &Compiled) -> Climb {
        let conversation = &features.conversation;
        let known = features.standing.as_ref().filter(|standing| standing.route == self.name);
        let counts_from = known.map(|known| known.counts_from(conversation.events.len(), features.sums_up()));
        let sight = Sight::Conversation(Marks::of(conversation, rules, counts_from));
        let (events, turns) = (conversation.len(), conversation.turns());
        let total = conversation.events.iter().map(Event::len).sum::<usize>().max(1) as u64;
        let mut read = (0, 0);
        let mut moment = |end: usize| {
            read.1 +=
                conversation.events.get(read.0..end).into_iter().flatten().map(Event::len).sum::<usize>()
                    as u64;
            read.0 = end;
            let tokens = features.needs.input_tokens.saturating_mul(read.1) / total;
            let new_turn = is_new_turn(conversation.events.get(..end).unwrap_or_default());
            let sums_up = end == events as usize && features.sums_up();
            Moment { sight: &sight, end, new_turn, tokens, sums_up }
        };
        let standing = known.cloned().or_else(|| {
            conversation.asked().fold(None, |standing: Option<Standing>, at| {
                let climb = self.step(standing.as_ref(), &moment(at));
                Some(self.standing(&climb, at))
            })
        });
        let climb = self.step(standing.as_ref(), &moment(events as usize));
        Climb { events, turns, ..climb }
    }

    /// Decides by what is on record of the conversation, and by where it is said to stand.
    pub(crate) fn decide_again(&self, features: &Features, seen: &Seen, rules: &Compiled) -> Climb {
        let sight = Sight::Record(seen, rules);
        let (end, tokens) = (seen.events as usize, features.needs.input_tokens);
        let (new_turn, sums_up) = (seen.new_turn, features.sums_up());
        let moment = Moment { sight: &sight, end, new_turn, tokens, sums_up };
        let standing = features.standing.as_ref().filter(|standing| standing.route == self.name);
        Climb { events: seen.events, turns: seen.turns, ..self.step(standing, &moment) }
    }

    fn standing(&self, climb: &Climb, at: usize) -> Standing {
        let events = u32::try_from(at).unwrap_or(u32::MAX);
        let (route, rung) = (self.name.to_owned(), climb.rung.clone());
        Standing { route, rung, since: climb.since, events, turns: 0, idle_seconds: 0 }
    }

    /// From where a conversation stands to the rung of its next answer.
    fn step(&self, standing: Option<&Standing>, moment: &Moment<'_>) -> Climb {
        let Some(standing) = standing else { return self.start(moment) };
        let Some(at) = self.able.iter().position(|rung| *rung == standing.rung) else {
            return self.leave(standing, moment);
        };
        let compacted = standing.is_compacted(moment.end, moment.sums_up);
        let since = standing.counts_from(moment.end, moment.sums_up);
        let evidence = moment.sight.observe(since, moment.end);
        let since = u32::try_from(since).unwrap_or(u32::MAX);
        let stays = self.climb(&standing.rung, since, "stays", evidence);
        if stays.score >= stays.climb_at {
            return self.up(at, stays, moment);
        }
        let cold = compacted || standing.idle_seconds > self.route.cache_life;
        let quiet = stays.evidence.is_empty();
        let reason = match () {
            () if at == 0 || !quiet || moment.sums_up => None,
            () if compacted => Some("descends_after_compaction"),
            () if cold => Some("descends_after_idle"),
            () if moment.new_turn => Some("descends_after_success"),
            () => None,
        };
        match reason {
            Some(reason) => self.down(stays, reason, cold, moment),
            None => stays,
        }
    }

    /// On the first rung, unless what is there already is enough to climb.
    fn start(&self, moment: &Moment<'_>) -> Climb {
        let evidence = moment.sight.observe(0, moment.end);
        let rung = self.able.first().copied().unwrap_or_default();
        let starts = self.climb(rung, 0, "starts", evidence);
        if starts.score >= starts.climb_at { self.up(0, starts, moment) } else { starts }
    }

    /// From a rung that cannot do the request any more to the next above that can, else to the first.
    fn leave(&self, standing: &Standing, moment: &Moment<'_>) -> Climb {
        let place = |rung: &str| self.route.ladder.iter().position(|name| name == rung);
        let above = |rung: &&&str| place(rung) > place(&standing.rung);
        let Some(rung) = self.able.iter().find(above).or(self.able.first()) else {
            return self.start(moment);
        };
        let since = u32::try_from(moment.end).unwrap_or(u32::MAX);
        let switch = self.switch(&standing.rung, rung, moment.tokens, false);
        Climb { switch: Some(switch), ..self.climb(rung, since, "rung_cannot", Vec::new()) }
    }

    fn climb(&self, rung: &str, since: u32, reason: &'static str, evidence: Vec<Observation>) -> Climb {
        let score = evidence.iter().fold(0, |sum: u32, seen| sum.saturating_add(seen.weight));
        let (rung, climb_at) = (rung.to_owned(), self.route.climb_at);
        Climb { rung, since, events: 0, turns: 0, reason, evidence, score, climb_at, switch: None }
    }

    /// One rung up, where there is one and it may cost what it costs.
    fn up(&self, at: usize, stays: Climb, moment: &Moment<'_>) -> Climb {
        let Some(above) = self.able.get(at + 1) else { return Climb { reason: "top_rung", ..stays } };
        let switch = self.switch(&stays.rung, above, moment.tokens, false);
        let dear = self.route.switch_limit.is_some_and(|limit| switch.cost.is_some_and(|cost| cost > limit));
        if dear {
            return Climb { reason: "switch_too_dear", switch: Some(switch), ..stays };
        }
        let since = u32::try_from(moment.end).unwrap_or(u32::MAX);
        Climb { rung: (*above).to_owned(), since, reason: "climbs", switch: Some(switch), ..stays }
    }

    /// Down to the first rung, where the change is soon repaid.
    fn down(&self, stays: Climb, reason: &'static str, cold: bool, moment: &Moment<'_>) -> Climb {
        let below = self.able.first().copied().unwrap_or_default();
        let switch = self.switch(&stays.rung, below, moment.tokens, cold);
        let known = switch.cost.is_some();
        let repaid = switch.repaid_after.is_some_and(|turns| turns <= self.route.payback_turns);
        if known && !repaid {
            return Climb { reason: "switch_not_repaid", switch: Some(switch), ..stays };
        }
        let since = u32::try_from(moment.end).unwrap_or(u32::MAX);
        Climb { rung: below.to_owned(), since, reason, switch: Some(switch), ..stays }
    }

    /// What going from one rung to another costs: once, the conversation read afresh; from then on, the difference of a
    /// turn. Where the present model's cache is `cold`, it would have to read afresh as well.
    fn switch(&self, from: &str, to: &str, tokens: u64, cold: bool) -> Switch {
        let price = |name: &str| self.policy.models.get(name).and_then(|model| model.price);
        let prices = price(from).zip(price(to));
        let cost = prices.map(|(_, new)| charge(tokens, fresh(&new)));
        let saved_per_turn = prices.map(|(old, new)| {
            let turn = |price: &Price| {
                signed(charge(tokens, price.cached_input)) + signed(charge(TYPICAL_OUTPUT, price.output))
            };
            turn(&old) - turn(&new)
        });
        let once = prices.map(|(old, new)| {
            let stays = if cold { signed(charge(tokens, fresh(&old))) } else { 0 };
            signed(charge(tokens, fresh(&new))) - stays
        });
        let repaid_after = once.zip(saved_per_turn).and_then(|(once, saved)| repaid(once, saved));
        Switch {
            from: from.to_owned(),
            to: to.to_owned(),
            uncached_tokens: tokens,
            cost,
            saved_per_turn,
            repaid_after,
        }
    }
}

/// Whether the user speaks after the model had come to an end.
fn is_new_turn(events: &[Event]) -> bool {
    let before = events.iter().rev().find(|event| !matches!(event, Event::User { .. }));
    matches!(events.last(), Some(Event::User { .. })) && matches!(before, Some(Event::Assistant { .. }))
}

/// The dearer of reading tokens afresh and writing them to a cache.
fn fresh(price: &Price) -> MicroUsd {
    price.input.max(price.cache_write)
}

fn charge(tokens: u64, price: MicroUsd) -> MicroUsd {
    let total = u128::from(tokens) * u128::from(price.0) / 1_000_000;
    MicroUsd(u64::try_from(total).unwrap_or(u64::MAX))
}

fn signed(amount: MicroUsd) -> i64 {
    i64::try_from(amount.0).unwrap_or(i64::MAX)
}

/// After how many turns `once` is saved again.
fn repaid(once: i64, saved: i64) -> Option<u32> {
    match (once, saved) {
        (once, _) if once <= 0 => Some(0),
        (_, saved) if saved <= 0 => None,
        (once, saved) => u32::try_from(once.checked_add(saved - 1)? / saved).ok(),
    }
}

#[cfg(test)]
mod tests;
