//! Sums over tasks: all that any policy's result is computed from.

use std::ops::AddAssign;

use super::verifier::Verifier;

/// What some tasks came to: how many were solved, as an expected number, and their cost in micro-USD.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Point {
    pub(super) solved: f64,
    pub(super) cost: f64,
}

/// One run with its gaps filled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub(super) solved: bool,
    pub(super) cost: f64,
}

/// Sums over some tasks.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tally {
    pub(super) tasks: f64,
    /// The ladder under its verifier, and under one that is never wrong.
    pub(super) ladder: Point,
    pub(super) perfect: Point,
    /// The cheapest run that solves the task, of the ladder's rows and of all rows.
    pub(super) oracle: Point,
    pub(super) any: Point,
    pub(super) rungs: Vec<RungTally>,
}

/// Sums of one rung.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct RungTally {
    /// This row alone on every task.
    pub(super) alone: Point,
    /// How many tasks came this far, and how many ended here.
    pub(super) reached: f64,
    pub(super) ended: f64,
}

impl AddAssign for Point {
    fn add_assign(&mut self, other: Self) {
        self.solved += other.solved;
        self.cost += other.cost;
    }
}

impl AddAssign<&Self> for Tally {
    fn add_assign(&mut self, other: &Self) {
        self.tasks += other.tasks;
        self.ladder += other.ladder;
        self.perfect += other.perfect;
        self.oracle += other.oracle;
        self.any += other.any;
        self.rungs.resize(other.rungs.len(), RungTally::default());
        for (sum, rung) in self.rungs.iter_mut().zip(&other.rungs) {
            sum.alone += rung.alone;
            sum.reached += rung.reached;
            sum.ended += rung.ended;
        }
    }
}

impl Tally {
    /// Begins anew, keeping the room.
    pub(super) fn clear(&mut self) {
        let mut rungs = std::mem::take(&mut self.rungs);
        rungs.clear();
        *self = Self { rungs, ..Self::default() };
    }

    /// One task: what the ladder's rungs did on it, and what every row did. Whatever the verifier decides by chance is
    /// weighed by how likely it is; a check costs `check` micro-USD.
    pub(super) fn of(rungs: &[Run], everyone: &[Run], verifier: Verifier, check: f64) -> Self {
        let mut tally = Self {
            tasks: 1.0,
            perfect: climb(rungs, Verifier::PERFECT, check).0,
            oracle: cheapest_solver(rungs),
            any: cheapest_solver(everyone),
            ..Self::default()
        };
        (tally.ladder, tally.rungs) = climb(rungs, verifier, check);
        tally
    }
}

/// Every rung that is reached is paid, and so is the check of its answer; that of the last rung is not checked, since
/// nothing is left to climb to.
pub(super) fn climb(rungs: &[Run], verifier: Verifier, check: f64) -> (Point, Vec<RungTally>) {
    let mut whole = Point::default();
    let mut reached = 1.0;
    let rung = |(at, run): (usize, &Run)| {
        let last = at + 1 == rungs.len();
        let ended = if last { reached } else { reached * verifier.accepts(run.solved) };
        whole.solved += if run.solved { ended } else { 0.0 };
        whole.cost += reached * (run.cost + if last { 0.0 } else { check });
        let alone = Point { solved: f64::from(u8::from(run.solved)), cost: run.cost };
        let tally = RungTally { alone, reached, ended };
        reached -= ended;
        tally
    };
    let tallies = rungs.iter().enumerate().map(rung).collect();
    (whole, tallies)
}

/// The cheapest run that solves the task; where none does, the cheapest.
fn cheapest_solver(runs: &[Run]) -> Point {
    let cheapest =
        |solved| runs.iter().filter(|run| run.solved == solved).map(|run| run.cost).min_by(f64::total_cmp);
    match cheapest(true) {
        Some(cost) => Point { solved: 1.0, cost },
        None => Point { solved: 0.0, cost: cheapest(false).unwrap_or(0.0) },
    }
}
