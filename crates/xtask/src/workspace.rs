//! What cargo and git say about this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process;

/// The workspace's members and folders.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The members.
    pub(crate) packages: Vec<Package>,
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
}

/// One member.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    #[serde(rename = "manifest_path")]
    pub(crate) manifest: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One dependency of a member.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for an ordinary one, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self> {
        let text = process::output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
        serde_json::from_str(&text).context("cannot read what cargo says about the workspace")
    }

    /// Paths of the files git has or would take, sorted, from the root.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let mut git = Command::new("git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&self.root);
        let mut files: Vec<String> = process::output(&mut git)?.lines().map(str::to_owned).collect();
        files.retain(|file| self.root.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// A program this workspace builds in the development profile.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }
}

impl Package {
    /// The name of its folder: what the house calls it.
    pub(crate) fn room(&self) -> &str {
        self.folder().file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new(""))
    }
}

/// The cargo that runs this, with arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}
