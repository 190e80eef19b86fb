use serde_json::{Value, json};

use super::*;
use crate::{Captured, Fate, Headers, conversation::Conversation};

/// Everything that may happen, but for arguments that are no JSON.
fn eventful() -> Script {
    Script::new()
        .user("Make the tests pass.")
        .says("I look at the file.")
        .reads("app.py")
        .prints("def total(items):\n    return max(items)\n")
        .edits("app.py", "max(item)", "sum(items)")
        .fails_to_apply()
        .edits("app.py", "max(items)", "sum(items)")
        .runs("pytest")
        .prints("1 failed\n")
        .fails(1)
        .and()
        .writes("new.py", "x = 1\n")
        .edits_without_text("app.py")
        .calls_unknown("frobnicate")
        .runs("sleep 500")
        .times_out()
        .runs("rm -r build")
        .rejected()
        .user("Leave the folder alone.")
        .runs("rm x")
        .rejected_saying("Not this one either.")
        .compacted("Everything was done.")
        .says("All done.")
        .user("Now the documentation.")
}

fn captured(asked: &Asked) -> Captured {
    let headers: Vec<String> = asked.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    Captured {
        connection: 0,
        method: "POST".to_owned(),
        target: asked.path.to_owned(),
        head: Vec::new(),
        headers: Headers::parse(headers.iter().map(String::as_str)).unwrap(),
        body: asked.bytes(),
        fate: Fate::Pending,
    }
}

#[test]
fn every_request_is_one_that_a_provider_takes() {
    for agent in Agent::ALL {
        for asked in agent.session(1, eventful()).requests() {
            let captured = captured(&asked);
            assert_eq!(captured.refusal(), None, "{agent:?}: {}", asked.body);
            let read = Conversation::read(&captured);
            assert!(read.is_ok(), "{agent:?}: {read:?}: {}", asked.body);
        }
    }
}

#[test]
fn there_is_a_request_before_each_answer_and_one_after_the_last() {
    for agent in Agent::ALL {
        let requests = agent.session(1, eventful()).requests();
        // Nine answers to calls, the summary, the closing words, and what the script leaves unanswered.
        assert_eq!(requests.len(), 12, "{agent:?}");
        let ends = Script::new().user("Hello.").says("Hello.");
        assert_eq!(agent.session(1, ends.clone()).requests().len(), 1);
        assert_eq!(agent.session(1, ends.user("And?")).requests().len(), 2);
        let stopped = Script::new().user("Run it.").runs("make").interrupted();
        assert_eq!(agent.session(1, stopped).requests().len(), 1, "{agent:?} waits for its user");
    }
}

#[test]
fn requests_grow_until_the_conversation_is_compacted() {
    for agent in Agent::ALL {
        let lengths: Vec<usize> =
            agent.session(1, eventful()).requests().iter().map(|asked| asked.bytes().len()).collect();
        // The tenth asks for the summary, which opencode wants of a text of the conversation.
        let (before, after) = (&lengths[..9], lengths[10]);
        assert!(before.is_sorted() && after < before[8], "{agent:?}: {lengths:?}");
    }
}

/// Content of the newest result, and whether it says of itself that it is an error.
fn newest(agent: Agent, script: Script) -> (String, Value) {
    let body = agent.session(1, script).last().body;
    let list = if body["input"].is_array() { &body["input"] } else { &body["messages"] };
    let last = list.as_array().unwrap().last().unwrap();
    match agent {
        Agent::ClaudeCode => {
            let block = &last["content"][0];
            (block["content"].as_str().unwrap().to_owned(), block["is_error"].clone())
        }
        Agent::Codex => (last["output"].as_str().unwrap().to_owned(), Value::Null),
        Agent::OpenCode => (last["content"].as_str().unwrap().to_owned(), Value::Null),
    }
}

#[test]
fn a_failed_command_reads_as_each_agent_tells_it() {
    let failed = || Script::new().user("Test it.").runs("make test").prints("boom\n").fails(3);
    assert_eq!(newest(Agent::ClaudeCode, failed()), ("Exit code 3\nboom".to_owned(), json!(true)));
    let (codex, _) = newest(Agent::Codex, failed());
    assert!(
        codex.contains("\nProcess exited with code 3\n") && codex.ends_with("\nOutput:\nboom\n"),
        "{codex}"
    );
    assert_eq!(newest(Agent::OpenCode, failed()).0, "boom\n", "nothing of the exit code");
}

#[test]
fn an_edit_that_does_not_apply_reads_as_each_agent_tells_it() {
    let failed =
        || Script::new().user("Edit it.").edits("app.py", "sum(item)", "max(items)").fails_to_apply();
    let told = |agent| newest(agent, failed()).0;
    assert_eq!(
        told(Agent::ClaudeCode),
        "<tool_use_error>String to replace not found in file.\nString: sum(item)</tool_use_error>"
    );
    assert_eq!(
        told(Agent::Codex),
        "apply_patch verification failed: Failed to find expected lines in /project/app.py:\nsum(item)"
    );
    assert!(told(Agent::OpenCode).starts_with("Could not find oldString in the file."));
}

#[test]
fn arguments_that_break_off_are_kept_as_each_agent_keeps_them() {
    for agent in Agent::ALL {
        let body = agent.session(1, Script::new().user("Run.").garbles("echo hi")).last().body.to_string();
        let kept = match agent {
            Agent::ClaudeCode => {
                r#""input":{"__unparsedToolInput":{"len":20,"raw":"{\"command\": \"echo hi"}}"#
            }
            Agent::Codex => r#""arguments":"{\"cmd\": \"echo hi","#,
            Agent::OpenCode => r#""name":"invalid""#,
        };
        assert!(body.contains(kept), "{agent:?}: {body}");
    }
}

#[test]
fn a_client_without_a_session_names_none() {
    for agent in Agent::ALL {
        let session = agent.session(7, Script::new().user("Hello."));
        let (named, unnamed) = (session.last(), session.clone().unnamed().last());
        let tells = |asked: &Asked| format!("{:?}{}", asked.headers, asked.body).contains(session.id());
        assert!(tells(&named) && !tells(&unnamed), "{agent:?}");
        assert_eq!(session.asking_for("large").last().body["model"], "large");
    }
}
