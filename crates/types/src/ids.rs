//! Record ids: UUIDv7, so that ids sort by the time they were made.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::Timestamp;

/// The id of one record: an RFC 9562 UUID, version 7.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId([u8; 16]);

impl RecordId {
    /// Makes an id from a time and 80 random bits, of which 74 are used (RFC 9562, section 5.7).
    pub fn new(time: Timestamp, random: [u8; 10]) -> Self {
        let millis = (time.as_micros() / 1_000).max(0).to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis[2..]);
        bytes[6..].copy_from_slice(&random);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(bytes)
    }

    /// The id's 16 bytes, in network order.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// When it was made, in milliseconds since 1970-01-01T00:00Z.
    pub fn millis(&self) -> u64 {
        self.0[..6].iter().fold(0, |millis, byte| millis << 8 | u64::from(*byte))
    }

    /// Reads 16 bytes back into an id; `None` when they are no UUIDv7.
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes[6] >> 4 == 7 && bytes[8] >> 6 == 0b10).then_some(Self(bytes))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let (mut text, mut at) = ([b'-'; 36], 0);
        for (position, byte) in self.0.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 0x0f)];
            at += 2;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for RecordId {
    fn schema_name() -> Cow<'static, str> {
        "RecordId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The id of one record: an RFC 9562 UUID, version 7.",
            "type": "string",
            "format": "uuid",
            "pattern": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        })
    }
}

/// The text is no record id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no record id (a UUIDv7 such as 01936f2e-7c1b-7a52-9d3e-0123456789ab)")]
pub struct ParseRecordIdError(String);

impl FromStr for RecordId {
    type Err = ParseRecordIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseRecordIdError(text.to_owned());
        let dashed = text.len() == 36 && [8, 13, 18, 23].iter().all(|&at| text.as_bytes()[at] == b'-');
        let mut digits = text.bytes().filter(|&b| b != b'-').map(|b| char::from(b).to_digit(16));
        if !dashed || digits.clone().count() != 32 {
            return Err(error());
        }
        let mut bytes = [0; 16];
        for byte in &mut bytes {
            let mut digit = || digits.next().flatten().ok_or_else(error);
            *byte = (digit()? * 16 + digit()?) as u8;
        }
        Self::from_bytes(bytes).ok_or_else(error)
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_reads_back_as_the_same_id(millis in 0_i64..(1 << 47), random: [u8; 10]) {
            let id = RecordId::new(Timestamp::from_micros(millis * 1_000), random);
            prop_assert_eq!(id.to_string().parse::<RecordId>(), Ok(id));
            prop_assert_eq!(RecordId::from_bytes(*id.as_bytes()), Some(id));
        }

        #[test]
        fn ids_sort_by_time(a in 0_i64..(1 << 40), b in 0_i64..(1 << 40), random: [u8; 10]) {
            let id = |millis: i64| RecordId::new(Timestamp::from_micros(millis * 1_000), random);
            prop_assert_eq!(a.cmp(&b), id(a).cmp(&id(b)));
        }

        #[test]
        fn arbitrary_text_is_never_a_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<RecordId>();
        }
    }

    #[test]
    fn other_uuid_versions_are_refused() {
        assert!("01936f2e-7c1b-4a52-9d3e-0123456789ab".parse::<RecordId>().is_err());
        assert!("01936f2e7c1b7a529d3e0123456789ab".parse::<RecordId>().is_err());
        assert!("+1936f2e-7c1b-7a52-9d3e-0123456789ab".parse::<RecordId>().is_err());
    }
}
