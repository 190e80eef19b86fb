//! Other tools that say who wrote a line, put through the same histories: git-ai and whogitit, as their users run them.
//!
//! They learn from hooks in assistants and editors, so each gets a repository of its own in which every hand that goes
//! over a file is followed by the call that the hook would make. What the tools are is the user's to bring.

mod git_ai;
mod replay;
mod side;
mod tally;
mod waymark;
mod whogitit;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

pub(crate) use replay::PeerReplay;
pub(crate) use side::{Side, Tools};

use crate::assistants::Assistant;
use crate::git::Git;
use crate::plan::Emission;

/// What a tool says of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// It is a model's, changed or not.
    pub(crate) is_model: bool,
    /// The emissions that it can be of, as far as the tool knows.
    pub(crate) named: Vec<Named>,
}

/// An emission that a tool names, and the model that put it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) emission: usize,
    /// By the word of the client.
    pub(crate) asked: Option<String>,
    /// By the word of the provider that answered.
    pub(crate) served: Option<String>,
}

/// A tool.
pub(crate) trait Peer {
    fn name(&self) -> &'static str;

    /// What it says of its own version.
    fn version(&self) -> Result<String>;

    /// Variables for every command of git, where the tool is installed.
    fn environment(&self) -> Vec<(String, String)>;

    /// Readies a repository for it.
    fn readies(&self, git: &Git) -> Result<()>;

    /// Whether it comes with a hook for this assistant.
    fn has_hook(&self, assistant: Assistant) -> bool;

    /// The assistant's hook before it changes a file.
    fn before(&self, git: &Git, path: &str, emission: &Emission) -> Result<()>;

    /// The assistant's hook when it has.
    fn after(&self, git: &Git, path: &str, emission: &Emission) -> Result<()>;

    /// How long anybody's hand is off the file after such a hook, at the least.
    fn rests(&self, emission: &Emission) -> Duration;

    /// The editor's hook when a person has saved a file.
    fn typed(&self, git: &Git, path: &str) -> Result<()>;

    /// Waits until it has taken in what happened.
    fn settles(&self, git: &Git) -> Result<()>;

    /// Asks about a file with so many lines.
    fn blame(&self, git: &Git, path: &str, lines: usize) -> Result<Vec<Answer>>;
}

/// How an emission is named to a tool.
fn named(emission: usize) -> String {
    format!("emission-{emission}")
}

/// The emission that is named so in a text.
fn number(text: &str) -> Option<usize> {
    let (_, rest) = text.split_once("emission-")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// Runs a tool in a folder with this as its input; what it printed.
fn run(
    program: &Path,
    arguments: &[&str],
    folder: &Path,
    environment: &[(String, String)],
    input: &str,
) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let name = program.file_name().unwrap_or(OsStr::new("the tool")).display().to_string();
    let told = || format!("{name} {}", arguments.join(" "));
    let mut child = command.spawn().with_context(told)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read it all may have ended by then.
        drop(std::io::Write::write_all(&mut stdin, input.as_bytes()));
    }
    let output = child.wait_with_output().with_context(told)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}: {stderr}", told(), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emission_is_found_by_its_name() {
        assert_eq!(number(&named(17)), Some(17));
        assert_eq!(number("see to emission-4, please"), Some(4));
        assert_eq!(number("emission-x"), None);
    }
}
