//! Gemini's schemas are a dialect of OpenAPI's; everyone else, and Gemini's newer fields, take JSON Schema.

use serde_json::{Map, Value, json};

use crate::crossing::lose;
use crate::json::snake;
use crate::neutral::Loss;

/// The same schema as JSON Schema.
pub(super) fn to_json_schema(schema: Value, losses: &mut Vec<Loss>) -> Value {
    let Value::Object(fields) = schema else { return schema };
    let (mut out, mut nullable) = (Map::new(), false);
    for (name, value) in fields {
        match (snake(&name).as_str(), value) {
            ("type", Value::String(kind)) if kind == "TYPE_UNSPECIFIED" => {}
            ("type", Value::String(kind)) => drop(out.insert(name, kind.to_ascii_lowercase().into())),
            ("nullable", value) => nullable = value == true,
            // Google's word for "one of `enum`", which JSON Schema needs no word for.
            ("format", Value::String(format)) if format == "enum" => {}
            ("property_ordering", _) => lose(losses, "property_ordering"),
            ("properties", Value::Object(properties)) => {
                let read =
                    properties.into_iter().map(|(name, schema)| (name, to_json_schema(schema, losses)));
                out.insert("properties".to_owned(), Value::Object(read.collect()));
            }
            ("items", schema) => drop(out.insert("items".to_owned(), to_json_schema(schema, losses))),
            ("additional_properties", schema) => {
                out.insert("additionalProperties".to_owned(), to_json_schema(schema, losses));
            }
            ("any_of", Value::Array(schemas)) => {
                let read = schemas.into_iter().map(|schema| to_json_schema(schema, losses));
                out.insert("anyOf".to_owned(), Value::Array(read.collect()));
            }
            ("example", value) => drop(out.insert("examples".to_owned(), json!([value]))),
            (limit, value) => {
                let value = number(limit, value);
                out.insert(limit_name(limit).unwrap_or(&name).to_owned(), value);
            }
        }
    }
    if nullable && let Some(kind) = out.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    Value::Object(out)
}

/// The limits, which are 64-bit numbers and so may come in quotes.
fn limit_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "min_items" => "minItems",
        "max_items" => "maxItems",
        "min_length" => "minLength",
        "max_length" => "maxLength",
        "min_properties" => "minProperties",
        "max_properties" => "maxProperties",
        _ => return None,
    })
}

fn number(name: &str, value: Value) -> Value {
    match value.as_str().filter(|_| limit_name(name).is_some()).and_then(|text| text.parse::<u64>().ok()) {
        Some(number) => number.into(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openapi_becomes_json_schema() {
        let schema = json!({
            "type": "OBJECT", "propertyOrdering": ["b", "a"], "required": ["a"],
            "properties": {
                "a": { "type": "STRING", "format": "enum", "enum": ["x", "y"], "nullable": true },
                "type": { "type": "ARRAY", "min_items": "1", "items": { "type": "INTEGER", "format": "int32" } },
                "either": { "anyOf": [{ "type": "NUMBER", "example": 1.5 }, { "type": "BOOLEAN" }] },
            },
        });
        let expected = json!({
            "type": "object", "required": ["a"],
            "properties": {
                "a": { "type": ["string", "null"], "enum": ["x", "y"] },
                "type": { "type": "array", "minItems": 1, "items": { "type": "integer", "format": "int32" } },
                "either": { "anyOf": [{ "type": "number", "examples": [1.5] }, { "type": "boolean" }] },
            },
        });
        let mut losses = Vec::new();
        assert_eq!(to_json_schema(schema, &mut losses), expected);
        assert_eq!(losses, [Loss::new("property_ordering")]);
        assert_eq!(to_json_schema(expected.clone(), &mut losses), expected);
    }
}
