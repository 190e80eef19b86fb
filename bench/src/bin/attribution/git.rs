//! git, shielded from the configuration around this program.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// A repository.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    folder: PathBuf,
    /// What is set for every command, besides what shields it.
    environment: Vec<(String, String)>,
}

impl Git {
    /// The one in this folder.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), environment: Vec::new() }
    }

    /// A new one.
    pub(crate) fn init(folder: &Path) -> Result<Self> {
        Self::init_with(folder, Vec::new())
    }

    /// A new one in which every command runs with these variables.
    pub(crate) fn init_with(folder: &Path, environment: Vec<(String, String)>) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("the folder {}", folder.display()))?;
        let git = Self { folder: folder.to_owned(), environment };
        git.run(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(git)
    }

    /// A new one in its place.
    pub(crate) fn anew(&self) -> Result<Self> {
        std::fs::remove_dir_all(&self.folder)
            .with_context(|| format!("the folder {}", self.folder.display()))?;
        Self::init_with(&self.folder, self.environment.clone())
    }

    /// A copy of it in another folder, on the same branch. With variables of its own it is copied as it lies: what a tool
    /// keeps beside the history comes along, as it would where somebody rewrites history in place.
    pub(crate) fn copy(&self, folder: &Path) -> Result<Self> {
        if !self.environment.is_empty() {
            let above = folder.parent().context("a repository lies in a folder")?;
            std::fs::create_dir_all(above).with_context(|| format!("the folder {}", above.display()))?;
            let mut copy = Command::new("cp");
            copy.arg("-a").arg(&self.folder).arg(folder);
            finish(copy, &["(cp -a)"])?;
            return Ok(Self { folder: folder.to_owned(), environment: self.environment.clone() });
        }
        let (from, to) = (self.folder.to_string_lossy(), folder.to_string_lossy());
        std::fs::create_dir_all(folder).with_context(|| format!("the folder {}", folder.display()))?;
        self.run(&["clone", "--quiet", "--local", &from, &to])?;
        Ok(Self::at(folder))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file, folders included.
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        let file = self.folder.join(path);
        let folder = file.parent().context("a file has a folder")?;
        std::fs::create_dir_all(folder).with_context(|| format!("the folder {}", folder.display()))?;
        std::fs::write(&file, text).with_context(|| format!("the file {}", file.display()))
    }

    /// Commits everything.
    pub(crate) fn commit(&self, message: &str) -> Result<String> {
        // What a history holds it holds, though it may tell git to ignore it.
        self.run(&["add", "--all", "--force"])?;
        self.run(&["commit", "--quiet", "--allow-empty", "--allow-empty-message", "--message", message])?;
        self.head()
    }

    /// The commit that is checked out.
    pub(crate) fn head(&self) -> Result<String> {
        Ok(self.run(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Runs git; what it printed. A failure is an error that says what git told.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String> {
        self.run_with(arguments, &[])
    }

    /// The same with variables.
    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String> {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        Ok(String::from_utf8_lossy(&finish(command, arguments)?).into_owned())
    }

    /// The same as bytes.
    pub(crate) fn bytes(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        finish(self.command(arguments), arguments)
    }

    /// A command that is yet to be run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"] {
            command.env_remove(name);
        }
        command.args(["-c", "commit.gpgsign=false", "-c", "core.autocrlf=false", "-c", "gc.auto=0"]);
        command.args(["-c", "safe.directory=*", "-c", "advice.detachedHead=false"]);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "").env("GIT_EDITOR", "true");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ada Example");
            command.env(format!("GIT_{role}_EMAIL"), "ada@example.com");
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn finish(mut command: Command, arguments: &[&str]) -> Result<Vec<u8>> {
    let output = command.output().context("git does not run")?;
    if !output.status.success() {
        bail!(
            "git {}: {}{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}
