//! Who asks and what for: sessions, sub-agents and the calls that assistants make by themselves.

use serde_json::{Value, json};
use waymark_testkit::Response;

use crate::rig::{ANTHROPIC, OPENAI, Rig, chat, message};

fn with(headers: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [OPENAI, headers].concat()
}

fn ask(rig: &Rig, body: &Value, headers: &[(&'static str, &'static str)]) -> Response {
    let answer = rig.http().post("/v1/chat/completions", &with(headers), body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn titled(body: &Value) -> Value {
    let system = "You are a title generator. You output ONLY a thread title. Nothing else.";
    let mut titled = body.clone();
    titled["messages"] =
        json!([{"role": "system", "content": system}, {"role": "user", "content": "Say hello."}]);
    titled
}

#[test]
fn a_title_call_is_a_utility_and_its_record_says_what_told_it() {
    let rig = Rig::start();
    let session = [("x-session-affinity", "ses_1")];
    let title = rig.why(&ask(&rig, &titled(&chat("auto", false)), &session));
    assert_eq!((&title["task"], &title["session"]), (&json!("utility"), &json!("ses_1")));
    assert_eq!(title["decision"]["reasons"][0], "task:utility:opencode-title", "{title}");
    let plain = rig.why(&ask(&rig, &chat("auto", false), &session));
    assert_eq!((&plain["task"], &plain["session"]), (&json!("chat"), &json!("ses_1")));
    assert_eq!(plain["decision"]["reasons"][0], "route:auto", "{plain}");
}

#[test]
fn a_sub_agent_and_a_compaction_are_named_in_the_record() {
    let rig = Rig::start();
    let told = rig.why(&ask(&rig, &chat("auto", false), &[("x-openai-subagent", "review")]));
    assert_eq!(told["task"], "subagent_step");
    assert_eq!(told["decision"]["reasons"][0], "task:subagent_step:codex-subagent", "{told}");
    let mut body = message("large", false);
    let words = "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\nYour task is to sum up.";
    body["messages"][0]["content"] = json!([{"type": "text", "text": words}]);
    body["tools"] = json!([{"name": "Read", "input_schema": {"type": "object"}}]);
    let told = rig.why(&rig.http().post("/v1/messages", ANTHROPIC, body.to_string()));
    assert_eq!(told["task"], "agent_step");
    assert_eq!(told["decision"]["reasons"][0], "task:agent_step:claude-code-compaction", "{told}");
}

#[test]
fn tools_that_come_as_an_input_item_make_an_agents_step() {
    let rig = Rig::start();
    let tool = json!({"type": "function", "name": "run", "parameters": {"type": "object"}});
    let mut body = json!({"model": "small", "input": [
        {"type": "additional_tools", "role": "developer", "tools": [tool]},
        {"type": "message", "role": "user", "content": "hello"},
    ]});
    let step = rig.why(&rig.http().post("/v1/responses", OPENAI, body.to_string()));
    assert_eq!(step["task"], "agent_step", "{step}");
    body["input"].as_array_mut().unwrap().remove(0);
    let chat = rig.why(&rig.http().post("/v1/responses", OPENAI, body.to_string()));
    assert_eq!(chat["task"], "chat", "{chat}");
}

#[test]
fn a_conversation_without_a_key_keeps_one_name_over_turns_and_restarts() {
    let mut rig = Rig::start();
    let mut body = chat("small", false);
    let first = rig.why(&ask(&rig, &body, &[]))["session"].clone();
    assert!(first.as_str().is_some_and(|name| name.starts_with("derived:")), "{first}");
    for said in
        [json!({"role": "assistant", "content": "Hello!"}), json!({"role": "user", "content": "Again."})]
    {
        body["messages"].as_array_mut().unwrap().push(said);
    }
    rig.waymark.stop();
    rig.waymark.start();
    assert_eq!(rig.why(&ask(&rig, &body, &[]))["session"], first);
    body["messages"][0]["content"] = json!("Say goodbye.");
    assert_ne!(rig.why(&ask(&rig, &body, &[]))["session"], first);
    body["prompt_cache_key"] = json!("thread-7");
    assert_eq!(rig.why(&ask(&rig, &body, &[]))["session"], "thread-7");
    let title = rig.why(&ask(&rig, &titled(&chat("small", false)), &[]));
    assert_eq!(title["session"], Value::Null, "nobody knows which conversation it is for");
}

/// What Codex says of the workspace, in a header and in the body alike.
const METADATA: &str = r#"{"workspaces":{"/srv/secret":{"associated_remote_urls":{"origin":"git@secret"}}}}"#;

#[test]
fn what_codex_tells_openai_of_the_workspace_stays_here_when_another_dialect_is_spoken() {
    let rig = Rig::start();
    let body =
        json!({"model": "large", "input": "hi", "client_metadata": {"x-codex-turn-metadata": METADATA}});
    let headers = with(&[("x-codex-turn-metadata", METADATA), ("x-codex-installation-id", "i")]);
    let answer = rig.http().post("/v1/responses", &headers, body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let asked = rig.anthropic.last();
    let sent = format!("{asked:?} {}", String::from_utf8_lossy(&asked.body));
    assert!(!sent.contains("secret") && !sent.contains("x-codex"), "{sent}");
}

#[test]
fn stock_names_mean_a_configured_model_or_the_route_for_their_tier_and_stay_in_the_record() {
    let rig = Rig::start();
    let told = |model: &str| rig.why(&ask(&rig, &chat(model, false), &[]));
    let dated = told("mock-large-1-20260101");
    assert_eq!(
        (&dated["requested_model"], &dated["resolved_model"]),
        (&json!("mock-large-1-20260101"), &json!("mock-large-1"))
    );
    assert_eq!(dated["decision"]["reasons"][0], "provider_id:large", "{dated}");
    let haiku = told("claude-haiku-4-5-20251001");
    assert_eq!(
        (&haiku["requested_model"], &haiku["resolved_model"]),
        (&json!("claude-haiku-4-5-20251001"), &json!("mock-small-1"))
    );
    assert_eq!(haiku["decision"]["reasons"][0], "stock:claude-*haiku*:small", "{haiku}");
    assert_eq!(haiku["decision"]["route"], "auto");
}

#[test]
fn a_picker_that_shows_only_claudes_is_told_a_name_for_every_route_and_model() {
    let rig = Rig::start();
    let ids = |headers: &[(&'static str, &'static str)]| -> Vec<String> {
        let listed = rig.http().get("/v1/models", headers).json();
        listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|model| model["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (plain, anthropic) = (ids(OPENAI), ids(ANTHROPIC));
    assert!(
        plain.contains(&"auto".to_owned()) && !plain.iter().any(|id| id.starts_with("claude-")),
        "{plain:?}"
    );
    for id in ["auto", "claude-auto", "claude-small", "claude"] {
        assert!(anthropic.iter().any(|listed| listed == id), "{id} in {anthropic:?}");
    }
    assert!(!anthropic.contains(&"claude-claude".to_owned()), "{anthropic:?}");
    let told = rig.why(&rig.message(&message("claude-auto", false)));
    assert_eq!(
        (&told["requested_model"], &told["decision"]["route"]),
        (&json!("claude-auto"), &json!("auto"))
    );
    assert_eq!(told["decision"]["reasons"][0], "alias:auto", "{told}");
}
