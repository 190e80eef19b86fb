//! Requests of other dialects, written for this provider.

use serde_json::{Value, json};

use super::*;
use crate::neutral::{
    Block, CacheMark, Effort, Media, OutputFormat, Reasoning, Role, Tool, ToolChoice, Turn,
};

fn turn(role: Role, blocks: impl Into<Vec<Block>>) -> Turn {
    Turn { role, blocks: blocks.into() }
}

fn user(text: &str) -> Turn {
    turn(Role::User, [Block::text(text)])
}

fn asked(turns: impl Into<Vec<Turn>>) -> Prompt {
    Prompt { turns: turns.into(), ..Prompt::default() }
}

fn call(id: &str, arguments: &str) -> Block {
    Block::ToolCall {
        id: id.to_owned(),
        name: "read".to_owned(),
        arguments: arguments.to_owned(),
        cache: None,
        signature: None,
    }
}

fn result(id: &str, text: &str) -> Block {
    let content = vec![Block::text(text)];
    Block::ToolResult { id: id.to_owned(), name: None, content, is_error: false, cache: None }
}

fn tool(name: &str, parameters: Value, strict: Option<bool>) -> Tool {
    Tool { name: name.to_owned(), description: None, parameters, strict, cache: None }
}

/// Each message as its role and what its blocks are about.
fn outline(body: &Value) -> Vec<String> {
    let about = |block: &Value| {
        let key = ["text", "id", "tool_use_id", "signature", "data"]
            .into_iter()
            .find(|key| block[*key].is_string());
        format!("{}={}", block["type"].as_str().unwrap(), key.map_or("", |key| block[key].as_str().unwrap()))
    };
    let message = |message: &Value| {
        let blocks: Vec<String> = message["content"].as_array().unwrap().iter().map(about).collect();
        format!("{}: {}", message["role"].as_str().unwrap(), blocks.join(", "))
    };
    body["messages"].as_array().unwrap().iter().map(message).collect()
}

#[test]
fn turns_alternate_and_say_something() {
    let prompt = asked([
        turn(Role::System, [Block::text("above")]),
        user("one"),
        turn(Role::User, [Block::text("  "), Block::text("two")]),
        turn(Role::Assistant, []),
        user("three"),
        turn(Role::Assistant, [Block::text("four "), Block::Refusal { text: "no. \n".to_owned() }]),
    ]);
    let (body, losses) = written(&prompt, "claude-3-7-sonnet-latest").unwrap();
    assert_eq!(body["system"], json!([{"type": "text", "text": "above"}]));
    assert_eq!(outline(&body), ["user: text=one, text=two, text=three", "assistant: text=four , text=no."]);
    assert_eq!(losses, ["refusal"]);
    let (body, losses) = written(&prompt, "claude-opus-5").unwrap();
    assert_eq!(outline(&body).last().unwrap(), "user: text=Continue.");
    assert_eq!(losses, ["refusal", "assistant_last"]);
    let first = asked([turn(Role::Assistant, [Block::text("Welcome.")]), user("hi")]);
    let (body, losses) = written(&first, "claude-opus-5").unwrap();
    assert!(outline(&body)[0].starts_with("user: "));
    assert_eq!(losses, ["assistant_first"]);
    assert!(written(&asked([user(" ")]), "claude-opus-5").is_err());
}

#[test]
fn results_come_first_and_right_behind_their_calls() {
    let prompt = asked([
        user("go"),
        turn(Role::Assistant, [call("a.1", "{}"), call("b", "")]),
        turn(Role::System, [Block::text("hurry")]),
        turn(Role::User, [Block::text("meanwhile"), result("b", "B")]),
        turn(Role::Assistant, [Block::text("waiting")]),
        turn(Role::User, [result("a.1", "A"), result("lost", "L")]),
    ]);
    let (body, losses) = written(&prompt, "claude-opus-4-8").unwrap();
    let made = crate::anthropic_messages::ids::call("a.1").into_owned();
    let expected = [
        "user: text=go".to_owned(),
        format!("assistant: tool_use={made}, tool_use=b"),
        format!("user: tool_result=b, tool_result={made}, text=<system>\nhurry\n</system>, text=meanwhile"),
        "assistant: text=waiting".to_owned(),
        "user: text=Result of the tool `lost`:, text=L".to_owned(),
    ];
    assert_eq!(outline(&body), expected);
    assert_eq!(losses, ["tool_result_without_call", "system_turn"]);
}

#[test]
fn calls_alike_are_told_apart_and_none_stays_open() {
    let prompt = asked([
        user("go"),
        turn(Role::Assistant, [call("call_0", "{\"b\":1, \"a\":2}")]),
        turn(Role::User, [result("call_0", "first")]),
        turn(Role::Assistant, [call("call_0", "[1]")]),
        turn(Role::User, [result("call_0", "second")]),
        turn(Role::Assistant, [call("", "{\"cut")]),
    ]);
    let mut losses = Vec::new();
    let body = AnthropicMessages.write_prompt(&prompt, "claude-opus-5", &mut losses).unwrap();
    // The model's own words, in their order.
    assert!(String::from_utf8_lossy(&body).contains(r#""input":{"b":1, "a":2}"#));
    let body: Value = serde_json::from_slice(&body).unwrap();
    let lines = outline(&body);
    assert_eq!(
        lines[2..5],
        ["user: tool_result=call_0", "assistant: tool_use=call_0_2", "user: tool_result=call_0_2"]
    );
    assert_eq!(body["messages"][3]["content"][0]["input"], json!({"arguments": "[1]"}));
    assert_eq!(body["messages"][6]["content"][0]["is_error"], true);
    assert_eq!(codes(&losses), ["tool_call_arguments", "tool_call_without_result"]);
}

#[test]
fn only_what_anthropic_signed_is_sent_as_thinking() {
    let thinking = |signature: Option<&str>, id: Option<&str>| Block::Thinking {
        text: "hm".to_owned(),
        signature: signature.map(str::to_owned),
        id: id.map(str::to_owned),
    };
    let prompt = asked([
        user("go"),
        turn(
            Role::Assistant,
            [
                thinking(None, None),
                thinking(Some("gAAAAA"), Some("rs_1")),
                // As another dialect's client hands it back.
                thinking(Some("waymark/anthropic///EqQB"), Some("rs_2")),
                thinking(Some("waymark/anthropicREDdata"), None),
                Block::RedactedThinking { data: "unknown".to_owned() },
                Block::text("done"),
            ],
        ),
        user("more"),
    ]);
    let (body, losses) = written(&prompt, "claude-opus-5").unwrap();
    assert_eq!(outline(&body)[1], "assistant: thinking=EqQB, redacted_thinking=data, text=done");
    assert_eq!(losses, ["thinking_unsigned"]);
}

#[test]
fn reasoning_is_asked_for_as_the_model_wants_it() {
    let ask = |reasoning: Reasoning, limit: Option<u64>, model: &str| {
        let prompt = Prompt { reasoning: Some(reasoning), max_output: limit, ..asked([user("go")]) };
        let (body, losses) = written(&prompt, model).unwrap();
        (
            body["thinking"].clone(),
            body["output_config"]["effort"].clone(),
            body["max_tokens"].clone(),
            losses,
        )
    };
    let effort = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
    let (thinking, word, most, losses) = ask(effort(Effort::Max), None, "claude-opus-5");
    assert_eq!(thinking, json!({"type": "adaptive", "display": "omitted"}));
    assert_eq!((word, most, losses.len()), (json!("max"), json!(32_000), 0));
    let (thinking, word, most, _) = ask(effort(Effort::Max), None, "claude-sonnet-4-5");
    assert_eq!(thinking, json!({"type": "enabled", "budget_tokens": 31_999, "display": "omitted"}));
    assert_eq!((word, most), (Value::Null, json!(40_191)));
    let (thinking, ..) = ask(effort(Effort::High), Some(8_000), "claude-sonnet-4-5");
    assert_eq!(thinking["budget_tokens"], 4_000);
    let (thinking, .., losses) = ask(effort(Effort::Low), Some(1_000), "claude-sonnet-4-5");
    assert_eq!((thinking, losses), (Value::Null, vec!["reasoning".to_owned()]));
    let budget = Reasoning { budget: Some(9_000), visible: true, ..Reasoning::default() };
    let (thinking, word, _, losses) = ask(budget.clone(), None, "claude-opus-4-7");
    assert_eq!(thinking, json!({"type": "adaptive", "display": "summarized"}));
    assert_eq!((word, losses), (json!("medium"), vec!["reasoning_budget".to_owned()]));
    let (thinking, ..) = ask(budget, Some(20_000), "other-model");
    assert_eq!(thinking, json!({"type": "enabled", "budget_tokens": 9_000}));
    let off = Reasoning { off: true, ..Reasoning::default() };
    assert_eq!(ask(off.clone(), None, "claude-opus-5").0, json!({"type": "disabled"}));
    assert_eq!(ask(off.clone(), None, "claude-sonnet-5-5").0, json!({"type": "between_tools"}));
    let (thinking, word, _, losses) = ask(off, None, "claude-opus-5-5");
    assert_eq!((thinking, word, losses), (Value::Null, json!("low"), vec!["reasoning_off".to_owned()]));
    let (.., losses) = ask(effort(Effort::High), None, "claude-3-5-haiku-latest");
    assert_eq!(losses, ["reasoning"]);
}

#[test]
fn tokens_are_drawn_as_the_model_allows() {
    let mut prompt = asked([user("go")]);
    prompt.sampling.temperature = Some(1.6);
    prompt.sampling.top_p = Some(0.9);
    prompt.sampling.top_k = Some(5);
    prompt.sampling.seed = Some(1);
    prompt.sampling.presence_penalty = Some(0.5);
    prompt.sampling.frequency_penalty = Some(0.0);
    prompt.sampling.stop = vec!["\n".to_owned(), "END".to_owned()];
    let (body, losses) = written(&prompt, "claude-haiku-4-5").unwrap();
    assert_eq!(
        (&body["temperature"], &body["top_p"], &body["top_k"]),
        (&json!(1.0), &Value::Null, &json!(5))
    );
    assert_eq!(body["stop_sequences"], json!(["END"]));
    assert_eq!(losses, ["seed", "presence_penalty", "stop_blank", "temperature_above_1", "top_p"]);
    let (body, losses) = written(&prompt, "claude-opus-5-5").unwrap();
    assert_eq!(
        (&body["temperature"], &body["top_p"], &body["top_k"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    assert_eq!(losses, ["seed", "presence_penalty", "stop_blank", "temperature", "top_p", "top_k"]);
}

#[test]
fn limits_are_set_where_none_was() {
    let most = |model: &str| written(&asked([user("go")]), model).unwrap().0["max_tokens"].clone();
    assert_eq!(most("claude-opus-4-1"), 32_000);
    assert_eq!(most("claude-3-5-sonnet-latest"), 8_192);
    assert_eq!(most("qwen3"), 16_384);
}

#[test]
fn tools_are_declared_as_the_provider_takes_them() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "additionalProperties": false});
    let bounded = json!({"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}},
        "additionalProperties": false});
    let mut prompt = asked([user("go")]);
    prompt.tools = vec![
        tool("kept", closed, Some(true)),
        tool("loose", bounded.clone(), Some(true)),
        tool("none", Value::Null, None),
    ];
    prompt.tool_choice = Some(ToolChoice::Required);
    prompt.reasoning = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    let (body, losses) = written(&prompt, "claude-sonnet-4-6").unwrap();
    assert_eq!(body["tools"][0]["strict"], true);
    assert_eq!((&body["tools"][1]["strict"], &body["tools"][1]["input_schema"]), (&Value::Null, &bounded));
    assert_eq!(body["tools"][2]["input_schema"], json!({"type": "object", "properties": {}}));
    assert_eq!(body["tool_choice"], json!({"type": "any"}));
    // Who must call a tool may not think about it first.
    assert_eq!(body["thinking"], Value::Null);
    assert_eq!(losses, ["reasoning", "tool_strict"]);
    let refused = written(&prompt, "claude-opus-5-5").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "a tool choice that requires a call, to this model, cannot be said in anthropic-messages"
    );
    prompt.tool_choice = Some(ToolChoice::Named("missing".to_owned()));
    assert!(written(&prompt, "claude-opus-5").is_err());
    prompt.tool_choice = None;
    prompt.tools.push(tool("a.b", Value::Null, None));
    assert!(written(&prompt, "claude-opus-5").is_err());
    prompt.tools.clear();
    prompt.parallel_tools = Some(false);
    prompt.tool_choice = Some(ToolChoice::Required);
    let (body, losses) = written(&prompt, "claude-opus-5").unwrap();
    assert_eq!((&body["tool_choice"], losses), (&Value::Null, vec!["tool_choice".to_owned()]));
}

#[test]
fn the_form_of_the_answer_is_kept_or_refused() {
    let ask = |output: OutputFormat, model: &str| {
        written(&Prompt { output: Some(output), ..asked([user("go")]) }, model)
    };
    let schema = |schema: Value| OutputFormat::JsonSchema {
        name: Some("person".to_owned()),
        description: Some("whom it is about".to_owned()),
        schema,
        strict: Some(true),
    };
    let person = schema(json!({"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}}));
    let (body, losses) = ask(person.clone(), "claude-opus-5").unwrap();
    let expected = json!({"type": "json_schema", "schema": {"type": "object", "title": "person",
        "description": "whom it is about", "additionalProperties": false,
        "properties": {"age": {"type": "integer", "description": "{minimum: 0}"}}}});
    assert_eq!(body["output_config"], json!({"format": expected}));
    assert_eq!(losses, ["schema:minimum"]);
    assert!(ask(person, "claude-3-haiku-20240307").is_err());
    assert!(ask(schema(json!({"type": "object"})), "claude-opus-5").is_err());
    assert_eq!(ask(OutputFormat::JsonObject, "claude-opus-5").unwrap().1, ["json_object"]);
}

#[test]
fn media_that_mean_something_are_not_left_out() {
    let ask = |block: Block| written(&asked([turn(Role::User, [block])]), "claude-opus-5");
    let inline = |kind: &str| Media::Inline { media_type: kind.to_owned(), data: "AAAA".to_owned() };
    let image =
        |media, detail: Option<&str>| Block::Image { media, detail: detail.map(str::to_owned), cache: None };
    assert_eq!(ask(image(inline("image/png"), Some("high"))).unwrap().1, ["image_detail"]);
    assert!(ask(image(inline("image/tiff"), None)).is_err());
    assert!(ask(image(Media::Uploaded { id: "file-1".to_owned() }, None)).is_err());
    assert!(ask(Block::Audio { media: inline("audio/wav") }).is_err());
    let drawn = turn(Role::Assistant, [image(inline("image/png"), None), Block::text("drawn")]);
    let (_, losses) = written(&asked([user("draw"), drawn, user("thanks")]), "claude-opus-5").unwrap();
    assert_eq!(losses, ["assistant_image"]);
}

#[test]
fn the_last_cache_marks_stay() {
    let marked = |text: &str| Block::Text {
        text: text.to_owned(),
        cache: Some(CacheMark { ttl: Some("1d".to_owned()) }),
    };
    let prompt = Prompt {
        system: vec![marked("s"), Block::text("t"), marked(" ")],
        user: Some("u".repeat(300)),
        ..asked([turn(Role::User, ["a", "b", "c"].map(marked))])
    };
    let (body, losses) = written(&prompt, "claude-opus-5").unwrap();
    assert_eq!(body["system"][0]["cache_control"], Value::Null);
    // The mark of a text that says nothing went to the one before it.
    assert_eq!(body["system"][1]["cache_control"], json!({"type": "ephemeral"}));
    assert_eq!(losses, ["cache_ttl", "user", "cache_mark"]);
    assert_eq!(body["metadata"], Value::Null);
}
