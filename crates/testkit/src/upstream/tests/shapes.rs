//! Each dialect's own shapes; the official clients read them too, in the client suite.

use serde_json::{Value, json};

use super::{ask, calls, data};
use crate::{Http, Reply, Response, Upstream};

const GEMINI: &str = "/v1beta/models/gemini-mock";

fn gemini(upstream: &Upstream, method: &str, body: &Value) -> Response {
    let key = [("x-goog-api-key", "key")];
    Http::new(upstream.address()).post(&format!("{GEMINI}:{method}"), &key, body.to_string())
}

fn contents() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
}

fn lines(response: &Response) -> Vec<Value> {
    response.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn gemini_streams_events_or_one_array() {
    let upstream = Upstream::with(|_| Reply::text("one two"));
    let whole = gemini(&upstream, "generateContent", &contents()).json();
    assert_eq!(whole["candidates"][0]["content"]["parts"][1]["text"], "two");
    assert_eq!(whole["usageMetadata"]["totalTokenCount"], 23);
    let events = gemini(&upstream, "streamGenerateContent?alt=sse", &contents());
    assert_eq!(events.header("content-type"), "text/event-stream");
    let chunks: Vec<Value> = data(&events).iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let array = gemini(&upstream, "streamGenerateContent", &contents());
    assert_eq!(array.header("content-type"), "application/json");
    assert_eq!(array.json(), json!(chunks));
    assert_eq!(chunks[0]["candidates"][0].get("finishReason"), None);
    assert_eq!(chunks[1]["candidates"][0]["finishReason"], "STOP");
    assert_eq!(gemini(&upstream, "countTokens", &contents()).json()["totalTokens"], 21);
}

#[test]
fn gemini_signs_the_first_call_of_a_model_that_thinks() {
    let upstream = Upstream::with(|_| Reply::tools(&[calls(), calls()].concat()).thinking());
    let mut body = contents();
    let parts = |answer: &Value| answer["candidates"][0]["content"]["parts"].clone();
    let silent = parts(&gemini(&upstream, "generateContent", &body).json());
    assert_eq!(silent[0]["functionCall"], json!({"name": "read", "args": {"path": "src/lib.rs", "from": 1}}));
    assert!(silent[0]["thoughtSignature"].is_string() && silent[1].get("thoughtSignature").is_none());
    body["generationConfig"] = json!({"thinkingConfig": {"includeThoughts": true}});
    assert_eq!(parts(&gemini(&upstream, "generateContent", &body).json())[0]["thought"], true);
    body["generationConfig"] = json!({"thinkingConfig": {"thinkingBudget": 0}});
    assert!(parts(&gemini(&upstream, "generateContent", &body).json())[0].get("thoughtSignature").is_none());
}

#[test]
fn gemini_refuses_strangers_and_strange_fields() {
    let upstream = Upstream::start();
    let refused = ask(&upstream, &format!("{GEMINI}:generateContent"), &contents());
    assert_eq!((refused.status, &refused.json()["error"]["status"]), (403, &json!("PERMISSION_DENIED")));
    let mut body = contents();
    body["messages"] = json!([]);
    let refused = gemini(&upstream, "streamGenerateContent", &body);
    assert!(refused.json()[0]["error"]["message"].as_str().unwrap().contains("Unknown name \"messages\""));
}

#[test]
fn ollama_streams_lines_unless_told_not_to() {
    let upstream = Upstream::start();
    upstream.push(Reply::text("one two"));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    let answer = ask(&upstream, "/api/chat", &body);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines = lines(&answer);
    assert_eq!(lines[1]["message"]["content"], "two");
    assert_eq!((&lines[2]["done"], &lines[2]["eval_count"]), (&json!(true), &json!(2)));

    upstream.push(Reply::tools(&calls()));
    let mut quiet = body;
    quiet["stream"] = false.into();
    let call = &ask(&upstream, "/api/chat", &quiet).json()["message"]["tool_calls"][0];
    assert_eq!(call, &json!({"function": {"name": "read", "arguments": {"path": "src/lib.rs", "from": 1}}}));

    upstream.push(Reply::text("end"));
    let generated = ask(&upstream, "/api/generate", &json!({"model": "m", "prompt": "a", "stream": false}));
    assert_eq!(generated.json()["response"], "end");
    let http = Http::new(upstream.address());
    assert!(http.get("/api/tags", &[]).json()["models"][0]["details"].is_object());
    assert!(http.get("/api/version", &[]).json()["version"].is_string());
    let shown = ask(&upstream, "/api/show", &json!({"model": "m"})).json();
    assert_eq!(shown["capabilities"], json!(["completion", "tools"]));
}

#[test]
fn mistral_is_not_openai() {
    let upstream = Upstream::with(|_| Reply::tools(&calls()));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": true});
    let answer = ask(&upstream, "/mistral/v1/chat/completions", &body);
    let data = data(&answer);
    let last: Value = serde_json::from_str(&data[data.len() - 2]).unwrap();
    assert_eq!(
        (&last["choices"][0]["finish_reason"], &last["usage"]["prompt_tokens"]),
        (&json!("tool_calls"), &json!(21))
    );
    assert_eq!(last["choices"][0]["delta"]["tool_calls"][0]["id"], "call10000");
    let mut limited = body.clone();
    limited["max_completion_tokens"] = json!(8);
    let refused = ask(&upstream, "/mistral/v1/chat/completions", &limited);
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["message"]["detail"][0]["loc"], json!(["body", "max_completion_tokens"]));
    let mut crossed = body;
    crossed["messages"] = json!([{"role": "tool", "tool_call_id": "call_1", "content": "a"}]);
    assert_eq!(ask(&upstream, "/mistral/v1/chat/completions", &crossed).status, 400);
}

#[test]
fn llama_infills_and_mistral_fills_in_the_middle() {
    let upstream = Upstream::with(|_| Reply::text("one two"));
    let prompt =
        json!({"prompt": "a", "suffix": "b", "input_prefix": "a", "input_suffix": "b", "model": "m"});
    assert_eq!(ask(&upstream, "/infill", &prompt).json()["content"], "one two");
    let mut streamed = prompt;
    streamed["stream"] = true.into();
    let answer = ask(&upstream, "/infill", &streamed);
    let last: Value = serde_json::from_str(data(&answer).last().unwrap()).unwrap();
    assert_eq!((&last["stop"], &last["tokens_predicted"]), (&json!(true), &json!(2)));
    let fim =
        ask(&upstream, "/mistral/v1/fim/completions", &json!({"model": "m", "prompt": "a", "suffix": "b"}));
    assert_eq!(fim.json()["choices"][0]["message"]["content"], "one two");
}

#[test]
fn azure_wants_its_key_and_its_version() {
    let upstream = Upstream::start();
    let http = Http::new(upstream.address());
    let body = json!({"model": "m", "messages": [], "stream": true}).to_string();
    let key = [("api-key", "key")];
    let status = |path: &str, headers: &[(&str, &str)]| http.post(path, headers, body.clone()).status;
    assert_eq!(status("/openai/v1/chat/completions", &[]), 401);
    assert_eq!(status("/openai/v1/chat/completions", &key), 200);
    assert_eq!(status("/openai/deployments/d/chat/completions", &key), 404);
    let path = "/openai/deployments/d/chat/completions?api-version=2024-10-21";
    let answer = http.post(path, &key, body.clone());
    let first: Value = serde_json::from_str(&data(&answer)[0]).unwrap();
    assert!(first["prompt_filter_results"].is_array() && first["choices"] == json!([]));
    assert_eq!(upstream.requests().last().unwrap().model().as_deref(), Some("d"));
}

#[test]
fn a_text_has_one_vector_however_it_is_asked_for() {
    let upstream = Upstream::start();
    let plain = ask(&upstream, "/v1/embeddings", &json!({"model": "m", "input": ["a", "b"]})).json();
    let vector = plain["data"][0]["embedding"].clone();
    assert_eq!(vector.as_array().unwrap().len(), 8);
    assert_ne!(vector, plain["data"][1]["embedding"]);
    assert_eq!(
        ask(&upstream, "/api/embed", &json!({"model": "m", "input": "a"})).json()["embeddings"][0],
        vector
    );
    let content = json!({"content": {"parts": [{"text": "a"}]}});
    assert_eq!(gemini(&upstream, "embedContent", &content).json()["embedding"]["values"], vector);
    let batch = gemini(&upstream, "batchEmbedContents", &json!({"requests": [content]}));
    assert_eq!(batch.json()["embeddings"][0]["values"], vector);
    let packed = json!({"model": "m", "input": "a", "encoding_format": "base64", "dimensions": 2});
    let packed = ask(&upstream, "/v1/embeddings", &packed).json();
    assert_eq!(packed["data"][0]["embedding"].as_str().map(str::len), Some(12));
}

#[test]
fn pictures_and_sound_are_made_and_understood() {
    let upstream = Upstream::with(|_| Reply::text("one two"));
    let picture = ask(&upstream, "/v1/images/generations", &json!({"model": "m", "prompt": "a"})).json();
    assert!(picture["data"][0]["b64_json"].as_str().unwrap().starts_with("iVBORw0KGgo"));
    let speech = ask(&upstream, "/v1/audio/speech", &json!({"model": "m", "input": "a", "voice": "b"}));
    assert_eq!((speech.header("content-type"), speech.body.len()), ("audio/mpeg", 3 * 417));
    let form = "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nears\r\n\
        --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--x--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let heard = Http::new(upstream.address()).post("/v1/audio/transcriptions", &headers, form);
    assert_eq!(heard.json()["text"], "one two");
    assert_eq!(upstream.requests().last().unwrap().model().as_deref(), Some("ears"));
}

#[test]
fn errors_take_each_providers_shape() {
    let upstream = Upstream::with(|_| Reply::error(429, "slow down"));
    let told = |path: &str, pointer: &str| {
        let error = ask(&upstream, path, &json!({})).json();
        assert_eq!(error.pointer(pointer), Some(&json!("slow down")), "{path}: {error}");
    };
    told("/v1/embeddings", "/error/message");
    told("/v1beta/models/m:generateContent", "/error/message");
    told("/v1beta/models/m:streamGenerateContent", "/0/error/message");
    told("/api/chat", "/error");
    told("/mistral/v1/chat/completions", "/message");
    told("/infill", "/error/message");
    told("/openai/v1/chat/completions", "/error/message");
}
