//! Answers in the shapes of Ollama's endpoints: streams are lines of JSON, and tool calls come whole and without ids.

use serde_json::{Value, json};

use super::dialect::{Answer, Body, CREATED_AT, INPUT_TOKENS, THOUGHT, Wants};
use super::endpoint::Endpoint;

const LINES: &str = "application/x-ndjson";

pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    if wants.endpoint() == Endpoint::OllamaShow {
        return Body::json(200, &show(model));
    }
    let is_chat = wants.endpoint() == Endpoint::OllamaChat;
    let piece = if is_chat { message } else { response };
    let steps = steps(wants, answer);
    if !wants.is_stream() {
        let whole = steps.into_iter().fold(Said::default(), Said::and);
        return Body::json(200, &line(wants, model, piece(whole), Some(answer)));
    }
    let mut lines: Vec<Value> = steps.into_iter().map(|said| line(wants, model, piece(said), None)).collect();
    lines.push(line(wants, model, piece(Said::default()), Some(answer)));
    Body::stream(LINES, lines.into_iter().map(|line| format!("{line}\n")))
}

/// What one line says.
#[derive(Default)]
struct Said {
    content: String,
    thinking: String,
    calls: Vec<Value>,
}

impl Said {
    fn and(mut self, more: Self) -> Self {
        self.content.push_str(&more.content);
        self.thinking.push_str(&more.thinking);
        self.calls.extend(more.calls);
        self
    }
}

fn steps(wants: &Wants, answer: &Answer<'_>) -> Vec<Said> {
    let calls = match answer {
        Answer::Text(words) => {
            return words.iter().map(|word| Said { content: word.clone(), ..Said::default() }).collect();
        }
        Answer::Tools(calls) => calls,
    };
    let asked = !matches!(wants.body["think"], Value::Null | Value::Bool(false));
    let thought = (wants.thinks && asked).then(|| Said { thinking: THOUGHT.to_owned(), ..Said::default() });
    let calls = calls.iter().map(|call| {
        let call = json!({"function": {"name": call.name, "arguments": call.object()}});
        Said { calls: vec![call], ..Said::default() }
    });
    thought.into_iter().chain(calls).collect()
}

fn message(said: Said) -> Value {
    let mut message = json!({"role": "assistant", "content": said.content});
    if !said.thinking.is_empty() {
        message["thinking"] = said.thinking.into();
    }
    if !said.calls.is_empty() {
        message["tool_calls"] = said.calls.into();
    }
    json!({"message": message})
}

fn response(said: Said) -> Value {
    let mut response = json!({"response": said.content});
    if !said.thinking.is_empty() {
        response["thinking"] = said.thinking.into();
    }
    response
}

fn line(wants: &Wants, model: &str, mut piece: Value, ended: Option<&Answer<'_>>) -> Value {
    piece["model"] = model.into();
    piece["created_at"] = format!("2026-01-01T00:00:00.{:09}Z", wants.serial % 1_000_000_000).into();
    piece["done"] = ended.is_some().into();
    if let Some(answer) = ended {
        piece["done_reason"] = "stop".into();
        piece["prompt_eval_count"] = INPUT_TOKENS.into();
        piece["eval_count"] = answer.output_tokens().into();
        for duration in ["total_duration", "load_duration", "prompt_eval_duration", "eval_duration"] {
            piece[duration] = 1_000_000.into();
        }
    }
    piece
}

fn details() -> Value {
    json!({"parent_model": "", "format": "gguf", "family": "mock", "families": ["mock"],
        "parameter_size": "8.0B", "quantization_level": "Q4_K_M"})
}

pub(super) fn tags(model: &str) -> Value {
    let entry = json!({"name": model, "model": model, "modified_at": CREATED_AT, "size": 4_920_753_328_u64,
        "digest": "46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e", "details": details()});
    json!({"models": [entry]})
}

fn show(model: &str) -> Value {
    json!({"license": "", "modelfile": format!("FROM {model}\n"), "parameters": "", "template": "{{ .Prompt }}",
        "details": details(), "model_info": {"general.architecture": "mock", "mock.context_length": 131_072},
        "capabilities": ["completion", "tools"], "modified_at": CREATED_AT})
}

pub(super) fn version() -> Value {
    json!({"version": "0.12.6"})
}

pub(super) fn error(message: &str) -> Value {
    json!({"error": message})
}
