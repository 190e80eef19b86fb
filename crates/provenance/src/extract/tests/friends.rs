//! What looks like code that goes into a file and is none.

use serde_json::json;

use super::{called, said};

#[test]
fn texts_without_a_file_are_no_code() {
    for (tool, arguments) in [
        ("Read", json!({"file_path": "/p/a.rs", "offset": 1, "limit": 20})),
        ("Grep", json!({"pattern": "fn main", "path": "src", "output_mode": "content", "glob": "*.rs"})),
        ("Glob", json!({"pattern": "**/*.rs", "path": "src"})),
        ("Bash", json!({"command": "cargo test", "description": "Runs the tests"})),
        ("WebFetch", json!({"url": "https://example.com/a.rs", "prompt": "What does it say?"})),
        ("WebSearch", json!({"query": "rust"})),
        (
            "TodoWrite",
            json!({"todos": [{"content": "Fix src/a.rs", "status": "pending", "activeForm": "Fixing"}]}),
        ),
        ("TaskCreate", json!({"subject": "Fix it", "description": "fn main() {}"})),
        ("Agent", json!({"description": "Looks", "prompt": "```rust\nfn a() {}\n```", "subagent_type": "x"})),
        ("AskUserQuestion", json!({"questions": [{"question": "Which?", "header": "x", "options": []}]})),
        ("ExitPlanMode", json!({"plan": "1. Write src/a.rs"})),
        ("send_message", json!({"channel": "general", "text": "fn a() {}"})),
        ("post_message", json!({"content": "hello", "thread": "x"})),
        ("save_memory", json!({"fact": "tabs, not spaces", "content": "x", "path": "/memories/a.md"})),
        ("memory", json!({"command": "create", "path": "/memories/a.md", "file_text": "tabs"})),
        ("update_plan", json!({"plan": [{"step": "Write a.rs", "status": "pending"}]})),
        ("view_image", json!({"path": "a.png"})),
        ("write_stdin", json!({"session_id": 1, "chars": "y\n"})),
        ("create_issue", json!({"title": "It fails", "body": "fn a() {}", "repo": "a"})),
        ("add_review_comment", json!({"path": "a.rs", "line": 3, "body": "Why not x?"})),
        ("rename", json!({"old_name": "a", "new_name": "b", "path": "a.rs"})),
        ("move_file", json!({"old_path": "a", "new_path": "b"})),
        ("search", json!({"search": "a", "replace": "b"})),
        ("list_commits", json!({"path": "src", "before": "2026-01-01", "after": "2025-01-01"})),
        ("executeCode", json!({"code": "print(1)"})),
        ("invalid", json!({"tool": "bash", "error": "no"})),
        ("read_file", json!({"files": [{"path": "a.rs", "line_ranges": ["1-10"]}]})),
        ("grep_search", json!({"query": "x", "isRegexp": true, "includePattern": "src/**"})),
    ] {
        assert_eq!(called(tool, &arguments), "", "{tool}");
    }
}

#[test]
fn talk_is_no_code() {
    for text in [
        "",
        "I changed `src/a.rs` so that it compiles.",
        "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> branch\n",
        "- one\n- two\n+ three\n",
        "--- \n\n+++ \n",
        "A rule:\n\n---\n\nand more\n",
        "# Heading\n\n> quoted\n\n| a | b |\n|---|---|\n",
        "Use <b>bold</b> and <path>src/a.rs</path>.",
        "Title\n=======\n\nText\n",
        "*** Note: *** Begin Patch is a mark.",
        "Inline ```code``` stays inline.",
    ] {
        assert_eq!(said(text), "", "{text}");
    }
}
