//! Tools that are no plain functions, there and back.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{OWN, call, prompt, read, reply, stream_for, talk, texts};
use crate::neutral::{Block, Reply, Stop, ToolChoice, ToolKind};
use crate::testing::{CREATED, case, codes};
use crate::{Addressed, parse};

#[test]
fn codex_tools_become_functions() {
    let codex = prompt("codex");
    assert_eq!(texts(&codex.system).len(), 2);
    let names: Vec<&str> = codex.tools.iter().map(|tool| tool.name.as_str()).collect();
    // Those that the search found are declared, too.
    assert_eq!(
        names,
        ["run_command", "apply_patch", "tool_search", "multi_agent__spawn_agent", "multi_agent__close_agent"]
    );
    assert_eq!(codex.tools[1].parameters["required"], json!(["input"]));
    assert!(
        codex.tools[1].parameters["properties"]["input"]["description"]
            .as_str()
            .unwrap()
            .contains("begin_patch")
    );
    assert!(matches!(codex.tool_forms["apply_patch"].kind, ToolKind::Freeform { format: Some(_) }));
    assert_eq!(
        codes(&codex.losses),
        [
            "server_tool:web_search",
            "phase",
            "reasoning_context",
            "verbosity",
            "client_metadata",
            "prompt_cache_key",
        ]
    );
    let calls: Vec<(&str, Value)> = codex
        .turns
        .iter()
        .flat_map(|turn| &turn.blocks)
        .filter_map(|block| match block {
            Block::ToolCall { name, arguments, .. } => {
                Some((name.as_str(), serde_json::from_str(arguments).unwrap()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        calls.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["apply_patch", "tool_search", "multi_agent__spawn_agent"]
    );
    assert!(calls[0].1["input"].as_str().unwrap().starts_with("*** Begin Patch\n"));
    assert_eq!(calls[1].1, json!({"limit": 5, "query": "spawn agent"}));

    let groups = prompt("codex_namespaces");
    let names: Vec<&str> = groups.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["exec", "wait", "clock__sleep"]);
    let raw = Bytes::from(case(OWN, "codex_namespaces.request.json"));
    assert_eq!(
        parse(OWN, &raw, &Addressed::default()).map(|request| (request.tools, request.messages)).unwrap(),
        (3, 7)
    );
}

#[test]
fn long_names_of_groups_stay_apart() {
    let tool = |name: &str| json!({"type": "function", "name": name});
    let group = "mcp__a_server_with_a_name_that_says_all_about.it";
    let long = "and_a_tool_with_a_name_that_is_as_long_";
    let tools = json!([{"type": "namespace", "name": group, "tools": [tool(&format!("{long}1")), tool(&format!("{long}2"))]}]);
    let prompt = read(&json!({"input": "hi", "tools": tools}));
    let names: Vec<&str> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert!(names.iter().all(|name| name.len() <= 64 && !name.contains('.')), "{names:?}");
    assert_ne!(names[0], names[1]);
    let frames = stream_for(&prompt, &call("c", names[1], "{}"));
    assert_eq!(frames[2].1["item"]["namespace"], group);
    assert_eq!(frames[2].1["item"]["name"], format!("{long}2"));
}

#[test]
fn the_dialects_own_client_tools_become_functions() {
    let own = prompt("built_in");
    assert_eq!(own.tool_choice, Some(ToolChoice::Named("apply_patch".into())));
    let names: Vec<&str> = own.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["local_shell", "shell", "apply_patch"]);
    let Block::ToolResult { content, is_error: true, name, .. } = &own.turns[6].blocks[0] else { panic!() };
    assert_eq!((texts(content), name.as_deref()), (vec!["no such file"], Some("apply_patch")));

    let reply = Reply {
        blocks: vec![
            Block::ToolCall {
                id: "c1".into(),
                name: "local_shell".into(),
                arguments: "{\"command\":[\"ls\"]}".into(),
                cache: None,
                signature: None,
            },
            Block::ToolCall {
                id: "c2".into(),
                name: "apply_patch".into(),
                arguments: "{\"path\":\"a\",\"type\":\"delete_file\"}".into(),
                cache: None,
                signature: None,
            },
        ],
        ..Reply::default()
    };
    let answer: Value =
        serde_json::from_slice(&talk().write_reply_to(&own, &reply, "auto", CREATED)).unwrap();
    assert_eq!(answer["output"][0]["type"], "local_shell_call");
    assert_eq!(answer["output"][0]["action"], json!({"type": "exec", "command": ["ls"], "env": {}}));
    assert_eq!(answer["output"][1]["operation"], json!({"path": "a", "type": "delete_file"}));
    assert_eq!(answer["output"][1]["type"], "apply_patch_call");
}

#[test]
fn an_answer_to_codex_has_its_tools_as_it_declared_them() {
    let blocks = reply("custom_tool").blocks;
    let answer = Reply {
        id: Some("msg_01XFDUDYJgAACzvnptvVoYEL".into()),
        blocks,
        stop: Some(Stop::ToolCalls),
        ..Reply::default()
    };
    let body: Value =
        serde_json::from_slice(&talk().write_reply_to(&prompt("codex"), &answer, "auto", CREATED)).unwrap();
    assert_eq!(
        (&body["id"], &body["status"], &body["model"]),
        (&json!("resp_msg_01XFDUDYJgAACzvnptvVoYEL"), &json!("completed"), &json!("auto"))
    );
    let patch = &body["output"][1];
    assert_eq!(
        (&patch["type"], &patch["name"], &patch["id"]),
        (&json!("custom_tool_call"), &json!("apply_patch"), &json!("ctc_msg_01XFDUDYJgAACzvnptvVoYEL_1"))
    );
    assert!(patch["input"].as_str().unwrap().ends_with("*** End Patch\n"));
    assert_eq!(
        (&body["output"][2]["name"], &body["output"][2]["namespace"]),
        (&json!("spawn_agent"), &json!("multi_agent"))
    );
    assert_eq!(body["usage"], Value::Null);
}

#[test]
fn freeform_input_is_found_however_the_model_put_it() {
    for (arguments, input) in [
        ("{\"input\":\"a\\nb\"}", "a\nb"),
        ("{\"patch\":\"a\"}", "a"),
        ("{\"input\":\"a\",\"explanation\":\"b\"}", "a"),
        ("\"a\"", "a"),
        ("*** Begin Patch", "*** Begin Patch"),
        ("{\"input\":1}", "{\"input\":1}"),
    ] {
        let frames = stream_for(&prompt("codex"), &call("c", "apply_patch", arguments));
        let done = frames.iter().find(|(name, _)| name == "response.custom_tool_call_input.done").unwrap();
        assert_eq!(done.1["input"], input);
        assert_eq!(frames.last().unwrap().1["item"]["input"], input);
    }
}
