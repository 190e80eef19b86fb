//! What is known of each client: where its settings are and which of them point it at a gateway.
//!
//! One file a client. As of 2026-11; products move, so each file says what it builds on.

mod aider;
mod claude_code;
mod cline;
mod codex;
mod continue_dev;
mod copilot_cli;
mod gemini_cli;
mod jetbrains;
mod neovim;
mod opencode;
mod vscode;
mod zed;

use std::path::PathBuf;

use super::address::Address;
use super::edit::{Change, Edit, Step};
use super::home::Home;

/// What is told where a client cannot be given the model's name.
const OWN_NAMES: &str = "it goes on asking for its own model names: a configured model with that id answers, small models \
                         take the route `small` or `utility` where there is one, all others the route `auto`";

/// The key clients that ask for one are given. A server of one's own needs none.
const KEY: &str = "waymark";
/// The model clients ask for.
const MODEL: &str = "auto";

/// What is known of a client.
pub(crate) struct Client {
    /// As it is typed.
    pub(crate) name: &'static str,
    /// As its makers write it.
    pub(crate) title: &'static str,
    /// Its programs on the search path.
    pub(crate) programs: &'static [&'static str],
    /// Folders that are there once it has run.
    pub(crate) folders: fn(&Home<'_>) -> Vec<PathBuf>,
    /// Pieces of its user-agent, in lower case; none when it sends nothing that tells.
    pub(crate) agents: &'static [&'static str],
    /// The environment variable that points it somewhere, where there is one.
    pub(crate) variable: Option<&'static str>,
    /// What points it at an address.
    pub(crate) plan: fn(&Home<'_>, &Address) -> Plan,
}

/// What points a client at an address.
pub(crate) struct Plan {
    /// Files to change.
    pub(crate) files: Vec<FileEdit>,
    /// What no file can hold, to be done by hand.
    pub(crate) by_hand: Vec<Passage>,
    /// What to know.
    pub(crate) notes: Vec<String>,
}

/// A change of one file.
pub(crate) struct FileEdit {
    pub(crate) path: PathBuf,
    pub(crate) edit: Edit,
    /// Where the address stands in it; none for blocks and for files without one.
    pub(crate) address: Option<Vec<Step>>,
}

/// Settings to be made by hand.
pub(crate) struct Passage {
    /// Where.
    pub(crate) heading: &'static str,
    /// What.
    pub(crate) text: String,
}

/// Every client, in the order they are listed.
pub(crate) const ALL: [&Client; 12] = [
    &claude_code::CLIENT,
    &codex::CLIENT,
    &opencode::CLIENT,
    &copilot_cli::CLIENT,
    &vscode::CLIENT,
    &continue_dev::CLIENT,
    &cline::CLIENT,
    &zed::CLIENT,
    &aider::CLIENT,
    &gemini_cli::CLIENT,
    &jetbrains::CLIENT,
    &neovim::CLIENT,
];

impl Plan {
    fn files(files: Vec<FileEdit>) -> Self {
        Self { files, by_hand: Vec::new(), notes: Vec::new() }
    }

    fn by_hand(passages: Vec<Passage>) -> Self {
        Self { files: Vec::new(), by_hand: passages, notes: Vec::new() }
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

fn keys(path: &[&str]) -> Vec<Step> {
    path.iter().map(|key| Step::Key((*key).to_owned())).collect()
}

fn change(path: &[&str], value: impl Into<serde_json::Value>) -> Change {
    Change { path: keys(path), value: value.into().to_string() }
}

/// A change to a value written in JSON, whose order of keys is kept.
fn change_to(path: Vec<Step>, value: String) -> Change {
    Change { path, value }
}

/// Environment variables as a shell sets them, for this platform's usual shell.
fn exports(home: &Home<'_>, variables: &[(&str, String)]) -> String {
    let line = |(name, value): &(&str, String)| match home.platform {
        super::home::Platform::Windows => format!("$env:{name} = \"{value}\"\n"),
        _ => format!("export {name}={value}\n"),
    };
    variables.iter().map(line).collect()
}
