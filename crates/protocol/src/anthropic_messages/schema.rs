//! JSON Schema, as far as the provider holds answers to it.
//!
//! It takes a part of the language and answers 400 to the rest: objects must be closed, and most bounds are unknown.
//! What it does not take goes into the description, where the model still reads it, and is named as a loss.

use serde_json::{Map, Value, json};

use crate::crossing::lose;
use crate::neutral::Loss;

const KEPT: &[&str] =
    &["type", "enum", "const", "$ref", "default", "required", "title", "description", "pattern"];
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];
/// Says nothing about the answer.
const SILENT: &[&str] = &["$schema", "$id", "$comment", "$anchor", "examples", "deprecated"];

/// A schema that cannot be narrowed to the part without changing what it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FreeForm;

/// The schema in the part that the provider takes. An answer that keeps to it keeps to the closed objects of the
/// original too.
pub(super) fn adapt(schema: &Value, losses: &mut Vec<Loss>) -> Result<Value, FreeForm> {
    let Value::Object(from) = schema else {
        // `true` allows anything, which only a description can say.
        return if *schema == json!(true) { Err(FreeForm) } else { Ok(schema.clone()) };
    };
    let (mut to, mut told) = (Map::new(), Vec::new());
    for (key, value) in from {
        match (key.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(members)) => {
                let members = members.iter().map(|(name, member)| Ok((name.clone(), adapt(member, losses)?)));
                to.insert(key.clone(), Value::Object(members.collect::<Result<_, FreeForm>>()?));
            }
            ("items", value) => {
                to.insert(key.clone(), adapt(value, losses)?);
            }
            ("anyOf" | "allOf" | "oneOf", Value::Array(members)) => {
                let members = members.iter().map(|member| adapt(member, losses)).collect::<Result<_, _>>()?;
                if key == "oneOf" {
                    lose(losses, "schema:oneOf");
                }
                let name = if key == "oneOf" { "anyOf" } else { key };
                to.insert(name.to_owned(), Value::Array(members));
            }
            ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => {
                to.insert(key.clone(), value.clone());
            }
            ("minItems", value) if value.as_u64().is_some_and(|count| count < 2) => {
                to.insert(key.clone(), value.clone());
            }
            ("additionalProperties" | "unevaluatedProperties", _) => {}
            (key, value) if KEPT.contains(&key) => {
                to.insert(key.to_owned(), value.clone());
            }
            (key, _) if SILENT.contains(&key) => {}
            (key, value) => told.push((key, value)),
        }
    }
    close(from, &mut to, losses)?;
    tell(&mut to, &told, losses);
    Ok(Value::Object(to))
}

/// Closes objects. One that lives by names not listed would be empty then, which is another schema.
fn close(
    from: &Map<String, Value>,
    to: &mut Map<String, Value>,
    losses: &mut Vec<Loss>,
) -> Result<(), FreeForm> {
    let is_object = match from.get("type") {
        Some(Value::Array(types)) => types.contains(&json!("object")),
        Some(kind) => *kind == "object",
        None => from.contains_key("properties"),
    };
    let lists = from.get("properties").and_then(Value::as_object).is_some_and(|members| !members.is_empty());
    let elsewhere = ["anyOf", "oneOf", "allOf", "$ref"].iter().any(|key| from.contains_key(*key));
    if !is_object || (elsewhere && !lists) {
        return Ok(());
    }
    match from.get("additionalProperties") {
        Some(Value::Bool(false)) => {}
        None if lists => {}
        Some(_) if lists => lose(losses, "schema:additionalProperties"),
        _ => return Err(FreeForm),
    }
    to.insert("additionalProperties".to_owned(), json!(false));
    Ok(())
}

/// Puts what the provider does not take into the description.
fn tell(to: &mut Map<String, Value>, told: &[(&str, &Value)], losses: &mut Vec<Loss>) {
    if told.is_empty() {
        return;
    }
    losses.extend(told.iter().map(|(key, _)| Loss::new(format!("schema:{key}"))));
    let bounds = told.iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(", ");
    let description = match to.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description}\n\n{{{bounds}}}"),
        None => format!("{{{bounds}}}"),
    };
    to.insert("description".to_owned(), Value::String(description));
}

/// Whether every object of the schema is closed and requires all its members, as OpenAI's strict mode demands.
pub(super) fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            let members = map.get("properties").and_then(Value::as_object);
            let required = map.get("required").and_then(Value::as_array);
            let requires = |name: &String| required.is_some_and(|all| all.iter().any(|one| one == name));
            let closed = map.get("additionalProperties") == Some(&json!(false));
            let holds = members.is_none_or(|members| closed && members.keys().all(requires));
            holds && map.values().all(is_strict)
        }
        Value::Array(all) => all.iter().all(is_strict),
        _ => true,
    }
}

/// A tool's schema as the dialect demands it: an object's, without alternatives at its top.
pub(super) fn of_tool(parameters: &Value, losses: &mut Vec<Loss>) -> Value {
    let Value::Object(from) = parameters else {
        return json!({"type": "object", "properties": {}});
    };
    let mut to = from.clone();
    for key in ["anyOf", "oneOf", "allOf"] {
        if to.remove(key).is_some() {
            lose(losses, format!("tool_schema:{key}"));
        }
    }
    if to.get("type") != Some(&json!("object")) {
        to.insert("type".to_owned(), json!("object"));
    }
    Value::Object(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_stays() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["a"], "properties": {
            "a": {"type": ["string", "null"], "format": "date"}, "b": {"type": "array", "minItems": 1,
            "items": {"$ref": "#/$defs/c"}}}, "$defs": {"c": {"enum": [1, 2]}}});
        let mut losses = Vec::new();
        assert_eq!(adapt(&schema, &mut losses), Ok(schema.clone()));
        assert_eq!(losses, []);
        assert!(!is_strict(&schema));
        assert!(is_strict(&json!({"type": "object", "additionalProperties": false, "required": ["a"],
            "properties": {"a": {"type": "string"}}})));
    }

    #[test]
    fn bounds_move_into_the_description() {
        let schema = json!({"type": "object", "properties": {
            "n": {"type": "integer", "minimum": 1, "maximum": 9, "description": "a digit"},
            "x": {"oneOf": [{"type": "string", "format": "hostname"}, {"type": "string", "format": "iban"}]}}});
        let mut losses = Vec::new();
        let adapted = adapt(&schema, &mut losses).unwrap();
        assert_eq!(adapted["properties"]["n"]["description"], "a digit\n\n{maximum: 9, minimum: 1}");
        assert_eq!(adapted["properties"]["x"]["anyOf"][1]["description"], "{format: \"iban\"}");
        assert_eq!(adapted["additionalProperties"], false);
        let codes: Vec<&str> = losses.iter().map(|loss| loss.code.as_str()).collect();
        assert_eq!(codes, ["schema:maximum", "schema:minimum", "schema:format", "schema:oneOf"]);
    }

    #[test]
    fn objects_with_free_names_cannot_be_closed() {
        let free = json!({"type": "object", "additionalProperties": {"type": "string"}});
        assert_eq!(adapt(&free, &mut Vec::new()), Err(FreeForm));
        assert_eq!(adapt(&json!({"type": "object"}), &mut Vec::new()), Err(FreeForm));
    }

    #[test]
    fn a_tools_schema_is_always_an_objects() {
        let mut losses = Vec::new();
        assert_eq!(of_tool(&Value::Null, &mut losses), json!({"type": "object", "properties": {}}));
        let either = json!({"anyOf": [{"required": ["a"]}], "properties": {"a": {}}});
        assert_eq!(of_tool(&either, &mut losses), json!({"type": "object", "properties": {"a": {}}}));
        assert_eq!(losses, [Loss::new("tool_schema:anyOf")]);
    }
}
