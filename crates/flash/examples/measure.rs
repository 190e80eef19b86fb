//! Measures the embedded model on one repository: `measure REPO [--show N | --replay COMMITS]`.
//!
//! Index time, query latency over cursors spread evenly through the indexed files, and how long a saved edit takes
//! to be visible. With `--show N`, N completions at cursors chosen by a fixed rule instead; with `--replay N`, the
//! next-commit protocol over N commits.
#![expect(clippy::print_stdout, reason = "a measuring program prints its figures")]

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use waymark_flash::replay::{self, Cursor, Options};
use waymark_flash::{CompletionRequest, Flash};

/// How many cursors are timed.
const QUERIES: usize = 5_000;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let repository = Path::new(args.first().ok_or("usage: measure REPO [--show N | --replay COMMITS]")?);
    let number = || args.get(2).map_or(Ok(100), |number| number.parse());
    match args.get(1).map(String::as_str) {
        Some("--show") => show(repository, number()?),
        Some("--replay") => replay(repository, number()?),
        _ => measure(repository),
    }
}

fn git(repository: &Path, args: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new("git").arg("-C").arg(repository).args(args).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn code_files(repository: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let endings = [".rs", ".py", ".go", ".ts", ".js", ".java"];
    let listing = git(repository, &["ls-tree", "-r", "--name-only", "HEAD"])?;
    Ok(listing
        .lines()
        .filter(|path| endings.iter().any(|end| path.ends_with(end)))
        .map(str::to_owned)
        .collect())
}

fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

/// The resident memory of this process in MB, where the system tells.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn measure(repository: &Path) -> Result<(), Box<dyn Error>> {
    let before = resident();
    let started = Instant::now();
    let flash = Flash::open(repository, &|_| {})?;
    let opened = started.elapsed().as_secs_f64();
    let stats = flash.stats();
    let millions = stats.tokens as f64 / 1e6;
    println!("files {}  lines {}  tokens {}  bytes {}", stats.files, stats.lines, stats.tokens, stats.bytes);
    println!("index {opened:.2} s, {:.2} s per million tokens", opened / millions);
    let grown = resident() - before;
    println!("resident +{grown:.0} MB, {:.1} bytes per token", grown * 1024.0 * 1024.0 / stats.tokens as f64);
    let mut files = code_files(repository)?;
    let step = (files.len() / 400).max(1);
    files = files.into_iter().step_by(step).collect();
    let mut times = Vec::with_capacity(QUERIES);
    for path in &files {
        let text = git(repository, &["show", &format!("HEAD:{path}")])?;
        for cut in 0..QUERIES.div_ceil(files.len()) {
            let at = text.floor_char_boundary(text.len() * (2 * cut + 1) * files.len() / (2 * QUERIES));
            let (prefix, suffix) = text.split_at(at);
            let request =
                CompletionRequest { prefix, suffix, path: Some(path), ..CompletionRequest::default() };
            // The best of three: the scheduler's other work is not the model's.
            let runs = (0..3).map(|_| {
                let started = Instant::now();
                std::hint::black_box(flash.complete(&request));
                started.elapsed().as_secs_f64() * 1e6
            });
            times.push(runs.fold(f64::INFINITY, f64::min));
        }
    }
    times.sort_by(f64::total_cmp);
    let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| percentile(&times, share));
    println!("queries {}: p50 {p50:.0} µs, p90 {p90:.0} µs, p99 {p99:.0} µs", times.len());
    let largest = git(repository, &["show", &format!("HEAD:{}", files[0])])?;
    let mut edits: Vec<f64> = (0..100)
        .map(|edit| {
            let text = format!("{largest}\nlet edit = {edit};\n");
            let started = Instant::now();
            flash.saved(&files[0], &text);
            started.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    edits.sort_by(f64::total_cmp);
    println!(
        "saved edit visible: p50 {:.0} µs, p99 {:.0} µs",
        percentile(&edits, 0.5),
        percentile(&edits, 0.99)
    );
    Ok(())
}

fn replay(repository: &Path, commits: usize) -> Result<(), Box<dyn Error>> {
    let options = Options { commits, ..Options::default() };
    let report = replay::run(repository, &options, &|_, _| {})?;
    let start = report.exact_match(Cursor::Start);
    let [mid, inside] = [Cursor::Mid, Cursor::Inside].map(|cursor| report.exact_match(cursor));
    println!(
        "commits {} lines {} tokens {} | start {:.3} ({:.3}) mid {:.3} ({:.3}) inside {:.3} ({:.3})",
        report.commits,
        start.cursors,
        report.tokens,
        start.exact,
        start.among,
        mid.exact,
        mid.among,
        inside.exact,
        inside.among
    );
    for threshold in [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9] {
        let [start, mid, inside] =
            [Cursor::Start, Cursor::Mid, Cursor::Inside].map(|cursor| report.operating(cursor, threshold));
        println!(
            "{threshold}: start {:.3}/{:.3} mid {:.3}/{:.3} inside {:.3}/{:.3}",
            start.coverage, start.precision, mid.coverage, mid.precision, inside.coverage, inside.precision
        );
    }
    Ok(())
}

/// The rule: code files in path order, evenly spaced; in each the line in the middle, or the first below it that has
/// at least 20 characters besides indentation; the cursor behind the third blank-separated word of the line, or
/// behind its first half when it has fewer words.
fn show(repository: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let flash = Flash::open(repository, &|_| {})?;
    let files = code_files(repository)?;
    for path in files.iter().step_by((files.len() / count).max(1)).take(count) {
        let text = git(repository, &["show", &format!("HEAD:{path}")])?;
        let lines: Vec<&str> = text.lines().collect();
        let Some(line) = (lines.len() / 2..lines.len()).find(|&line| lines[line].trim().len() >= 20) else {
            continue;
        };
        let start: usize = lines[..line].iter().map(|line| line.len() + 1).sum();
        let content = lines[line].trim_start();
        let indent = lines[line].len() - content.len();
        let third = content.match_indices(' ').nth(2).map(|(at, _)| at);
        let at = third.unwrap_or(content.floor_char_boundary(content.len() / 2));
        let (prefix, rest) = text.split_at(start + indent + at);
        let suffix = &rest[content.len() - at..];
        let answer = flash.complete(&CompletionRequest {
            prefix,
            suffix,
            path: Some(path),
            ..CompletionRequest::default()
        });
        println!("{path}:{}\n  typed   {}\n  wanted  {}", line + 1, &content[..at], &content[at..]);
        match answer.suggestion {
            None => println!("  declined (confidence {:.2})", answer.confidence),
            Some(suggestion) => {
                println!("  offered {} (confidence {:.2})", suggestion.text, suggestion.confidence);
                for citation in suggestion.citations.iter().take(2) {
                    println!(
                        "    {:?} {}:{} {:?}",
                        citation.source, citation.path, citation.line, citation.licence
                    );
                }
            }
        }
    }
    Ok(())
}
