//! Fits the embedded model's ranking and confidence on public repositories' history and writes the weights.
//!
//! `cargo run --release -p waymark-flash --example calibrate -- [--commits N] [--lines N] [--threshold P] [--output FILE] NAME=PATH... [--held-out NAME=PATH...]`
//!
//! Every figure is printed twice over: leave one repository out (fitted on the others), and, for the repositories
//! after `--held-out`, with the weights written, which never saw them. Without `--output` nothing is written.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use waymark_flash::replay::{self, Candidates, Cursor, LineKind, Options, Report};
use waymark_flash::{
    CONFIDENCE_FEATURES, ConfidenceFeatures, RANK_FEATURES, RankFeatures, choose, probabilities,
    probability_with,
};

const THRESHOLDS: [f64; 7] = [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9];

const CURSORS: [Cursor; 4] = [Cursor::Start, Cursor::Mid, Cursor::Inside, Cursor::End];

/// Keeps weights of features that say the same from growing against each other.
const RIDGE: f64 = 1.0;

struct Settings {
    options: Options,
    threshold: f64,
    output: Option<PathBuf>,
    fitted: Vec<(String, PathBuf)>,
    held_out: Vec<(String, PathBuf)>,
}

struct Repository {
    name: String,
    report: Report,
}

#[derive(Clone, Copy)]
struct Weights {
    rank: RankFeatures,
    confidence: ConfidenceFeatures,
}

/// One cursor's outcome under some weights.
struct Outcome {
    cursor: Cursor,
    confidence: f64,
    exact: bool,
}

/// Replays, fits, prints, and writes the weights when asked to.
fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let settings = parse(&args)?;
    let mut out = std::io::stdout().lock();
    let fitted = replay_all(&settings.fitted, &settings.options)?;
    let held_out = replay_all(&settings.held_out, &settings.options)?;
    let everything: Vec<&Repository> = fitted.iter().collect();
    let weights = fit(&everything, None);
    let mut left_out = Vec::new();
    let mut rows = Vec::new();
    for (place, repository) in fitted.iter().enumerate() {
        let others: Vec<&Repository> =
            fitted.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, other)| other).collect();
        let outcomes = outcomes(repository, &fit(&others, Some(weights)));
        rows.push((repository, outcomes));
    }
    writeln!(out, "## Leave one repository out\n")?;
    print_repositories(&mut out, &rows)?;
    for (_, outcomes) in rows {
        left_out.extend(outcomes);
    }
    print_operating(&mut out, &left_out)?;
    writeln!(out, "## Held out of everything\n")?;
    let rows: Vec<_> =
        held_out.iter().map(|repository| (repository, outcomes(repository, &weights))).collect();
    print_repositories(&mut out, &rows)?;
    for (repository, outcomes) in &rows {
        writeln!(out, "### {}\n", repository.name)?;
        print_operating(&mut out, outcomes)?;
    }
    if let Some(path) = &settings.output {
        let source = render(&fitted, &settings, &weights);
        std::fs::write(path, source).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn parse(args: &[String]) -> anyhow::Result<Settings> {
    let mut settings = Settings {
        options: Options { commits: 120, lines_per_commit: Some(30), candidates: true },
        threshold: 0.5,
        output: None,
        fitted: Vec::new(),
        held_out: Vec::new(),
    };
    let mut held_out = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--commits" => settings.options.commits = value()?.parse().context("--commits")?,
            "--lines" => settings.options.lines_per_commit = Some(value()?.parse().context("--lines")?),
            "--threshold" => settings.threshold = value()?.parse().context("--threshold")?,
            "--output" => settings.output = Some(value()?.into()),
            "--held-out" => held_out = true,
            option if option.starts_with("--") => bail!("unknown option {option}"),
            repository => {
                let (name, path) =
                    repository.split_once('=').with_context(|| format!("{repository} is not NAME=PATH"))?;
                let list = if held_out { &mut settings.held_out } else { &mut settings.fitted };
                list.push((name.to_owned(), path.into()));
            }
        }
    }
    ensure!(settings.fitted.len() >= 2, "give at least two repositories to fit on");
    Ok(settings)
}

fn replay_all(repositories: &[(String, PathBuf)], options: &Options) -> anyhow::Result<Vec<Repository>> {
    let replay = |(name, path): &(String, PathBuf)| {
        let report = replay::run(path, options, &|_, _| {}).with_context(|| format!("replay {name}"))?;
        Ok(Repository { name: name.clone(), report })
    };
    repositories.iter().map(replay).collect()
}

/// The cursors of new lines, with their candidates.
fn cursors(repository: &Repository) -> impl Iterator<Item = (Cursor, &Candidates)> {
    let rows = repository.report.rows.iter().filter(|row| row.line == LineKind::New);
    rows.filter_map(|row| Some((row.cursor, row.candidates.as_ref()?)))
}

fn fit(repositories: &[&Repository], start: Option<Weights>) -> Weights {
    let rank = fit_rank(repositories, start.map(|weights| weights.rank));
    let mut answers = Vec::new();
    for repository in repositories {
        // Every repository counts the same, however many lines it has.
        let share = 1.0 / cursors(repository).count().max(1) as f64;
        for (_, candidates) in cursors(repository) {
            if let Some(choice) = choose(&candidates.features, &candidates.none, &rank) {
                let exact = candidates.exact && candidates.right == Some(choice.best);
                answers.push((choice.features, f64::from(u8::from(exact)), share));
            }
        }
    }
    Weights { rank, confidence: fit_confidence(&answers) }
}

/// Newton's method on the likelihood of the right candidate (or of "none of these").
fn fit_rank(repositories: &[&Repository], start: Option<RankFeatures>) -> RankFeatures {
    let steps = if start.is_some() { 4 } else { 15 };
    let start = start.unwrap_or_else(|| std::array::from_fn(|place| f64::from(u8::from(place == 0))));
    newton(start, steps, |weights| {
        let mut slope = Slope::new();
        for repository in repositories {
            let share = 10_000.0 / cursors(repository).count().max(1) as f64;
            for (_, candidates) in cursors(repository) {
                add_cursor(candidates, weights, share, &mut slope);
            }
        }
        slope
    })
}

/// A log-likelihood with its first and (negated) second derivatives.
struct Slope<const N: usize> {
    value: f64,
    gradient: [f64; N],
    curvature: [[f64; N]; N],
}

impl<const N: usize> Slope<N> {
    fn new() -> Self {
        Self { value: 0.0, gradient: [0.0; N], curvature: [[0.0; N]; N] }
    }
}

/// Climbs to the maximum of a concave likelihood with a ridge, halving steps that overshoot.
fn newton<const N: usize>(start: [f64; N], steps: usize, slope: impl Fn(&[f64; N]) -> Slope<N>) -> [f64; N] {
    let ridged = |weights: &[f64; N]| {
        let mut slope = slope(weights);
        for (place, weight) in weights.iter().enumerate() {
            slope.value -= RIDGE / 2.0 * weight * weight;
            slope.gradient[place] -= RIDGE * weight;
            slope.curvature[place][place] += RIDGE;
        }
        slope
    };
    let mut weights = start;
    let mut here = ridged(&weights);
    for _ in 0..steps {
        let step = solve(here.curvature, here.gradient);
        let mut scale = 1.0;
        let (next, there) = loop {
            let next: [f64; N] = std::array::from_fn(|place| weights[place] + scale * step[place]);
            let there = ridged(&next);
            if there.value >= here.value || scale < 1e-3 {
                break (next, there);
            }
            scale /= 2.0;
        };
        let gain = there.value - here.value;
        if gain >= 0.0 {
            (weights, here) = (next, there);
        }
        if gain < 1e-3 {
            break;
        }
    }
    weights
}

fn add_cursor(candidates: &Candidates, weights: &RankFeatures, share: f64, slope: &mut Slope<RANK_FEATURES>) {
    let probabilities = probabilities(&candidates.features, &candidates.none, weights);
    let all = || candidates.features.iter().chain([&candidates.none]);
    let mut mean = [0.0; RANK_FEATURES];
    for (features, probability) in all().zip(&probabilities) {
        for place in 0..RANK_FEATURES {
            mean[place] += probability * features[place];
        }
    }
    let right = candidates.right.unwrap_or(candidates.features.len());
    slope.value += share * probabilities[right].max(1e-12).ln();
    let right = all().nth(right);
    for place in 0..RANK_FEATURES {
        slope.gradient[place] += share * (right.map_or(mean[place], |right| right[place]) - mean[place]);
    }
    for (features, probability) in all().zip(&probabilities).filter(|(_, probability)| **probability > 1e-4) {
        let centred: RankFeatures = std::array::from_fn(|place| features[place] - mean[place]);
        for row in 0..RANK_FEATURES {
            let scaled = share * probability * centred[row];
            for (sum, other) in slope.curvature[row].iter_mut().zip(&centred) {
                *sum += scaled * other;
            }
        }
    }
}

/// Logistic regression; each answer is features, outcome, weight.
fn fit_confidence(answers: &[(ConfidenceFeatures, f64, f64)]) -> ConfidenceFeatures {
    newton(std::array::from_fn(|place| f64::from(u8::from(place == 1))), 15, |weights| {
        let mut slope = Slope::new();
        for (features, outcome, share) in answers {
            let share = share * 10_000.0;
            let probability = probability_with(features, weights);
            let likelihood = if *outcome > 0.5 { probability } else { 1.0 - probability };
            slope.value += share * likelihood.max(1e-12).ln();
            for row in 0..CONFIDENCE_FEATURES {
                slope.gradient[row] += share * (outcome - probability) * features[row];
                let scaled = share * probability * (1.0 - probability) * features[row];
                for (sum, other) in slope.curvature[row].iter_mut().zip(features) {
                    *sum += scaled * other;
                }
            }
        }
        slope
    })
}

/// Solves a positive definite system by elimination.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> [f64; N] {
    for pivot in 0..N {
        for row in pivot + 1..N {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            let above = matrix[pivot];
            for (entry, above) in matrix[row].iter_mut().zip(above) {
                *entry -= factor * above;
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|column| matrix[row][column] * right[column]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

fn outcomes(repository: &Repository, weights: &Weights) -> Vec<Outcome> {
    cursors(repository)
        .map(|(cursor, candidates)| match choose(&candidates.features, &candidates.none, &weights.rank) {
            None => Outcome { cursor, confidence: -1.0, exact: false },
            Some(choice) => Outcome {
                cursor,
                confidence: probability_with(&choice.features, &weights.confidence),
                exact: candidates.exact && candidates.right == Some(choice.best) && cursor != Cursor::End,
            },
        })
        .collect()
}

fn share(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

/// Expected calibration error over ten bins of equal width.
fn calibration_error(outcomes: &[&Outcome]) -> f64 {
    let answered: Vec<_> = outcomes.iter().filter(|outcome| outcome.confidence >= 0.0).collect();
    let error = |bin: usize| {
        let inside = answered.iter().filter(|outcome| ((outcome.confidence * 10.0) as usize).min(9) == bin);
        inside.map(|outcome| outcome.confidence - f64::from(u8::from(outcome.exact))).sum::<f64>().abs()
    };
    (0..10).map(error).sum::<f64>() / answered.len().max(1) as f64
}

fn print_repositories(out: &mut impl Write, rows: &[(&Repository, Vec<Outcome>)]) -> anyhow::Result<()> {
    write!(out, "| repository | commits | lines | tokens | EM start | EM mid | EM inside | ECE mid |")?;
    writeln!(out, " vote alone: start | mid |\n|---|---|---|---|---|---|---|---|---|---|")?;
    let mut sums = [0.0; 5];
    for (repository, outcomes) in rows {
        let of = |cursor| outcomes.iter().filter(|o| o.cursor == cursor).collect::<Vec<_>>();
        let exact = |cursor| share(of(cursor).iter().filter(|o| o.exact).count(), of(cursor).len());
        let [vote_start, vote_mid] =
            [Cursor::Start, Cursor::Mid].map(|cursor| vote_alone(repository, cursor));
        let figures = [exact(Cursor::Start), exact(Cursor::Mid), exact(Cursor::Inside), vote_start, vote_mid];
        sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
        let Report { commits, tokens, .. } = repository.report;
        let (lines, error) = (of(Cursor::Start).len(), calibration_error(&of(Cursor::Mid)));
        let [start, mid, inside, ..] = figures;
        let name = &repository.name;
        write!(
            out,
            "| {name} | {commits} | {lines} | {tokens} | {start:.3} | {mid:.3} | {inside:.3} | {error:.3} |"
        )?;
        writeln!(out, " {vote_start:.3} | {vote_mid:.3} |")?;
    }
    let [start, mid, inside, vote_start, vote_mid] = sums.map(|sum| sum / rows.len().max(1) as f64);
    write!(out, "| macro mean | | | | {start:.3} | {mid:.3} | {inside:.3} | |")?;
    writeln!(out, " {vote_start:.3} | {vote_mid:.3} |\n")?;
    Ok(())
}

/// Exact match when the highest vote is taken.
fn vote_alone(repository: &Repository, cursor: Cursor) -> f64 {
    let vote: RankFeatures = std::array::from_fn(|place| f64::from(u8::from(place == 0)));
    let of = || cursors(repository).filter(|(at, _)| *at == cursor).map(|(_, candidates)| candidates);
    let right = |candidates: &&Candidates| {
        let choice = choose(&candidates.features, &candidates.none, &vote);
        candidates.exact && choice.is_some_and(|choice| candidates.right == Some(choice.best))
    };
    share(of().filter(right).count(), of().count())
}

fn print_operating(out: &mut impl Write, outcomes: &[Outcome]) -> anyhow::Result<()> {
    writeln!(out, "| threshold | start | mid | inside | end of line |")?;
    writeln!(out, "|---|---|---|---|---|")?;
    for threshold in THRESHOLDS {
        write!(out, "| {threshold} |")?;
        for cursor in CURSORS {
            let all = outcomes.iter().filter(|outcome| outcome.cursor == cursor);
            let answered: Vec<_> = all.clone().filter(|outcome| outcome.confidence >= threshold).collect();
            let precision = share(answered.iter().filter(|outcome| outcome.exact).count(), answered.len());
            write!(out, " {:.3} / {precision:.3} |", share(answered.len(), all.count()))?;
        }
        writeln!(out)?;
    }
    write!(out, "| ECE |")?;
    for cursor in CURSORS {
        let of: Vec<_> = outcomes.iter().filter(|outcome| outcome.cursor == cursor).collect();
        write!(out, " {:.3} |", calibration_error(&of))?;
    }
    let all: Vec<_> = outcomes.iter().collect();
    writeln!(out, "\n\nECE over all cursors: {:.4}\n", calibration_error(&all))?;
    Ok(())
}

/// The Rust source that holds the weights.
fn render(fitted: &[Repository], settings: &Settings, weights: &Weights) -> String {
    let mut from = String::new();
    for Repository { name, report } in fitted {
        from.push_str(&format!(
            "//! - {name}, {} commits: {}..{}\n",
            report.commits, report.oldest, report.head
        ));
    }
    let numbers =
        |weights: &[f64]| weights.iter().map(|weight| format!("    {weight:.6},\n")).collect::<String>();
    format!(
        "//! Weights of the ranking and of its confidence. Generated by the example `calibrate`; do not edit.\n//!\n\
         //! Fitted on the history (oldest commit replayed, commit indexed last) of these public repositories:\n{from}\n\
         use crate::confidence::CONFIDENCE_FEATURES;\nuse crate::rank::RANK_FEATURES;\n\n\
         /// Below this confidence the model declines unless the request says otherwise.\n\
         pub(crate) const THRESHOLD: f64 = {:?};\n\n\
         /// The weight of each of a candidate's features, then of those of \"none of these\".\n\
         #[rustfmt::skip]\n\
         pub(crate) const RANK: [f64; RANK_FEATURES] = [\n{}];\n\n\
         /// The weight of each of an answer's features.\n\
         #[rustfmt::skip]\n\
         pub(crate) const CONFIDENCE: [f64; CONFIDENCE_FEATURES] = [\n{}];\n",
        settings.threshold,
        numbers(&weights.rank),
        numbers(&weights.confidence)
    )
}
