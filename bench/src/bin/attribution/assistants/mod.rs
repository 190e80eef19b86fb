//! Assistants, each asking in its own dialect and answered in its own shape.
//!
//! What they send and get is looked up in their documentation and sources on 2026-11-27; prompts and lists of tools are
//! shortened. An assistant sees the file first, as its own tool shows it, and then changes it.

mod blocks;
mod chat;
mod claude;
mod codex;
mod completion;
mod turn;

use serde_json::Value;
use waymark_testkit::{Random, Reply, ToolCall};

pub(crate) use turn::{Piece, Turn};

/// A way in which code comes out of an assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Assistant {
    ClaudeWrite,
    ClaudeEdit,
    CodexPatch,
    CodexShell,
    OpencodeWrite,
    OpencodeEdit,
    ClineWrite,
    ClineReplace,
    ContinueEdit,
    CopilotCreate,
    CopilotReplace,
    ZedEdit,
    AiderBlocks,
    ChatDiff,
    ChatFence,
    Completion,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// What the model says to it.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Text(String),
    Calls(Vec<ToolCall>),
}

/// What an assistant can do.
struct Can {
    assistant: Assistant,
    name: &'static str,
    /// Of a hundred emissions about so many.
    weight: usize,
    /// Writes files that were not there.
    creates: bool,
    /// Changes some lines of a file.
    edits: bool,
    /// Puts out the whole file for that, the lines it only read included.
    is_whole: bool,
}

const fn can(
    assistant: Assistant,
    name: &'static str,
    weight: usize,
    [creates, edits, is_whole]: [bool; 3],
) -> Can {
    Can { assistant, name, weight, creates, edits, is_whole }
}

const ALL: [Can; 16] = [
    can(Assistant::ClaudeWrite, "Claude Code Write", 12, [true, true, true]),
    can(Assistant::ClaudeEdit, "Claude Code Edit", 12, [false, true, false]),
    can(Assistant::CodexPatch, "Codex apply_patch", 10, [true, true, false]),
    can(Assistant::CodexShell, "Codex shell", 5, [true, true, true]),
    can(Assistant::OpencodeWrite, "opencode write", 6, [true, true, true]),
    can(Assistant::OpencodeEdit, "opencode edit", 6, [false, true, false]),
    can(Assistant::ClineWrite, "Cline write_to_file", 5, [true, true, true]),
    can(Assistant::ClineReplace, "Cline replace_in_file", 6, [false, true, false]),
    can(Assistant::ContinueEdit, "Continue", 5, [true, true, false]),
    can(Assistant::CopilotCreate, "Copilot create_file", 5, [true, false, true]),
    can(Assistant::CopilotReplace, "Copilot replace_string", 8, [false, true, false]),
    can(Assistant::ZedEdit, "Zed edit", 5, [true, true, false]),
    can(Assistant::AiderBlocks, "aider edit blocks", 6, [true, true, false]),
    can(Assistant::ChatDiff, "diff in a chat", 4, [true, true, false]),
    can(Assistant::ChatFence, "fence in a chat", 6, [true, true, false]),
    can(Assistant::Completion, "completion", 8, [false, true, false]),
];

impl Assistant {
    /// All of them.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ALL.iter().map(|can| can.assistant)
    }

    fn entry(self) -> &'static Can {
        let found = ALL.iter().find(|can| can.assistant == self);
        found.unwrap_or(&ALL[0])
    }

    pub(crate) fn name(self) -> &'static str {
        self.entry().name
    }

    /// Whether what it puts out holds the whole file.
    pub(crate) fn is_whole(self) -> bool {
        self.entry().is_whole
    }

    /// One that can do this; nothing where none can.
    pub(crate) fn drawn(turn: &Turn, random: &mut Random) -> Option<Self> {
        let able =
            |can: &&Can| if turn.is_new() { can.creates } else { can.edits && can.assistant.fits(turn) };
        let total: usize = ALL.iter().filter(able).map(|can| can.weight).sum();
        let mut left = random.below(total.max(1));
        ALL.iter()
            .filter(able)
            .find(|can| match left.checked_sub(can.weight) {
                Some(rest) => {
                    left = rest;
                    false
                }
                None => true,
            })
            .map(|can| can.assistant)
    }

    /// Whether its way of editing can say this.
    fn fits(self, turn: &Turn) -> bool {
        match self {
            Self::ClaudeEdit
            | Self::OpencodeEdit
            | Self::ClineReplace
            | Self::ContinueEdit
            | Self::CopilotReplace
            | Self::ZedEdit
            | Self::AiderBlocks => turn.can_be_quoted(),
            // Nothing but lines to add at one place, and enough of them to be told from anybody's.
            Self::Completion => {
                matches!(&turn.pieces[..], [piece] if piece.at.is_empty() && piece.words() >= 3)
            }
            Self::ChatFence => turn.pieces.iter().map(Piece::words).sum::<usize>() >= 3,
            Self::CodexShell => turn.is_at_the_end() || turn.before.len() <= 200,
            _ if self.is_whole() => turn.before.len() <= 300,
            _ => true,
        }
    }

    /// Whether the first line is put out without its indentation, which is the person's.
    pub(crate) fn trims_first(self, turn: &Turn) -> bool {
        self == Self::Completion && completion::is_behind_indentation(turn)
    }

    /// Whether it is part of an editor, which sees what becomes of its suggestions.
    pub(crate) fn is_of_an_editor(self) -> bool {
        matches!(
            self,
            Self::ContinueEdit
                | Self::CopilotCreate
                | Self::CopilotReplace
                | Self::ZedEdit
                | Self::Completion
        )
    }

    /// Whether its answer says which file the code is for.
    pub(crate) fn names_path(self, turn: &Turn) -> bool {
        match self {
            Self::Completion => false,
            Self::ChatFence => !turn.style.is_multiple_of(5),
            Self::ZedEdit => turn.is_new() || !turn.style.is_multiple_of(3),
            _ => true,
        }
    }

    /// Which of the models it asks: `claude`, `gpt` or `coder`.
    pub(crate) fn model(self, turn: &Turn) -> &'static str {
        match self {
            Self::ClaudeWrite | Self::ClaudeEdit if turn.style.is_multiple_of(8) => "gpt",
            Self::ClaudeWrite | Self::ClaudeEdit => "claude",
            Self::Completion if turn.style.is_multiple_of(4) => "coder",
            Self::ClineWrite | Self::ClineReplace | Self::ZedEdit if turn.style.is_multiple_of(8) => "claude",
            _ => "gpt",
        }
    }

    /// Its request, for this model.
    pub(crate) fn asks(self, turn: &Turn, model: &str) -> Asked {
        match self {
            Self::ClaudeWrite | Self::ClaudeEdit => claude::asks(turn, model),
            Self::CodexPatch | Self::CodexShell => codex::asks(turn, model),
            Self::Completion => completion::asks(turn, model),
            _ => chat::asks(self, turn, model),
        }
    }

    /// What the model answers.
    pub(crate) fn answer(self, turn: &Turn) -> Answer {
        match self {
            Self::ClaudeWrite => claude::writes(turn),
            Self::ClaudeEdit => claude::edits(turn),
            Self::CodexPatch => codex::patches(turn),
            Self::CodexShell => codex::runs(turn),
            Self::Completion => completion::completes(turn),
            _ => chat::answer(self, turn),
        }
    }
}

impl Answer {
    /// The upstream's reply.
    pub(crate) fn reply(&self) -> Reply {
        match self {
            Self::Text(text) => Reply::text(text),
            Self::Calls(calls) => Reply::tools(calls),
        }
    }

    /// The lines that its edits put in the place of others, the first and last of which may be parts of a line.
    #[cfg(test)]
    pub(crate) fn put(&self) -> Vec<String> {
        let Self::Calls(calls) = self else { return Vec::new() };
        let mut put = Vec::new();
        for call in calls {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
            let lists = ["edits", "replacements"].iter().filter_map(|list| arguments[list].as_array());
            let edits = lists.flatten().chain([&arguments]);
            let texts = edits.flat_map(|edit| [&edit["new_string"], &edit["newString"]]);
            let texts = texts.filter_map(Value::as_str).flat_map(str::lines);
            put.extend(texts.filter(|text| !text.trim().is_empty()).map(str::to_owned));
        }
        put
    }

    /// All of its text.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Calls(calls) => {
                calls.iter().map(|call| format!("{}({})\n", call.name, call.arguments)).collect()
            }
        }
    }
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::turn::tests::{created, edited};
    use super::*;

    #[test]
    fn every_assistant_says_every_added_line() {
        for assistant in Assistant::all() {
            for style in 0..32 {
                let turns = [Turn { style, ..edited() }, Turn { style, ..created() }];
                for turn in turns.iter().filter(|turn| {
                    let can = assistant.entry();
                    if turn.is_new() { can.creates } else { can.edits && assistant.fits(turn) }
                }) {
                    let said = assistant.answer(turn).told().replace("\\n", "\n");
                    for line in turn.pieces.iter().flat_map(|piece| &piece.added) {
                        assert!(said.contains(line.trim()), "{assistant:?} {style}: {line} is not in {said}");
                    }
                    let asked = assistant.asks(turn, "m");
                    assert_eq!(asked.body["model"], "m", "{assistant:?}");
                }
            }
        }
    }

    #[test]
    fn whoever_writes_the_whole_file_repeats_what_it_read() {
        let turn = edited();
        for assistant in Assistant::all().filter(|assistant| assistant.is_whole() && assistant.entry().edits)
        {
            let turn = Turn { style: 1, ..turn.clone() };
            let said = assistant.answer(&turn).told();
            assert!(said.contains(&turn.before[0]), "{assistant:?}: {said}");
            let asked = assistant.asks(&turn, "m").body.to_string();
            assert!(asked.contains(&turn.before[0]), "{assistant:?}: {asked}");
        }
    }

    #[test]
    fn each_is_drawn_where_it_can_do_it() {
        let mut random = Random::seeded(3);
        for _ in 0..300 {
            let assistant = Assistant::drawn(&created(), &mut random).unwrap();
            assert!(assistant.entry().creates, "{assistant:?}");
        }
    }
}
