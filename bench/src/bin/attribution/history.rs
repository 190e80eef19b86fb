//! What is replayed: the commits of a real repository, or the small history that comes with this program.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use waymark_testkit::Random;

use crate::git::Git;

/// Longer files are left out: what makes them is no person and no model.
const LONGEST: usize = 1_500;
const WIDEST: usize = 400;
/// So many files that no commit touches are taken along.
const BYSTANDERS: usize = 12;
/// A commit with more files is an import or a sweep.
const MOST_FILES: usize = 25;

/// Commits to replay, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) name: String,
    /// The files before the first commit.
    pub(crate) base: BTreeMap<String, String>,
    pub(crate) steps: Vec<Step>,
}

/// A commit.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) subject: String,
    pub(crate) changes: Vec<Change>,
}

/// What a commit does to a file.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) path: String,
    /// The text before, if there was one.
    pub(crate) before: Option<String>,
    /// The text after, if there is one.
    pub(crate) after: Option<String>,
}

impl History {
    /// The last commits of a repository, or an earlier stretch of as many.
    pub(crate) fn of(folder: &Path, commits: usize, random: &mut Random) -> Result<Self> {
        let git = Git::at(folder);
        let listed = git.run(&["rev-list", "--first-parent", "--reverse", "HEAD"])?;
        let ids: Vec<&str> = listed.lines().collect();
        ensure!(ids.len() > 1, "{} has no history", folder.display());
        let wanted = commits.min(ids.len() - 1);
        let start = random.below(ids.len() - wanted);
        let mut steps = Vec::new();
        let mut touched = BTreeSet::new();
        for (parent, id) in ids[start..].iter().zip(&ids[start + 1..=start + wanted]) {
            let step = step(&git, parent, id)?;
            touched.extend(step.changes.iter().map(|change| change.path.clone()));
            if !step.changes.is_empty() && step.changes.len() <= MOST_FILES {
                steps.push(step);
            }
        }
        let base = base(&git, ids[start], &touched, random)?;
        Ok(Self { name: name(folder), base, steps })
    }
}

/// The folder's name without what git puts behind it.
fn name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.trim_end_matches(".git");
    let is_plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let name: String = name.chars().filter(|c| is_plain(*c)).collect();
    if name.is_empty() { "replayed".to_owned() } else { name }
}

fn step(git: &Git, parent: &str, id: &str) -> Result<Step> {
    let subject = git.run(&["log", "-1", "--format=%s", id])?.trim().to_owned();
    let listed = git.run(&["diff-tree", "-r", "-z", "--no-renames", "--name-only", parent, id])?;
    let mut changes = Vec::new();
    for path in listed.split('\0').filter(|path| is_plain(path)).take(MOST_FILES + 1) {
        let before = text(git, parent, path);
        let after = text(git, id, path);
        if before != after {
            changes.push(Change { path: path.to_owned(), before, after });
        }
    }
    Ok(Step { subject, changes })
}

/// The files that will be touched, and some that will not.
fn base(
    git: &Git,
    id: &str,
    touched: &BTreeSet<String>,
    random: &mut Random,
) -> Result<BTreeMap<String, String>> {
    let listed = git.run(&["ls-tree", "-r", "-z", "--name-only", id])?;
    let (taken, mut others): (Vec<&str>, Vec<&str>) =
        listed.split('\0').filter(|path| is_plain(path)).partition(|path| touched.contains(*path));
    let mut bystanders = Vec::new();
    while bystanders.len() < BYSTANDERS && !others.is_empty() {
        bystanders.push(others.swap_remove(random.below(others.len())));
    }
    let mut base = BTreeMap::new();
    for path in taken.into_iter().chain(bystanders) {
        if let Some(text) = text(git, id, path) {
            base.insert(path.to_owned(), text);
        }
    }
    Ok(base)
}

/// Paths that need no quoting anywhere.
fn is_plain(path: &str) -> bool {
    !path.is_empty() && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@".contains(c))
}

/// A file's text; nothing where it is none that people write line by line.
fn text(git: &Git, id: &str, path: &str) -> Option<String> {
    let bytes = git.bytes(&["cat-file", "blob", &format!("{id}:{path}")]).ok()?;
    String::from_utf8(bytes).ok().filter(|text| is_written(text))
}

fn is_written(text: &str) -> bool {
    let is_odd = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{feff}';
    !text.trim().is_empty()
        && !text.contains(is_odd)
        && text.lines().count() <= LONGEST
        && text.lines().all(|line| line.len() <= WIDEST)
}

/// The history that comes with this program. Every file is a weave: each line with the first version that has it, and
/// the last where there is one.
pub(crate) fn bundled(folder: &Path) -> Result<History> {
    let mut weaves: BTreeMap<String, Vec<Woven>> = BTreeMap::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("the folder {}", folder.display()))?;
    for entry in entries {
        let file = entry?.path();
        let text = std::fs::read_to_string(&file).with_context(|| format!("the file {}", file.display()))?;
        let (path, weave) = woven(&text).with_context(|| format!("the weave {}", file.display()))?;
        weaves.insert(path, weave);
    }
    let last = weaves.values().flatten().map(|line| line.first).max().context("no weaves")?;
    let version = |weave: &[Woven], number: usize| {
        let lines = weave.iter().filter(|line| (line.first..=line.last).contains(&number));
        let text: String = lines.map(|line| format!("{}\n", line.text)).collect();
        (!text.is_empty()).then_some(text)
    };
    let base = weaves.iter().filter_map(|(path, weave)| Some((path.clone(), version(weave, 1)?))).collect();
    let steps = (2..=last).map(|number| {
        let changes = weaves.iter().filter_map(|(path, weave)| {
            let (before, after) = (version(weave, number - 1), version(weave, number));
            (before != after).then(|| Change { path: path.clone(), before, after })
        });
        Step { subject: format!("version {number}"), changes: changes.collect() }
    });
    Ok(History { name: "bundled".to_owned(), base, steps: steps.collect() })
}

/// A line of a weave.
#[derive(Debug, PartialEq, Eq)]
struct Woven {
    first: usize,
    last: usize,
    text: String,
}

/// Reads a weave: the file's path, then `FIRST|TEXT` or `FIRST-LAST|TEXT`.
fn woven(text: &str) -> Result<(String, Vec<Woven>)> {
    let (path, lines) = text.split_once('\n').context("it is empty")?;
    let line = |(number, line): (usize, &str)| {
        let (versions, text) =
            line.split_once('|').with_context(|| format!("line {} has no |", number + 2))?;
        let (first, last) = versions.split_once('-').unwrap_or((versions, ""));
        let first = first.trim().parse().with_context(|| format!("line {}: {versions:?}", number + 2))?;
        let last = if last.is_empty() { usize::MAX } else { last.trim().parse()? };
        Ok(Woven { first, last, text: text.to_owned() })
    };
    Ok((path.to_owned(), lines.lines().enumerate().map(line).collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weave_holds_every_version() {
        let (path, lines) = woven("src/a.rs\n1|fn a() {\n1-2|    one();\n3|    two();\n1|}\n").unwrap();
        assert_eq!((path.as_str(), lines.len()), ("src/a.rs", 4));
        assert_eq!((lines[1].first, lines[1].last, lines[1].text.as_str()), (1, 2, "    one();"));
        assert!(woven("a\nno version\n").is_err());
    }

    #[test]
    fn the_bundled_history_has_several_versions_of_several_languages() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/attribution");
        let history = bundled(&folder).unwrap();
        assert!((5..=10).contains(&history.steps.len()), "{}", history.steps.len());
        let endings: BTreeSet<&str> =
            history.base.keys().filter_map(|path| path.rsplit_once('.')).map(|(_, ending)| ending).collect();
        assert!(endings.len() >= 5, "{endings:?}");
        assert!(history.steps.iter().all(|step| !step.changes.is_empty()));
    }

    #[test]
    fn what_is_not_written_line_by_line_is_left_out() {
        assert!(is_written("fn a() {}\n"));
        assert!(!is_written("a\r\n") && !is_written("\0") && !is_written(&"x".repeat(WIDEST + 1)));
        assert!(is_plain("src/a-b.rs") && !is_plain("a b") && !is_plain(""));
    }
}
