//! A git repository in a temporary directory.
#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made fails its test")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use waymark_flash::{Completion, CompletionRequest, Flash};

/// A repository that goes away with the value.
pub(crate) struct Fixture {
    directory: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let fixture = Self { directory: tempfile::tempdir().unwrap() };
        fixture.git(&["init", "-q", "-b", "main"]);
        fixture
    }

    /// A repository with these files committed.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let fixture = Self::new();
        for (path, text) in files {
            fixture.write(path, text);
        }
        fixture.commit("first");
        fixture
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub(crate) fn git(&self, args: &[&str]) {
        git(&self.path(), args);
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    pub(crate) fn open(&self) -> Flash {
        Flash::open(&self.path(), &|_| {}).unwrap()
    }
}

pub(crate) fn git(directory: &Path, args: &[&str]) {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"])
        .args(["-c", "protocol.file.allow=always"])
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .env("GIT_AUTHOR_DATE", "2001-02-03T04:05:06Z")
        .env("GIT_COMMITTER_DATE", "2001-02-03T04:05:06Z")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Asks with no threshold.
pub(crate) fn ask(flash: &Flash, path: Option<&str>, prefix: &str, suffix: &str) -> Completion {
    flash.complete(&CompletionRequest { prefix, suffix, path, threshold: Some(0.0), max_tokens: None })
}

/// The text suggested with no threshold; empty when nothing is.
pub(crate) fn text(flash: &Flash, path: Option<&str>, prefix: &str, suffix: &str) -> String {
    ask(flash, path, prefix, suffix).suggestion.map(|suggestion| suggestion.text).unwrap_or_default()
}

/// Waits until a condition holds.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::yield_now();
    }
}
