//! Attributes in OTLP's JSON form.

use serde_json::{Value, json};

/// A list of attributes. What is not known is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Attributes(Vec<Value>);

impl Attributes {
    pub(super) fn text<'a>(mut self, key: &str, value: impl Into<Option<&'a str>>) -> Self {
        if let Some(value) = value.into() {
            self.push(key, &json!({"stringValue": value}));
        }
        self
    }

    pub(super) fn texts<'a>(mut self, key: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        let values: Vec<Value> = values.into_iter().map(|value| json!({"stringValue": value})).collect();
        if !values.is_empty() {
            self.push(key, &json!({"arrayValue": {"values": values}}));
        }
        self
    }

    /// A count. OTLP writes 64-bit integers as text.
    pub(super) fn count(mut self, key: &str, value: impl Into<Option<u64>>) -> Self {
        if let Some(value) = value.into() {
            self.push(key, &json!({"intValue": value.to_string()}));
        }
        self
    }

    pub(super) fn number(mut self, key: &str, value: Option<f64>) -> Self {
        if let Some(value) = value {
            self.push(key, &json!({"doubleValue": value}));
        }
        self
    }

    pub(super) fn flag(mut self, key: &str, value: bool) -> Self {
        self.push(key, &json!({"boolValue": value}));
        self
    }

    fn push(&mut self, key: &str, value: &Value) {
        self.0.push(json!({"key": key, "value": value}));
    }

    pub(super) fn into_value(self) -> Value {
        Value::Array(self.0)
    }
}
