//! git-ai: checkpoints from hooks in assistants and editors, a daemon that follows git, notes in `refs/notes/ai`.
//!
//! How it is driven is looked up in its sources, 1.6.24, on 2026-11-27: the `agent-v1` preset is what it offers to any
//! assistant, and `known_human` is what its editor extensions call when a person saves. Both come down to the same
//! checkpoints as the presets for single assistants.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Named, Peer, named, number, run};
use crate::assistants::Assistant;
use crate::git::Git;
use crate::plan::Emission;

/// No telemetry, no updates; it may run as whoever runs this.
const CONFIGURATION: &str = r#"{"telemetry_oss": "off", "disable_version_checks": true, "disable_auto_updates": true,
    "quiet": true, "allow_superuser": true}"#;

/// It takes a save within a second of an assistant's change for that change, and what changes within three seconds of
/// a shell command for the command's doing. People are slower.
const AFTER_EDIT: Duration = Duration::from_millis(2_000);
const AFTER_SHELL: Duration = Duration::from_millis(4_500);

/// The program, in a home of its own.
pub(crate) struct GitAi {
    program: PathBuf,
    home: TempDir,
}

impl GitAi {
    /// Starts its daemon.
    pub(crate) fn new(program: &Path) -> Result<Self> {
        let home = tempfile::tempdir().context("a home for git-ai")?;
        let folder = home.path().join(".git-ai");
        std::fs::create_dir_all(&folder).context("a folder for git-ai")?;
        std::fs::write(folder.join("config.json"), CONFIGURATION).context("git-ai's configuration")?;
        let git_ai = Self { program: program.to_owned(), home };
        let target = format!("af_unix:stream:{}", git_ai.socket("trace2.sock"));
        let configuration = format!(
            "[user]\n\tname = Ada Example\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n\
            [trace2]\n\teventTarget = {target}\n\teventNesting = 0\n"
        );
        std::fs::write(git_ai.home.path().join(".gitconfig"), configuration)
            .context("git's configuration")?;
        git_ai.run(&["bg", "start"], git_ai.home.path(), "").context("its daemon does not start")?;
        Ok(git_ai)
    }

    fn socket(&self, name: &str) -> String {
        self.home.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str], folder: &Path, input: &str) -> Result<String> {
        run(&self.program, arguments, folder, &self.environment(), input)
    }

    fn checkpoint(&self, git: &Git, preset: &str, body: &Value) -> Result<()> {
        let arguments = ["checkpoint", preset, "--hook-input", "stdin"];
        self.run(&arguments, git.folder(), &body.to_string()).map(drop)
    }
}

impl Peer for GitAi {
    fn name(&self) -> &'static str {
        "git-ai"
    }

    fn version(&self) -> Result<String> {
        Ok(self.run(&["--version"], self.home.path(), "")?.trim().to_owned())
    }

    fn environment(&self) -> Vec<(String, String)> {
        let home = self.home.path();
        let text = |value: &str| value.to_owned();
        vec![
            (text("HOME"), home.display().to_string()),
            (text("XDG_CONFIG_HOME"), home.join(".config").display().to_string()),
            (text("GIT_CONFIG_GLOBAL"), home.join(".gitconfig").display().to_string()),
            (text("GIT_CONFIG_NOSYSTEM"), text("1")),
            (text("GIT_AI_ALLOW_SUPERUSER"), text("1")),
            (text("GIT_AI_DAEMON_HOME"), home.display().to_string()),
            (text("GIT_AI_DAEMON_CONTROL_SOCKET"), self.socket("control.sock")),
            (text("GIT_AI_DAEMON_TRACE_SOCKET"), self.socket("trace2.sock")),
        ]
    }

    fn readies(&self, _: &Git) -> Result<()> {
        Ok(())
    }

    fn has_hook(&self, assistant: Assistant) -> bool {
        // Its installer and its editor extension know no Zed, no aider, and nothing of what is copied from a chat.
        !matches!(
            assistant,
            Assistant::ZedEdit | Assistant::AiderBlocks | Assistant::ChatDiff | Assistant::ChatFence
        )
    }

    fn before(&self, git: &Git, path: &str, emission: &Emission) -> Result<()> {
        let folder = git.folder();
        let body = match emission.assistant {
            Assistant::CodexShell => told("pre_shell_command", folder, emission),
            _ => json!({"type": "human", "repo_working_dir": folder, "will_edit_filepaths": [path]}),
        };
        self.checkpoint(git, "agent-v1", &body)
    }

    fn after(&self, git: &Git, path: &str, emission: &Emission) -> Result<()> {
        let body = match emission.assistant {
            Assistant::CodexShell => told("post_shell_command", git.folder(), emission),
            _ => {
                let mut body = told("ai_agent", git.folder(), emission);
                body["edited_filepaths"] = json!([path]);
                body
            }
        };
        self.checkpoint(git, "agent-v1", &body)
    }

    fn rests(&self, emission: &Emission) -> Duration {
        match emission.assistant {
            Assistant::CodexShell => AFTER_SHELL,
            _ => AFTER_EDIT,
        }
    }

    fn typed(&self, git: &Git, path: &str) -> Result<()> {
        let body = json!({"editor": "editor", "editor_version": "1", "extension_version": "1",
            "cwd": git.folder(), "edited_filepaths": [path]});
        self.checkpoint(git, "known_human", &body)
    }

    fn settles(&self, git: &Git) -> Result<()> {
        self.run(&["await", "--timeout", "120"], git.folder(), "").map(drop)
    }

    fn blame(&self, git: &Git, path: &str, lines: usize) -> Result<Vec<Answer>> {
        let text = self.run(&["blame", "--json", path], git.folder(), "")?;
        read(&text, lines).with_context(|| format!("what git-ai says of {path}"))
    }
}

impl Drop for GitAi {
    fn drop(&mut self) {
        drop(self.run(&["bg", "shutdown"], self.home.path(), ""));
    }
}

/// What a hook tells of the assistant.
fn told(kind: &str, folder: &Path, emission: &Emission) -> Value {
    json!({"type": kind, "repo_working_dir": folder, "agent_name": emission.assistant.name(),
        "model": emission.model, "conversation_id": named(emission.number),
        "tool_use_id": named(emission.number)})
}

/// Reads `blame --json`: ranges of lines that are a model's, each with a prompt that says which. Other lines are a
/// person's, or not known: this does not tell those apart.
fn read(text: &str, lines: usize) -> Result<Vec<Answer>> {
    let told: Value = serde_json::from_str(text).context("it is no JSON")?;
    let ranges = told["lines"].as_object().context("it has no lines")?;
    let mut answers = vec![Answer::default(); lines];
    for (range, prompt) in ranges {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse()?, last.parse()?);
        let agent = &told["prompts"][prompt.as_str().unwrap_or_default()]["agent_id"];
        let answer = Answer {
            is_model: true,
            named: agent["id"]
                .as_str()
                .and_then(number)
                .map(|emission| Named {
                    emission,
                    asked: agent["model"].as_str().map(str::to_owned),
                    served: None,
                })
                .into_iter()
                .collect(),
        };
        let answers = answers.get_mut(first.saturating_sub(1)..last).context("a line that is not there")?;
        answers.fill(answer);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_lines_are_read() {
        let text = r#"{"lines": {"2-3": "s_1::t_1"}, "prompts":
            {"s_1::t_1": {"agent_id": {"tool": "codex", "id": "emission-7", "model": "gpt"}}}}"#;
        let answers = read(text, 4).unwrap();
        assert_eq!(answers.iter().filter(|answer| answer.is_model).count(), 2);
        assert_eq!(answers[1].named, [Named { emission: 7, asked: Some("gpt".to_owned()), served: None }]);
        assert!(read(text, 2).is_err());
        assert!(read("{}", 2).is_err());
    }
}
