//! What a comparison comes to in plain words.

use super::comparison::{Comparison, Finding, Interval, Unit};
use super::policies::Policy;

/// Below this many repositories, an interval by repository is rough.
const FEW: usize = 20;

pub(super) fn findings(of: &Comparison) -> Vec<Finding> {
    let found = [
        against_split(of),
        beyond_any_split(of),
        against_strongest(of),
        order(of),
        best_single(of),
        break_even(of),
        bound(of),
        few_repositories(of),
        Some(Finding {
            code: "whole_tasks_only",
            text: "One outcome a task cannot test a switch in the middle of a run: that needs traces or live runs."
                .to_owned(),
        }),
    ];
    found.into_iter().flatten().collect()
}

/// A difference in percentage points, with its interval.
fn points(of: &Interval) -> String {
    format!("{:+.1} points, {:+.1} to {:+.1}", of.estimate * 100.0, of.low * 100.0, of.high * 100.0)
}

fn against_split(of: &Comparison) -> Option<Finding> {
    let success = of.less(Policy::RandomSplitEqualMoney)?.success;
    let told = points(&success);
    let (code, does) = match side(&success) {
        Some(true) => ("beats_random_split", "beats a random split for the same money"),
        Some(false) => {
            ("loses_to_random_split", "does not beat a random split for the same money, it solves fewer")
        }
        None => ("does_not_beat_random_split", "does not surely beat a random split for the same money"),
    };
    Some(Finding { code, text: format!("The ladder {does}: {told}.") })
}

fn against_strongest(of: &Comparison) -> Option<Finding> {
    let less = of.less(Policy::AlwaysStrongest)?;
    let percent = less.cost_share.times(100.0);
    let costs = match side(&percent) {
        Some(true) => "costs more than",
        Some(false) => "costs less than",
        None => "costs, as far as can be told, as much as",
    };
    let solves = match side(&less.success) {
        Some(true) => "solves more",
        Some(false) => "solves fewer",
        None => "solves, as far as can be told, as many",
    };
    Some(Finding {
        code: match percent.estimate > 0.0 {
            true => "costs_more_than_strongest",
            false => "costs_no_more_than_strongest",
        },
        text: format!(
            "The ladder {costs} {} alone ({:+.0} %, {:+.0} to {:+.0}) and {solves} ({}).",
            of.ladder.last()?,
            percent.estimate,
            percent.low,
            percent.high,
            points(&less.success)
        ),
    })
}

/// Whether a whole interval is above zero, or below; `None` where it holds zero.
fn side(of: &Interval) -> Option<bool> {
    if of.low > 0.0 { Some(true) } else { (of.high < 0.0).then_some(false) }
}

/// Whether there is a random split for the ladder's money at all.
fn beyond_any_split(of: &Comparison) -> Option<Finding> {
    let spare = of.less(Policy::RandomSplitEqualMoney)?.cost_usd.estimate;
    // Half a cent is one of rounding.
    (spare > 0.005).then(|| Finding {
        code: "no_split_costs_as_much",
        text: "The ladder costs more than its best row alone: no random split can spend as much, and that row stands in \
               for one."
            .to_owned(),
    })
}

fn order(of: &Comparison) -> Option<Finding> {
    let (first, last) = (of.of(Policy::AlwaysCheapest)?, of.of(Policy::AlwaysStrongest)?);
    (first.cost_usd.estimate > last.cost_usd.estimate).then(|| Finding {
        code: "first_rung_costs_more",
        text: format!(
            "The first rung is not the cheapest: alone it costs ${:.2}, the last ${:.2}.",
            first.cost_usd.estimate, last.cost_usd.estimate
        ),
    })
}

fn best_single(of: &Comparison) -> Option<Finding> {
    let best = of.of(Policy::BestSingle)?.row.as_ref()?;
    (Some(best) != of.ladder.last()).then(|| Finding {
        code: "last_rung_is_not_the_best",
        text: format!("The last rung is not the strongest: {best} alone solves most of the ladder's rows."),
    })
}

fn break_even(of: &Comparison) -> Option<Finding> {
    let text = match of.break_even {
        Some(quality) => format!(
            "A verifier whose sensitivity and specificity are equal pays from {quality:.2} on, by estimate: below, a \
             random split for the same money solves as much."
        ),
        None => "No verifier makes this ladder beat a random split for the same money, not even one that is never wrong."
            .to_owned(),
    };
    Some(Finding { code: if of.break_even.is_some() { "pays_from" } else { "never_pays" }, text })
}

fn bound(of: &Comparison) -> Option<Finding> {
    of.verifier.is_perfect().then(|| Finding {
        code: "perfect_is_a_bound",
        text: "A verifier that is never wrong is a bound, not a forecast: --verifier SENSITIVITY,SPECIFICITY tells what \
               a real one makes of it."
            .to_owned(),
    })
}

fn few_repositories(of: &Comparison) -> Option<Finding> {
    if of.unit == Unit::Task {
        return Some(Finding {
            code: "one_repository",
            text: "All tasks are of one repository, so that single tasks were drawn: the intervals are too narrow for \
                   any other."
                .to_owned(),
        });
    }
    let (largest, count) = &of.largest_repository;
    (of.repositories < FEW).then(|| Finding {
        code: "few_repositories",
        text: format!(
            "Only {} repositories, {count} of {} tasks from {largest}: intervals by so few are rough, and likely too \
             narrow.",
            of.repositories, of.tasks
        ),
    })
}
