//! Texts as vectors: the same text always the same one, in whichever dialect it is asked for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::dialect::{Body, hash};

/// How long a vector is unless a request says otherwise.
const DIMENSIONS: usize = 8;

/// OpenAI's and Mistral's: numbers, or their bytes where those are asked for.
pub(super) fn openai(body: &Value, model: &str) -> Body {
    let inputs = inputs(&body["input"]);
    let is_packed = body["encoding_format"] == "base64";
    let dimensions = dimensions(&body["dimensions"]);
    let entry = |(index, text): (usize, &String)| {
        let vector = vector(text, dimensions);
        let embedding = if is_packed {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            json!(STANDARD.encode(bytes))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<Value> = inputs.iter().enumerate().map(entry).collect();
    let tokens = tokens(&inputs);
    Body::json(
        200,
        &json!({"id": "emb-scripted", "object": "list", "data": data, "model": model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}),
    )
}

/// Gemini's, of one content or of several requests.
pub(super) fn gemini(body: &Value) -> Body {
    let values = |request: &Value| {
        let parts = request["content"]["parts"].as_array().cloned().unwrap_or_default();
        let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        json!({"values": vector(&text, dimensions(&request["outputDimensionality"]))})
    };
    let answer = match body["requests"].as_array() {
        Some(requests) => json!({"embeddings": requests.iter().map(values).collect::<Vec<_>>()}),
        None => json!({"embedding": values(body)}),
    };
    Body::json(200, &answer)
}

/// Ollama's.
pub(super) fn ollama(body: &Value, model: &str) -> Body {
    let inputs = inputs(&body["input"]);
    let dimensions = dimensions(&body["dimensions"]);
    let embeddings: Vec<Vec<f32>> = inputs.iter().map(|text| vector(text, dimensions)).collect();
    Body::json(
        200,
        &json!({"model": model, "embeddings": embeddings, "total_duration": 1_000_000, "load_duration": 1_000_000,
            "prompt_eval_count": tokens(&inputs)}),
    )
}

/// Ollama's of old: one vector and nothing beside it.
pub(super) fn older_ollama(body: &Value) -> Body {
    let text = body["prompt"].as_str().unwrap_or_default();
    Body::json(200, &json!({"embedding": vector(text, DIMENSIONS)}))
}

fn inputs(input: &Value) -> Vec<String> {
    match input {
        // To Ollama a wish to have the model ready.
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(texts) => {
            texts.iter().map(|text| text.as_str().map_or_else(|| text.to_string(), str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}

fn tokens(inputs: &[String]) -> usize {
    inputs.iter().map(|text| text.split_whitespace().count()).sum()
}

fn dimensions(asked: &Value) -> usize {
    asked.as_u64().and_then(|asked| usize::try_from(asked).ok()).unwrap_or(DIMENSIONS)
}

/// Sixty-fourths drawn by the text's hash: exact as decimals and as floats.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut state = hash(text.as_bytes());
    let draw = || {
        state = (state ^ (state >> 15)).wrapping_mul(16_777_619).wrapping_add(1);
        (f32::from(state.to_be_bytes()[0]) - 128.0) / 64.0
    };
    std::iter::repeat_with(draw).take(dimensions).collect()
}
