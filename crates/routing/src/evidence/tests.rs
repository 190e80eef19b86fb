//! Each rule that ships: it fires when it should, and not on what only looks like it.

use super::*;
use crate::rules::Rules;

/// A conversation written down briefly.
#[derive(Default)]
struct Script(Conversation);

impl Script {
    fn user(mut self, text: &str) -> Self {
        self.0.events.push(Event::User { text: text.to_owned() });
        self
    }

    fn says(mut self, text: &str) -> Self {
        self.0.events.push(Event::Assistant { text: text.to_owned() });
        self
    }

    fn refuses(mut self) -> Self {
        self.0.events.push(Event::Refusal);
        self
    }

    fn call(mut self, tool: &str, arguments: &str, result: &str, is_error: bool) -> Self {
        let id = format!("call_{}", self.0.events.len());
        let call = Event::Call {
            id: id.clone(),
            tool: tool.to_owned(),
            arguments: arguments.to_owned(),
            freeform: false,
        };
        self.0.events.extend([call, Event::Result { id, text: result.to_owned(), is_error }]);
        self
    }

    fn runs(self, command: &str, result: &str) -> Self {
        self.call("Bash", &serde_json::json!({"command": command}).to_string(), result, false)
    }

    fn fails(self, command: &str, result: &str) -> Self {
        self.call("Bash", &serde_json::json!({"command": command}).to_string(), result, true)
    }

    fn edits(self, old: &str, result: &str, is_error: bool) -> Self {
        let arguments = serde_json::json!({"file_path": "a.rs", "old_string": old}).to_string();
        self.call("Edit", &arguments, result, is_error)
    }

    /// The rules that fire, with how often.
    fn fires(&self) -> Vec<(String, u32)> {
        let compiled = Compiled::of(&Rules::shipped().unwrap()).unwrap();
        let observed = Marks::of(&self.0, &compiled, None).observe(0, self.0.events.len());
        observed.into_iter().map(|seen| (seen.rule, seen.count)).collect()
    }

    fn counts(&self, rule: &str) -> Option<u32> {
        self.fires().into_iter().find(|(name, _)| name == rule).map(|(_, count)| count)
    }
}

fn task() -> Script {
    Script::default().user("Fix the parser.")
}

#[test]
fn tool_errors_count_when_there_are_several_of_late() {
    let two = task().fails("ls x", "no x").fails("ls y", "no y");
    assert_eq!(two.counts("tool_error"), None);
    let three = two.fails("ls z", "no z");
    assert_eq!(three.counts("tool_error"), Some(3));
    let later = (0..6).fold(three, |script, n| script.runs(&format!("echo {n}"), "fine"));
    assert_eq!(later.counts("tool_error"), None, "they are long over");
}

#[test]
fn results_that_quote_an_error_are_none_where_the_client_marks_errors() {
    let quotes = |marks_errors| {
        let words = "Error: the log says so\nExit code 1";
        let mut script = task().runs("cat a", words).runs("cat b", words).runs("cat c", words);
        script.0.marks_errors = marks_errors;
        script.counts("tool_error")
    };
    assert_eq!(quotes(true), None);
    assert_eq!(quotes(false), Some(3));
}

#[test]
fn errors_that_grow_more_severe_count() {
    let rising =
        task().fails("a", "nothing").fails("b", "error: x").fails("c", "thread 'main' panicked at a.rs:1");
    assert_eq!(rising.counts("tool_error_rising"), Some(2));
    let falling = task().fails("c", "panicked at a.rs:1").fails("b", "error: x").fails("a", "nothing");
    assert_eq!(falling.counts("tool_error_rising"), None);
}

#[test]
fn a_call_made_again_counts_unless_something_was_changed_in_between() {
    let again = task().runs("make", "ok").runs("make", "ok").runs("make", "ok");
    assert_eq!(again.counts("repeated_call"), Some(3));
    let worked = task()
        .runs("make", "1")
        .edits("a", "ok", false)
        .runs("make", "2")
        .edits("b", "ok", false)
        .runs("make", "3");
    assert_eq!(worked.counts("repeated_call"), None);
    let same_edit = task().edits("a", "ok", false).edits("a", "ok", false).edits("a", "ok", false);
    assert_eq!(same_edit.counts("repeated_call"), Some(3));
}

#[test]
fn asking_whether_a_command_has_ended_is_no_repetition() {
    let waits =
        (0..6).fold(task(), |script, _| script.call("write_stdin", r#"{"session_id":7}"#, "running", false));
    assert_eq!(waits.counts("repeated_call"), None);
}

#[test]
fn edits_that_fail_in_a_row_count() {
    let miss = "String to replace not found in file.";
    let recovered = task().edits("a", miss, true).edits("b", "ok", false).edits("c", miss, true);
    assert_eq!(recovered.counts("failed_edit"), None);
    assert_eq!(recovered.edits("d", miss, true).counts("failed_edit"), Some(2));
    let read = task().runs("cat notes", miss).runs("cat notes2", miss);
    assert_eq!(read.counts("failed_edit"), None, "a file that says so is no edit");
}

#[test]
fn tests_that_keep_failing_count_and_one_pass_ends_it() {
    let failing = |script: Script| {
        script
            .edits("x", "ok", false)
            .runs("cargo test -p x | tail", "test result: FAILED. 1 passed; 2 failed")
    };
    let three = failing(failing(failing(task())));
    assert_eq!(three.counts("failing_tests"), Some(3));
    let passed = three.runs("cargo test -p x", "test result: ok. 3 passed; 0 failed; 0 ignored");
    assert_eq!(passed.counts("failing_tests"), None);
    let others = (0..3).fold(task(), |script, n| script.fails(&format!("ls {n}"), "2 failed"));
    assert_eq!(others.counts("failing_tests"), None, "no tests were run");
}

#[test]
fn users_who_reject_are_heard_and_others_are_not() {
    let after = |words: &str| task().says("Done.").user(words).counts("user_rejection");
    for words in [
        "No, that's wrong.",
        "no, not like this",
        "That is not what I asked for",
        "undo that please",
        "it still fails with the same error",
        "This doesn't work.",
        "Revert your changes!",
        "You broke the build",
        "no, you should not touch that file",
        "No! I said the other parser.",
    ] {
        assert_eq!(after(words), Some(1), "{words}");
    }
    for words in [
        "no problem, thanks",
        "No, thanks, that's all.",
        "No, that's fine.",
        "no",
        "No. Just run the tests.",
        "Good, this doesn't change the format.",
        "Now add tests.",
        "Why is it wrong to use unwrap?",
        "Add a command to undo the last edit",
        "Write a migration that can be reverted",
        "None of the tests need the network, right?",
        "Great, no errors any more",
    ] {
        assert_eq!(after(words), None, "{words}");
    }
    assert_eq!(
        Script::default().user("The login doesn't work, it still fails").counts("user_rejection"),
        None,
        "a task"
    );
}

#[test]
fn calls_that_no_tool_could_take_count() {
    let cut = task().call("Bash", r#"{"command": "ls"#, "", true).call("Bash", "[1]", "", true);
    assert_eq!(cut.counts("malformed_call"), Some(2));
    let fine = task().call("Bash", "", "ok", false).call("Bash", r#"{"command": "a\"b"}"#, "ok", false);
    assert_eq!(fine.counts("malformed_call"), None);
    let once = task().call("Bash", r#"{"command": "ls"#, "failed to parse function arguments: EOF", true);
    assert_eq!(
        once.call("Bash", r#"{"command": "ls"}"#, "ok", false).counts("malformed_call"),
        None,
        "it is one"
    );
    let quoted = "1\tclass InputValidationError extends Error {}\n2\t// no such tool";
    assert_eq!(task().runs("cat a.ts", quoted).runs("cat b.ts", quoted).counts("malformed_call"), None);
    let told = "<tool_use_error>InputValidationError: Edit failed</tool_use_error>";
    assert_eq!(task().edits("a", told, true).edits("b", told, true).counts("malformed_call"), Some(2));
}

#[test]
fn refusals_and_rejected_tools_count() {
    assert_eq!(task().refuses().counts("refusal"), Some(1));
    for words in [
        "I'm sorry, but I can't assist with that request.",
        "I can't help with that.",
        "Sorry, I cannot comply.",
    ] {
        assert_eq!(task().says(words).counts("refusal"), Some(1), "{words}");
    }
    for words in ["I'm sorry, I misread the test. I fix it now.", "I can't find the file, so I look for it."]
    {
        assert_eq!(task().says(words).counts("refusal"), None, "{words}");
    }
    let rejected = "The user doesn't want to proceed with this tool use. The tool use was rejected.";
    let once = task().call("Bash", "{}", rejected, true);
    assert_eq!(once.counts("tool_rejected"), None);
    assert_eq!(once.call("Edit", "{}", rejected, true).counts("tool_rejected"), Some(2));
    let edits = (0..4).fold(task(), |script, n| script.edits(&n.to_string(), rejected, true));
    let fires: Vec<String> = edits.fires().into_iter().map(|(rule, _)| rule).collect();
    assert_eq!(fires, ["tool_rejected"], "nothing failed");
}

#[test]
fn work_that_goes_well_fires_nothing() {
    let script = (0..30).fold(task(), |script, n| {
        let edited = script.says("Next.").runs(&format!("sed -n {n}p a.rs"), "let x = 1;").edits(
            &n.to_string(),
            "ok",
            false,
        );
        edited.runs("cargo test", "test result: ok. 4 passed; 0 failed")
    });
    assert_eq!(script.fires(), []);
}

#[test]
fn only_the_ends_of_a_long_text_are_looked_at() {
    let long = format!("{}{}{}", "ä".repeat(20_000), "STOP", "ö".repeat(20_000));
    assert!(!ends(&long).contains("STOP"));
    assert!(ends(&long).len() <= 2 * LOOKED_AT + 8);
}
