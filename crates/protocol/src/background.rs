//! Calls that assistants make by themselves, known by the words they begin with: data, and the one function that
//! looks for them.
//!
//! Titles, names, labels and commit messages are [`Task::Utility`]: short, asked for without tools, and nobody reads
//! code from them. A call that carries the whole conversation to have it summed up is none of these: what follows is
//! only as good as the summary, it needs the window of the conversation's own model and finds its prompt cached there.
//! It stays a step of the agent's work, and its name says what it is.

use waymark_types::Task;

use crate::request::Request;

/// A call that an assistant makes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackgroundCall {
    /// The client and what the call is for: a stable code that records carry.
    pub name: &'static str,
    /// What kind of work it is.
    pub task: Task,
    /// Where its words stand.
    place: Place,
    /// What a block of text there begins with.
    words: &'static str,
    /// Where it was seen, looked up on 2026-11-23: the version or the month of the client's source; `source` where that
    /// is not known, `others` where only others' notes on earlier versions have it.
    pub seen: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the instructions.
    Instructions,
    /// In the user's last words.
    LastWords,
}

const fn call(
    name: &'static str,
    task: Task,
    place: Place,
    words: &'static str,
    seen: &'static str,
) -> BackgroundCall {
    BackgroundCall { name, task, place, words, seen }
}

use Place::{Instructions, LastWords};
use Task::{AgentStep, Utility};

/// What is known, client by client. The words are as few as tell the call from what a person might write.
#[rustfmt::skip]
const KNOWN: &[BackgroundCall] = &[
    call("claude-code-title", Utility, Instructions, "Generate a concise, sentence-case title (", "2.1.197"),
    call("claude-code-name", Utility, Instructions, "Generate a short kebab-case name (", "2.1.197"),
    call("claude-code-branch", Utility, LastWords, "You are coming up with a succinct title and git branch name", "2.1.197"),
    call("claude-code-tools-label", Utility, Instructions, "Write a short summary label describing what these tool calls", "2.1.197"),
    call("claude-code-issue-title", Utility, Instructions, "Generate a concise, technical issue title", "2.1.197"),
    call("claude-code-job-name", Utility, LastWords, "2-4 word lowercase label for this job.", "2.1.197"),
    call("claude-code-topic", Utility, Instructions, "Analyze if this message indicates a new conversation topic.", "others"),
    call("claude-code-title", Utility, LastWords, "Please write a 5-10 word title for the following conversation", "others"),
    call("claude-code-compaction", AgentStep, LastWords, "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.", "2.1.197"),
    call("claude-code-compaction", AgentStep, Instructions, "You are a helpful AI assistant tasked with summarizing conversations.", "2.1.197"),
    call("claude-code-recap", AgentStep, LastWords, "The user stepped away and is coming back. Recap", "2.1.197"),
    call("codex-title", Utility, LastWords, "Generate a concise, single-line task title of at most", "0.169.0"),
    call("codex-compaction", AgentStep, LastWords, "You are performing a CONTEXT CHECKPOINT COMPACTION.", "0.169.0"),
    call("opencode-title", Utility, Instructions, "You are a title generator. You output ONLY a thread title.", "1.18.33"),
    call("opencode-summary", Utility, Instructions, "Summarize what was done in this conversation. Write like a pull request", "1.18.33"),
    call("opencode-compaction", AgentStep, Instructions, "You are a context summarization agent.", "1.18.33"),
    call("vscode-title", Utility, Instructions, "You are an expert in crafting pithy titles for chatbot conversations.", "2026-03"),
    call("vscode-commit", Utility, Instructions, "You are an AI programming assistant, helping a software developer to come with the best git commit", "2026-03"),
    call("vscode-progress", Utility, Instructions, "You are an expert in writing short, catchy, and encouraging progress messages", "2026-03"),
    call("vscode-compaction", AgentStep, Instructions, "Your task is to create a comprehensive, detailed summary of the entire conversation", "2026-03"),
    call("zed-title", Utility, LastWords, "Generate a concise 3-7 word title for this conversation", "source"),
    call("zed-commit", Utility, LastWords, "You are an expert at writing Git commits.", "source"),
    call("zed-compaction", AgentStep, LastWords, "You are compacting this conversation into a handoff", "source"),
    call("zed-compaction", AgentStep, LastWords, "Your task is to create a detailed summary of the conversation so far", "source"),
    call("cline-commit", Utility, Instructions, "You are a helpful assistant that generates informative git commit messages", "2026-08"),
    call("continue-title", Utility, LastWords, "Given the following... please reply with a title for the chat", "2026-06"),
    call("continue-compaction", AgentStep, LastWords, "Create a comprehensive summary of this conversation that captures all essential", "2026-06"),
    call("gemini-cli-summary", Utility, LastWords, "Summarize the user's primary intent or goal in this conversation", "2026-08"),
    call("gemini-cli-output", Utility, LastWords, "Summarize the following tool output to be a maximum of", "2026-08"),
    call("gemini-cli-router", Utility, Instructions, "You are a specialized Task Routing AI.", "2026-08"),
    call("gemini-cli-compaction", AgentStep, Instructions, "You are a specialized system component responsible for distilling chat history", "2026-08"),
];

/// The known call that `request` is, if any. A call with tools may do anything, so it is never a utility.
pub fn background_call(request: &Request) -> Option<&'static BackgroundCall> {
    let (instructions, last) = (request.instructions(), request.last_words());
    KNOWN.iter().find(|known| {
        let blocks = match known.place {
            Instructions => &instructions,
            LastWords => &last,
        };
        let begins = blocks.iter().any(|block| block.trim_start().starts_with(known.words));
        begins && (known.task != Utility || request.tools == 0)
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};
    use waymark_types::Dialect;

    use super::*;
    use crate::Addressed;

    fn name(dialect: Dialect, body: &Value) -> Option<&'static str> {
        let addressed = Addressed { model: Some("m".to_owned()), ..Addressed::default() };
        let request = crate::parse(dialect, &Bytes::from(body.to_string()), &addressed).unwrap();
        background_call(&request).map(|call| call.name)
    }

    fn chat(system: &str, user: &str, tools: usize) -> Value {
        let tool = json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}});
        json!({"model": "m", "tools": vec![tool; tools], "messages": [
            {"role": "system", "content": system}, {"role": "user", "content": user},
        ]})
    }

    #[test]
    fn every_row_is_found_by_its_words_and_where_they_stand() {
        for known in KNOWN {
            let words = format!("\n{} and so on", known.words);
            let (right, wrong) = match known.place {
                Instructions => (chat(&words, "hello", 0), chat("You help.", &words, 0)),
                LastWords => (chat("You help.", &words, 0), chat(&words, "hello", 0)),
            };
            assert_eq!(name(Dialect::OpenAiChat, &right), Some(known.name));
            assert_eq!(name(Dialect::OpenAiChat, &wrong), None, "{known:?}");
            let code = known.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
            assert!(code && matches!(known.task, Utility | AgentStep) && !known.seen.is_empty(), "{known:?}");
        }
    }

    #[test]
    fn near_misses_are_nothing_known() {
        let title = "You are a title generator. You output ONLY a thread title. Nothing else.";
        assert_eq!(name(Dialect::OpenAiChat, &chat(title, "hello", 0)), Some("opencode-title"));
        for body in [
            chat(title, "hello", 1),
            chat(&format!("Remember: {title}"), "hello", 0),
            chat("You are a title generator.", "hello", 0),
            chat("You help.", "Generate a title for this conversation", 0),
            chat("You help.", "Write a commit message for my changes.", 0),
            chat("You help.", "Summarize this conversation.", 0),
            chat(
                "You help.",
                "Why does my tool say CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.?",
                0,
            ),
        ] {
            assert_eq!(name(Dialect::OpenAiChat, &body), None, "{body}");
        }
        let earlier = json!({"model": "m", "messages": [
            {"role": "user", "content": "Please write a 5-10 word title for the following conversation: x"},
            {"role": "assistant", "content": "A title"}, {"role": "user", "content": "Now fix the bug."},
        ]});
        assert_eq!(name(Dialect::OpenAiChat, &earlier), None, "the user has gone on");
    }

    /// The shapes as measured.
    #[test]
    fn calls_are_known_in_the_dialects_of_their_clients() {
        let claude = json!({"model": "m", "max_tokens": 32000, "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.7d4; cc_entrypoint=cli;"},
            {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude."},
            {"type": "text", "text": "Generate a concise, sentence-case title (3-7 words) that says more."},
        ], "messages": [{"role": "user", "content": [{"type": "text", "text": "<session>\nhello\n</session>"}]}],
            "tools": []});
        assert_eq!(name(Dialect::AnthropicMessages, &claude), Some("claude-code-title"));
        let codex = json!({"model": "m", "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are a coding agent."}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text",
                "text": "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a summary."}]},
        ]});
        assert_eq!(name(Dialect::OpenAiResponses, &codex), Some("codex-compaction"));
        let gemini = json!({"contents": [{"role": "user", "parts": [
            {"text": "Summarize the user's primary intent or goal in this conversation in ONE sentence"},
        ]}]});
        assert_eq!(name(Dialect::Gemini, &gemini), Some("gemini-cli-summary"));
    }

    #[test]
    fn a_compaction_stays_a_step_whatever_tools_it_brings() {
        let words = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\nYour task is to sum up.";
        for tools in [0, 24] {
            let body = Bytes::from(chat("You help.", words, tools).to_string());
            let request = crate::parse(Dialect::OpenAiChat, &body, &Addressed::default()).unwrap();
            assert_eq!(background_call(&request).map(|call| call.task), Some(AgentStep));
        }
    }
}
