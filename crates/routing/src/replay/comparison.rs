//! What a comparison of policies says: this is what `waymark route replay --outcomes --json` prints.

use serde::{Serialize, Serializer};

use super::bootstrap::Resampling;
use super::policies::Policy;
use super::verifier::Verifier;

/// A ladder beside what needs no router, on the same tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The rungs' rows, the first that is asked first.
    pub ladder: Vec<String>,
    /// What decides whether to climb.
    pub verifier: Verifier,
    /// What one check costs, in US dollars.
    #[serde(serialize_with = "rounded")]
    pub check_cost_usd: f64,
    /// How many tasks every rung has a line for.
    pub tasks: usize,
    /// How many tasks were left out, for some rung has none.
    pub tasks_left_out: usize,
    /// How many repositories the tasks are of.
    pub repositories: usize,
    /// The repository with the most tasks, and how many.
    pub largest_repository: (String, usize),
    /// How many rows the file has.
    pub rows: usize,
    /// How the intervals were drawn.
    pub resampling: Resampling,
    /// What was drawn.
    pub unit: Unit,
    /// How often each rung was asked.
    pub rungs: Vec<RungUse>,
    /// What each policy came to, in the order of [`Policy::ALL`].
    pub policies: Vec<PolicyResult>,
    /// The ladder less each other policy.
    pub differences: Vec<Difference>,
    /// The sensitivity and specificity, equal to one another, from which on the ladder solves more than a random split
    /// for the same money, by estimate; `None` where not even a perfect verifier makes it.
    pub break_even: Option<f64>,
    /// What verifiers of some qualities make of the ladder, as they are set to accept more or less.
    pub curves: Vec<Curve>,
    /// What the file does not say, by row, and what stood in.
    pub gaps: Vec<Gap>,
    /// What this comes to in plain words.
    pub findings: Vec<Finding>,
}

/// What a bootstrap draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Whole repositories.
    Repository,
    /// Single tasks, where all are of one repository.
    Task,
}

/// An estimate and the interval of 95 % around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// On all tasks.
    #[serde(serialize_with = "rounded")]
    pub estimate: f64,
    /// The lower end.
    #[serde(serialize_with = "rounded")]
    pub low: f64,
    /// The upper end; no number where nothing was solved in some samples.
    #[serde(serialize_with = "rounded")]
    pub high: f64,
}

/// How often a rung was asked, of all tasks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RungUse {
    /// The row.
    pub row: String,
    /// The share of tasks that came this far.
    #[serde(serialize_with = "rounded")]
    pub reached: f64,
    /// The share of tasks that ended here.
    #[serde(serialize_with = "rounded")]
    pub ended: f64,
    /// The share of tasks that it solves alone.
    #[serde(serialize_with = "rounded")]
    pub success_alone: f64,
    /// What all tasks cost in US dollars when it does each alone.
    #[serde(serialize_with = "rounded")]
    pub cost_alone_usd: f64,
}

/// What one policy came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyResult {
    /// Which.
    pub policy: Policy,
    /// The row, where it is one row.
    pub row: Option<String>,
    /// The share of tasks solved.
    pub success: Interval,
    /// The tasks solved, of [`Comparison::tasks`].
    pub solved: Interval,
    /// All tasks' cost in US dollars.
    pub cost_usd: Interval,
    /// Cost in US dollars for each task solved.
    pub cost_per_success_usd: Interval,
}

/// The ladder less another policy, on the same tasks in every sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The other policy.
    pub to: Policy,
    /// Of shares of tasks solved.
    pub success: Interval,
    /// Of all tasks' cost in US dollars.
    pub cost_usd: Interval,
    /// The same as a share of the other's cost.
    pub cost_share: Interval,
    /// Of the cost of each task solved.
    pub cost_per_success_usd: Interval,
}

/// What a row leaves open on the tasks compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gap {
    /// The row.
    pub row: String,
    /// Whether it is a rung of the ladder; other rows count in [`Policy::OracleAllRows`] only.
    pub rung: bool,
    /// Tasks without an outcome: counted as not solved.
    pub outcomes_missing: usize,
    /// Tasks without a cost: counted at the row's median.
    pub costs_missing: usize,
    /// Tasks that cost zero, as the file has it: counted at the row's median.
    pub costs_zero: usize,
    /// That median, in US dollars; `None` where the row states no cost, and is left out.
    pub median_cost_usd: Option<f64>,
}

/// Verifiers of one quality, set to accept more or less.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// How likely such a verifier puts a solved task above one that is not: the area under its curve.
    pub auc: f64,
    /// From the one that accepts everything to the one that rejects everything.
    pub points: Vec<CurvePoint>,
}

/// The ladder under one verifier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Of the verifier.
    #[serde(serialize_with = "rounded")]
    pub sensitivity: f64,
    /// Of the verifier.
    #[serde(serialize_with = "rounded")]
    pub specificity: f64,
    /// The share of tasks solved.
    #[serde(serialize_with = "rounded")]
    pub success: f64,
    /// All tasks' cost in US dollars.
    #[serde(serialize_with = "rounded")]
    pub cost_usd: f64,
}

/// One thing that the comparison shows, or cannot show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// A stable code.
    pub code: &'static str,
    /// A sentence.
    pub text: String,
}

impl Comparison {
    /// What a policy came to.
    pub fn of(&self, policy: Policy) -> Option<&PolicyResult> {
        self.policies.iter().find(|result| result.policy == policy)
    }

    /// The ladder less a policy.
    pub fn less(&self, policy: Policy) -> Option<&Difference> {
        self.differences.iter().find(|difference| difference.to == policy)
    }
}

impl Interval {
    pub(super) fn times(self, factor: f64) -> Self {
        Self { estimate: self.estimate * factor, low: self.low * factor, high: self.high * factor }
    }
}

/// More than six digits after the point would be noise, and differ from machine to machine.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn rounded<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Adding zero turns a negative zero into a plain one.
    serializer.serialize_f64((number * 1e6).round() / 1e6 + 0.0)
}
