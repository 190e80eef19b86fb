//! What a model had only read, in the conversations that clients send.

use serde_json::{Value, json};
use waymark_protocol::neutral::{Block, Prompt, Role, Turn};

use super::told;
use crate::Written;
use crate::extract::{set_apart, written};

/// A conversation, and the answer to it.
#[derive(Default)]
pub(super) struct Told {
    prompt: Prompt,
    calls: usize,
}

impl Told {
    fn add(mut self, role: Role, block: Block) -> Self {
        self.prompt.turns.push(Turn { role, blocks: vec![block] });
        self
    }

    fn user(self, text: &str) -> Self {
        self.add(Role::User, Block::text(text))
    }

    fn system(mut self, text: &str) -> Self {
        self.prompt.system.push(Block::text(text));
        self
    }

    fn assistant(self, text: &str) -> Self {
        self.add(Role::Assistant, Block::text(text))
    }

    /// A call, and what it came to.
    pub(super) fn call(mut self, tool: &str, arguments: &Value, result: &str) -> Self {
        self.calls += 1;
        let (id, name) = (format!("call_{}", self.calls), tool.to_owned());
        let content = vec![Block::text(result)];
        let call = Block::ToolCall {
            id: id.clone(),
            name,
            arguments: arguments.to_string(),
            cache: None,
            signature: None,
        };
        self.add(Role::Assistant, call).add(
            Role::User,
            Block::ToolResult { id, name: None, content, is_error: result.starts_with("error"), cache: None },
        )
    }

    /// What the answer's call writes, without what was read.
    pub(super) fn then(&self, tool: &str, arguments: &Value) -> String {
        self.answered("", &[(tool.to_owned(), arguments.to_string())])
    }

    fn then_says(&self, text: &str) -> String {
        self.answered(text, &[])
    }

    pub(super) fn answered(&self, text: &str, calls: &[(String, String)]) -> String {
        told(&self.set_apart(text, calls))
    }

    fn set_apart(&self, text: &str, calls: &[(String, String)]) -> Vec<Written> {
        let mut all = written(text, calls);
        set_apart(&mut all, &self.prompt);
        all
    }
}

const OLD: &str =
    "use std::fs;\n\nfn read() {\n    fs::read(\"a\");\n}\n\nfn write() {\n    fs::write(\"a\", \"b\");\n}\n";
const NEW: &str =
    "use std::fs;\n\nfn read() {\n    fs::read(\"b\");\n}\n\nfn write() {\n    fs::write(\"a\", \"b\");\n}\n";
const WANTED: &str = " use std::fs;\n \n fn read() {\n+    fs::read(\"b\");\n }\n \n fn write() {\n     fs::write(\"a\", \
     \"b\");\n }\n";

fn numbered(before: &str, width: usize, after: &str) -> String {
    let line = |(number, line): (usize, &str)| format!("{before}{:>width$}{after}{line}\n", number + 1);
    OLD.lines().enumerate().map(line).collect()
}

#[test]
fn a_file_that_was_read_is_written_again() {
    let path = json!({"file_path": "/project/src/a.rs"});
    let new = json!({"file_path": "/project/src/a.rs", "content": NEW});
    for shown in [
        numbered("", 6, "→"),
        numbered("", 1, "\t"),
        numbered("", 1, ": "),
        format!("<file>\n{}</file>", numbered("", 1, "| ").replace('\n', "\n0000").trim_end_matches('0')),
        format!("<path>/project/src/a.rs</path>\n<content>\n{}</content>", numbered("", 1, ": ")),
        format!(
            "<file><path>src/a.rs</path>\n<content lines=\"1-9\">\n{}</content></file>",
            numbered(" ", 1, " | ")
        ),
        format!("```rust\n{OLD}```"),
        OLD.to_owned(),
        json!({"output": OLD}).to_string(),
    ] {
        let told = Told::default().user("Read b.").call("Read", &path, &shown);
        assert_eq!(told.then("Write", &new), format!("Write /project/src/a.rs\n{WANTED}"), "{shown}");
    }
}

#[test]
fn a_file_is_told_by_any_of_its_paths() {
    let new = json!({"path": "src/a.rs", "content": NEW});
    for told in [
        Told::default().call("read", &json!({"filePath": "/project/src/a.rs"}), OLD),
        Told::default().call("exec_command", &json!({"cmd": "cat src/a.rs"}), &format!("Output:\n{OLD}")),
        Told::default().call("exec_command", &json!({"cmd": "cd src && sed -n '1,20p' a.rs"}), OLD),
        Told::default().call(
            "exec",
            &json!({"input": "text((await tools.exec_command({cmd: 'cat src/a.rs'})).output);"}),
            OLD,
        ),
        Told::default().call(
            "shell",
            &json!({"command": ["bash", "-lc", "nl -ba src/a.rs"]}),
            &numbered("", 6, "\t"),
        ),
        Told::default().call("read_file", &json!({"files": [{"path": "src/a.rs"}]}), OLD),
        Told::default().call("read_many_files", &json!({"paths": ["src/a.rs", "src/b.rs"]}), OLD),
        Told::default().user(&format!("Look:\n\nsrc/a.rs\n```\n{OLD}```\n")),
        Told::default().user(&format!("<file path=\"src/a.rs\">\n{OLD}</file>\nRead b.")),
        Told::default().user(&format!("<file_content path=\"src/a.rs\">\n{OLD}</file_content>")),
        Told::default().user(&format!("<attachment id=\"a\" filePath=\"/p/src/a.rs\">\n{OLD}</attachment>")),
        Told::default().user(&format!("```rust\n// filepath: /project/src/a.rs\n{OLD}```")),
        Told::default().system(&format!("```rust src/a.rs\n{OLD}```")),
    ] {
        assert_eq!(told.then("write_to_file", &new), format!("Write src/a.rs\n{WANTED}"));
    }
}

#[test]
fn every_form_of_a_whole_file_is_set_apart() {
    let told = Told::default().call("Read", &json!({"file_path": "src/a.rs"}), OLD);
    let added: String = NEW.lines().map(|line| format!("+{line}\n")).collect();
    assert_eq!(
        told.then(
            "apply_patch",
            &json!({"input": format!("*** Begin Patch\n*** Add File: src/a.rs\n{added}*** End Patch")})
        ),
        format!("Patch src/a.rs\n{WANTED}")
    );
    assert_eq!(
        told.then("Bash", &json!({"command": format!("cat > src/a.rs <<'EOF'\n{NEW}EOF")})),
        format!("Shell src/a.rs\n{WANTED}")
    );
    assert_eq!(told.then_says(&format!("```rust src/a.rs\n{NEW}```")), format!("Fence src/a.rs\n{WANTED}"));
}

#[test]
fn the_models_own_lines_belong_to_the_answer_they_came_in() {
    let new = json!({"file_path": "a.rs", "content": NEW});
    let wanted = format!("Write a.rs\n{WANTED}");
    let told = Told::default().call("Write", &json!({"file_path": "a.rs", "content": OLD}), "Done.");
    assert_eq!(told.then("Write", &new), wanted);
    let told = Told::default().assistant(&format!(
        "<write_to_file>\n<path>a.rs</path>\n<content>\n{OLD}</content>\n</write_to_file>"
    ));
    assert_eq!(told.then("Write", &new), wanted);
    let edit = json!({"file_path": "a.rs", "old_string": "x", "new_string": "    fs::read(\"b\");"});
    let told = Told::default().call("Read", &json!({"file_path": "a.rs"}), OLD).call("Edit", &edit, "Done.");
    assert_eq!(told.then("Write", &new), wanted.replace('+', " "), "nothing is left");
}

#[test]
fn another_file_or_a_failure_says_nothing_of_it() {
    let new = json!({"file_path": "src/a.rs", "content": "mod one;\nmod two;\n"});
    let all = "Write src/a.rs\n+mod one;\n+mod two;\n";
    for told in [
        Told::default(),
        Told::default().call("Read", &json!({"file_path": "lib/a.rs"}), "mod one;\n"),
        Told::default().call("Read", &json!({"file_path": "src/a.rs"}), "error: no file but\nmod one;\n"),
        Told::default().user("In src/a.rs there shall be\n\nmod one;\nmod two;\n"),
        Told::default().assistant("I could write\n```rust src/a.rs\nmod one;\n```"),
    ] {
        assert_eq!(told.then("Write", &new), all);
    }
}

const COPIED: &str = "let first = one();\nlet second = two();\nlet third = three();\n";

#[test]
fn three_lines_in_a_row_are_a_copy() {
    let edit = json!({"file_path": "b.rs", "old_string": "fn b() {\n}", "new_string": format!("fn b() {{\n{COPIED}    own();\n}}")});
    let wanted = "Edit b.rs\n fn b() {\n let first = one();\n let second = two();\n let third = three();\n+    own();\n }\n";
    let indented = COPIED.replace("let", "\n    let");
    let numbered: String =
        COPIED.lines().zip(7..).map(|(line, number)| format!("{number}:{line}\n")).collect();
    let diff: String = COPIED.lines().map(|line| format!("-gone\n+{line}\n")).collect();
    for told in [
        Told::default().user(&format!("Put this in:\n{COPIED}")),
        Told::default().user(&indented),
        Told::default().system(COPIED),
        Told::default().add(Role::System, Block::text(COPIED)),
    ] {
        assert_eq!(told.then("Edit", &edit), wanted);
    }
    // What a file has elsewhere is new where an edit puts it, and a copy in a piece that does not say where it belongs.
    let anew = wanted.replace(" let ", "+let ");
    let piece = json!({"filepath": "b.rs", "changes": format!("{COPIED}own();\n")});
    for told in [
        Told::default().call("Read", &json!({"file_path": "other.rs"}), COPIED),
        Told::default().call("Grep", &json!({"pattern": "let"}), &numbered),
        Told::default().call("Bash", &json!({"command": "git diff"}), &format!("@@ -1,3 +1,3 @@\n{diff}")),
        Told::default().call("Bash", &json!({"command": "x"}), &json!({"stdout": COPIED}).to_string()),
        Told::default().call("Write", &json!({"file_path": "other.rs", "content": COPIED}), "Done."),
        Told::default().call(
            "Edit",
            &json!({"file_path": "o", "old_string": "x", "new_string": COPIED}),
            "error",
        ),
    ] {
        assert_eq!(told.then("Edit", &edit), anew);
        let wanted = "Edit b.rs\n let first = one();\n let second = two();\n let third = three();\n+own();\n";
        assert_eq!(told.then("edit_existing_file", &piece), wanted);
    }
}

#[test]
fn what_says_nothing_goes_with_what_stands_around_it() {
    let told = Told::default().user("if first() {\n    one();\n}\nif second() {\n    two();\n}");
    assert_eq!(
        told.then_says("```rust\nif first() {\n\n    one();\n} else {\n}\nif second() {\n    own();\n}\n```"),
        "Fence ?\n if first() {\n \n     one();\n } else {\n }\n if second() {\n+    own();\n+}\n"
    );
}

#[test]
fn fewer_lines_are_chance() {
    let edit = json!({"file_path": "b.rs", "old_string": "", "new_string": COPIED});
    let all = "Edit b.rs\n+let first = one();\n+let second = two();\n+let third = three();\n";
    for told in [
        Told::default().user("let first = one();\nlet second = two();\nlet other = three();"),
        Told::default().user("let first = one();\nlet second = two();\nown();\nlet third = three();"),
        Told::default().user("let third = three();\nlet second = two();\nlet first = one();"),
        Told::default().assistant(&format!("```rust\n{COPIED}```")),
    ] {
        assert_eq!(told.then("Edit", &edit), all);
    }
    assert_eq!(
        Told::default().user("}\n}\n}\nelse\nend").then_says("```rust\n}\n}\n}\nelse\nend\n```"),
        "Fence ?\n+}\n+}\n+}\n+else\n+end\n"
    );
}

#[test]
fn a_block_in_a_persons_last_words_is_theirs_whatever_it_says() {
    let block = "{\n  \"a\": 1\n}";
    let edit = json!({"file_path": "a.json", "old_string": "x", "new_string": block});
    let told = Told::default().user(&format!("Put in:\n```json\n{block}\n```"));
    assert_eq!(told.then("Edit", &edit), "Edit a.json\n-x\n {\n   \"a\": 1\n }\n");
    let earlier = told.user("And now what you think best.");
    assert_eq!(earlier.then("Edit", &edit), "Edit a.json\n-x\n+{\n+  \"a\": 1\n+}\n");
}

#[test]
fn long_conversations_are_read_once() {
    let lines = |from: usize, to: usize| {
        (from..to).map(|number| format!("let line_{number} = {number};\n")).collect::<String>()
    };
    let mut told = Told::default();
    for at in 0..50 {
        told = told.call(
            "Read",
            &json!({"file_path": format!("src/{at}.rs")}),
            &lines(at * 1_000, (at + 1) * 1_000),
        );
    }
    let content = format!("{}own();\n{}", lines(7_000, 8_000), lines(8_000, 9_000));
    let kept = told.then("Write", &json!({"file_path": "src/7.rs", "content": content}));
    assert_eq!(kept.lines().filter(|line| line.starts_with('+')).collect::<Vec<_>>(), ["+own();"]);
}

const TWINS: &str = "fn first() {\n    one();\n    two();\n    three();\n}\n\nfn last() {\n    four();\n}\n";

#[test]
fn lines_that_an_edit_puts_in_are_its_own_even_if_the_file_has_them_elsewhere() {
    let told = Told::default().call("Read", &json!({"file_path": "a.rs"}), TWINS);
    let new = "fn second() {\n    one();\n    two();\n    three();\n}\n\nfn last() {";
    let edit = json!({"file_path": "a.rs", "old_string": "fn last() {", "new_string": new});
    let wanted = "Edit a.rs\n     one();\n     two();\n     three();\n }\n \n\
        +fn second() {\n+    one();\n+    two();\n+    three();\n+}\n+\n fn last() {\n     four();\n }\n";
    assert_eq!(told.then("Edit", &edit), wanted);
}

#[test]
fn a_whole_file_has_new_lines_that_are_as_others_of_it() {
    let told = Told::default().call("Read", &json!({"file_path": "a.rs"}), TWINS);
    let second = "fn second() {\n    one();\n    two();\n    three();\n}\n";
    let write = json!({"file_path": "a.rs", "content": format!("{TWINS}{second}")});
    let wanted = "+fn second() {\n+    one();\n+    two();\n+    three();\n+}\n";
    assert!(told.then("Write", &write).ends_with(wanted));
    let shell = Told::default().call("exec_command", &json!({"cmd": "cat src/a.rs"}), TWINS);
    let script = json!({"cmd": format!("cat > src/a.rs <<'EOF'\n{TWINS}{second}EOF")});
    let kept = shell.then("exec_command", &script);
    assert!(kept.ends_with(wanted), "{kept}");
    let path = "/projects/My Project/src/a.rs";
    let spaced = Told::default().call("Read", &json!({"file_path": path}), TWINS);
    let kept = spaced.then("Write", &json!({"file_path": path, "content": format!("{TWINS}{second}")}));
    assert!(kept.ends_with(wanted) && kept.contains("\n fn first()"), "{kept}");
    // What only moves is as it was.
    let moved = "fn last() {\n    four();\n}\n\nfn first() {\n    one();\n    two();\n    three();\n}\n";
    let moved = told.then("Write", &json!({"file_path": "a.rs", "content": moved}));
    assert!(!moved.contains("+    two();"), "{moved}");
    // What another file has is a copy, and so is what came with it.
    let copied = told.call("Read", &json!({"file_path": "b.rs"}), second);
    let wanted = "     four();\n }\n fn second() {\n     one();\n     two();\n     three();\n+}\n";
    let kept = copied.then("Write", &write);
    assert!(kept.ends_with(wanted), "{kept}");
}

#[test]
fn of_what_a_file_has_it_is_told_how_often_it_was_shown() {
    let second = "fn second() {\n    one();\n    two();\n    three();\n}\nfn third() {\n    three();\n}";
    let counts = |told: Told| -> Vec<u32> {
        let all = told.set_apart(&format!("In `a.rs`:\n\n```rust\n{second}\n```"), &[]);
        all.iter().flat_map(|file| file.lines.iter().map(|line| line.shown)).collect()
    };
    let read = |path: &str, text: &str| Told::default().call("Read", &json!({"file_path": path}), text);
    assert_eq!(counts(read("a.rs", TWINS))[..7], [0, 1, 1, 1, 2, 0, 0]);
    let twice = format!("{TWINS}fn more() {{\n    three();\n}}\n");
    assert_eq!(counts(read("a.rs", &twice))[..5], [0, 1, 1, 2, 3], "as often as it has them");
    let older = read("a.rs", &twice).call("Read", &json!({"file_path": "a.rs"}), TWINS);
    assert_eq!(counts(older)[..5], [0, 1, 1, 2, 3], "as often as any version has them");
    assert_eq!(counts(read("b.rs", TWINS)), [0; 8], "of another file, and a copy");
}

#[test]
fn a_row_that_the_file_has_elsewhere_is_new_beside_lines_whose_place_is_known() {
    let file = "fn second() {\n    none();\n    nobody();\n    never();\n}\n\nfn first() {\n    let a = make();\n    check(&a);\n    send(a);\n}\n";
    let told = Told::default().call("Read", &json!({"file_path": "a.rs"}), file);
    let row = "    let a = make();\n    check(&a);\n    send(a);\n";
    let edit = |code: String| told.then("edit_existing_file", &json!({"filepath": "a.rs", "changes": code}));
    let mark = "// ... existing code ...\n";
    let second =
        edit(format!("{mark}\nfn second() {{\n{row}    none();\n    nobody();\n    never();\n}}\n{mark}"));
    assert!(second.contains(&row.replace("    ", "+    ")), "{second}");
    let first = edit(format!("{mark}\nfn first() {{\n{row}    own();\n}}\n{mark}"));
    assert!(!first.contains("+    let a"), "{first}");
    let third = edit(format!("{mark}\nfn third() {{\n{row}}}\n{mark}"));
    assert!(!third.contains("+    let a"), "{third}");
}

#[test]
fn a_file_that_a_person_shows_is_no_gift_but_a_block_for_it_is() {
    let second = "fn second() {\n    one();\n    two();\n    three();\n}\n\nfn last() {";
    let edit = json!({"file_path": "a.rs", "old_string": "fn last() {", "new_string": second});
    let ends = |kept: &str, sign: char| {
        let row = ["    one();", "    two();", "    three();"].map(|line| format!("{sign}{line}\n")).concat();
        assert!(kept.contains(&format!("+fn second() {{\n{row}")), "{kept}");
    };
    let shown = Told::default().user(&format!("These are the files:\n\na.rs\n```\n{TWINS}```\nGo on."));
    ends(&shown.then("Edit", &edit), '+');
    let row = "    one();\n    two();\n    three();\n";
    let again =
        json!({"file_path": "a.rs", "old_string": "fn last() {", "new_string": format!("{row}fn last() {{")});
    let kept = shown.then("Edit", &again);
    assert!(
        kept.contains(&row.replace("    ", "+    ")),
        "what is put in stands in the file as it is: {kept}"
    );
    let given =
        Told::default().user("In a.rs, please:\n\na.rs\n```\n    one();\n    two();\n    three();\n```");
    ends(&given.then("Edit", &edit), ' ');
    let with_old = "In a.rs, please:\n\na.rs\n```\nfn last() {\n    one();\n    two();\n    three();\n```";
    ends(&Told::default().user(with_old).then("Edit", &edit), ' ');
}

#[test]
fn what_stands_around_an_edit_goes_with_it_where_the_file_says_which_place_is_meant() {
    let edit = |old: &str| json!({"file_path": "a.rs", "old_string": old, "new_string": "    own();"});
    let told = Told::default().call("Read", &json!({"file_path": "a.rs"}), TWINS);
    assert_eq!(
        told.then("Edit", &edit("    two();")),
        "Edit a.rs\n fn first() {\n     one();\n-    two();\n+    own();\n     three();\n }\n \n fn last() {\n     four();\n"
    );
    // Not where two places fit, nor of a file that was not shown.
    assert_eq!(told.then("Edit", &edit("}")), "Edit a.rs\n-}\n+    own();\n");
    assert_eq!(Told::default().then("Edit", &edit("    two();")), "Edit a.rs\n-    two();\n+    own();\n");
}

#[test]
fn code_that_names_no_file_is_for_the_only_one_shown_that_it_can_be_of() {
    let told =
        Told::default().user(&format!("This is `src/a.rs`:\n\n```rust\n{TWINS}```\n\nCall own, please."));
    let block = "```rust\nfn last() {\n    own();\n    four();\n}\n```";
    assert_eq!(told.then_says(block), "Fence src/a.rs\n fn last() {\n+    own();\n     four();\n }\n");
    assert!(told.then_says("```rust\nfn other() {\n    own();\n}\n```").starts_with("Fence ?\n"));
    let two = told.user(&format!("And this is `src/b.rs`:\n\n```rust\n{TWINS}```"));
    assert!(two.then_says(block).starts_with("Fence ?\n"));
}

#[test]
fn a_result_that_a_client_puts_in_words_is_a_result() {
    let told = Told::default()
        .assistant("<read_file>\n<path>a.rs</path>\n</read_file>")
        .user(&format!("[read_file for 'a.rs'] Result:\n{TWINS}"));
    let diff = "------- SEARCH\nfn last() {\n=======\nfn second() {\n    one();\n    two();\n    three();\n}\nfn last() {\n+++++++ REPLACE";
    let call = json!({"path": "a.rs", "diff": diff});
    let written = told.then("replace_in_file", &call);
    assert!(written.ends_with(" fn last() {\n     four();\n }\n"), "{written}");
    let whole = json!({"path": "a.rs", "content": TWINS.replace("three", "own")});
    let own: Vec<String> = told
        .then("write_to_file", &whole)
        .lines()
        .filter(|line| line.starts_with('+'))
        .map(str::to_owned)
        .collect();
    assert_eq!(own, ["+    own();"]);
    assert!(written.contains("+    one();\n+    two();\n+    three();\n"), "{written}");
}

#[test]
fn other_white_space_makes_no_line_anew() {
    let edit = json!({"file_path": "a.rs", "old_string": "one();\ntwo();", "new_string": "if x {\n    one();\n    two( );\n}"});
    let wanted = "Edit a.rs\n+if x {\n     one();\n     two( );\n+}\n";
    assert_eq!(Told::default().then("Edit", &edit), wanted);
    let patch = "```diff\n--- a.rs\n+++ a.rs\n@@ -1,2 +1,3 @@\n-one();\n-two();\n+if x {\n+    one();\n+    two();\n+}\n```";
    let wanted = "Diff a.rs\n+if x {\n     one();\n     two();\n+}\n";
    assert_eq!(Told::default().then_says(patch), wanted);
}

#[test]
fn elements_in_the_block_of_a_file_are_no_other_files() {
    let file = "<set>\n<include name=\"src/other.xml\"/>\n<goal>sign</goal>\n<goal>ship</goal>\n</set>\n";
    let told = Told::default().user(&format!("```build.xml\n{file}```\nShip twice."));
    let edits = "<edits>\n<old_text>\n<goal>ship</goal>\n</old_text>\n<new_text>\n<goal>ship</goal>\n<goal>again</goal>\n</new_text>\n</edits>";
    assert!(told.then_says(edits).starts_with("EditBlock build.xml\n"));
}

#[test]
fn what_goes_behind_a_file_is_new_even_where_it_reads_like_it() {
    let job = "  build:\n    runs-on: ubuntu\n    steps:\n      - uses: checkout\n      - run: make\n";
    let told = Told::default().call("Read", &json!({"file_path": "ci.yml"}), job);
    let put = |sign: &str| json!({"command": format!("cat {sign} ci.yml <<'E'\n{job}E\n")});
    let new: String = job.lines().map(|line| format!("+{line}\n")).collect();
    assert_eq!(told.then("Bash", &put(">>")), format!("Shell ci.yml\n{new}"));
    assert!(!told.then("Bash", &put(">")).contains('+'), "the same in its place");
    let tee = json!({"command": format!("tee -a ci.yml <<'E'\n{job}E\n")});
    assert_eq!(told.then("Bash", &tee), format!("Shell ci.yml\n{new}"));
    // But what stands in another file, or what somebody gave, is a copy.
    let other = Told::default().call("Read", &json!({"file_path": "other.yml"}), job);
    assert!(!other.then("Bash", &put(">>")).contains('+'));
    let given = Told::default().user(&format!("Put this behind ci.yml:\n{job}"));
    assert!(!given.then("Bash", &put(">>")).contains('+'));
}

#[test]
fn what_stands_around_an_edit_reaches_to_a_line_that_the_file_has_once() {
    let case = |name: &str, value: u32| {
        format!(
            "    if name == \"{name}\" {{\n        count();\n        show();\n        leave();\n        enter();\n\
            \x20       return {value};\n    }}\n"
        )
    };
    let file = format!("fn pick(name: &str) {{\n{}{}{}}}\n", case("a", 1), case("b", 2), case("c", 3));
    let told = Told::default().call("Read", &json!({"file_path": "a.rs"}), &file);
    let edit =
        json!({"file_path": "a.rs", "old_string": "        return 2;", "new_string": "        return 5;"});
    let told = told.then("Edit", &edit);
    assert!(told.starts_with("Edit a.rs\n     if name == \"b\" {\n"), "{told}");
    assert!(told.contains("\n-        return 2;\n+        return 5;\n"), "{told}");
    assert!(told.contains("if name == \"c\""), "{told}");
}
