use super::*;
use crate::telemetry::samples;

fn told() -> Told {
    Told {
        intent: samples::intent(),
        completion: samples::completion(),
        error: None,
        first_byte: Some(samples::at(250)),
        finish: Some("stop".into()),
        texts: None,
    }
}

/// What an attribute is, whatever its type; `null` where there is none.
fn attribute<'a>(span: &'a Value, key: &str) -> &'a Value {
    let found = span["attributes"].as_array().unwrap().iter().find(|pair| pair["key"] == key);
    found.and_then(|pair| pair["value"].as_object()?.values().next()).unwrap_or(&Value::Null)
}

#[test]
fn an_answer_is_one_span_and_each_call_another_below_it() {
    let spans = spans(&told(), &samples::names());
    assert_eq!(spans.len(), 3);
    let [answer, failed, served] = [&spans[0], &spans[1], &spans[2]];
    assert_eq!(answer["traceId"], samples::intent().record.to_string().replace('-', ""));
    assert_eq!((&answer["name"], &answer["kind"]), (&json!("chat large-1"), &json!(SERVER)));
    assert_eq!(answer.get("parentSpanId"), None);
    for call in [failed, served] {
        assert_eq!((&call["traceId"], &call["kind"]), (&answer["traceId"], &json!(CLIENT)));
        assert_eq!(call["parentSpanId"], answer["spanId"]);
    }
    let ids = spans.iter().map(|span| span["spanId"].as_str().unwrap());
    let ids: std::collections::BTreeSet<&str> = ids.collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| id.len() == 16), "{ids:?}");
    assert_eq!(answer["startTimeUnixNano"], "1795449600000000000");
    assert_eq!(answer["endTimeUnixNano"], "1795449601500000000");
}

#[test]
fn the_three_models_the_reason_and_the_usage_are_told_once() {
    let spans = spans(&told(), &samples::names());
    for (key, value) in [
        ("gen_ai.provider.name", json!("anthropic")),
        ("gen_ai.request.model", json!("large-1")),
        ("gen_ai.response.model", json!("large-1-2026")),
        ("gen_ai.response.time_to_first_chunk", json!(0.25)),
        ("gen_ai.usage.input_tokens", json!("100")),
        ("gen_ai.usage.cache_read.input_tokens", json!("60")),
        ("gen_ai.conversation.id", json!("one")),
        ("waymark.requested_model", json!("auto")),
        ("waymark.reason", json!("fallback")),
        ("waymark.cost_micro_usd", json!("1250")),
        ("gen_ai.usage.reasoning.output_tokens", Value::Null),
        ("error.type", Value::Null),
    ] {
        assert_eq!(attribute(&spans[0], key), &value, "{key}");
    }
    for call in &spans[1..] {
        assert_eq!(attribute(call, "gen_ai.usage.input_tokens"), &Value::Null);
    }
    assert_eq!(attribute(&spans[1], "error.type"), "server_error");
    assert_eq!(attribute(&spans[1], "http.response.status_code"), "500");
}

#[test]
fn a_fault_never_looks_like_success() {
    let failed = Told { error: Some("broke_off".into()), ..told() };
    let spans = spans(&failed, &samples::names());
    assert_eq!(spans[0]["status"], json!({"code": ERROR, "message": "broke_off"}));
    assert_eq!(attribute(&spans[0], "error.type"), "broke_off");
    assert_eq!((&spans[1]["status"]["code"], &spans[2]["status"]), (&json!(ERROR), &json!({})));
}

#[test]
fn neither_who_asked_nor_any_text_is_told() {
    let told = json!(spans(&told(), &samples::names())).to_string();
    assert!(!told.contains("ada") && !told.contains("messages"), "{told}");
}
