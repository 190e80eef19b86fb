//! Tools on offer.

use serde_json::Value;

use super::is_object;

/// A tool the model may call.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// Whether it takes free text.
    pub(crate) is_custom: bool,
    pub(crate) parameters: Value,
}

impl Tool {
    /// A function with this JSON Schema.
    pub(super) fn named(tool: &Value, parameters: &Value) -> Result<Self, String> {
        is_object(parameters, "a tool's parameters")?;
        Ok(Self { name: name(tool)?, is_custom: false, parameters: parameters.clone() })
    }

    /// A function that may have no parameters.
    pub(super) fn bare(tool: &Value, parameters: Option<&Value>) -> Result<Self, String> {
        match parameters {
            Some(parameters) => Self::named(tool, parameters),
            None => Ok(Self { name: name(tool)?, is_custom: false, parameters: Value::Null }),
        }
    }

    /// A tool that takes free text.
    pub(super) fn custom(tool: &Value) -> Result<Self, String> {
        Ok(Self { name: name(tool)?, is_custom: true, parameters: Value::Null })
    }
}

fn name(tool: &Value) -> Result<String, String> {
    let name = tool["name"].as_str().unwrap_or_default();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if name.is_empty() || name.len() > 128 || !name.chars().all(is_name) {
        return Err(format!("tools: name {name:?}"));
    }
    Ok(name.to_owned())
}
