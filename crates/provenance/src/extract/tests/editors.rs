//! Agents within editors: VS Code, Zed, Continue, Cursor, Windsurf, Cline and Roo by their native tools.

use serde_json::json;

use super::{called, said};

#[test]
fn vs_code_creates_replaces_and_inserts() {
    assert_eq!(
        called("create_file", &json!({"filePath": "/p/a.ts", "content": "let a;"})),
        "Write /p/a.ts\n+let a;\n"
    );
    assert_eq!(
        called(
            "replace_string_in_file",
            &json!({"explanation": "Renames it", "filePath": "/p/a.ts", "oldString": "a\nb", "newString": "a\nc"})
        ),
        "Edit /p/a.ts\n a\n-b\n+c\n"
    );
    assert_eq!(
        called(
            "multi_replace_string_in_file",
            &json!({"explanation": "Renames it", "replacements": [
                {"explanation": "here", "filePath": "/p/a.ts", "oldString": "a", "newString": "b"},
                {"explanation": "there", "filePath": "/p/b.ts", "oldString": "c", "newString": "d"}]})
        ),
        "Edit /p/a.ts\n-a\n+b\nEdit /p/b.ts\n-c\n+d\n"
    );
    assert_eq!(
        called(
            "insert_edit_into_file",
            &json!({"explanation": "Adds a method", "filePath": "/p/a.ts",
                "code": "class A {\n\t// ...existing code...\n\tb() {}\n}"})
        ),
        "Edit /p/a.ts\n+class A {\n \t// ...existing code...\n+\tb() {}\n+}\n"
    );
    assert_eq!(
        called(
            "apply_patch",
            &json!({"explanation": "x", "input": "*** Begin Patch\n*** Update File: /p/a.ts\n@@ class A\n a\n-b\n+c\n*** End Patch"})
        ),
        "Patch /p/a.ts\n a\n-b\n+c\n"
    );
    for code in [json!("x = 1\ny = 2"), json!(["x = 1", "y = 2"])] {
        assert_eq!(
            called(
                "edit_notebook_file",
                &json!({"filePath": "/p/a.ipynb", "editType": "insert", "cellId": "TOP", "language": "python", "newCode": code})
            ),
            "Edit /p/a.ipynb\n+x = 1\n+y = 2\n"
        );
    }
}

#[test]
fn zed_writes_and_edits() {
    assert_eq!(called("write_file", &json!({"path": "p/a.rs", "content": "x"})), "Write p/a.rs\n+x\n");
    assert_eq!(
        called("edit_file", &json!({"path": "p/a.rs", "edits": [{"old_text": "x", "new_text": "y"}]})),
        "Edit p/a.rs\n-x\n+y\n"
    );
    assert_eq!(
        called("edit_file", &json!({"display_description": "Fix it", "path": "p/a.rs", "mode": "edit"})),
        ""
    );
    assert_eq!(
        said(
            "<edits>\n<old_text line=3>\nfn a() {\n    1\n</old_text>\n<new_text>\nfn a() {\n    2\n</new_text>\n\
             <old_text>x</old_text><new_text>y</new_text>\n</edits>\n"
        ),
        "EditBlock ?\n fn a() {\n-    1\n+    2\nEditBlock ?\n-x\n+y\n"
    );
}

#[test]
fn continue_creates_and_edits() {
    assert_eq!(called("create_new_file", &json!({"filepath": "a.py", "contents": "x"})), "Write a.py\n+x\n");
    assert_eq!(
        called("edit_existing_file", &json!({"filepath": "a.py", "changes": "# ... existing code ...\ny"})),
        "Edit a.py\n # ... existing code ...\n+y\n"
    );
    assert_eq!(
        called(
            "single_find_and_replace",
            &json!({"filepath": "a.py", "old_string": "x", "new_string": "y", "replace_all": true})
        ),
        "Edit a.py everywhere\n-x\n+y\n"
    );
    assert_eq!(
        called("multi_edit", &json!({"filepath": "a.py", "edits": [{"old_string": "x", "new_string": "y"}]})),
        "Edit a.py\n-x\n+y\n"
    );
}

#[test]
fn cursor_and_windsurf_edit() {
    assert_eq!(
        called(
            "edit_file",
            &json!({"target_file": "a.ts", "instructions": "I add it.", "code_edit": "// ... existing code ...\nx();"})
        ),
        "Edit a.ts\n // ... existing code ...\n+x();\n"
    );
    assert_eq!(
        called("search_replace", &json!({"file_path": "a.ts", "old_string": "x", "new_string": "y"})),
        "Edit a.ts\n-x\n+y\n"
    );
    assert_eq!(
        called("write_to_file", &json!({"TargetFile": "a.ts", "CodeContent": "x", "EmptyFile": false})),
        "Write a.ts\n+x\n"
    );
    assert_eq!(
        called(
            "replace_file_content",
            &json!({"TargetFile": "a.ts", "ReplacementChunks": [{"AllowMultiple": true, "TargetContent": "x",
                "ReplacementContent": "y"}]})
        ),
        "Edit a.ts everywhere\n-x\n+y\n"
    );
}

#[test]
fn cline_and_roo_write_replace_and_insert() {
    assert_eq!(
        called("write_to_file", &json!({"path": "a.ts", "content": "x", "task_progress": "- [x] one"})),
        "Write a.ts\n+x\n"
    );
    let block = "------- SEARCH\nlet x = 1;\nlet y = 1;\n=======\nlet x = 2;\nlet y = 1;\n+++++++ REPLACE\n";
    let wanted = "EditBlock a.ts\n-let x = 1;\n+let x = 2;\n let y = 1;\n";
    assert_eq!(called("replace_in_file", &json!({"path": "a.ts", "diff": block})), wanted);
    assert_eq!(
        called("replace_in_file", &json!({"path": "a.ts", "diff": format!("{block}\n{block}")})),
        wanted.repeat(2)
    );
    assert_eq!(
        called(
            "apply_diff",
            &json!({"path": "a.ts", "diff": "<<<<<<< SEARCH\n:start_line:12\n-------\nx\n=======\ny\n>>>>>>> REPLACE"})
        ),
        "EditBlock a.ts\n-x\n+y\n"
    );
    assert_eq!(
        called("insert_content", &json!({"path": "a.ts", "line": 3, "content": "x"})),
        "Edit a.ts\n+x\n"
    );
    assert_eq!(
        called("search_and_replace", &json!({"path": "a.ts", "search": "x", "replace": "y"})),
        "Edit a.ts\n-x\n+y\n"
    );
}
