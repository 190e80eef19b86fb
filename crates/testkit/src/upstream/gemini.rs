//! Answers in the shapes of Gemini's methods, plain and streamed.
//!
//! A tool call comes whole and without an id. The first one of a turn is signed when the model thinks; thoughts
//! themselves are shown to those who ask for them.

use serde_json::{Value, json};

use super::dialect::{Answer, Body, INPUT_TOKENS, JSON, SIGNATURE, THOUGHT, Wants};
use super::endpoint::Endpoint;

/// How many tokens a thought takes.
const THOUGHT_TOKENS: usize = 8;

pub(super) fn answer(wants: &Wants, model: &str, answer: &Answer<'_>) -> Body {
    if wants.endpoint() == Endpoint::CountTokens {
        let details = json!([{"modality": "TEXT", "tokenCount": INPUT_TOKENS}]);
        return Body::json(200, &json!({"totalTokens": INPUT_TOKENS, "promptTokensDetails": details}));
    }
    let steps = steps(wants, answer);
    if wants.endpoint() == Endpoint::Generate {
        return Body::json(200, &response(wants, model, &steps.concat(), Some(answer)));
    }
    let last = steps.len() - 1;
    let chunks = steps
        .iter()
        .enumerate()
        .map(|(at, parts)| response(wants, model, parts, (at == last).then_some(answer)));
    if wants.address.query("alt") == Some("sse") {
        let events = chunks.map(|chunk| format!("data: {chunk}\r\n\r\n"));
        return Body::stream("text/event-stream", events);
    }
    // One array, an element as each becomes ready.
    let opened =
        chunks.enumerate().map(|(at, chunk)| format!("{}{chunk}\n", if at == 0 { "[" } else { ",\r\n" }));
    Body::stream(JSON, opened.chain(["]".to_owned()]))
}

fn thinks(wants: &Wants, answer: &Answer<'_>) -> bool {
    let budget = &wants.body["generationConfig"]["thinkingConfig"]["thinkingBudget"];
    wants.thinks && *budget != 0 && matches!(answer, Answer::Tools(_))
}

/// What is said, by the chunks it is said in.
fn steps(wants: &Wants, answer: &Answer<'_>) -> Vec<Vec<Value>> {
    let calls = match answer {
        Answer::Text(words) => return words.iter().map(|word| vec![json!({"text": word})]).collect(),
        Answer::Tools(calls) => calls,
    };
    let thinks = thinks(wants, answer);
    let mut steps = Vec::new();
    if thinks && wants.body["generationConfig"]["thinkingConfig"]["includeThoughts"] == true {
        steps.push(vec![json!({"text": THOUGHT, "thought": true})]);
    }
    steps.extend(calls.iter().enumerate().map(|(at, call)| {
        let mut part = json!({"functionCall": {"name": call.name, "args": call.object()}});
        if at == 0 && thinks {
            part["thoughtSignature"] = SIGNATURE.into();
        }
        vec![part]
    }));
    steps
}

/// A response; usage is stated from the first chunk on, and the last one says how many tokens came out.
fn response(wants: &Wants, model: &str, parts: &[Value], ended: Option<&Answer<'_>>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    let mut usage = json!({"promptTokenCount": INPUT_TOKENS, "totalTokenCount": INPUT_TOKENS,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT_TOKENS}]});
    if let Some(answer) = ended {
        let (output, thought) =
            (answer.output_tokens(), if thinks(wants, answer) { THOUGHT_TOKENS } else { 0 });
        candidate["finishReason"] = "STOP".into();
        usage["candidatesTokenCount"] = output.into();
        usage["totalTokenCount"] = (INPUT_TOKENS + output + thought).into();
        if thought > 0 {
            usage["thoughtsTokenCount"] = thought.into();
        }
    }
    json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": model,
        "responseId": format!("scripted{:08x}", wants.serial)})
}

pub(super) fn models(model: &str) -> Value {
    let methods = ["generateContent", "countTokens", "embedContent"];
    let entry = json!({"name": format!("models/{model}"), "version": "001", "displayName": "Mock",
        "description": "A scripted model.", "inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods});
    json!({"models": [entry]})
}

/// An error, which is an array's only element where an array was asked for.
pub(super) fn error(wants: &Wants, status: u16, message: &str) -> Body {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    let error = json!({"error": {"code": status, "message": message, "status": name}});
    let is_array = wants.endpoint() == Endpoint::GenerateStream && wants.address.query("alt") != Some("sse");
    Body::json(status, &if is_array { json!([error]) } else { error })
}
