//! The keys and what was used with them, for those who look.

use std::collections::HashMap;

use serde::Serialize;
use waymark_store::{Counter, LedgerStore, Spent, StoreError};
use waymark_types::{Limits, MicroUsd, Timestamp};

use super::window::Windows;

/// A virtual key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedKey {
    /// Its id, which records carry.
    pub id: String,
    /// Whose it is; `None` once they were erased.
    pub owner: Option<String>,
    /// What it is for.
    pub label: Option<String>,
    /// `active`, `revoked` or `expired`.
    pub state: &'static str,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// The routes it may take; with no models either, any.
    pub routes: Vec<String>,
    /// The models it may ask for by name.
    pub models: Vec<String>,
    /// How much may be used with it.
    pub limits: Limits,
    /// What was used today, which is UTC's.
    pub today: Used,
    /// What was used this month.
    pub this_month: Used,
}

/// What was used in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Used {
    /// By the records, in micro-USD.
    pub cost_micro_usd: MicroUsd,
    /// What calls are taken to have cost of which nobody knows.
    pub assumed_cost_micro_usd: MicroUsd,
    /// What calls under way may cost.
    pub reserved_cost_micro_usd: MicroUsd,
    /// By the records, input and output together.
    pub tokens: u64,
    /// What calls are taken to have used of which nobody knows.
    pub assumed_tokens: u64,
    /// What calls under way may use.
    pub reserved_tokens: u64,
    /// Calls that ended.
    pub requests: u64,
}

impl From<Spent> for Used {
    fn from(spent: Spent) -> Self {
        Self {
            cost_micro_usd: MicroUsd(spent.counted.cost),
            assumed_cost_micro_usd: MicroUsd(spent.assumed.cost),
            reserved_cost_micro_usd: MicroUsd(spent.reserved.cost),
            tokens: spent.counted.tokens,
            assumed_tokens: spent.assumed.tokens,
            reserved_tokens: spent.reserved.tokens,
            requests: spent.requests,
        }
    }
}

/// Every key, the oldest first, with what was used by `now`.
pub(crate) async fn told(store: &LedgerStore, now: Timestamp) -> Result<Vec<ListedKey>, StoreError> {
    let windows = Windows::at(now);
    let keys = store.keys().await?;
    let counter =
        |id: &str, period: &String| Counter { account: format!("key:{id}"), period: period.clone() };
    let of = |id: &str| [counter(id, &windows.day), counter(id, &windows.month)];
    let counters: Vec<Counter> = keys.iter().flat_map(|key| of(&key.id)).collect();
    let spent: HashMap<Counter, Spent> = store.spent(&counters).await?;
    let used = |counter: &Counter| spent.get(counter).copied().unwrap_or_default().into();
    let listed = |key: waymark_store::StoredKey| {
        let [today, this_month] = of(&key.id);
        let has_expired = key.terms.expires.is_some_and(|expires| expires <= now);
        ListedKey {
            state: match (key.revoked, has_expired) {
                (Some(_), _) => "revoked",
                (None, true) => "expired",
                (None, false) => "active",
            },
            label: Some(key.label).filter(|label| !label.is_empty()),
            owner: key.owner,
            created: key.created,
            expires: key.terms.expires,
            revoked: key.revoked,
            routes: key.terms.routes,
            models: key.terms.models,
            limits: key.terms.limits,
            today: used(&today),
            this_month: used(&this_month),
            id: key.id,
        }
    };
    Ok(keys.into_iter().map(listed).collect())
}
