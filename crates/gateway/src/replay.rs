//! What the present configuration would have decided about requests that are on record, and what that would have cost.
//!
//! A record holds no text, so nothing new can be seen in its conversation: the evidence that was found is weighed anew,
//! by the present rules. Sessions are followed, so that a request stands where the replayed decisions before it led.

use std::collections::BTreeMap;

use serde::Serialize;
use waymark_ledger::{Completion, Intent, Record};
use waymark_routing::content::Finding;
use waymark_routing::replay::{Interval, Resampling, excess};
use waymark_routing::{
    Features, Needs, Observation, POLICY, Plan, Policy, Seen, Shape, Snapshot, Standing, decide_again,
};
use waymark_types::{Capability, Dialect, MicroUsd, Price, ProviderKind, RecordId, Task, Timestamp, Usage};

use crate::config::Config;
use crate::snapshot::{SnapshotError, snapshot};

/// What a replay of records came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
    /// The rules of deciding, with their version.
    pub policy: &'static str,
    /// Digest of the snapshot decided under.
    pub snapshot: String,
    /// How many requests were decided on again.
    pub requests: u64,
    /// What was not.
    pub left_out: LeftOut,
    /// How many would have gone to the same model.
    pub same: u64,
    /// Of these, how many would have had something else in reserve.
    pub other_reserves: u64,
    /// The decisions that differ, in the order of the records.
    pub changes: Vec<Change>,
    /// How many requests each model took.
    pub models: Vec<Share>,
    /// What it cost.
    pub cost: Cost,
    /// How many sessions those requests are of.
    pub sessions: u64,
    /// By what share the replay costs more than the recorded answers at these prices, below zero less, with an interval
    /// of 95 % by session; `None` with fewer than two of them.
    pub over_recorded: Option<Interval>,
    /// The same beside the strongest rung alone.
    pub over_strongest: Option<Interval>,
}

/// Records that were not decided on again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LeftOut {
    /// The answer was not whole when the records were taken.
    pub unfinished: u64,
    /// The request could not be read, or names no model.
    pub unreadable: u64,
    /// Nobody was to be asked: refused by a limit, a rule, or the configuration of the time.
    pub refused: u64,
}

/// A decision that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The record.
    pub record: RecordId,
    /// When the request had come.
    pub started: Timestamp,
    /// Its session.
    pub session: Option<String>,
    /// Its kind of work.
    pub task: Task,
    /// What was decided.
    pub recorded: Side,
    /// What would be now.
    pub replayed: Side,
    /// The rules that fire now, with what they count for.
    pub evidence: Vec<Observation>,
}

/// One of two decisions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The rules of deciding, with their version.
    pub policy: String,
    /// The route; `None` where a model was asked for by name.
    pub route: Option<String>,
    /// The model asked first, by its configured name where the configuration still has it; `None` for a refusal.
    pub model: Option<String>,
    /// The reason that settled it.
    pub reason: String,
    /// What the evidence counted for, in thousandths; `None` for work that does not climb.
    pub score: Option<u32>,
}

/// How many requests a model took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The model, by its configured name where the configuration still has it.
    pub model: String,
    /// As recorded: where it gave the answer.
    pub recorded: u64,
    /// As replayed.
    pub replayed: u64,
}

/// Costs of the same requests, in micro-USD. All but the recorded ones are estimates: the same tokens at other prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Cost {
    /// The requests whose cost is known on every side; the others count on none.
    pub requests: u64,
    /// The requests whose cost is not known on some side.
    pub unpriced: u64,
    /// As recorded, at the prices of the time.
    pub recorded_micro_usd: MicroUsd,
    /// The same answers at the present configuration's prices.
    pub repriced_micro_usd: MicroUsd,
    /// As replayed.
    pub replayed_micro_usd: MicroUsd,
    /// Conversations on the first rung that can do each request, everything else as replayed.
    pub always_cheapest_micro_usd: MicroUsd,
    /// Conversations on the last rung that can, everything else as replayed.
    pub always_strongest_micro_usd: MicroUsd,
    /// How many times a replayed change of model charges what was read from a cache as read afresh.
    pub cold_reads: u64,
}

/// Records being replayed, one after another.
pub struct Replay {
    snapshot: Snapshot,
    sessions: BTreeMap<(String, Option<String>), Session>,
    shares: BTreeMap<String, (u64, u64)>,
    /// By session: what the recorded answers, the replay and the strongest rung alone cost.
    costs: BTreeMap<String, [f64; 3]>,
    told: Replayed,
}

/// Where a session stands, as recorded and as replayed.
#[derive(Default)]
struct Session {
    standing: Option<Standing>,
    ended: Option<Timestamp>,
    /// What to add to the recorded counts of each rule, since both sides took their rungs at different times.
    carry: BTreeMap<String, i64>,
    /// The models that answered last.
    recorded: Option<String>,
    replayed: Option<String>,
}

impl Replay {
    /// Under the policy of a configuration.
    pub fn under(config: &Config) -> Result<Self, SnapshotError> {
        let snapshot = snapshot(config)?;
        let told = Replayed {
            policy: POLICY,
            snapshot: snapshot.digest.clone(),
            requests: 0,
            left_out: LeftOut::default(),
            same: 0,
            other_reserves: 0,
            changes: Vec::new(),
            models: Vec::new(),
            cost: Cost::default(),
            sessions: 0,
            over_recorded: None,
            over_strongest: None,
        };
        let (sessions, shares, costs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Self { snapshot, sessions, shares, costs, told })
    }

    /// Takes the next record. Those of one session come in order.
    pub fn push(&mut self, record: &Record) {
        let intent = &record.intent;
        let Some(completion) = &record.completion else {
            self.told.left_out.unfinished += 1;
            return;
        };
        let Some(features) = features(intent, completion) else {
            self.told.left_out.unreadable += 1;
            return;
        };
        if intent.plan.is_empty() {
            self.told.left_out.refused += 1;
            return;
        }
        self.told.requests += 1;
        let key = key(intent);
        let mut session = key.as_ref().and_then(|key| self.sessions.remove(key)).unwrap_or_default();
        let seen = seen(intent, &session);
        let standing = session.stands(intent);
        let features = Features { standing, ..features };
        let decided = decide_again(&features, &seen, &self.snapshot);
        let at_first = decided.as_ref().ok().and_then(|plan| plan.steps.first());
        let planned = intent.plan.first().map(|step| (step.provider.as_str(), step.model.as_str()));
        let is_same = planned == at_first.map(|step| (step.provider.as_str(), step.model.as_str()));
        let recorded = self.answered(intent, completion);
        // Where the first to be asked is the same, whatever came of that would have come of it again.
        let replayed = if is_same { Some(recorded.clone()) } else { at_first.map(|step| step.name.clone()) };
        self.count(intent, decided.as_ref().ok(), is_same);
        let share = self.shares.entry(recorded.clone()).or_default();
        share.0 += 1;
        if let Some(replayed) = &replayed {
            self.shares.entry(replayed.clone()).or_default().1 += 1;
        }
        self.charge(&Charged {
            cluster: intent.session.clone().unwrap_or_else(|| intent.record.to_string()),
            completion,
            plan: decided.as_ref().ok(),
            converses: features.task.converses(),
            recorded: &recorded,
            replayed: replayed.as_deref(),
            session: &session,
        });
        if !is_same {
            self.told.changes.push(change(intent, self.configured(intent), &decided));
        }
        if let Some(key) = key {
            session.goes_on(intent, completion, decided.ok().as_ref(), is_same);
            session.recorded = Some(recorded);
            session.replayed = replayed;
            self.sessions.insert(key, session);
        }
    }

    /// What it came to.
    pub fn finish(self) -> Replayed {
        let share = |(model, (recorded, replayed))| Share { model, recorded, replayed };
        let over = |side: usize| {
            let pairs: Vec<(f64, f64)> = self.costs.values().map(|costs| (costs[1], costs[side])).collect();
            excess(&pairs, Resampling::USUAL)
        };
        Replayed {
            sessions: self.costs.len() as u64,
            over_recorded: over(0),
            over_strongest: over(2),
            models: self.shares.into_iter().map(share).collect(),
            ..self.told
        }
    }

    fn count(&mut self, intent: &Intent, plan: Option<&Plan>, is_same: bool) {
        let Some(plan) = plan.filter(|_| is_same) else { return };
        self.told.same += 1;
        let steps = plan.steps.iter().flat_map(|step| {
            let others = step.others.iter().map(|other| (&other.provider, &other.model));
            std::iter::once((&step.provider, &step.model)).chain(others)
        });
        if !steps.eq(intent.plan.iter().map(|step| (&step.provider, &step.model))) {
            self.told.other_reserves += 1;
        }
    }

    /// The model that answered, by its configured name where there is one.
    fn answered(&self, intent: &Intent, completion: &Completion) -> String {
        match (&completion.provider, &completion.resolved_model) {
            (Some(provider), Some(model)) => name(&self.snapshot.policy, provider, model),
            _ => self.configured(intent).unwrap_or_default(),
        }
    }

    /// The model that was to be asked first, by its configured name where there is one.
    fn configured(&self, intent: &Intent) -> Option<String> {
        let first = intent.plan.first()?;
        Some(name(&self.snapshot.policy, &first.provider, &first.model))
    }

    /// Adds up what a request costs on every side, if that is known on all.
    fn charge(&mut self, charged: &Charged<'_>) {
        let Some(costs) = self.costs(charged) else {
            self.told.cost.unpriced += 1;
            return;
        };
        let cost = &mut self.told.cost;
        cost.requests += 1;
        cost.cold_reads += u64::from(charged.is_cold());
        let sums = [
            &mut cost.recorded_micro_usd,
            &mut cost.repriced_micro_usd,
            &mut cost.replayed_micro_usd,
            &mut cost.always_cheapest_micro_usd,
            &mut cost.always_strongest_micro_usd,
        ];
        for (sum, cost) in sums.into_iter().zip(costs) {
            sum.0 = sum.0.saturating_add(cost.0);
        }
        let [_, repriced, replayed, _, strongest] = costs.map(|cost| cost.0 as f64);
        let of_session = self.costs.entry(charged.cluster.clone()).or_default();
        for (sum, cost) in of_session.iter_mut().zip([repriced, replayed, strongest]) {
            *sum += cost;
        }
    }

    fn costs(&self, charged: &Charged<'_>) -> Option<[MicroUsd; 5]> {
        let usage = &charged.completion.usage;
        let recorded = charged.completion.cost_micro_usd?;
        let of = |model: &str, usage: &Usage| price(&self.snapshot.policy, model)?.cost(usage);
        let replayed_by = charged.replayed?;
        let usage_replayed = if charged.is_cold() { afresh(usage) } else { *usage };
        let replayed = of(replayed_by, &usage_replayed)?;
        let able = || {
            let candidates = charged.plan.iter().flat_map(|plan| &plan.candidates);
            candidates.filter(|candidate| candidate.obstacle.is_none() && candidate.rung == candidate.name)
        };
        let alone = |end: Option<&str>| match end.filter(|_| charged.converses) {
            Some(model) => of(model, usage),
            None => Some(replayed),
        };
        let cheapest = alone(able().next().map(|candidate| candidate.name.as_str()))?;
        let strongest = alone(able().next_back().map(|candidate| candidate.name.as_str()))?;
        Some([recorded, of(charged.recorded, usage)?, replayed, cheapest, strongest])
    }
}

/// A request whose cost is asked for.
struct Charged<'a> {
    /// Its session; itself where it has none.
    cluster: String,
    completion: &'a Completion,
    plan: Option<&'a Plan>,
    converses: bool,
    recorded: &'a str,
    replayed: Option<&'a str>,
    session: &'a Session,
}

impl Charged<'_> {
    /// Whether the replay changes the model where the record did not, and finds no cache.
    fn is_cold(&self) -> bool {
        let changes = |before: Option<&str>, now: Option<&str>| before.is_some() && before != now;
        changes(self.session.replayed.as_deref(), self.replayed)
            && !changes(self.session.recorded.as_deref(), Some(self.recorded))
    }
}

impl Session {
    /// Where the next request stands. A session that began before the records stands where it stood then.
    fn stands(&self, intent: &Intent) -> Option<Standing> {
        let Some(standing) = &self.standing else {
            let ladder = intent.decision.ladder.as_ref().filter(|ladder| ladder.turns > 0)?;
            return Some(Standing {
                route: intent.decision.route.clone()?,
                rung: ladder.rung.clone(),
                since: ladder.since,
                events: ladder.events,
                turns: ladder.turns,
                idle_seconds: 0,
            })
            .filter(|standing| standing.since < standing.events);
        };
        let idle = self.ended.map_or(0, |ended| intent.started.micros_since(ended) / 1_000_000);
        Some(Standing { idle_seconds: idle, ..standing.clone() })
    }

    /// Follows a request to where both sides stand after it.
    fn goes_on(&mut self, intent: &Intent, completion: &Completion, plan: Option<&Plan>, is_same: bool) {
        self.ended = Some(completion.ended.unwrap_or(intent.started));
        let Some(recorded) = &intent.decision.ladder else { return };
        let Some((plan, climb)) = plan.and_then(|plan| Some((plan, plan.climb.as_ref()?))) else { return };
        // What failed its rung and was answered by another has left its session there.
        let moved = completion.rung.as_ref().filter(|rung| **rung != recorded.rung);
        let recorded_anew = recorded.since == recorded.events || moved.is_some();
        let replayed_anew = climb.since == climb.events || (is_same && moved.is_some());
        let counts = recorded.evidence.iter().map(|seen| (seen.rule.clone(), i64::from(seen.count)));
        self.carry = match (recorded_anew, replayed_anew) {
            (true, true) => BTreeMap::new(),
            (false, true) => counts.map(|(rule, count)| (rule, -count)).collect(),
            (true, false) => {
                let mut carry = std::mem::take(&mut self.carry);
                counts.for_each(|(rule, count)| *carry.entry(rule).or_default() += count);
                carry
            }
            (false, false) => std::mem::take(&mut self.carry),
        };
        self.standing = plan.route.clone().map(|route| Standing {
            route,
            rung: moved.filter(|_| is_same).unwrap_or(&climb.rung).clone(),
            since: if replayed_anew { climb.events } else { climb.since },
            events: climb.events,
            turns: climb.turns,
            idle_seconds: 0,
        });
    }
}

/// A session, and what tells its conversations apart; `None` for work that is no part of one.
fn key(intent: &Intent) -> Option<(String, Option<String>)> {
    let ladder = intent.decision.ladder.as_ref()?;
    Some((intent.session.clone()?, ladder.thread.clone()))
}

/// What the record tells of the conversation, as the replayed side counts it.
fn seen(intent: &Intent, session: &Session) -> Seen {
    let Some(ladder) = &intent.decision.ladder else { return Seen::default() };
    let mut counts = session.carry.clone();
    for seen in &ladder.evidence {
        *counts.entry(seen.rule.clone()).or_default() += i64::from(seen.count);
    }
    let counts = counts.into_iter().map(|(rule, count)| (rule, u32::try_from(count).unwrap_or(0)));
    Seen {
        events: ladder.events,
        turns: ladder.turns,
        // Only a decision to come down, or not to, says that the user had spoken.
        new_turn: matches!(intent.decision.reason.as_str(), "descends_after_success" | "switch_not_repaid"),
        counts: counts.collect(),
    }
}

/// What a record tells of its request; `None` where that was never read.
fn features(intent: &Intent, completion: &Completion) -> Option<Features> {
    let task = intent.task?;
    let dialect = intent.dialect;
    let shape = match task {
        Task::Chat if dialect.is_completion() => Shape::Instruction,
        Task::Completion if matches!(dialect, Dialect::LlamaInfill | Dialect::MistralFim) => Shape::Fill,
        _ => Shape::Plain,
    };
    let ladder = intent.decision.ladder.as_ref();
    let input_tokens = ladder.map(|ladder| ladder.input_tokens).or(completion.usage.input).unwrap_or(0);
    Some(Features {
        dialect,
        task,
        rule: sums_up(intent).then_some("recorded-compaction"),
        shape,
        requested_model: intent.requested_model.clone()?,
        needs: Needs { input_tokens, output_tokens: None, capabilities: capabilities(intent, task) },
        conversation: std::sync::Arc::default(),
        standing: None,
        content: intent.decision.reasons.iter().filter_map(|reason| Finding::of_reason(reason)).collect(),
    })
}

/// Whether the conversation was being summed up, by the rule that told the task.
fn sums_up(intent: &Intent) -> bool {
    let first = intent.decision.reasons.first();
    first.is_some_and(|reason| reason.starts_with("task:") && reason.ends_with("-compaction"))
}

/// What the model had to be able to do: an agent's step has tools, and a model that was ruled out lacked something.
fn capabilities(intent: &Intent, task: Task) -> Vec<Capability> {
    let tools = matches!(task, Task::AgentStep | Task::SubagentStep).then_some(Capability::Tools);
    let lacked = intent.decision.reasons.iter().filter_map(|reason| {
        let (_, obstacle) = reason.strip_prefix("cannot:")?.rsplit_once(':')?;
        obstacle.parse().ok()
    });
    let mut needed: Vec<Capability> = tools.into_iter().chain(lacked).collect();
    needed.sort();
    needed.dedup();
    needed
}

fn change(
    intent: &Intent,
    model: Option<String>,
    decided: &Result<Plan, waymark_routing::Refusal>,
) -> Change {
    let decision = &intent.decision;
    let recorded = Side {
        policy: decision.policy.clone(),
        route: decision.route.clone(),
        model,
        reason: decision.reason.clone(),
        score: decision.ladder.as_ref().map(|ladder| ladder.score),
    };
    let (route, first, reason, climb) = match decided {
        Ok(plan) => (&plan.route, plan.steps.first(), plan.reason, plan.climb.as_ref()),
        Err(refusal) => (&refusal.route, None, refusal.reason, None),
    };
    let replayed = Side {
        policy: POLICY.to_owned(),
        route: route.clone(),
        model: first.map(|step| step.name.clone()),
        reason: reason.to_owned(),
        score: climb.map(|climb| climb.score),
    };
    Change {
        record: intent.record,
        started: intent.started,
        session: intent.session.clone(),
        task: intent.task.unwrap_or(Task::Chat),
        recorded,
        replayed,
        evidence: climb.map(|climb| climb.evidence.clone()).unwrap_or_default(),
    }
}

/// The configured name of a provider's model; where there is none, both their own names.
fn name(policy: &Policy, provider: &str, model: &str) -> String {
    let is = |known: &waymark_routing::Model| {
        let elsewhere =
            || known.deployments.iter().any(|place| place.provider == provider && place.id == model);
        // The embedded model's name is followed by its corpus's.
        let is_embedded = known.kind == ProviderKind::Embedded && model.starts_with(known.id.as_str());
        (known.provider == provider && (known.id == model || is_embedded)) || elsewhere()
    };
    let found = policy.models.iter().find(|(_, known)| is(known));
    found.map_or_else(|| format!("{provider}/{model}"), |(name, _)| name.clone())
}

fn price(policy: &Policy, model: &str) -> Option<Price> {
    policy.models.get(model)?.price
}

/// The same tokens with nothing in the cache.
fn afresh(usage: &Usage) -> Usage {
    Usage { cached_input: Some(0), cache_write: usage.input, ..*usage }
}
