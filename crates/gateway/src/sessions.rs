//! Where each session stands: on which rung of its ladder it was answered last.
//!
//! Kept in memory for the sessions of late, and read back from the ledger for others, so that a session stays where it is
//! over restarts and when it comes to another gateway. A session that its client does not name is not remembered: two
//! conversations that begin alike would be taken for one.

use waymark_ledger::{Completion, Intent, Ladder};
use waymark_routing::Standing;
use waymark_store::{LedgerStore, Query};
use waymark_types::Timestamp;

use crate::generations::Generations;

/// Sessions of one generation.
const GENERATION: usize = 20_000;
/// How far back the ledger is searched, in microseconds: a week.
const REACH: i64 = 7 * 24 * 60 * 60 * 1_000_000;
/// How many records of a session are looked at: its sub-agents and titles are among them.
const LOOKED_AT: u32 = 24;

/// What tells one conversation from another: the session, and the thread within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) session: String,
    pub(crate) thread: Option<String>,
}

/// Where a conversation stands under the policy and under its shadow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered {
    pub(crate) standing: Option<Standing>,
    pub(crate) shadow: Option<Standing>,
    at: Timestamp,
}

/// The sessions of late.
#[derive(Debug)]
pub(crate) struct Sessions(Generations<Key, Remembered>);

impl Default for Sessions {
    fn default() -> Self {
        Self(Generations::of(GENERATION))
    }
}

impl Sessions {
    /// Where a conversation stands, in which the model has had `turns` turns; nowhere, if nobody knows.
    pub(crate) async fn recall(
        &self,
        store: &LedgerStore,
        key: &Key,
        turns: u32,
        now: Timestamp,
    ) -> Remembered {
        let kept = self.0.get(key);
        // More turns than were seen from here: another gateway has answered meanwhile.
        let is_current =
            |kept: &Remembered| kept.standing.as_ref().is_none_or(|standing| turns <= standing.turns + 1);
        let remembered = match kept.filter(is_current) {
            Some(kept) => kept,
            None if turns == 0 => Remembered::default(),
            None => match read_back(store, key, now).await {
                Ok(found) => found.unwrap_or_default(),
                Err(error) => {
                    tracing::warn!(%error, "could not look up where a session stands");
                    Remembered::default()
                }
            },
        };
        remembered.idle_at(now)
    }

    /// Remembers how a record left its conversation.
    pub(crate) fn note(&self, intent: &Intent, completion: &Completion) {
        if let Some((key, remembered)) = told(intent, Some(completion)) {
            self.0.insert(key, remembered);
        }
    }
}

impl Remembered {
    fn idle_at(mut self, now: Timestamp) -> Self {
        let idle = now.as_micros().saturating_sub(self.at.as_micros()).max(0) as u64 / 1_000_000;
        for standing in [&mut self.standing, &mut self.shadow].into_iter().flatten() {
            standing.idle_seconds = idle;
        }
        self
    }
}

async fn read_back(
    store: &LedgerStore,
    key: &Key,
    now: Timestamp,
) -> Result<Option<Remembered>, waymark_store::StoreError> {
    let since = Some(Timestamp::from_micros(now.as_micros().saturating_sub(REACH)));
    let query = Query { session: Some(key.session.clone()), since, limit: LOOKED_AT, ..Query::default() };
    let page = store.list(&query).await?;
    let mut told = page.records.iter().filter_map(|(intent, completion)| told(intent, completion.as_ref()));
    Ok(told.find(|(found, _)| found == key).map(|(_, remembered)| remembered))
}

/// What a record tells of its conversation.
fn told(intent: &Intent, completion: Option<&Completion>) -> Option<(Key, Remembered)> {
    let decision = &intent.decision;
    let (ladder, route) = (decision.ladder.as_ref()?, decision.route.clone()?);
    let session = intent.session.clone().filter(|session| is_named(session))?;
    let rung = completion.and_then(|completion| completion.rung.clone());
    let standing = standing(&route, ladder, rung);
    let shadow = decision.shadow.as_ref();
    let shadow = shadow.and_then(|shadow| Some(self::standing(&shadow.route, shadow.ladder.as_ref()?, None)));
    let at = completion.and_then(|completion| completion.ended).unwrap_or(intent.started);
    let key = Key { session, thread: ladder.thread.clone() };
    Some((key, Remembered { standing: Some(standing), shadow, at }))
}

/// Whether a session's name is its client's own.
pub(crate) fn is_named(session: &str) -> bool {
    !session.starts_with(crate::path::DERIVED)
}

/// Where a conversation stands after a decision. What failed its rung and was answered by another has left it there.
fn standing(route: &str, ladder: &Ladder, answered: Option<String>) -> Standing {
    let moved = answered.as_ref().is_some_and(|rung| *rung != ladder.rung);
    Standing {
        route: route.to_owned(),
        rung: answered.unwrap_or_else(|| ladder.rung.clone()),
        since: if moved { ladder.events } else { ladder.since },
        events: ladder.events,
        turns: ladder.turns,
        idle_seconds: 0,
    }
}
