//! The way through the house, one request at a time: headers, errors, fallback, models, records.

use serde_json::{Value, json};
use waymark_testkit::{Reply, Response, SERVED_MODEL, ToolCall, Waymark};

use crate::rig::{ANTHROPIC, BINARY, OPENAI, Rig, chat, completion, message, outcome, sample_repository};

fn assert_headers(answer: &Response) {
    let record = answer.header("x-waymark-record");
    assert_eq!((record.len(), record.as_bytes()[14]), (36, b'7'), "{record} is no UUIDv7");
    assert!(answer.headers.get("x-waymark-model").is_some());
    assert!(!answer.header("x-waymark-route").is_empty());
}

fn assert_openai_error(answer: &Response) -> String {
    let error = &answer.json()["error"];
    assert!(error["type"].is_string(), "{}", answer.text());
    error["message"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

fn assert_anthropic_error(answer: &Response) -> String {
    let body = answer.json();
    assert_eq!(body["type"], "error", "{body}");
    assert!(body["error"]["type"].is_string(), "{body}");
    body["error"]["message"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

#[test]
fn every_answer_names_its_record_model_and_route() {
    let rig = Rig::start();
    for stream in [false, true] {
        let small = rig.chat(&chat("small", stream));
        assert_headers(&small);
        assert_eq!((small.status, small.header("x-waymark-model")), (200, "mock-small-1"));
        let large = rig.message(&message("large", stream));
        assert_headers(&large);
        assert_eq!((large.status, large.header("x-waymark-model")), (200, "mock-large-1"));
        let flash = rig.http().post("/v1/completions", OPENAI, completion(stream).to_string());
        assert_headers(&flash);
        assert_eq!(flash.status, 200, "{}", flash.text());
    }
    rig.openai.push(Reply::error(400, "no such parameter"));
    assert_headers(&rig.chat(&chat("small", false)));
    assert_headers(&rig.http().post("/v1/chat/completions", OPENAI, "{"));
    assert_headers(&rig.http().post("/v1/messages", ANTHROPIC, "[]"));
}

#[test]
fn a_record_tells_requested_resolved_and_served_apart() {
    let rig = Rig::start();
    let answer = rig.chat(&chat("small", true));
    let why = rig.why(&answer);
    assert_eq!(why["record"], answer.header("x-waymark-record"));
    assert_eq!(why["requested_model"], "small");
    assert_eq!(why["resolved_model"], "mock-small-1");
    assert_eq!(why["served_model"], SERVED_MODEL);
    assert_eq!(why["provider"], "alpha");
    assert_eq!(outcome(&why), "succeeded");
    assert_eq!(why["decision"]["reason"], answer.header("x-waymark-route"));
    assert_eq!(why["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(why["attempts"][0]["status"], 200);
    assert_eq!(why["proof"]["verified"], true);
    assert!(why["started"].is_string() || why["started"].is_i64(), "{why}");
}

#[test]
fn usage_and_cost_are_the_providers_own_figures() {
    let rig = Rig::start();
    let why = rig.why(&rig.message(&message("large", false)));
    // 21 tokens in at 3 USD and 5 out at 15 USD per million.
    assert_eq!(why["cost_micro_usd"], 138, "{why}");
    let why = rig.why(&rig.chat(&chat("spare", false)));
    assert_eq!(why["cost_micro_usd"], Value::Null, "an unknown price is unknown: {why}");
}

#[test]
fn an_unknown_model_takes_the_route_auto_and_stays_in_the_record() {
    let rig = Rig::start();
    let answer = rig.chat(&chat("some-model-nobody-configured", false));
    assert_eq!((answer.status, answer.header("x-waymark-model")), (200, "mock-small-1"));
    let why = rig.why(&answer);
    assert_eq!(why["requested_model"], "some-model-nobody-configured");
    assert_eq!(why["decision"]["route"], "auto");
    assert_eq!(rig.openai.last().json()["model"], "mock-small-1");
}

#[test]
fn credentials_are_exchanged_and_the_clients_own_never_leave() {
    let rig = Rig::start();
    rig.chat(&chat("small", false));
    rig.message(&message("large", false));
    let (openai, anthropic) = (rig.openai.last(), rig.anthropic.last());
    assert_eq!(openai.headers.get("authorization"), Some("Bearer upstream-key"));
    assert_eq!(anthropic.headers.get("x-api-key"), Some("upstream-key"));
    assert_eq!(anthropic.headers.get("anthropic-version"), Some("2023-06-01"));
    for head in [openai.head, anthropic.head] {
        assert!(!String::from_utf8_lossy(&head).contains("client-key"));
    }
}

#[test]
fn errors_speak_the_clients_dialect() {
    let rig = Rig::start();
    let broken = rig.http().post("/v1/chat/completions", OPENAI, "{\"model\": ");
    assert_eq!(broken.status, 400);
    assert_openai_error(&broken);
    let broken = rig.http().post("/v1/messages", ANTHROPIC, "not json");
    assert_eq!(broken.status, 400);
    assert_anthropic_error(&broken);

    rig.openai.push(Reply::error(400, "the upstream refuses this"));
    let refused = rig.chat(&chat("spare", false));
    assert_eq!((refused.status, assert_openai_error(&refused).as_str()), (400, "the upstream refuses this"));
    assert_eq!(outcome(&rig.why(&refused)), "failed");
    rig.anthropic.push(Reply::error(529, "overloaded"));
    let refused = rig.message(&message("large", true));
    assert_eq!((refused.status, assert_anthropic_error(&refused).as_str()), (529, "overloaded"));
}

#[test]
fn an_address_that_is_not_served_says_so_in_the_dialects_shape() {
    let rig = Rig::start();
    let answer = rig.http().post("/v1/nothing-here", OPENAI, "{}");
    assert_eq!(answer.status, 404);
    assert_openai_error(&answer);
    let answer = rig.http().post("/v1/nothing-here", ANTHROPIC, "{}");
    assert_eq!(answer.status, 404);
    assert_anthropic_error(&answer);
    assert_eq!(rig.http().get("/healthz", &[]).status, 200);
    let page = rig.http().get("/", &[]);
    assert!(page.status == 200 && page.header("content-type").starts_with("text/html"));
}

#[test]
fn models_are_listed_in_both_shapes() {
    let rig = Rig::start();
    let ids = |answer: &Response| -> Vec<String> {
        let body = answer.json();
        let data = body["data"].as_array().unwrap_or_else(|| panic!("{body}"));
        data.iter().map(|entry| entry["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let openai = rig.http().get("/v1/models", OPENAI);
    assert_eq!(openai.json()["object"], "list");
    let anthropic = rig.http().get("/v1/models", ANTHROPIC);
    assert!(anthropic.json()["has_more"].is_boolean());
    for name in ["auto", "flash", "small", "large"] {
        assert!(ids(&openai).iter().any(|id| id == name), "{name}: {}", openai.text());
        assert!(ids(&anthropic).iter().any(|id| id == name), "{name}: {}", anthropic.text());
    }
}

#[test]
fn chat_without_a_chat_model_says_how_to_add_one() {
    let repository = sample_repository();
    let mut waymark = Waymark::new(BINARY);
    waymark.configure(&format!(
        "[repository]\npath = \"{}\"\n[models.flash]\nprovider = \"embedded\"\n[routes.auto]\nladder = [\"flash\"]\n",
        repository.path().display()
    ));
    let http = waymark.start();
    let chat_answer = http.post("/v1/chat/completions", OPENAI, chat("auto", false).to_string());
    let message_answer = http.post("/v1/messages", ANTHROPIC, message("auto", true).to_string());
    assert_eq!((chat_answer.status, message_answer.status), (503, 503));
    let advice = [assert_openai_error(&chat_answer), assert_anthropic_error(&message_answer)];
    for text in advice {
        assert!(text.contains("[models.") || text.contains("API_KEY"), "no way to add one in: {text}");
    }
    for answer in [chat_answer, message_answer] {
        assert_eq!(outcome(&waymark.why(answer.header("x-waymark-record"))), "refused");
    }
}

#[test]
fn a_failing_model_falls_back_and_only_the_second_attempt_served() {
    let rig = Rig::start();
    rig.openai.push(Reply::error(500, "broken"));
    let answer = rig.chat(&chat("auto", false));
    assert_eq!((answer.status, answer.header("x-waymark-model")), (200, "mock-spare-1"));
    let why = rig.why(&answer);
    let attempts = why["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{why}");
    assert_eq!(attempts[0]["model"], "mock-small-1");
    assert_eq!((&attempts[0]["status"], &attempts[0]["served"]), (&json!(500), &json!(false)));
    assert_eq!(attempts[0]["next"], "fallback");
    assert_eq!(attempts[1]["model"], "mock-spare-1");
    assert_eq!((&attempts[1]["status"], &attempts[1]["served"]), (&json!(200), &json!(true)));
    assert_eq!((outcome(&why), &why["resolved_model"]), ("succeeded", &json!("mock-spare-1")));
}

#[test]
fn when_every_model_fails_the_answer_is_an_error_and_so_is_the_record() {
    let rig = Rig::start();
    rig.openai.push(Reply::error(500, "broken"));
    rig.openai.push(Reply::error(503, "broken too"));
    let answer = rig.chat(&chat("auto", true));
    assert!(answer.status >= 500, "{}", answer.text());
    assert_openai_error(&answer);
    let why = rig.why(&answer);
    assert_eq!(outcome(&why), "failed");
    assert!(why["attempts"].as_array().unwrap().iter().all(|attempt| attempt["served"] == false), "{why}");
}

#[test]
fn tool_calls_pass_through_streamed_and_plain() {
    let rig = Rig::start();
    let call = ToolCall::new("call_1", "read_file", &json!({"path": "src/lib.rs", "lines": [1, 40]}));
    for stream in [false, true] {
        let reply = Reply::tools(std::slice::from_ref(&call));
        let (chat, message) = (chat("small", stream), message("large", stream));
        rig.openai.push(reply.clone());
        let body = chat.to_string();
        assert_eq!(rig.chat(&chat).body, reply.bytes("/v1/chat/completions", body.as_bytes()));
        rig.anthropic.push(reply.clone());
        let body = message.to_string();
        assert_eq!(rig.message(&message).body, reply.bytes("/v1/messages", body.as_bytes()));
    }
}

#[test]
fn an_embedded_model_that_declines_says_why() {
    let rig = Rig::start();
    let unknown = json!({"model": "flash", "prompt": "zyx wvu", "suffix": ""});
    let why = rig.why(&rig.http().post("/v1/completions", OPENAI, unknown.to_string()));
    let attempt = &why["attempts"][0];
    assert_eq!(
        (&attempt["outcome"], &attempt["error"]),
        (&json!("declined"), &json!("low_confidence")),
        "{why}"
    );
}

#[test]
fn the_embedded_model_completes_with_its_corpus_in_its_name() {
    let rig = Rig::start();
    let ask = || rig.http().post("/v1/completions", OPENAI, completion(false).to_string());
    let (first, second) = (ask(), ask());
    let body = first.json();
    assert!(body["choices"][0]["text"].is_string(), "{body}");
    assert_eq!(body["choices"][0]["text"], second.json()["choices"][0]["text"]);
    let why = rig.why(&first);
    assert!(why["served_model"].as_str().unwrap().starts_with("waymark-flash-1+"), "{why}");
    assert!(["succeeded", "declined"].contains(&outcome(&why)), "{why}");
    assert!(rig.openai.requests().is_empty(), "nothing leaves the machine");
}
