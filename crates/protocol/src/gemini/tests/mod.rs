//! The dialect's example cases, and what only it has.

mod answers;
mod prompts;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use waymark_types::Dialect;

use super::*;
use crate::neutral::{Block, Event, Role, Turn};
use crate::testing::{case, events, own_words_come_back, prompt, read_anything};

const MODEL: &str = "gemini-3.5-flash";

fn text(text: &str) -> Block {
    Block::text(text)
}

fn write(prompt: &Prompt, model: &str) -> (Value, Vec<Loss>) {
    let mut losses = Vec::new();
    let body = Gemini.write_prompt(prompt, model, &mut losses).unwrap();
    (serde_json::from_slice(&body).unwrap(), losses)
}

fn says(role: Role, blocks: Vec<Block>) -> Turn {
    Turn { role, blocks }
}

#[test]
fn own_words_come_back_as_they_were() {
    own_words_come_back(Dialect::Gemini, MODEL);
}

#[test]
fn requests_are_parsed_and_only_their_names_change() {
    let body = Bytes::from(case(Dialect::Gemini, "tools.request.json"));
    let addressed =
        Addressed { model: Some("gemini-3.5-flash".into()), stream: Some(true), ..Addressed::default() };
    let request = Gemini.parse(&body, &addressed).unwrap();
    assert_eq!((request.model.as_str(), request.stream), ("gemini-3.5-flash", true));
    assert_eq!((request.messages, request.tools), (1, 4));
    assert_eq!(request.body_for("other"), body);
    let body = Bytes::from(case(Dialect::Gemini, "count_tokens.request.json"));
    let request = Gemini
        .parse(&body, &Addressed { model: Some("gemini-3.5-flash".into()), ..Addressed::default() })
        .unwrap();
    let other = String::from_utf8(request.body_for("other").to_vec()).unwrap();
    assert_eq!(other, String::from_utf8_lossy(&body).replace("models/gemini-3.5-flash", "models/other"));
    assert_eq!(request.messages, 1);
    for (bad, field) in [(&b"{}"[..], "model"), (br#"{"model":"models/m"}"#, "contents")] {
        let error = Gemini.parse(&Bytes::copy_from_slice(bad), &Addressed::default()).unwrap_err();
        assert!(matches!(error, ParseError::Field { field: named, .. } if named == field), "{error}");
    }
}

#[test]
fn tokens_are_counted() {
    let prompt = prompt(Dialect::Gemini, "system");
    let body = count_tokens::write(&prompt, MODEL, &mut Vec::new()).unwrap();
    let value: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(value["generateContentRequest"]["model"], "models/gemini-3.5-flash");
    assert_eq!(count_tokens::read(&body).unwrap(), prompt);
    assert_eq!(count_tokens::read_answer(&count_tokens::write_answer(31)).unwrap(), 31);
}

#[test]
fn errors_have_googles_shape() {
    let fault = Fault { kind: crate::ErrorKind::InvalidRequest, code: "bad_request", message: "no".into() };
    let body: Value = serde_json::from_slice(&Gemini.error_body(&fault)).unwrap();
    assert_eq!((&body["error"]["code"], &body["error"]["status"]), (&json!(400), &json!("INVALID_ARGUMENT")));
    assert_eq!(body["error"]["details"][0]["reason"], "bad_request");
    let told = events(Dialect::Gemini, &[&Gemini.error_event(&fault)]);
    assert_eq!(told, [Event::Error { code: Some("INVALID_ARGUMENT".into()), message: "no".into() }]);
    let mut answer = Answer::default();
    answer.read_body(Dialect::Gemini, br#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#);
    assert_eq!(answer.error.as_deref(), Some("busy"));
}

/// JSON like this dialect's, with anything in any place.
fn anything() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "contents",
        "parts",
        "role",
        "text",
        "thought",
        "thoughtSignature",
        "functionCall",
        "functionResponse",
        "args",
        "response",
        "name",
        "id",
        "tools",
        "functionDeclarations",
        "parameters",
        "type",
        "properties",
        "toolConfig",
        "functionCallingConfig",
        "mode",
        "generationConfig",
        "thinkingConfig",
        "thinkingBudget",
        "responseSchema",
        "candidates",
        "content",
        "finishReason",
        "usageMetadata",
        "promptTokenCount",
        "promptFeedback",
        "error",
        "inlineData",
        "mimeType",
        "data",
        "systemInstruction",
        "generateContentRequest",
        "model",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn anything_can_be_read(value in anything(), bytes: Vec<u8>) {
        read_anything(Dialect::Gemini, value.to_string().as_bytes());
        read_anything(Dialect::Gemini, format!("data: {value}\n\n").as_bytes());
        read_anything(Dialect::Gemini, &bytes);
        without_foreign(&Bytes::from(value.to_string()));
    }
}
