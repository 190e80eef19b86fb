//! Codex: its patches and the ways in which they come, and its shell.

use serde_json::json;

use super::{called, called_with, said};

const PATCH: &str = "*** Begin Patch\n*** Add File: src/new.rs\n+fn new() {\n+}\n*** Update File: src/a.rs\n@@ impl A\n \
     let x = 1;\n-let y = 1;\n+let y = 2;\n\n@@\n+// end\n*** End of File\n*** Update File: src/b.rs\n*** Move to: src/c.rs\n\
     @@\n-b\n+c\n*** Delete File: src/d.rs\n*** End Patch\n";
const WANTED: &str = "Patch src/new.rs\n+fn new() {\n+}\nPatch src/a.rs\n let x = 1;\n-let y = 1;\n+let y = 2;\n \n+// end\n\
     Patch src/c.rs\n-b\n+c\n";

#[test]
fn a_patch_comes_in_many_ways() {
    let document = format!("apply_patch <<'EOF'\n{PATCH}EOF\n");
    assert_eq!(called_with("apply_patch", PATCH), WANTED, "free text");
    assert_eq!(called("apply_patch", &json!({"input": PATCH})), WANTED, "a function");
    assert_eq!(called("apply_patch", &json!({"patch": PATCH})), WANTED);
    assert_eq!(called("apply_patch", &json!(PATCH)), WANTED, "a JSON string");
    assert_eq!(called("exec_command", &json!({"cmd": document})), WANTED);
    assert_eq!(called("shell", &json!({"command": ["bash", "-lc", document]})), WANTED);
    assert_eq!(called("shell", &json!({"command": ["apply_patch", PATCH]})), WANTED);
    assert_eq!(
        called("shell", &json!({"command": ["apply_patch", format!("<<'EOF'\n{PATCH}EOF\n")]})),
        WANTED
    );
    assert_eq!(
        called("local_shell", &json!({"type": "exec", "command": ["bash", "-lc", document], "env": {}})),
        WANTED
    );
    assert_eq!(called("shell", &json!({"commands": [document]})), WANTED);
    assert_eq!(called("exec_command", &json!({"cmd": format!("apply_patch '{PATCH}'")})), WANTED);
    assert_eq!(
        called("exec_command", &json!({"cmd": format!("cat <<'EOF' | apply_patch\n{PATCH}EOF\n")})),
        WANTED
    );
    assert_eq!(said(&format!("I change it.\n\n{PATCH}\nDone.")), WANTED, "in the text");
    assert_eq!(said(&format!("```\n{PATCH}```")), WANTED, "in a fence");
}

#[test]
fn paths_are_from_the_folder_that_it_runs_in() {
    let patch = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch\n";
    assert_eq!(
        called("exec_command", &json!({"cmd": format!("cd web && apply_patch <<EOF\n{patch}EOF\n")})),
        "Patch web/a\n+x\n"
    );
    assert_eq!(
        called("shell", &json!({"command": ["apply_patch", patch], "workdir": "/project/web"})),
        "Patch /project/web/a\n+x\n"
    );
}

#[test]
fn the_form_is_read_leniently() {
    assert_eq!(
        called_with("apply_patch", " *** Begin Patch \r\n *** Update File: `a` \r\n@@\r\n-x\r\n+y\r\n"),
        "Patch a\n-x\n+y\n"
    );
    assert_eq!(called_with("apply_patch", "*** Update File: a\n@@\n-x\n+y"), "Patch a\n-x\n+y\n");
    assert_eq!(called_with("apply_patch", "*** Begin Patch\n*** Update File: a\n@@\n x\n"), "");
}

#[test]
fn the_patch_tool_of_the_dialect_names_one_file() {
    assert_eq!(
        called(
            "apply_patch",
            &json!({"type": "update_file", "path": "a.py", "diff": "@@ def a():\n-x\n+y\n"})
        ),
        "Patch a.py\n-x\n+y\n"
    );
    assert_eq!(
        called("apply_patch", &json!({"type": "create_file", "path": "a.py", "diff": "+x\n+y\n"})),
        "Patch a.py\n+x\n+y\n"
    );
}

#[test]
fn the_shell_writes_files() {
    assert_eq!(
        called("exec_command", &json!({"cmd": "cat > a <<'EOF'\nx\nEOF", "workdir": "/project"})),
        "Shell /project/a\n+x\n"
    );
    assert_eq!(
        called("shell", &json!({"command": ["bash", "-lc", "cat <<'EOF' >> a\nx\nEOF"]})),
        "Shell a\n+x\n"
    );
    assert_eq!(called("exec_command", &json!({"cmd": "cat a.rs"})), "");
}

#[test]
fn a_script_calls_the_tools() {
    let quoted = json!(PATCH).to_string();
    let document = json!(format!("apply_patch <<'EOF'\n{PATCH}EOF\n")).to_string();
    let lines: Vec<String> = PATCH.lines().map(|line| json!(line).to_string()).collect();
    for script in [
        format!("const changed = await tools.apply_patch({quoted});\ntext(changed);\n"),
        format!(
            "// @exec: {{\"yield_time_ms\": 1}}\nconst patch = `{PATCH}`;\ntext(await tools.apply_patch(patch));\n"
        ),
        format!("await tools.apply_patch(String.raw`{PATCH}`)"),
        format!("const lines = [{}];\nawait tools.apply_patch(lines.join('\\n'));", lines.join(",\n")),
        format!("const ran = await tools.exec_command({{cmd: {document}}});\ntext(ran.output);\n"),
    ] {
        assert_eq!(called_with("exec", &script), WANTED, "{script}");
        assert_eq!(
            called("exec", &json!({"input": script})),
            WANTED,
            "in a dialect without free text: {script}"
        );
    }
    let in_folders = |second: &str| {
        format!(
            "await tools.exec_command({{cmd: 'cat > a <<E\\nx\\nE', workdir: '/project'}});\n\
             await tools.exec_command({{cmd: \"cat > b <<E\\ny\\nE\", \"workdir\": '{second}'}});"
        )
    };
    assert_eq!(called_with("exec", &in_folders("/project")), "Shell /project/a\n+x\nShell /project/b\n+y\n");
    assert_eq!(called_with("exec", &in_folders("/other")), "Shell a\n+x\nShell b\n+y\n", "nobody says whose");
    assert_eq!(called_with("exec", "text((await tools.exec_command({cmd: 'cat a.rs'})).output)"), "");
}

#[test]
fn a_patch_of_what_looks_like_a_script_is_a_patch() {
    let patch = "*** Begin Patch\n*** Add File: a.js\n+await tools.run(`x`);\n*** End Patch\n";
    let wanted = "Patch a.js\n+await tools.run(`x`);\n";
    assert_eq!(called_with("apply_patch", patch), wanted);
    assert_eq!(called_with("exec", patch), wanted);
    assert_eq!(called("apply_patch", &json!({"input": patch})), wanted);
}
