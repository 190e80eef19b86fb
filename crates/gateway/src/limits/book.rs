//! The keys in memory, as the store had them a moment ago.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use sha2::Digest as _;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use waymark_ledger::KeyTerms;
use waymark_ledger::commitment::hex;
use waymark_protocol::{ErrorKind, Fault};
use waymark_store::{KeyCount, LedgerStore, StoreError, StoredKey};
use waymark_types::Timestamp;

use super::needs_key;
use crate::state::State;

/// What every secret of ours begins with. Whatever else a client sends in a key's place is no key: assistants insist on
/// sending one.
pub(super) const PREFIX: &str = "wm_";

/// How often the keys are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// A key that was presented and is known.
pub(crate) struct Key {
    pub(crate) id: String,
    /// Whose it is, by name; `None` once they were erased.
    pub(crate) owner: Option<String>,
    pub(crate) terms: KeyTerms,
    revoked: bool,
}

/// The keys by the hashes of their secrets.
#[derive(Default)]
struct Page {
    count: KeyCount,
    keys: HashMap<String, Arc<Key>>,
}

/// All keys.
pub(super) struct Book(Arc<ArcSwap<Page>>);

impl Book {
    pub(super) async fn open(store: &LedgerStore) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(ArcSwap::from_pointee(read(store).await?))))
    }

    pub(super) fn has_keys(&self) -> bool {
        self.0.load().count.made > 0
    }

    fn find(&self, secret: &str) -> Option<Arc<Key>> {
        let hash = hash(secret);
        self.0.load().keys.get(&hash).map(Arc::clone)
    }

    /// Keeps up with the store until `stop`. While it cannot be read, what was read last holds.
    pub(super) fn follow(
        &self,
        store: Arc<LedgerStore>,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let pages = Arc::clone(&self.0);
        async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut failing = false;
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    () = stop.cancelled() => return,
                }
                match newer(&store, pages.load().count).await {
                    Ok(newer) => {
                        failing = false;
                        newer.into_iter().for_each(|page| pages.store(Arc::new(page)));
                    }
                    Err(error) if failing => tracing::debug!(%error, "the keys cannot be read"),
                    Err(error) => {
                        failing = true;
                        tracing::warn!(%error, "the keys cannot be read; those read last hold");
                    }
                }
            }
        }
    }
}

/// The keys, where they are not those that were counted.
async fn newer(store: &LedgerStore, known: KeyCount) -> Result<Option<Page>, StoreError> {
    if store.key_count().await? == known { Ok(None) } else { read(store).await.map(Some) }
}

async fn read(store: &LedgerStore) -> Result<Page, StoreError> {
    // Counted first: what comes in between is read and not counted, and read again.
    let count = store.key_count().await?;
    let entry = |key: StoredKey| {
        let hash = key.terms.secret_sha256.clone();
        let StoredKey { id, owner, terms, revoked, .. } = key;
        (hash, Arc::new(Key { id, owner, terms, revoked: revoked.is_some() }))
    };
    Ok(Page { count, keys: store.keys().await?.into_iter().map(entry).collect() })
}

/// What a secret is known by: it has 256 random bits, so that nothing slower is needed.
pub(super) fn hash(secret: &str) -> String {
    hex(&sha2::Sha256::digest(secret.as_bytes()))
}

/// The secret a request presents, wherever its dialect has a place for it.
pub(crate) fn presented(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).map(|value| match value.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => secret.trim(),
        _ => value,
    });
    let in_headers = ["x-api-key", "api-key", "x-goog-api-key"].into_iter().filter_map(text);
    let ours = |secret: &&str| secret.starts_with(PREFIX);
    if let Some(secret) = bearer.into_iter().chain(in_headers).find(ours) {
        return Some(secret.to_owned());
    }
    let mut pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("key="));
    let decoded = |value: &str| percent_decode_str(value).decode_utf8().map(|text| text.into_owned()).ok();
    pairs.find_map(decoded).filter(|secret| ours(&secret.as_str()))
}

/// The key that `secret` is, and why nothing may be asked with it, or without one.
pub(crate) fn recognise(
    state: &State,
    secret: Option<&str>,
    now: Timestamp,
) -> (Option<Arc<Key>>, Option<Fault>) {
    let barred = |code, message: String| Some(Fault { kind: ErrorKind::Unauthenticated, code, message });
    let Some(secret) = secret else {
        let needed = || {
            let message =
                "this Waymark asks for a virtual key; ask whoever runs it for one (`waymark key create`) \
                           and give it to your client as its API key"
                    .to_owned();
            barred("key_required", message)
        };
        return (None, needs_key(state).then(needed).flatten());
    };
    let Some(key) = state.limits.book.find(secret) else {
        let message =
            "this virtual key is not known here; look for another in `waymark key list`, or leave it out";
        return (None, barred("key_unknown", message.to_owned()));
    };
    let objection = if key.revoked || key.owner.is_none() {
        barred("key_revoked", format!("the virtual key {} was revoked; ask for a new one", key.id))
    } else if let Some(expired) = key.terms.expires.filter(|expires| *expires <= now) {
        barred("key_expired", format!("the virtual key {} expired at {expired}; ask for a new one", key.id))
    } else {
        None
    };
    (Some(key), objection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(headers: &[(&'static str, &'static str)], query: Option<&str>) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        presented(&headers.collect(), query)
    }

    #[test]
    fn a_key_is_found_wherever_a_dialect_has_a_place_for_it() {
        for header in ["x-api-key", "api-key", "x-goog-api-key"] {
            assert_eq!(found(&[(header, "wm_1")], None).as_deref(), Some("wm_1"), "{header}");
        }
        for value in ["Bearer wm_1", "bearer  wm_1", "wm_1"] {
            let headers: HeaderMap = [(header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
            assert_eq!(presented(&headers, None).as_deref(), Some("wm_1"), "{value}");
        }
        assert_eq!(found(&[], Some("alt=sse&key=wm%5F1")).as_deref(), Some("wm_1"));
    }

    #[test]
    fn what_is_none_of_ours_is_no_key_and_hides_none() {
        assert_eq!(found(&[("authorization", "Bearer sk-dummy")], Some("key=AIza")), None);
        assert_eq!(found(&[], None), None);
        let both = [("authorization", "Bearer dummy"), ("x-api-key", "wm_2")];
        assert_eq!(found(&both, None).as_deref(), Some("wm_2"));
        assert_eq!(found(&both[..1], Some("key=wm_3")).as_deref(), Some("wm_3"));
    }
}
