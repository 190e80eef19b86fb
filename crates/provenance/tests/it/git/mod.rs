//! Attribution's questions to git, asked of real repositories.

mod blame;
mod faults;
mod notes;
mod places;
mod reading;
mod shadow;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use waymark_provenance::git::{BlameLine, Commands, CommitId, Repository};

/// Git in a folder, out of reach of the user's settings.
struct Here {
    folder: PathBuf,
    settings: Vec<String>,
}

impl Commands for Here {
    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder);
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
            command.env_remove(name);
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "").env("GIT_NO_LAZY_FETCH", "1");
        for name in ["NAME", "EMAIL"] {
            command.env_remove(format!("GIT_AUTHOR_{name}")).env_remove(format!("GIT_COMMITTER_{name}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Takes up what `git fast-import` reads.
fn import(repo: &waymark_testkit::Repository, stream: &str) {
    let stream = std::fs::File::open(repo.write("stream", stream)).unwrap();
    let here = Here { folder: repo.path().to_owned(), settings: Vec::new() };
    let output = here.command().args(["fast-import", "--quiet"]).stdin(stream).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn open(folder: &Path) -> Repository {
    open_with(folder, &[])
}

fn open_with(folder: &Path, settings: &[&str]) -> Repository {
    let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
    Repository::open(Box::new(Here { folder: folder.to_owned(), settings })).expect("a repository")
}

fn id(text: &str) -> CommitId {
    text.trim().parse().expect("an id")
}

/// The commits of the lines, by the names given to them; `-` for lines that are not committed.
fn who(lines: &[BlameLine], names: &[(&str, &str)]) -> String {
    let name = |line: &BlameLine| {
        let Some(commit) = line.commit else { return "-" };
        let commit = commit.to_string();
        names.iter().find(|(_, id)| id.trim() == commit).map_or("?", |(name, _)| name)
    };
    lines.iter().map(name).collect::<Vec<_>>().join(" ")
}
