//! Edits of less than a line, and the lines that come of them.

use serde_json::{Value, json};

use super::apart::Told;

const FILE: &str =
    "fn first() {\n    let one = call(a, b);\n    let two = other(a);\n    call(one, two);\n}\n";

fn read() -> Told {
    Told::default().call("Read", &json!({"file_path": "/p/src/a.rs"}), FILE)
}

fn edit(old: &str, new: &str) -> Value {
    json!({"file_path": "/p/src/a.rs", "old_string": old, "new_string": new})
}

fn everywhere(old: &str, new: &str) -> Value {
    json!({"file_path": "/p/src/a.rs", "old_string": old, "new_string": new, "replace_all": true})
}

#[test]
fn words_of_a_line_make_a_line() {
    for (old, new) in [("a, b)", "a, c, b)"), ("one = call(a, ", "one = call(a, c, ")] {
        assert_eq!(
            read().then("Edit", &edit(old, new)),
            "Edit /p/src/a.rs\n fn first() {\n-    let one = call(a, b);\n+    let one = call(a, c, b);\n     let two = other(a);\n     \
             call(one, two);\n }\n"
        );
    }
    let lines = read().then("Edit", &edit("b);\n    let two = ", "b, c);\n    let two = &"));
    let wanted = "-    let one = call(a, b);\n-    let two = other(a);\n+    let one = call(a, b, c);\n+    let two = &other(a);\n";
    assert!(lines.contains(wanted), "{lines}");
}

#[test]
fn what_only_gets_other_space_is_found_without_it() {
    let file = "def first():\n    \"\"\"Returns one.\"\"\"\n    return 1\n";
    let told = Told::default().call("Read", &json!({"file_path": "/p/src/a.rs"}), file);
    let lines = told.then("Edit", &edit("Returns one.", "\n    Returns one.\n\n    :rtype: int\n    "));
    let wanted =
        "-    \"\"\"Returns one.\"\"\"\n+    \"\"\"\n+    Returns one.\n+\n+    :rtype: int\n+    \"\"\"\n";
    assert!(lines.contains(wanted), "{lines}");
}

#[test]
fn what_is_not_there_or_not_once_stays_as_it_is() {
    assert_eq!(read().then("Edit", &edit("b, a", "a")), "Edit /p/src/a.rs\n-b, a\n+a\n");
    assert_eq!(read().then("Edit", &edit("call(", "fall(")), "Edit /p/src/a.rs\n-call(\n+fall(\n");
    assert_eq!(Told::default().then("Edit", &edit("a, b", "a")), "Edit /p/src/a.rs\n-a, b\n+a\n");
}

#[test]
fn what_goes_to_every_place_makes_a_line_of_each() {
    let lines = read().then("Edit", &everywhere("one", "first_one"));
    assert_eq!(
        lines,
        "Edit /p/src/a.rs\n fn first() {\n-    let one = call(a, b);\n+    let first_one = call(a, b);\n     let two = other(a);\n\
         -    call(one, two);\n+    call(first_one, two);\n }\n"
    );
    let far: String = (0..30).map(|at| format!("call({at});\nnext({at});\nlast({at});\n")).collect();
    let told = Told::default().call("Read", &json!({"file_path": "/p/src/a.rs"}), &far);
    let lines = told.then("Edit", &everywhere("(1", "(own, 1"));
    assert_eq!(lines.matches("\n+").count(), 33, "{lines}");
    assert!(!lines.contains("call(5);"), "what is far from all of them is not said: {lines}");
}

#[test]
fn a_diff_or_a_match_that_was_shown_is_not_the_file() {
    let diff =
        format!("@@ -1,5 +1,5 @@\n{}", FILE.lines().map(|line| format!("+{line}\n")).collect::<String>());
    let git = json!({"command": "git diff /p/src/a.rs"});
    let grep = json!({"command": "grep -n 'a, b' /p/src/a.rs"});
    let told = read().call("Bash", &git, &diff).call("Bash", &grep, "2:    let one = call(a, b);");
    assert_eq!(
        told.then("Edit", &edit("a, b)", "a, c, b)")),
        read().then("Edit", &edit("a, b)", "a, c, b)"))
    );
}

#[test]
fn an_edit_finds_what_those_before_it_made() {
    let told = read().call("Edit", &edit("a, b)", "a, c)"), "The file has been updated.");
    let lines = told.then("Edit", &edit("c);", "d);"));
    assert!(lines.contains("-    let one = call(a, c);\n+    let one = call(a, d);\n"), "{lines}");
    let calls =
        [edit("a, b)", "a, c)"), edit("c);", "d);")].map(|edit| ("Edit".to_owned(), edit.to_string()));
    let lines = read().answered("", &calls);
    assert!(lines.contains("-    let one = call(a, c);\n+    let one = call(a, d);\n"), "{lines}");
    let write = json!({"file_path": "/p/src/a.rs", "content": FILE});
    let wrote = Told::default().call("Write", &write, "Done.").then("Edit", &edit("a, b)", "a, c)"));
    assert!(wrote.contains("+    let one = call(a, c);\n"), "{wrote}");
}

#[test]
fn words_that_a_script_replaces_make_lines() {
    let script = json!({"command": "cd /p && sed -i 's/one/first_one/g' src/a.rs"});
    let lines = read().then("Bash", &script);
    assert!(lines.contains("-    let one = call(a, b);\n+    let first_one = call(a, b);\n"), "{lines}");
    assert!(lines.contains("-    call(one, two);\n+    call(first_one, two);\n"), "{lines}");
}
