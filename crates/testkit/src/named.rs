//! A model whose name says what it does: how tests in other languages choose what is scripted.

use serde_json::{Map, Value, json};

use crate::conversation::Conversation;
use crate::{Captured, Reply, ToolCall};

/// Answers as the requested model's name says.
///
/// - `mock-tools` asks for the weather in two cities at once, then tells what came of it;
/// - `mock-sees` says what pictures it was shown;
/// - `mock-json` answers by the JSON Schema it was given;
/// - `mock-400`, `mock-401`, `mock-429` and `mock-500` are errors, `mock-cut` breaks off, `mock-long` goes on and on;
/// - any other says hello.
pub fn as_named(request: &Captured) -> Reply {
    let model = request.model().unwrap_or_default();
    let reply = match model.as_str() {
        "mock-tools" => weather(request),
        "mock-sees" => pictures(request),
        "mock-json" => by_schema(request),
        "mock-400" => Ok(Reply::error(400, "the upstream refuses this")),
        "mock-401" => Ok(Reply::error(401, "the upstream does not know this key")),
        "mock-429" => Ok(Reply::error(429, "the upstream is asked too often").header("retry-after", "0")),
        "mock-500" => Ok(Reply::error(500, "the upstream is broken")),
        "mock-cut" => Ok(Reply::events(12).cut_after(6)),
        "mock-long" => Ok(Reply::events(200)),
        _ => Ok(Reply::text("Hello from the scripted upstream.")),
    };
    // The dated id a provider would answer with.
    reply.unwrap_or_else(|fault| Reply::error(400, &fault)).served_as(&format!("{model}-2026-01-01"))
}

fn weather(request: &Captured) -> Result<Reply, String> {
    let cities = ["Zürich", "Bern"];
    let conversation = Conversation::read(request)?;
    if conversation.calls.is_empty() {
        if conversation.tools.iter().all(|tool| tool.name != "get_weather") {
            return Err("no tool `get_weather` is offered".to_owned());
        }
        let call = |(number, city): (usize, &str)| {
            let arguments = json!({"city": city, "unit": "celsius"});
            ToolCall::new(&format!("call_{}", number + 1), "get_weather", &arguments)
        };
        return Ok(Reply::tools(&cities.into_iter().enumerate().map(call).collect::<Vec<_>>()).thinking());
    }
    let results = conversation.calls.iter().filter_map(|call| call.result.as_deref());
    let told: Vec<String> =
        cities.iter().zip(results).map(|(city, result)| format!("{city}: {result}")).collect();
    Ok(Reply::text(&told.join("; ")))
}

fn pictures(request: &Captured) -> Result<Reply, String> {
    let pictures = Conversation::read(request)?.pictures;
    let kind = |bytes: &[u8]| if bytes.starts_with(b"\x89PNG") { "PNG" } else { "something" };
    let told = pictures.iter().map(|bytes| format!("{} bytes of {}", bytes.len(), kind(bytes)));
    Ok(Reply::text(&told.collect::<Vec<_>>().join(", ")))
}

fn by_schema(request: &Captured) -> Result<Reply, String> {
    let schema = Conversation::read(request)?.schema.ok_or("no schema came")?;
    let properties = schema["properties"].as_object().ok_or("the schema has no properties")?;
    let value = |schema: &Value| match schema["type"].as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("integer" | "number") => json!(21),
        Some("boolean") => json!(true),
        _ => json!("Zürich"),
    };
    let fields: Map<String, Value> =
        properties.iter().map(|(name, schema)| (name.clone(), value(schema))).collect();
    Ok(Reply::text(&Value::Object(fields).to_string()))
}
