//! Clients of every dialect of embeddings before providers of every other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use waymark_testkit::Reply;

use crate::kinds::Kinds;
use crate::rig::outcome;

/// A request to embed from each kind of client, with where its answer's first vector stands.
fn embeddings(model: &str, text: &str) -> [(String, Value, &'static str); 6] {
    let gemini = |method: &str| format!("/v1beta/models/{model}:{method}");
    let content = json!({"parts": [{"text": text}]});
    let (one, several) = ("/v1/embeddings".to_owned(), json!([text, "another text"]));
    [
        (one.clone(), json!({"model": model, "input": text, "dimensions": 8}), "/data/0/embedding"),
        (one, json!({"model": model, "input": several, "encoding_format": "base64"}), "/data/0/embedding"),
        ("/api/embed".to_owned(), json!({"model": model, "input": several}), "/embeddings/0"),
        ("/api/embeddings".to_owned(), json!({"model": model, "prompt": text}), "/embedding"),
        (gemini("embedContent"), json!({"content": content}), "/embedding/values"),
        (
            gemini("batchEmbedContents"),
            json!({"requests": [{"model": format!("models/{model}"), "content": content, "taskType": "CLUSTERING"}]}),
            "/embeddings/0/values",
        ),
    ]
}

/// A vector's numbers, which may have come as the Base64 of their bytes.
fn numbers(vector: &Value) -> Vec<f64> {
    let Value::String(packed) = vector else { return serde_json::from_value(vector.clone()).unwrap() };
    let bytes = BASE64.decode(packed).unwrap();
    bytes.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
}

#[test]
fn every_client_that_embeds_gets_the_same_vector_from_every_kind_that_does() {
    let kinds = Kinds::start();
    let mut vectors = Vec::new();
    for (name, target) in [
        ("openai", "/v1/embeddings"),
        ("mistral", "/v1/embeddings"),
        ("llama", "/v1/embeddings"),
        ("ollama", "/api/embed"),
        ("gemini", "/v1beta/models/mock-1:batchEmbedContents"),
    ] {
        for (path, body, place) in embeddings(&format!("{name}-m"), "fn main() {}") {
            let answer = kinds.ask(&path, &body);
            assert_eq!(answer.status, 200, "{path} → {name}: {}", answer.text());
            let vector = answer.json().pointer(place).map(numbers);
            vectors.push(vector.unwrap_or_else(|| panic!("{path} → {name}: {}", answer.text())));
            let asked = kinds.upstream.last();
            let told = kinds.why(&answer);
            assert_eq!((outcome(&told), &told["task"]), ("succeeded", &json!("embedding")), "{told}");
            let attempt = &told["attempts"][0];
            if attempt["converted"].is_string() {
                assert_eq!(asked.target, target, "{path}");
                assert!(asked.json().to_string().contains("mock-1"), "{path} → {name}: {}", asked.json());
                let clusters = body.to_string().contains("CLUSTERING");
                assert_eq!(attempt["lost"], if clusters { json!(["task_type"]) } else { Value::Null });
            } else {
                let own = path.replace(&format!("{name}-m"), "mock-1");
                assert_eq!(asked.target, own, "{path} → {name}");
                let names_it = path.starts_with("/v1beta/models/").then_some("models/mock-1");
                let named = asked.json()["requests"][0]["model"].clone();
                assert!(named.is_null() || named.as_str() == names_it, "{path} → {name}: {named}");
            }
            // Gemini does not count, nor did Ollama at first.
            let counts = name != "gemini" && asked.target != "/api/embeddings";
            assert_eq!(told["usage"]["input"].is_u64(), counts, "{path} → {name}: {told}");
        }
    }
    vectors.dedup();
    assert_eq!(vectors.len(), 1, "{vectors:?}");
}

#[test]
fn what_no_other_dialect_of_embeddings_can_say_is_refused() {
    let kinds = Kinds::start();
    let tokens = json!({"model": "ollama-m", "input": [[1, 2], [3]]});
    let refused = kinds.ask("/v1/embeddings", &tokens);
    assert_eq!((refused.status, refused.header("x-waymark-route")), (400, "not_convertible"));
    assert!(refused.text().contains("token ids"), "{}", refused.text());
    assert_eq!(kinds.upstream.requests().len(), 0);
    kinds.upstream.push(Reply::error(404, "no such model"));
    let failed = kinds.ask("/api/embed", &json!({"model": "gemini-m", "input": "a"}));
    assert_eq!((failed.status, failed.json()), (404, json!({"error": "no such model"})));
    let short = json!({"data": [{"index": 0, "embedding": [0.5]}]}).to_string();
    kinds.upstream.push(Reply::body(200, "application/json", short));
    let failed = kinds.ask("/api/embed", &json!({"model": "openai-m", "input": ["a", "b"]}));
    assert_eq!(failed.status, 502, "{}", failed.text());
}

#[test]
fn a_warm_up_of_an_embedding_model_reaches_ollama_only() {
    let kinds = Kinds::start();
    for (name, asked) in [("openai", 0), ("gemini", 0), ("ollama", 1)] {
        let answer = kinds.ask("/api/embed", &json!({"model": format!("{name}-m"), "input": ""}));
        assert_eq!((answer.status, &answer.json()["embeddings"]), (200, &json!([])), "{}", answer.text());
        assert_eq!(kinds.upstream.requests().len(), asked, "{name}");
        assert_eq!(outcome(&kinds.why(&answer)), "succeeded");
    }
}
