//! Requests that make no sense, at every endpoint: a clear error in the dialect's shape, and a record where a body was
//! read.

use serde_json::{Value, json};
use waymark_testkit::Response;

use crate::commands::database;
use crate::rig::{ANTHROPIC, OPENAI, Rig, chat};

/// What a dialect's errors look like.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
    Mistral,
    Llama,
}
use Shape::{Anthropic, Gemini, Llama, Mistral, Ollama, OpenAi};

/// An endpoint, and the field its requests are about, with a value that will do.
struct Endpoint {
    path: &'static str,
    shape: Shape,
    about: (&'static str, Value),
}

fn endpoints() -> Vec<Endpoint> {
    let messages = || ("messages", json!([{"role": "user", "content": "hi"}]));
    let contents = ("contents", json!([{"role": "user", "parts": [{"text": "hi"}]}]));
    let content = ("content", json!({"parts": [{"text": "hi"}]}));
    let text = |field| (field, json!("hi"));
    [
        ("/v1/chat/completions", OpenAi, messages()),
        ("/v1/completions", OpenAi, text("prompt")),
        ("/v1/responses", OpenAi, text("input")),
        ("/v1/embeddings", OpenAi, text("input")),
        ("/v1/images/generations", OpenAi, text("prompt")),
        ("/v1/audio/speech", OpenAi, text("input")),
        ("/v1/messages", Anthropic, messages()),
        ("/v1/messages/count_tokens", Anthropic, messages()),
        ("/v1/fim/completions", Mistral, text("prompt")),
        ("/v1beta/models/small:generateContent", Gemini, contents),
        ("/v1beta/models/small:embedContent", Gemini, content),
        ("/api/chat", Ollama, messages()),
        ("/api/generate", Ollama, text("prompt")),
        ("/api/embed", Ollama, text("input")),
        ("/api/show", Ollama, text("name")),
        ("/infill", Llama, text("input_prefix")),
    ]
    .into_iter()
    .map(|(path, shape, about)| Endpoint { path, shape, about })
    .collect()
}

/// Headers as the dialect's clients send them.
fn headers(shape: Shape) -> &'static [(&'static str, &'static str)] {
    if shape == Anthropic { ANTHROPIC } else { OPENAI }
}

/// Checks that an answer is an error of `shape` that any client of the dialect understands; returns its message.
fn assert_error(answer: &Response, shape: Shape, status: u16) -> String {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/json");
    for name in ["x-waymark-record", "x-waymark-model", "x-waymark-route"] {
        assert!(!answer.header(name).is_empty());
    }
    let body = answer.json();
    let error = if matches!(shape, Mistral) { &body } else { &body["error"] };
    let (fits, message) = match shape {
        OpenAi => (error["type"].is_string() && error["code"].is_string(), &error["message"]),
        Anthropic => (body["type"] == "error" && error["type"].is_string(), &error["message"]),
        Gemini => (error["code"] == status && error["status"].is_string(), &error["message"]),
        Ollama => (true, error),
        Mistral => (error["object"] == "error" && error["type"].is_string(), &error["message"]),
        Llama => (error["code"] == status && error["type"].is_string(), &error["message"]),
    };
    assert!(fits, "{body}");
    message.as_str().unwrap_or_else(|| panic!("no message in {body}")).to_owned()
}

/// Bodies that are wrong whatever the endpoint, and what the error must name.
fn wrong_anywhere(good: &Value) -> Vec<(Vec<u8>, &'static str)> {
    let text = good.to_string();
    let open = text.trim_end_matches('}');
    let nested = |begin: &str, end: &str| [begin.repeat(100_000), end.repeat(100_000)].concat();
    vec![
        (b"".to_vec(), "empty"),
        (b" \r\n".to_vec(), "empty"),
        (b"hello".to_vec(), "no JSON object"),
        (b"\0\0\0".to_vec(), "no JSON object"),
        (b"null".to_vec(), "no JSON object"),
        (b"[\"small\",false,null,[{}]]".to_vec(), "no JSON object"),
        (nested("[", "]").into(), "no JSON object"),
        (nested("{\"a\":", "}").into(), "line 1 column"),
        (open.into(), "line 1 column"),
        (format!("{text}}}").into(), "trailing characters"),
        (format!("{open},}}").into(), "trailing comma"),
        ([open.as_bytes(), b",\"user\":\"\xff\"}"].concat(), "UTF-8"),
        (
            [&text.as_bytes()[..text.len() / 2], b"\xc3(", &text.as_bytes()[text.len() / 2..]].concat(),
            "UTF-8",
        ),
    ]
}

#[test]
fn a_body_that_cannot_be_read_is_refused_in_the_dialects_shape() {
    let mut rig = Rig::start();
    let mut asked = 0;
    for endpoint in endpoints() {
        let good = json!({"model": "small", endpoint.about.0: endpoint.about.1});
        for (body, named) in wrong_anywhere(&good) {
            let answer = rig.http().post(endpoint.path, headers(endpoint.shape), &body);
            let case = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            let message = assert_error(&answer, endpoint.shape, 400);
            assert!(message.contains(named), "{} {case}: {message}", endpoint.path);
            assert!(message.len() < 300, "{message}");
            // Asking what a model can do is not asking a model.
            let recorded = endpoint.path != "/api/show";
            assert_eq!(answer.header("x-waymark-record") != "none", recorded, "{} {case}", endpoint.path);
            asked += usize::from(recorded);
        }
    }
    assert!(rig.openai.requests().is_empty() && rig.anthropic.requests().is_empty(), "nothing was passed on");
    let listed = rig.http().get("/admin/records?limit=500", &[]).json();
    let listed = listed["records"].as_array().unwrap();
    assert_eq!(listed.len(), asked);
    assert!(listed.iter().all(|record| record["outcome"] == "refused"), "{listed:?}");
    assert_eq!(rig.waymark.stop().code, Some(0));
    assert_eq!(rig.waymark.run(&["verify"]).code, Some(0));
}

#[test]
fn a_field_of_the_wrong_type_is_named_to_the_client_and_its_value_kept_out_of_the_record() {
    let mut rig = Rig::start();
    let secret = "MY SECRET VALUE";
    let cases = [
        ("/v1/chat/completions", json!({"model": "small", "messages": 5}), "line 1 column 13"),
        ("/v1/chat/completions", json!({"model": "small", "messages": []}), "`messages`"),
        ("/v1/chat/completions", json!({"model": "small", "messages": secret}), "line 1 column"),
        ("/v1/chat/completions", json!({"model": [secret], "messages": [{}]}), "`model`"),
        ("/v1/chat/completions", json!({"messages": [{}]}), "`model`"),
        ("/v1/chat/completions", json!({"model": "small", "messages": [{}], "stream": secret}), "a boolean"),
        ("/v1/chat/completions", json!({"model": "small", "messages": [{}], "tools": secret}), "a list"),
        ("/v1/completions", json!({"model": "small", "prompt": {"a": secret}}), "`prompt`"),
        ("/v1/completions", json!({"model": "small", "prompt": "a", "max_tokens": secret}), "line 1 column"),
        ("/v1/responses", json!({"model": "small", "input": 5}), "`input`"),
        ("/v1/embeddings", json!({"model": "small"}), "`input`"),
        ("/v1/messages", json!({"model": "large", "messages": {"role": secret}}), "a list"),
        ("/v1/fim/completions", json!({"model": "small", "prompt": [secret]}), "`prompt`"),
        ("/v1beta/models/small:generateContent", json!({"contents": []}), "`contents`"),
        ("/v1beta/models/small:generateContent", json!({"contents": [{}], "tools": secret}), "`tools`"),
        ("/api/generate", json!({"model": "small", "prompt": [secret]}), "`prompt`"),
        ("/infill", json!({"input_prefix": "a", "n_predict": [secret]}), "`n_predict`"),
        ("/infill", json!({"input_prefix": "a", "input_extra": secret}), "`input_extra`"),
    ];
    let shapes = endpoints();
    for (path, body, named) in cases {
        let shape = shapes.iter().find(|endpoint| endpoint.path == path).unwrap().shape;
        let message = assert_error(&rig.http().post(path, headers(shape), body.to_string()), shape, 400);
        assert!(message.contains(named), "{path} {body}: {message}");
    }
    for (path, twice) in [
        ("/v1/chat/completions", r#"{"model":"a","messages":[{}],"model":"small"}"#),
        ("/v1/messages", r#"{"model":"large","messages":[{}],"messages":[]}"#),
        ("/api/chat", r#"{"model":"small","messages":[{}],"stream":true,"stream":false}"#),
    ] {
        let refused = rig.http().post(path, ANTHROPIC, twice);
        assert_eq!(refused.status, 400);
        assert!(refused.text().contains("duplicate field"), "{}", refused.text());
    }
    rig.waymark.stop();
    let bytes = std::fs::read(database(&rig.waymark)).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains(secret));
}

#[test]
fn what_is_odd_but_right_passes_untouched() {
    let rig = Rig::start();
    let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    let odd = [
        r#"{"model":"mock-small-1","messages":[{}],"seed":123456789012345678901234567890,"x":1e999}"#
            .to_owned(),
        format!(r#"{{"model":"mock-small-1","messages":[{{}}],"x":{deep}}}"#),
        "\r\n\t {\"mess\\u0061ges\" :[{}], \"model\":\"mock-small-1\"}\n".to_owned(),
    ];
    for body in odd {
        let answer = rig.http().post("/v1/chat/completions", OPENAI, body.replace("mock-small-1", "small"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(rig.openai.last().body, body.as_bytes());
    }
}

#[test]
fn unknown_addresses_and_wrong_methods_are_told_in_the_dialects_shape() {
    let rig = Rig::start();
    let long = "x".repeat(60_000);
    for (prefix, shape) in [
        ("/v1/", OpenAi),
        ("/", OpenAi),
        ("/v1/messages/", Anthropic),
        ("/v1/v1/messages/", Anthropic),
        ("/v1/fim/", Mistral),
        ("/v1beta/", Gemini),
        ("/v1beta/models/small:", Gemini),
        ("/api/", Ollama),
        ("/infill/", Llama),
    ] {
        for unknown in ["nothing-here", "a%20b", &long] {
            let answer = rig.http().post(&format!("{prefix}{unknown}"), &[], "{}");
            let message = assert_error(&answer, shape, 404);
            assert!(message.contains(prefix) && message.len() < 500, "{message}");
        }
        let answer = rig.http().post(&format!("{prefix}a%ff%fe"), &[], "{}");
        assert!(assert_error(&answer, shape, 400).contains("UTF-8"), "{}", answer.text());
    }
    for endpoint in endpoints() {
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let answer = rig.http().open(method, endpoint.path, &[], b"").unwrap().finish();
            assert!(assert_error(&answer, endpoint.shape, 405).contains(method));
            assert!(answer.header("allow").contains("POST"), "{answer:?}");
        }
    }
    assert_error(&rig.http().get("/admin/records/%ff", &[]), OpenAi, 400);
    assert_error(&rig.http().get("/admin/records?limit=%ff", &[]), OpenAi, 400);
}

#[test]
fn encoded_bodies_are_refused_with_the_way_out_and_odd_headers_are_not() {
    let rig = Rig::start();
    let body = chat("small", false).to_string();
    for endpoint in endpoints() {
        for coding in ["gzip", "zstd", "br, gzip"] {
            let headers = [headers(endpoint.shape), &[("content-encoding", coding)]].concat();
            let answer = rig.http().post(endpoint.path, &headers, b"\x1f\x8b\x08");
            assert!(assert_error(&answer, endpoint.shape, 415).contains(coding), "{}", answer.text());
            assert_eq!(answer.header("accept-encoding"), "identity");
            assert_eq!(answer.header("x-waymark-record"), "none", "nothing was read");
        }
    }
    for odd in [("content-encoding", "identity"), ("content-type", "text/plain"), ("user-agent", "\u{e9}")] {
        assert_eq!(rig.http().post("/v1/chat/completions", &[odd], &body).status, 200, "{odd:?}");
    }
}
