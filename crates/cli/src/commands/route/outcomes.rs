//! `waymark route replay --outcomes`

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use waymark_routing::replay::{
    CompareError, Comparison, Difference, Gap, Interval, Ladder, Outcomes, OutcomesError, Policy,
    PolicyResult, Resampling, RowError, Unit, compare,
};

use super::super::Outcome;
use super::plot;
use super::table::{Column, Table};
use crate::args::{Common, Replay};
use crate::failure::{Failure, UNREACHABLE, USAGE, talk, unwritten};
use crate::terminal::{BOLD, DIM, GREEN, RED, grouped};

pub(crate) fn run(common: &Common, asked: &Replay, path: &Path) -> Outcome {
    let outcomes = read(path)?;
    let ladder = Ladder {
        rungs: asked.ladder.iter().map(|rung| rung.trim().to_owned()).collect(),
        verifier: asked.verifier,
        check_cost_usd: asked.check_cost,
    };
    let resampling = Resampling { seed: asked.seed, resamples: asked.resamples };
    let comparison = compare(&outcomes, &ladder, resampling).map_err(|error| incomparable(&error, path))?;
    if let Some(path) = &asked.plot {
        fs::write(path, plot::draw(&comparison)).map_err(unwritten(path))?;
        talk(format_args!("drawn into {}", path.display()));
    }
    if common.json {
        let mut stdout = io::stdout().lock();
        serde_json::to_writer_pretty(&mut stdout, &comparison).map_err(io::Error::from)?;
        writeln!(stdout)?;
    } else {
        print(&comparison, &mut anstream::stdout().lock())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Outcomes, Failure> {
    let bytes = fs::read(path)
        .map_err(|error| Failure::new(UNREACHABLE, format!("could not read {}: {error}", path.display())))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|&&byte| byte == b'\n').count() + 1;
        Failure::new(USAGE, format!("{}: line {line} is not UTF-8", path.display()))
            .hint("save the file as UTF-8")
    })?;
    Outcomes::read(&text).map_err(|error| {
        let failure = Failure::new(USAGE, format!("{}: {error}", path.display()));
        match error {
            OutcomesError::MissingColumn(..) => failure.hint(
                "the first line names the columns: instance_id, harness, model, resolved, cost_usd; others may be there",
            ),
            OutcomesError::Fields { .. } => {
                failure.hint("a field with a comma, a quote or a line's end in it stands between quotes")
            }
            OutcomesError::Again { .. } => failure.hint("keep one run of each row on each task"),
            _ => failure,
        }
    })
}

fn incomparable(error: &CompareError, path: &Path) -> Failure {
    let failure = Failure::from_error(USAGE, error);
    match error {
        CompareError::Row(RowError::Ambiguous { .. }) => failure.hint("name the row as harness/model"),
        CompareError::Rungs(_) => failure.hint("write --ladder CHEAP,STRONG: the first that is asked first"),
        CompareError::Free(_) => {
            failure.hint("a cost of zero counts as not stated: write what its runs cost")
        }
        CompareError::Apart => {
            failure.hint("a ladder is compared on the tasks that all of its rungs have tried")
        }
        CompareError::Row(RowError::Unknown { .. }) | CompareError::Twice(_) => {
            failure.hint(format!("rows are named harness/model, as in {}", path.display()))
        }
    }
}

fn print(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}", comparison.ladder.join(" → "))?;
    let check = match comparison.check_cost_usd {
        0.0 => "its checks cost nothing".to_owned(),
        cost => format!("each check ${cost}"),
    };
    writeln!(out, "verifier: {}; {check}", comparison.verifier)?;
    let tasks = grouped(comparison.tasks as u64);
    write!(out, "{tasks} tasks of {} repositories", comparison.repositories)?;
    match comparison.tasks_left_out {
        0 => writeln!(out)?,
        left => writeln!(out, "; {} left out, for not every rung has tried them", grouped(left as u64))?,
    }
    let unit = match comparison.unit {
        Unit::Repository => "whole repositories",
        Unit::Task => "single tasks",
    };
    writeln!(
        out,
        "{DIM}95 % intervals: {} paired bootstrap samples of {unit}, seed {}{DIM:#}\n",
        grouped(u64::from(comparison.resampling.resamples)),
        comparison.resampling.seed
    )?;
    rungs(comparison).write(out)?;
    writeln!(out)?;
    policies(comparison).write(out)?;
    writeln!(out)?;
    differences(comparison).write(out)?;
    writeln!(out)?;
    for finding in &comparison.findings {
        let style = match finding.code {
            "beats_random_split" => GREEN,
            "loses_to_random_split"
            | "does_not_beat_random_split"
            | "costs_more_than_strongest"
            | "never_pays" => RED,
            _ => anstyle::Style::new(),
        };
        writeln!(out, "- {style}{}{style:#}", finding.text)?;
    }
    gaps(comparison, out)
}

fn rungs(comparison: &Comparison) -> Table<'static> {
    let mut table = Table::new(&[
        (Column::Words, "rung"),
        (Column::Number, "asked"),
        (Column::Number, "ends here"),
        (Column::Number, "alone: success"),
        (Column::Number, "cost"),
    ]);
    for rung in &comparison.rungs {
        table.row([
            rung.row.clone(),
            percent(rung.reached),
            percent(rung.ended),
            percent(rung.success_alone),
            format!("${:.2}", rung.cost_alone_usd),
        ]);
    }
    table
}

fn policies(comparison: &Comparison) -> Table<'static> {
    let mut table = Table::new(&[
        (Column::Words, "policy"),
        (Column::Number, "solved"),
        (Column::Number, "success, %"),
        (Column::Aside, ""),
        (Column::Number, "cost, $"),
        (Column::Aside, ""),
        (Column::Number, "$ a success"),
        (Column::Aside, ""),
    ]);
    for result in &comparison.policies {
        if is_told_already(comparison, result) {
            continue;
        }
        let success = result.success;
        table.row([
            label(comparison, result.policy),
            format!("{:.1}", result.solved.estimate),
            format!("{:.1}", success.estimate * 100.0),
            range(&success, 100.0, 1),
            format!("{:.2}", result.cost_usd.estimate),
            range(&result.cost_usd, 1.0, 2),
            number(result.cost_per_success_usd.estimate, 3),
            range(&result.cost_per_success_usd, 1.0, 3),
        ]);
    }
    table
}

/// Whether a line above says the same of the same policy.
fn is_told_already(comparison: &Comparison, result: &PolicyResult) -> bool {
    match result.policy {
        Policy::PerfectVerifier => comparison.verifier.is_perfect(),
        Policy::BestSingle => {
            result.row == comparison.ladder.last().cloned()
                || result.row == comparison.ladder.first().cloned()
        }
        _ => false,
    }
}

fn differences(comparison: &Comparison) -> Table<'static> {
    let mut table = Table::new(&[
        (Column::Words, "the ladder less"),
        (Column::Number, "success, points"),
        (Column::Aside, ""),
        (Column::Number, "cost, $"),
        (Column::Aside, ""),
        (Column::Number, "cost, %"),
        (Column::Aside, ""),
    ]);
    let shown = [
        Policy::RandomSplitEqualMoney,
        Policy::RandomSplitEqualShare,
        Policy::AlwaysStrongest,
        Policy::AlwaysCheapest,
    ];
    for Difference { to, success, cost_usd, cost_share, .. } in
        shown.iter().filter_map(|&to| comparison.less(to))
    {
        table.row([
            label(comparison, *to),
            format!("{:+.1}", success.estimate * 100.0),
            signed(success, 100.0, 1),
            format!("{:+.2}", cost_usd.estimate),
            signed(cost_usd, 1.0, 2),
            format!("{:+.0}", cost_share.estimate * 100.0),
            signed(cost_share, 100.0, 0),
        ]);
    }
    table
}

fn label(comparison: &Comparison, policy: Policy) -> String {
    let row = |at: Option<&String>| at.map_or("", |row| row.rsplit('/').next().unwrap_or(row)).to_owned();
    match policy {
        Policy::Ladder => "this ladder".to_owned(),
        Policy::PerfectVerifier => "it with a perfect verifier".to_owned(),
        Policy::AlwaysCheapest => format!("always {}", row(comparison.ladder.first())),
        Policy::AlwaysStrongest => format!("always {}", row(comparison.ladder.last())),
        Policy::BestSingle => {
            format!("always {}", row(comparison.of(policy).and_then(|result| result.row.as_ref())))
        }
        Policy::RandomSplitEqualShare => "random split, equal share".to_owned(),
        Policy::RandomSplitEqualMoney => "random split, equal money".to_owned(),
        Policy::Oracle => "oracle: cheapest solver".to_owned(),
        Policy::OracleAllRows => format!("oracle over all {} rows", comparison.rows),
    }
}

fn gaps(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let mut elsewhere = 0;
    for gap in &comparison.gaps {
        if gap.rung {
            writeln!(out, "- {}", gap_of_a_rung(gap))?;
        } else {
            elsewhere += gap.outcomes_missing + gap.costs_missing + gap.costs_zero;
        }
    }
    if !comparison.gaps.iter().any(|gap| gap.rung) {
        writeln!(out, "- The rungs have no gaps: every run states its outcome and a cost above zero.")?;
    }
    if elsewhere > 0 {
        writeln!(
            out,
            "- Gaps in other rows, filled the same way, count in the last oracle only: {}.",
            grouped(elsewhere as u64)
        )?;
    }
    Ok(())
}

fn gap_of_a_rung(gap: &Gap) -> String {
    let costs = gap.costs_missing + gap.costs_zero;
    let outcomes = match gap.outcomes_missing {
        0 => None,
        missing => Some(format!("{} without an outcome, counted as not solved", runs(missing))),
    };
    let median = gap.median_cost_usd.unwrap_or_default();
    let costs = match costs {
        0 => None,
        missing => Some(format!(
            "{} without a cost or at zero, counted at its median of ${median:.4}",
            runs(missing)
        )),
    };
    let both: Vec<String> = [outcomes, costs].into_iter().flatten().collect();
    format!("Gaps of {}: {}.", gap.row, both.join("; "))
}

fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{} runs", grouped(count as u64)) }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number, or a dash where nothing was solved.
fn number(value: f64, digits: usize) -> String {
    if value.is_finite() { format!("{value:.digits$}") } else { "–".to_owned() }
}

fn range(of: &Interval, factor: f64, digits: usize) -> String {
    format!("{} to {}", number(of.low * factor, digits), number(of.high * factor, digits))
}

fn signed(of: &Interval, factor: f64, digits: usize) -> String {
    format!("{:+.digits$} to {:+.digits$}", of.low * factor, of.high * factor)
}
