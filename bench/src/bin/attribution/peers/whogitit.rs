//! whogitit: a hook in Claude Code, and hooks in git that attach a note to each commit.
//!
//! How it is driven is looked up in its sources, 1.0.0, on 2026-11-27: `capture --stdin` gets what its hook script for
//! Claude Code pipes to it, and `init` puts its own hooks into the repository.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Named, Peer, named, number, run};
use crate::assistants::Assistant;
use crate::git::Git;
use crate::plan::Emission;

/// The program, in a home of its own.
pub(crate) struct Whogitit {
    program: PathBuf,
    home: TempDir,
    /// The file before the change that is under way.
    before: Mutex<Option<String>>,
}

impl Whogitit {
    pub(crate) fn new(program: &Path) -> Result<Self> {
        let home = tempfile::tempdir().context("a home for whogitit")?;
        Ok(Self { program: program.to_owned(), home, before: Mutex::default() })
    }

    fn run(&self, arguments: &[&str], folder: &Path, input: &str) -> Result<String> {
        run(&self.program, arguments, folder, &self.environment(), input)
    }
}

impl Peer for Whogitit {
    fn name(&self) -> &'static str {
        "whogitit"
    }

    fn version(&self) -> Result<String> {
        Ok(self.run(&["--version"], self.home.path(), "")?.trim().to_owned())
    }

    fn environment(&self) -> Vec<(String, String)> {
        let home = self.home.path().display().to_string();
        let beside = self.program.parent().unwrap_or(Path::new(".")).display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        vec![("HOME".to_owned(), home), ("PATH".to_owned(), format!("{beside}:{path}"))]
    }

    fn readies(&self, git: &Git) -> Result<()> {
        self.run(&["init", "--force"], git.folder(), "").map(drop)
    }

    fn has_hook(&self, assistant: Assistant) -> bool {
        matches!(assistant, Assistant::ClaudeWrite | Assistant::ClaudeEdit)
    }

    fn before(&self, git: &Git, path: &str, _: &Emission) -> Result<()> {
        let text = std::fs::read_to_string(git.folder().join(path)).ok();
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = text;
        Ok(())
    }

    fn after(&self, git: &Git, path: &str, emission: &Emission) -> Result<()> {
        let before = self.before.lock().unwrap_or_else(PoisonError::into_inner).take();
        let file = git.folder().join(path);
        let text = std::fs::read_to_string(&file).with_context(|| format!("the file {path}"))?;
        let context = json!({"plan_mode": false, "is_subagent": false, "agent_depth": 0});
        let body = json!({"tool": "Edit", "file_path": file, "prompt": format!("See to {}.", named(emission.number)),
            "old_content_present": before.is_some(), "old_content": before, "new_content": text,
            "context": context});
        self.run(&["capture", "--stdin"], git.folder(), &body.to_string()).map(drop)
    }

    fn rests(&self, _: &Emission) -> Duration {
        Duration::ZERO
    }

    fn typed(&self, _: &Git, _: &str) -> Result<()> {
        Ok(())
    }

    fn settles(&self, _: &Git) -> Result<()> {
        Ok(())
    }

    fn blame(&self, git: &Git, path: &str, lines: usize) -> Result<Vec<Answer>> {
        let text = self.run(&["blame", path, "--format", "json"], git.folder(), "")?;
        read(&text, lines).with_context(|| format!("what whogitit says of {path}"))
    }
}

/// Reads `blame --format json`. It does not name the model.
fn read(text: &str, lines: usize) -> Result<Vec<Answer>> {
    let told: Value = serde_json::from_str(text).context("it is no JSON")?;
    let mut answers = vec![Answer::default(); lines];
    for line in told["lines"].as_array().context("it has no lines")? {
        let number_of_line = line["line_number"].as_u64().context("a line without a number")? as usize;
        let answer = answers.get_mut(number_of_line.saturating_sub(1)).context("a line that is not there")?;
        answer.is_model = matches!(line["source"]["type"].as_str(), Some("ai" | "ai_modified"));
        if answer.is_model {
            let emission = line["prompt"]["preview"].as_str().and_then(number);
            answer.named =
                emission.map(|emission| Named { emission, ..Named::default() }).into_iter().collect();
        }
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = r#"{"lines": [
            {"line_number": 1, "source": {"type": "human"}, "prompt": {"preview": null}},
            {"line_number": 2, "source": {"type": "ai_modified"}, "prompt": {"preview": "See to emission-3."}}]}"#;
        let answers = read(text, 2).unwrap();
        assert!(!answers[0].is_model && answers[1].is_model);
        assert_eq!(answers[1].named.iter().map(|named| named.emission).collect::<Vec<_>>(), [3]);
        assert!(read(text, 1).is_err());
    }
}
