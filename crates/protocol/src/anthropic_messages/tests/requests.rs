//! Requests read, and read again as they were written.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Addressed;
use crate::neutral::{Block, CacheMark, Effort, Media, OutputFormat, Reasoning, Role, ToolChoice};

fn model(name: &str) -> String {
    let body: Value = serde_json::from_slice(&case(name)).unwrap();
    body["model"].as_str().unwrap().to_owned()
}

/// What only the provider's own tools say is not read back.
#[test]
fn every_request_reads_again_as_it_was() {
    for name in cases(".request.json").iter().filter(|name| !name.starts_with("server_tools")) {
        let prompt = AnthropicMessages.read_prompt(&case(name)).unwrap();
        let mut losses = Vec::new();
        let body = AnthropicMessages.write_prompt(&prompt, &model(name), &mut losses).unwrap();
        assert_eq!(losses, [], "{name}");
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap()["model"], model(name), "{name}");
        assert_eq!(AnthropicMessages.read_prompt(&body).unwrap(), prompt, "{name}");
        assert_eq!(prompt.losses, [], "{name}");
    }
}

#[test]
fn text_stands_in_strings_and_blocks() {
    let prompt = prompt("text");
    assert!(prompt.stream && prompt.stream_usage);
    assert_eq!(prompt.max_output, Some(1024));
    let said: Vec<(Role, usize)> = prompt.turns.iter().map(|turn| (turn.role, turn.blocks.len())).collect();
    assert_eq!(said, [(Role::User, 1), (Role::Assistant, 1), (Role::User, 2)]);
    assert_eq!(prompt.turns[0].blocks[0], Block::text("What does `git bisect` do?"));
}

#[test]
fn instructions_stand_above_and_within() {
    let prompt = prompt("system");
    assert_eq!(prompt.system.len(), 2);
    assert_eq!(prompt.turns[1].role, Role::System);
    let (body, losses) = written(&prompt, "claude-sonnet-4-5").unwrap();
    assert_eq!(losses, ["system_turn"]);
    assert_eq!(
        body["messages"][0]["content"][1]["text"],
        "<system>\nFrom here on, answer in French.\n</system>"
    );
    assert_eq!(body["messages"].as_array().unwrap().len(), 3);
}

#[test]
fn media_are_where_they_were() {
    let image = prompt("image");
    let media: Vec<&Media> = image.turns[0]
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Image { media, .. } => Some(media),
            _ => None,
        })
        .collect();
    assert!(matches!(media[0], Media::Inline { media_type, .. } if media_type == "image/png"));
    assert_eq!(media[1], &Media::Url { url: "https://images.example/cat.webp".to_owned() });
    assert_eq!(media[2], &Media::Uploaded { id: "file_011CNha8iCJcU1wXNR6q4V8w".to_owned() });
    let document = prompt("document");
    let blocks = &document.turns[0].blocks;
    assert!(matches!(&blocks[0], Block::Document { name: Some(name), .. } if name == "Report"));
    assert_eq!(blocks[3], Block::text("notes.txt\n\nShip on Friday."));
    assert_eq!(blocks[4..], ["Part one.", "Part two.", "Summarise."].map(Block::text));
}

#[test]
fn tools_and_the_choice_among_them() {
    let auto = prompt("tools");
    assert_eq!((auto.tools.len(), auto.tools[1].strict), (2, Some(true)));
    assert_eq!((auto.tool_choice, auto.parallel_tools), (Some(ToolChoice::Auto), Some(false)));
    let any = prompt("tools_any");
    assert_eq!((any.tool_choice, any.parallel_tools), (Some(ToolChoice::Required), Some(true)));
    assert_eq!(prompt("tools_named").tool_choice, Some(ToolChoice::Named("read_file".to_owned())));
    assert_eq!(prompt("tools_none").tool_choice, Some(ToolChoice::None));
}

#[test]
fn results_know_their_tool_and_their_failure() {
    let prompt = prompt("parallel_tools");
    assert_eq!(prompt.turns[1].blocks.len(), 3);
    let Block::ToolResult { name, content, is_error, .. } = &prompt.turns[2].blocks[0] else { panic!() };
    assert_eq!((name.as_deref(), content.len(), *is_error), (Some("read_file"), 2, false));
    let Block::ToolResult { name, content, is_error, .. } = &prompt.turns[2].blocks[1] else { panic!() };
    assert_eq!((name.as_deref(), content.len(), *is_error), (Some("run"), 1, true));
}

#[test]
fn a_schema_is_strict_where_others_can_be_so_too() {
    let strictness = |name: &str| match prompt(name).output {
        Some(OutputFormat::JsonSchema { strict, .. }) => strict,
        _ => panic!("no schema"),
    };
    assert_eq!(strictness("schema"), Some(true));
    assert_eq!(strictness("schema_legacy"), None);
}

#[test]
fn reasoning_is_asked_for_in_three_ways() {
    let adaptive = prompt("reasoning");
    let expected =
        Reasoning { effort: Some(Effort::High), adaptive: true, visible: true, ..Reasoning::default() };
    assert_eq!(adaptive.reasoning, Some(expected));
    let signed = |block: &Block| matches!(block, Block::Thinking { signature: Some(text), .. } if text.starts_with("waymark/anthropic///Eq"));
    assert!(signed(&adaptive.turns[1].blocks[0]));
    let redacted = |block: &Block| matches!(block, Block::RedactedThinking { data } if data.starts_with("waymark/anthropicREDEmw"));
    assert!(redacted(&adaptive.turns[1].blocks[1]));
    let budget = prompt("reasoning_budget").reasoning.unwrap();
    assert_eq!((budget.budget, budget.visible), (Some(10_000), true));
    assert!(prompt("reasoning_off").reasoning.unwrap().off);
}

#[test]
fn cache_marks_keep_their_lifetime() {
    let prompt = prompt("cache");
    let hour = Some(CacheMark { ttl: Some("1h".to_owned()) });
    assert_eq!(prompt.tools[0].cache, hour);
    assert!(matches!(&prompt.system[0], Block::Text { cache, .. } if *cache == hour));
    assert!(matches!(
        &prompt.turns[0].blocks[0],
        Block::Document { cache: Some(CacheMark { ttl: None }), .. }
    ));
    let body = br#"{"messages":[{"role":"user","content":"a"}],"cache_control":{"type":"ephemeral"}}"#;
    let by_itself = AnthropicMessages.read_prompt(body).unwrap();
    assert!(matches!(&by_itself.turns[0].blocks[0], Block::Text { cache: Some(_), .. }));
}

#[test]
fn sampling_and_letters_of_all_kinds() {
    let sampling = prompt("sampling");
    assert_eq!((sampling.sampling.temperature, sampling.sampling.top_p), (Some(0.3), Some(0.9)));
    assert_eq!((sampling.sampling.top_k, sampling.sampling.stop.len()), (Some(40), 2));
    assert_eq!(sampling.user.as_deref(), Some("3f8a6c1e-user"));
    let unicode = prompt("unicode");
    assert!(
        matches!(&unicode.turns[0].blocks[0], Block::Text { text, .. } if text.contains("👩‍👩‍👧‍👦") && text.contains('\0'))
    );
}

#[test]
fn tools_that_the_provider_ran_become_turns() {
    let prompt = prompt("server_tools");
    let roles: Vec<Role> = prompt.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User, Role::Assistant, Role::User]);
    let Block::ToolResult { name, content, .. } = &prompt.turns[2].blocks[0] else { panic!() };
    assert_eq!(name.as_deref(), Some("web_search"));
    assert_eq!(*content, [Block::text("The cup\nhttps://news.example/cup")]);
    let tools: Vec<&str> = prompt.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(tools, ["read_file", "bash"]);
    let expected = [
        "service_tier",
        "context_management",
        "server_tool_call:web_search",
        "block:web_search_tool_result",
        "citations",
        "server_tool:web_search_20250305",
        "defined_tool:bash_20250124",
    ];
    assert_eq!(codes(&prompt.losses), expected);
    assert_eq!(prompt.unsayable, [""; 0]);
}

#[test]
fn what_only_the_provider_can_do_is_refused_elsewhere() {
    let refused = |body: Value| {
        let prompt = AnthropicMessages.read_prompt(body.to_string().as_bytes()).unwrap();
        prompt.sayable_in(waymark_types::Dialect::OpenAiChat).map_err(|error| error.to_string())
    };
    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    let own = json!({"name": "read", "input_schema": {"type": "object"}});
    let messages = json!([{"role": "user", "content": "look it up"}]);
    let alone = refused(json!({"messages": messages, "tools": [search]}));
    assert_eq!(
        alone.unwrap_err(),
        "`web_search`, a tool of the provider's own, cannot be said in openai-chat"
    );
    let choice = json!({"type": "tool", "name": "web_search"});
    assert!(refused(json!({"messages": messages, "tools": [search, own], "tool_choice": choice})).is_err());
    assert!(refused(json!({"messages": messages, "tools": [search, own]})).is_ok());
    let servers = json!([{"type": "url", "name": "x", "url": "https://mcp.example"}]);
    assert!(refused(json!({"messages": messages, "mcp_servers": servers})).is_err());
    let paused = json!([messages[0], {"role": "assistant", "content": [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}]}]);
    assert!(refused(json!({"messages": paused, "tools": [search, own]})).is_err());
    let thread = json!({"type": "continue", "previous_message_id": "msg_1"});
    assert!(refused(json!({"messages": messages, "thread": thread})).is_err());
    assert!(refused(json!({"messages": messages, "thread": {"type": "create"}})).is_ok());
    assert!(refused(json!({"messages": messages, "compaction": {"type": "summarize"}})).is_err());
}

#[test]
fn instructions_for_one_turn_go_with_it() {
    let reminder = |text: &str| json!({"role": "system", "content": text, "clear_at": "next_user_message"});
    let said = |text: &str| json!({"role": "user", "content": text});
    let effort = json!({"role": "system", "output_config": {"effort": "low"}});
    let body = json!({"messages": [said("a"), reminder("old"), effort, said("b"), reminder("new")]});
    let prompt = AnthropicMessages.read_prompt(body.to_string().as_bytes()).unwrap();
    let texts: Vec<&Block> = prompt.turns.iter().flat_map(|turn| &turn.blocks).collect();
    assert_eq!(texts, [&Block::text("a"), &Block::text("b"), &Block::text("new")]);
    assert_eq!(codes(&prompt.losses), ["turn_output_config"]);
}

#[test]
fn what_is_unknown_is_lost_by_name() {
    let body = json!({"messages": [{"role": "user", "content": [
        {"type": "hologram", "text": "?"}, {"type": "container_upload", "file_id": "f"},
        {"type": "search_result", "title": "A", "source": "s", "content": [{"type": "text", "text": "b"}]},
        {"type": "compaction", "content": "so far"},
        {"type": "mid_conv_system", "content": [{"type": "text", "text": "be brief"}]}]}],
        "thinking": {"type": "sideways"}, "novelty": true});
    let prompt = AnthropicMessages.read_prompt(body.to_string().as_bytes()).unwrap();
    let expected = ["block:hologram", "block:container_upload", "compaction", "thinking:sideways"];
    assert_eq!(codes(&prompt.losses), expected);
    assert_eq!(prompt.turns[0].blocks, [Block::text("A\ns\nb"), Block::text("so far")]);
    assert_eq!(
        (prompt.turns[1].role, &prompt.turns[1].blocks),
        (Role::System, &vec![Block::text("be brief")])
    );
}

#[test]
fn what_makes_no_sense_is_said_so() {
    let problem = |body: &str| AnthropicMessages.read_prompt(body.as_bytes()).unwrap_err().to_string();
    assert!(problem(r#"{"messages":[{"role":"tool","content":"x"}]}"#).contains("`tool` is not known"));
    assert!(problem(r#"{"messages":[],"tool_choice":{"type":"tool"}}"#).contains("`tool` is not known"));
    assert!(problem(r#"{"messages":[{"role":"user","content":5}]}"#).starts_with("could not read"));
    assert!(problem("{}").contains("missing field `messages`"));
}

proptest! {
    /// Whatever JSON or bytes come in, a reader answers and what it read can be written or is refused.
    #[test]
    fn no_json_stops_a_reader(mut body in any_json(), raw in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = AnthropicMessages.read_prompt(&raw);
        let wrapped = json!({"messages": [{"role": "user", "content": [body.clone()]},
            {"role": "assistant", "content": body.clone()}], "tools": [body.clone()]});
        if let Value::Object(members) = &mut body {
            members.insert("model".to_owned(), json!("m"));
        }
        for body in [body, wrapped] {
            let text = body.to_string();
            let _ = crate::parse(waymark_types::Dialect::AnthropicMessages, &Bytes::from(text.clone()), &Addressed::default());
            crate::anthropic_messages::without_foreign_thinking(&Bytes::from(text.clone()));
            if let Ok(prompt) = AnthropicMessages.read_prompt(text.as_bytes()) {
                crate::count_tokens::estimate(&prompt);
                let _ = written(&prompt, "claude-opus-5");
                let _ = written(&prompt, "other");
            }
        }
    }

    #[test]
    fn no_json_stops_a_request_of_its_own_shape(content in prop::collection::vec(any_json(), 0..4), tool in any_json()) {
        for body in [
            json!({"messages": [{"role": "user", "content": content}]}),
            json!({"messages": [], "tools": [tool], "tool_choice": tool}),
        ] {
            let _ = AnthropicMessages.read_prompt(body.to_string().as_bytes());
        }
    }
}
