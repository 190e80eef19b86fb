//! What only Gemini's clients ask for: streams as one array, counts by its own method.

use serde_json::{Value, json};
use waymark_testkit::{Framing, Reply};

use crate::kinds::Kinds;
use crate::rig::outcome;

fn asked() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "some words to count"}]}]})
}

fn text(array: &Value) -> String {
    let parts = array.as_array().unwrap().iter().map(|chunk| &chunk["candidates"][0]["content"]["parts"][0]);
    parts.filter_map(|part| part["text"].as_str()).collect()
}

#[test]
fn a_stream_without_events_is_an_array_whoever_answers() {
    let kinds = Kinds::start();
    for (name, converted) in [("gemini", false), ("openai", true), ("anthropic", true)] {
        kinds.upstream.push(Reply::text("one two three"));
        let path = format!("/v1beta/models/{name}-m:streamGenerateContent");
        let answer = kinds.ask(&path, &asked());
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert!(answer.header("content-type").starts_with("application/json"), "{name}");
        assert!(answer.json().as_array().is_some_and(|chunks| chunks.len() > 2), "{name}: {}", answer.text());
        assert_eq!(text(&answer.json()), "one two three", "{name}: {}", answer.text());
        let told = kinds.why(&answer);
        assert_eq!(outcome(&told), "succeeded", "{name}: {told}");
        assert_eq!(told["attempts"][0]["converted"].is_string(), converted, "{name}");
        assert!(told["usage"]["output"].is_u64(), "{name}: {told}");
    }
    kinds.upstream.push(Reply::text("one two three"));
    let events = kinds.ask("/v1beta/models/gemini-m:streamGenerateContent?alt=sse", &asked());
    assert_eq!(events.header("content-type"), "text/event-stream");
    assert!(events.text().starts_with("data: {"), "{}", events.text());
}

#[test]
fn an_array_cut_upstream_ends_in_an_error() {
    let kinds = Kinds::start();
    for name in ["gemini", "openai"] {
        kinds.upstream.push(Reply::events(12).framing(Framing::UntilClose).cut_after(4));
        let cut = kinds.ask(&format!("/v1beta/models/{name}-m:streamGenerateContent"), &asked());
        let chunks = cut.json();
        let (last, said) = chunks.as_array().and_then(|chunks| chunks.split_last()).unwrap();
        assert!(said.len() > 1 && said.iter().all(|chunk| chunk.get("error").is_none()), "{chunks}");
        assert_eq!(last["error"]["code"], 502, "{name}: {chunks}");
        assert_eq!(outcome(&kinds.why(&cut)), "stream_failed", "{name}");
    }
}

#[test]
fn googles_own_error_in_the_middle_arrives() {
    let kinds = Kinds::start();
    let chunk = b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"one\"}]}}]}\r\n\r\n".to_vec();
    let error = b"{\n \"error\": {\n  \"code\": 503, \"message\": \"overloaded\", \"status\": \"UNAVAILABLE\"\n }\n}\n";
    let ask = |path: &str, body: &Value| {
        kinds.upstream.push(Reply::stream(vec![chunk.clone(), error.to_vec()]));
        let answer = kinds.ask(path, body);
        assert_eq!(outcome(&kinds.why(&answer)), "stream_failed", "{path}");
        answer.text()
    };
    let array = ask("/v1beta/models/gemini-m:streamGenerateContent", &asked());
    let array: Value = serde_json::from_str(&array).unwrap_or_else(|error| panic!("{error}: {array}"));
    assert_eq!((text(&array), &array[1]["error"]["message"]), ("one".to_owned(), &json!("overloaded")));
    let events = ask("/v1beta/models/gemini-m:streamGenerateContent?alt=sse", &asked());
    assert_eq!(events.as_bytes(), [&chunk[..], error].concat());
    let chat = json!({"model": "gemini-m", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let chat = ask("/v1/chat/completions", &chat);
    assert!(chat.contains("overloaded") && !chat.contains("[DONE]"), "{chat}");
}

#[test]
fn tokens_are_counted_by_gemini_and_else_estimated() {
    let kinds = Kinds::start();
    let method = "models/gemini-m:countTokens";
    for body in [
        asked(),
        json!({"generateContentRequest": {"model": "models/gemini-m", "contents": asked()["contents"]}}),
    ] {
        kinds.upstream.push(Reply::body(200, "application/json", r#"{"totalTokens":4711}"#));
        let counted = kinds.ask(&format!("/v1beta/{method}"), &body);
        assert_eq!((counted.status, &counted.json()["totalTokens"]), (200, &json!(4711)));
        let sent = kinds.upstream.last();
        assert_eq!(sent.target, "/v1beta/models/mock-1:countTokens");
        assert!(!sent.json().to_string().contains("gemini-m"), "{}", sent.json());
        assert_eq!(kinds.why(&counted)["task"], "utility");
    }
    let asked_so_far = kinds.upstream.requests().len();
    let estimated = kinds.ask("/v1beta/models/openai-m:countTokens", &asked());
    assert!(estimated.json()["totalTokens"].as_u64().is_some_and(|count| (3..40).contains(&count)));
    assert_eq!(estimated.header("x-waymark-route"), "estimated");
    assert_eq!(kinds.upstream.requests().len(), asked_so_far, "nobody was asked");
    let empty = kinds.ask("/v1beta/models/openai-m:countTokens", &json!({}));
    assert_eq!((empty.status, &empty.json()["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
}
