//! Where assistants name files, in the shapes they really use.

use bytes::Bytes;
use serde_json::{Value, json};
use waymark_types::Dialect;

use crate::{Addressed, parse};

fn files(dialect: Dialect, body: &Value) -> Vec<String> {
    let addressed = Addressed { model: Some("m".to_owned()), ..Addressed::default() };
    parse(dialect, &Bytes::from(body.to_string()), &addressed).unwrap().files()
}

fn said(text: &str) -> Vec<String> {
    files(Dialect::OpenAiChat, &json!({"model": "m", "messages": [{"role": "user", "content": text}]}))
}

#[test]
fn tool_calls_name_files_in_every_dialect() {
    let claude = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "t", "name": "Read", "input": {"file_path": "/w/a.rs"}},
            {"type": "tool_use", "id": "u", "name": "Bash", "input": {"command": "cat b.env | sed -n '1,5p' c/d.txt"}},
        ]},
    ]});
    let found = files(Dialect::AnthropicMessages, &claude);
    for path in ["/w/a.rs", "b.env", "c/d.txt"] {
        assert!(found.contains(&path.to_owned()), "{path}: {found:?}");
    }
    let nested = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [
        {"type": "tool_use", "id": "t", "name": "batch", "input": {"tools": [{"path": "secrets/x"}]}}]}]});
    assert_eq!(
        files(Dialect::AnthropicMessages, &nested),
        ["secrets/x"],
        "only the body's own tools are none"
    );
    let arguments = json!({"filePath": "x/y.go", "edits": [{"path": "z.go"}]}).to_string();
    let chat = json!({"model": "m", "messages": [{"role": "assistant", "tool_calls": [
        {"id": "t", "type": "function", "function": {"name": "edit", "arguments": arguments}},
    ]}]});
    assert_eq!(files(Dialect::OpenAiChat, &chat), ["x/y.go", "z.go"]);
    let patch =
        "*** Begin Patch\n*** Update File: src/old.rs\n*** Move to: src/new.rs\n@@\n-a\n+b\n*** End Patch";
    let shell = json!({"command": ["bash", "-lc", "git show HEAD:infra/prod.tf"]}).to_string();
    let codex = json!({"model": "m", "input": [
        {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": patch},
        {"type": "function_call", "call_id": "d", "name": "shell", "arguments": shell},
    ]});
    let found = files(Dialect::OpenAiResponses, &codex);
    for path in ["src/old.rs", "src/new.rs", "infra/prod.tf"] {
        assert!(found.contains(&path.to_owned()), "{path}: {found:?}");
    }
    let gemini = json!({"contents": [{"role": "model", "parts": [
        {"functionCall": {"name": "read_file", "args": {"absolute_path": "/w/g.ts"}}},
    ]}]});
    assert!(files(Dialect::Gemini, &gemini).contains(&"/w/g.ts".to_owned()));
}

#[test]
fn completions_name_their_file_and_those_beside_it() {
    let infill = json!({"input_prefix": "a", "input_suffix": "b", "filename": "src/here.rs",
        "input_extra": [{"filename": "src/there.rs", "text": "x"}]});
    assert_eq!(files(Dialect::LlamaInfill, &infill), ["src/here.rs", "src/there.rs"]);
    let prompt =
        "<|file_sep|>lib/a.py\nx = 1\n<|file_sep|>lib/b.py\n<|fim_prefix|>y<|fim_suffix|>z<|fim_middle|>";
    let found = files(Dialect::OpenAiCompletions, &json!({"model": "m", "prompt": prompt}));
    assert_eq!(found, ["lib/a.py", "lib/b.py"]);
}

#[test]
fn texts_show_files_under_their_paths() {
    for (text, path) in [
        ("<file path=\"secrets/a.env\">\nX=1\n</file>", "secrets/a.env"),
        ("see <attachment id=\"1\" filename='b.pem'>", "b.pem"),
        ("```rust src/main.rs\nfn main() {}\n```", "src/main.rs"),
        ("```rust:src/main.rs\n```", "src/main.rs"),
        ("```src/main.rs (1-20)\n```", "src/main.rs"),
        ("```ts title=\"web/app.ts\"\n```", "web/app.ts"),
        ("diff --git a/x/y.rs b/x/y.rs\nindex 1..2", "x/y.rs"),
        ("--- a/x/y.rs\n+++ b/x/z.rs\n@@ -1 +1 @@", "x/z.rs"),
        ("secrets/prod.env:12:KEY=1", "secrets/prod.env"),
        ("secrets/prod.env-13-NEXT=1", "secrets/prod.env"),
        ("File: conf/db.yaml\nhost: x", "conf/db.yaml"),
    ] {
        assert!(said(text).contains(&path.to_owned()), "{text}: {:?}", said(text));
    }
}

#[test]
fn what_names_no_file_is_none() {
    for text in [
        "Fix the bug.",
        "at 12:30: lunch",
        "```rust\nfn main() {}\n```",
        "a: 1\nb - 2",
        "1.5:3",
        "<p>text</p>",
    ] {
        assert_eq!(said(text), [""; 0], "{text}");
    }
    let tools = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": [
        {"type": "function", "function": {"name": "read", "parameters": {"type": "object",
            "properties": {"path": {"type": "string", "default": "README.md"}}, "required": ["path"]}}},
    ]});
    assert_eq!(files(Dialect::OpenAiChat, &tools), [""; 0]);
}

#[test]
fn what_follows_json_is_looked_at_too() {
    let input = "{\"a\": 1}\nFile: secrets/x\n";
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "input": input});
    assert_eq!(files(Dialect::OpenAiChat, &body), ["secrets/x"]);
}

#[test]
fn json_within_json_is_looked_into_only_so_deep() {
    let mut body = json!({"path": "deep.rs"});
    for _ in 0..7 {
        body = json!({"arguments": body.to_string()});
    }
    let chat = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "extra": body});
    assert!(files(Dialect::OpenAiChat, &chat).len() < 2);
}
