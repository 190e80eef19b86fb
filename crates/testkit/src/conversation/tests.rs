use serde_json::json;

use super::*;
use crate::upstream::SIGNATURE;

fn gemini(model: &str, contents: &[Value]) -> Result<Conversation, String> {
    Conversation::of(Endpoint::Generate, model, &json!({"contents": contents}))
}

fn user(parts: &Value) -> Value {
    json!({"role": "user", "parts": parts})
}

fn called(names: &[&str], signature: Option<&str>) -> Value {
    let mut parts: Vec<Value> =
        names.iter().map(|name| json!({"functionCall": {"name": name, "args": {}}})).collect();
    if let Some(signature) = signature {
        parts[0]["thoughtSignature"] = signature.into();
    }
    json!({"role": "model", "parts": parts})
}

fn came(name: &str, output: &str) -> Value {
    json!({"functionResponse": {"name": name, "response": {"output": output}}})
}

#[test]
fn gemini_counts_results_and_wants_signatures_unaltered() {
    let ask = user(&json!([{"text": "do it"}]));
    let both = user(&json!([came("read", "a"), came("run", "b")]));
    let conversation =
        gemini("gemini-3-pro", &[ask.clone(), called(&["read", "run"], Some(SIGNATURE)), both.clone()])
            .unwrap();
    assert_eq!((conversation.thoughts, conversation.results()), (1, 2));
    assert_eq!(conversation.calls[1].result.as_deref(), Some("b"));

    let refused = |contents: &[Value]| gemini("gemini-3-pro", contents).unwrap_err();
    let one = user(&json!([came("read", "a")]));
    let two_calls = called(&["read", "run"], Some(SIGNATURE));
    assert!(refused(&[ask.clone(), two_calls.clone(), one]).contains("number of function response parts"));
    assert!(refused(&[ask.clone(), two_calls, ask.clone()]).contains("without a result"));
    assert!(
        refused(&[ask.clone(), called(&["read", "run"], None), both.clone()]).contains("thought_signature")
    );
    assert!(
        refused(&[ask.clone(), called(&["read", "run"], Some("b3RoZXI=")), both.clone()]).contains("altered")
    );
    assert!(gemini("gemini-2.5-pro", &[ask, called(&["read", "run"], None), both]).is_ok());
}

#[test]
fn gemini_pairs_by_name_and_by_id_where_there_is_one() {
    let ask = user(&json!([{"text": "do it"}]));
    let call = |id: &str| json!({"functionCall": {"id": id, "name": "read", "args": {}}});
    let result =
        |id: &str| json!({"functionResponse": {"id": id, "name": "read", "response": {"output": id}}});
    let calls = json!({"role": "model", "parts": [call("a"), call("b")]});
    let crossed = [ask.clone(), calls.clone(), user(&json!([result("b"), result("a")]))];
    let conversation = gemini("m", &crossed).unwrap();
    assert_eq!(conversation.calls[0].result.as_deref(), Some("a"));
    let strange = [ask, calls, user(&json!([result("a"), result("c")]))];
    assert!(gemini("m", &strange).unwrap_err().contains("no call is waiting"));
}

#[test]
fn ollama_pairs_by_name_and_order() {
    let read = |messages: Value| {
        Conversation::of(Endpoint::OllamaChat, "m", &json!({"model": "m", "messages": messages}))
    };
    let call = json!({"function": {"name": "read", "arguments": {}}});
    let calls = json!({"role": "assistant", "content": "", "tool_calls": [call, call]});
    let tool = |text: &str| json!({"role": "tool", "tool_name": "read", "content": text});
    let conversation = read(json!([calls, tool("a"), tool("b")])).unwrap();
    assert_eq!(conversation.calls[1].result.as_deref(), Some("b"));
    assert!(read(json!([calls, tool("a")])).unwrap_err().contains("without a result"));
    assert!(read(json!([tool("a")])).unwrap_err().contains("no call is waiting"));
}

#[test]
fn pictures_and_schemas_are_found_in_every_dialect() {
    let (data, url) = ("iVBORw==", "data:image/png;base64,iVBORw==");
    let schema = json!({"type": "object"});
    let asked = [
        (
            Endpoint::Messages,
            json!({"max_tokens": 1, "output_config": {"format": {"type": "json_schema", "schema": schema}}, "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": data}}]}]}),
        ),
        (
            Endpoint::Chat,
            json!({"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}, "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}),
        ),
        (
            Endpoint::Responses,
            json!({"text": {"format": {"type": "json_schema", "schema": schema}}, "input": [
                {"role": "user", "content": [{"type": "input_image", "image_url": url}]}]}),
        ),
        (
            Endpoint::Generate,
            json!({"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema},
                "contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": data}}]}]}),
        ),
        (
            Endpoint::OllamaChat,
            json!({"format": schema, "messages": [{"role": "user", "content": "", "images": [data]}]}),
        ),
    ];
    for (endpoint, body) in asked {
        let conversation = Conversation::of(endpoint, "m", &body).unwrap();
        assert_eq!(conversation.pictures, [b"\x89PNG"], "{endpoint:?}");
        assert_eq!(conversation.schema.as_ref(), Some(&schema), "{endpoint:?}");
    }
}
