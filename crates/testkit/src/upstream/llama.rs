//! Answers in the shape of llama.cpp's infill, plain and streamed.

use serde_json::{Value, json};

use super::dialect::{Answer, Body, INPUT_TOKENS, Wants};

pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    let last = |content: &str| {
        let output = answer.output_tokens();
        json!({"index": 0, "content": content, "tokens": [], "id_slot": 0, "stop": true, "model": model,
            "tokens_predicted": output, "tokens_evaluated": INPUT_TOKENS, "generation_settings": {"n_predict": -1},
            "prompt": "", "has_new_line": false, "truncated": false, "stop_type": "eos", "stopping_word": "",
            "tokens_cached": INPUT_TOKENS + output,
            "timings": {"prompt_n": INPUT_TOKENS, "predicted_n": output, "cache_n": 0}})
    };
    let Answer::Text(words) = answer else { return Body::json(500, &error(500, "infill calls no tools")) };
    if !wants.is_stream() {
        return Body::json(200, &last(&answer.text()));
    }
    let pieces = words.iter().enumerate().map(|(at, word)| {
        json!({"index": 0, "content": word, "tokens": [at], "stop": false, "id_slot": 0,
            "tokens_predicted": at + 1, "tokens_evaluated": INPUT_TOKENS})
    });
    Body::events(pieces.chain([last("")]))
}

pub(super) fn error(status: u16, message: &str) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        404 => "not_found_error",
        _ => "server_error",
    };
    json!({"error": {"code": status, "message": message, "type": kind}})
}
