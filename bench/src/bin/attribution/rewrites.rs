//! What people do to a history after it was made. Each is done to a copy, and who wrote each line of the outcome follows
//! from what was done.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use waymark_testkit::Random;

use crate::format::Style;
use crate::git::Git;
use crate::human;
use crate::replay::{Batch, Pages};
use crate::truth::{File, Truth, hunks};

/// A way to rewrite the commits of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rewrite {
    None,
    Amend,
    Rebase,
    Fixup,
    SquashMerge,
    CherryPick,
    Merge,
    Revert,
    RevertOfRevert,
    Rename,
    RenameWithEdits,
    Format,
    Filter,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Rewritten {
    pub(crate) git: Git,
    pub(crate) pages: Pages,
}

const ALL: [(Rewrite, &str); 13] = [
    (Rewrite::None, "as committed"),
    (Rewrite::Amend, "amend"),
    (Rewrite::Rebase, "rebase"),
    (Rewrite::Fixup, "rebase -i, fixup"),
    (Rewrite::SquashMerge, "merge --squash"),
    (Rewrite::CherryPick, "cherry-pick"),
    (Rewrite::Merge, "merge, by hand"),
    (Rewrite::Revert, "revert"),
    (Rewrite::RevertOfRevert, "revert of the revert"),
    (Rewrite::Rename, "rename"),
    (Rewrite::RenameWithEdits, "rename with edits"),
    (Rewrite::Format, "formatter"),
    (Rewrite::Filter, "rewrite of all"),
];

impl Rewrite {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|(rewrite, _)| *rewrite)
    }

    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(rewrite, _)| *rewrite == self).map_or("", |(_, name)| name)
    }

    /// Whether the lines of the tip are what they were.
    pub(crate) fn keeps_lines(self) -> bool {
        !matches!(self, Self::Revert | Self::Format)
    }

    /// Does it to a copy of the repository in a folder of its own.
    pub(crate) fn apply(
        self,
        git: &Git,
        folder: &Path,
        batch: &Batch,
        random: &mut Random,
    ) -> Result<Rewritten> {
        let name = git.folder().file_name().context("a repository has a name")?;
        let copy = git.copy(&folder.join(format!("{self:?}")).join(name))?;
        let pages = match self {
            Self::None => batch.pages.clone(),
            Self::Amend => {
                copy.run(&["commit", "--quiet", "--amend", "--allow-empty", "--message", "in other words"])?;
                batch.pages.clone()
            }
            Self::Rebase => rebase(&copy, batch)?,
            Self::Fixup => {
                let editor = [("GIT_SEQUENCE_EDITOR", "sed -i -e '2,$s/^pick/fixup/'")];
                copy.run_with(&["rebase", "--quiet", "--interactive", &batch.base], &editor)?;
                batch.pages.clone()
            }
            Self::SquashMerge => {
                copy.run(&["checkout", "--quiet", "-b", "trunk", &batch.base])?;
                copy.run(&["merge", "--quiet", "--squash", &batch.tip])?;
                copy.commit("all of it")?;
                batch.pages.clone()
            }
            Self::CherryPick => {
                copy.run(&["checkout", "--quiet", "-b", "release", &batch.base])?;
                notes(&copy)?;
                let range = format!("{}..{}", batch.base, batch.tip);
                copy.run(&["cherry-pick", "--allow-empty", "--keep-redundant-commits", &range])?;
                batch.pages.clone()
            }
            Self::Merge => merge(&copy, batch, random)?,
            Self::Revert => {
                copy.run(&["revert", "--no-edit", "HEAD"])?;
                batch.last_but_one.clone()
            }
            Self::RevertOfRevert => {
                copy.run(&["revert", "--no-edit", "HEAD"])?;
                copy.run(&["revert", "--no-edit", "HEAD"])?;
                batch.pages.clone()
            }
            Self::Rename => rename(&copy, batch, |_, page| page)?,
            Self::RenameWithEdits => rename(&copy, batch, |path, mut page| {
                let at = random.below(page.len() + 1);
                let note = format!("{} moved on day {}", human::comment(path), random.below(100_000));
                page.insert(at, (note, Truth::Human));
                page
            })?,
            Self::Format => format(&copy, batch, random)?,
            Self::Filter => filter(git, &copy, batch)?,
        };
        Ok(Rewritten { git: copy, pages })
    }
}

impl Rewritten {
    /// Fails where the files are not what they are thought to be.
    pub(crate) fn holds(&self) -> Result<()> {
        for (path, page) in &self.pages {
            let text = self.git.run(&["show", &format!("HEAD:{path}")])?;
            let lines = page.iter().map(|(line, _)| line.as_str());
            ensure!(text.lines().eq(lines), "{path} is not what was written");
        }
        Ok(())
    }
}

/// A commit of a person's that meets nothing.
fn notes(git: &Git) -> Result<()> {
    git.write("NOTES-OF-A-PERSON.txt", "Nothing here was put out by a model.\nAll of it was typed.\n")?;
    git.commit("notes").map(drop)
}

/// Onto a commit that adds a file, and a line at the head of some files.
fn rebase(git: &Git, batch: &Batch) -> Result<Pages> {
    git.run(&["checkout", "--quiet", "-b", "trunk", &batch.base])?;
    let headed: Vec<&String> =
        batch.before.keys().filter(|path| batch.pages.contains_key(*path)).step_by(2).take(3).collect();
    let mut pages = batch.pages.clone();
    for path in &headed {
        let head = format!("{} typed at the head of {path}", human::comment(path));
        let file = git.folder().join(path);
        let text = std::fs::read_to_string(&file).with_context(|| format!("the file {path}"))?;
        git.write(path, &format!("{head}\n{text}"))?;
        if let Some(page) = pages.get_mut(*path) {
            page.insert(0, (head, Truth::Human));
        }
    }
    notes(git)?;
    git.run(&["checkout", "--quiet", "main"])?;
    if git.run(&["rebase", "--quiet", "trunk"]).is_ok() && git.run(&["diff", "--quiet", "HEAD"]).is_ok() {
        let rewritten = Rewritten { git: git.clone(), pages: pages.clone() };
        if rewritten.holds().is_ok() {
            return Ok(pages);
        }
    }
    // The heads met what the batch has changed there: onto the new file alone.
    drop(git.run(&["rebase", "--abort"]));
    git.run(&["checkout", "--quiet", "-B", "main", &batch.tip])?;
    git.run(&["checkout", "--quiet", "-B", "trunk", &batch.base])?;
    notes(git)?;
    git.run(&["rebase", "--quiet", "trunk", "main"])?;
    Ok(batch.pages.clone())
}

/// A branch on which a person has changed the same place of a file is merged, and what meets is put right by hand.
fn merge(git: &Git, batch: &Batch, random: &mut Random) -> Result<Pages> {
    git.run(&["checkout", "--quiet", "-b", "side", &batch.base])?;
    let mut pages = batch.pages.clone();
    let changed: Vec<&String> = pages.keys().filter(|path| batch.before.contains_key(*path)).collect();
    let Some(path) = changed.get(random.below(changed.len().max(1))).map(|path| (*path).clone()) else {
        notes(git)?;
        git.run(&["checkout", "--quiet", "main"])?;
        git.run(&["merge", "--quiet", "--no-edit", "side"])?;
        return Ok(pages);
    };
    let (before, after) = (&batch.before[&path], &batch.pages[&path]);
    let hunk = hunks(&text(before), &text(after)).into_iter().next();
    let (old, new) = hunk.map_or((0, 0), |hunk| (hunk.old.start, hunk.new.start));
    let typed = format!("{} typed on the other branch", human::comment(&path));
    let mut side = before.clone();
    side.insert(old, (typed.clone(), Truth::Human));
    git.write(&path, &text(&side))?;
    git.commit("on the side")?;
    git.run(&["checkout", "--quiet", "main"])?;
    // It may or may not meet: what is committed is written by hand.
    drop(git.run(&["merge", "--quiet", "--no-commit", "--no-ff", "side"]));
    let resolved = if random.below(2) == 0 { typed } else { format!("{typed}, put right by hand") };
    let mut page = after.clone();
    page.insert(new, (resolved, Truth::Human));
    git.write(&path, &text(&page))?;
    git.commit("merge")?;
    pages.insert(path, page);
    Ok(pages)
}

/// Every file to another folder, `git mv`.
fn rename(
    git: &Git,
    batch: &Batch,
    mut edited: impl FnMut(&str, Vec<(String, Truth)>) -> Vec<(String, Truth)>,
) -> Result<Pages> {
    let mut pages = Pages::new();
    for (path, page) in &batch.pages {
        let to = format!("moved/{path}");
        let folder = git.folder().join(&to);
        let folder = folder.parent().context("a file has a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("the folder {}", folder.display()))?;
        git.run(&["mv", path, &to])?;
        let page = edited(path, page.clone());
        git.write(&to, &text(&page))?;
        pages.insert(to, page);
    }
    git.commit("elsewhere")?;
    Ok(pages)
}

/// A formatter over every file.
fn format(git: &Git, batch: &Batch, random: &mut Random) -> Result<Pages> {
    let style = Style::drawn(random.below(120));
    let mut pages = Pages::new();
    for (path, file) in &batch.files {
        let mut file: File = file.clone();
        let all = 0..file.entries.len();
        human::formats(&mut file, all, &style, batch.number + 1);
        git.write(path, &file.text())?;
        pages.insert(path.clone(), file.page());
    }
    git.commit("formatted")?;
    Ok(pages)
}

/// All commits anew, by somebody else.
fn filter(git: &Git, copy: &Git, batch: &Batch) -> Result<Pages> {
    let stream = git.bytes(&["fast-export", "--all"])?;
    // Names of the same length: nothing else in the stream has to change.
    let (old, new) = (b"Ada Example <ada@example.com>", b"Eve Example <eve@example.com>");
    let mut rewritten = Vec::with_capacity(stream.len());
    let mut rest = stream.as_slice();
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        rewritten.extend_from_slice(&rest[..at]);
        rewritten.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    rewritten.extend_from_slice(rest);
    let copy = copy.anew()?;
    let file = copy.folder().with_extension("stream");
    std::fs::write(&file, rewritten).with_context(|| format!("the file {}", file.display()))?;
    let mut import = copy.command(&["fast-import", "--quiet", "--force"]);
    import.stdin(std::fs::File::open(&file).context("the stream")?);
    let status = import.status().context("git does not run")?;
    ensure!(status.success(), "git fast-import ended with {status}");
    copy.run(&["reset", "--quiet", "--hard", "main"])?;
    Ok(batch.pages.clone())
}

/// A file's lines as text.
fn text(page: &[(String, Truth)]) -> String {
    page.iter().map(|(line, _)| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::truth::{Line, Place};

    /// A repository with a batch of two commits.
    fn made(folder: &Path) -> (Git, Batch) {
        let git = Git::init(&folder.join("library")).unwrap();
        let page = |texts: &[&str], emitted: usize| -> Vec<(String, Truth)> {
            let line = |(at, text): (usize, &&str)| match at < emitted {
                true => Line::emitted(text, 1, 1, Place::New(at..at + 1)),
                false => Line::typed(text, 1, Place::New(at..at + 1)),
            };
            texts.iter().enumerate().map(line).map(|line| (line.text, line.truth)).collect()
        };
        let commit = |page: &[(String, Truth)]| {
            git.write("src/a.rs", &text(page)).unwrap();
            git.commit("next").unwrap()
        };
        let all: Vec<Vec<(String, Truth)>> = vec![
            page(&["fn human() {", "    typed();", "}", "fn other() {}"], 0),
            page(&["fn model() {}", "fn human() {", "    typed();", "}", "fn other() {}"], 1),
            page(&["fn model() {}", "fn more() {}", "fn human() {", "    typed();", "}", "fn other() {}"], 2),
        ];
        let ids: Vec<String> = all.iter().map(|page| commit(page)).collect();
        let pages = |page: &Vec<(String, Truth)>| Pages::from([("src/a.rs".to_owned(), page.clone())]);
        let lines = all[2].iter().enumerate().map(|(at, (text, truth))| {
            let line = Line { truth: truth.clone(), ..Line::typed(text, 1, Place::Old(at..at + 1)) };
            crate::truth::Entry::Live(line)
        });
        let file = File { entries: lines.collect() };
        let batch = Batch {
            base: ids[0].clone(),
            tip: ids[2].clone(),
            before: pages(&all[0]),
            last_but_one: pages(&all[1]),
            pages: pages(&all[2]),
            files: [("src/a.rs".to_owned(), file)].into(),
            number: 2,
            ..Batch::default()
        };
        (git, batch)
    }

    #[test]
    fn who_wrote_what_follows_through_every_rewrite() {
        let folder = tempfile::tempdir().unwrap();
        let (git, batch) = made(folder.path());
        let mut random = Random::seeded(1);
        for rewrite in Rewrite::all() {
            let rewritten = rewrite.apply(&git, folder.path(), &batch, &mut random).unwrap();
            rewritten.holds().unwrap();
            assert_eq!(rewritten.git.run(&["status", "--porcelain"]).unwrap(), "", "{rewrite:?}");
            let emitted = |pages: &Pages| {
                pages.values().flatten().filter(|(_, truth)| truth.origin().is_some()).count()
            };
            let wanted = if rewrite == Rewrite::Revert { 1 } else { 2 };
            assert_eq!(emitted(&rewritten.pages), wanted, "{rewrite:?}");
        }
    }
}
