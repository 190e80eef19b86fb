//! What holds of any answer.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;
use similar::TextDiff;

use super::written;
use crate::extract::{completion, set_apart};
use crate::{Form, Line, Role, Written};
use waymark_protocol::neutral::{Block, Prompt, Role as Speaker, Turn};

/// Texts made of the signs that mean something to one reader or another.
fn signs() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("*** Begin Patch\n"),
        Just("*** Update File: a\n"),
        Just("*** Move to: b\n"),
        Just("*** End Patch\n"),
        Just("--- a/a\n+++ b/a\n"),
        Just("@@ -1,2 +1 @@\n"),
        Just("diff --git a/a b/a\n"),
        Just("<<<<<<< SEARCH\n"),
        Just("=======\n"),
        Just(">>>>>>> REPLACE\n"),
        Just("```rust src/a.rs\n"),
        Just("```\n"),
        Just("~~~\n"),
        Just("src/a.rs\n"),
        Just("<write_to_file>\n"),
        Just("<path>a</path>"),
        Just("<content>"),
        Just("</content>"),
        Just("</write_to_file>"),
        Just("<old_text>"),
        Just("</old_text><new_text>"),
        Just("cat > a <<'E'\n"),
        Just("<<-E"),
        Just("E\n"),
        Just("$(("),
        Just("))"),
        Just("$("),
        Just("\""),
        Just("'"),
        Just("\\"),
        Just("{\"path\": \"a\", \"content\": \""),
        Just("\"}"),
        Just("\\u00"),
        Just("+é\n"),
        Just("-ü"),
        Just(" x\n"),
        Just("\n"),
        Just("\r\n"),
        Just("12\t"),
        Just("→"),
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[-+@a]{0,3}", 0..12)
}

fn text(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn side(written: &Written, gone: Role) -> Vec<String> {
    written.lines.iter().filter(|line| line.role != gone).map(|line| line.text.clone()).collect()
}

fn turn(role: Speaker, block: Block) -> Turn {
    Turn { role, blocks: vec![block] }
}

proptest! {
    #[test]
    fn any_answer_can_be_read(
        said in prop_oneof![signs(), ".*"],
        tool in "[a-z_]*",
        arguments in prop_oneof![signs(), ".*", signs().prop_map(|text| json!({"path": "a", "content": text}).to_string()),
            signs().prop_map(|text| json!({"command": text, "diff": text}).to_string())],
        prompt in signs(),
    ) {
        let call = Block::ToolCall {
            id: "1".into(), name: tool.clone(), arguments: arguments.clone(), cache: None, signature: None,
        };
        let result = Block::ToolResult {
            id: "1".into(), name: None, content: vec![Block::text(said.clone())], is_error: false, cache: None,
        };
        let turns = vec![
            turn(Speaker::Assistant, call),
            turn(Speaker::User, result),
            turn(Speaker::User, Block::text(prompt)),
            turn(Speaker::Assistant, Block::text(said.clone())),
        ];
        let mut all = written(&said, &[(tool, arguments)]);
        let before = all.clone();
        for written in &all {
            prop_assert!(written.lines.iter().any(|line| line.role != Role::Context));
            prop_assert!(written.lines.iter().all(|line| !line.text.contains('\n')));
        }
        set_apart(&mut all, &Prompt { turns, ..Prompt::default() });
        for (written, before) in all.iter().zip(&before) {
            prop_assert!(before.path.is_none() || written.path == before.path);
            let is_it = |(line, before): (&Line, &Line)| {
                let role = line.role == before.role || (before.role, line.role) == (Role::Added, Role::Context);
                line.text == before.text && role
            };
            let at = (0..=written.lines.len() - before.lines.len())
                .find(|at| written.lines[*at..].iter().zip(&before.lines).all(is_it));
            prop_assert!(at.is_some(), "{written:?} {before:?}");
            let (above, below) = (at.unwrap(), at.unwrap() + before.lines.len());
            let around = written.lines[..above].iter().chain(&written.lines[below..]);
            prop_assert!(around.into_iter().all(|line| line.role == Role::Context));
        }
    }

    #[test]
    fn any_completion_can_be_joined(prefix in ".*", text in "(\n|\r|[a ])*", suffix in ".*") {
        completion(None, &prefix, &text, &suffix);
    }

    #[test]
    fn talk_gives_nothing(text in "([A-Za-z ,.:'()]+\n|# [a-z ]+\n|- [a-z `]+\n|[0-9]\\. [a-z*]+\n|\n|> [a-z]+\n)*") {
        prop_assert_eq!(written(&text, &[]), vec![]);
    }

    #[test]
    fn a_diff_makes_the_new_text_of_the_old(old in lines(), new in lines()) {
        let diff = TextDiff::from_lines(&text(&old), &text(&new))
            .unified_diff().context_radius(1_000).header("a/x", "b/x").to_string();
        let fenced = written(&format!("```diff\n{diff}```"), &[]);
        let bare = written(&format!("So:\n\n{diff}\nDone."), &[]);
        for all in [fenced, bare] {
            if old == new {
                prop_assert_eq!(all, vec![]);
                continue;
            }
            prop_assert_eq!(all.len(), 1, "{}", diff);
            prop_assert_eq!(side(&all[0], Role::Added), old.clone(), "{}", diff);
            prop_assert_eq!(side(&all[0], Role::Removed), new.clone(), "{}", diff);
        }
    }

    #[test]
    fn an_edit_makes_the_new_text_of_the_old(old in lines(), new in lines()) {
        let arguments = json!({"file_path": "a", "old_string": text(&old), "new_string": text(&new)}).to_string();
        let all = written("", &[("Edit".to_owned(), arguments)]);
        prop_assert_eq!(all.len(), usize::from(old != new));
        for written in all {
            prop_assert_eq!(side(&written, Role::Added), old.clone());
            prop_assert_eq!(side(&written, Role::Removed), new.clone());
        }
    }

    #[test]
    fn a_document_is_what_the_shell_would_write(lines in prop::collection::vec("[a-z$`\\\\ '\"<>()#]{0,8}", 0..8)) {
        let script = format!("cat > a <<'E O F'\n{}E O F\n", text(&lines));
        let all = written("", &[("bash".to_owned(), json!({"command": script}).to_string())]);
        prop_assert_eq!(all.len(), usize::from(!lines.is_empty()));
        let wanted: HashMap<Form, Vec<String>> = all.iter().map(|all| (all.form, side(all, Role::Removed))).collect();
        prop_assert!(lines.is_empty() || wanted[&Form::Shell] == lines);
    }
}
