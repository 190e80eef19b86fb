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
const RUNS: u64 = 800_000;
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

/// The fuzz targets' own workspace.
struct Fuzz {
    folder: PathBuf,
    programs: PathBuf,
    host: String,
}

/// Builds all targets, seeds them, runs them one after another, and says how often each ran.
pub(crate) fn run(wanted: &Wanted) -> Result<()> {
    let fuzz = Fuzz::load()?;
    let targets = fuzz.targets(wanted.target.as_deref())?;
    fuzz.build()?;
    if let Some(file) = &wanted.file {
        return process::run(Command::new(fuzz.programs.join(&targets[0])).args(LIMITS).arg(file));
    }
    process::run(&mut Command::new(fuzz.programs.join("seeds"))).context("no seeds were written")?;
    let mut total = 0;
    for target in &targets {
        let started = Instant::now();
        let runs = fuzz.target(target, wanted)?;
        println!("  {target:<20} {runs:>10} runs {:>7.1} s", started.elapsed().as_secs_f64());
        total += runs;
    }
    println!("  {:<20} {total:>10} runs without a finding", "total");
    Ok(())
}

impl Fuzz {
    fn load() -> Result<Self> {
        let workspace = Workspace::load()?;
        let version = process::output(Command::new("rustc").arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say what it compiles for")?.to_owned();
        let programs = workspace.target.join("fuzz").join(&host).join("release");
        Ok(Self { folder: workspace.root.join("fuzz"), programs, host })
    }

    /// The targets' names, or the one wanted.
    fn targets(&self, wanted: Option<&str>) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Metadata {
            packages: [Package; 1],
        }
        #[derive(Deserialize)]
        struct Package {
            targets: Vec<Target>,
        }
        #[derive(Deserialize)]
        struct Target {
            name: String,
            src_path: PathBuf,
        }
        let mut metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let text = process::output(metadata.current_dir(&self.folder))?;
        let Metadata { packages: [package] } =
            serde_json::from_str(&text).context("cannot read what cargo says about the fuzz targets")?;
        let is_target = |target: &Target| target.src_path.parent() == Some(&self.folder.join("fuzz_targets"));
        let all: Vec<String> =
            package.targets.into_iter().filter(is_target).map(|target| target.name).collect();
        match wanted {
            None => Ok(all),
            Some(name) if all.iter().any(|target| target == name) => Ok(vec![name.to_owned()]),
            Some(name) => bail!("no fuzz target `{name}`; there are {}", all.join(", ")),
        }
    }

    fn build(&self) -> Result<()> {
        let mut build = cargo(&["build", "--release", "--quiet", "--target", &self.host]);
        // With a target named, build scripts and macros go without these flags.
        build.env("RUSTFLAGS", COVERAGE.join(" ")).arg("--target-dir").arg(self.programs.join("../.."));
        process::run(build.current_dir(&self.folder)).context("the fuzz targets could not be built")
    }

    /// Fuzzes one target and returns how often it ran.
    fn target(&self, target: &str, wanted: &Wanted) -> Result<u64> {
        let findings = self.folder.join("artifacts").join(target);
        std::fs::create_dir_all(&findings).context("cannot make a folder for findings")?;
        let corpus = self.folder.join("corpus");
        let limit = match (wanted.seconds, wanted.runs) {
            (Some(seconds), _) => format!("-max_total_time={seconds}"),
            (None, runs) => format!("-runs={}", runs.unwrap_or(RUNS)),
        };
        let mut program = Command::new(self.programs.join(target));
        program.arg(corpus.join(target)).args(LIMITS).args([&limit, "-print_final_stats=1"]);
        program.arg(format!("-dict={}", corpus.join("words.dict").display()));
        program.arg(format!("-artifact_prefix={}/", findings.display()));
        let (status, said) = watch(&mut program)?;
        if status {
            let runs = said.iter().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
            return runs
                .and_then(|runs| runs.trim().parse().ok())
                .context("the target does not say how often it ran");
        }
        said.iter().for_each(|line| println!("    {line}"));
        let file = said.iter().rev().find_map(|line| Some(line.split_once("Test unit written to ")?.1));
        let file = file.context("the target failed without a finding")?;
        bail!("a finding in {target}: {file}\nto run it again: cargo xtask fuzz {target} --file {file}")
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
