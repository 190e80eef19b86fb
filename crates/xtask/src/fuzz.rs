//! `cargo xtask fuzz`: every reader of bytes from outside, fed what nobody would send.
//!
//! `fuzz/` has the layout of cargo-fuzz, but neither it nor a nightly compiler is needed: the flags that let libFuzzer
//! see which code an input reaches are stable.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::process;
use crate::workspace::{Workspace, cargo};

/// Runs of each target unless something else is asked for: ten million in all.
const RUNS: u64 = 850_000;
/// Slow targets run this many times less often.
const SLOWER: u64 = 50;
/// Tells libFuzzer which code an input reaches.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
];
/// A run may take 10 seconds and 1 GiB; an input has at most 4 KiB, so that either is a finding.
const LIMITS: &[&str] = &["-timeout=10", "-rss_limit_mb=1024", "-max_len=4096"];
/// Lines of what a target said last that are shown when it fails.
const SHOWN: usize = 60;

/// What to fuzz, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Only this target, a file in `fuzz/fuzz_targets`
    target: Option<String>,
    /// Runs of each target
    #[arg(long, conflicts_with_all = ["seconds", "file"])]
    runs: Option<u64>,
    /// Seconds for each target
    #[arg(long, conflicts_with = "file")]
    seconds: Option<u64>,
    /// Only this input, once: what a finding's report names
    #[arg(long, requires = "target")]
    file: Option<PathBuf>,
}

/// What cargo says about the fuzz targets' package.
#[derive(Debug, Deserialize)]
struct Package {
    targets: Vec<Target>,
    metadata: Slow,
}

#[derive(Debug, Deserialize)]
struct Slow {
    slow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    src_path: PathBuf,
    #[serde(skip)]
    is_slow: bool,
}

/// The fuzz targets' own workspace.
struct Fuzz {
    folder: PathBuf,
    /// Where it is built.
    target: PathBuf,
    /// What rustc compiles for here.
    host: String,
}

/// Builds all targets, seeds them, runs them one after another, and says how often each ran.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let fuzz = Fuzz::load()?;
    let targets = fuzz.targets(wanted.target.as_deref())?;
    fuzz.build()?;
    if let Some(file) = &wanted.file {
        return process::run(fuzz.program(&targets[0].name).args(LIMITS).arg(file));
    }
    process::run(&mut fuzz.program("seeds")).context("no seeds were written")?;
    let (mut total, mut findings) = (0, Vec::new());
    for target in &targets {
        let started = Instant::now();
        match fuzz.target(target, wanted)? {
            Ended::Well { runs } => {
                println!("  {:<20} {runs:>10} runs {:>7.1} s", target.name, started.elapsed().as_secs_f64());
                total += runs;
            }
            Ended::Finding { file } => {
                println!("  {:<20} a finding: {file}", target.name);
                findings.push(format!("cargo xtask fuzz {} --file {file}", target.name));
            }
        }
    }
    println!("  {:<20} {total:>10} runs without a finding", "total");
    if findings.is_empty() {
        return Ok(());
    }
    bail!("{} findings; to run them again:\n{}", findings.len(), findings.join("\n"))
}

/// How fuzzing a target ended.
enum Ended {
    /// After this many runs.
    Well { runs: u64 },
    /// With an input that it must not fail on, in this file.
    Finding { file: String },
}

impl Fuzz {
    fn load() -> Result<Self> {
        let workspace = Workspace::load()?;
        let version = process::output(Command::new("rustc").arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say what it compiles for")?.to_owned();
        Ok(Self { folder: workspace.root.join("fuzz"), target: workspace.target.join("fuzz"), host })
    }

    /// The targets, or the one wanted.
    fn targets(&self, wanted: Option<&str>) -> Result<Vec<Target>> {
        #[derive(Deserialize)]
        struct Metadata {
            packages: [Package; 1],
        }
        let mut metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let text = process::output(metadata.current_dir(&self.folder))?;
        let Metadata { packages: [package] } =
            serde_json::from_str(&text).context("cannot read what cargo says about the fuzz targets")?;
        let mut targets = package.targets;
        targets.retain(|target| target.src_path.parent() == Some(&self.folder.join("fuzz_targets")));
        let names = targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>().join(", ");
        for target in &mut targets {
            target.is_slow = package.metadata.slow.contains(&target.name);
        }
        targets.retain(|target| wanted.is_none_or(|wanted| target.name == wanted));
        if targets.is_empty() { bail!("no such fuzz target; there are {names}") } else { Ok(targets) }
    }

    fn build(&self) -> Result<()> {
        let mut build = cargo(&["build", "--release", "--quiet", "--target", &self.host]);
        // With a target named, build scripts and macros go without these flags.
        build.env("RUSTFLAGS", COVERAGE.join(" ")).arg("--target-dir").arg(&self.target);
        process::run(build.current_dir(&self.folder)).context("the fuzz targets could not be built")
    }

    fn program(&self, name: &str) -> Command {
        Command::new(self.target.join(&self.host).join("release").join(name))
    }

    /// Fuzzes one target, after its runs or up to its first finding.
    fn target(&self, target: &Target, wanted: &Wanted) -> Result<Ended> {
        let Target { name, is_slow, .. } = target;
        let findings = self.folder.join("artifacts").join(name);
        std::fs::create_dir_all(&findings).context("cannot make a folder for findings")?;
        let corpus = self.folder.join("corpus");
        let usual = if *is_slow { RUNS / SLOWER } else { RUNS };
        let limit = match wanted.seconds {
            Some(seconds) => format!("-max_total_time={seconds}"),
            None => format!("-runs={}", wanted.runs.unwrap_or(usual)),
        };
        let mut program = self.program(name);
        program.arg(corpus.join(name)).args(LIMITS).args([&limit, "-verbosity=0", "-print_final_stats=1"]);
        program.arg(format!("-dict={}", corpus.join("words.dict").display()));
        program.arg(format!("-artifact_prefix={}/", findings.display()));
        let (is_well, said) = watch(&mut program)?;
        if is_well {
            let runs = said.iter().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
            let runs = runs.and_then(|runs| runs.trim().parse().ok());
            return Ok(Ended::Well { runs: runs.context("the target does not say how often it ran")? });
        }
        said.iter().for_each(|line| println!("    {line}"));
        let file = said.iter().rev().find_map(|line| Some(line.split_once("Test unit written to ")?.1));
        Ok(Ended::Finding { file: file.context("the target failed without a finding")?.to_owned() })
    }
}

/// Runs a target to its end: whether it was a good one, and the last lines of what it said.
fn watch(program: &mut Command) -> Result<(bool, Vec<String>)> {
    let mut running =
        program.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().context("cannot start the target")?;
    let mut said = Vec::new();
    for line in running.stderr.take().into_iter().flat_map(|lines| BufReader::new(lines).lines()) {
        said.push(line.context("cannot read what the target says")?);
        said.drain(..said.len().saturating_sub(SHOWN));
    }
    Ok((running.wait().context("the target is lost")?.success(), said))
}
