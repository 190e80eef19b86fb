//! `waymark bench completion`

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use waymark_flash::replay::{self, Cursor, Options, Report};

use super::Outcome;
use crate::args::Common;
use crate::failure::{Failure, USAGE};
use crate::terminal::{BOLD, DIM, grouped, progress, short};

/// Confidence thresholds the report shows.
const THRESHOLDS: [f64; 5] = [0.3, 0.5, 0.7, 0.8, 0.9];

pub(crate) fn completion(common: &Common, repository: &Path, commits: usize) -> Outcome {
    let bar = progress(commits as u64, "replaying {bar:30} {human_pos}/{human_len} commits ({eta} left)");
    let options = Options { commits, ..Options::default() };
    let report = replay::run(repository, &options, &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let report = report.map_err(|error| Failure::from_error(USAGE, &error))?;
    if report.lines == 0 {
        return Err(Failure::new(USAGE, "the history replayed adds no line of code")
            .hint("replay more of it with --commits N, or another repository with --repo DIR"));
    }
    let printed = if common.json { print_json(&report) } else { print(&report) };
    printed?;
    Ok(ExitCode::SUCCESS)
}

fn print(report: &Report) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{} lines of {} commits, {}..{}, up to {} tokens indexed",
        grouped(report.lines as u64),
        grouped(report.commits as u64),
        short(&report.oldest),
        short(&report.head),
        grouped(report.tokens as u64)
    )?;
    writeln!(
        out,
        "{DIM}new lines only: moved, trivial and comment lines are left out; each is predicted from the\nparent commit, what the same commit had changed before, and the text around the cursor{DIM:#}\n"
    )?;
    writeln!(out, "{BOLD}cursor         cursors   exact   among candidates{BOLD:#}")?;
    for (label, cursor) in [("line start", Cursor::Start), ("mid line", Cursor::Mid)] {
        let matched = report.exact_match(cursor);
        writeln!(
            out,
            "{label:<12}{:>10}{:>7.1}%{:>18.1}%",
            grouped(matched.cursors as u64),
            matched.exact * 100.0,
            matched.among * 100.0
        )?;
    }
    writeln!(out, "\n{BOLD}confidence   start: answered, right   mid: answered, right{BOLD:#}")?;
    for threshold in THRESHOLDS {
        let [start, mid] = [Cursor::Start, Cursor::Mid].map(|cursor| report.operating(cursor, threshold));
        writeln!(
            out,
            "at least {threshold:.1}{:>11.1}%{:>9.1}%{:>15.1}%{:>7.1}%",
            start.coverage * 100.0,
            start.precision * 100.0,
            mid.coverage * 100.0,
            mid.precision * 100.0
        )?;
    }
    writeln!(
        out,
        "\n{BOLD}syntax gate      answers   held back, of them right   right before   after{BOLD:#}"
    )?;
    for threshold in THRESHOLDS {
        let gate = report.syntax_gate(threshold);
        writeln!(
            out,
            "at least {threshold:.1}{:>12}{:>12}{:>15}{:>14.1}%{:>7.1}%",
            grouped(gate.answered as u64),
            grouped(gate.rejected as u64),
            grouped(gate.rejected_exact as u64),
            gate.precision_before * 100.0,
            gate.precision * 100.0
        )?;
    }
    Ok(())
}

fn print_json(report: &Report) -> io::Result<()> {
    let cursors = [("start", Cursor::Start), ("mid", Cursor::Mid)].map(|(label, cursor)| {
        let operating: Vec<_> = THRESHOLDS.iter().map(|&t| report.operating(cursor, t)).collect();
        (label, json!({"exact_match": report.exact_match(cursor), "operating": operating}))
    });
    let cursors: serde_json::Map<_, _> =
        cursors.into_iter().map(|(label, value)| (label.to_owned(), value)).collect();
    let gates: Vec<_> = THRESHOLDS.iter().map(|&threshold| report.syntax_gate(threshold)).collect();
    let report = json!({
        "head": report.head, "oldest": report.oldest, "commits": report.commits, "lines": report.lines,
        "tokens": report.tokens, "cursors": cursors, "syntax_gate": gates,
    });
    writeln!(io::stdout(), "{report}")
}
