//! Measures how long git takes to say who wrote a line: `blame_speed [COMMITS]`, a hundred thousand by default.
//!
//! Makes a repository of that many commits in a temporary folder. One file of 5,000 lines changes in a fiftieth of them,
//! two thousand others in the rest. Then asks for lines of it and of an ordinary file, without and with a shadow, and again
//! after more commits; and as far back as a ledger that began a hundredth or a tenth of them ago would. Figures are the
//! shortest of five, in milliseconds: what else the machine does counts least there.
#![expect(clippy::print_stdout, reason = "a measuring program prints its figures")]

use std::error::Error;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use waymark_provenance::git::{Commands, CommitId, Repository};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The file that changes often, and how many lines it has.
const HOT: &str = "src/hot/big.rs";
const HOT_LINES: usize = 5_000;
/// One of the others.
const ORDINARY: &str = "src/dir5/file5.rs";
/// When the first commit was made, in seconds since 1970, and how far the next are apart.
const BEGUN: i64 = 1_500_000_000;
const APART: i64 = 60;
/// How often the large file changes: once in as many commits.
const EVERY: usize = 50;

struct Here(PathBuf);

impl Commands for Here {
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Numbers that are the same each time (a linear congruence; Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn line(&mut self, number: usize) -> String {
        const WORDS: [&str; 8] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];
        let (a, b) = (WORDS[self.below(8)], WORDS[self.below(8)]);
        format!("    let {a}_{number} = {b}({});", self.below(1_000_000))
    }
}

fn main() -> Outcome<()> {
    let commits = std::env::args().nth(1).map_or(Ok(100_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let (repository, shadow) = (folder.path().join("repository"), folder.path().join("shadow"));
    let mut history = History::start();
    let started = Instant::now();
    history.write(&repository, commits)?;
    println!("{commits} commits written in {:.0} s", started.elapsed().as_secs_f64());
    let plain = open(&repository)?;
    let newest = BEGUN + APART * (commits as i64 - 1);
    let back = [100, 10].map(|part| (commits / part, newest - APART * (commits / part) as i64));
    let measure_back = |git: &Repository, what: &str| {
        back.iter().try_for_each(|(count, since)| {
            measure(&format!("{what}, {count} commits back"), git, &shadow, Some(*since))
        })
    };
    measure("without a shadow", &plain, &shadow, None)?;
    measure_back(&plain, "without a shadow")?;
    let shadowed = open(&repository)?.with_shadow(&shadow)?;
    let started = Instant::now();
    shadowed.refresh(&mut |_, _| {})?;
    println!("shadow made in {:.1} s", started.elapsed().as_secs_f64());
    measure("with a shadow, nothing kept", &shadowed, &shadow, None)?;
    measure_back(&shadowed, "with a shadow, nothing kept")?;
    for path in [HOT, ORDINARY] {
        let started = Instant::now();
        shadowed.blame(Some(&head(&shadowed)?), path, None)?;
        println!("  {path}: all lines, kept: {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    }
    measure("with a shadow, kept", &shadowed, &shadow, None)?;
    history.write(&repository, 1_000)?;
    measure("with a shadow, kept 1,000 commits ago", &shadowed, &shadow, None)?;
    let started = Instant::now();
    shadowed.refresh(&mut |_, _| {})?;
    println!("shadow brought up to 1,000 commits more in {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    shadowed.refresh(&mut |_, _| {})?;
    println!("shadow found current in {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

fn open(folder: &Path) -> Outcome<Repository> {
    Ok(Repository::open(Box::new(Here(folder.to_owned())))?)
}

fn head(git: &Repository) -> Outcome<CommitId> {
    Ok(git.head()?.ok_or("no commit")?)
}

/// What is kept in the shadow, to be put back before each question.
struct Kept(PathBuf, Vec<(PathBuf, Vec<u8>)>);

impl Kept {
    fn take(shadow: &Path) -> Outcome<Self> {
        let folder = shadow.join("blames");
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry?.path();
            files.push((path.clone(), std::fs::read(path)?));
        }
        Ok(Self(folder, files))
    }

    fn restore(&self) -> Outcome<()> {
        for entry in std::fs::read_dir(&self.0).into_iter().flatten() {
            std::fs::remove_file(entry?.path())?;
        }
        self.1.iter().try_for_each(|(path, bytes)| Ok(std::fs::write(path, bytes)?))
    }
}

/// The shortest of five.
fn shortest(mut act: impl FnMut() -> Outcome<()>, kept: &Kept) -> Outcome<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..5 {
        kept.restore()?;
        let started = Instant::now();
        act()?;
        least = least.min(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(least)
}

fn measure(what: &str, git: &Repository, shadow: &Path, since: Option<i64>) -> Outcome<()> {
    let kept = &Kept::take(shadow)?;
    println!("{what}:");
    for path in [HOT, ORDINARY] {
        let commit = head(git)?;
        let lines = git.blame(Some(&commit), path, None)?;
        let ids: Vec<CommitId> = lines.iter().filter_map(|line| line.commit).collect();
        let read = git.commits(&ids)?;
        let mut ages: Vec<usize> = (0..lines.len()).collect();
        ages.sort_by_key(|&at| read[at].committer.time);
        for (age, at) in [("oldest", ages[0]), ("youngest", ages[ages.len() - 1])] {
            let number = lines[at].number;
            // All that a question of a user's takes: to find the repository's `HEAD`, the line and its commit.
            let time = shortest(
                || {
                    let commit = head(git)?;
                    let line = git.blame_since(Some(&commit), path, Some(number..=number), since)?;
                    git.commits(&[line[0].commit.ok_or("not committed")?])?;
                    Ok(())
                },
                kept,
            )?;
            println!("  {path}: the {age} line: {time:.0} ms");
        }
        let all = || git.blame_since(Some(&commit), path, None, since).map(drop).map_err(Into::into);
        let time = shortest(all, kept)?;
        println!("  {path}: all {} lines: {time:.0} ms", lines.len());
    }
    kept.restore()
}

/// What has been written so far.
struct History {
    numbers: Numbers,
    written: usize,
    hot: Vec<String>,
    others: Vec<Vec<String>>,
}

impl History {
    fn start() -> Self {
        let mut numbers = Numbers(1);
        let hot = (0..HOT_LINES).map(|line| numbers.line(line)).collect();
        Self { numbers, written: 0, hot, others: vec![Vec::new(); 2_000] }
    }

    /// Adds commits with `git fast-import`.
    fn write(&mut self, folder: &Path, commits: usize) -> Outcome<()> {
        let is_new = self.written == 0;
        if is_new {
            Command::new("git").args(["init", "-q", "--bare", "-b", "main"]).arg(folder).status()?;
        }
        let mut import = Here(folder.to_owned()).command();
        let mut child =
            import.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let mut stream = BufWriter::new(child.stdin.take().ok_or("no stdin")?);
        for number in self.written..self.written + commits {
            let time = BEGUN + APART * number as i64;
            write!(stream, "commit refs/heads/main\ncommitter Ada <ada@example.com> {time} +0000\n")?;
            write!(stream, "data 6\nchange\n")?;
            if number == self.written && !is_new {
                writeln!(stream, "from refs/heads/main^0")?;
            }
            let (path, text) = self.change(number);
            write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len())?;
        }
        self.written += commits;
        stream.into_inner()?;
        if child.wait()?.success() { Ok(()) } else { Err("git fast-import failed".into()) }
    }

    fn change(&mut self, number: usize) -> (String, String) {
        let Self { numbers, hot, others, .. } = self;
        if number.is_multiple_of(EVERY) {
            for _ in 0..=numbers.below(3) {
                let line = numbers.line(number);
                let at = numbers.below(HOT_LINES);
                hot.remove(at);
                hot.insert(numbers.below(HOT_LINES), line);
            }
            return (HOT.to_owned(), hot.join("\n") + "\n");
        }
        let file = numbers.below(others.len());
        let line = numbers.line(number);
        let lines = &mut others[file];
        if lines.len() < 40 {
            lines.push(line);
        } else {
            lines[numbers.below(40)] = line;
        }
        (format!("src/dir{}/file{}.rs", file / 20, file % 20), lines.join("\n") + "\n")
    }
}
