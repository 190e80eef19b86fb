//! How many requests may be hedged: so many of a million, and a few at once where there were none for long.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::RouteConfig;

/// What one hedge costs, and what may be saved up.
const ONE: u64 = 1_000_000;
const MOST: u64 = 10 * ONE;

/// What each route has left to hedge with, in millionths.
#[derive(Debug, Default)]
pub(crate) struct Hedges(BTreeMap<String, AtomicU64>);

impl Hedges {
    /// For these routes, each of which may hedge one request from the start.
    pub(crate) fn new(routes: &BTreeMap<String, RouteConfig>) -> Self {
        let hedging = routes.iter().filter(|(_, route)| route.hedge.is_some());
        Self(hedging.map(|(name, _)| (name.clone(), AtomicU64::new(ONE))).collect())
    }

    /// A request came that may be hedged.
    pub(crate) fn earn(&self, route: &str, ppm: u32) {
        if let Some(left) = self.0.get(route) {
            let more = |left: u64| Some((left + u64::from(ppm)).min(MOST));
            let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// Takes what one hedge costs; `false` when there is not enough.
    pub(crate) fn spend(&self, route: &str) -> bool {
        let less = |left: u64| left.checked_sub(ONE);
        let left = self.0.get(route);
        left.is_some_and(|left| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::HedgeConfig;

    #[test]
    fn no_more_than_the_share_is_hedged() {
        let hedge = HedgeConfig { after: Duration::from_millis(1), budget_ppm: 50_000 };
        let route = RouteConfig { hedge: Some(hedge), ..RouteConfig::default() };
        let hedges = Hedges::new(&[("auto".to_owned(), route)].into());
        let spent = |requests: u32| {
            let hedged = |_| {
                hedges.earn("auto", 50_000);
                hedges.spend("auto")
            };
            (0..requests).map(hedged).filter(|hedged| *hedged).count()
        };
        assert_eq!(spent(1_000), 51, "a twentieth, and the one that it has from the start");
        (0..10_000).for_each(|_| hedges.earn("auto", 50_000));
        assert_eq!((0..100).filter(|_| hedges.spend("auto")).count(), 10, "no more is saved up");
        assert!(!hedges.spend("other"));
    }
}
