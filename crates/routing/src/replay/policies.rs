//! The policies that stand beside one another, each computed from the same sums.

use std::fmt;

use serde::Serialize;

use super::tally::{Point, Tally};

/// A way to choose who does a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The ladder under the verifier in question.
    Ladder,
    /// The ladder under a verifier that is never wrong.
    PerfectVerifier,
    /// The first rung, for every task.
    AlwaysCheapest,
    /// The last rung, for every task.
    AlwaysStrongest,
    /// The one rung that solves most, for every task; of equals the cheaper.
    BestSingle,
    /// As many tasks to each rung as the ladder ends there, drawn at random, and only that rung is paid.
    RandomSplitEqualShare,
    /// The random mix of rungs that solves most for what the ladder costs.
    RandomSplitEqualMoney,
    /// The cheapest rung that solves the task, known beforehand.
    Oracle,
    /// The same over every row of the file.
    OracleAllRows,
}

impl Policy {
    /// All of them, as they are printed.
    pub const ALL: [Self; 9] = [
        Self::Ladder,
        Self::PerfectVerifier,
        Self::AlwaysCheapest,
        Self::AlwaysStrongest,
        Self::BestSingle,
        Self::RandomSplitEqualShare,
        Self::RandomSplitEqualMoney,
        Self::Oracle,
        Self::OracleAllRows,
    ];

    /// Its code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ladder => "ladder",
            Self::PerfectVerifier => "perfect_verifier",
            Self::AlwaysCheapest => "always_cheapest",
            Self::AlwaysStrongest => "always_strongest",
            Self::BestSingle => "best_single",
            Self::RandomSplitEqualShare => "random_split_equal_share",
            Self::RandomSplitEqualMoney => "random_split_equal_money",
            Self::Oracle => "oracle",
            Self::OracleAllRows => "oracle_all_rows",
        }
    }

    /// What it came to on the tasks summed; `best` is the rung that [`Self::BestSingle`] takes.
    pub(super) fn of(self, tally: &Tally, best: usize) -> Point {
        let alone = |at: usize| tally.rungs.get(at).map(|rung| rung.alone).unwrap_or_default();
        match self {
            Self::Ladder => tally.ladder,
            Self::PerfectVerifier => tally.perfect,
            Self::AlwaysCheapest => alone(0),
            Self::AlwaysStrongest => alone(tally.rungs.len().saturating_sub(1)),
            Self::BestSingle => alone(best),
            Self::RandomSplitEqualShare => equal_share(tally),
            Self::RandomSplitEqualMoney => equal_money(tally),
            Self::Oracle => tally.oracle,
            Self::OracleAllRows => tally.any,
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The rung that solves most alone; of equals the cheaper.
pub(super) fn best_single(tally: &Tally) -> usize {
    let rungs = tally.rungs.iter().map(|rung| rung.alone).enumerate();
    let better = |(_, a): &(usize, Point), (_, b): &(usize, Point)| {
        a.solved.total_cmp(&b.solved).then(b.cost.total_cmp(&a.cost))
    };
    rungs.max_by(better).map_or(0, |(at, _)| at)
}

fn equal_share(tally: &Tally) -> Point {
    let mut split = Point::default();
    for rung in &tally.rungs {
        let share = rung.ended / tally.tasks;
        split += Point { solved: share * rung.alone.solved, cost: share * rung.alone.cost };
    }
    split
}

/// On the line between two rungs, or on a rung where more money buys nothing more.
pub(super) fn equal_money(tally: &Tally) -> Point {
    let money = tally.ladder.cost;
    let rungs = || tally.rungs.iter().map(|rung| rung.alone);
    let mut best = Point::default();
    for low in rungs().filter(|rung| rung.cost <= money) {
        let mixes = rungs().filter(|high| high.cost > money).map(|high| {
            let share = (money - low.cost) / (high.cost - low.cost);
            Point { solved: low.solved + share * (high.solved - low.solved), cost: money }
        });
        for point in mixes.chain([low]) {
            if point.solved > best.solved || (point.solved == best.solved && point.cost < best.cost) {
                best = point;
            }
        }
    }
    best
}
