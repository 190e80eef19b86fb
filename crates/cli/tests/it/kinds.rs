//! Every kind of provider, spoken to in its own words at its own addresses.

use serde_json::{Value, json};
use waymark_testkit::{Reply, Response, Upstream, Waymark};

use crate::rig::{BINARY, OPENAI, chat, message, outcome, sample_repository};

/// A server before one upstream that is every provider at once.
pub(crate) struct Kinds {
    waymark: Waymark,
    pub(crate) upstream: Upstream,
}

impl Kinds {
    pub(crate) fn start() -> Self {
        let (upstream, repository) = (Upstream::start(), sample_repository());
        let (root, versioned) = (upstream.anthropic_base(), upstream.openai_base());
        let provider = |name: &str, kind: &str, base: &str, more: &str| {
            format!(
                "[providers.{name}]\nkind = \"{kind}\"\nbase_url = \"{base}\"\napi_key_env = \"SCRIPTED_KEY\"\nretries = 0\nbreaker = false\n{more}\n\
                 [models.{name}-m]\nprovider = \"{name}\"\nid = \"mock-1\"\n\n"
            )
        };
        let providers = [
            provider("openai", "openai", &versioned, ""),
            provider("respond", "openai", &versioned, "dialects = [\"openai-responses\"]"),
            provider("azure", "azure-openai", &root, ""),
            provider("deployed", "azure-openai", &root, "api_version = \"2024-10-21\""),
            provider("anthropic", "anthropic", &root, ""),
            provider("gemini", "gemini", &root, ""),
            provider("mistral", "mistral", &versioned, ""),
            provider("ollama", "ollama", &root, ""),
            provider("llama", "llama-cpp", &root, ""),
        ]
        .concat();
        let mut waymark = Waymark::new(BINARY);
        waymark.env("SCRIPTED_KEY", "upstream-key");
        waymark.configure(&format!(
            "[repository]\npath = \"{}\"\n\n{providers}[models.coder]\nprovider = \"mistral\"\nid = \"codestral\"\n\
             tasks = [\"completion\"]\n\n[routes.auto]\nladder = [\"flash\", \"coder\"]\n",
            repository.path().display()
        ));
        waymark.start();
        Self { waymark, upstream }
    }

    pub(crate) fn ask(&self, path: &str, body: &Value) -> Response {
        self.waymark.http().post(path, OPENAI, body.to_string())
    }

    pub(crate) fn why(&self, answer: &Response) -> Value {
        self.waymark.why(answer.header("x-waymark-record"))
    }
}

#[test]
fn each_kind_is_asked_at_its_own_address_with_its_own_key() {
    let kinds = Kinds::start();
    for (name, target, header, converted) in [
        ("openai", "/v1/chat/completions", "authorization", Value::Null),
        ("respond", "/v1/responses", "authorization", json!("openai-responses")),
        ("azure", "/openai/v1/chat/completions", "api-key", Value::Null),
        (
            "deployed",
            "/openai/deployments/mock-1/chat/completions?api-version=2024-10-21",
            "api-key",
            Value::Null,
        ),
        ("anthropic", "/v1/messages", "x-api-key", json!("anthropic-messages")),
        ("gemini", "/v1beta/models/mock-1:streamGenerateContent?alt=sse", "x-goog-api-key", json!("gemini")),
        ("mistral", "/v1/chat/completions", "authorization", Value::Null),
        ("ollama", "/api/chat", "authorization", json!("ollama-chat")),
        ("llama", "/v1/chat/completions", "authorization", Value::Null),
    ] {
        for stream in [true, false] {
            kinds.upstream.push(Reply::text("Good day."));
            let mut body = chat(&format!("{name}-m"), stream);
            body["stream_options"] = if stream { json!({"include_usage": true}) } else { Value::Null };
            let answer = kinds.ask("/v1/chat/completions", &body);
            assert_eq!(answer.status, 200, "{name} {stream}: {}", answer.text());
            let asked = kinds.upstream.last();
            let target = match stream {
                true => target.to_owned(),
                false => target.replace("streamGenerateContent?alt=sse", "generateContent"),
            };
            assert_eq!(asked.target, target, "{name}");
            let key = asked.headers.get(header).unwrap_or_default();
            assert_eq!(key.trim_start_matches("Bearer "), "upstream-key", "{name}");
            let told = kinds.why(&answer);
            assert_eq!((outcome(&told), &told["provider"]), ("succeeded", &json!(name)));
            assert_eq!(told["attempts"][0]["converted"], converted, "{name}");
            let text: String = match stream {
                true => deltas(&answer.text()),
                false => answer.json()["choices"][0]["message"]["content"].as_str().unwrap().to_owned(),
            };
            assert_eq!(text, "Good day.", "{name} {stream}: {}", answer.text());
            assert!(told["usage"]["output"].is_u64(), "{name} {stream}: {told}");
        }
    }
}

/// The text of a chat stream.
fn deltas(text: &str) -> String {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let chunks = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
    chunks.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_stream_asked_for_by_its_address_is_asked_for_everywhere() {
    let kinds = Kinds::start();
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    for name in ["openai", "anthropic", "ollama"] {
        let answer = kinds.ask(&format!("/v1beta/models/{name}-m:streamGenerateContent?alt=sse"), &body);
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/event-stream"),
            "{}",
            answer.text()
        );
        assert_eq!(kinds.upstream.last().json()["stream"], true, "{name}");
    }
}

#[test]
fn mistral_is_sent_nothing_it_refuses() {
    let kinds = Kinds::start();
    let mut body = message("mistral-m", true);
    body["metadata"] = json!({"user_id": "u"});
    body["messages"] = json!([
        {"role": "user", "content": "read it"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_01A", "name": "read", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01A", "content": "text"}]},
    ]);
    let answer = kinds.ask("/v1/messages", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = kinds.upstream.last().json();
    assert_eq!(sent["max_tokens"], 512);
    assert!(sent.get("max_completion_tokens").is_none() && sent.get("stream_options").is_none(), "{sent}");
    assert_eq!(sent["messages"][1]["tool_calls"][0]["id"], sent["messages"][2]["tool_call_id"]);
    assert_eq!(sent["messages"][2]["tool_call_id"].as_str().map(str::len), Some(9));
}

/// A request for a completion in each dialect that has them, with where its answer's text stands.
fn completions(model: &str, stream: bool) -> [(&'static str, Value, &'static str); 4] {
    let (before, behind) = ("fn nobody_wrote_this(", "}\n");
    [
        (
            "/v1/completions",
            json!({"model": model, "prompt": before, "suffix": behind, "stream": stream}),
            "/choices/0/text",
        ),
        (
            "/v1/fim/completions",
            json!({"model": model, "prompt": before, "suffix": behind, "stream": stream}),
            if stream { "/choices/0/delta/content" } else { "/choices/0/message/content" },
        ),
        (
            "/infill",
            json!({"model": model, "input_prefix": before, "input_suffix": behind, "stream": stream}),
            "/content",
        ),
        (
            "/api/generate",
            json!({"model": model, "prompt": before, "suffix": behind, "stream": stream}),
            "/response",
        ),
    ]
}

/// The text of an answer, streamed in either framing or whole.
fn said(answer: &Response, place: &str) -> String {
    let text = answer.text();
    let lines = text.lines().map(|line| line.strip_prefix("data: ").unwrap_or(line));
    let values = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values.filter_map(|value| value.pointer(place)?.as_str().map(str::to_owned)).collect()
}

#[test]
fn every_client_that_completes_code_is_answered_by_every_kind_that_does() {
    let kinds = Kinds::start();
    for (name, target) in [
        ("openai", "/v1/completions"),
        ("mistral", "/v1/fim/completions"),
        ("ollama", "/api/generate"),
        ("llama", "/infill"),
    ] {
        for stream in [false, true] {
            for (path, body, place) in completions(&format!("{name}-m"), stream) {
                kinds.upstream.push(Reply::text("a: u8) {"));
                let answer = kinds.ask(path, &body);
                assert_eq!(answer.status, 200, "{path} → {name}: {}", answer.text());
                assert_eq!(said(&answer, place), "a: u8) {", "{path} → {name} {stream}: {}", answer.text());
                let asked = kinds.upstream.last();
                assert_eq!(asked.target, target, "{path}");
                let sent = asked.json().to_string();
                assert!(
                    sent.contains("nobody_wrote_this(") && sent.contains(r"}\n"),
                    "{path} → {name}: {sent}"
                );
                let told = kinds.why(&answer);
                assert_eq!((outcome(&told), &told["task"]), ("succeeded", &json!("completion")), "{told}");
                let converted = &told["attempts"][0]["converted"];
                assert_eq!(converted.is_string(), path != target, "{path} → {name}: {told}");
            }
        }
    }
}

#[test]
fn what_the_embedded_model_is_not_sure_of_climbs_across_dialects() {
    let kinds = Kinds::start();
    kinds.upstream.push(Reply::text("a: u8) {"));
    let (path, body, place) = &completions("auto", false)[2];
    let answer = kinds.ask(path, body);
    assert_eq!((said(&answer, place).as_str(), answer.header("x-waymark-route")), ("a: u8) {", "escalated"));
    let told = kinds.why(&answer);
    assert_eq!(
        (&told["attempts"][0]["status"], &told["attempts"][1]["converted"]),
        (&Value::Null, &json!("mistral-fim")),
        "{told}"
    );
}

#[test]
fn a_client_that_only_warms_up_pays_nothing() {
    let kinds = Kinds::start();
    for (model, asked) in [("auto", 0), ("mistral-m", 0), ("llama-m", 1)] {
        let before = kinds.upstream.requests().len();
        let body =
            json!({"model": model, "input_prefix": "fn main() {", "input_suffix": "}", "n_predict": 0});
        let answer = kinds.ask("/infill", &body);
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
        assert_eq!(kinds.upstream.requests().len() - before, asked, "{model}");
        assert_eq!(outcome(&kinds.why(&answer)), "succeeded", "{model}");
    }
    let loaded = kinds.ask("/api/generate", &json!({"model": "anthropic-m"}));
    assert_eq!((loaded.status, &loaded.json()["done"]), (200, &json!(true)), "{}", loaded.text());
}

#[test]
fn an_instruction_is_a_conversation_also_where_code_is_completed() {
    let kinds = Kinds::start();
    kinds.upstream.push(Reply::text("It is a shelf."));
    let body =
        json!({"model": "anthropic-m", "prompt": "What is this?", "system": "be brief", "stream": false});
    let answer = kinds.ask("/api/generate", &body);
    assert_eq!(said(&answer, "/response"), "It is a shelf.", "{}", answer.text());
    assert_eq!(kinds.upstream.last().target, "/v1/messages");
    assert_eq!(kinds.why(&answer)["task"], "chat");
    let refused = kinds.ask("/api/generate", &json!({"model": "flash", "prompt": "What is this?"}));
    assert_eq!((refused.status, refused.header("x-waymark-route")), (400, "model_cannot"));
}

#[test]
fn token_ids_go_to_those_who_know_them_only() {
    let kinds = Kinds::start();
    let body = |model: &str| json!({"model": model, "prompt": [1, 2, 3]});
    assert_eq!(kinds.ask("/v1/completions", &body("openai-m")).status, 200);
    for model in ["flash", "mistral-m"] {
        let refused = kinds.ask("/v1/completions", &body(model));
        assert_eq!((refused.status, refused.header("x-waymark-route")), (400, "model_cannot"), "{model}");
    }
}

#[test]
fn tokens_are_counted_by_a_provider_that_does_and_else_estimated() {
    let kinds = Kinds::start();
    let body = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "some words to count"}]});
    let path = "/v1/messages/count_tokens";
    kinds.upstream.push(Reply::body(200, "application/json", r#"{"input_tokens":4711}"#));
    let counted = kinds.ask(path, &body("anthropic-m"));
    assert_eq!((counted.status, &counted.json()["input_tokens"]), (200, &json!(4711)));
    assert_eq!(
        (kinds.upstream.last().target.as_str(), &kinds.why(&counted)["task"]),
        (path, &json!("utility"))
    );

    kinds.upstream.push(Reply::error(404, "no such endpoint"));
    let estimated = kinds.ask(path, &body("anthropic-m"));
    assert!(estimated.json()["input_tokens"].as_u64().is_some_and(|count| (3..40).contains(&count)));
    assert_eq!(estimated.header("x-waymark-route"), "estimated");
    assert_eq!(kinds.why(&estimated)["attempts"][0]["status"], 404);

    let asked = kinds.upstream.requests().len();
    let estimated = kinds.ask(path, &body("gemini-m"));
    assert_eq!((estimated.status, estimated.header("x-waymark-record")), (200, "none"));
    assert_eq!(kinds.upstream.requests().len(), asked, "nobody was asked");
}

#[test]
fn clients_find_what_there_is_in_their_own_words() {
    let kinds = Kinds::start();
    let get = |path: &str| kinds.waymark.http().get(path, &[]).json();
    let tags = get("/api/tags");
    let named: Vec<&str> =
        tags["models"].as_array().unwrap().iter().filter_map(|model| model["name"].as_str()).collect();
    assert!(named.contains(&"auto") && named.contains(&"gemini-m"), "{named:?}");
    assert!(get("/api/version")["version"].is_string());
    let shown = |name: &str| kinds.ask("/api/show", &json!({"model": name}));
    assert_eq!(shown("gemini-m:latest").json()["capabilities"], json!(["completion", "tools"]));
    assert_eq!(shown("coder").json()["capabilities"], json!(["insert"]));
    assert!(shown("strange").json()["error"].as_str().unwrap().contains("known: auto"));
    let listed = get("/v1beta/models");
    assert!(listed["models"].as_array().unwrap().iter().any(|model| model["name"] == "models/gemini-m"));
    assert_eq!(get("/v1beta/models/ollama-m")["name"], "models/ollama-m");
    let google = kinds.waymark.http().get("/v1/models", &[("x-goog-api-key", "k")]).json();
    assert_eq!(google, listed);
    let mistral = &get("/v1/models")["data"];
    let coder = mistral.as_array().unwrap().iter().find(|model| model["id"] == "coder").unwrap();
    assert_eq!((&coder["type"], &coder["capabilities"]["completion_fim"]), (&json!("base"), &json!(true)));
    for path in ["/v1/models", "/models", "/v1/v1/models"] {
        assert!(
            get(path)["data"].as_array().unwrap().iter().any(|model| model["id"] == "mistral-m"),
            "{path}"
        );
    }
}
