//! Clients of one dialect answered by providers of another.

use serde_json::{Value, json};
use waymark_testkit::{Reply, ToolCall, Upstream};

use crate::rig::{Rig, chat, message, outcome};

fn data(text: &str) -> Vec<Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter(|line| *line != "[DONE]").map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_openai_client_is_answered_by_an_anthropic_model() {
    let rig = Rig::start();
    rig.anthropic.push(Reply::text("Hello there."));
    let mut body = chat("large", false);
    body["messages"] = json!([
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
    ]);
    body["seed"] = json!(7);
    let answer = rig.chat(&body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["object"], "chat.completion");
    assert_eq!(answer.json()["choices"][0]["message"]["content"], "Hello there.");
    assert_eq!(answer.json()["choices"][0]["finish_reason"], "stop");
    let sent = rig.anthropic.last();
    assert!(sent.target.starts_with("/v1/messages"), "{}", sent.target);
    assert_eq!(sent.headers.get("anthropic-version"), Some("2023-06-01"));
    assert_eq!(sent.json()["model"], "mock-large-1");
    assert!(sent.json()["system"].to_string().contains("be brief"));
    let told = rig.why(&answer);
    assert_eq!((outcome(&told), &told["served_model"]), ("succeeded", &json!(waymark_testkit::SERVED_MODEL)));
    assert_eq!(told["attempts"][0]["converted"], "anthropic-messages");
    assert_eq!(told["attempts"][0]["lost"], json!(["seed"]));
    assert!(told["cost_micro_usd"].is_u64(), "{told}");
}

#[test]
fn an_anthropic_client_streams_from_an_openai_model() {
    let rig = Rig::start();
    rig.openai.push(Reply::text("one two three"));
    let answer = rig.message(&message("small", true));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let events = data(&answer.text());
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], *kinds.last().unwrap()), ("message_start", "message_stop"));
    let text: String =
        events.iter().filter_map(|event| event["delta"]["text"].as_str().map(str::to_owned)).collect();
    assert_eq!(text, "one two three");
    let told = rig.why(&answer);
    assert_eq!(outcome(&told), "succeeded");
    assert!(told["usage"]["input"].is_u64() && told["usage"]["output"].is_u64(), "{told}");
    let sent = rig.openai.last().json();
    assert_eq!((&sent["stream"], &sent["stream_options"]["include_usage"]), (&json!(true), &json!(true)));
}

#[test]
fn parallel_tool_calls_cross_both_ways() {
    let rig = Rig::start();
    let calls = [
        ToolCall::new("call_1", "read", &json!({"path": "a.rs"})),
        ToolCall::new("call_2", "read", &json!({"path": "b.rs"})),
    ];
    rig.openai.push(Reply::tools(&calls));
    rig.anthropic.push(Reply::tools(&calls));
    let mut asked = message("small", true);
    asked["tools"] = json!([{"name": "read", "input_schema": {"type": "object"}}]);
    let events = data(&rig.message(&asked).text());
    let named: Vec<&Value> = events
        .iter()
        .filter_map(|event| event["content_block"].get("name").map(|_| &event["content_block"]))
        .collect();
    assert_eq!(named.iter().map(|block| &block["id"]).collect::<Vec<_>>(), ["call_1", "call_2"]);
    assert!(events.iter().any(|event| event["delta"]["stop_reason"] == "tool_use"));

    let mut asked = chat("large", true);
    asked["tools"] =
        json!([{"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}]);
    let chunks = data(&rig.chat(&asked).text());
    let starts: Vec<&Value> = chunks
        .iter()
        .flat_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten())
        .filter(|call| call["id"].is_string())
        .collect();
    assert_eq!(starts.iter().map(|call| &call["id"]).collect::<Vec<_>>(), ["call_1", "call_2"]);
    assert!(chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "tool_calls"));
}

#[test]
fn errors_and_broken_streams_cross_in_the_clients_dialect() {
    let rig = Rig::start();
    rig.anthropic.push(Reply::error(429, "slow down"));
    let refused = rig.chat(&chat("large", false));
    assert_eq!((refused.status, &refused.json()["error"]["message"]), (429, &json!("slow down")));
    rig.openai.push(Reply::events(12).cut_after(6));
    let cut = rig.message(&message("small", true));
    let events = data(&cut.text());
    assert_eq!(events.last().unwrap()["type"], "error", "{}", cut.text());
    assert!(!cut.text().contains("message_stop"));
    assert_eq!(outcome(&rig.why(&cut)), "stream_failed");
}

#[test]
fn what_only_the_clients_dialect_can_say_is_refused_and_said() {
    let rig = Rig::start();
    let mut body = chat("large", false);
    body["n"] = json!(3);
    let refused = rig.chat(&body);
    assert_eq!(
        (refused.status, refused.header("x-waymark-route")),
        (400, "not_convertible"),
        "{}",
        refused.text()
    );
    assert_eq!(rig.anthropic.requests().len(), 0);
}

#[test]
fn responses_gemini_and_ollama_clients_are_answered_by_any_model() {
    let rig = Rig::start();
    for model in ["small", "large"] {
        for stream in [false, true] {
            let asks = [
                ("/v1/responses".to_owned(), json!({"model": model, "input": "hi", "stream": stream})),
                (
                    format!(
                        "/v1beta/models/{model}:{}",
                        if stream { "streamGenerateContent?alt=sse" } else { "generateContent" }
                    ),
                    json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
                ),
                (
                    "/api/chat".to_owned(),
                    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}),
                ),
            ];
            for (path, body) in asks {
                for upstream in [&rig.openai, &rig.anthropic] {
                    upstream.push(Reply::text("Good day."));
                }
                let answer = rig.http().post(&path, &[], body.to_string());
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                let text = answer.text().replace("\"},\"finish", "");
                assert!(text.contains("Good") && text.contains("day."), "{path} {stream}: {text}");
                let told = rig.why(&answer);
                assert_eq!(outcome(&told), "succeeded", "{path} {stream}: {told}");
                assert!(told["attempts"][0]["converted"].is_string(), "{told}");
                assert!(told["usage"]["output"].is_u64(), "{path} {stream}: {told}");
            }
        }
    }
}

#[test]
fn tokens_are_estimated_for_clients_that_ask() {
    let rig = Rig::start();
    let body =
        json!({"model": "large", "messages": [{"role": "user", "content": "a question of some length"}]});
    let counted = rig.http().post("/v1/messages/count_tokens", &[], body.to_string());
    assert_eq!(counted.status, 200, "{}", counted.text());
    assert!(counted.json()["input_tokens"].as_u64().is_some_and(|tokens| (5..40).contains(&tokens)));
}

#[test]
fn every_completion_dialect_is_answered_by_the_embedded_model() {
    let mut rig = Rig::stopped(Upstream::start(), Upstream::start());
    let config = std::fs::read_to_string(rig.waymark.config()).unwrap();
    rig.waymark.configure(&format!("{config}\n[embedded]\nthreshold = 0.1\n"));
    rig.waymark.start();
    let prompt = "use std::collections::BTreeMap;\n\npub struct Shelf9 {\n    items: BTreeMap<";
    let known = json!({"model": "auto", "prompt": prompt, "suffix": "\n"}).to_string();
    let known = rig.http().post("/v1/completions", &[], known);
    let text = known.json()["choices"][0]["text"].as_str().unwrap().to_owned();
    assert!(!text.is_empty(), "{}", known.text());
    for stream in [false, true] {
        for (path, body) in [
            ("/infill", json!({"input_prefix": prompt, "input_suffix": "", "stream": stream})),
            ("/v1/fim/completions", json!({"model": "auto", "prompt": prompt, "stream": stream})),
            ("/api/generate", json!({"model": "auto", "prompt": prompt, "suffix": "\n", "stream": stream})),
        ] {
            let answer = rig.http().post(path, &[], body.to_string());
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            let escaped = json!(text).to_string();
            assert!(answer.text().contains(escaped.trim_matches('"')), "{path} {stream}: {}", answer.text());
            assert_eq!(outcome(&rig.why(&answer)), "succeeded", "{path}");
        }
    }
}
