//! A git repository made for one test.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A repository in a folder of its own, removed at the end; the user's git configuration does not reach it.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    commits: u32,
    is_present: bool,
}

impl Repository {
    /// An empty repository on the branch `main`.
    pub fn new() -> Self {
        let repository =
            Self { folder: TempDir::new().expect("temporary folder"), commits: 0, is_present: false };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    /// The same with commits made when they are made, for what must come after something else.
    #[must_use]
    pub fn in_the_present(self) -> Self {
        Self { is_present: true, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file, folders included; says where it is.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a file has a folder")).expect("folder");
        std::fs::write(&file, content).expect("file");
        file
    }

    /// Commits everything; the dates are fixed, one minute apart. Says the commit's hash.
    pub fn commit(&mut self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.commits += 1;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    /// Runs git here and says what it printed; a failure fails the test.
    pub fn git(&self, arguments: &[&str]) -> String {
        let date = format!("2026-01-01T{:02}:{:02}:00Z", 8 + self.commits / 60, self.commits % 60);
        let mut command = Command::new("git");
        if !self.is_present {
            command.env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        }
        let output = isolated(&mut command)
            .args(["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false", "-c", "gc.auto=0"])
            .args(arguments)
            .current_dir(self.path())
            .output()
            .expect("git runs");
        assert!(
            output.status.success(),
            "git {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Default for Repository {
    fn default() -> Self {
        Self::new()
    }
}

/// Shields a command from git configuration and repositories around the test, and fixes who commits.
fn isolated(command: &mut Command) -> &mut Command {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "")
        .env("GIT_AUTHOR_NAME", "Ada Example")
        .env("GIT_AUTHOR_EMAIL", "ada@example.com")
        .env("GIT_COMMITTER_NAME", "Ada Example")
        .env("GIT_COMMITTER_EMAIL", "ada@example.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_steps_give_the_same_commits() {
        let make = || {
            let mut repository = Repository::new();
            repository.write("src/a.rs", "fn a() {}\n");
            let first = repository.commit("first");
            repository.write("src/a.rs", "fn b() {}\n");
            (first, repository.commit("second"))
        };
        assert_eq!(make(), make());
    }
}
