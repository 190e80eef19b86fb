//! A shadow changes how long an answer takes, and never the answer.

use std::path::Path;

use waymark_provenance::git::{BlameLine, CommitId, Refreshed, Repository as Git};
use waymark_testkit::{Random, Repository};

use super::{open, who};

fn refreshed(git: &Git) -> Refreshed {
    git.refresh(&mut |_, _| {}).unwrap()
}

fn with_shadow(repo: &Repository, folder: &Path) -> Git {
    open(repo.path()).with_shadow(folder).unwrap()
}

/// Every path below a folder.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(listing(&path));
        }
        found.push(path.display().to_string());
    }
    found.sort();
    found
}

/// Every line of every file of a commit.
fn blames(git: &Git, commit: &CommitId) -> Vec<(String, Vec<BlameLine>)> {
    let files = git.files(commit).unwrap().into_iter();
    files.map(|file| (file.path.clone(), git.blame(Some(commit), &file.path, None).unwrap())).collect()
}

/// The origin of every line of a commit that was committed at `since` or later; none of others.
type Young = Vec<(String, Vec<Option<(CommitId, u32)>>)>;

/// What a blame that goes no further back says.
fn known_since(git: &Git, commit: &CommitId, since: i64) -> Young {
    let files = git.files(commit).unwrap().into_iter();
    let young = |line: BlameLine| (!line.is_older).then_some((line.commit.unwrap(), line.original));
    let lines = |path: &str| git.blame_since(Some(commit), path, None, Some(since)).unwrap();
    files.map(|file| (file.path.clone(), lines(&file.path).into_iter().map(young).collect())).collect()
}

/// What is left of a whole blame.
fn since_then(git: &Git, whole: &[(String, Vec<BlameLine>)], since: i64) -> Young {
    let young = |line: &BlameLine| {
        let commit = line.commit.unwrap();
        let time = git.commits(&[commit]).unwrap()[0].committer.time;
        (time >= since).then_some((commit, line.original))
    };
    whole.iter().map(|(path, lines)| (path.clone(), lines.iter().map(young).collect())).collect()
}

#[test]
fn the_graph_lies_in_the_shadow_and_the_repository_is_as_it_was() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    repo.commit("a");
    let folder = tempfile::tempdir().unwrap();
    let before = listing(&repo.path().join(".git"));
    let git = with_shadow(&repo, folder.path());
    let mut steps = Vec::new();
    assert_eq!(git.refresh(&mut |done, of| steps.push((done, of))).unwrap(), Refreshed::Written);
    assert_eq!(steps.last(), Some(&(1, 1)));
    assert_eq!(refreshed(&git), Refreshed::Current);
    assert_eq!(git.blame(None, "a", None).unwrap().len(), 1);
    assert_eq!(listing(&repo.path().join(".git")), before);
    repo.git(&["--git-dir", &folder.path().display().to_string(), "commit-graph", "verify"]);
    repo.write("a", "1\n2\n");
    let b = repo.commit("b");
    assert_eq!(who(&git.blame(None, "a", Some(2..=2)).unwrap(), &[("b", &b)]), "b", "not in the graph yet");
    assert_eq!(refreshed(&git), Refreshed::Written);
    assert_eq!(refreshed(&with_shadow(&repo, folder.path())), Refreshed::Current, "opened again");
}

#[test]
fn what_a_killed_process_left_does_not_stop_the_next() {
    let mut repo = Repository::new();
    repo.commit("a");
    let folder = tempfile::tempdir().unwrap();
    let git = with_shadow(&repo, folder.path());
    let chains = folder.path().join("objects/info/commit-graphs");
    std::fs::create_dir_all(&chains).unwrap();
    std::fs::write(chains.join("commit-graph-chain.lock"), "").unwrap();
    assert_eq!(refreshed(&git), Refreshed::Written);
    repo.commit("b");
    std::fs::write(chains.join("commit-graph-chain"), "damaged\n").unwrap();
    assert_eq!(refreshed(&git), Refreshed::Written);
    let lock = std::fs::File::create(folder.path().join("lock")).unwrap();
    lock.lock().unwrap();
    repo.commit("c");
    assert_eq!(refreshed(&git), Refreshed::Busy);
}

#[test]
fn a_repository_without_commits_and_objects_borrowed_from_others() {
    let mut repo = Repository::new();
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(refreshed(&with_shadow(&repo, &folder.path().join("new"))), Refreshed::Current);
    repo.write("a", "1\n");
    let a = repo.commit("a");
    let path = |name: &str| folder.path().join(name).display().to_string();
    repo.git(&["clone", "-q", "--shared", ".", &path("second")]);
    repo.git(&["clone", "-q", "--shared", &path("second"), &path("third \"one\"")]);
    // Relative, as a repository that is moved together with another has it.
    let first = repo.path().join(".git/objects");
    let alternates = folder.path().join("second/.git/objects/info/alternates");
    let up = "../".repeat(alternates.components().count() - 3);
    std::fs::write(&alternates, format!("{up}{}\n", first.strip_prefix("/").unwrap().display())).unwrap();
    let git = open(&folder.path().join("third \"one\"")).with_shadow(&folder.path().join("s")).unwrap();
    assert_eq!(refreshed(&git), Refreshed::Written);
    assert_eq!(who(&git.blame(git.head().unwrap().as_ref(), "a", None).unwrap(), &[("a", &a)]), "a");
}

#[test]
fn a_shadow_of_another_repository_is_made_anew() {
    let (mut one, mut two) = (Repository::new(), Repository::new());
    let folder = tempfile::tempdir().unwrap();
    for repo in [&mut one, &mut two] {
        repo.write("a", format!("{}\n", repo.path().display()));
        let a = repo.commit("a");
        let git = with_shadow(repo, folder.path());
        assert_eq!(refreshed(&git), Refreshed::Written);
        assert_eq!(who(&git.blame(None, "a", None).unwrap(), &[("a", &a)]), "a");
    }
}

#[test]
fn history_that_is_rewritten_is_read_as_it_is_now() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let a = repo.commit("a");
    repo.write("a", "1\n2\n");
    repo.commit("b");
    let folder = tempfile::tempdir().unwrap();
    let git = with_shadow(&repo, folder.path());
    refreshed(&git);
    git.blame(None, "a", None).unwrap();
    repo.git(&["commit", "-q", "--amend", "-m", "other"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "-q", "--prune=now"]);
    let b = repo.git(&["rev-parse", "HEAD"]);
    let names = [("a", a.as_str()), ("b", &b)];
    assert_eq!(who(&git.blame(None, "a", None).unwrap(), &names), "a b", "what was kept is of no use");
    repo.write("a", "1\n2\n3\n");
    repo.commit("c");
    assert_eq!(refreshed(&git), Refreshed::Written);
    assert_eq!(who(&git.blame(None, "a", Some(1..=2)).unwrap(), &names), "a b");
}

/// The code files there are, with their lines.
fn files(repo: &Repository) -> Vec<(String, Vec<String>)> {
    let listing = repo.git(&["ls-files", "*.rs"]);
    let read = |path: &str| std::fs::read_to_string(repo.path().join(path)).unwrap();
    listing.lines().map(|path| (path.to_owned(), read(path).lines().map(str::to_owned).collect())).collect()
}

/// A step of a made-up history: lines come, go, move, are copied and indented, and files are renamed.
fn step(repo: &mut Repository, random: &mut Random, number: usize, may_rename: bool) {
    let mut files = files(repo);
    let at = random.below(files.len());
    let (path, lines) = &mut files[at];
    for _ in 0..=random.below(3) {
        let at = random.below(lines.len() + 1);
        match random.below(6) {
            0 if at < lines.len() => drop(lines.remove(at)),
            1 if at < lines.len() => lines[at] = format!("    {}", lines[at].trim_start()),
            2 => {
                let end = (at + random.below(6)).min(lines.len());
                let block: Vec<String> = lines.drain(at..end).collect();
                let to = random.below(lines.len() + 1);
                lines.splice(to..to, block);
            }
            3 => {
                let block = lines[at..(at + random.below(6)).min(lines.len())].to_vec();
                let to = random.below(lines.len() + 1);
                lines.splice(to..to, block);
            }
            _ => lines.insert(at, format!("let value_{number}_{at} = compute({number}, {at});")),
        }
    }
    if may_rename && random.below(12) == 0 {
        let renamed = format!("file{number}.rs");
        repo.git(&["mv", path, &renamed]);
        *path = renamed;
    }
    repo.write(path, lines.join("\n") + "\n");
    repo.commit(&format!("step {number}"));
}

/// A branch from before the last commit, merged into it or the other way round.
fn merge(repo: &mut Repository, random: &mut Random, number: usize) {
    repo.git(&["checkout", "-q", "-b", "side", "HEAD^"]);
    step(repo, random, number, false);
    let (onto, from) = if random.below(2) == 0 { ("main", "side") } else { ("side", "main") };
    repo.git(&["checkout", "-q", onto]);
    repo.git(&["merge", "-q", "--no-edit", "-X", "ours", from]);
    repo.git(&["checkout", "-q", "-B", "main"]);
    repo.git(&["branch", "-q", "-D", "side"]);
}

#[test]
fn answers_are_those_of_a_repository_without_a_shadow() {
    let mut random = Random::seeded(7);
    let mut repo = Repository::new();
    for file in 0..2 {
        let lines: String =
            (0..30).map(|line| format!("const LINE_{file}_{line}: u32 = {line};\n")).collect();
        repo.write(&format!("{file}.rs"), lines);
    }
    repo.commit("start");
    let folder = tempfile::tempdir().unwrap();
    let (plain, shadowed) = (open(repo.path()), with_shadow(&repo, folder.path()));
    let mut older = None;
    for number in 0..40 {
        if number % 6 == 4 {
            merge(&mut repo, &mut random, number);
        } else {
            step(&mut repo, &mut random, number, true);
        }
        if number % 7 == 0 {
            refreshed(&shadowed);
        }
        let head = plain.head().unwrap().unwrap();
        let whole = blames(&plain, &head);
        for (path, lines) in &whole {
            let line = &lines[random.below(lines.len())];
            for git in [&plain, &shadowed] {
                let alone = git.blame(Some(&head), path, Some(line.number..=line.number)).unwrap();
                assert_eq!(
                    alone,
                    std::slice::from_ref(line),
                    "step {number}, line {} of {path} alone",
                    line.number
                );
            }
        }
        if number % 4 == 1 {
            // Before what is kept goes all the way back, and after.
            let since =
                plain.commits(&[head]).unwrap()[0].committer.time - 60 * random.below(number + 2) as i64;
            for git in [&plain, &shadowed] {
                assert_eq!(
                    known_since(git, &head, since),
                    since_then(&plain, &whole, since),
                    "step {number}"
                );
            }
        }
        if number % 3 == 0 {
            assert_eq!(blames(&shadowed, &head), whole, "step {number}");
        }
        if let Some(older) = older.filter(|_| number % 5 == 0) {
            assert_eq!(blames(&shadowed, &older), blames(&plain, &older), "before step {number}");
        }
        older = Some(head);
    }
    assert_eq!(shadowed.range("HEAD~9..HEAD").unwrap(), plain.range("HEAD~9..HEAD").unwrap());
}

#[test]
fn several_make_a_shadow_at_once() {
    let mut repo = Repository::new();
    repo.write("a", "1\n");
    let a = repo.commit("a");
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    let git = with_shadow(&repo, &folder.path().join("shadow"));
                    assert_eq!(who(&git.blame(None, "a", None).unwrap(), &[("a", &a)]), "a");
                });
            }
        });
    }
}
