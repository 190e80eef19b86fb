//! Canonical bytes: JSON by RFC 8785 (JCS), restricted to integers.
//!
//! Numbers are integers of at most 53 bits, so no float is ever formatted. Equal values therefore have equal
//! bytes in every implementation.

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
}

/// The canonical bytes of `value`.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut bytes = Vec::new();
    write(&serde_json::to_value(value)?, &mut bytes)?;
    Ok(bytes)
}

fn write(value: &Value, bytes: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Number(number) => {
            let unsigned = number.as_u64().filter(|&n| n <= MAX_INTEGER).is_some();
            let signed = number.as_i64().filter(|n| n.unsigned_abs() <= MAX_INTEGER).is_some();
            if !unsigned && !signed {
                return Err(CanonicalError::Number(number.to_string()));
            }
            bytes.extend_from_slice(number.to_string().as_bytes());
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| move |bytes: &mut Vec<u8>| write(item, bytes));
            enclosed(b"[]", items, bytes)?;
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            // JCS sorts by UTF-16 code units, which is not the order of UTF-8 beyond the basic plane.
            fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            let fields = fields.into_iter().map(|(key, value)| {
                move |bytes: &mut Vec<u8>| {
                    serde_json::to_writer(&mut *bytes, key)?;
                    bytes.push(b':');
                    write(value, bytes)
                }
            });
            enclosed(b"{}", fields, bytes)?;
        }
        Value::Null | Value::Bool(_) | Value::String(_) => serde_json::to_writer(bytes, value)?,
    }
    Ok(())
}

fn enclosed<W>(
    [open, close]: &[u8; 2],
    items: impl Iterator<Item = W>,
    bytes: &mut Vec<u8>,
) -> Result<(), CanonicalError>
where
    W: FnOnce(&mut Vec<u8>) -> Result<(), CanonicalError>,
{
    bytes.push(*open);
    for (position, item) in items.enumerate() {
        if position > 0 {
            bytes.push(b',');
        }
        item(bytes)?;
    }
    bytes.push(*close);
    Ok(())
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
    fn keys_beyond_the_basic_plane_come_in_utf_16_order() {
        let value = json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3});
        let bytes = String::from_utf8(to_bytes(&value).unwrap()).unwrap();
        assert_eq!(bytes, "{\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    #[test]
    fn numbers_that_could_be_written_in_two_ways_are_refused() {
        for value in [json!(1.5), json!(1_u64 << 53), json!(-(1_i64 << 53)), json!(u64::MAX)] {
            assert!(to_bytes(&value).is_err(), "{value}");
        }
    }
}
