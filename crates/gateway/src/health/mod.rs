//! How each deployment has been doing: whether it may be asked, how fast it is, and who is at it now.

mod breaker;
mod choice;
mod latency;
mod sessions;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use waymark_protocol::Failure;
use waymark_routing::{Deployment, Model, Policy};
use waymark_types::{Cause, Timestamp};

use crate::clock;
use crate::config::Config;
pub(crate) use breaker::Admission;
use breaker::Breaker;
use choice::Candidate;
use latency::PeakEwma;
use sessions::Sessions;

/// How long a call waits for one under way to make room at its provider.
const ROOM: Duration = Duration::from_millis(500);
/// How long a deployment whose quota is spent is left for later where others are at hand.
const SPENT: Duration = Duration::from_secs(60);

/// All deployments, by their model's configured name.
#[derive(Debug)]
pub(crate) struct Health {
    models: BTreeMap<String, Vec<Arc<Deployed>>>,
    sessions: Sessions,
}

/// One place where a model is served.
#[derive(Debug)]
pub(crate) struct Deployed {
    /// What it is called.
    pub(crate) name: String,
    provider: String,
    id: String,
    weight: u32,
    /// Whether it is left alone when it keeps failing.
    breaks: bool,
    in_flight: AtomicUsize,
    /// The provider's room, which all its deployments share.
    room: Option<Arc<Semaphore>>,
    standing: Mutex<Standing>,
}

/// How a deployment stands.
#[derive(Debug, Default)]
struct Standing {
    breaker: Breaker,
    latency: PeakEwma,
    tally: Tally,
    /// Until when it asked to be left alone.
    cooling: Option<Timestamp>,
}

/// What came of the attempts at a deployment since the server started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Tally {
    requests: u64,
    failures: u64,
    last_used: Option<Timestamp>,
    /// The last failure's code, until an attempt succeeds again.
    last_error: Option<Cause>,
}

/// How an attempt ended, as far as it says something of the deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It answered.
    Good,
    /// It failed, by this.
    Bad(Failure),
    /// Nothing: the client went away, say.
    Unknown,
}

impl Health {
    /// Of a policy's models, none of which has been asked yet.
    pub(crate) fn new(config: &Config, policy: &Policy) -> Self {
        let rooms: BTreeMap<&str, Arc<Semaphore>> = config
            .providers
            .iter()
            .filter_map(|(name, provider)| {
                Some((name.as_str(), Arc::new(Semaphore::new(provider.max_concurrent?))))
            })
            .collect();
        let deployed = |one: Deployment| {
            let room = rooms.get(one.provider.as_str()).cloned();
            let breaks = config.providers.get(&one.provider).is_some_and(|provider| provider.breaker);
            Arc::new(Deployed {
                name: one.name,
                provider: one.provider,
                id: one.id,
                weight: one.weight,
                breaks,
                in_flight: AtomicUsize::new(0),
                room,
                standing: Mutex::default(),
            })
        };
        let of = |name: &str, model: &Model| model.deployments_as(name).into_iter().map(deployed).collect();
        let models = policy.models.iter().map(|(name, model)| (name.clone(), of(name, model))).collect();
        Self { models, sessions: Sessions::default() }
    }

    /// The deployment of a model at a provider, by the provider's name for the model.
    pub(crate) fn at(&self, model: &str, provider: &str, id: &str) -> Option<&Arc<Deployed>> {
        let of_model = self.models.get(model)?;
        of_model.iter().find(|one| one.provider == provider && one.id == id).or(match of_model.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }

    /// Which of a model's deployments to ask: the one that the session was at, else by weight, and of two of them the one
    /// that is quicker and has less to do. `None` where there are none.
    pub(crate) fn choose(
        &self,
        model: &str,
        session: Option<&str>,
        among: &[&Arc<Deployed>],
        now: Timestamp,
    ) -> Option<usize> {
        let [_, _, ..] = among else { return (!among.is_empty()).then_some(0) };
        if let Some(due) = among.iter().position(|one| one.opening(now) == Admission::Probe) {
            return Some(due);
        }
        let candidates: Vec<Candidate> = among.iter().map(|one| one.candidate(now)).collect();
        let stays = session.and_then(|session| self.sessions.of(model, session, now));
        if let Some(at) = stays.and_then(|name| among.iter().position(|one| one.name == name))
            && !candidates[at].cooling
        {
            return Some(at);
        }
        Some(choice::choose(&candidates, clock::random().unwrap_or_default()))
    }

    /// Notes which deployment answered a session, whose prompts it now has in its cache.
    pub(crate) fn stay(&self, model: &str, session: &str, deployed: &Deployed, now: Timestamp) {
        if self.models.get(model).is_some_and(|of_model| of_model.len() > 1) {
            self.sessions.note(model, session, &deployed.name, now);
        }
    }

    /// How a model has been doing.
    pub(crate) fn of(&self, model: &str, now: Timestamp) -> ModelHealth {
        let deployments = self.models.get(model).into_iter().flatten();
        let deployments: Vec<DeploymentHealth> = deployments.map(|one| one.health(now)).collect();
        let newest = deployments.iter().max_by_key(|one| one.last_used);
        let is_up = deployments.iter().any(|one| one.state == "up");
        ModelHealth {
            state: if is_up { "up" } else { newest.map_or("unused", |one| one.state) },
            requests: deployments.iter().map(|one| one.requests).sum(),
            failures: deployments.iter().map(|one| one.failures).sum(),
            last_used: newest.and_then(|one| one.last_used),
            last_error: newest.and_then(|one| one.last_error),
            deployments,
        }
    }

    /// Every deployment there is, with its model's name.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Arc<Deployed>)> {
        self.models.iter().flat_map(|(model, all)| all.iter().map(move |one| (model.as_str(), one)))
    }
}

impl Deployed {
    /// Whether it may be asked now.
    pub(crate) fn opening(&self, now: Timestamp) -> Admission {
        self.standing().breaker.admission(now)
    }

    /// The last failure's cause, where the last attempt failed.
    pub(crate) fn last_error(&self) -> Option<Cause> {
        self.standing().tally.last_error
    }

    /// Begins a call, which counts as under way until what is returned is dropped; `None` when there is no room for it.
    pub(crate) async fn enter(self: &Arc<Self>, now: Timestamp) -> Option<UnderWay> {
        let probes = {
            let mut standing = self.standing();
            let probes = standing.breaker.admission(now) == Admission::Probe;
            if probes {
                standing.breaker.probe();
            }
            probes
        };
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut under_way =
            UnderWay { deployed: Arc::clone(self), probes, began: Instant::now(), _room: None };
        if let Some(room) = &self.room {
            let room = Arc::clone(room);
            under_way._room = match Arc::clone(&room).try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) => Some(tokio::time::timeout(ROOM, room.acquire_owned()).await.ok()?.ok()?),
            };
            under_way.began = Instant::now();
        }
        Some(under_way)
    }

    fn candidate(&self, now: Timestamp) -> Candidate {
        let standing = self.standing();
        Candidate {
            weight: self.weight,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            latency: standing.latency.at(now),
            cooling: standing.cooling.is_some_and(|until| until > now),
        }
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it has been doing.
    fn health(&self, now: Timestamp) -> DeploymentHealth {
        let standing = self.standing();
        let Tally { requests, failures, last_used, last_error } = standing.tally;
        DeploymentHealth {
            name: self.name.clone(),
            provider: self.provider.clone(),
            id: self.id.clone(),
            weight: self.weight,
            state: match (requests, last_error) {
                (0, _) => "unused",
                (_, None) => "up",
                (_, Some(_)) => "failing",
            },
            breaker: standing.breaker.state(now),
            opens_again: standing.breaker.until(now),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            latency_micros: standing.latency.known().map(|latency| latency.as_micros() as u64),
            requests,
            failures,
            last_used,
            last_error,
        }
    }

    /// What its breaker is: `closed`, `open` or `half_open`.
    pub(crate) fn breaker(&self, now: Timestamp) -> &'static str {
        self.standing().breaker.state(now)
    }

    /// Calls under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// A call under way at a deployment.
#[derive(Debug)]
pub(crate) struct UnderWay {
    pub(crate) deployed: Arc<Deployed>,
    /// Whether it finds out if the deployment is well again.
    probes: bool,
    began: Instant,
    _room: Option<OwnedSemaphorePermit>,
}

impl UnderWay {
    /// Whether the call finds out if the deployment is well again, so that it may well not be.
    pub(crate) fn probes(&self) -> bool {
        self.probes
    }

    /// Notes that an answer has begun: whatever becomes of it, the deployment is there again.
    pub(crate) fn answers(&mut self, now: Timestamp) {
        let took = self.began.elapsed();
        let mut standing = self.deployed.standing();
        standing.latency.note(took, now);
        if self.probes {
            standing.breaker.succeeded(now);
        }
        drop(standing);
        self.probes = false;
    }

    /// Ends the call, with what it says of the deployment.
    pub(crate) fn settle(mut self, verdict: Verdict, now: Timestamp) {
        let mut standing = self.deployed.standing();
        standing.tally.requests += 1;
        standing.tally.last_used = Some(now);
        match verdict {
            Verdict::Good => {
                standing.breaker.succeeded(now);
                (standing.tally.last_error, standing.cooling) = (None, None);
            }
            Verdict::Bad(failure) => {
                standing.tally.failures += 1;
                standing.note(failure, self.began.elapsed(), self.deployed.breaks, now);
                if self.probes {
                    standing.breaker.abandoned(now);
                }
            }
            Verdict::Unknown if self.probes => standing.breaker.abandoned(now),
            Verdict::Unknown => {}
        }
        drop(standing);
        self.probes = false;
    }
}

impl Standing {
    fn note(&mut self, failure: Failure, took: Duration, breaks: bool, now: Timestamp) {
        match blame(failure.cause) {
            Blame::Deployment => {
                self.tally.last_error = Some(failure.cause);
                if breaks {
                    self.breaker.failed(now);
                }
            }
            // It is there, and says itself when it has room again.
            Blame::Load => self.tally.last_error = Some(failure.cause),
            Blame::Request => {}
        }
        let cooling = match failure.cause {
            Cause::QuotaExhausted => Some(failure.wait.unwrap_or(SPENT)),
            Cause::RateLimited | Cause::Overloaded => failure.wait,
            _ => None,
        };
        self.cooling = cooling.map(|wait| breaker::after(now, wait)).or(self.cooling);
        if matches!(failure.cause, Cause::FirstByteTimeout | Cause::ConnectTimeout | Cause::Stalled) {
            self.latency.note(took, now);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.deployed.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.probes {
            self.deployed.standing().breaker.given_up();
        }
    }
}

/// Whom a failure speaks of.
enum Blame {
    Deployment,
    Load,
    Request,
}

fn blame(cause: Cause) -> Blame {
    match cause {
        Cause::BadRequest
        | Cause::ContextOverflow
        | Cause::ContentRefused
        | Cause::NotFound
        | Cause::NotConvertible
        | Cause::Deadline
        | Cause::BreakerOpen
        | Cause::AtCapacity
        | Cause::HedgeLost
        | Cause::Cancelled => Blame::Request,
        Cause::RateLimited => Blame::Load,
        Cause::QuotaExhausted
        | Cause::Overloaded
        | Cause::Auth
        | Cause::ServerError
        | Cause::Timeout
        | Cause::DnsFailed
        | Cause::ConnectFailed
        | Cause::ConnectTimeout
        | Cause::TlsFailed
        | Cause::FirstByteTimeout
        | Cause::Stalled
        | Cause::BrokeOff
        | Cause::NoAnswer
        | Cause::Misconfigured => Blame::Deployment,
    }
}

/// One model's record since the server started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ModelHealth {
    /// `up`, `failing` or `unused`: with several deployments, it is up as long as one of them is.
    pub(crate) state: &'static str,
    /// Attempts made.
    pub(crate) requests: u64,
    /// Attempts that failed.
    pub(crate) failures: u64,
    /// When the last one ended.
    pub(crate) last_used: Option<Timestamp>,
    /// The last failure's code, until an attempt succeeds again.
    pub(crate) last_error: Option<Cause>,
    /// The same of each place where it is served.
    pub(crate) deployments: Vec<DeploymentHealth>,
}

/// One deployment's record since the server started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DeploymentHealth {
    pub(crate) name: String,
    pub(crate) provider: String,
    pub(crate) id: String,
    pub(crate) weight: u32,
    /// `up`, `failing` or `unused`, by the last attempt.
    pub(crate) state: &'static str,
    /// `closed`, `open` or `half_open`.
    pub(crate) breaker: &'static str,
    /// When an open breaker lets a probe through.
    pub(crate) opens_again: Option<Timestamp>,
    /// Calls under way.
    pub(crate) in_flight: usize,
    /// How long it takes to begin to answer: a moving average that goes up at once and down slowly.
    pub(crate) latency_micros: Option<u64>,
    pub(crate) requests: u64,
    pub(crate) failures: u64,
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) last_error: Option<Cause>,
}

#[cfg(test)]
mod tests;
