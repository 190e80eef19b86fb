//! Requests.

use serde_json::{Value, json};
use waymark_types::Dialect;

use super::{MODEL, says, text, write};
use crate::dialogue::Dialogue;
use crate::gemini::{Gemini, signature};
use crate::neutral::{
    Block, CacheMark, Effort, Media, OutputFormat, Prompt, Reply, Role, Tool, ToolChoice, Turn,
};
use crate::testing::{codes, prompt};

#[test]
fn texts_and_instructions_are_read() {
    let plain = prompt(Dialect::Gemini, "text");
    assert_eq!(plain.turns, [says(Role::User, vec![text("Why is the sky blue? One sentence.")])]);
    assert_eq!((plain.max_output, plain.stream, plain.stream_usage), (Some(1024), false, true));
    let system = prompt(Dialect::Gemini, "system");
    assert_eq!(system.system.len(), 2);
    assert_eq!(
        system.turns.iter().map(|turn| turn.role).collect::<Vec<_>>(),
        [Role::User, Role::Assistant, Role::User]
    );
    assert_eq!(prompt(Dialect::Gemini, "count_tokens").system, [text("Be brief.")]);
}

#[test]
fn media_are_read() {
    let blocks = prompt(Dialect::Gemini, "image").turns.remove(0).blocks;
    assert!(
        matches!(&blocks[1], Block::Image { media: Media::Inline { media_type, .. }, .. } if media_type == "image/png")
    );
    assert!(matches!(&blocks[2], Block::Image { media: Media::Url { url }, .. } if url.ends_with("cat.jpg")));
    let blocks = prompt(Dialect::Gemini, "document").turns.remove(0).blocks;
    assert!(matches!(&blocks[0], Block::Document { media: Media::Inline { .. }, .. }));
    assert!(matches!(&blocks[1], Block::Document { media: Media::Uploaded { .. }, .. }));
}

#[test]
fn tools_and_the_choice_among_them_are_read() {
    let named = prompt(Dialect::Gemini, "tools");
    assert_eq!(named.tool_choice, Some(ToolChoice::Named("read_file".into())));
    assert_eq!(named.tools[1].parameters["properties"]["path"]["type"], json!(["string", "null"]));
    assert_eq!(named.tools[2].parameters, json!({"type": "object", "properties": {}}));
    assert_eq!(codes(&named.losses), ["server_tool:google_search", "safety_settings"]);
    let any = prompt(Dialect::Gemini, "tools_any");
    assert_eq!((any.tool_choice, any.tools.len()), (Some(ToolChoice::Required), 2));
    assert_eq!(prompt(Dialect::Gemini, "tools_auto").tool_choice, Some(ToolChoice::Auto));
    assert_eq!(prompt(Dialect::Gemini, "tools_none").tool_choice, Some(ToolChoice::None));
    assert_eq!(prompt(Dialect::Gemini, "tools_validated").tools[0].strict, Some(true));
}

#[test]
fn parallel_calls_and_their_results_are_read() {
    let prompt_ = prompt(Dialect::Gemini, "parallel_tools");
    let Block::ToolCall { id, arguments, signature, .. } = &prompt_.turns[1].blocks[1] else { panic!() };
    assert_eq!((id.as_str(), arguments.as_str()), ("fc_01", r#"{"path":"src/a.rs","lines":20}"#));
    assert_eq!(signature.as_deref(), Some("CqABAXLI2nyBq0yTzQ7xSp+mUQ/1s=="));
    let results = prompt_.turns[2].blocks.iter().map(|block| match block {
        Block::ToolResult { id, content, is_error, .. } => (id.as_str(), content.clone(), *is_error),
        other => panic!("{other:?}"),
    });
    let expected = [
        ("fc_01", vec![text("pub fn a() {}\n")], false),
        ("fc_02", vec![text("no such file: src/b.rs")], true),
    ];
    assert_eq!(results.collect::<Vec<_>>(), expected);
}

#[test]
fn without_ids_results_go_to_the_calls_by_name() {
    let prompt = prompt(Dialect::Gemini, "parallel_tools_without_ids");
    let ids = |turn: &Turn| {
        let ids = turn.blocks.iter().map(|block| match block {
            Block::ToolCall { id, .. } | Block::ToolResult { id, .. } => id.clone(),
            other => panic!("{other:?}"),
        });
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(&prompt.turns[1]), ["call_0", "call_1", "call_2"]);
    assert_eq!(ids(&prompt.turns[2]), ["call_2", "call_0", "call_1"]);
    let Block::ToolResult { content, is_error: true, .. } = &prompt.turns[2].blocks[2] else { panic!() };
    assert!(
        matches!(&content[1], Block::Image { media: Media::Inline { data, .. }, .. } if data.ends_with("=="))
    );
}

#[test]
fn schemas_settings_and_reasoning_are_read() {
    let Some(OutputFormat::JsonSchema { schema, .. }) = prompt(Dialect::Gemini, "schema").output else {
        panic!()
    };
    assert_eq!(schema["additionalProperties"], false);
    let openapi = prompt(Dialect::Gemini, "schema_openapi");
    let Some(OutputFormat::JsonSchema { schema, .. }) = openapi.output else { panic!() };
    assert_eq!(schema["properties"]["population"]["type"], json!(["integer", "null"]));
    assert_eq!(codes(&openapi.losses), ["property_ordering"]);
    assert_eq!(prompt(Dialect::Gemini, "json").output, Some(OutputFormat::JsonObject));
    let sampling = prompt(Dialect::Gemini, "sampling");
    assert_eq!(sampling.sampling.top_k, Some(40));
    assert_eq!(sampling.sampling.stop, ["END", "\n\n"]);
    assert_eq!((sampling.sampling.seed, sampling.sampling.presence_penalty), (Some(42), Some(-0.5)));
    assert_eq!(codes(&sampling.losses), ["media_resolution"]);
    let budget = prompt(Dialect::Gemini, "reasoning_budget").reasoning.unwrap();
    assert_eq!((budget.budget, budget.visible, budget.effort), (Some(4096), true, None));
}

#[test]
fn earlier_reasoning_is_read_with_its_proofs() {
    let prompt = prompt(Dialect::Gemini, "reasoning");
    let own = |signature: &str| Some(format!("waymark/gemini//////{signature}"));
    let thought = |text: &str, signature| Block::Thinking { text: text.into(), signature, id: None };
    assert_eq!(prompt.reasoning.as_ref().unwrap().effort, Some(Effort::High));
    assert_eq!(
        prompt.turns[1].blocks,
        [
            thought("**Counting**\n\nI spell the word.", None),
            text("Three."),
            thought("", own("CskGAXLI2nx9/kqH1y+0wQ==")),
        ]
    );
    assert_eq!(prompt.turns[3].blocks[0], thought("I count with a tool.", own("CpABAXLI2nw=")));
    let (body, losses) = write(&prompt, MODEL);
    assert_eq!(losses, []);
    assert_eq!(
        body["contents"][1]["parts"][2],
        json!({"text": "", "thoughtSignature": "CskGAXLI2nx9/kqH1y+0wQ=="})
    );
    assert_eq!(body["contents"][3]["parts"][1]["thoughtSignature"], "CtABAXLI2nz8");
}

#[test]
fn what_only_this_dialect_can_say_is_refused() {
    let prompt = prompt(Dialect::Gemini, "cache");
    let error = prompt.sayable_in(Dialect::OllamaChat).unwrap_err();
    assert_eq!(error.to_string(), "`cachedContent` cannot be said in ollama-chat");
    for settings in [
        json!({"candidateCount": 2}),
        json!({"responseModalities": ["TEXT", "IMAGE"]}),
        json!({"responseFormat": [{"image": {}}]}),
        json!({"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}),
    ] {
        let body = json!({"contents": [], "generationConfig": settings});
        let prompt = Gemini.read_prompt(body.to_string().as_bytes()).unwrap();
        assert_eq!(prompt.unsayable.len(), 1, "{settings}");
    }
}

#[test]
fn results_sent_one_by_one_become_one_turn() {
    let result = |id: &str, content| Block::ToolResult {
        id: id.into(),
        name: None,
        content,
        is_error: false,
        cache: None,
    };
    let image = Block::Image {
        media: Media::Inline { media_type: "image/png".into(), data: "aGk=".into() },
        detail: None,
        cache: None,
    };
    let call = Block::ToolCall {
        id: "a".into(),
        name: "look".into(),
        arguments: String::new(),
        cache: None,
        signature: None,
    };
    let prompt = Prompt {
        turns: vec![
            says(Role::User, vec![text("hi")]),
            says(Role::Assistant, vec![call]),
            says(Role::User, vec![result("a", vec![text("one"), text("two"), image])]),
            says(Role::User, vec![result("b", vec![])]),
            says(Role::User, vec![text("and now?")]),
        ],
        ..Prompt::default()
    };
    let (body, _) = write(&prompt, MODEL);
    let expected = json!([
        {"functionResponse": {"id": "a", "name": "look", "response": {"output": "one\ntwo"},
            "parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}},
        {"functionResponse": {"id": "b", "name": "b", "response": {"output": ""}}},
    ]);
    assert_eq!(body["contents"][2], json!({"role": "user", "parts": expected}));
    assert_eq!(body["contents"][3]["parts"][0]["text"], "and now?");
    // Before the third generation, media stand beside the result.
    let (body, _) = write(&prompt, "gemini-2.5-pro");
    assert_eq!(body["contents"][2]["parts"][1]["inlineData"]["mimeType"], "image/png");
}

#[test]
fn what_cannot_be_said_is_lost_by_name_or_refused() {
    let marked = Block::Text { text: "system".into(), cache: Some(CacheMark { ttl: None }) };
    let foreign =
        Block::Thinking { text: "hm".into(), signature: Some("waymark/anthropic///EqQB".into()), id: None };
    let prompt = Prompt {
        system: vec![marked],
        turns: vec![
            says(Role::User, vec![text("hi")]),
            says(Role::Assistant, vec![foreign, Block::RedactedThinking { data: "x".into() }, text("ho")]),
            says(Role::System, vec![text("Be kind.")]),
        ],
        tools: vec![Tool {
            name: "t".into(),
            description: None,
            parameters: json!({}),
            strict: Some(true),
            cache: None,
        }],
        parallel_tools: Some(false),
        user: Some("u".into()),
        ..Prompt::default()
    };
    let (body, losses) = write(&prompt, "gemini-2.5-flash");
    let expected = [
        "thinking_signature",
        "redacted_thinking",
        "system_turn",
        "cache_mark",
        "user",
        "parallel_tools",
        "tool_strict",
    ];
    assert_eq!(codes(&losses), expected);
    assert_eq!(body["systemInstruction"]["parts"], json!([{"text": "system"}, {"text": "Be kind."}]));
    assert_eq!(body["contents"][1]["parts"], json!([{"text": "hm", "thought": true}, {"text": "ho"}]));
    assert_eq!(body["tools"], json!([{"functionDeclarations": [{"name": "t"}]}]));
    let uploaded = Block::Image { media: Media::Uploaded { id: "file_1".into() }, detail: None, cache: None };
    let refused = |turns| Gemini.write_prompt(&Prompt { turns, ..Prompt::default() }, MODEL, &mut Vec::new());
    assert!(refused(vec![says(Role::User, vec![uploaded])]).is_err());
    assert!(refused(vec![]).is_err());
}

#[test]
fn calls_of_other_models_are_marked_where_signatures_are_wanted() {
    let call = |id: &str| Block::ToolCall {
        id: id.into(),
        name: "read_file".into(),
        arguments: "{\"path\": \"a\"}".into(),
        cache: None,
        signature: None,
    };
    let turns = vec![says(Role::User, vec![text("hi")]), says(Role::Assistant, vec![call("a"), call("b")])];
    let prompt = Prompt { turns, ..Prompt::default() };
    let signatures = |model: &str| {
        let parts = &write(&prompt, model).0["contents"][1]["parts"];
        (parts[0]["thoughtSignature"].clone(), parts[1]["thoughtSignature"].clone())
    };
    assert_eq!(signatures(MODEL), (json!(signature::NO_PROOF), Value::Null));
    assert_eq!(signatures("gemini-2.5-flash"), (Value::Null, Value::Null));
    let reply = Reply { blocks: vec![call("a")], ..Reply::default() };
    let body: Value = serde_json::from_slice(&Gemini.write_reply(&reply, MODEL, 0)).unwrap();
    assert_eq!(
        body["candidates"][0]["content"]["parts"][0]["thoughtSignature"],
        signature::NO_PROOF_FOR_CLIENTS
    );
}
