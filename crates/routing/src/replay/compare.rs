//! From a table of outcomes and a ladder to a comparison.

use std::collections::BTreeMap;

use thiserror::Error;

use super::bootstrap::{Resampling, interval};
use super::comparison::{
    Comparison, Curve, CurvePoint, Difference, Gap, Interval, PolicyResult, RungUse, Unit,
};
use super::findings::findings;
use super::outcomes::{Cell, Outcomes, Row, RowError};
use super::policies::{Policy, best_single, equal_money};
use super::tally::{Point, Run, Tally, climb};
use super::verifier::Verifier;

/// Micro-USD in a US dollar.
const MICRO: f64 = 1e6;

/// The qualities that curves are drawn of, as areas under the curve.
const QUALITIES: [f64; 4] = [0.5, 0.7, 0.8, 0.9];

/// How many steps a curve has.
const STEPS: u32 = 24;

/// A ladder to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// The rungs, as [`Outcomes::row`] finds them: the first that is asked first.
    pub rungs: Vec<String>,
    /// What decides, after each rung but the last, whether to climb.
    pub verifier: Verifier,
    /// What one check costs, in US dollars.
    pub check_cost_usd: f64,
}

/// A ladder cannot be compared on these outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompareError {
    /// A rung is no row.
    #[error(transparent)]
    Row(#[from] RowError),
    /// There is nothing to climb to.
    #[error("a ladder has at least two rungs, and this one has {0}")]
    Rungs(usize),
    /// A row is on it twice.
    #[error("`{0}` is on the ladder twice")]
    Twice(String),
    /// Nothing is known of what a rung costs.
    #[error("no run of `{0}` states a cost above zero, so that the ladder's cost cannot be told")]
    Free(String),
    /// The rungs did different tasks.
    #[error("no task has an outcome of every rung")]
    Apart,
}

/// Compares a ladder with what needs no router.
pub fn compare(
    outcomes: &Outcomes,
    ladder: &Ladder,
    resampling: Resampling,
) -> Result<Comparison, CompareError> {
    let rungs = rungs(outcomes, ladder)?;
    let (runs, tasks) = runs(outcomes, &rungs)?;
    let check = ladder.check_cost_usd * MICRO;
    let (unit, clusters) = clusters(outcomes, &tasks, |at| {
        let (rungs, everyone) = &runs[at];
        Tally::of(rungs, everyone, ladder.verifier, check)
    });
    let mut whole = Tally::default();
    clusters.iter().for_each(|cluster| whole += cluster);
    let best = best_single(&whole);
    let (policies, differences) = results(&whole, &clusters, best, resampling);
    let share = |of: f64| of / whole.tasks;
    let by_rung = rungs.iter().zip(&whole.rungs);
    let (repositories, largest_repository) = repositories(outcomes, &tasks);
    let at = |verifier| under(&runs, verifier, check);
    let mut comparison = Comparison {
        ladder: rungs.iter().map(|row| row.name.clone()).collect(),
        verifier: ladder.verifier,
        check_cost_usd: ladder.check_cost_usd,
        tasks: tasks.len(),
        tasks_left_out: outcomes.tasks().len() - tasks.len(),
        repositories,
        largest_repository,
        rows: outcomes.rows().len(),
        resampling,
        unit,
        rungs: by_rung
            .map(|(row, sums)| RungUse {
                row: row.name.clone(),
                reached: share(sums.reached),
                ended: share(sums.ended),
                success_alone: share(sums.alone.solved),
                cost_alone_usd: sums.alone.cost / MICRO,
            })
            .collect(),
        policies,
        differences,
        break_even: break_even(at),
        curves: QUALITIES.map(|auc| curve(auc, at)).into(),
        gaps: gaps(outcomes, &rungs, &tasks),
        findings: Vec::new(),
    };
    for result in &mut comparison.policies {
        result.row = match result.policy {
            Policy::AlwaysCheapest => comparison.ladder.first().cloned(),
            Policy::AlwaysStrongest => comparison.ladder.last().cloned(),
            Policy::BestSingle => comparison.ladder.get(best).cloned(),
            _ => None,
        };
    }
    comparison.findings = findings(&comparison);
    Ok(comparison)
}

fn rungs<'a>(outcomes: &'a Outcomes, ladder: &Ladder) -> Result<Vec<&'a Row>, CompareError> {
    let mut rungs: Vec<&Row> = Vec::new();
    for name in &ladder.rungs {
        let row = outcomes.row(name)?;
        if rungs.iter().any(|rung| rung.name == row.name) {
            return Err(CompareError::Twice(row.name.clone()));
        }
        if row.median_cost().is_none() {
            return Err(CompareError::Free(row.name.clone()));
        }
        rungs.push(row);
    }
    if rungs.len() < 2 { Err(CompareError::Rungs(rungs.len())) } else { Ok(rungs) }
}

/// On one task, what the rungs did and what every row did.
type Runs = (Vec<Run>, Vec<Run>);

/// What was done on each task that every rung has a line for, and which tasks those are.
fn runs(outcomes: &Outcomes, rungs: &[&Row]) -> Result<(Vec<Runs>, Vec<usize>), CompareError> {
    let filled = |row: &Row| {
        let median = row.median_cost()?;
        Some(row.cells.iter().map(|cell| cell.map(|cell| fill(cell, median))).collect::<Vec<_>>())
    };
    let everyone: Vec<Vec<Option<Run>>> = outcomes.rows().iter().filter_map(filled).collect();
    let on_ladder: Vec<Vec<Option<Run>>> = rungs.iter().filter_map(|row| filled(row)).collect();
    let mut runs = Vec::new();
    let mut tasks = Vec::new();
    for task in 0..outcomes.tasks().len() {
        let of = |rows: &[Vec<Option<Run>>]| rows.iter().map(|cells| cells[task]).collect::<Vec<_>>();
        if let Some(rungs) = of(&on_ladder).into_iter().collect::<Option<Vec<Run>>>() {
            runs.push((rungs, of(&everyone).into_iter().flatten().collect()));
            tasks.push(task);
        }
    }
    if tasks.is_empty() { Err(CompareError::Apart) } else { Ok((runs, tasks)) }
}

/// A run without an outcome did not solve its task; one without a cost, or with none, cost the row's median.
fn fill(cell: Cell, median: f64) -> Run {
    let cost = cell.cost.filter(|&cost| cost > 0).map_or(median, |cost| cost as f64);
    Run { solved: cell.resolved == Some(true), cost }
}

/// Sums by repository, or by task where there is but one repository.
fn clusters(outcomes: &Outcomes, tasks: &[usize], tally: impl Fn(usize) -> Tally) -> (Unit, Vec<Tally>) {
    let mut by_repository: BTreeMap<&str, Tally> = BTreeMap::new();
    for (at, &task) in tasks.iter().enumerate() {
        *by_repository.entry(&outcomes.tasks()[task].repository).or_default() += &tally(at);
    }
    match by_repository.len() {
        1 => (Unit::Task, (0..tasks.len()).map(tally).collect()),
        _ => (Unit::Repository, by_repository.into_values().collect()),
    }
}

fn repositories(outcomes: &Outcomes, tasks: &[usize]) -> (usize, (String, usize)) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for &task in tasks {
        *counts.entry(&outcomes.tasks()[task].repository).or_default() += 1;
    }
    let largest = counts.iter().max_by_key(|(_, count)| **count);
    let largest = largest.map(|(name, count)| ((*name).to_owned(), *count)).unwrap_or_default();
    (counts.len(), largest)
}

/// Share solved, cost in US dollars a task, and cost in US dollars of each task solved.
fn metrics(point: Point, tasks: f64) -> [f64; 3] {
    let cost = point.cost / MICRO;
    [point.solved / tasks, cost / tasks, if point.solved > 0.0 { cost / point.solved } else { f64::INFINITY }]
}

/// The ladder less another: of each metric, and of the cost as a share of the other's.
fn less(ladder: [f64; 3], other: [f64; 3]) -> [f64; 4] {
    let [success, cost, each] = [0, 1, 2].map(|at| ladder[at] - other[at]);
    [success, cost, each, cost / other[1]]
}

fn results(
    whole: &Tally,
    clusters: &[Tally],
    best: usize,
    resampling: Resampling,
) -> (Vec<PolicyResult>, Vec<Difference>) {
    let of = |tally: &Tally| Policy::ALL.map(|policy| metrics(policy.of(tally, best), tally.tasks));
    let estimates = of(whole);
    let mut samples: Vec<[[f64; 3]; Policy::ALL.len()]> = Vec::with_capacity(resampling.resamples as usize);
    resampling.each(clusters, |sample| samples.push(of(sample)));
    let over = |estimate: f64, metric: &dyn Fn(&[[f64; 3]; Policy::ALL.len()]) -> f64| {
        interval(estimate, samples.iter().map(metric).collect())
    };
    let policies = Policy::ALL.iter().enumerate().map(|(at, &policy)| {
        let [success, cost, each] =
            [0, 1, 2].map(|metric| over(estimates[at][metric], &|sample| sample[at][metric]));
        PolicyResult {
            policy,
            row: None,
            success,
            solved: success.times(whole.tasks),
            cost_usd: cost.times(whole.tasks),
            cost_per_success_usd: each,
        }
    });
    let differences = Policy::ALL.iter().enumerate().skip(1).map(|(at, &to)| {
        let estimate = less(estimates[0], estimates[at]);
        let [success, cost, each, share] = [0, 1, 2, 3].map(|metric| -> Interval {
            over(estimate[metric], &|sample| less(sample[0], sample[at])[metric])
        });
        Difference {
            to,
            success,
            cost_usd: cost.times(whole.tasks),
            cost_share: share,
            cost_per_success_usd: each,
        }
    });
    (policies.collect(), differences.collect())
}

/// The ladder under some verifier, and a random split for the same money.
fn under(runs: &[Runs], verifier: Verifier, check: f64) -> (Tally, Point) {
    let mut whole = Tally::default();
    for (rungs, _) in runs {
        let (ladder, rungs) = climb(rungs, verifier, check);
        whole += &Tally { tasks: 1.0, ladder, rungs, ..Tally::default() };
    }
    let split = equal_money(&whole);
    (whole, split)
}

/// From the best down, as long as the ladder solves more than the split.
fn break_even(under: impl Fn(Verifier) -> (Tally, Point)) -> Option<f64> {
    let pays = |quality: f64| {
        let (ladder, split) = under(Verifier { sensitivity: quality, specificity: quality });
        // A difference of less than any task's is one of rounding.
        ladder.ladder.solved - split.solved > 1e-6
    };
    (50..=100u32).rev().map(|percent| f64::from(percent) / 100.0).take_while(|&quality| pays(quality)).last()
}

/// A verifier of a given quality as its threshold moves: sensitivity is a power of the false accepts (Lehmann's family
/// of curves), which the area under the curve fixes.
fn curve(auc: f64, under: impl Fn(Verifier) -> (Tally, Point)) -> Curve {
    let power = (1.0 - auc) / auc;
    let point = |step: u32| {
        // Steps even in the middle of both axes.
        let at = 1.0 - f64::from(step) / f64::from(STEPS);
        let false_accepts = at.powf(2.0 / (1.0 + power));
        let verifier = Verifier { sensitivity: false_accepts.powf(power), specificity: 1.0 - false_accepts };
        let (tally, _) = under(verifier);
        CurvePoint {
            sensitivity: verifier.sensitivity,
            specificity: verifier.specificity,
            success: tally.ladder.solved / tally.tasks,
            cost_usd: tally.ladder.cost / MICRO,
        }
    };
    Curve { auc, points: (0..=STEPS).map(point).collect() }
}

/// What is open on the tasks compared, of every row that leaves something open.
fn gaps(outcomes: &Outcomes, rungs: &[&Row], tasks: &[usize]) -> Vec<Gap> {
    let gap = |row: &Row| {
        let cells = || tasks.iter().filter_map(|&task| row.cells[task]);
        let gap = Gap {
            row: row.name.clone(),
            rung: rungs.iter().any(|rung| rung.name == row.name),
            outcomes_missing: cells().filter(|cell| cell.resolved.is_none()).count(),
            costs_missing: cells().filter(|cell| cell.cost.is_none()).count(),
            costs_zero: cells().filter(|cell| cell.cost == Some(0)).count(),
            median_cost_usd: row.median_cost().map(|cost| cost / MICRO),
        };
        (gap.outcomes_missing + gap.costs_missing + gap.costs_zero > 0).then_some(gap)
    };
    outcomes.rows().iter().filter_map(gap).collect()
}

#[cfg(test)]
mod tests;
