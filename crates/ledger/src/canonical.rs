//! Canonical bytes: JSON by RFC 8785 (JCS), restricted to integers.
//!
//! Keys are ASCII, so JCS's UTF-16 order is byte order; numbers are integers of at most 53 bits, so no
//! float is ever formatted. Equal values therefore have equal bytes in every implementation.

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The value has no canonical form.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// Serialisation itself failed.
    #[error("could not write the value as JSON")]
    Json(#[from] serde_json::Error),
    /// A number is no integer of at most 53 bits.
    #[error("number {0} is no integer below 2^53")]
    Number(String),
    /// An object's key is not ASCII.
    #[error("key {0:?} is not ASCII")]
    Key(String),
}

/// The canonical bytes of `value`.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value)?;
    check(&value)?;
    Ok(serde_json::to_vec(&value)?)
}

fn check(value: &Value) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(n), _) if n <= MAX_INTEGER => Ok(()),
            (None, Some(n)) if n.unsigned_abs() <= MAX_INTEGER => Ok(()),
            _ => Err(CanonicalError::Number(number.to_string())),
        },
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            if key.is_ascii() { check(value) } else { Err(CanonicalError::Key(key.clone())) }
        }),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_strings_escaped_as_rfc_8785_says() {
        let value = json!({"b": 1, "a": ["\u{20ac}$\u{f}\n\"\\", -3, true, null], "A": {}});
        let bytes = String::from_utf8(to_bytes(&value).unwrap()).unwrap();
        assert_eq!(bytes, r#"{"A":{},"a":["€$\u000f\n\"\\",-3,true,null],"b":1}"#);
    }

    #[test]
    fn numbers_that_could_be_written_in_two_ways_are_refused() {
        for value in [json!(1.5), json!(1_u64 << 53), json!(-(1_i64 << 53)), json!(u64::MAX)] {
            assert!(to_bytes(&value).is_err(), "{value}");
        }
    }
}
