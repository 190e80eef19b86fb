//! Whole answers.

use proptest::prelude::*;
use serde_json::{Value, json};
use waymark_types::Usage;

use super::*;
use crate::neutral::{Block, Reply, Stop};

fn reply(name: &str) -> Reply {
    AnthropicMessages.read_reply(&case(&format!("{name}.reply.json"))).unwrap()
}

fn rewritten(reply: &Reply) -> Value {
    serde_json::from_slice(&AnthropicMessages.write_reply(reply, "asked-for", 1_700_000_000)).unwrap()
}

#[test]
fn every_answer_reads_again_as_it_was() {
    for name in cases(".reply.json") {
        let reply = AnthropicMessages.read_reply(&case(&name)).unwrap();
        let raw = AnthropicMessages.write_reply(&reply, "asked-for", 1_700_000_000);
        assert_eq!(AnthropicMessages.read_reply(&raw).unwrap(), reply, "{name}");
        let body = rewritten(&reply);
        assert_eq!((&body["type"], &body["role"]), (&json!("message"), &json!("assistant")), "{name}");
    }
}

#[test]
fn what_answers_say() {
    let text = reply("text");
    assert_eq!((text.blocks.len(), text.stop), (1, Some(Stop::End)));
    assert_eq!(
        text.usage,
        Usage {
            input: Some(14),
            cached_input: Some(0),
            cache_write: Some(0),
            output: Some(9),
            reasoning: None
        }
    );
    let tools = reply("parallel_tools");
    assert_eq!(tools.stop, Some(Stop::ToolCalls));
    assert!(
        matches!(&tools.blocks[2], Block::ToolCall { id, arguments, .. } if id == "toolu_01B" && arguments == "{}")
    );
    let reasoning = reply("reasoning");
    assert_eq!((reasoning.blocks.len(), reasoning.usage.reasoning), (3, Some(201)));
    let refusal = reply("refusal");
    assert_eq!(refusal.stop, Some(Stop::Refusal));
    assert_eq!(
        refusal.blocks[1],
        Block::Refusal { text: "This request could enable cyber harm.".to_owned() }
    );
    assert_eq!(reply("max_tokens").stop, Some(Stop::MaxTokens));
    let cached = reply("cached_usage");
    assert_eq!(cached.stop, Some(Stop::Sequence(Some("END".to_owned()))));
    assert_eq!(
        (cached.usage.input, cached.usage.cached_input, cached.usage.cache_write),
        (Some(19_221), Some(18_000), Some(1_200))
    );
    assert_eq!(reply("fallback").model.as_deref(), Some("claude-opus-4-8"));
    let server = reply("server_tools");
    assert_eq!(
        (server.blocks, server.stop),
        (vec![Block::text("Searching."), Block::text("Found.")], Some(Stop::Pause))
    );
}

#[test]
fn other_providers_answers_are_whole_here() {
    let foreign = Reply {
        blocks: vec![
            Block::Thinking {
                text: "hm".to_owned(),
                signature: Some("gAAA".to_owned()),
                id: Some("rs_1".to_owned()),
            },
            Block::Thinking { text: "ho".to_owned(), signature: None, id: None },
            Block::text(""),
            Block::ToolCall {
                id: "functions.read:0".to_owned(),
                name: "read".to_owned(),
                arguments: "{\"z\":1,\"a\":2}".to_owned(),
                cache: None,
                signature: Some("token".to_owned()),
            },
        ],
        stop: Some(Stop::End),
        ..Reply::default()
    };
    let raw = AnthropicMessages.write_reply(&foreign, "asked-for", 7);
    assert!(String::from_utf8_lossy(&raw).contains(r#""input":{"z":1,"a":2}"#));
    let body = rewritten(&foreign);
    assert_eq!((&body["model"], &body["stop_reason"]), (&json!("asked-for"), &json!("tool_use")));
    assert!(body["id"].as_str().unwrap().starts_with("msg_"));
    assert_eq!(body["usage"], json!({"input_tokens": 0, "output_tokens": 0}));
    let kinds: Vec<&str> =
        body["content"].as_array().unwrap().iter().map(|block| block["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["thinking", "thinking", "thinking", "tool_use"]);
    // The client sends all of it back, and it is again what it was.
    let history = json!({"messages": [{"role": "assistant", "content": body["content"]}]});
    let prompt = AnthropicMessages.read_prompt(history.to_string().as_bytes()).unwrap();
    let blocks = &prompt.turns[0].blocks;
    assert_eq!(blocks[..2], foreign.blocks[..2]);
    assert!(matches!(&blocks[2], Block::ToolCall { signature: Some(token), .. } if token == "token"));
    // And what goes to Anthropic itself is free of it.
    let passed = crate::anthropic_messages::without_foreign_thinking(&history.to_string().into()).unwrap();
    assert!(!String::from_utf8_lossy(&passed).contains("waymark"));
}

#[test]
fn words_of_refusal_are_seen_and_marked() {
    let refused = Reply { blocks: vec![Block::Refusal { text: "I cannot.".to_owned() }], ..Reply::default() };
    let body = rewritten(&refused);
    assert_eq!(body["content"], json!([{"type": "text", "text": "I cannot."}]));
    assert_eq!(
        (&body["stop_reason"], &body["stop_details"]["explanation"]),
        (&json!("refusal"), &json!("I cannot."))
    );
}

#[test]
fn errors_of_all_shapes_are_read() {
    let read = |body: &str| AnthropicMessages.read_error(body.as_bytes());
    let own =
        r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"},"request_id":"r"}"#;
    assert_eq!(read(own), (Some("rate_limit_error".to_owned()), "slow down".to_owned()));
    assert_eq!(read(r#"{"message":"Forbidden"}"#), (None, "Forbidden".to_owned()));
    assert_eq!(read(r#"{"error":"no such model"}"#), (None, "no such model".to_owned()));
    assert_eq!(read("<html>502</html>\n"), (None, "<html>502</html>".to_owned()));
}

proptest! {
    #[test]
    fn no_json_stops_a_reader(body in any_json(), raw in prop::collection::vec(any::<u8>(), 0..64)) {
        AnthropicMessages.read_error(&raw);
        let _ = AnthropicMessages.read_reply(&raw);
        for body in [json!({"content": [body], "usage": body, "stop_reason": "refusal"}), body] {
            let text = body.to_string();
            AnthropicMessages.read_error(text.as_bytes());
            if let Ok(reply) = AnthropicMessages.read_reply(text.as_bytes()) {
                rewritten(&reply);
            }
        }
    }
}
