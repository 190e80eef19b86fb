//! How a rung was chosen, in lines for people.

use waymark_ledger::{Decision, Ladder, Switch};

use crate::terminal::{repaid, thousandths};

/// Labels and what stands beside them.
pub(super) fn rows(decision: &Decision) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if let Some(ladder) = &decision.ladder {
        rows.push(("rung", format!("{}, at event {} of {}", ladder.rung, ladder.since, ladder.events)));
        if !ladder.evidence.is_empty() {
            rows.push(("evidence", evidence(ladder)));
        }
        rows.extend(ladder.switch.iter().map(|switch| ("switch", change(switch, &ladder.rung))));
    }
    if let Some(shadow) = &decision.shadow {
        let model = shadow.model.as_deref().unwrap_or("nobody");
        let told = format!(
            "the route {} would have asked {model} ({}); nothing was done about it",
            shadow.route, shadow.reason
        );
        rows.push(("shadow", told));
    }
    rows
}

fn evidence(ladder: &Ladder) -> String {
    let fired = ladder
        .evidence
        .iter()
        .map(|seen| format!("{} {} times ({})", seen.rule, seen.count, thousandths(seen.weight)));
    let fired: Vec<String> = fired.collect();
    format!(
        "{}: {} of {} to climb",
        fired.join(", "),
        thousandths(ladder.score),
        thousandths(ladder.climb_at)
    )
}

fn change(switch: &Switch, rung: &str) -> String {
    let what = if switch.to == *rung { "" } else { ", weighed and left" };
    let cost =
        switch.cost_micro_usd.map_or_else(|| "at an unknown price".to_owned(), |cost| format!("for {cost}"));
    let repaid = switch.repaid_after_turns.map(repaid).unwrap_or_default();
    let (from, to, tokens) = (&switch.from, &switch.to, switch.uncached_tokens);
    format!("{from} to {to}{what}: about {tokens} tokens read afresh {cost}{repaid}")
}
