//! Agents on the command line: Claude Code, opencode, Gemini CLI, Copilot CLI, and Anthropic's text editor.

use serde_json::json;

use super::{called, told, written};

#[test]
fn claude_code_writes_and_edits() {
    assert_eq!(
        called("Write", &json!({"file_path": "/project/src/a.rs", "content": "fn a() {\n}\n"})),
        "Write /project/src/a.rs\n+fn a() {\n+}\n"
    );
    assert_eq!(
        called(
            "Edit",
            &json!({"replace_all": false, "file_path": "/project/src/a.rs", "old_string": "fn a() {\n    1\n}",
                "new_string": "fn a() {\n    2\n    3\n}"})
        ),
        "Edit /project/src/a.rs\n fn a() {\n-    1\n+    2\n+    3\n }\n"
    );
    assert_eq!(
        called(
            "Edit",
            &json!({"file_path": "a.rs", "old_string": "one", "new_string": "two", "replace_all": true})
        ),
        "Edit a.rs everywhere\n-one\n+two\n"
    );
    assert_eq!(
        called(
            "MultiEdit",
            &json!({"file_path": "a.rs", "edits": [{"old_string": "a", "new_string": "b"},
                {"old_string": "c", "new_string": "", "replace_all": true}]})
        ),
        "Edit a.rs\n-a\n+b\nEdit a.rs everywhere\n-c\n"
    );
    assert_eq!(
        called(
            "NotebookEdit",
            &json!({"notebook_path": "a.ipynb", "cell_id": "x", "new_source": "print(1)"})
        ),
        "Edit a.ipynb\n+print(1)\n"
    );
    assert_eq!(
        called("Bash", &json!({"command": "cat > a.txt <<'EOF'\none\nEOF", "description": "Writes a file"})),
        "Shell a.txt\n+one\n"
    );
}

#[test]
fn the_text_editor_creates_replaces_and_inserts() {
    for tool in ["str_replace_based_edit_tool", "str_replace_editor"] {
        assert_eq!(
            called(tool, &json!({"command": "create", "path": "/a.py", "file_text": "x = 1\n"})),
            "Write /a.py\n+x = 1\n"
        );
        assert_eq!(
            called(tool, &json!({"command": "str_replace", "path": "/a.py", "old_str": "1", "new_str": "2"})),
            "Edit /a.py\n-1\n+2\n"
        );
        assert_eq!(
            called(tool, &json!({"command": "str_replace", "path": "/a.py", "old_str": "1"})),
            "Edit /a.py\n-1\n"
        );
        assert_eq!(called(tool, &json!({"command": "view", "path": "/a.py", "view_range": [1, 2]})), "");
    }
    for new in ["new_str", "insert_text"] {
        assert_eq!(
            called(
                "str_replace_editor",
                &json!({"command": "insert", "path": "/a.py", "insert_line": 3, new: "y"})
            ),
            "Edit /a.py\n+y\n"
        );
    }
}

#[test]
fn opencode_writes_edits_and_patches() {
    assert_eq!(
        called("write", &json!({"content": "a\r\nb\r\n", "filePath": "/project/a.txt"})),
        "Write /project/a.txt\n+a\n+b\n"
    );
    assert_eq!(
        called(
            "edit",
            &json!({"filePath": "a", "oldString": "x\ny", "newString": "x\nz", "replaceAll": true})
        ),
        "Edit a everywhere\n x\n-y\n+z\n"
    );
    assert_eq!(
        called(
            "multiedit",
            &json!({"filePath": "a", "edits": [{"filePath": "a", "oldString": "x", "newString": "y"}]})
        ),
        "Edit a\n-x\n+y\n"
    );
    for tool in ["patch", "apply_patch"] {
        assert_eq!(
            called(tool, &json!({"patchText": "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch"})),
            "Patch a\n+x\n"
        );
    }
    assert_eq!(
        called(
            "batch",
            &json!({"tool_calls": [{"tool": "write", "parameters": {"filePath": "a", "content": "x"}},
                {"tool": "read", "parameters": {"filePath": "b"}}]})
        ),
        "Write a\n+x\n"
    );
    assert_eq!(
        called("bash", &json!({"command": "cat > a <<E\nx\nE\n", "workdir": "/project/web"})),
        "Shell /project/web/a\n+x\n"
    );
}

#[test]
fn gemini_cli_writes_and_replaces() {
    assert_eq!(called("write_file", &json!({"file_path": "/a.ts", "content": "x"})), "Write /a.ts\n+x\n");
    assert_eq!(
        called(
            "replace",
            &json!({"file_path": "/a.ts", "instruction": "Say two, not one.", "old_string": "1", "new_string": "2",
                "allow_multiple": true})
        ),
        "Edit /a.ts everywhere\n-1\n+2\n"
    );
    assert_eq!(
        called("run_shell_command", &json!({"command": "tee a <<E\nx\nE", "dir_path": "web"})),
        "Shell web/a\n+x\n"
    );
}

#[test]
fn copilot_cli_creates_and_edits() {
    assert_eq!(
        called("create", &json!({"path": "/a.go", "file_text": "package a\n"})),
        "Write /a.go\n+package a\n"
    );
    assert_eq!(
        called("edit", &json!({"path": "/a.go", "old_str": "a", "new_str": "b"})),
        "Edit /a.go\n-a\n+b\n"
    );
}

#[test]
fn calls_come_in_order_and_before_the_text() {
    let call = |path: &str| ("Write".to_owned(), json!({"file_path": path, "content": "x"}).to_string());
    assert_eq!(
        told(&written("```rust\nfn a() {}\n```", &[call("a"), call("b")])),
        "Write a\n+x\nWrite b\n+x\nFence ?\n+fn a() {}\n"
    );
}

#[test]
fn an_edit_that_changes_nothing_is_none() {
    assert_eq!(called("Edit", &json!({"file_path": "a", "old_string": "x", "new_string": "x"})), "");
    assert_eq!(called("Write", &json!({"file_path": "a", "content": ""})), "");
}

#[test]
fn unknown_tools_are_read_by_their_arguments() {
    for (tool, arguments, wanted) in [
        ("mcp__fs__write_file", json!({"path": "a", "content": "x"}), "Write a\n+x\n"),
        (
            "mcp__fs__edit_file",
            json!({"path": "a", "edits": [{"oldText": "x", "newText": "y"}]}),
            "Edit a\n-x\n+y\n",
        ),
        (
            "push_files",
            json!({"owner": "o", "repo": "r", "message": "Adds files", "files": [{"path": "a", "content": "x"},
                {"path": "b", "content": "y"}]}),
            "Write a\n+x\nWrite b\n+y\n",
        ),
        ("fsWrite", json!({"path": "a", "text": "x"}), "Write a\n+x\n"),
        (
            "replace_symbol_body",
            json!({"name_path": "A/b", "relative_path": "a.rs", "body": "fn b() {}"}),
            "Edit a.rs\n+fn b() {}\n",
        ),
        ("some_edit", json!({"old_string": "x", "new_string": "y"}), "Edit ?\n-x\n+y\n"),
        ("write_file", json!({"uri": "file:///project/a", "content": "x"}), "Write /project/a\n+x\n"),
    ] {
        assert_eq!(called(tool, &arguments), wanted, "{tool}");
    }
}
