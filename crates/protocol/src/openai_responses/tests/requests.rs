//! What requests say.

use bytes::Bytes;
use serde_json::{Value, json};
use waymark_types::Dialect;

use super::{OWN, prompt, read, talk, texts, written};
use crate::neutral::{
    Block, CacheMark, Effort, Media, OutputFormat, Prompt, Reasoning, Role, Sampling, Tool, ToolChoice, Turn,
};
use crate::testing::{case, codes};
use crate::{Addressed, parse};

#[test]
fn messages_become_turns() {
    assert_eq!(
        prompt("text").turns,
        [Turn { role: Role::User, blocks: vec![Block::text("What does `cargo clippy` do?")] }]
    );
    let items = prompt("text_items");
    assert_eq!(texts(&items.system), ["Answer briefly."]);
    assert_eq!(
        items.turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant, Role::User]
    );
    assert!(items.stream && items.stream_usage);
    assert_eq!(codes(&items.losses), ["phase"]);
    let system = prompt("system");
    assert_eq!(
        texts(&system.system),
        ["You are a coding agent.", "Keep to the style of the file.", "Never push."]
    );
    assert_eq!(
        (system.turns[2].role, texts(&system.turns[2].blocks)),
        (Role::System, vec!["The user works on a branch."])
    );
    let unicode = prompt("unicode");
    assert!(texts(&unicode.turns[0].blocks)[0].contains("漢字 \u{1f469}\u{200d}\u{1f680} \0\u{2028}"));
}

#[test]
fn pictures_files_and_sound_are_kept() {
    let blocks = &prompt("image").turns[0].blocks;
    assert!(
        matches!(&blocks[1], Block::Image { media: Media::Inline { media_type, .. }, detail: Some(detail), .. }
        if media_type == "image/png" && detail == "high")
    );
    assert!(
        matches!(&blocks[2], Block::Image { media: Media::Url { url }, .. } if url.ends_with("diagram.png"))
    );
    assert!(
        matches!(&blocks[3], Block::Image { media: Media::Uploaded { id }, .. } if id.starts_with("file-"))
    );
    let blocks = &prompt("document").turns[0].blocks;
    assert!(
        matches!(&blocks[0], Block::Document { media: Media::Inline { media_type, .. }, name: Some(name), .. }
        if media_type == "application/pdf" && name == "spec.pdf")
    );
    assert!(matches!(&blocks[1], Block::Document { media: Media::Url { .. }, .. }));
    let blocks = &prompt("audio").turns[0].blocks;
    assert!(
        matches!(&blocks[1], Block::Audio { media: Media::Inline { media_type, .. } } if media_type == "audio/wav")
    );
}

#[test]
fn tools_and_choices_are_kept() {
    let tools = prompt("tools");
    assert_eq!(
        (tools.tools.len(), &tools.tool_choice, tools.parallel_tools),
        (2, &Some(ToolChoice::Auto), Some(true))
    );
    assert_eq!((tools.tools[0].strict, tools.tools[1].strict), (Some(false), Some(true)));
    assert_eq!(prompt("tools_required").tool_choice, Some(ToolChoice::Required));
    assert_eq!(prompt("tools_none").tool_choice, Some(ToolChoice::None));
    assert_eq!(prompt("tools_named").tool_choice, Some(ToolChoice::Named("run_command".into())));
    let allowed = prompt("tools_allowed");
    assert_eq!((allowed.tools.len(), allowed.tool_choice), (1, Some(ToolChoice::Required)));
}

#[test]
fn parallel_calls_and_their_results_are_two_turns() {
    let turns = prompt("parallel_tools").turns;
    assert_eq!(turns.iter().map(|turn| turn.blocks.len()).collect::<Vec<_>>(), [1, 3, 2, 1, 1]);
    assert!(matches!(&turns[1].blocks[2], Block::ToolCall { id, arguments, .. }
        if id.starts_with("call_m3") && arguments == "{\"path\":\"Cargo.toml\",\"limit\":40}"));
    let Block::ToolResult { name, is_error, content, .. } = &turns[2].blocks[0] else { panic!() };
    assert_eq!((name.as_deref(), is_error, content.len()), (Some("run_command"), &true, 1));
    assert!(
        matches!(&turns[2].blocks[1], Block::ToolResult { is_error: false, content, .. } if content.len() == 2)
    );
}

#[test]
fn forms_and_settings_are_kept() {
    assert!(
        matches!(prompt("schema").output, Some(OutputFormat::JsonSchema { name: Some(name), strict: Some(true), .. })
        if name == "functions")
    );
    assert_eq!(prompt("json_object").output, Some(OutputFormat::JsonObject));
    let sampling = prompt("sampling");
    assert_eq!(
        (sampling.sampling.temperature, sampling.sampling.top_p, sampling.max_output),
        (Some(0.7), Some(0.9), Some(200))
    );
    assert_eq!(sampling.user.as_deref(), Some("user-5d41402a"));
    assert_eq!(
        codes(&sampling.losses),
        [
            "verbosity",
            "include:message_output_text_logprobs",
            "metadata",
            "service_tier",
            "top_logprobs",
            "truncation",
        ]
    );
    let cache = prompt("cache");
    assert_eq!(
        cache.system[1],
        Block::Text { text: "The repository has 120 crates.".into(), cache: Some(CacheMark { ttl: None }) }
    );
}

#[test]
fn reasoning_is_marked_as_whose_it_is() {
    let reasoning = prompt("reasoning");
    let wanted = Reasoning { effort: Some(Effort::Max), visible: true, ..Reasoning::default() };
    assert_eq!(reasoning.reasoning, Some(wanted));
    assert_eq!(
        reasoning.turns[1].blocks[0],
        Block::Thinking {
            text: "**Looking at the failure**\n\nThe clock is real.\n\nA scripted one would do.".into(),
            signature: Some("waymark/openai//////gAAAAABoyZpk0gqS1c9vXx2Y=".into()),
            id: Some("rs_68c9a4".into()),
        }
    );
    assert!(matches!(&reasoning.turns[1].blocks[2], Block::Thinking { id: None, signature: Some(_), .. }));
    assert!(prompt("reasoning_off").reasoning.is_some_and(|reasoning| reasoning.off));

    // What another provider wants back comes back as it was, and goes to no provider of this dialect.
    let raw = Bytes::from(case(OWN, "reasoning_carried.history.json"));
    let carried = talk().read_prompt(&raw).unwrap();
    assert_eq!(
        carried.turns[1].blocks,
        [
            Block::Thinking {
                text: "A listing will do.".into(),
                signature: Some("waymark/anthropic///EqQBCgIYAhIM".into()),
                id: None,
            },
            Block::RedactedThinking { data: "waymark/anthropicREDEmwKAhgB".into() },
            Block::ToolCall {
                id: "toolu_01".into(),
                name: "run_command".into(),
                arguments: "{\"command\":\"ls\"}".into(),
                cache: None,
                signature: Some("CiQBVKhc7n1=".into()),
            },
        ]
    );
    let (body, losses) = written(&carried, "gpt-5.5");
    assert_eq!(losses, ["signed_thinking", "redacted_thinking", "tool_call_signature"]);
    assert!(!body.to_string().contains("waymark"));
    let left = crate::openai_responses::without_foreign_reasoning(&raw).unwrap();
    assert!(!left.windows(7).any(|window| window == b"waymark"));
    assert_eq!(serde_json::from_slice::<Value>(&left).unwrap()["input"].as_array().unwrap().len(), 3);
}

#[test]
fn tools_of_the_provider_are_lost_by_name() {
    let prompt = prompt("server_tools");
    assert_eq!(
        codes(&prompt.losses),
        [
            "server_tool:web_search",
            "server_tool:file_search",
            "server_tool:code_interpreter",
            "server_tool:mcp",
            "server_tool:image_generation",
            "server_tool:shell",
            "item:web_search_call",
        ]
    );
    assert_eq!(prompt.tools.len(), 1);
}

#[test]
fn what_another_provider_keeps_cannot_be_said() {
    let refused = |body: Value| read(&body).sayable_in(Dialect::AnthropicMessages).unwrap_err().to_string();
    let error = refused(json!({"input": "go on", "previous_response_id": "resp_1"}));
    assert!(
        error
            .starts_with("`previous_response_id`: a conversation that another provider keeps cannot be said"),
        "{error}"
    );
    assert!(refused(json!({"input": "go on", "conversation": "conv_1"})).contains("`conversation`"));
    assert!(refused(json!({"input": "x", "prompt": {"id": "pmpt_1"}})).contains("`prompt`"));
    assert!(
        refused(json!({"input": [{"type": "item_reference", "id": "msg_1"}]})).contains("item_reference")
    );
    assert!(refused(json!({"input": [{"id": "msg_1"}]})).contains("item_reference"));
    assert!(
        refused(json!({"input": [{"type": "compaction", "encrypted_content": "x"}]}))
            .contains("`compaction`")
    );
    let forced =
        json!({"input": "x", "tools": [{"type": "web_search"}], "tool_choice": {"type": "web_search"}});
    assert!(refused(forced).contains("`tool_choice`"));
    assert!(read(&json!({"input": "x", "previous_response_id": null})).unsayable.is_empty());
}

#[test]
fn a_foreign_request_is_written_in_full() {
    let parameters = json!({"properties": {"path": {"type": "string"}}});
    let prompt = Prompt {
        system: vec![Block::text("Be brief.")],
        turns: vec![
            Turn {
                role: Role::User,
                blocks: vec![
                    Block::Image {
                        media: Media::Inline { media_type: "image/png".into(), data: "iVBO".into() },
                        detail: None,
                        cache: None,
                    },
                    Block::Text { text: "Look.".into(), cache: Some(CacheMark { ttl: Some("1h".into()) }) },
                ],
            },
            Turn {
                role: Role::Assistant,
                blocks: vec![
                    Block::Thinking { text: "Hm.".into(), signature: None, id: None },
                    Block::text("I see."),
                    Block::ToolCall {
                        id: "toolu_1".into(),
                        name: "read".into(),
                        arguments: String::new(),
                        cache: None,
                        signature: None,
                    },
                ],
            },
            Turn {
                role: Role::User,
                blocks: vec![
                    Block::ToolResult {
                        id: "toolu_1".into(),
                        name: None,
                        content: vec![],
                        is_error: true,
                        cache: None,
                    },
                    Block::text("Well?"),
                ],
            },
        ],
        tools: vec![Tool {
            name: "read".into(),
            description: None,
            parameters,
            strict: None,
            cache: Some(CacheMark { ttl: None }),
        }],
        tool_choice: Some(ToolChoice::Named("read".into())),
        max_output: Some(1),
        sampling: Sampling {
            top_k: Some(5),
            stop: vec!["x".into()],
            seed: Some(1),
            frequency_penalty: Some(0.1),
            presence_penalty: Some(0.1),
            ..Sampling::default()
        },
        reasoning: Some(Reasoning { budget: Some(4096), visible: true, ..Reasoning::default() }),
        user: Some("u".repeat(65)),
        stream: true,
        ..Prompt::default()
    };
    let (body, mut losses) = written(&prompt, "gpt-5.5");
    losses.sort();
    assert_eq!(
        losses,
        [
            "cache_mark",
            "frequency_penalty",
            "max_output",
            "presence_penalty",
            "reasoning_budget",
            "seed",
            "stop",
            "thinking",
            "tool_result_is_error",
            "top_k",
            "user",
        ]
    );
    assert_eq!(
        body,
        json!({
            "model": "gpt-5.5",
            "instructions": "Be brief.",
            "input": [
                {"type": "message", "role": "user", "content": [
                    {"type": "input_image", "image_url": "data:image/png;base64,iVBO"}, {"type": "input_text", "text": "Look."},
                ]},
                {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I see."}]},
                {"type": "function_call", "call_id": "toolu_1", "name": "read", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "toolu_1", "output": "", "status": "incomplete"},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Well?"}]},
            ],
            "tools": [{"type": "function", "name": "read", "strict": false,
                "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}],
            "tool_choice": {"type": "function", "name": "read"},
            "max_output_tokens": 16,
            "reasoning": {"effort": "medium", "summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "store": false,
            "stream": true,
        })
    );
}

#[test]
fn cache_marks_go_to_models_that_take_them() {
    let prompt = prompt("cache");
    for (model, takes) in [
        ("gpt-5.6-sol", true),
        ("gpt-6-astra", true),
        ("openai/gpt-6.1-terra", true),
        ("gpt-5.5", false),
        ("gpt-oss-120b", false),
        ("large", false),
    ] {
        let (body, losses) = written(&prompt, model);
        assert_eq!(body.to_string().contains("prompt_cache_breakpoint"), takes, "{model}");
        assert_eq!(losses.contains(&"cache_mark".to_owned()), !takes, "{model}");
    }
}

#[test]
fn files_of_other_providers_are_refused() {
    let of = |id: &str| Prompt {
        turns: vec![Turn {
            role: Role::User,
            blocks: vec![Block::Document {
                media: Media::Uploaded { id: id.into() },
                name: None,
                cache: None,
            }],
        }],
        ..Prompt::default()
    };
    assert!(talk().write_prompt(&of("file-1"), "m", &mut Vec::new()).is_ok());
    let refused =
        talk().write_prompt(&of("file_011CNha8iCJcU1wXNR6q4V8w"), "m", &mut Vec::new()).unwrap_err();
    assert_eq!(refused.what, "a file uploaded to another provider");
}

#[test]
fn requests_are_counted_and_empty_ones_refused() {
    let parsed = |body: &'static [u8]| parse(OWN, &Bytes::from_static(body), &Addressed::default());
    let request = parsed(br#"{"model":"m","input":"hi","tools":[{"type":"web_search"},{"type":"namespace","name":"n","tools":[{},{}]}],"stream":true}"#).unwrap();
    assert_eq!((request.tools, request.messages, request.stream, request.model.as_str()), (3, 1, true, "m"));
    assert_eq!(parsed(br#"{"model":"m","previous_response_id":"resp_1"}"#).unwrap().messages, 0);
    for empty in [
        &br#"{"model":"m"}"#[..],
        br#"{"model":"m","input":""}"#,
        br#"{"model":"m","input":[]}"#,
        br#"{"model":"m","input":null}"#,
    ] {
        assert!(parsed(empty).unwrap_err().to_string().contains("`input`"));
    }
    assert!(parsed(br#"{"model":"m","input":3}"#).is_err());
}
